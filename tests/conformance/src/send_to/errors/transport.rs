//! Errors that the transport is the reason of: failed, full, no route, too small.

use provider_core::WsaError;
use provider_core::spi::SO_MAX_MSG_SIZE;

use crate::support::{
    Op, SendCall, completions, datagram_pair, get_option, hold_sends, nothing_arrives,
    receive_datagram, receive_exactly, release_sends, set_nonblocking, stream_pair, unbuffered,
    until,
};
use crate::{Answer, Case, CaseResult, Hosts, Seam, TestBed, Waited, check};

/// The cases of this family.
pub(in crate::send_to) const CASES: &[Case] = &[
    Case::both("err-netdown", &["ERR-NETDOWN", "RET-4", "ORD-4"], net_down),
    Case::both("err-nobufs-at-the-call", &["ERR-NOBUFS", "RET-4", "ORD-4"], no_buffers),
    Case::both("err-nobufs-ends-a-pended-datagram", &["ERR-NOBUFS"], no_buffers_later),
    Case::both("err-nobufs-delays-a-pended-stream-send", &["ERR-NOBUFS"], no_buffers_on_a_stream),
    Case::both("err-nobufs-delays-a-buffered-datagram", &["DST-10", "ORD-2"], no_buffers_buffered),
    Case::both("err-netunreach", &["ERR-NETUNREACH"], no_route),
    Case::both("err-netunreach-ends-a-pended-datagram", &["ERR-NETUNREACH"], no_route_later),
    Case::both("err-msgsize", &["ERR-MSGSIZE", "BUF-11", "RET-4"], too_long),
    Case::both("err-wouldblock-1-too-many", &["ERR-WOULDBLOCK-1", "RET-4"], too_many)
        .on(Hosts::Process("so many operations at once take the simulator's oracles minutes")),
    Case::both("err-wouldblock-2-datagram", &["ERR-WOULDBLOCK-2", "SYN-3", "SYN-8"], full_datagram),
    Case::both("err-wouldblock-2-stream", &["ERR-WOULDBLOCK-2", "SYN-3"], full_stream),
];

fn net_down(bed: &dyn TestBed) -> CaseResult {
    refused_then_well(bed, WsaError::WSAENETDOWN)
}

fn no_buffers(bed: &dyn TestBed) -> CaseResult {
    refused_then_well(bed, WsaError::WSAENOBUFS)
}

/// The transport refuses each kind of call once; nothing of it goes out, nothing is indicated, and
/// the next call is none the worse for it.
fn refused_then_well(bed: &dyn TestBed, error: WsaError) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let event = bed.create_event(true, false);
    let seen = completions(bed);
    let op = Op::with_event(bed, event);
    bed.lower().clear_taken();
    let refuse = || bed.lower().answer(Seam::Send, Answer::Refuse(error));
    for socket in [pair.a, stream.a] {
        // A stream does not look at lpTo.
        let call = || SendCall::send_to(bed, socket).bytes(b"lost").to(pair.at_b);
        refuse();
        call().call().refused(error)?;
        refuse();
        call().overlapped(&op).call().refused(error)?;
        refuse();
        call().overlapped(&op).routine(seen.routine()).call().refused(error)?;
    }
    seen.stay(bed, 0)?;
    check::holds("no event is set", !bed.is_set(event))?;
    op.untouched(bed)?;
    check::equal("what the transport took", bed.lower().taken(), Vec::new())?;
    SendCall::send_to(bed, pair.a).bytes(b"found").to(pair.at_b).call().done(5)?;
    SendCall::send(bed, stream.a).bytes(b"found").call().done(5)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"found".to_vec())?;
    check::equal("what arrived", receive_exactly(bed, stream.b, 5)?, b"found".to_vec())
}

fn no_buffers_later(bed: &dyn TestBed) -> CaseResult {
    pended_datagram_ends(bed, WsaError::WSAENOBUFS)
}

/// The transport refuses a datagram that pended, with `error`; the one behind it goes.
fn pended_datagram_ends(bed: &dyn TestBed, error: WsaError) -> CaseResult {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let event = bed.create_event(true, false);
    let (first, second) = (Op::with_event(bed, event), Op::new(bed));
    let seen = completions(bed);
    let call = |bytes, op| SendCall::send_to(bed, pair.a).bytes(bytes).to(pair.at_b).overlapped(op);
    call(b"first", &first).call().pending()?;
    call(b"second", &second).routine(seen.routine()).call().pending()?;
    bed.lower().answer(Seam::Send, Answer::Refuse(error));
    release_sends(bed);
    check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
    first.failed(bed, error, 0)?;
    seen.one(bed, &second, WsaError(0), 6)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"second".to_vec())?;
    nothing_arrives(bed, pair.b)
}

fn no_buffers_on_a_stream(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let seen = completions(bed);
    let (first, second) = (Op::new(bed), Op::new(bed));
    let call = |bytes, op| SendCall::send(bed, pair.a).bytes(bytes).overlapped(op);
    call(b"one, ", &first).routine(seen.routine()).call().pending()?;
    call(b"two", &second).routine(seen.routine()).call().pending()?;
    for _ in 0..3 {
        bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAENOBUFS));
    }
    release_sends(bed);
    seen.reach(bed, 2)?;
    first.sent(bed, 5)?;
    second.sent(bed, 3)?;
    check::equal("what arrived", receive_exactly(bed, pair.b, 8)?, b"one, two".to_vec())
}

fn no_buffers_buffered(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    hold_sends(bed);
    // The send buffer takes them: they are reported as sent, and have to go out.
    for text in [b"one", b"two"] {
        SendCall::send_to(bed, pair.a).bytes(text).to(pair.at_b).call().done(3)?;
    }
    bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAENOBUFS));
    release_sends(bed);
    for text in [b"one", b"two"] {
        check::equal("what arrived", receive_datagram(bed, pair.b)?.0, text.to_vec())?;
    }
    Ok(())
}

fn no_route(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    for error in [WsaError::WSAENETUNREACH, WsaError::WSAEHOSTUNREACH] {
        let op = Op::new(bed);
        let call = || SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b);
        bed.lower().answer(Seam::Send, Answer::Refuse(error));
        call().call().refused(error)?;
        bed.lower().answer(Seam::Send, Answer::Refuse(error));
        call().overlapped(&op).call().refused(error)?;
    }
    nothing_arrives(bed, pair.b)
}

fn no_route_later(bed: &dyn TestBed) -> CaseResult {
    pended_datagram_ends(bed, WsaError::WSAENETUNREACH)
}

fn too_long(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let most = check::works("SO_MAX_MSG_SIZE", get_option(bed, pair.a, SO_MAX_MSG_SIZE))? as usize;
    let event = bed.create_event(true, false);
    let op = Op::with_event(bed, event);
    let half = vec![5; most / 2 + 1];
    bed.lower().clear_taken();
    for len in [most + 1, most + 1000] {
        let bytes = vec![5; len];
        let call = || SendCall::send_to(bed, pair.a).bytes(&bytes).to(pair.at_b);
        call().call().refused(WsaError::WSAEMSGSIZE)?;
        call().overlapped(&op).call().refused(WsaError::WSAEMSGSIZE)?;
    }
    // What counts is the sum.
    let call = SendCall::send_to(bed, pair.a).bytes(&half).bytes(&half).to(pair.at_b).call();
    call.refused(WsaError::WSAEMSGSIZE)?;
    nothing_arrives(bed, pair.b)?;
    check::holds("no event is set", !bed.is_set(event))?;
    op.untouched(bed)?;
    check::equal("what the transport took", bed.lower().taken(), Vec::new())
}

fn too_many(bed: &dyn TestBed) -> CaseResult {
    /// More than any provider would hold.
    const BEYOND: usize = 1 << 20;
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let data = bed.alloc(1);
    bed.write(data, b"x");
    let event = bed.create_event(true, false);
    let op = Op::with_event(bed, event);
    let call = |op: Op| {
        SendCall::send_to(bed, pair.a).buffer(data, 1).to(pair.at_b).overlapped(&op).call()
    };
    let mut started = Vec::new();
    let refused = loop {
        let next = if started.len() < BEYOND { Op::new(bed) } else { op };
        let called = call(next);
        if called.error() != WsaError::WSA_IO_PENDING || started.len() == BEYOND {
            break called;
        }
        started.push(next);
    };
    refused.refused(WsaError::WSAEWOULDBLOCK)?;
    call(op).refused(WsaError::WSAEWOULDBLOCK)?;
    // Once some are done there is room for more, and the one refused was never started.
    release_sends(bed);
    let last = started.last().copied().unwrap_or(op);
    until(bed, false, "the end of the sends", || !last.is_pending(bed))?;
    check::holds("no event is set", !bed.is_set(event))?;
    op.untouched(bed)?;
    call(op).done_overlapped(1)
}

fn full_datagram(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    hold_sends(bed);
    let call = || SendCall::send_to(bed, pair.a).bytes(b"wait").to(pair.at_b);
    for _ in 0..2 {
        call().call().refused(WsaError::WSAEWOULDBLOCK)?;
    }
    release_sends(bed);
    nothing_arrives(bed, pair.b)?;
    call().call().done(4)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"wait".to_vec())
}

fn full_stream(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    unbuffered(bed, pair.a)?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    hold_sends(bed);
    let call = || SendCall::send_to(bed, pair.a).bytes(b"wait");
    for _ in 0..2 {
        call().call().refused(WsaError::WSAEWOULDBLOCK)?;
    }
    release_sends(bed);
    nothing_arrives(bed, pair.b)?;
    call().call().done(4)?;
    check::equal("what arrived", receive_exactly(bed, pair.b, 4)?, b"wait".to_vec())
}
