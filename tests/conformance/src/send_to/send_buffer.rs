//! The send buffer: what SO_SNDBUF lets a provider copy and complete at once (OVL-14).

use core::net::SocketAddr;

use provider_core::spi::SO_SNDBUF;
use provider_core::{EventHandle, SocketHandle, WsaError};

use crate::support::{
    Guarded, Op, SendCall, datagram_pair, hold_sends, nothing_arrives, receive_datagram,
    receive_exactly, release_sends, set_option, stream_pair, unbuffered, until,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("ovl-14-within-the-quota-at-once", &["OVL-14"], within_quota),
    Case::both("ovl-14-beyond-the-quota-one-more", &["OVL-14"], beyond_quota),
    Case::both("ovl-14-later-when-the-count-lets-it-in", &["OVL-14", "OVL-9"], count_lets_in),
    Case::both("ovl-14-later-when-the-quota-lets-it-in", &["OVL-14"], quota_lets_in),
    Case::both("ovl-14-nothing-is-buffered-without-quota", &["OVL-14", "OVL-9"], no_quota),
    Case::both("ovl-10-buffered-data-is-the-clients", &["OVL-10", "OVL-14"], data_given_back),
];

/// SO_SNDBUF so that two sends of 60 bytes and one of 40 more fit.
const QUOTA: u32 = 160;

fn within_quota(bed: &dyn TestBed) -> CaseResult {
    let stream = stream_pair(bed)?;
    let pair = datagram_pair(bed)?;
    hold_sends(bed);
    for s in [pair.a, stream.a] {
        check::works("SO_SNDBUF", set_option(bed, s, SO_SNDBUF, QUOTA))?;
        let send = |len: usize| {
            let op = Op::new(bed);
            let bytes = vec![len as u8; len];
            let call = SendCall::send_to(bed, s).bytes(&bytes).to(pair.at_b).overlapped(&op);
            (op, call.call())
        };
        // Copied, and complete: nothing of them is with the transport yet.
        send(60).1.done_overlapped(60)?;
        send(60).1.done_overlapped(60)?;
        send(40).1.done_overlapped(40)?;
        let (op, call) = send(1);
        call.pending()?;
        op.pending(bed)?;
    }
    check::equal("what the transport took", bed.lower().taken(), Vec::new())?;
    release_sends(bed);
    for len in [60, 60, 40, 1] {
        check::equal("what arrived", receive_datagram(bed, pair.b)?.0.len(), len)?;
    }
    check::equal("what arrived", receive_exactly(bed, stream.b, 161)?.len(), 161)
}

/// Three sends, each beyond the quota by itself: the first two are copied, the third pends.
fn two_beyond_quota(bed: &dyn TestBed, s: SocketHandle, to: SocketAddr) -> CaseResult<Op> {
    check::works("SO_SNDBUF", set_option(bed, s, SO_SNDBUF, 100))?;
    hold_sends(bed);
    let bytes = [3; 150];
    let call = || SendCall::send_to(bed, s).bytes(&bytes).to(to);
    for _ in 0..2 {
        let op = Op::new(bed);
        call().overlapped(&op).call().done_overlapped(150)?;
    }
    let op = Op::new(bed);
    call().overlapped(&op).call().pending()?;
    Ok(op)
}

fn beyond_quota(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        let op = two_beyond_quota(bed, s, pair.at_b)?;
        bed.grace(false);
        op.pending(bed)?;
        check::equal("bytes taken", taken(bed, s == stream.a), 0)?;
        release_sends(bed);
        until(bed, false, "the end of the send", || !op.is_pending(bed))?;
        op.sent(bed, 150)?;
    }
    check::equal("the stream", receive_exactly(bed, stream.b, 450)?, vec![3; 450])
}

fn count_lets_in(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let op = two_beyond_quota(bed, pair.a, pair.at_b)?;
    // The transport takes one of the two, and nothing for a while.
    bed.lower().answer(Seam::Send, Answer::Take(150));
    for _ in 0..2_000 {
        bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAEWOULDBLOCK));
    }
    release_sends(bed);
    until(bed, false, "the end of the send", || !op.is_pending(bed))?;
    op.sent(bed, 150)?;
    check::equal("bytes taken", taken(bed, false), 150)?;
    bed.lower().forget_answers(Seam::Send);
    for _ in 0..3 {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0.len(), 150)?;
    }
    Ok(())
}

fn quota_lets_in(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        let op = two_beyond_quota(bed, s, pair.at_b)?;
        check::works("SO_SNDBUF", set_option(bed, s, SO_SNDBUF, 450))?;
        until(bed, false, "the end of the send", || !op.is_pending(bed))?;
        op.sent(bed, 150)?;
        check::equal("bytes taken", taken(bed, s == stream.a), 0)?;
        release_sends(bed);
    }
    check::equal("the stream", receive_exactly(bed, stream.b, 450)?, vec![3; 450])
}

fn no_quota(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        hold_sends(bed);
        let op = Op::with_event(bed, EventHandle(0));
        let call = SendCall::send_to(bed, s).bytes(&[1; 3_000]).to(pair.at_b).overlapped(&op);
        call.call().pending()?;
        if s == stream.a {
            // The transport takes a part: that is no end.
            bed.lower().answer(Seam::Send, Answer::Take(1_000));
            bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAEWOULDBLOCK));
        }
        release_sends(bed);
        until(bed, false, "the end of the send", || !op.is_pending(bed))?;
        op.sent(bed, 3_000)?;
        check::equal("bytes taken", taken(bed, s == stream.a), 3_000)?;
        bed.lower().clear_taken();
    }
    nothing_arrives_after(bed, stream.b, 3_000)
}

/// Bytes that the transport took, of streams or of datagrams.
fn taken(bed: &dyn TestBed, streams: bool) -> usize {
    let taken = bed.lower().taken().into_iter();
    taken.filter(|taken| taken.to.is_none() == streams).map(|taken| taken.bytes.len()).sum()
}

fn nothing_arrives_after(bed: &dyn TestBed, s: SocketHandle, len: usize) -> CaseResult {
    receive_exactly(bed, s, len)?;
    nothing_arrives(bed, s)
}

fn data_given_back(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    hold_sends(bed);
    for s in [pair.a, stream.a] {
        let data = Guarded::holding(bed, b"first");
        let op = Op::new(bed);
        let call = SendCall::send_to(bed, s).buffer(data.at(), data.len()).to(pair.at_b);
        // Complete, though the transport has nothing of it: it was copied.
        call.overlapped(&op).call().done_overlapped(5)?;
        data.scribble(bed);
    }
    release_sends(bed);
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"first".to_vec())?;
    check::equal("the stream", receive_exactly(bed, stream.b, 5)?, b"first".to_vec())
}
