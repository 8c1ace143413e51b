//! WSPCloseSocket (CLOSE).

use provider_core::spi::{
    AF_INET, SD_SEND, SO_DONTLINGER, SO_LINGER, SOCK_DGRAM, SOCK_STREAM, WSA_FLAG_OVERLAPPED,
};
use provider_core::{SocketHandle, WsaError};

use crate::support::{
    LOOPBACK_V4, Op, RecvCall, SendCall, accept, bind, cancel_blocking_call, close, close_hard,
    completions, connect, datagram_pair, ends, get_option, hold_sends, listen, listener, peer_name,
    receive_datagram, receive_exactly, release_sends, set_nonblocking, set_option, shutdown,
    sock_name, socket, stream_pair, until,
};
use crate::{BedThread, Case, CaseResult, Shared, TestBed, Waited, check};

/// The cases of this family.
pub(crate) const CASES: &[Case] = &[
    Case::both("close-1-no-socket-any-more", &["CLOSE-1"], gone),
    Case::both("close-2-what-was-accepted-is-sent", &["CLOSE-2"], graceful),
    Case::both("close-3-resets", &["CLOSE-3"], resets),
    Case::both("close-4-waits-until-all-is-sent", &["CLOSE-4"], lingers),
    Case::both("close-4-with-nothing-to-wait-for", &["CLOSE-4"], nothing_to_wait_for),
    Case::both("close-4-runs-out-of-time", &["CLOSE-4"], out_of_time),
    Case::both("close-5-would-block", &["CLOSE-5"], would_block),
    Case::both("close-6-cancelled", &["CLOSE-6"], cancelled),
    Case::both("close-7-receives-that-wait", &["CLOSE-7"], waiting_receives),
    Case::both("close-8-accept-that-blocks", &["CLOSE-8", "ACCEPT-15"], blocked_accept),
    Case::both("close-8-receives-that-block", &["CLOSE-8"], blocked_receives),
    Case::both("close-10-datagram-socket", &["CLOSE-10"], datagram),
    Case::both("close-11-connections-that-wait", &["CLOSE-11"], waiting_connections),
    Case::both("result-5-close-of-no-socket", &["RESULT-5"], no_socket),
];

/// SO_LINGER with a time-out, in the shape of a `struct linger`.
const fn linger(seconds: u32) -> u32 {
    1 | seconds << 16
}

fn gone(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    let new = socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED);
    const NO_SOCKET: WsaError = WsaError::WSAENOTSOCK;
    for s in [stream.a, pair.a, check::works("WSPSocket", new)?] {
        check::works("WSPCloseSocket", close(bed, s))?;
        check::fails("another", close(bed, s), NO_SOCKET)?;
        check::fails("WSPGetSockName", sock_name(bed, s), NO_SOCKET)?;
        check::fails("WSPGetPeerName", peer_name(bed, s), NO_SOCKET)?;
        check::fails("WSPBind", bind(bed, s, LOOPBACK_V4), NO_SOCKET)?;
        check::fails("WSPConnect", connect(bed, s, stream.at_b), NO_SOCKET)?;
        check::fails("WSPListen", listen(bed, s), NO_SOCKET)?;
        check::fails("WSPShutdown", shutdown(bed, s, SD_SEND), NO_SOCKET)?;
        check::fails("WSPGetSockOpt", get_option(bed, s, SO_LINGER), NO_SOCKET)?;
        check::fails("WSPSetSockOpt", set_option(bed, s, SO_LINGER, 0), NO_SOCKET)?;
        check::fails("WSPAccept", accept(bed, s), NO_SOCKET)?;
        SendCall::send(bed, s).bytes(b"x").call().refused(NO_SOCKET)?;
        RecvCall::recv(bed, s).room(1).call().refused(NO_SOCKET)?;
    }
    // Its address is free for another.
    let again = socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED);
    check::works("WSPBind", bind(bed, check::works("WSPSocket", again)?, pair.at_a))
}

fn graceful(bed: &dyn TestBed) -> CaseResult {
    for option in [None, Some(SO_DONTLINGER)] {
        let pair = stream_pair(bed)?;
        if let Some(option) = option {
            check::works("SO_LINGER", set_option(bed, pair.a, SO_LINGER, linger(1_000)))?;
            check::works("SO_DONTLINGER", set_option(bed, pair.a, option, 1))?;
        }
        hold_sends(bed);
        SendCall::send(bed, pair.a).bytes(b"accepted").call().done(8)?;
        ends(bed, closer(bed, pair.a, Ok(())))?;
        release_sends(bed);
        check::equal("what arrived", receive_exactly(bed, pair.b, 8)?, b"accepted".to_vec())?;
        RecvCall::recv(bed, pair.b).room(10).call().gave(b"")?;
    }
    Ok(())
}

/// A thread that closes a socket.
fn closer(bed: &dyn TestBed, s: SocketHandle, want: Result<(), WsaError>) -> BedThread {
    bed.spawn("closer", Box::new(move |bed| check::equal("WSPCloseSocket", close(bed, s), want)))
}

fn resets(bed: &dyn TestBed) -> CaseResult {
    for unsent in [false, true] {
        let pair = stream_pair(bed)?;
        if unsent {
            hold_sends(bed);
            SendCall::send(bed, pair.a).bytes(b"dropped").call().done(7)?;
        }
        bed.lower().clear_taken();
        check::works("closing hard", close_hard(bed, pair.a))?;
        release_sends(bed);
        bed.grace(false);
        check::equal("what the transport took", bed.lower().taken(), Vec::new())?;
        RecvCall::recv(bed, pair.b).room(10).call().refused(WsaError::WSAECONNRESET)?;
    }
    Ok(())
}

fn lingers(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("SO_LINGER", set_option(bed, pair.a, SO_LINGER, linger(1_000)))?;
    hold_sends(bed);
    SendCall::send(bed, pair.a).bytes(b"accepted").call().done(8)?;
    let returned = Shared::new(false);
    let (s, done) = (pair.a, returned.clone());
    let thread = bed.spawn(
        "closer",
        Box::new(move |bed| {
            check::works("WSPCloseSocket", close(bed, s))?;
            done.set(true);
            Ok(())
        }),
    );
    bed.grace(false);
    check::holds("it waits", !returned.get())?;
    check::fails("its name meanwhile", sock_name(bed, s), WsaError::WSAENOTSOCK)?;
    release_sends(bed);
    ends(bed, thread)?;
    check::equal("what arrived", receive_exactly(bed, pair.b, 8)?, b"accepted".to_vec())?;
    RecvCall::recv(bed, pair.b).room(10).call().gave(b"")
}

fn nothing_to_wait_for(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("SO_LINGER", set_option(bed, pair.a, SO_LINGER, linger(1_000)))?;
    ends(bed, closer(bed, pair.a, Ok(())))?;
    RecvCall::recv(bed, pair.b).room(10).call().gave(b"")
}

fn out_of_time(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("SO_LINGER", set_option(bed, pair.a, SO_LINGER, linger(1)))?;
    hold_sends(bed);
    SendCall::send(bed, pair.a).bytes(b"too late").call().done(8)?;
    bed.lower().clear_taken();
    ends(bed, closer(bed, pair.a, Ok(())))?;
    release_sends(bed);
    bed.grace(false);
    check::equal("what the transport took", bed.lower().taken(), Vec::new())?;
    RecvCall::recv(bed, pair.b).room(10).call().refused(WsaError::WSAECONNRESET)
}

fn would_block(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("SO_LINGER", set_option(bed, pair.a, SO_LINGER, linger(5)))?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    let op = Op::new(bed);
    RecvCall::recv(bed, pair.a).room(10).overlapped(&op).call().pending()?;
    hold_sends(bed);
    SendCall::send(bed, pair.a).bytes(b"before").call().done(6)?;
    for _ in 0..2 {
        check::fails("WSPCloseSocket", close(bed, pair.a), WsaError::WSAEWOULDBLOCK)?;
    }
    // Nothing has happened: the descriptor is good, the connection too, and the receive waits.
    check::equal("its peer", peer_name(bed, pair.a), Ok(pair.at_b))?;
    op.pending(bed)?;
    SendCall::send(bed, pair.a).bytes(b"after").call().done(5)?;
    release_sends(bed);
    check::equal("what arrived", receive_exactly(bed, pair.b, 11)?, b"beforeafter".to_vec())?;
    let mut closed = Ok(());
    until(bed, false, "the end of WSAEWOULDBLOCK", || {
        closed = close(bed, pair.a);
        closed != Err(WsaError::WSAEWOULDBLOCK)
    })?;
    check::works("WSPCloseSocket", closed)?;
    check::fails("its name", sock_name(bed, pair.a), WsaError::WSAENOTSOCK)?;
    RecvCall::recv(bed, pair.b).room(10).call().gave(b"")
}

fn cancelled(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("SO_LINGER", set_option(bed, pair.a, SO_LINGER, linger(1_000)))?;
    hold_sends(bed);
    SendCall::send(bed, pair.a).bytes(b"accepted").call().done(8)?;
    let thread = closer(bed, pair.a, Err(WsaError::WSAEINTR));
    bed.grace(false);
    let cancel =
        |bed: &dyn TestBed| check::works("WSPCancelBlockingCall", cancel_blocking_call(bed));
    check::holds("the APC was queued", bed.queue_apc(thread, Box::new(cancel)))?;
    ends(bed, thread)?;
    check::fails("its name", sock_name(bed, pair.a), WsaError::WSAENOTSOCK)?;
    check::fails("another close", close(bed, pair.a), WsaError::WSAENOTSOCK)
}

fn waiting_receives(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    for s in [stream.b, pair.b] {
        let seen = completions(bed);
        let event = bed.create_event(true, false);
        let (one, two, three) = (Op::with_event(bed, event), Op::new(bed), Op::new(bed));
        RecvCall::recv(bed, s).room(10).overlapped(&one).call().pending()?;
        RecvCall::recv(bed, s).room(10).overlapped(&two).call().pending()?;
        let call = RecvCall::recv(bed, s).room(10).overlapped(&three).routine(seen.routine());
        call.call().pending()?;
        check::works("WSPCloseSocket", close(bed, s))?;
        check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
        seen.one(bed, &three, WsaError::WSA_OPERATION_ABORTED, 0)?;
        until(bed, false, "the status", || !two.is_pending(bed))?;
        for op in [one, two, three] {
            op.failed(bed, WsaError::WSA_OPERATION_ABORTED, 0)?;
        }
        seen.stay(bed, 1)?;
    }
    Ok(())
}

fn blocked_accept(bed: &dyn TestBed) -> CaseResult {
    let (s, _) = listener(bed)?;
    let thread = bed.spawn(
        "acceptor",
        Box::new(move |bed| check::fails("WSPAccept", accept(bed, s), WsaError::WSAEINTR)),
    );
    bed.grace(false);
    check::works("WSPCloseSocket", close(bed, s))?;
    ends(bed, thread)
}

fn blocked_receives(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    for s in [stream.b, pair.b] {
        let threads = [(); 2].map(|()| {
            bed.spawn(
                "receiver",
                Box::new(move |bed| {
                    RecvCall::recv(bed, s).room(10).call().refused(WsaError::WSAEINTR)
                }),
            )
        });
        bed.grace(false);
        check::works("WSPCloseSocket", close(bed, s))?;
        for thread in threads {
            ends(bed, thread)?;
        }
    }
    Ok(())
}

fn datagram(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    // SO_LINGER is not for this type.
    let refused = set_option(bed, pair.a, SO_LINGER, linger(1_000));
    check::fails("SO_LINGER", refused, WsaError::WSAENOPROTOOPT)?;
    hold_sends(bed);
    SendCall::send_to(bed, pair.a).bytes(b"accepted").to(pair.at_b).call().done(8)?;
    ends(bed, closer(bed, pair.a, Ok(())))?;
    release_sends(bed);
    let got = receive_datagram(bed, pair.b)?;
    check::equal("what arrived", got, (b"accepted".to_vec(), pair.at_a))
}

fn waiting_connections(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    let mut callers = Vec::new();
    for _ in 0..3 {
        let opened = socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED);
        let caller = check::works("WSPSocket", opened)?;
        check::works("WSPConnect", connect(bed, caller, at))?;
        callers.push(caller);
    }
    check::works("WSPCloseSocket", close(bed, s))?;
    for caller in callers {
        RecvCall::recv(bed, caller).room(10).call().refused(WsaError::WSAECONNRESET)?;
    }
    Ok(())
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    check::fails("WSPCloseSocket", close(bed, bed.no_socket()), WsaError::WSAENOTSOCK)
}
