//! SIO_FLUSH.

use provider_core::WsaError;

use crate::support::{
    Op, SendCall, completions, datagram_pair, ends, flush, full_pair, hold_sends, nothing_arrives,
    receive_datagram, receive_exactly, release_sends, stream_pair, unbuffered, until,
};
use crate::{Case, CaseResult, Shared, TestBed, Waited, check};

const ABORTED: WsaError = WsaError::WSA_OPERATION_ABORTED;

/// The cases of this family.
pub(in crate::send_to) const CASES: &[Case] = &[
    Case::both("cxl-3-flush-discards-pended-sends", &["CXL-3", "ERR-ABORTED"], discards),
    Case::both("cxl-3-flush-leaves-the-socket-well", &["CXL-3", "ORD-4"], well_after),
    Case::both("cxl-3-what-was-consumed-stays", &["CXL-3", "OVL-9"], consumed_stays),
    Case::both("cxl-3-blocked-sends-stay", &["CXL-3", "SYN-4"], blocked_stays),
    Case::both("cxl-3-flush-of-nothing", &["CXL-3"], nothing),
    Case::both("cxl-8-flush-meets-completion", &["CXL-8", "CXL-3"], meets_completion),
];

fn discards(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let seen = completions(bed);
    for (number, s) in [pair.a, stream.a].into_iter().enumerate() {
        unbuffered(bed, s)?;
        hold_sends(bed);
        let event = bed.create_event(false, false);
        let ops = [Op::new(bed), Op::with_event(bed, event), Op::new(bed)];
        let call = |op| SendCall::send_to(bed, s).bytes(b"never").to(pair.at_b).overlapped(op);
        call(&ops[0]).call().pending()?;
        call(&ops[1]).call().pending()?;
        call(&ops[2]).routine(seen.routine()).call().pending()?;
        check::works("SIO_FLUSH", flush(bed, s))?;
        check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
        seen.one(bed, &ops[2], ABORTED, 0)?;
        for op in &ops {
            until(bed, false, "the status", || !op.is_pending(bed))?;
            op.failed(bed, ABORTED, 0)?;
        }
        bed.lower().clear_taken();
        release_sends(bed);
        seen.stay(bed, number + 1)?;
        check::holds("the event was set once", !bed.is_set(event))?;
        check::equal("what the transport took", bed.lower().taken(), Vec::new())?;
    }
    Ok(())
}

fn well_after(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        hold_sends(bed);
        let (before, after) = (Op::new(bed), Op::new(bed));
        let call = |op| SendCall::send_to(bed, s).to(pair.at_b).overlapped(op);
        call(&before).bytes(b"before").call().pending()?;
        check::works("SIO_FLUSH", flush(bed, s))?;
        call(&after).bytes(b"after").call().pending()?;
        release_sends(bed);
        until(bed, false, "the end of the send", || !after.is_pending(bed))?;
        after.sent(bed, 5)?;
        SendCall::send_to(bed, s).bytes(b" all").to(pair.at_b).call().done(4)?;
    }
    check::equal("the stream", receive_exactly(bed, stream.b, 9)?, b"after all".to_vec())?;
    for want in [b"after".as_slice(), b" all"] {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, want.to_vec())?;
    }
    nothing_arrives(bed, pair.b)
}

fn consumed_stays(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        hold_sends(bed);
        SendCall::send_to(bed, s).bytes(b"consumed").to(pair.at_b).call().done(8)?;
        check::works("SIO_FLUSH", flush(bed, s))?;
        release_sends(bed);
    }
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"consumed".to_vec())?;
    check::equal("the stream", receive_exactly(bed, stream.b, 8)?, b"consumed".to_vec())
}

fn blocked_stays(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let returned = Shared::new(false);
    let done = returned.clone();
    let thread = bed.spawn(
        "sender",
        Box::new(move |bed| {
            SendCall::send_to(bed, pair.a).bytes(b"blocked").to(pair.at_b).call().done(7)?;
            done.set(true);
            Ok(())
        }),
    );
    bed.grace(false);
    check::works("SIO_FLUSH", flush(bed, pair.a))?;
    bed.grace(false);
    check::holds("it has not returned", !returned.get())?;
    release_sends(bed);
    ends(bed, thread)?;
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"blocked".to_vec())
}

fn nothing(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        for _ in 0..2 {
            check::works("SIO_FLUSH", flush(bed, s))?;
            SendCall::send_to(bed, s).bytes(b"x").to(pair.at_b).call().done(1)?;
        }
    }
    check::equal("the stream", receive_exactly(bed, stream.b, 2)?, b"xx".to_vec())
}

fn meets_completion(bed: &dyn TestBed) -> CaseResult {
    let pair = full_pair(bed)?;
    let seen = completions(bed);
    let ops = [Op::new(bed), Op::new(bed), Op::new(bed)];
    for op in &ops {
        let call = SendCall::send_to(bed, pair.a).bytes(b"either").to(pair.at_b).overlapped(op);
        call.routine(seen.routine()).call().pending()?;
    }
    bed.lower().clear_taken();
    let flusher =
        bed.spawn("flusher", Box::new(move |bed| check::works("SIO_FLUSH", flush(bed, pair.a))));
    release_sends(bed);
    ends(bed, flusher)?;
    seen.reach(bed, 3)?;
    seen.stay(bed, 3)?;
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
