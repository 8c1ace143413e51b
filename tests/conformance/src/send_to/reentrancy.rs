//! Calls made while another one, a routine or an indication is under way (REENT, ERR-INPROGRESS).

use provider_core::{Routine, WsaError};

use crate::support::{
    Op, SendCall, close, completions, datagram_pair, ends, hold_sends, nothing_arrives, peer_name,
    post_receive, receive_datagram, receive_exactly, release_sends, set_nonblocking, sock_name,
    stream_pair, unbuffered, until,
};
use crate::{Case, CaseResult, Seam, Shared, TestBed, Waited, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("reent-1-send-in-the-routine-of-a-send", &["REENT-1"], in_send_routine),
    Case::both("reent-1-send-in-the-routine-of-a-receive", &["REENT-1"], in_receive_routine),
    Case::both("reent-2-no-lock-in-a-routine", &["REENT-2"], no_lock_in_routine),
    Case::both("reent-2-no-lock-when-an-event-is-set", &["REENT-2"], no_lock_at_event),
    Case::both("reent-3-chain-in-one-alertable-wait", &["REENT-3", "APC-11"], chain),
    Case::both("reent-3-chain-of-pended-sends", &["REENT-3"], pended_chain),
    Case::both("reent-4-close-in-its-own-routine", &["REENT-4", "CXL-1"], close_in_routine),
    Case::both("err-inprogress-blocking-in-a-blocking-call", &["ERR-INPROGRESS"], second_blocks),
    Case::both("err-inprogress-not-where-nothing-blocks", &["ERR-INPROGRESS"], others_work),
    Case::both(
        "err-inprogress-not-for-a-routine",
        &["ERR-INPROGRESS", "REENT-1"],
        blocking_in_routine,
    ),
];

fn in_send_routine(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let inner = completions(bed);
    let inside = inner.clone();
    let outer = bed.routine(Box::new(move |bed, _| {
        // In every mode, on the same socket and on another one.
        SendCall::send_to(bed, pair.a).bytes(b"plain").to(pair.at_b).call().done(5)?;
        SendCall::send(bed, stream.a).bytes(b"plain").call().done(5)?;
        let op = Op::new(bed);
        let call = SendCall::send_to(bed, pair.a).bytes(b"overlapped").to(pair.at_b);
        call.overlapped(&op).routine(inside.routine()).call().done_overlapped(10)
    }));
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"first").to(pair.at_b).overlapped(&op);
    call.routine(outer).call().done_overlapped(5)?;
    inner.reach(bed, 1)?;
    for want in [b"first".as_slice(), b"plain", b"overlapped"] {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, want.to_vec())?;
    }
    check::equal("the stream", receive_exactly(bed, stream.b, 5)?, b"plain".to_vec())
}

fn in_receive_routine(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let echoed = Shared::new(0);
    let count = echoed.clone();
    // An echo: each routine answers with a send of its own.
    let routine = bed.routine(Box::new(move |bed, completion| {
        let answer = vec![b'!'; completion.bytes as usize];
        SendCall::send_to(bed, pair.b).bytes(&answer).to(pair.at_a).call().done(answer.len())?;
        count.with(|count| *count += 1);
        Ok(())
    }));
    for _ in 0..2 {
        let op = Op::new(bed);
        post_receive(bed, pair.b, 100, &op, routine)?;
    }
    for len in [3, 5] {
        SendCall::send_to(bed, pair.a).bytes(&vec![1; len]).to(pair.at_b).call().done(len)?;
    }
    until(bed, true, "the echoes", || echoed.get() == 2)?;
    for len in [3, 5] {
        check::equal("the echo", receive_datagram(bed, pair.a)?.0, vec![b'!'; len])?;
    }
    Ok(())
}

fn no_lock_in_routine(bed: &dyn TestBed) -> CaseResult {
    let stream = stream_pair(bed)?;
    unbuffered(bed, stream.a)?;
    hold_sends(bed);
    let done = Shared::new(false);
    let ran = done.clone();
    let routine = bed.routine(Box::new(move |bed, _| {
        // Whatever takes the socket's lock, here and from another thread.
        check::works("WSPGetSockName", sock_name(bed, stream.a))?;
        check::works("WSPGetPeerName", peer_name(bed, stream.a))?;
        check::works("FIONBIO", set_nonblocking(bed, stream.a, false))?;
        let other = bed.spawn(
            "other",
            Box::new(move |bed| {
                check::works("WSPGetSockName", sock_name(bed, stream.a))?;
                SendCall::send(bed, stream.a).bytes(b"other").call().done(5)
            }),
        );
        ends(bed, other)?;
        ran.set(true);
        Ok(())
    }));
    let op = Op::new(bed);
    let call = SendCall::send(bed, stream.a).bytes(b"first").overlapped(&op).routine(routine);
    call.call().pending()?;
    release_sends(bed);
    until(bed, true, "the routine", || done.get())?;
    check::equal("what arrived", receive_exactly(bed, stream.b, 10)?, b"firstother".to_vec())
}

fn no_lock_at_event(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let event = bed.create_event(true, false);
    let op = Op::with_event(bed, event);
    let call = SendCall::send_to(bed, pair.a).bytes(b"first").to(pair.at_b).overlapped(&op).call();
    call.pending()?;
    // The thread that the event wakes uses the socket at once.
    let waiter = bed.spawn(
        "waiter",
        Box::new(move |bed| {
            check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
            SendCall::send_to(bed, pair.a).bytes(b"second").to(pair.at_b).call().done(6)?;
            check::works("closing", close(bed, pair.a))
        }),
    );
    release_sends(bed);
    ends(bed, waiter)?;
    for want in [b"first".as_slice(), b"second"] {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, want.to_vec())?;
    }
    Ok(())
}

const LINKS: usize = 5;

/// A routine that sends the next datagram, with itself for its routine, until there were enough.
fn link(bed: &dyn TestBed, pair: crate::support::DatagramPair) -> (Routine, Shared<usize>) {
    let calls = Shared::new(0);
    let own = Shared::new(Routine::NULL);
    let (count, itself) = (calls.clone(), own.clone());
    let routine = bed.routine(Box::new(move |bed, completion| {
        check::equal("the routine's error", completion.error, 0)?;
        count.with(|count| *count += 1);
        if count.get() < LINKS {
            let op = Op::new(bed);
            let call = SendCall::send_to(bed, pair.a).bytes(b"link").to(pair.at_b).overlapped(&op);
            call.routine(itself.get()).call().accepted()?;
        }
        Ok(())
    }));
    own.set(routine);
    (routine, calls)
}

fn chain(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let (routine, calls) = link(bed, pair);
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"link").to(pair.at_b).overlapped(&op);
    call.routine(routine).call().done_overlapped(4)?;
    check::holds("an alertable wait runs them", bed.run_apcs())?;
    check::equal("links in that one wait", calls.get(), LINKS)?;
    for _ in 0..LINKS {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"link".to_vec())?;
    }
    nothing_arrives(bed, pair.b)
}

fn pended_chain(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let (routine, calls) = link(bed, pair);
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"link").to(pair.at_b).overlapped(&op);
    call.routine(routine).call().pending()?;
    release_sends(bed);
    until(bed, true, "the chain", || calls.get() == LINKS)?;
    for _ in 0..LINKS {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"link".to_vec())?;
    }
    Ok(())
}

fn close_in_routine(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    let rest = completions(bed);
    let closing = bed.routine(Box::new(move |bed, completion| {
        check::equal("the routine's error", completion.error, 0)?;
        check::works("closing", close(bed, pair.a))
    }));
    let (first, second) = (Op::new(bed), Op::new(bed));
    let call = |op| SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(op);
    call(&first).routine(closing).call().done_overlapped(1)?;
    hold_sends(bed);
    call(&second).routine(rest.routine()).call().pending()?;
    rest.one(bed, &second, WsaError::WSA_OPERATION_ABORTED, 0)?;
    second.failed(bed, WsaError::WSA_OPERATION_ABORTED, 0)?;
    first.sent(bed, 1)?;
    SendCall::send_to(bed, pair.a).bytes(b"x").call().refused(WsaError::WSAENOTSOCK)?;
    rest.stay(bed, 1)
}

/// A thread that is blocked in a send on `stream`, and what an APC in its wait does meanwhile.
fn inside_blocked_send(
    bed: &dyn TestBed,
    apc: impl FnOnce(&dyn TestBed) -> CaseResult + Send + 'static,
) -> CaseResult<crate::support::StreamPair> {
    let stream = stream_pair(bed)?;
    unbuffered(bed, stream.a)?;
    hold_sends(bed);
    let thread = bed.spawn(
        "sender",
        Box::new(move |bed| SendCall::send(bed, stream.a).bytes(b"blocked").call().done(7)),
    );
    bed.grace(false);
    let done = Shared::new(false);
    let ran = done.clone();
    let queued = bed.queue_apc(
        thread,
        Box::new(move |bed| {
            apc(bed)?;
            ran.set(true);
            Ok(())
        }),
    );
    check::holds("the APC was queued", queued)?;
    until(bed, false, "the APC in the blocked call", || done.get())?;
    release_sends(bed);
    ends(bed, thread)?;
    check::equal("the blocked send", receive_exactly(bed, stream.b, 7)?, b"blocked".to_vec())?;
    Ok(stream)
}

fn second_blocks(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, other.a] {
        unbuffered(bed, s)?;
    }
    bed.lower().clear_taken();
    inside_blocked_send(bed, move |bed| {
        for s in [pair.a, other.a] {
            let call = SendCall::send_to(bed, s).bytes(b"second").to(pair.at_b).call();
            call.refused(WsaError::WSAEINPROGRESS)?;
        }
        Ok(())
    })?;
    // Nothing of those went out, then or since.
    nothing_arrives(bed, pair.b)?;
    nothing_arrives(bed, other.b)?;
    check::equal("sends that the transport took", bed.lower().taken().len(), 1)
}

fn others_work(bed: &dyn TestBed) -> CaseResult {
    let (pair, roomy) = (datagram_pair(bed)?, datagram_pair(bed)?);
    let op = Op::new(bed);
    inside_blocked_send(bed, move |bed| {
        // Blocking, with room in the send buffer.
        SendCall::send_to(bed, roomy.a).bytes(b"room").to(roomy.at_b).call().done(4)?;
        // Overlapped, and nonblocking: neither would block.
        unbuffered(bed, pair.a)?;
        let call = || SendCall::send_to(bed, pair.a).to(pair.at_b);
        call().bytes(b"overlapped").overlapped(&op).call().pending()?;
        check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
        call().bytes(b"nonblocking").call().refused(WsaError::WSAEWOULDBLOCK)?;
        check::works("WSPGetSockName", sock_name(bed, pair.a)).map(drop)
    })?;
    until(bed, false, "the end of the send", || !op.is_pending(bed))?;
    op.sent(bed, 10)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"overlapped".to_vec())
}

fn blocking_in_routine(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    unbuffered(bed, stream.a)?;
    bed.lower().hold(Seam::Receive);
    SendCall::send_to(bed, pair.a).bytes(b"news").to(pair.at_b).call().done(4)?;
    let (inside, done) = (bed.create_event(true, false), Shared::new(false));
    let ran = done.clone();
    let routine = bed.routine(Box::new(move |bed, _| {
        bed.set_event(inside);
        // The thread is in no other blocking call: this one blocks, and then succeeds.
        SendCall::send(bed, stream.a).bytes(b"blocks").call().done(6)?;
        ran.set(true);
        Ok(())
    }));
    bed.grace(false);
    hold_sends(bed);
    let returned = done.clone();
    let thread = bed.spawn(
        "receiver",
        Box::new(move |bed| {
            let op = Op::new(bed);
            post_receive(bed, pair.b, 100, &op, routine)?;
            until(bed, true, "the routine", || returned.get())
        }),
    );
    bed.grace(false);
    bed.lower().release(Seam::Receive);
    check::equal("the wait for the routine", bed.wait(inside, false), Waited::Signalled)?;
    bed.grace(false);
    check::holds("the send in the routine blocks", !done.get())?;
    release_sends(bed);
    ends(bed, thread)
}
