//! WSPDuplicateSocket, and WSPSocket with what it gave.

use provider_core::layout::protocol_info;
use provider_core::spi::{
    AF_INET, FD_READ, FROM_PROTOCOL_INFO, SD_SEND, SO_RCVTIMEO, SO_SNDBUF, SOCK_DGRAM,
    WSA_FLAG_OVERLAPPED,
};
use provider_core::{SocketHandle, WsaError};

use crate::support::{
    Errno, Guarded, Op, RecvCall, SendCall, bind, close, connect, datagram_pair, event_select,
    get_option, hold_sends, nothing_arrives, peer_name, receive_datagram, receive_exactly,
    release_sends, set_nonblocking, set_option, shutdown, sock_name, socket, socket_raw,
    stream_pair, told, unbuffered, until,
};
use crate::{Case, CaseResult, TestBed, Waited, check};

/// The cases of this function.
pub(crate) const CASES: &[Case] = &[
    Case::both("duplicate-1-another-descriptor", &["DUPLICATE-1"], another_descriptor),
    Case::both("duplicate-2-good-for-one", &["DUPLICATE-2"], good_for_one),
    Case::both("duplicate-2-made-up", &["DUPLICATE-2"], made_up),
    Case::both("duplicate-3-another-process", &["DUPLICATE-3"], another_process),
    Case::both("duplicate-4-options", &["DUPLICATE-4"], options),
    Case::both("duplicate-4-connection", &["DUPLICATE-4"], connection),
    Case::both("duplicate-5-others-go-on", &["DUPLICATE-5"], others_go_on),
    Case::both("duplicate-6-closing-the-last", &["DUPLICATE-6"], closing_the_last),
    Case::both("duplicate-7-one-registration", &["DUPLICATE-7"], one_registration),
    Case::both("duplicate-8-one-order", &["DUPLICATE-8"], one_order),
    Case::both("result-5-duplicate-of-no-socket", &["RESULT-5", "RESULT-11"], refused),
];

/// The WSAPROTOCOL_INFOW for another descriptor.
fn offer(bed: &dyn TestBed, s: SocketHandle, process: u32) -> Result<Guarded, WsaError> {
    let room = Guarded::holding(bed, &[0xee; protocol_info::SIZE]);
    let errno = Errno::new(bed);
    match bed.spi().wsp_duplicate_socket(s, process, room.at(), errno.at()) {
        0 => Ok(room),
        _ => Err(errno.error(bed)),
    }
}

/// WSPSocket with one.
fn take(bed: &dyn TestBed, info: &Guarded) -> Result<SocketHandle, WsaError> {
    socket_raw(bed, [FROM_PROTOCOL_INFO; 3], info.at(), WSA_FLAG_OVERLAPPED)
}

/// Another descriptor of a socket.
#[track_caller]
fn another(bed: &dyn TestBed, s: SocketHandle) -> CaseResult<SocketHandle> {
    let info = check::works("WSPDuplicateSocket", offer(bed, s, bed.process_id()))?;
    info.check(bed, "lpProtocolInfo")?;
    check::works("WSPSocket", take(bed, &info))
}

fn another_descriptor(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let second = another(bed, pair.b)?;
    check::holds("it is another", second != pair.b)?;
    let third = another(bed, second)?;
    for s in [pair.b, second, third] {
        check::equal("its name", sock_name(bed, s), Ok(pair.at_b))?;
        SendCall::send_to(bed, pair.a).bytes(b"one").to(pair.at_b).call().done(3)?;
        check::equal("what arrived", receive_datagram(bed, s)?.0, b"one".to_vec())?;
    }
    // There is one socket: what one descriptor took is there for no other.
    nothing_arrives(bed, second)
}

fn good_for_one(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let info = check::works("WSPDuplicateSocket", offer(bed, pair.b, bed.process_id()))?;
    let other = check::works("WSPDuplicateSocket", offer(bed, pair.b, bed.process_id()))?;
    check::works("the first use", take(bed, &info))?;
    for _ in 0..2 {
        check::fails("another", take(bed, &info), WsaError::WSAEINVAL)?;
    }
    let last = check::works("the other offer", take(bed, &other))?;
    let unused = check::works("WSPDuplicateSocket", offer(bed, last, bed.process_id()))?;
    check::works("WSPCloseSocket", close(bed, last))?;
    // The offer is of the socket, which is open still.
    check::works("what the closed one offered", take(bed, &unused)).map(drop)
}

fn made_up(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let info = check::works("WSPDuplicateSocket", offer(bed, pair.b, bed.process_id()))?;
    let mut bytes = info.bytes(bed);
    bytes[protocol_info::PROVIDER_RESERVED] ^= 0x55;
    let altered = take(bed, &Guarded::holding(bed, &bytes));
    check::fails("what was not given", altered, WsaError::WSAEINVAL)?;
    check::works("WSPCloseSocket", close(bed, pair.b))?;
    check::fails("what is left of a closed socket", take(bed, &info), WsaError::WSAEINVAL)
}

fn another_process(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let room = Guarded::holding(bed, &[0xee; protocol_info::SIZE]);
    for process in [0, bed.process_id() + 1, u32::MAX] {
        let errno = Errno::new(bed);
        let value = bed.spi().wsp_duplicate_socket(pair.b, process, room.at(), errno.at());
        check::holds("it fails", value != 0)?;
        check::equal("the error", errno.error(bed), WsaError::WSAEOPNOTSUPP)?;
    }
    check::equal("lpProtocolInfo", room.bytes(bed), vec![0xee; protocol_info::SIZE])
}

fn options(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let second = another(bed, pair.b)?;
    check::works("SO_SNDBUF", set_option(bed, pair.b, SO_SNDBUF, 12_345))?;
    check::equal("through the other", get_option(bed, second, SO_SNDBUF), Ok(12_345))?;
    check::works("SO_RCVTIMEO", set_option(bed, second, SO_RCVTIMEO, 20))?;
    RecvCall::recv(bed, pair.b).room(1).call().refused(WsaError::WSAETIMEDOUT)?;
    check::works("FIONBIO", set_nonblocking(bed, second, true))?;
    RecvCall::recv(bed, pair.b).room(1).call().refused(WsaError::WSAEWOULDBLOCK)?;
    // They stay when the descriptor that they were set through is gone.
    check::works("WSPCloseSocket", close(bed, second))?;
    RecvCall::recv(bed, pair.b).room(1).call().refused(WsaError::WSAEWOULDBLOCK)?;
    check::equal("through the first", get_option(bed, pair.b, SO_RCVTIMEO), Ok(20))
}

fn connection(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let second = another(bed, pair.a)?;
    check::equal("its peer", peer_name(bed, second), Ok(pair.at_b))?;
    check::equal("its name", sock_name(bed, second), sock_name(bed, pair.a))?;
    SendCall::send(bed, second).bytes(b"there").call().done(5)?;
    check::equal("what arrived", receive_exactly(bed, pair.b, 5)?, b"there".to_vec())?;
    SendCall::send(bed, pair.b).bytes(b"back").call().done(4)?;
    check::equal("what arrived", receive_exactly(bed, second, 4)?, b"back".to_vec())?;
    check::works("WSPShutdown", shutdown(bed, second, SD_SEND))?;
    SendCall::send(bed, pair.a).bytes(b"x").call().refused(WsaError::WSAESHUTDOWN)?;
    // A datagram socket that is connected through one is connected.
    let pair = datagram_pair(bed)?;
    let second = another(bed, pair.a)?;
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    check::equal("its peer", peer_name(bed, second), Ok(pair.at_b))
}

fn others_go_on(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let (second, third) = (another(bed, pair.b)?, another(bed, pair.b)?);
    let started = [pair.b, second, third].map(|s| {
        let op = Op::new(bed);
        (op, RecvCall::recv(bed, s).room(10).overlapped(&op).call())
    });
    for (_, call) in &started {
        call.pending()?;
    }
    check::works("WSPCloseSocket", close(bed, pair.b))?;
    until(bed, false, "the end of its own", || !started[0].0.is_pending(bed))?;
    started[0].0.failed(bed, WsaError::WSA_OPERATION_ABORTED, 0)?;
    bed.grace(false);
    for (op, _) in &started[1..] {
        op.pending(bed)?;
    }
    check::fails("the closed one", sock_name(bed, pair.b), WsaError::WSAENOTSOCK)?;
    check::equal("the name of the others", sock_name(bed, second), Ok(pair.at_b))?;
    for (op, call) in &started[1..] {
        SendCall::send_to(bed, pair.a).bytes(b"on").to(pair.at_b).call().done(2)?;
        until(bed, false, "the receive", || !op.is_pending(bed))?;
        op.sent(bed, 2)?;
        call.holds(b"on")?;
    }
    Ok(())
}

fn closing_the_last(bed: &dyn TestBed) -> CaseResult {
    let stream = stream_pair(bed)?;
    let second = another(bed, stream.a)?;
    check::works("WSPCloseSocket", close(bed, stream.a))?;
    nothing_arrives(bed, stream.b)?;
    check::works("WSPCloseSocket", close(bed, second))?;
    RecvCall::recv(bed, stream.b).room(10).call().gave(b"")?;
    check::fails("its name", sock_name(bed, second), WsaError::WSAENOTSOCK)?;
    let pair = datagram_pair(bed)?;
    let second = another(bed, pair.b)?;
    let binds = || {
        let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
        Ok(bind(bed, s, pair.at_b))
    };
    check::works("WSPCloseSocket", close(bed, pair.b))?;
    check::fails("its address", binds()?, WsaError::WSAEADDRINUSE)?;
    check::works("WSPCloseSocket", close(bed, second))?;
    check::works("its address", binds()?)
}

fn one_registration(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let second = another(bed, pair.b)?;
    let (old, new) = (bed.create_event(true, false), bed.create_event(true, false));
    check::works("WSPEventSelect", event_select(bed, pair.b, old, FD_READ))?;
    check::works("WSPEventSelect", event_select(bed, second, new, FD_READ))?;
    SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call().done(1)?;
    check::equal("the wait", bed.wait(new, false), Waited::Signalled)?;
    bed.grace(false);
    check::holds("the event that was replaced", !bed.is_set(old))?;
    // What is recorded is the socket's.
    told(bed, pair.b, new, FD_READ)?;
    check::works("cancelling", event_select(bed, pair.b, old, 0))?;
    bed.reset_event(new);
    SendCall::send_to(bed, pair.a).bytes(b"y").to(pair.at_b).call().done(1)?;
    bed.grace(false);
    check::holds("the event that was cancelled", !bed.is_set(new))
}

fn one_order(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    let pieces = [&b"one "[..], b"two ", b"three ", b"four "];
    for (s, to) in [(stream.a, stream.at_b), (pair.a, pair.at_b)] {
        unbuffered(bed, s)?;
        let second = another(bed, s)?;
        hold_sends(bed);
        let ops = pieces.map(|_| Op::new(bed));
        for (number, (piece, op)) in pieces.into_iter().zip(&ops).enumerate() {
            let through = if number % 2 == 0 { s } else { second };
            let call = SendCall::send_to(bed, through).bytes(piece).to(to).overlapped(op);
            call.call().pending()?;
        }
        release_sends(bed);
        until(bed, false, "the sends", || ops.iter().all(|op| !op.is_pending(bed)))?;
    }
    let whole = pieces.concat();
    check::equal("the stream", receive_exactly(bed, stream.b, whole.len())?, whole)?;
    for piece in pieces {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, piece.to_vec())?;
    }
    Ok(())
}

fn refused(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let offered = offer(bed, bed.no_socket(), bed.process_id()).map(drop);
    check::fails("no socket", offered, WsaError::WSAENOTSOCK)?;
    for bad in bed.bad_pointers() {
        let errno = Errno::new(bed);
        let process = bed.process_id();
        let value = bed.spi().wsp_duplicate_socket(pair.b, process, bad.at, errno.at());
        check::holds(bad.what, value != 0)?;
        check::equal(bad.what, errno.error(bed), WsaError::WSAEFAULT)?;
    }
    Ok(())
}
