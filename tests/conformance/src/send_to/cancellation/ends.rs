//! The end of a thread, of the sending half and of the provider.

use provider_core::spi::{SD_BOTH, SD_SEND, WINSOCK_VERSION};
use provider_core::{SocketHandle, WsaError};

use crate::support::{
    Op, SendCall, cleanup, completions, datagram_pair, ends, full_pair, hold_sends,
    nothing_arrives, receive_datagram, receive_exactly, receive_ready, release_sends, shutdown,
    startup, stream_pair, unbuffered, until,
};
use crate::{Case, CaseResult, Shared, TestBed, Waited, check};

const ABORTED: WsaError = WsaError::WSA_OPERATION_ABORTED;

/// The cases of this family.
pub(in crate::send_to) const CASES: &[Case] = &[
    Case::both("cxl-5-exit-cancels-what-the-thread-started", &["CXL-5"], thread_exits),
    Case::both("cxl-5-return-cancels-it-too", &["CXL-5"], thread_returns),
    Case::both("cxl-5-a-routine-in-line-does-not-run", &["CXL-5", "OVL-8"], routine_in_line),
    Case::both("cxl-5-others-go-on", &["CXL-5", "ORD-2"], others_go_on),
    Case::both(
        "cxl-6-shutdown-lets-accepted-sends-out",
        &["CXL-6", "ERR-SHUTDOWN"],
        shutdown_drains,
    ),
    Case::both("cxl-6-shutdown-of-a-datagram-socket", &["CXL-6"], shutdown_drains_datagrams),
    Case::both("cxl-7-cleanup-ends-them-silently", &["CXL-7"], silent_end),
    Case::both("cxl-7-cleanup-ends-blocked-sends", &["CXL-7"], blocked_end),
];

/// A thread starts sends of every kind, and ends; each of them is cancelled, no routine runs.
fn ends_with(bed: &dyn TestBed, by_exit: bool) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let event = bed.create_event(true, false);
    let ops = [Op::new(bed), Op::with_event(bed, event), Op::new(bed)];
    let routine = seen.routine();
    let thread = bed.spawn(
        "starter",
        Box::new(move |bed| {
            let call =
                |op| SendCall::send_to(bed, pair.a).bytes(b"never").to(pair.at_b).overlapped(op);
            call(&ops[0]).call().pending()?;
            call(&ops[1]).call().pending()?;
            call(&ops[2]).routine(routine).call().pending()?;
            if by_exit {
                bed.exit_thread();
            }
            Ok(())
        }),
    );
    ends(bed, thread)?;
    check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
    for op in &ops {
        until(bed, false, "the status", || !op.is_pending(bed))?;
        op.failed(bed, ABORTED, 0)?;
    }
    bed.lower().clear_taken();
    release_sends(bed);
    seen.stay(bed, 0)?;
    check::equal("what the transport took", bed.lower().taken(), Vec::new())
}

fn thread_exits(bed: &dyn TestBed) -> CaseResult {
    ends_with(bed, true)
}

fn thread_returns(bed: &dyn TestBed) -> CaseResult {
    ends_with(bed, false)
}

fn routine_in_line(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let seen = completions(bed);
    let (op, routine) = (Op::new(bed), seen.routine());
    let thread = bed.spawn(
        "starter",
        Box::new(move |bed| {
            // It has succeeded, and its APC waits for an alertable wait that never comes.
            let call = SendCall::send_to(bed, pair.a).bytes(b"done").to(pair.at_b);
            call.overlapped(&op).routine(routine).call().done_overlapped(4)?;
            bed.exit_thread();
        }),
    );
    ends(bed, thread)?;
    seen.stay(bed, 0)?;
    op.sent(bed, 4)?;
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"done".to_vec())?;
    // The socket's routines run in other threads as before.
    let next = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"next").to(pair.at_b).overlapped(&next);
    call.routine(routine).call().done_overlapped(4)?;
    seen.one(bed, &next, WsaError(0), 4)
}

fn others_go_on(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let (first, theirs, last) = (Op::new(bed), Op::new(bed), Op::new(bed));
    let mine = |text, op| {
        let call = SendCall::send_to(bed, pair.a).bytes(text).to(pair.at_b).overlapped(op);
        call.routine(seen.routine()).call().pending()
    };
    mine(b"first", &first)?;
    let thread = bed.spawn(
        "starter",
        Box::new(move |bed| {
            let call = SendCall::send_to(bed, pair.a).bytes(b"theirs").to(pair.at_b);
            call.overlapped(&theirs).call().pending()?;
            bed.exit_thread();
        }),
    );
    ends(bed, thread)?;
    mine(b"last", &last)?;
    until(bed, false, "the end of theirs", || !theirs.is_pending(bed))?;
    theirs.failed(bed, ABORTED, 0)?;
    first.pending(bed)?;
    release_sends(bed);
    seen.reach(bed, 2)?;
    first.sent(bed, 5)?;
    last.sent(bed, 4)?;
    for want in [b"first".as_slice(), b"last"] {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, want.to_vec())?;
    }
    nothing_arrives(bed, pair.b)
}

fn shutdown_drains(bed: &dyn TestBed) -> CaseResult {
    for how in [SD_SEND, SD_BOTH] {
        for buffer in [false, true] {
            let pair = stream_pair(bed)?;
            if !buffer {
                unbuffered(bed, pair.a)?;
            }
            hold_sends(bed);
            let op = Op::new(bed);
            let call = SendCall::send(bed, pair.a).bytes(b"accepted").overlapped(&op).call();
            let pends = call.accepted()?;
            check::equal("whether it pends", pends, !buffer)?;
            check::works("WSPShutdown", shutdown(bed, pair.a, how))?;
            SendCall::send(bed, pair.a).bytes(b"x").call().refused(WsaError::WSAESHUTDOWN)?;
            bed.grace(false);
            if pends {
                op.pending(bed)?;
            }
            release_sends(bed);
            check::equal("the stream", receive_exactly(bed, pair.b, 8)?, b"accepted".to_vec())?;
            until(bed, false, "the end of the send", || !op.is_pending(bed))?;
            op.sent(bed, 8)?;
            ended_orderly(bed, pair.b)?;
        }
    }
    Ok(())
}

/// The peer has ended its half, and there is nothing before that.
fn ended_orderly(bed: &dyn TestBed, s: SocketHandle) -> CaseResult {
    let ended = receive_ready(bed, s, 10);
    check::equal("the stream", ended.map(|(bytes, _)| bytes.len()), Ok(0))
}

fn shutdown_drains_datagrams(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"accepted").to(pair.at_b).overlapped(&op);
    call.routine(seen.routine()).call().pending()?;
    check::works("WSPShutdown", shutdown(bed, pair.a, SD_SEND))?;
    seen.stay(bed, 0)?;
    release_sends(bed);
    seen.one(bed, &op, WsaError(0), 8)?;
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"accepted".to_vec())
}

fn silent_end(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let seen = completions(bed);
    let event = bed.create_event(true, false);
    let mut ops = Vec::new();
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        hold_sends(bed);
        let own = [Op::new(bed), Op::with_event(bed, event), Op::new(bed)];
        let call = |op| SendCall::send_to(bed, s).bytes(b"never").to(pair.at_b).overlapped(op);
        call(&own[0]).call().pending()?;
        call(&own[1]).call().pending()?;
        call(&own[2]).routine(seen.routine()).call().pending()?;
        ops.extend(own);
    }
    bed.lower().clear_taken();
    check::works("WSPCleanup", cleanup(bed))?;
    for op in &ops {
        op.failed(bed, ABORTED, 0)?;
    }
    release_sends(bed);
    seen.stay(bed, 0)?;
    check::holds("the event is not set", !bed.is_set(event))?;
    check::equal("what the transport took", bed.lower().taken(), Vec::new())?;
    check::equal("WSPStartup", startup(bed), Ok(WINSOCK_VERSION))
}

fn blocked_end(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let result = Shared::new(None);
    let came = result.clone();
    let thread = bed.spawn(
        "sender",
        Box::new(move |bed| {
            let call = SendCall::send_to(bed, pair.a).bytes(b"never").to(pair.at_b).call();
            came.set(Some(call.result()));
            Ok(())
        }),
    );
    bed.grace(false);
    check::works("WSPCleanup", cleanup(bed))?;
    ends(bed, thread)?;
    check::equal("the blocked send", result.get(), Some(Err(WsaError::WSAEINTR)))?;
    check::equal("WSPStartup", startup(bed), Ok(WINSOCK_VERSION))
}
