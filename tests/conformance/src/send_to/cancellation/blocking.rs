//! WSPCancelBlockingCall.

use provider_core::WsaError;

use crate::support::{
    DatagramPair, SendCall, cancel_blocking_call, datagram_pair, ends, full_pair, hold_sends,
    nothing_arrives, receive_datagram, receive_exactly, receive_ready, release_sends,
    set_nonblocking, stream_pair, unbuffered,
};
use crate::{Answer, Case, CaseResult, Seam, Shared, TestBed, check};

/// The cases of this family.
pub(in crate::send_to) const CASES: &[Case] = &[
    Case::both("err-intr-cancelled-from-its-own-wait", &["ERR-INTR", "CXL-4"], cancelled),
    Case::both("cxl-4-nothing-to-cancel", &["CXL-4"], nothing),
    Case::both("cxl-4-not-another-threads-call", &["CXL-4"], not_anothers),
    Case::both("cxl-4-cancel-meets-the-end", &["CXL-4", "CXL-8"], meets_the_end),
    Case::both("cxl-4-an-untouched-stream-goes-on", &["CXL-4"], untouched_stream),
    Case::both("cxl-4-a-torn-stream-is-aborted", &["CXL-4", "ERR-CONNABORTED"], torn_stream),
];

/// A thread that blocks in a send of `text` and is cancelled by an APC in its own wait; `check`
/// sees what came of the call.
fn cancel_blocked(
    bed: &dyn TestBed,
    s: provider_core::SocketHandle,
    to: core::net::SocketAddr,
    text: &'static [u8],
) -> CaseResult {
    let thread = bed.spawn(
        "sender",
        Box::new(move |bed| {
            let call = SendCall::send_to(bed, s).bytes(text).to(to).call();
            call.refused(WsaError::WSAEINTR)?;
            // It is over: there is nothing to cancel any more.
            check::fails("a second time", cancel_blocking_call(bed), WsaError::WSAEINVAL)
        }),
    );
    bed.grace(false);
    let queued = bed.queue_apc(
        thread,
        Box::new(|bed| check::works("WSPCancelBlockingCall", cancel_blocking_call(bed))),
    );
    check::holds("the APC was queued", queued)?;
    ends(bed, thread)
}

fn cancelled(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    cancel_blocked(bed, pair.a, pair.at_b, b"cancelled")?;
    release_sends(bed);
    nothing_arrives(bed, pair.b)?;
    // A datagram socket is none the worse for it.
    SendCall::send_to(bed, pair.a).bytes(b"after").to(pair.at_b).call().done(5)?;
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"after".to_vec())
}

fn nothing(bed: &dyn TestBed) -> CaseResult {
    check::fails("cancelling", cancel_blocking_call(bed), WsaError::WSAEINVAL)?;
    // A send that pends blocks nobody.
    let pair = full_pair(bed)?;
    let op = crate::support::Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op).call();
    call.pending()?;
    check::fails("cancelling", cancel_blocking_call(bed), WsaError::WSAEINVAL)?;
    op.pending(bed)
}

fn not_anothers(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let returned = Shared::new(false);
    let done = returned.clone();
    let thread = bed.spawn(
        "sender",
        Box::new(move |bed| {
            SendCall::send_to(bed, pair.a).bytes(b"blocked").to(pair.at_b).call().done(7)?;
            done.set(true);
            Ok(())
        }),
    );
    bed.grace(false);
    check::fails("cancelling", cancel_blocking_call(bed), WsaError::WSAEINVAL)?;
    bed.grace(false);
    check::holds("it has not returned", !returned.get())?;
    release_sends(bed);
    ends(bed, thread)?;
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"blocked".to_vec())
}

fn meets_the_end(bed: &dyn TestBed) -> CaseResult {
    let pair: DatagramPair = full_pair(bed)?;
    bed.lower().clear_taken();
    let result = Shared::new(None);
    let came = result.clone();
    let thread = bed.spawn(
        "sender",
        Box::new(move |bed| {
            let call = SendCall::send_to(bed, pair.a).bytes(b"either").to(pair.at_b).call();
            came.set(Some(call.result()));
            Ok(())
        }),
    );
    bed.grace(false);
    // By the time that it runs the thread may be through: then there is nothing to cancel.
    let queued = bed.queue_apc(
        thread,
        Box::new(|bed| match cancel_blocking_call(bed) {
            Ok(()) | Err(WsaError::WSAEINVAL) => Ok(()),
            Err(error) => check::works("WSPCancelBlockingCall", Err(error)),
        }),
    );
    check::holds("the APC was queued", queued)?;
    release_sends(bed);
    ends(bed, thread)?;
    bed.grace(false);
    let sent = bed.lower().taken().len();
    match result.get() {
        Some(Ok(6)) => check::equal("datagrams taken", sent, 1),
        other => {
            check::equal("the send", other, Some(Err(WsaError::WSAEINTR)))?;
            check::equal("datagrams taken", sent, 0)
        }
    }
}

fn untouched_stream(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (stream_pair(bed)?, datagram_pair(bed)?);
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    cancel_blocked(bed, pair.a, other.at_b, b"cancelled")?;
    release_sends(bed);
    // Nothing of it had gone: the stream is whole.
    SendCall::send(bed, pair.a).bytes(b"after").call().done(5)?;
    check::equal("the stream", receive_exactly(bed, pair.b, 5)?, b"after".to_vec())
}

fn torn_stream(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (stream_pair(bed)?, datagram_pair(bed)?);
    unbuffered(bed, pair.a)?;
    // A part of it goes, then there is no more room.
    bed.lower().answer(Seam::Send, Answer::Take(4));
    for _ in 0..2_000 {
        bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAEWOULDBLOCK));
    }
    cancel_blocked(bed, pair.a, other.at_b, b"torn apart")?;
    bed.lower().forget_answers(Seam::Send);
    for _ in 0..2 {
        SendCall::send(bed, pair.a).bytes(b"x").call().refused(WsaError::WSAECONNABORTED)?;
    }
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    let received = receive_ready(bed, pair.a, 10);
    check::fails("a receive", received, WsaError::WSAECONNABORTED)?;
    // The peer sees the end of it, not the middle of another message.
    bed.grace(false);
    check::works("FIONBIO", set_nonblocking(bed, pair.b, true))?;
    match receive_ready(bed, pair.b, 100) {
        Ok((bytes, _)) => check::equal("the part that went", bytes, b"torn".to_vec())?,
        other => check::fails("the peer's receive", other, WsaError::WSAECONNRESET)?,
    }
    let after = receive_ready(bed, pair.b, 100);
    check::fails("the peer's next receive", after, WsaError::WSAECONNRESET)
}
