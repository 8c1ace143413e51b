//! WSPCloseSocket while sends are under way.

use provider_core::spi::{AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED};
use provider_core::{SocketHandle, WsaError};

use crate::support::{
    LOOPBACK_V4, Op, SendCall, bind, close, completions, datagram_pair, ends, full_pair,
    hold_sends, nothing_arrives, overlapped_result, receive_datagram, receive_exactly,
    receive_ready, release_sends, socket, stream_pair, unbuffered, until,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, Waited, check};

const ABORTED: WsaError = WsaError::WSA_OPERATION_ABORTED;

/// The cases of this family.
pub(in crate::send_to) const CASES: &[Case] = &[
    Case::both("cxl-1-close-ends-pended-sends", &["CXL-1", "ERR-ABORTED"], ends_pended),
    Case::both("cxl-1-close-ends-them-once", &["CXL-1", "RET-3", "APC-9"], ends_once),
    Case::both("cxl-1-what-was-consumed-still-goes", &["CXL-1", "OVL-9"], consumed_goes),
    Case::both("cxl-2-close-ends-blocked-sends", &["CXL-2", "ERR-ABORTED"], ends_blocked),
    Case::both("cxl-8-close-tells-what-went", &["CXL-8", "CXL-1"], prefix),
    Case::both("cxl-8-close-meets-completion", &["CXL-8", "CXL-1"], meets_completion),
    Case::both("cxl-9-handle-used-again", &["CXL-9"], used_again),
    Case::both("cxl-10-result-after-close", &["CXL-10"], result_after_close),
    Case::both("cxl-11-never-touched-after-the-end", &["CXL-11", "OVL-10"], never_touched),
];

fn ends_pended(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let seen = completions(bed);
    for (number, s) in [pair.a, stream.a].into_iter().enumerate() {
        unbuffered(bed, s)?;
        hold_sends(bed);
        let event = bed.create_event(true, false);
        let ops = [Op::new(bed), Op::with_event(bed, event), Op::new(bed)];
        let call = |op| SendCall::send_to(bed, s).bytes(b"never").to(pair.at_b).overlapped(op);
        call(&ops[0]).call().pending()?;
        call(&ops[1]).call().pending()?;
        call(&ops[2]).routine(seen.routine()).call().pending()?;
        check::works("closing", close(bed, s))?;
        check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
        seen.one(bed, &ops[2], ABORTED, 0)?;
        for op in &ops {
            until(bed, false, "the status", || !op.is_pending(bed))?;
            op.failed(bed, ABORTED, 0)?;
        }
        release_sends(bed);
        seen.stay(bed, number + 1)?;
    }
    nothing_arrives(bed, pair.b)?;
    // An orderly end with nothing before it.
    let ended = receive_ready(bed, stream.b, 10);
    check::equal("the stream", ended.map(|(bytes, _)| bytes.len()), Ok(0))
}

fn ends_once(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let events: Vec<_> = (0..3).map(|_| bed.create_event(false, false)).collect();
    for event in &events {
        let op = Op::with_event(bed, *event);
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
        call.call().pending()?;
        let op = Op::new(bed);
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
        call.routine(seen.routine()).call().pending()?;
    }
    check::works("closing", close(bed, pair.a))?;
    release_sends(bed);
    for event in &events {
        check::equal("the wait", bed.wait(*event, false), Waited::Signalled)?;
    }
    seen.reach(bed, 3)?;
    seen.stay(bed, 3)?;
    for event in &events {
        check::holds("it was set once", !bed.is_set(*event))?;
    }
    nothing_arrives(bed, pair.b)
}

fn consumed_goes(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    hold_sends(bed);
    for s in [pair.a, stream.a] {
        // The send buffer has it: it was reported as sent.
        SendCall::send_to(bed, s).bytes(b"consumed").to(pair.at_b).call().done(8)?;
        check::works("closing", close(bed, s))?;
    }
    release_sends(bed);
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"consumed".to_vec())?;
    check::equal("the stream", receive_exactly(bed, stream.b, 8)?, b"consumed".to_vec())
}

fn ends_blocked(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        hold_sends(bed);
        let thread = bed.spawn(
            "sender",
            Box::new(move |bed| {
                let call = SendCall::send_to(bed, s).bytes(b"never").to(pair.at_b).call();
                call.refused(WsaError::WSAEINTR)?;
                SendCall::send_to(bed, s).bytes(b"x").call().refused(WsaError::WSAENOTSOCK)
            }),
        );
        bed.grace(false);
        check::works("closing", close(bed, s))?;
        ends(bed, thread)?;
        release_sends(bed);
    }
    nothing_arrives(bed, pair.b)
}

fn prefix(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    unbuffered(bed, pair.a)?;
    let op = Op::new(bed);
    bed.lower().answer(Seam::Send, Answer::Take(3));
    bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAENOBUFS));
    hold_after_one(bed);
    let call = SendCall::send(bed, pair.a).bytes(b"prefix").overlapped(&op).call();
    call.pending()?;
    hold_sends(bed);
    op.pending(bed)?;
    check::works("closing", close(bed, pair.a))?;
    until(bed, false, "the status", || !op.is_pending(bed))?;
    op.failed(bed, ABORTED, 3)?;
    bed.lower().forget_answers(Seam::Send);
    release_sends(bed);
    check::equal("what went", receive_exactly(bed, pair.b, 3)?, b"pre".to_vec())?;
    let ended = receive_ready(bed, pair.b, 10);
    check::equal("the stream", ended.map(|(bytes, _)| bytes.len()), Ok(0))
}

/// What is tried again meets WSAENOBUFS as well, until the case holds the transport.
fn hold_after_one(bed: &dyn TestBed) {
    for _ in 0..3 {
        bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAENOBUFS));
    }
}

fn meets_completion(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let ops = [Op::new(bed), Op::new(bed), Op::new(bed)];
    for op in &ops {
        let call = SendCall::send_to(bed, pair.a).bytes(b"either").to(pair.at_b).overlapped(op);
        call.call().pending()?;
    }
    bed.lower().clear_taken();
    let closer =
        bed.spawn("closer", Box::new(move |bed| check::works("closing", close(bed, pair.a))));
    release_sends(bed);
    ends(bed, closer)?;
    until(bed, false, "the end of all", || ops.iter().all(|op| !op.is_pending(bed)))?;
    bed.grace(false);
    let mut sent = 0;
    for op in &ops {
        if op.words(bed).offset_high == 0 {
            op.sent(bed, 6)?;
            sent += 1;
        } else {
            op.failed(bed, ABORTED, 0)?;
        }
    }
    check::equal("datagrams taken", bed.lower().taken().len(), sent)
}

fn used_again(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"old").to(pair.at_b).overlapped(&op);
    call.routine(seen.routine()).call().pending()?;
    check::works("closing", close(bed, pair.a))?;
    // One of these may have the handle of the closed one.
    let mut fresh: Vec<SocketHandle> = Vec::new();
    for _ in 0..3 {
        let s = check::works("a socket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
        check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
        unbuffered(bed, s)?;
        fresh.push(s);
    }
    let mut ops = Vec::new();
    for s in &fresh {
        let op = Op::new(bed);
        let call = SendCall::send_to(bed, *s).bytes(b"new").to(pair.at_b).overlapped(&op);
        call.call().pending()?;
        ops.push(op);
    }
    seen.one(bed, &op, ABORTED, 0)?;
    ops.iter().try_for_each(|op| op.pending(bed))?;
    release_sends(bed);
    for op in &ops {
        until(bed, false, "the status", || !op.is_pending(bed))?;
        op.sent(bed, 3)?;
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"new".to_vec())?;
    }
    nothing_arrives(bed, pair.b)?;
    seen.stay(bed, 1)
}

fn result_after_close(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op).call();
    call.pending()?;
    check::works("closing", close(bed, pair.a))?;
    until(bed, false, "the status", || !op.is_pending(bed))?;
    let result = overlapped_result(bed, pair.a, &op, false)?;
    check::fails("the result", result, WsaError::WSAENOTSOCK)?;
    op.failed(bed, ABORTED, 0)
}

fn never_touched(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let event = bed.create_event(true, false);
    let (polled, signalled, called) = (Op::new(bed), Op::with_event(bed, event), Op::new(bed));
    let call = |op| SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(op);
    call(&polled).call().pending()?;
    call(&signalled).call().pending()?;
    call(&called).routine(seen.routine()).call().pending()?;
    check::works("closing", close(bed, pair.a))?;
    until(bed, false, "the status", || !polled.is_pending(bed))?;
    check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
    seen.reach(bed, 1)?;
    let all = [polled, signalled, called];
    all.iter().for_each(|op| op.renew(bed));
    release_sends(bed);
    bed.grace(true);
    all.iter().try_for_each(|op| op.untouched(bed))
}
