//! Completion routines: where, when, how often and with what they are called (APC).

use provider_core::layout::thread_id;
use provider_core::{UserPtr, WsaError};

use crate::support::{
    Guarded, Op, SendCall, close, completions, datagram_pair, ends, full_pair, hold_sends,
    nothing_arrives, receive_datagram, release_sends, stream_pair, unbuffered, until,
};
use crate::{Answer, Case, CaseResult, Completion, Seam, Shared, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("apc-1-in-its-own-thread", &["APC-1", "APC-5"], own_thread),
    Case::both("apc-2-only-in-an-alertable-wait", &["APC-2"], only_alertable),
    Case::both("apc-3-never-inside-of-the-call", &["APC-3", "APC-2"], never_inline),
    Case::both("apc-4-context-leads-to-everything", &["APC-4", "APC-8", "ORD-1"], context),
    Case::both("apc-5-wsathreadid-is-copied", &["APC-5"], thread_id_copied),
    Case::both("apc-6-the-copy-lasts", &["APC-6", "APC-5"], copy_lasts),
    Case::both("apc-7-queued-from-another-thread", &["APC-7", "APC-1", "CXL-1"], from_another),
    Case::both("apc-8-arguments-of-a-failure", &["APC-8"], failure),
    Case::both("apc-9-exactly-once", &["APC-9"], exactly_once),
    Case::both("apc-13-null-wsathreadid", &["APC-13", "RET-4"], no_thread_id),
    Case::both("apc-14-apc-refused-at-once", &["APC-14"], refused_at_once),
    Case::both("apc-14-apc-refused-later", &["APC-14"], refused_later),
];

fn own_thread(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let start = move |bed: &dyn TestBed, routine, bytes: &[u8]| {
        let op = Op::new(bed);
        let call = SendCall::send_to(bed, pair.a).bytes(bytes).to(pair.at_b).overlapped(&op);
        call.routine(routine).call().pending()?;
        Ok(op)
    };
    let other = completions(bed);
    let theirs = other.clone();
    let started = Shared::new(false);
    let ready = started.clone();
    let thread = bed.spawn(
        "other",
        Box::new(move |bed| {
            let op = start(bed, theirs.routine(), b"other")?;
            ready.set(true);
            theirs.one(bed, &op, WsaError(0), 5)
        }),
    );
    until(bed, false, "the other thread's send", || started.get())?;
    let op = start(bed, seen.routine(), b"mine")?;
    release_sends(bed);
    seen.one(bed, &op, WsaError(0), 4)?;
    ends(bed, thread)?;
    other.stay(bed, 1)?;
    check::equal("the other's thread", other.calls()[0].0, thread)
}

fn only_alertable(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let event = bed.create_event(true, false);
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
    call.routine(seen.routine()).call().pending()?;
    release_sends(bed);
    until(bed, false, "the status", || !op.is_pending(bed))?;
    bed.grace(false);
    bed.set_event(event);
    bed.wait(event, false);
    check::equal("routines before an alertable wait", seen.count(), 0)?;
    check::holds("an alertable wait runs it", bed.run_apcs())?;
    seen.called(bed, 0, &op, WsaError(0), 1)
}

fn never_inline(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let seen = completions(bed);
    for (number, s) in [pair.a, stream.a].into_iter().enumerate() {
        let op = Op::new(bed);
        let call = SendCall::send_to(bed, s).bytes(b"now").to(pair.at_b).overlapped(&op);
        let called = call.routine(seen.routine()).call();
        check::equal("routines inside of the call", seen.count(), number)?;
        called.done_overlapped(3)?;
        // Other calls are no alertable waits either.
        SendCall::send_to(bed, s).bytes(b"plain").to(pair.at_b).call().done(5)?;
        check::equal("routines inside of another call", seen.count(), number)?;
        seen.one(bed, &op, WsaError(0), 3)?;
    }
    Ok(())
}

fn context(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let (odd, even) = (completions(bed), completions(bed));
    let mut ops = Vec::new();
    for len in 0..8 {
        let op = Op::new(bed);
        let own = if len % 2 == 0 { &even } else { &odd };
        let call = SendCall::send_to(bed, pair.a).bytes(&vec![9; len]).to(pair.at_b);
        call.overlapped(&op).routine(own.routine()).call().pending()?;
        ops.push((op, own, len));
    }
    release_sends(bed);
    until(bed, true, "the routines", || odd.count() + even.count() >= 8)?;
    for (op, own, len) in &ops {
        let want = Completion { error: 0, bytes: *len as u32, overlapped: op.at(), flags: 0 };
        let calls = own.calls();
        let found = calls.iter().filter(|(_, call)| call.overlapped == op.at());
        let found: Vec<Completion> = found.map(|(_, call)| *call).collect();
        check::equal("the routine's arguments", found, vec![want])?;
    }
    odd.stay(bed, 4)?;
    even.stay(bed, 4)
}

fn thread_id_copied(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let others = Shared::new([0; thread_id::SIZE]);
    let given = others.clone();
    let stop = bed.create_event(true, false);
    let thread = bed.spawn(
        "other",
        Box::new(move |bed| {
            given.set(bed.thread_id().encode());
            while bed.wait(stop, true) == crate::Waited::ApcsRan {}
            Ok(())
        }),
    );
    until(bed, false, "the other thread", || others.get() != [0; thread_id::SIZE])?;
    // The memory names another thread as soon as the call has returned, one that waits alertably.
    let memory = Guarded::holding(bed, &bed.thread_id().encode());
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
    call.routine(seen.routine()).thread_id_at(memory.at()).call().pending()?;
    bed.write(memory.at(), &others.get());
    release_sends(bed);
    seen.one(bed, &op, WsaError(0), 1)?;
    bed.set_event(stop);
    ends(bed, thread)?;
    seen.stay(bed, 1)
}

/// The WSATHREADID is gone as soon as each call has returned; the APCs come when others end what
/// was started, and some of them at the same time.
fn copy_lasts(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let routine = seen.routine();
    let start = move |bed: &dyn TestBed| {
        for _ in 0..3 {
            let memory = bed.alloc(thread_id::SIZE);
            bed.write(memory, &bed.thread_id().encode());
            let op = Op::new(bed);
            let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
            call.routine(routine).thread_id_at(memory).call().pending()?;
            bed.free(memory);
        }
        Ok(())
    };
    let other = bed.spawn(
        "starter",
        Box::new(move |bed| {
            start(bed)?;
            bed.grace(true);
            Ok(())
        }),
    );
    start(bed)?;
    bed.pause(false);
    release_sends(bed);
    ends(bed, other)?;
    until(bed, true, "all routines", || seen.count() >= 6)?;
    let threads: Vec<_> = seen.calls().into_iter().map(|(thread, _)| thread).collect();
    for thread in [bed.current_thread(), other] {
        let own = threads.iter().filter(|called| **called == thread);
        check::equal("routines in the thread that started them", own.count(), 3)?;
    }
    seen.stay(bed, 6)
}

fn from_another(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
    call.routine(seen.routine()).call().pending()?;
    // Another thread ends the operation: what tells of it starts there.
    let thread =
        bed.spawn("closer", Box::new(move |bed| check::works("closing", close(bed, pair.a))));
    ends(bed, thread)?;
    seen.one(bed, &op, WsaError::WSA_OPERATION_ABORTED, 0)?;
    seen.stay(bed, 1)
}

fn failure(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    for (number, error) in
        [WsaError::WSAENOBUFS, WsaError::WSAEHOSTUNREACH, WsaError::WSAENETDOWN].iter().enumerate()
    {
        hold_sends(bed);
        let op = Op::new(bed);
        let call = SendCall::send_to(bed, pair.a).bytes(b"fails").to(pair.at_b).overlapped(&op);
        call.routine(seen.routine()).call().pending()?;
        bed.lower().answer(Seam::Send, Answer::Refuse(*error));
        release_sends(bed);
        seen.one(bed, &op, *error, 0)?;
        op.failed(bed, *error, 0)?;
        seen.stay(bed, number + 1)?;
    }
    nothing_arrives(bed, pair.b)
}

fn exactly_once(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let seen = completions(bed);
    let mut ops = Vec::new();
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        for held in [false, true] {
            if held {
                hold_sends(bed);
            } else {
                release_sends(bed);
            }
            for _ in 0..3 {
                let op = Op::new(bed);
                let call = SendCall::send_to(bed, s).bytes(b"once").to(pair.at_b).overlapped(&op);
                call.routine(seen.routine()).call().accepted()?;
                ops.push(op);
            }
        }
    }
    release_sends(bed);
    seen.reach(bed, ops.len())?;
    seen.stay(bed, ops.len())?;
    for op in &ops {
        let calls = seen.calls();
        let own = calls.iter().filter(|(_, call)| call.overlapped == op.at()).count();
        check::equal("calls for one operation", own, 1)?;
        op.sent(bed, 4)?;
    }
    Ok(())
}

fn no_thread_id(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let seen = completions(bed);
    for pointer in bed.bad_pointers() {
        let op = Op::new(bed);
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
        let call = call.routine(seen.routine()).thread_id_at(pointer.at).call();
        call.refused(WsaError::WSAEFAULT)?;
    }
    // Without a routine nobody looks at it.
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
    call.thread_id_at(UserPtr::NULL).call().done_overlapped(1)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"x".to_vec())?;
    nothing_arrives(bed, pair.b)?;
    seen.stay(bed, 0)
}

fn refused_at_once(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let seen = completions(bed);
    let op = Op::new(bed);
    bed.lower().answer(Seam::QueueApc, Answer::Refuse(WsaError::WSAEFAULT));
    let call = || SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).routine(seen.routine());
    call().overlapped(&op).call().done_overlapped(1)?;
    seen.stay(bed, 0)?;
    op.sent(bed, 1)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"x".to_vec())?;
    // The next one is indicated, and only that.
    let next = Op::new(bed);
    call().overlapped(&next).call().done_overlapped(1)?;
    seen.one(bed, &next, WsaError(0), 1)?;
    seen.stay(bed, 1)
}

fn refused_later(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let (first, second) = (Op::new(bed), Op::new(bed));
    for op in [&first, &second] {
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(op);
        call.routine(seen.routine()).call().pending()?;
    }
    bed.lower().answer(Seam::QueueApc, Answer::Refuse(WsaError::WSAEFAULT));
    release_sends(bed);
    seen.one(bed, &second, WsaError(0), 1)?;
    first.sent(bed, 1)?;
    seen.stay(bed, 1)
}
