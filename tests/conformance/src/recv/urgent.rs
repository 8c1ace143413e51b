//! Receives of urgent data, and what urgent data does to the others.

use provider_core::spi::{MSG_OOB, MSG_PEEK, MSG_WAITALL, SD_SEND, SIOCATMARK, SO_OOBINLINE};
use provider_core::{SocketHandle, WsaError};

use crate::support::{
    IoctlCall, Op, RecvCall, SendCall, ends, nothing_arrives, overlapped_result, receive_exactly,
    set_nonblocking, set_option, shutdown, stream_pair, until,
};
use crate::{Case, CaseResult, Hosts, Seam, Shared, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("recv-22-gives-the-urgent-byte", &["RECV-22", "RECV-19", "RECV-26"], gives),
    Case::both("recv-22-there-is-none", &["RECV-22"], none),
    Case::both("recv-22-waits-for-what-is-announced", &["RECV-22", "RECV-5"], waits),
    Case::both("recv-22-a-blocking-call-waits-for-it", &["RECV-22", "RECV-8"], blocks),
    Case::both("recv-22-without-room-takes-none", &["RECV-22", "RECV-27"], no_room),
    Case::both("recv-22-behind-the-end-of-the-stream", &["RECV-22", "RECV-7"], ended),
    Case::both("recv-23-a-transport-without", &["RECV-23"], without)
        .on(Hosts::Simulator("the provider below a DLL always has urgent data")),
    Case::both("recv-33-not-beyond-an-urgent-byte", &["RECV-33", "RECV-20"], not_beyond),
    Case::both("recv-33-a-receive-that-waits-ends-there", &["RECV-33", "RECV-20"], ends_there),
    Case::both("recv-33-in-line-alone", &["RECV-33", "SETOPTION-12"], in_line_alone)
        .on(Hosts::Simulator("Winsock tells of the mark in front of the byte, and not behind it")),
    Case::both("setoption-12-oobinline", &["SETOPTION-12", "RECV-22"], in_line),
    Case::both("setoption-12-oobinline-off-again", &["SETOPTION-12"], in_line_no_more),
    Case::both("ioctl-4-urgent-data", &["IOCTL-4"], mark),
    Case::both("ioctl-4-urgent-data-in-line", &["IOCTL-4", "SETOPTION-12"], mark_in_line),
];

fn urgent(bed: &dyn TestBed, s: SocketHandle) -> RecvCall<'_> {
    RecvCall::recv(bed, s).room(10).flags(MSG_OOB)
}

/// "ab", an urgent '!' and "cd" are sent, and have arrived.
#[track_caller]
fn sent(bed: &dyn TestBed, s: SocketHandle) -> CaseResult {
    SendCall::send(bed, s).bytes(b"ab!").flags(MSG_OOB).call().done(3)?;
    SendCall::send(bed, s).bytes(b"cd").call().done(2)?;
    bed.grace(false);
    Ok(())
}

#[track_caller]
fn inline(bed: &dyn TestBed, s: SocketHandle, on: bool) -> CaseResult {
    check::works("SO_OOBINLINE", set_option(bed, s, SO_OOBINLINE, u32::from(on)))
}

fn gives(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    for nonblocking in [false, true] {
        check::works("FIONBIO", set_nonblocking(bed, pair.b, nonblocking))?;
        sent(bed, pair.a)?;
        for _ in 0..2 {
            urgent(bed, pair.b).flags(MSG_OOB | MSG_PEEK).call().gave_flagged(b"!", MSG_OOB)?;
        }
        let op = Op::new(bed);
        let call = urgent(bed, pair.b);
        let call = if nonblocking { call.overlapped(&op) } else { call };
        call.call().gave_flagged(b"!", MSG_OOB)?;
        urgent(bed, pair.b).call().refused(WsaError::WSAEINVAL)?;
        check::equal("the stream", receive_exactly(bed, pair.b, 4)?, b"abcd".to_vec())?;
        nothing_arrives(bed, pair.b)?;
    }
    Ok(())
}

fn none(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    for text in [&b""[..], b"plain"] {
        SendCall::send(bed, pair.a).bytes(text).call().done(text.len())?;
        bed.grace(false);
        for nonblocking in [true, false] {
            check::works("FIONBIO", set_nonblocking(bed, pair.b, nonblocking))?;
            let op = Op::new(bed);
            urgent(bed, pair.b).call().refused(WsaError::WSAEINVAL)?;
            urgent(bed, pair.b).overlapped(&op).call().refused(WsaError::WSAEINVAL)?;
        }
    }
    check::equal("the stream", receive_exactly(bed, pair.b, 5)?, b"plain".to_vec())
}

fn waits(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let (op, late) = (Op::new(bed), Op::new(bed));
    bed.lower().hold(Seam::Receive);
    let call = urgent(bed, pair.b).overlapped(&op).call();
    call.pending()?;
    let other = urgent(bed, pair.b).overlapped(&late).call();
    other.pending()?;
    sent(bed, pair.a)?;
    check::holds("it waits", op.is_pending(bed))?;
    bed.lower().release(Seam::Receive);
    until(bed, false, "the receives", || !op.is_pending(bed) && !late.is_pending(bed))?;
    call.holds(b"!")?;
    check::equal("the result", overlapped_result(bed, pair.b, &op, false)?, Ok((1, MSG_OOB)))?;
    // For the second one there is nothing to wait for.
    late.failed(bed, WsaError::WSAEINVAL, 0)?;
    other.holds(b"")?;
    check::equal("the stream", receive_exactly(bed, pair.b, 4)?, b"abcd".to_vec())
}

fn blocks(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    bed.lower().hold(Seam::Receive);
    let done = Shared::new(false);
    let (ended, b) = (done.clone(), pair.b);
    let receive = move |bed: &dyn TestBed| {
        let result = urgent(bed, b).call().gave_flagged(b"!", MSG_OOB);
        ended.set(true);
        result
    };
    let thread = bed.spawn("receiver", Box::new(receive));
    sent(bed, pair.a)?;
    check::holds("it waits", !done.get())?;
    bed.lower().release(Seam::Receive);
    ends(bed, thread)
}

fn no_room(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    sent(bed, pair.a)?;
    let call = RecvCall::recv(bed, pair.b).room(0).flags(MSG_OOB).call();
    check::equal("the call", call.result(), Ok(0))?;
    urgent(bed, pair.b).call().gave_flagged(b"!", MSG_OOB)
}

fn ended(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    SendCall::send(bed, pair.a).bytes(b"ab!").flags(MSG_OOB).call().done(3)?;
    check::works("WSPShutdown", shutdown(bed, pair.a, SD_SEND))?;
    bed.grace(false);
    RecvCall::recv(bed, pair.b).room(10).call().gave(b"ab")?;
    // Nothing of the stream is left: the urgent byte is not part of it.
    RecvCall::recv(bed, pair.b).room(10).call().gave(b"")?;
    urgent(bed, pair.b).call().gave_flagged(b"!", MSG_OOB)?;
    urgent(bed, pair.b).call().refused(WsaError::WSAEINVAL)
}

fn without(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let op = Op::new(bed);
    bed.lower().hold(Seam::Urgent);
    urgent(bed, pair.b).call().refused(WsaError::WSAEOPNOTSUPP)?;
    urgent(bed, pair.b).overlapped(&op).call().refused(WsaError::WSAEOPNOTSUPP)?;
    bed.lower().release(Seam::Urgent);
    urgent(bed, pair.b).call().refused(WsaError::WSAEINVAL)
}

fn not_beyond(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    for flags in [0, MSG_PEEK, MSG_WAITALL] {
        sent(bed, pair.a)?;
        if flags == MSG_PEEK {
            RecvCall::recv(bed, pair.b).room(10).flags(flags).call().gave(b"ab")?;
        }
        let op = Op::new(bed);
        let call = RecvCall::recv(bed, pair.b).room(4).flags(flags & MSG_WAITALL);
        // A place where it ends for good: it does not pend for more.
        call.overlapped(&op).call().gave(b"ab")?;
        RecvCall::recv(bed, pair.b).room(10).call().gave(b"cd")?;
    }
    Ok(())
}

fn ends_there(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let op = Op::new(bed);
    let call = RecvCall::recv(bed, pair.b).room(10).flags(MSG_WAITALL).overlapped(&op).call();
    call.pending()?;
    SendCall::send(bed, pair.a).bytes(b"ab").call().done(2)?;
    bed.grace(false);
    check::holds("it waits", op.is_pending(bed))?;
    SendCall::send(bed, pair.a).bytes(b"!").flags(MSG_OOB).call().done(1)?;
    until(bed, false, "the end of the receive", || !op.is_pending(bed))?;
    op.sent(bed, 2)?;
    call.holds(b"ab")
}

fn in_line_alone(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    inline(bed, pair.b, true)?;
    for flags in [0, MSG_WAITALL] {
        sent(bed, pair.a)?;
        for text in [&b"ab"[..], b"!"] {
            RecvCall::recv(bed, pair.b).room(10).flags(flags).call().gave(text)?;
        }
        RecvCall::recv(bed, pair.b).room(2).flags(flags).call().gave(b"cd")?;
    }
    Ok(())
}

fn in_line(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    inline(bed, pair.b, true)?;
    sent(bed, pair.a)?;
    urgent(bed, pair.b).call().refused(WsaError::WSAEINVAL)?;
    check::equal("the stream", receive_exactly(bed, pair.b, 5)?, b"ab!cd".to_vec())?;
    urgent(bed, pair.b).call().refused(WsaError::WSAEINVAL)?;
    nothing_arrives(bed, pair.b)?;
    // The option is the receiver's: what it sends is urgent where it arrives.
    sent(bed, pair.b)?;
    urgent(bed, pair.a).call().gave_flagged(b"!", MSG_OOB)
}

fn in_line_no_more(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    for on in [true, false] {
        inline(bed, pair.b, on)?;
    }
    sent(bed, pair.a)?;
    urgent(bed, pair.b).call().gave_flagged(b"!", MSG_OOB)?;
    check::equal("the stream", receive_exactly(bed, pair.b, 4)?, b"abcd".to_vec())
}

/// What SIOCATMARK gives.
#[track_caller]
fn at_mark(bed: &dyn TestBed, s: SocketHandle, is: bool) -> CaseResult {
    let call = IoctlCall::new(bed, s, SIOCATMARK).output().call();
    call.done(4)?;
    check::equal("SIOCATMARK", call.word(), u32::from(is))
}

fn mark(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    at_mark(bed, pair.b, true)?;
    sent(bed, pair.a)?;
    at_mark(bed, pair.b, false)?;
    urgent(bed, pair.b).flags(MSG_OOB | MSG_PEEK).call().gave_flagged(b"!", MSG_OOB)?;
    at_mark(bed, pair.b, false)?;
    urgent(bed, pair.b).call().gave_flagged(b"!", MSG_OOB)?;
    at_mark(bed, pair.b, true)
}

fn mark_in_line(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    inline(bed, pair.b, true)?;
    at_mark(bed, pair.b, true)?;
    sent(bed, pair.a)?;
    for (text, behind) in [(&b"ab"[..], false), (b"!", true), (b"cd", true)] {
        RecvCall::recv(bed, pair.b).room(10).call().gave(text)?;
        at_mark(bed, pair.b, behind)?;
    }
    Ok(())
}
