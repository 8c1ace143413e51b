//! Sends and the blocking hook (SYN-5, and what the hook may do).

use provider_core::{SocketHandle, WsaError};

use crate::support::{
    Op, SendCall, cancel_blocking_call, datagram_pair, ends, full_pair, hold_sends,
    nothing_arrives, receive_datagram, release_sends, set_nonblocking, sock_name, stream_pair,
    unbuffered, until,
};
use crate::{BedThread, Case, CaseResult, HookBody, Shared, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("syn-5-hook-runs-while-a-send-blocks", &["SYN-5"], called_while_blocked),
    Case::both("syn-5-no-hook-where-nothing-blocks", &["SYN-5"], not_called),
    Case::both("err-intr-cancelled-from-the-hook", &["ERR-INTR", "CXL-4"], cancelled),
    Case::both("err-inprogress-in-the-hook", &["ERR-INPROGRESS", "RET-4"], refused_inside),
    Case::both("reent-2-no-lock-in-the-hook", &["REENT-2"], no_lock),
];

/// A thread with a hook that sends on `s`, and blocks; it gives what came of the send.
fn hooked_sender(
    bed: &dyn TestBed,
    s: SocketHandle,
    to: core::net::SocketAddr,
    hook: HookBody,
) -> (BedThread, Shared<Option<Result<u32, WsaError>>>) {
    let result = Shared::new(None);
    let came = result.clone();
    let thread = bed.spawn(
        "hooked sender",
        Box::new(move |bed| {
            bed.set_blocking_hook(Some(hook));
            let call = SendCall::send_to(bed, s).bytes(b"hooked").to(to).call();
            came.set(Some(call.result()));
            bed.set_blocking_hook(None);
            Ok(())
        }),
    );
    (thread, result)
}

fn called_while_blocked(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        hold_sends(bed);
        let calls = Shared::new(0);
        let count = calls.clone();
        let hook = Box::new(move |_: &dyn TestBed| {
            count.with(|count| *count += 1);
            Ok(false)
        });
        let (thread, result) = hooked_sender(bed, s, pair.at_b, hook);
        until(bed, false, "several calls of the hook", || calls.get() > 2)?;
        check::equal("the send while the hook runs", result.get(), None)?;
        release_sends(bed);
        ends(bed, thread)?;
        check::equal("the send", result.get(), Some(Ok(6)))?;
        let before = calls.get();
        bed.grace(false);
        check::equal("calls after the send", calls.get(), before)?;
    }
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"hooked".to_vec())
}

fn not_called(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let calls = Shared::new(0);
    let count = calls.clone();
    bed.set_blocking_hook(Some(Box::new(move |_| {
        count.with(|count| *count += 1);
        Ok(false)
    })));
    let op = Op::new(bed);
    for s in [pair.a, stream.a] {
        let call = || SendCall::send_to(bed, s).bytes(b"x").to(pair.at_b);
        // There is room; the buffer takes it; it pends; it would block, and does not.
        call().call().done(1)?;
        hold_sends(bed);
        call().call().done(1)?;
        release_sends(bed);
    }
    unbuffered(bed, pair.a)?;
    bed.grace(false);
    hold_sends(bed);
    let call = || SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b);
    call().overlapped(&op).call().pending()?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    call().call().refused(WsaError::WSAEWOULDBLOCK)?;
    check::equal("calls of the hook", calls.get(), 0)
}

fn cancelled(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let calls = Shared::new(0);
    let count = calls.clone();
    let hook = Box::new(move |bed: &dyn TestBed| {
        count.with(|count| *count += 1);
        if count.get() == 2 {
            check::works("WSPCancelBlockingCall", cancel_blocking_call(bed))?;
        }
        Ok(false)
    });
    let (thread, result) = hooked_sender(bed, pair.a, pair.at_b, hook);
    ends(bed, thread)?;
    check::equal("the send", result.get(), Some(Err(WsaError::WSAEINTR)))?;
    release_sends(bed);
    nothing_arrives(bed, pair.b)
}

fn refused_inside(bed: &dyn TestBed) -> CaseResult {
    let (pair, other, stream) = (full_pair(bed)?, datagram_pair(bed)?, stream_pair(bed)?);
    check::works("FIONBIO", set_nonblocking(bed, other.b, true))?;
    let done = Shared::new(false);
    let ran = done.clone();
    let hook = Box::new(move |bed: &dyn TestBed| {
        if !ran.get() {
            let op = Op::new(bed);
            // In every mode: none of these would block by itself.
            for s in [other.a, other.b, stream.a] {
                let call = || SendCall::send_to(bed, s).bytes(b"inside").to(other.at_b);
                call().call().refused(WsaError::WSAEINPROGRESS)?;
                call().overlapped(&op).call().refused(WsaError::WSAEINPROGRESS)?;
            }
            ran.set(true);
        }
        Ok(false)
    });
    let (thread, result) = hooked_sender(bed, pair.a, pair.at_b, hook);
    until(bed, false, "the hook", || done.get())?;
    bed.lower().clear_taken();
    release_sends(bed);
    ends(bed, thread)?;
    check::equal("the send", result.get(), Some(Ok(6)))?;
    bed.grace(false);
    check::equal("sends that the transport took", bed.lower().taken().len(), 1)
}

fn no_lock(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let done = Shared::new(false);
    let (ran, posted) = (done.clone(), Shared::new(false));
    let hook = Box::new(move |bed: &dyn TestBed| {
        if !ran.get() {
            // Another thread uses the very socket while the hook waits for it.
            let sent = posted.clone();
            bed.spawn(
                "other",
                Box::new(move |bed| {
                    check::works("WSPGetSockName", sock_name(bed, pair.a))?;
                    let op = Op::new(bed);
                    let call = SendCall::send_to(bed, pair.a).bytes(b"behind").to(pair.at_b);
                    call.overlapped(&op).call().pending()?;
                    sent.set(true);
                    until(bed, false, "its end", || !op.is_pending(bed))
                }),
            );
            until(bed, false, "the other thread's send", || posted.get())?;
            ran.set(true);
        }
        Ok(false)
    });
    let (thread, result) = hooked_sender(bed, pair.a, pair.at_b, hook);
    until(bed, false, "the hook", || done.get())?;
    release_sends(bed);
    ends(bed, thread)?;
    check::equal("the send", result.get(), Some(Ok(6)))?;
    for want in [b"hooked", b"behind"] {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, want.to_vec())?;
    }
    Ok(())
}
