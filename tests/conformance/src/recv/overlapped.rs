//! Overlapped receives.

use provider_core::WsaError;

use crate::support::{
    Op, RecvCall, SendCall, close, completions, datagram_pair, nonoverlapped_datagram_pair,
    overlapped_result, receive_datagram, set_nonblocking, stream_pair, until,
};
use crate::{Case, CaseResult, Shared, TestBed, Waited, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("recv-5-with-an-event", &["RECV-5"], event),
    Case::both("recv-5-with-a-routine", &["RECV-5"], routine),
    Case::both("recv-5-immediate-is-indicated-too", &["RECV-5"], immediate),
    Case::both("recv-5-pends-on-a-nonblocking-socket", &["RECV-5"], nonblocking),
    Case::both("recv-5-ignored-on-a-nonoverlapped-socket", &["RECV-5"], nonoverlapped),
    Case::both("recv-5-close-aborts-it", &["RECV-5"], closed),
    Case::both("recv-6-served-in-posted-order", &["RECV-6"], order),
    Case::both("recv-31-never-nested-with-sends", &["RECV-31"], not_nested),
];

fn event(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let event = bed.create_event(false, true);
    let op = Op::with_event(bed, event);
    let call = RecvCall::recv(bed, pair.b).room(10).overlapped(&op).call();
    call.pending()?;
    op.pending(bed)?;
    check::holds("pending resets the event", !bed.is_set(event))?;
    let early = overlapped_result(bed, pair.b, &op, false)?;
    check::fails("the result while it pends", early, WsaError::WSA_IO_INCOMPLETE)?;
    SendCall::send_to(bed, pair.a).bytes(b"came").to(pair.at_b).call().done(4)?;
    check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
    op.sent(bed, 4)?;
    call.holds(b"came")?;
    check::equal("the result", overlapped_result(bed, pair.b, &op, false)?, Ok((4, 0)))?;
    bed.grace(false);
    check::holds("one indication", !bed.is_set(event))
}

fn routine(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let seen = completions(bed);
    let op = Op::new(bed);
    let call = RecvCall::recv(bed, pair.b).room(10).overlapped(&op).routine(seen.routine()).call();
    call.pending()?;
    SendCall::send(bed, pair.a).bytes(b"came").call().done(4)?;
    // The data is there: it is the alertable wait that the routine waits for.
    bed.grace(false);
    check::equal("routines before an alertable wait", seen.count(), 0)?;
    seen.one(bed, &op, WsaError(0), 4)?;
    op.sent(bed, 4)?;
    call.holds(b"came")?;
    seen.stay(bed, 1)
}

fn immediate(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let (event, seen) = (bed.create_event(true, false), completions(bed));
    for with_routine in [false, true] {
        SendCall::send_to(bed, pair.a).bytes(b"there").to(pair.at_b).call().done(5)?;
        bed.grace(false);
        let op = Op::with_event(bed, event);
        bed.reset_event(event);
        let call = RecvCall::recv(bed, pair.b).room(10).overlapped(&op);
        let call = if with_routine { call.routine(seen.routine()) } else { call };
        call.call().gave(b"there")?;
        op.sent(bed, 5)?;
        check::equal("the event", bed.is_set(event), !with_routine)?;
        seen.reach(bed, usize::from(with_routine))?;
    }
    Ok(())
}

fn nonblocking(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("FIONBIO", set_nonblocking(bed, pair.b, true))?;
    let op = Op::new(bed);
    let call = RecvCall::recv(bed, pair.b).room(10).overlapped(&op).call();
    call.pending()?;
    SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call().done(1)?;
    until(bed, false, "the receive", || !op.is_pending(bed))?;
    op.sent(bed, 1)?;
    call.holds(b"x")
}

fn nonoverlapped(bed: &dyn TestBed) -> CaseResult {
    let pair = nonoverlapped_datagram_pair(bed)?;
    let seen = completions(bed);
    let op = Op::new(bed);
    check::works("FIONBIO", set_nonblocking(bed, pair.b, true))?;
    let call = || RecvCall::recv(bed, pair.b).room(10).overlapped(&op).routine(seen.routine());
    call().call().refused(WsaError::WSAEWOULDBLOCK)?;
    SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call().done(1)?;
    bed.grace(false);
    call().call().gave(b"x")?;
    op.untouched(bed)?;
    seen.stay(bed, 0)
}

fn closed(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    let seen = completions(bed);
    for (number, s) in [stream.b, pair.b].into_iter().enumerate() {
        let event = bed.create_event(true, false);
        let (one, two) = (Op::with_event(bed, event), Op::new(bed));
        RecvCall::recv(bed, s).room(10).overlapped(&one).call().pending()?;
        let call = RecvCall::recv(bed, s).room(10).overlapped(&two).routine(seen.routine());
        call.call().pending()?;
        check::works("WSPCloseSocket", close(bed, s))?;
        check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
        one.failed(bed, WsaError::WSA_OPERATION_ABORTED, 0)?;
        seen.one(bed, &two, WsaError::WSA_OPERATION_ABORTED, 0)?;
        seen.stay(bed, number + 1)?;
    }
    Ok(())
}

fn order(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let ops: Vec<Op> = (0..4).map(|_| Op::new(bed)).collect();
    let calls: Vec<_> =
        ops.iter().map(|op| RecvCall::recv(bed, pair.b).room(10).overlapped(op).call()).collect();
    calls.iter().try_for_each(|call| call.pending())?;
    for number in 0..4_u8 {
        SendCall::send_to(bed, pair.a).bytes(&[number]).to(pair.at_b).call().done(1)?;
    }
    for (number, (op, call)) in ops.iter().zip(&calls).enumerate() {
        until(bed, false, "the receive", || !op.is_pending(bed))?;
        op.sent(bed, 1)?;
        call.holds(&[number as u8])?;
    }
    Ok(())
}

/// The routine of a send waits alertably while a receive of the socket has ended: its routine comes
/// afterwards.
fn not_nested(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, datagram_pair(bed)?);
    let log = Shared::new(Vec::new());
    let inside = log.clone();
    let sent = bed.routine(Box::new(move |bed, _| {
        inside.push("send begins");
        SendCall::send_to(bed, other.a).bytes(b"x").to(pair.at_a).call().done(1)?;
        bed.grace(true);
        inside.push("send ends");
        Ok(())
    }));
    let inside = log.clone();
    let received = bed.routine(Box::new(move |_, _| {
        inside.push("receive");
        Ok(())
    }));
    let (receive_op, send_op) = (Op::new(bed), Op::new(bed));
    let receive = RecvCall::recv(bed, pair.a).room(10).overlapped(&receive_op).routine(received);
    receive.call().pending()?;
    SendCall::send_to(bed, pair.a)
        .bytes(b"out")
        .to(pair.at_b)
        .overlapped(&send_op)
        .routine(sent)
        .call()
        .done_overlapped(3)?;
    until(bed, true, "both routines", || log.len() >= 3)?;
    check::equal("their order", log.get(), vec!["send begins", "send ends", "receive"])?;
    check::equal("what went out", receive_datagram(bed, pair.b)?.0, b"out".to_vec())
}
