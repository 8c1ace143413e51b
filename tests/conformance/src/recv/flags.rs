//! The flags of a receive.

use provider_core::spi::{MSG_OOB, MSG_PARTIAL, MSG_PEEK, MSG_WAITALL};
use provider_core::{Profile, WsaError};

use crate::support::{
    Op, RecvCall, SendCall, close, datagram_pair, ends, nothing_arrives, set_nonblocking,
    stream_pair,
};
use crate::{Case, CaseResult, TestBed, Waited, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("recv-19-peek-leaves-it-there", &["RECV-19"], peek),
    Case::both("recv-20-waitall-waits-for-all", &["RECV-20"], wait_all),
    Case::both("recv-20-waitall-ends-with-the-connection", &["RECV-20"], wait_all_ends),
    Case::both("recv-21-waitall-where-it-cannot-wait", &["RECV-21"], wait_all_refused),
    Case::both("recv-23-oob-on-a-datagram-socket", &["RECV-23"], oob_datagram),
    Case::both("recv-24-flags-that-it-does-not-have", &["RECV-24"], unknown),
    Case::both("recv-26-flags-of-the-result", &["RECV-26"], result_flags),
];

fn peek(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    SendCall::send(bed, stream.a).bytes(b"again").call().done(5)?;
    SendCall::send_to(bed, pair.a).bytes(b"again").to(pair.at_b).call().done(5)?;
    bed.grace(false);
    for s in [stream.b, pair.b] {
        for _ in 0..2 {
            RecvCall::recv(bed, s).room(100).flags(MSG_PEEK).call().gave(b"again")?;
        }
        RecvCall::recv(bed, s).room(100).call().gave(b"again")?;
        nothing_arrives(bed, s)?;
    }
    Ok(())
}

fn wait_all(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let event = bed.create_event(true, false);
    let op = Op::with_event(bed, event);
    let call = RecvCall::recv(bed, pair.b).room(3).room(5).flags(MSG_WAITALL).overlapped(&op);
    let call = call.call();
    call.pending()?;
    SendCall::send(bed, pair.a).bytes(b"half").call().done(4)?;
    bed.grace(false);
    op.pending(bed)?;
    SendCall::send(bed, pair.a).bytes(b" and the rest").call().done(13)?;
    check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
    op.sent(bed, 8)?;
    call.holds(b"half and")?;
    RecvCall::recv(bed, pair.b).room(100).call().gave(b" the rest")
}

fn wait_all_ends(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let thread = bed.spawn(
        "receiver",
        Box::new(move |bed| {
            RecvCall::recv(bed, pair.b).room(100).flags(MSG_WAITALL).call().gave(b"all there is")
        }),
    );
    SendCall::send(bed, pair.a).bytes(b"all there is").call().done(12)?;
    bed.grace(false);
    check::works("WSPCloseSocket", close(bed, pair.a))?;
    ends(bed, thread)
}

fn wait_all_refused(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    let no = WsaError::WSAEOPNOTSUPP;
    RecvCall::recv(bed, pair.b).room(1).flags(MSG_WAITALL).call().refused(no)?;
    for beside in [MSG_PEEK, MSG_OOB, MSG_PARTIAL] {
        RecvCall::recv(bed, stream.b).room(1).flags(MSG_WAITALL | beside).call().refused(no)?;
    }
    check::works("FIONBIO", set_nonblocking(bed, stream.b, true))?;
    RecvCall::recv(bed, stream.b).room(1).flags(MSG_WAITALL).call().refused(no)
}

fn oob_datagram(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let call = RecvCall::recv(bed, pair.b).room(1).flags(MSG_OOB).call();
    call.refused(WsaError::WSAEOPNOTSUPP)
}

fn unknown(bed: &dyn TestBed) -> CaseResult {
    let error = match bed.profile() {
        Profile::Documented => WsaError::WSAEOPNOTSUPP,
        Profile::Windows => WsaError::WSAEINVAL,
    };
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    for s in [stream.b, pair.b] {
        for bit in [0x4, 0x100, 0x4000_0000] {
            RecvCall::recv(bed, s).room(1).flags(bit).call().refused(error)?;
            RecvCall::recv_from(bed, s).room(1).flags(bit | MSG_PEEK).call().refused(error)?;
        }
    }
    Ok(())
}

fn result_flags(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let op = Op::new(bed);
    // Pending: the flags are left as they were; `pending` compares them.
    RecvCall::recv(bed, pair.b).room(10).flags(MSG_PEEK).overlapped(&op).call().pending()?;
    SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call().done(1)?;
    crate::support::until(bed, false, "the look", || !op.is_pending(bed))?;
    // At once: what was asked for is no flag of the result; `gave` wants 0.
    RecvCall::recv(bed, pair.b).room(10).flags(MSG_PEEK).call().gave(b"x")
}
