//! Receives that block.

use provider_core::WsaError;
use provider_core::spi::{MSG_WAITALL, SO_RCVTIMEO};

use crate::support::{
    Op, RecvCall, SendCall, Sets, cancel_blocking_call, close, datagram_pair, ends,
    nothing_arrives, ready, set_nonblocking, set_option, sock_name, stream_pair, until,
};
use crate::{Case, CaseResult, Shared, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("recv-8-waits-for-the-first", &["RECV-8"], waits),
    Case::both("recv-29-time-out", &["RECV-29"], time_out),
    Case::both("recv-16-nothing-is-lost-to-a-time-out", &["RECV-16"], time_out_keeps),
    Case::both("recv-30-cancelled", &["RECV-30"], cancelled),
    Case::both("recv-30-closed", &["RECV-30"], closed),
    Case::both("result-6-blocking-inside-blocking", &["RESULT-6"], inside),
    Case::both("result-8-in-a-routine", &["RESULT-8"], in_a_routine),
    Case::both("result-6-not-where-data-waits", &["RESULT-6"], inside_with_data),
];

fn waits(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    for (s, from, to) in [(stream.b, stream.a, stream.at_b), (pair.b, pair.a, pair.at_b)] {
        let returned = Shared::new(false);
        let done = returned.clone();
        let thread = bed.spawn(
            "receiver",
            Box::new(move |bed| {
                RecvCall::recv(bed, s).room(100).call().gave(b"x")?;
                done.set(true);
                Ok(())
            }),
        );
        bed.grace(false);
        check::holds("it waits", !returned.get())?;
        SendCall::send_to(bed, from).bytes(b"x").to(to).call().done(1)?;
        ends(bed, thread)?;
        nothing_arrives(bed, s)?;
    }
    Ok(())
}

fn time_out(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    for s in [stream.b, pair.b] {
        check::works("SO_RCVTIMEO", set_option(bed, s, SO_RCVTIMEO, 20))?;
        RecvCall::recv(bed, s).room(10).call().refused(WsaError::WSAETIMEDOUT)?;
    }
    // The sockets go on.
    SendCall::send(bed, stream.a).bytes(b"x").call().done(1)?;
    SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call().done(1)?;
    bed.grace(false);
    for s in [stream.b, pair.b] {
        RecvCall::recv(bed, s).room(10).call().gave(b"x")?;
    }
    Ok(())
}

/// MSG_WAITALL that runs out of time gives what had come; the next receive meets the time-out.
fn time_out_keeps(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    SendCall::send(bed, pair.a).bytes(b"some").call().done(4)?;
    bed.grace(false);
    check::works("SO_RCVTIMEO", set_option(bed, pair.b, SO_RCVTIMEO, 20))?;
    RecvCall::recv(bed, pair.b).room(100).flags(MSG_WAITALL).call().gave(b"some")?;
    RecvCall::recv(bed, pair.b).room(100).call().refused(WsaError::WSAETIMEDOUT)
}

fn cancelled(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    for (s, from) in [(stream.b, false), (stream.b, true), (pair.b, false), (pair.b, true)] {
        let thread = bed.spawn(
            "receiver",
            Box::new(move |bed| {
                let call = match from {
                    false => RecvCall::recv(bed, s),
                    true => RecvCall::recv_from(bed, s),
                };
                call.room(10).call().refused(WsaError::WSAEINTR)
            }),
        );
        bed.grace(false);
        let cancel =
            |bed: &dyn TestBed| check::works("WSPCancelBlockingCall", cancel_blocking_call(bed));
        check::holds("the APC was queued", bed.queue_apc(thread, Box::new(cancel)))?;
        ends(bed, thread)?;
    }
    SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call().done(1)?;
    bed.grace(false);
    RecvCall::recv(bed, pair.b).room(10).call().gave(b"x")
}

fn closed(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    for s in [stream.b, pair.b] {
        let thread = bed.spawn(
            "receiver",
            Box::new(move |bed| RecvCall::recv(bed, s).room(10).call().refused(WsaError::WSAEINTR)),
        );
        bed.grace(false);
        check::works("WSPCloseSocket", close(bed, s))?;
        ends(bed, thread)?;
    }
    Ok(())
}

/// In an APC in the wait of a blocking receive another one that would have to wait is refused, with
/// nothing taken, and what does not block works.
fn inside(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, datagram_pair(bed)?);
    let thread = bed.spawn(
        "receiver",
        Box::new(move |bed| RecvCall::recv(bed, pair.b).room(10).call().gave(b"end")),
    );
    bed.grace(false);
    let queued = bed.queue_apc(
        thread,
        Box::new(move |bed| {
            RecvCall::recv(bed, other.b).room(10).call().refused(WsaError::WSAEINPROGRESS)?;
            SendCall::send_to(bed, pair.a).bytes(b"end").to(pair.at_b).call().done(3)
        }),
    );
    check::holds("the APC was queued", queued)?;
    ends(bed, thread)
}

/// In such an APC a receive that finds what it waits for does not block, so it is not refused. One
/// that lacks some of it is, with nothing taken.
fn inside_with_data(bed: &dyn TestBed) -> CaseResult {
    let (pair, other, stream) = (datagram_pair(bed)?, datagram_pair(bed)?, stream_pair(bed)?);
    SendCall::send_to(bed, other.a).bytes(b"datagram").to(other.at_b).call().done(8)?;
    SendCall::send(bed, stream.a).bytes(b"part").call().done(4)?;
    for s in [other.b, stream.b] {
        ready(bed, &Sets::reading(s))?;
    }
    let thread = bed.spawn(
        "receiver",
        Box::new(move |bed| RecvCall::recv(bed, pair.b).room(10).call().gave(b"end")),
    );
    bed.grace(false);
    let queued = bed.queue_apc(
        thread,
        Box::new(move |bed| {
            RecvCall::recv(bed, other.b).room(10).call().gave(b"datagram")?;
            let all = |room| RecvCall::recv(bed, stream.b).room(room).flags(MSG_WAITALL).call();
            all(5).refused(WsaError::WSAEINPROGRESS)?;
            all(4).gave(b"part")?;
            for s in [other.b, stream.b] {
                RecvCall::recv(bed, s).room(10).call().refused(WsaError::WSAEINPROGRESS)?;
            }
            SendCall::send_to(bed, pair.a).bytes(b"end").to(pair.at_b).call().done(3)
        }),
    );
    check::holds("the APC was queued", queued)?;
    ends(bed, thread)
}

/// In a completion routine in the wait of a blocking receive, what need not wait works: nonblocking
/// calls, overlapped ones that end at once or pend, and calls that never block.
fn in_a_routine(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, datagram_pair(bed)?);
    let stream = stream_pair(bed)?;
    check::works("FIONBIO", set_nonblocking(bed, other.b, true))?;
    let (first, later) = (Op::new(bed), Op::new(bed));
    let calls = Shared::new(0);
    let counted = calls.clone();
    let routine = bed.routine(Box::new(move |bed, completion| {
        counted.set(counted.get() + 1);
        check::equal("its result", (completion.error, completion.bytes), (0, 2))?;
        let sent = Op::new(bed);
        RecvCall::recv(bed, other.b).room(10).call().refused(WsaError::WSAEWOULDBLOCK)?;
        RecvCall::recv(bed, stream.b).room(10).overlapped(&later).call().pending()?;
        let call = SendCall::send(bed, stream.a).bytes(b"over").overlapped(&sent);
        call.call().done_overlapped(4)?;
        check::equal("its name", sock_name(bed, pair.b), Ok(pair.at_b))?;
        let fresh = datagram_pair(bed)?;
        check::works("WSPCloseSocket", close(bed, fresh.a))?;
        SendCall::send_to(bed, pair.a).bytes(b"end").to(pair.at_b).call().done(3)
    }));
    let call = RecvCall::recv(bed, stream.a).room(2).overlapped(&first).routine(routine);
    call.call().pending()?;
    SendCall::send(bed, stream.b).bytes(b"go").call().done(2)?;
    RecvCall::recv(bed, pair.b).room(10).call().gave(b"end")?;
    check::equal("routines", calls.get(), 1)?;
    until(bed, false, "the receive", || !later.is_pending(bed))?;
    later.sent(bed, 4)
}
