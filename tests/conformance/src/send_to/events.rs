//! When `hEvent` is set and when it is left alone (EVT).

use provider_core::{EventHandle, WsaError};

use crate::support::{
    Op, SendCall, completions, datagram_pair, ends, full_pair, hold_sends, overlapped_result,
    receive_datagram, release_sends, stream_pair, unbuffered, until,
};
use crate::{Case, CaseResult, Packet, TestBed, Waited, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("evt-1-set-at-completion", &["EVT-1"], set_at_completion),
    Case::both("evt-1-one-event-of-many-operations", &["EVT-1", "RET-3"], each_its_own),
    Case::both("evt-2-without-event-by-status", &["EVT-2"], silent),
    Case::both("evt-3-ignored-with-a-routine", &["EVT-3"], ignored),
    Case::both("evt-3-anything-with-a-routine", &["EVT-3"], anything),
    Case::both("evt-4-reset-when-it-pends", &["EVT-4"], reset),
    Case::both("evt-5-set-at-once", &["EVT-5"], set_at_once),
    Case::both("evt-6-set-after-the-status", &["EVT-6", "OVL-7"], after_status),
    Case::both("evt-8-no-event-at-all", &["EVT-8"], not_an_event),
    Case::both("evt-8-event-closed-meanwhile", &["EVT-8"], closed_meanwhile),
    Case::both("evt-9-low-bit", &["EVT-9"], low_bit),
    Case::both("evt-9-low-bit-and-a-port", &["EVT-9"], low_bit_and_port),
    Case::both("evt-10-no-wait-on-what-is-no-event", &["EVT-10"], no_wait),
];

fn set_at_completion(bed: &dyn TestBed) -> CaseResult {
    let stream = stream_pair(bed)?;
    let pair = full_pair(bed)?;
    unbuffered(bed, stream.a)?;
    for manual in [true, false] {
        for s in [pair.a, stream.a] {
            hold_sends(bed);
            let event = bed.create_event(manual, false);
            let op = Op::with_event(bed, event);
            let call = SendCall::send_to(bed, s).bytes(b"x").to(pair.at_b).overlapped(&op).call();
            call.pending()?;
            bed.grace(true);
            check::holds("the event waits", !bed.is_set(event))?;
            release_sends(bed);
            check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
            op.sent(bed, 1)?;
            check::equal("whether it is set", bed.is_set(event), manual)?;
        }
    }
    Ok(())
}

fn each_its_own(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let started: Vec<(EventHandle, Op)> = (0..4)
        .map(|_| {
            let event = bed.create_event(false, false);
            (event, Op::with_event(bed, event))
        })
        .collect();
    for (_, op) in &started {
        SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(op).call().pending()?;
    }
    release_sends(bed);
    for (event, op) in &started {
        check::equal("the wait", bed.wait(*event, false), Waited::Signalled)?;
        op.sent(bed, 1)?;
    }
    bed.grace(true);
    for (event, _) in &started {
        check::holds("it was set once", !bed.is_set(*event))?;
    }
    Ok(())
}

fn silent(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let (later, now) = (Op::new(bed), Op::new(bed));
    let call = |op| SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(op);
    call(&later).call().pending()?;
    release_sends(bed);
    until(bed, false, "the status", || !later.is_pending(bed))?;
    later.sent(bed, 1)?;
    check::equal("the result", overlapped_result(bed, pair.a, &later, false)?, Ok((1, 0)))?;
    call(&now).call().done_overlapped(1)
}

fn ignored(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    let seen = completions(bed);
    for (number, initially) in [false, true].into_iter().enumerate() {
        let event = bed.create_event(true, initially);
        let (later, now) = (Op::with_event(bed, event), Op::with_event(bed, event));
        let call = |op| {
            let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(op);
            call.routine(seen.routine()).call()
        };
        call(&now).done_overlapped(1)?;
        hold_sends(bed);
        call(&later).pending()?;
        check::equal("whether it is set while it pends", bed.is_set(event), initially)?;
        release_sends(bed);
        seen.reach(bed, 2 * number + 2)?;
        bed.grace(true);
        check::equal("whether it is set", bed.is_set(event), initially)?;
        later.sent(bed, 1)?;
    }
    Ok(())
}

fn anything(bed: &dyn TestBed) -> CaseResult {
    // A client may keep a value of its own there.
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let op = Op::with_event(bed, EventHandle(0x1234_5678));
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
    call.routine(seen.routine()).call().pending()?;
    release_sends(bed);
    seen.one(bed, &op, WsaError(0), 1)?;
    op.sent(bed, 1)
}

fn reset(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    for manual in [true, false] {
        hold_sends(bed);
        // Left over from an operation before.
        let event = bed.create_event(manual, true);
        let op = Op::with_event(bed, event);
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op).call();
        call.pending()?;
        check::holds("the event was reset", !bed.is_set(event))?;
        release_sends(bed);
        check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
        op.sent(bed, 1)?;
    }
    Ok(())
}

fn set_at_once(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        let event = bed.create_event(false, false);
        let op = Op::with_event(bed, event);
        let call = SendCall::send_to(bed, s).bytes(b"now").to(pair.at_b).overlapped(&op).call();
        call.done_overlapped(3)?;
        check::holds("the event is set at return", bed.is_set(event))?;
        bed.grace(true);
        check::holds("it was set once", !bed.is_set(event))?;
    }
    Ok(())
}

fn after_status(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let event = bed.create_event(true, false);
    let op = Op::with_event(bed, event);
    let call = SendCall::send_to(bed, pair.a).bytes(b"stored").to(pair.at_b).overlapped(&op).call();
    call.pending()?;
    // Whoever the event lets through finds the result.
    let waiter = bed.spawn(
        "waiter",
        Box::new(move |bed| {
            check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
            op.sent(bed, 6)
        }),
    );
    release_sends(bed);
    check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
    op.sent(bed, 6)?;
    ends(bed, waiter)
}

fn not_an_event(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let closed = bed.create_event(true, false);
    bed.close_event(closed);
    for handle in [bed.no_event(), closed, EventHandle(usize::MAX & !3), EventHandle(pair.a.0)] {
        hold_sends(bed);
        let (later, now) = (Op::with_event(bed, handle), Op::with_event(bed, handle));
        let call = |op| SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(op);
        call(&later).call().pending()?;
        release_sends(bed);
        until(bed, false, "the status", || !later.is_pending(bed))?;
        later.sent(bed, 1)?;
        call(&now).call().done_overlapped(1)?;
    }
    for _ in 0..8 {
        check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"x".to_vec())?;
    }
    Ok(())
}

fn closed_meanwhile(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let event = bed.create_event(true, false);
    let op = Op::with_event(bed, event);
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op).call();
    call.pending()?;
    bed.close_event(event);
    release_sends(bed);
    until(bed, false, "the status", || !op.is_pending(bed))?;
    op.sent(bed, 1)
}

fn low_bit(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let event = bed.create_event(true, true);
    let tagged = EventHandle(event.0 | 1);
    let (later, now) = (Op::with_event(bed, tagged), Op::with_event(bed, tagged));
    let call = |op| SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(op);
    call(&later).call().pending()?;
    check::holds("the event was reset", !bed.is_set(event))?;
    release_sends(bed);
    check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
    later.sent(bed, 1)?;
    bed.reset_event(event);
    call(&now).call().done_overlapped(1)?;
    check::holds("the event is set at return", bed.is_set(event))
}

fn low_bit_and_port(bed: &dyn TestBed) -> CaseResult {
    const KEY: usize = 77;
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    let port = bed.create_port();
    check::holds("the socket is associated", bed.associate(port, pair.a, KEY))?;
    for pends in [false, true] {
        let events = [bed.create_event(true, false), bed.create_event(true, false)];
        let quiet = Op::with_event(bed, EventHandle(events[0].0 | 1));
        let told = Op::with_event(bed, events[1]);
        if pends {
            hold_sends(bed);
        }
        for op in [&quiet, &told] {
            let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(op);
            check::equal("whether it pends", call.call().accepted()?, pends)?;
        }
        release_sends(bed);
        for event in events {
            check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
        }
        let packet = Packet { key: KEY, overlapped: told.at(), bytes: 1, failed: false };
        check::equal("the packet", bed.next_packet(port, true), Some(packet))?;
        bed.grace(false);
        check::equal("another packet", bed.next_packet(port, false), None)?;
    }
    Ok(())
}

fn no_wait(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    for handle in [EventHandle(0), bed.no_event()] {
        let op = Op::with_event(bed, handle);
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
        call.routine(seen.routine()).call().pending()?;
        let result = overlapped_result(bed, pair.a, &op, true)?;
        check::fails("the result", result, WsaError::WSA_INVALID_HANDLE)?;
        op.pending(bed)?;
    }
    release_sends(bed);
    seen.reach(bed, 2)
}
