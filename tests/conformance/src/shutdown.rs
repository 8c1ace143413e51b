//! WSPShutdown (SHUTDOWN).

use provider_core::spi::{
    AF_INET, SD_BOTH, SD_RECEIVE, SD_SEND, SO_LINGER, SOCK_DGRAM, SOCK_STREAM, WSA_FLAG_OVERLAPPED,
};
use provider_core::{SocketHandle, WsaError};

use crate::support::{
    LOOPBACK_V4, Op, RecvCall, SendCall, bind, close, completions, connect, datagram_pair, ends,
    hold_sends, listen, peer_name, receive_exactly, release_sends, set_option, shutdown, sock_name,
    socket, stream_pair, unbuffered,
};
use crate::{Case, CaseResult, Seam, TestBed, Waited, check};

/// The cases of this family.
pub(crate) const CASES: &[Case] = &[
    Case::both("shutdown-1-no-more-sends", &["SHUTDOWN-1"], no_more_sends),
    Case::both("shutdown-2-the-end-comes-last", &["SHUTDOWN-2", "SHUTDOWN-7"], end_comes_last),
    Case::both("shutdown-3-no-more-receives", &["SHUTDOWN-3"], no_more_receives),
    Case::both("shutdown-4-receives-that-wait", &["SHUTDOWN-4"], waiting_receives),
    Case::both("shutdown-4-receives-that-block", &["SHUTDOWN-4"], blocked_receives),
    Case::both("shutdown-5-another-how", &["SHUTDOWN-5"], another_how),
    Case::both("shutdown-6-not-connected", &["SHUTDOWN-6"], not_connected),
    Case::both("shutdown-6-connecting", &["SHUTDOWN-6"], connecting),
    Case::both("shutdown-7-does-not-linger", &["SHUTDOWN-7"], does_not_linger),
    Case::both("shutdown-8-a-second-time", &["SHUTDOWN-8"], second_time),
    Case::both("shutdown-9-the-socket-stays", &["SHUTDOWN-9"], socket_stays),
    Case::both("result-5-shutdown-of-no-socket", &["RESULT-5"], no_socket),
];

const SHUT: WsaError = WsaError::WSAESHUTDOWN;

/// The peer of a stream that ended finds the end of it.
fn ended(bed: &dyn TestBed, s: SocketHandle) -> CaseResult {
    RecvCall::recv(bed, s).room(10).call().gave(b"")
}

fn no_more_sends(bed: &dyn TestBed) -> CaseResult {
    for how in [SD_SEND, SD_BOTH] {
        let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
        for s in [stream.a, pair.a] {
            check::works("WSPShutdown", shutdown(bed, s, how))?;
            let op = Op::new(bed);
            SendCall::send(bed, s).bytes(b"x").call().refused(SHUT)?;
            SendCall::send_to(bed, s).bytes(b"x").to(pair.at_b).call().refused(SHUT)?;
            SendCall::send(bed, s).bytes(b"x").overlapped(&op).call().refused(SHUT)?;
            op.untouched(bed)?;
        }
        ended(bed, stream.b)?;
        // The other direction goes on.
        if how == SD_SEND {
            SendCall::send(bed, stream.b).bytes(b"answer").call().done(6)?;
            SendCall::send_to(bed, pair.b).bytes(b"answer").to(pair.at_a).call().done(6)?;
            bed.grace(false);
            for s in [stream.a, pair.a] {
                RecvCall::recv(bed, s).room(10).call().gave(b"answer")?;
            }
        }
    }
    Ok(())
}

fn end_comes_last(bed: &dyn TestBed) -> CaseResult {
    for how in [SD_SEND, SD_BOTH] {
        let (buffered, queued) = (stream_pair(bed)?, stream_pair(bed)?);
        unbuffered(bed, queued.a)?;
        hold_sends(bed);
        SendCall::send(bed, buffered.a).bytes(b"in the buffer").call().done(13)?;
        let event = bed.create_event(true, false);
        let op = Op::with_event(bed, event);
        SendCall::send(bed, queued.a).bytes(b"in the queue").overlapped(&op).call().pending()?;
        for s in [buffered.a, queued.a] {
            check::works("WSPShutdown", shutdown(bed, s, how))?;
        }
        op.pending(bed)?;
        release_sends(bed);
        check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
        op.sent(bed, 12)?;
        let got = receive_exactly(bed, buffered.b, 13)?;
        check::equal("what arrived", got, b"in the buffer".to_vec())?;
        let got = receive_exactly(bed, queued.b, 12)?;
        check::equal("what arrived", got, b"in the queue".to_vec())?;
        ended(bed, buffered.b)?;
        ended(bed, queued.b)?;
    }
    Ok(())
}

fn no_more_receives(bed: &dyn TestBed) -> CaseResult {
    for how in [SD_RECEIVE, SD_BOTH] {
        let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
        // What had come before is not given any more either.
        SendCall::send_to(bed, pair.a).bytes(b"before").to(pair.at_b).call().done(6)?;
        bed.grace(false);
        for s in [stream.b, pair.b] {
            check::works("WSPShutdown", shutdown(bed, s, how))?;
            let op = Op::new(bed);
            RecvCall::recv(bed, s).room(10).call().refused(SHUT)?;
            RecvCall::recv_from(bed, s).room(10).call().refused(SHUT)?;
            RecvCall::recv(bed, s).room(10).overlapped(&op).call().refused(SHUT)?;
            op.untouched(bed)?;
        }
    }
    Ok(())
}

fn waiting_receives(bed: &dyn TestBed) -> CaseResult {
    for how in [SD_RECEIVE, SD_BOTH] {
        let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
        for s in [stream.b, pair.b] {
            let seen = completions(bed);
            let event = bed.create_event(true, false);
            let (one, two) = (Op::with_event(bed, event), Op::new(bed));
            RecvCall::recv(bed, s).room(10).overlapped(&one).call().pending()?;
            let call = RecvCall::recv(bed, s).room(10).overlapped(&two).routine(seen.routine());
            call.call().pending()?;
            check::works("WSPShutdown", shutdown(bed, s, how))?;
            check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
            one.failed(bed, SHUT, 0)?;
            seen.one(bed, &two, SHUT, 0)?;
            two.failed(bed, SHUT, 0)?;
        }
    }
    Ok(())
}

fn blocked_receives(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    for s in [stream.b, pair.b] {
        let thread = bed.spawn(
            "receiver",
            Box::new(move |bed| RecvCall::recv(bed, s).room(10).call().refused(SHUT)),
        );
        bed.grace(false);
        check::works("WSPShutdown", shutdown(bed, s, SD_RECEIVE))?;
        ends(bed, thread)?;
    }
    Ok(())
}

fn another_how(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    for how in [-1, 3, 99, i32::MIN, i32::MAX] {
        for s in [stream.a, pair.a] {
            let refused = shutdown(bed, s, how);
            check::fails(&format!("how {how}"), refused, WsaError::WSAEINVAL)?;
        }
    }
    SendCall::send(bed, stream.a).bytes(b"x").call().done(1)?;
    SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call().done(1)?;
    bed.grace(false);
    for s in [stream.b, pair.b] {
        RecvCall::recv(bed, s).room(10).call().gave(b"x")?;
    }
    Ok(())
}

fn not_connected(bed: &dyn TestBed) -> CaseResult {
    let new = || socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED);
    let [unbound, bound, listening] = [(); 3].map(|()| new());
    let unbound = check::works("WSPSocket", unbound)?;
    let bound = check::works("WSPSocket", bound)?;
    let listening = check::works("WSPSocket", listening)?;
    check::works("WSPBind", bind(bed, bound, LOOPBACK_V4))?;
    check::works("WSPBind", bind(bed, listening, LOOPBACK_V4))?;
    check::works("WSPListen", listen(bed, listening))?;
    for s in [unbound, bound, listening] {
        for how in [SD_SEND, SD_RECEIVE, SD_BOTH] {
            check::fails("WSPShutdown", shutdown(bed, s, how), WsaError::WSAENOTCONN)?;
        }
    }
    // A datagram socket needs no connection for it.
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
    check::works("WSPShutdown", shutdown(bed, s, SD_BOTH))
}

fn connecting(bed: &dyn TestBed) -> CaseResult {
    let listener = check::works("WSPSocket", socket(bed, AF_INET, SOCK_STREAM, 0))?;
    check::works("WSPBind", bind(bed, listener, LOOPBACK_V4))?;
    check::works("WSPListen", listen(bed, listener))?;
    let at = check::works("WSPGetSockName", sock_name(bed, listener))?;
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))?;
    check::works("FIONBIO", crate::support::set_nonblocking(bed, s, true))?;
    bed.lower().hold(Seam::Connect);
    check::fails("WSPConnect", connect(bed, s, at), WsaError::WSAEWOULDBLOCK)?;
    for how in [SD_SEND, SD_RECEIVE, SD_BOTH] {
        check::fails("WSPShutdown", shutdown(bed, s, how), WsaError::WSAENOTCONN)?;
    }
    Ok(())
}

fn does_not_linger(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("SO_LINGER", set_option(bed, pair.a, SO_LINGER, 1 | 1_000 << 16))?;
    hold_sends(bed);
    SendCall::send(bed, pair.a).bytes(b"still here").call().done(10)?;
    // In a thread of its own: what blocks does not end within the bed's limit.
    let s = pair.a;
    let thread = bed.spawn(
        "shutter",
        Box::new(move |bed| check::works("WSPShutdown", shutdown(bed, s, SD_BOTH))),
    );
    ends(bed, thread)?;
    release_sends(bed);
    check::equal("what arrived", receive_exactly(bed, pair.b, 10)?, b"still here".to_vec())?;
    ended(bed, pair.b)
}

fn second_time(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    for s in [stream.a, pair.a] {
        for how in [SD_SEND, SD_SEND, SD_RECEIVE, SD_RECEIVE, SD_BOTH, SD_SEND] {
            check::works("WSPShutdown", shutdown(bed, s, how))?;
        }
    }
    ended(bed, stream.b)
}

fn socket_stays(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    for s in [stream.a, pair.a] {
        let at = check::works("WSPGetSockName", sock_name(bed, s))?;
        check::works("WSPShutdown", shutdown(bed, s, SD_BOTH))?;
        bed.grace(false);
        check::equal("its name", sock_name(bed, s), Ok(at))?;
    }
    check::equal("its peer", peer_name(bed, stream.a), Ok(stream.at_b))?;
    for s in [stream.a, pair.a] {
        check::works("WSPCloseSocket", close(bed, s))?;
    }
    Ok(())
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    check::fails("WSPShutdown", shutdown(bed, bed.no_socket(), SD_BOTH), WsaError::WSAENOTSOCK)
}
