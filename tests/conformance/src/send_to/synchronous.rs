//! Sends that are complete when the call returns: blocking and nonblocking (SYN).

use provider_core::spi::{AF_INET, SO_SNDBUF, SO_SNDTIMEO};
use provider_core::{SocketHandle, WsaError};

use crate::support::{
    Guarded, Op, SendCall, completions, datagram_pair, ends, hold_sends, nothing_arrives,
    post_receive, receive_datagram, receive_exactly, release_sends, set_nonblocking, set_option,
    stream_pair, stream_pair_of, unbuffered, until,
};
use crate::{Answer, BedThread, Case, CaseResult, Seam, Shared, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("syn-1-data-is-copied", &["SYN-1"], copied),
    Case::documented("syn-2-partial-count", &["SYN-2"], partial),
    Case::documented("syn-2-partial-count-of-the-transport", &["SYN-2"], partial_transport),
    Case::windows("syn-2-whole-or-not-at-all", &["SYN-2", "SYN-3"], whole),
    Case::windows("syn-2-whole-though-the-transport-took-part", &["SYN-2"], whole_transport),
    Case::both("syn-4-blocks-until-consumed", &["SYN-4"], blocks),
    Case::both("syn-4-blocks-until-all-is-consumed", &["SYN-4", "ORD-2"], blocks_for_all),
    Case::both("syn-4-nonoverlapped-blocks-too", &["SYN-4", "OVL-4"], nonoverlapped_blocks),
    Case::both("syn-6-waits-alertably", &["SYN-6", "APC-2"], alertable),
    Case::both("syn-6-routines-run-inside", &["SYN-6", "APC-1"], routines_inside),
    Case::both("syn-7-send-times-out", &["SYN-7", "RET-9", "ERR-MISSING"], times_out),
    Case::both("syn-7-not-for-overlapped-sends", &["SYN-7"], overlapped_does_not_time_out),
    Case::both("syn-7-not-while-there-is-room", &["SYN-7"], no_wait_no_timeout),
    Case::both("syn-8-datagrams-are-never-partial", &["SYN-8", "RET-14"], never_partial),
];

fn copied(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    hold_sends(bed);
    for s in [pair.a, stream.a] {
        let data = Guarded::holding(bed, b"first");
        SendCall::send_to(bed, s).buffer(data.at(), 5).to(pair.at_b).call().done(5)?;
        data.scribble(bed);
    }
    release_sends(bed);
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"first".to_vec())?;
    check::equal("the stream", receive_exactly(bed, stream.b, 5)?, b"first".to_vec())
}

/// Numbered bytes.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n % 251) as u8).collect()
}

fn partial(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("SO_SNDBUF", set_option(bed, pair.a, SO_SNDBUF, 100))?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    hold_sends(bed);
    let bytes = pattern(150);
    SendCall::send_to(bed, pair.a).bytes(&bytes).call().done(100)?;
    let rest = || SendCall::send_to(bed, pair.a).bytes(&bytes[100..]);
    rest().call().refused(WsaError::WSAEWOULDBLOCK)?;
    release_sends(bed);
    check::equal("the first part", receive_exactly(bed, pair.b, 100)?, bytes[..100].to_vec())?;
    rest().call().done(50)?;
    check::equal("the rest", receive_exactly(bed, pair.b, 50)?, bytes[100..].to_vec())?;
    nothing_arrives(bed, pair.b)
}

/// The transport takes 30 bytes of a nonblocking send, and no more for a while.
fn after_thirty_bytes(bed: &dyn TestBed, s: SocketHandle, bytes: &[u8], sent: usize) -> CaseResult {
    unbuffered(bed, s)?;
    check::works("FIONBIO", set_nonblocking(bed, s, true))?;
    bed.lower().answer(Seam::Send, Answer::Take(30));
    bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAEWOULDBLOCK));
    SendCall::send(bed, s).bytes(bytes).call().done(sent)
}

fn partial_transport(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let bytes = pattern(150);
    after_thirty_bytes(bed, pair.a, &bytes, 30)?;
    check::equal("the part", receive_exactly(bed, pair.b, 30)?, bytes[..30].to_vec())?;
    nothing_arrives(bed, pair.b)
}

fn whole_transport(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let bytes = pattern(150);
    after_thirty_bytes(bed, pair.a, &bytes, 150)?;
    check::equal("what arrived", receive_exactly(bed, pair.b, 150)?, bytes)?;
    nothing_arrives(bed, pair.b)
}

fn whole(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("SO_SNDBUF", set_option(bed, pair.a, SO_SNDBUF, 100))?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    hold_sends(bed);
    let bytes = pattern(150);
    let call = || SendCall::send_to(bed, pair.a).bytes(&bytes).call();
    // Nothing is queued: whatever its size.
    call().done(150)?;
    let mut taken = 1;
    loop {
        let next = call();
        match next.result() {
            Ok(150) if taken < 20 => taken += 1,
            _ => {
                next.refused(WsaError::WSAEWOULDBLOCK)?;
                break;
            }
        }
    }
    release_sends(bed);
    let arrived = receive_exactly(bed, pair.b, 150 * taken)?;
    check::equal("what arrived", arrived, bytes.repeat(taken))?;
    nothing_arrives(bed, pair.b)
}

/// A thread that sends `bytes` on `s`, to `to` where that matters, and says when the call returned.
fn blocked_sender(
    bed: &dyn TestBed,
    s: SocketHandle,
    to: core::net::SocketAddr,
    bytes: Vec<u8>,
) -> (BedThread, Shared<bool>) {
    let returned = Shared::new(false);
    let done = returned.clone();
    let thread = bed.spawn(
        "sender",
        Box::new(move |bed| {
            SendCall::send_to(bed, s).bytes(&bytes).to(to).call().done(bytes.len())?;
            done.set(true);
            Ok(())
        }),
    );
    (thread, returned)
}

fn blocks(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        hold_sends(bed);
        let (thread, returned) = blocked_sender(bed, s, pair.at_b, b"blocked".to_vec());
        bed.grace(false);
        check::holds("it has not returned", !returned.get())?;
        release_sends(bed);
        ends(bed, thread)?;
    }
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"blocked".to_vec())?;
    check::equal("the stream", receive_exactly(bed, stream.b, 7)?, b"blocked".to_vec())
}

fn blocks_for_all(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    unbuffered(bed, pair.a)?;
    let bytes = pattern(40_000);
    // The transport takes it in pieces, and none in between.
    for most in [1, 999, 20_000] {
        bed.lower().answer(Seam::Send, Answer::Take(most));
        bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAEWOULDBLOCK));
    }
    let (thread, _) = blocked_sender(bed, pair.a, pair.at_b, bytes.clone());
    check::equal("what arrived", receive_exactly(bed, pair.b, 40_000)?, bytes)?;
    ends(bed, thread)?;
    nothing_arrives(bed, pair.b)
}

fn nonoverlapped_blocks(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair_of(bed, AF_INET, 0)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let (thread, returned) = blocked_sender(bed, pair.a, pair.at_b, b"plain".to_vec());
    bed.grace(false);
    check::holds("it has not returned", !returned.get())?;
    release_sends(bed);
    ends(bed, thread)?;
    check::equal("what arrived", receive_exactly(bed, pair.b, 5)?, b"plain".to_vec())
}

fn alertable(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let (thread, returned) = blocked_sender(bed, pair.a, pair.at_b, b"blocked".to_vec());
    bed.grace(false);
    let ran = Shared::new(false);
    let runs = ran.clone();
    let queued = bed.queue_apc(
        thread,
        Box::new(move |_| {
            runs.set(true);
            Ok(())
        }),
    );
    check::holds("the APC was queued", queued)?;
    until(bed, false, "the APC in the blocked call", || ran.get())?;
    // And the call goes on waiting.
    bed.grace(false);
    check::holds("it has not returned", !returned.get())?;
    release_sends(bed);
    ends(bed, thread)
}

fn routines_inside(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    unbuffered(bed, stream.a)?;
    // A datagram is there to be received, but held back; and nothing can be sent.
    bed.lower().hold(Seam::Receive);
    SendCall::send_to(bed, pair.a).bytes(b"news").to(pair.at_b).call().done(4)?;
    bed.grace(false);
    hold_sends(bed);
    let seen = completions(bed);
    let (inner, returned) = (seen.clone(), Shared::new(false));
    let done = returned.clone();
    let thread = bed.spawn(
        "sender",
        Box::new(move |bed| {
            let op = Op::new(bed);
            post_receive(bed, pair.b, 100, &op, inner.routine())?;
            SendCall::send(bed, stream.a).bytes(b"blocked").call().done(7)?;
            done.set(true);
            inner.called(bed, 0, &op, WsaError(0), 4)
        }),
    );
    bed.grace(false);
    check::equal("routines before there is news", seen.count(), 0)?;
    bed.lower().release(Seam::Receive);
    until(bed, false, "the routine inside of the blocked call", || seen.count() == 1)?;
    check::holds("the send has not returned", !returned.get())?;
    release_sends(bed);
    ends(bed, thread)
}

fn times_out(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        check::works("SO_SNDTIMEO", set_option(bed, s, SO_SNDTIMEO, 20))?;
        hold_sends(bed);
        let call = SendCall::send_to(bed, s).bytes(b"too late").to(pair.at_b).call();
        call.refused(WsaError::WSAETIMEDOUT)?;
        release_sends(bed);
    }
    nothing_arrives(bed, pair.b)?;
    nothing_arrives(bed, stream.b)
}

fn overlapped_does_not_time_out(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    check::works("SO_SNDTIMEO", set_option(bed, pair.a, SO_SNDTIMEO, 20))?;
    hold_sends(bed);
    let op = Op::new(bed);
    let call =
        SendCall::send_to(bed, pair.a).bytes(b"patient").to(pair.at_b).overlapped(&op).call();
    call.pending()?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call();
    call.refused(WsaError::WSAEWOULDBLOCK)?;
    bed.grace(true);
    op.pending(bed)?;
    release_sends(bed);
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"patient".to_vec())
}

fn no_wait_no_timeout(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        check::works("SO_SNDTIMEO", set_option(bed, s, SO_SNDTIMEO, 1))?;
        SendCall::send_to(bed, s).bytes(b"x").to(pair.at_b).call().done(1)?;
        bed.grace(false);
        SendCall::send_to(bed, s).bytes(b"y").to(pair.at_b).call().done(1)?;
    }
    check::equal("the stream", receive_exactly(bed, stream.b, 2)?, b"xy".to_vec())
}

fn never_partial(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("SO_SNDBUF", set_option(bed, pair.a, SO_SNDBUF, 100))?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    hold_sends(bed);
    let bytes = pattern(60);
    let mut accepted = 0;
    let refused = loop {
        let call = SendCall::send_to(bed, pair.a).bytes(&bytes).to(pair.at_b).call();
        match call.result() {
            Ok(60) if accepted < 20 => accepted += 1,
            _ => break call,
        }
    };
    refused.refused(WsaError::WSAEWOULDBLOCK)?;
    release_sends(bed);
    for _ in 0..accepted {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, bytes.clone())?;
    }
    nothing_arrives(bed, pair.b)
}
