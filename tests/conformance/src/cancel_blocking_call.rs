//! WSPCancelBlockingCall. What it does to sends is in [`crate::send_to`].

use provider_core::WsaError;
use provider_core::spi::{AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED};

use crate::support::{
    RecvCall, SendCall, accept, cancel_blocking_call, connect, datagram_pair, ends, listener,
    receive_ready, set_nonblocking, sock_name, socket, stream_pair, unbuffered,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, check};

/// The cases of this function.
pub(crate) const CASES: &[Case] = &[
    Case::both("cancel-1-ends-the-blocked-call", &["CANCEL-1", "CANCEL-3"], receive),
    Case::both("cancel-2-nothing-is-blocked", &["CANCEL-2"], nothing),
    Case::both("cancel-3-from-the-hook", &["CANCEL-1", "CANCEL-3", "RESULT-7"], from_the_hook),
    Case::both("cancel-4-its-own-end-counts", &["CANCEL-4"], own_end),
    Case::both("cancel-5-accept-goes-on", &["CANCEL-5"], accepting),
    Case::both("cancel-6-a-torn-stream-is-reset", &["CANCEL-6"], torn),
];

/// Cancels the blocked call of `thread` from an APC in its wait.
fn cancel(bed: &dyn TestBed, thread: crate::BedThread) -> CaseResult {
    bed.grace(false);
    let apc = |bed: &dyn TestBed| check::works("cancelling", cancel_blocking_call(bed));
    check::holds("the APC was queued", bed.queue_apc(thread, Box::new(apc)))
}

fn receive(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let thread = bed.spawn(
        "receiver",
        Box::new(move |bed| {
            RecvCall::recv(bed, pair.b).room(10).call().refused(WsaError::WSAEINTR)
        }),
    );
    cancel(bed, thread)?;
    ends(bed, thread)
}

fn nothing(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::fails("before any call", cancel_blocking_call(bed), WsaError::WSAEINVAL)?;
    SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call().done(1)?;
    check::fails("after one that ended", cancel_blocking_call(bed), WsaError::WSAEINVAL)
}

fn from_the_hook(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    bed.set_blocking_hook(Some(Box::new(move |bed| {
        // Nothing else works in there.
        RecvCall::recv(bed, pair.a).room(1).call().refused(WsaError::WSAEINPROGRESS)?;
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call();
        call.refused(WsaError::WSAEINPROGRESS)?;
        check::fails("WSPGetSockName", sock_name(bed, pair.a), WsaError::WSAEINPROGRESS)?;
        check::works("cancelling", cancel_blocking_call(bed))?;
        Ok(false)
    })));
    RecvCall::recv(bed, pair.b).room(10).call().refused(WsaError::WSAEINTR)?;
    bed.set_blocking_hook(None);
    SendCall::send_to(bed, pair.a).bytes(b"after").to(pair.at_b).call().done(5)?;
    RecvCall::recv(bed, pair.b).room(10).call().gave(b"after")
}

/// The data is there, and the call has ended, before the APC in its wait cancels it.
fn own_end(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let queued = bed.queue_apc(
        bed.current_thread(),
        Box::new(move |bed| {
            SendCall::send_to(bed, pair.a).bytes(b"data").to(pair.at_b).call().done(4)?;
            bed.grace(false);
            check::works("cancelling", cancel_blocking_call(bed))
        }),
    );
    check::holds("the APC was queued", queued)?;
    RecvCall::recv(bed, pair.b).room(10).call().gave(b"data")?;
    check::fails("after it", cancel_blocking_call(bed), WsaError::WSAEINVAL)
}

fn accepting(bed: &dyn TestBed) -> CaseResult {
    let (listener, at) = listener(bed)?;
    let thread = bed.spawn(
        "acceptor",
        Box::new(move |bed| check::fails("WSPAccept", accept(bed, listener), WsaError::WSAEINTR)),
    );
    cancel(bed, thread)?;
    ends(bed, thread)?;
    let client = check::works("a socket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))?;
    check::works("WSPConnect", connect(bed, client, at))?;
    let server = check::works("WSPAccept", accept(bed, listener))?;
    SendCall::send(bed, client).bytes(b"x").call().done(1)?;
    RecvCall::recv(bed, server).room(10).call().gave(b"x")
}

fn torn(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    unbuffered(bed, pair.a)?;
    bed.lower().answer(Seam::Send, Answer::Take(4));
    // After its first piece the transport has no more room.
    for _ in 0..2_000 {
        bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAEWOULDBLOCK));
    }
    let thread = bed.spawn(
        "sender",
        Box::new(move |bed| {
            let call = SendCall::send(bed, pair.a).bytes(b"torn apart").call();
            call.refused(WsaError::WSAEINTR)
        }),
    );
    cancel(bed, thread)?;
    ends(bed, thread)?;
    bed.lower().forget_answers(Seam::Send);
    SendCall::send(bed, pair.a).bytes(b"x").call().refused(WsaError::WSAECONNABORTED)?;
    RecvCall::recv(bed, pair.a).room(1).call().refused(WsaError::WSAECONNABORTED)?;
    check::works("FIONBIO", set_nonblocking(bed, pair.b, true))?;
    bed.grace(false);
    let mut last = receive_ready(bed, pair.b, 100);
    if last.is_ok() {
        last = receive_ready(bed, pair.b, 100);
    }
    check::fails("the peer", last, WsaError::WSAECONNRESET)
}
