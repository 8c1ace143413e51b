//! Which calls are overlapped, and what an OVERLAPPED holds when (OVL).

use provider_core::spi::WSS_OPERATION_IN_PROGRESS;
use provider_core::{UserPtr, WsaError};

use crate::support::{
    Op, SendCall, completions, datagram_pair, full_pair, hold_sends, nonoverlapped_datagram_pair,
    overlapped_result, receive_datagram, receive_exactly, release_sends, set_nonblocking,
    stream_pair, unbuffered, until,
};
use crate::{Answer, Case, CaseResult, Hosts, Seam, TestBed, Waited, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("ovl-1-overlapped-on-an-overlapped-socket", &["OVL-1", "OVL-6"], overlapped),
    Case::both("ovl-2-neither-is-synchronous", &["OVL-2"], neither),
    Case::both("ovl-3-routine-alone-is-synchronous", &["OVL-3"], routine_alone),
    Case::both("ovl-4-nonoverlapped-ignores-them", &["OVL-4", "OVL-5"], ignored),
    Case::both("ovl-4-nonoverlapped-ignores-bad-ones", &["OVL-4"], bad_ones_ignored),
    Case::both("ovl-4-nonoverlapped-does-not-pend", &["OVL-4", "OVL-5"], ignored_when_full),
    Case::both("ovl-6-pending-says-so", &["OVL-6"], says_pending),
    Case::both("ovl-6b-the-low-half-alone", &["OVL-6b"], low_half),
    Case::both("ovl-6c-refused-leaves-it-alone", &["OVL-6c"], left_alone),
    Case::both("ovl-7-result-before-the-status", &["OVL-7"], result_first),
    Case::both("ovl-8-immediate-success-fills-it", &["OVL-8"], filled_at_once),
    Case::both("ovl-9-complete-when-consumed", &["OVL-9"], consumed),
    Case::both("ovl-10-never-touched-again", &["OVL-10"], never_again),
    Case::both("ovl-11-used-twice-disturbs-nobody-else", &["OVL-11"], used_twice)
        .on(Hosts::Process("a program of the simulator that uses one twice is itself a finding")),
    Case::both("ovl-12-routine-and-result-agree", &["OVL-12", "APC-8"], agree),
    Case::both("ovl-13-pends-in-both-modes", &["OVL-13"], pends_nonblocking),
];

fn overlapped(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"pends").to(pair.at_b).overlapped(&op).call();
    call.pending()?;
    op.pending(bed)?;
    release_sends(bed);
    until(bed, false, "the end of the send", || !op.is_pending(bed))?;
    op.sent(bed, 5)
}

fn neither(bed: &dyn TestBed) -> CaseResult {
    // Blocking: it is complete at return. Nonblocking: it does not pend.
    let pair = datagram_pair(bed)?;
    SendCall::send_to(bed, pair.a).bytes(b"plain").to(pair.at_b).call().done(5)?;
    unbuffered(bed, pair.a)?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    hold_sends(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"full").to(pair.at_b).call();
    call.refused(WsaError::WSAEWOULDBLOCK)
}

fn routine_alone(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let seen = completions(bed);
    let call = || {
        let call = SendCall::send_to(bed, pair.a).bytes(b"plain").to(pair.at_b);
        call.routine(seen.routine())
    };
    call().call().done(5)?;
    // Nothing looks at lpThreadId either.
    call().thread_id_at(UserPtr(0x10)).call().done(5)?;
    unbuffered(bed, pair.a)?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    hold_sends(bed);
    call().call().refused(WsaError::WSAEWOULDBLOCK)?;
    release_sends(bed);
    seen.stay(bed, 0)
}

fn ignored(bed: &dyn TestBed) -> CaseResult {
    let pair = nonoverlapped_datagram_pair(bed)?;
    let event = bed.create_event(true, false);
    let op = Op::with_event(bed, event);
    let seen = completions(bed);
    let call = || SendCall::send_to(bed, pair.a).bytes(b"plain").to(pair.at_b).overlapped(&op);
    call().call().done(5)?;
    call().routine(seen.routine()).call().done(5)?;
    seen.stay(bed, 0)?;
    op.untouched(bed)?;
    check::holds("the event is not set", !bed.is_set(event))?;
    // Nor is an event reset that was set.
    bed.set_event(event);
    call().call().done(5)?;
    check::holds("the event is still set", bed.is_set(event))?;
    op.untouched(bed)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"plain".to_vec())
}

fn bad_ones_ignored(bed: &dyn TestBed) -> CaseResult {
    let pair = nonoverlapped_datagram_pair(bed)?;
    let seen = completions(bed);
    for pointer in bed.bad_pointers() {
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b);
        call.overlapped_at(pointer.at).call().done(1)?;
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b);
        let call = call.overlapped_at(pointer.at).routine(seen.routine());
        call.thread_id_at(pointer.at).call().done(1)?;
    }
    // Without a count a nonoverlapped call has nothing to tell it with (RET-10).
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
    call.count_at(UserPtr::NULL).call().refused(WsaError::WSAEFAULT)?;
    seen.stay(bed, 0)
}

fn ignored_when_full(bed: &dyn TestBed) -> CaseResult {
    let pair = nonoverlapped_datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let op = Op::new(bed);
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op).call();
    call.refused(WsaError::WSAEWOULDBLOCK)?;
    // Blocking, it waits inside of the call.
    check::works("FIONBIO", set_nonblocking(bed, pair.a, false))?;
    let returned = crate::Shared::new(false);
    let done = returned.clone();
    let sender = bed.spawn(
        "sender",
        Box::new(move |bed| {
            let op = Op::new(bed);
            let call = SendCall::send_to(bed, pair.a).bytes(b"wait").to(pair.at_b);
            call.overlapped(&op).call().done(4)?;
            done.set(true);
            op.untouched(bed)
        }),
    );
    bed.grace(false);
    check::holds("it has not returned", !returned.get())?;
    release_sends(bed);
    crate::support::ends(bed, sender)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"wait".to_vec())
}

fn says_pending(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let ops = [Op::new(bed), Op::with_event(bed, bed.create_event(true, false)), Op::new(bed)];
    for (number, op) in ops.iter().enumerate() {
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(op);
        let call = if number == 2 { call.routine(seen.routine()) } else { call };
        call.call().pending()?;
        // Only the low half is the status: the bed reads no more than that.
        check::equal("Internal", op.status(bed), WSS_OPERATION_IN_PROGRESS)?;
        let result = overlapped_result(bed, pair.a, op, false)?;
        check::fails("the result", result, WsaError::WSA_IO_INCOMPLETE)?;
    }
    release_sends(bed);
    seen.reach(bed, 1)?;
    for op in &ops {
        check::equal("the result", overlapped_result(bed, pair.a, op, false)?, Ok((1, 0)))?;
    }
    Ok(())
}

/// The rest of `Internal` is the client's once the operation has ended, and says nothing.
fn low_half(bed: &dyn TestBed) -> CaseResult {
    const PENDING: u32 = WSS_OPERATION_IN_PROGRESS;
    let pair = datagram_pair(bed)?;
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
    call.call().done_overlapped(1)?;
    for rest in [u32::MAX, PENDING, 0] {
        bed.write(op.at().offset(4), &rest.to_le_bytes());
        for (status, result) in [(0, Ok((1, 0))), (PENDING, Err(WsaError::WSA_IO_INCOMPLETE))] {
            bed.write(op.at(), &status.to_le_bytes());
            let what = format!("a status of {status:#x} beside {rest:#x}");
            check::equal(&what, overlapped_result(bed, pair.a, &op, false)?, result)?;
        }
    }
    Ok(())
}

fn left_alone(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let op = Op::new(bed);
    // The one that is refused last: all else was well.
    bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAENOBUFS));
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op).call();
    call.refused(WsaError::WSAENOBUFS)?;
    bed.grace(true);
    op.untouched(bed)
}

fn result_first(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"polled").to(pair.at_b).overlapped(&op).call();
    call.pending()?;
    // Whoever sees the status change sees the result as well, at once.
    let watcher = bed.spawn(
        "watcher",
        Box::new(move |bed| {
            until(bed, false, "the status", || !op.is_pending(bed))?;
            op.sent(bed, 6)
        }),
    );
    release_sends(bed);
    until(bed, true, "the status", || !op.is_pending(bed))?;
    op.sent(bed, 6)?;
    crate::support::ends(bed, watcher)
}

fn filled_at_once(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let seen = completions(bed);
    let ops = [Op::new(bed), Op::new(bed), Op::new(bed), Op::new(bed)];
    let datagram = |op| SendCall::send_to(bed, pair.a).bytes(b"now").to(pair.at_b).overlapped(op);
    let on_stream = |op| SendCall::send(bed, stream.a).bytes(b"now").overlapped(op);
    datagram(&ops[0]).call().done_overlapped(3)?;
    datagram(&ops[1]).routine(seen.routine()).call().done_overlapped(3)?;
    on_stream(&ops[2]).call().done_overlapped(3)?;
    on_stream(&ops[3]).routine(seen.routine()).call().done_overlapped(3)?;
    for (op, s) in ops.iter().zip([pair.a, pair.a, stream.a, stream.a]) {
        check::equal("the result", overlapped_result(bed, s, op, false)?, Ok((3, 0)))?;
    }
    seen.reach(bed, 2)
}

fn consumed(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let event = bed.create_event(true, false);
    let op = Op::with_event(bed, event);
    bed.lower().clear_taken();
    let call = SendCall::send_to(bed, pair.a).bytes(b"taken").to(pair.at_b).overlapped(&op).call();
    call.pending()?;
    bed.grace(true);
    op.pending(bed)?;
    release_sends(bed);
    check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
    // The transport had it before anybody was told.
    check::equal("datagrams taken", bed.lower().taken().len(), 1)
}

fn never_again(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        hold_sends(bed);
        let event = bed.create_event(true, false);
        let (polled, signalled) = (Op::new(bed), Op::with_event(bed, event));
        let data = bed.alloc(8);
        bed.write(data, b"original");
        let call = |op| SendCall::send_to(bed, s).buffer(data, 8).to(pair.at_b).overlapped(op);
        call(&polled).call().pending()?;
        call(&signalled).call().pending()?;
        release_sends(bed);
        until(bed, false, "the status", || !polled.is_pending(bed))?;
        check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
        // The structures are the client's again, and the data too.
        polled.renew(bed);
        signalled.renew(bed);
        bed.write(data, b"replaced");
        bed.grace(true);
        polled.untouched(bed)?;
        signalled.untouched(bed)?;
    }
    for _ in 0..2 {
        check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"original".to_vec())?;
    }
    let bytes = receive_exactly(bed, stream.b, 16)?;
    check::equal("what arrived", bytes, b"originaloriginal".to_vec())
}

fn used_twice(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let (shared, other) = (Op::new(bed), Op::new(bed));
    for op in [&shared, &shared, &other] {
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(op).call();
        call.pending()?;
    }
    release_sends(bed);
    until(bed, false, "the end of the others", || !other.is_pending(bed))?;
    other.sent(bed, 1)?;
    check::holds("what is used twice ends too", !shared.is_pending(bed))?;
    for _ in 0..3 {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"x".to_vec())?;
    }
    Ok(())
}

fn agree(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let (good, bad) = (Op::new(bed), Op::new(bed));
    for op in [&bad, &good] {
        let call = SendCall::send_to(bed, pair.a).bytes(b"agreed").to(pair.at_b).overlapped(op);
        call.routine(seen.routine()).call().pending()?;
    }
    bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAENETUNREACH));
    release_sends(bed);
    seen.reach(bed, 2)?;
    for (op, error, bytes) in [(&bad, WsaError::WSAENETUNREACH, 0), (&good, WsaError(0), 6)] {
        let calls = seen.calls();
        let own = calls.iter().filter(|(_, call)| call.overlapped == op.at());
        let own: Vec<_> = own.map(|(_, call)| (call.error, call.bytes)).collect();
        check::equal("the routine's arguments", own, vec![(error.0 as u32, bytes)])?;
        let want = if error.0 == 0 { Ok((bytes, 0)) } else { Err(error) };
        check::equal("the result", overlapped_result(bed, pair.a, op, false)?, want)?;
    }
    Ok(())
}

fn pends_nonblocking(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    hold_sends(bed);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        for nonblocking in [true, false] {
            check::works("FIONBIO", set_nonblocking(bed, s, nonblocking))?;
            let op = Op::new(bed);
            let call = SendCall::send_to(bed, s).bytes(b"x").to(pair.at_b).overlapped(&op).call();
            call.pending()?;
            op.pending(bed)?;
        }
    }
    release_sends(bed);
    check::equal("what arrived", receive_exactly(bed, stream.b, 2)?, b"xx".to_vec())
}
