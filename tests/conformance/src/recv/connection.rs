//! Receives on a connection that fails.

use provider_core::WsaError;
use provider_core::spi::MSG_WAITALL;

use crate::support::{
    Op, RecvCall, SendCall, close_hard, completions, ends, set_nonblocking, stream_pair,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, Waited, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("recv-15-reset-by-the-peer", &["RECV-15"], reset),
    Case::both("recv-15-failed-in-other-ways", &["RECV-15"], other_ways),
    Case::both("recv-16-data-in-hand-comes-first", &["RECV-16"], in_hand),
];

fn reset(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let seen = completions(bed);
    let event = bed.create_event(true, false);
    let (one, two) = (Op::with_event(bed, event), Op::new(bed));
    RecvCall::recv(bed, pair.b).room(10).overlapped(&one).call().pending()?;
    let call = RecvCall::recv(bed, pair.b).room(10).overlapped(&two).routine(seen.routine());
    call.call().pending()?;
    check::works("closing hard", close_hard(bed, pair.a))?;
    check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
    one.failed(bed, WsaError::WSAECONNRESET, 0)?;
    seen.one(bed, &two, WsaError::WSAECONNRESET, 0)?;
    RecvCall::recv(bed, pair.b).room(10).call().refused(WsaError::WSAECONNRESET)
}

fn other_ways(bed: &dyn TestBed) -> CaseResult {
    for (error, later) in [
        (WsaError::WSAECONNABORTED, WsaError::WSAECONNABORTED),
        (WsaError::WSAENETRESET, WsaError::WSAECONNRESET),
    ] {
        let pair = stream_pair(bed)?;
        check::works("FIONBIO", set_nonblocking(bed, pair.b, true))?;
        bed.lower().answer(Seam::Receive, Answer::Refuse(error));
        RecvCall::recv(bed, pair.b).room(10).call().refused(error)?;
        RecvCall::recv(bed, pair.b).room(10).call().refused(later)?;
    }
    Ok(())
}

fn in_hand(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    // It waits for more than what has come when the connection ends.
    let receiver = bed.spawn(
        "receiver",
        Box::new(move |bed| {
            let call = RecvCall::recv(bed, pair.b).room(10).flags(MSG_WAITALL).call();
            call.gave(b"in hand")?;
            RecvCall::recv(bed, pair.b).room(10).call().refused(WsaError::WSAECONNRESET)
        }),
    );
    SendCall::send(bed, pair.a).bytes(b"in hand").call().done(7)?;
    bed.grace(false);
    check::works("closing hard", close_hard(bed, pair.a))?;
    ends(bed, receiver)
}
