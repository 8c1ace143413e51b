//! Sends of urgent data (MSG_OOB).

use provider_core::spi::{MSG_DONTROUTE, MSG_OOB};
use provider_core::{Profile, SocketHandle, WsaError};

use crate::support::{
    Op, RecvCall, SendCall, hold_sends, nothing_arrives, receive_exactly, release_sends,
    set_nonblocking, stream_pair, unbuffered, until,
};
use crate::{Answer, Case, CaseResult, Hosts, Seam, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("flag-2-the-last-byte-is-urgent", &["FLAG-2", "RECV-22"], last_byte),
    Case::both("flag-2-overlapped", &["FLAG-2", "OVL-14"], overlapped),
    Case::both("flag-2-behind-what-is-queued", &["FLAG-2", "ORD-2"], queued),
    Case::both("flag-2-behind-what-is-buffered", &["FLAG-2", "ORD-3", "OVL-14"], buffered),
    Case::both("flag-2-a-part-of-it", &["FLAG-2", "SYN-2"], part),
    Case::both("flag-2-of-nothing-no-byte-is-the-last", &["FLAG-2"], nothing),
    Case::both("err-opnotsupp-2-a-transport-without", &["ERR-OPNOTSUPP-2", "ORD-4"], without)
        .on(Hosts::Simulator("the provider below a DLL always has urgent data")),
];

/// The urgent byte that has arrived at `s` is this, and there is no other.
#[track_caller]
fn urgent(bed: &dyn TestBed, s: SocketHandle, byte: u8) -> CaseResult {
    bed.grace(false);
    let call = || RecvCall::recv(bed, s).room(10).flags(MSG_OOB);
    call().call().gave_flagged(&[byte], MSG_OOB)?;
    call().call().refused(WsaError::WSAEINVAL)
}

/// The stream that arrives at `s` is this, and no more.
#[track_caller]
fn stream(bed: &dyn TestBed, s: SocketHandle, bytes: &[u8]) -> CaseResult {
    check::equal("the stream", receive_exactly(bed, s, bytes.len())?, bytes.to_vec())?;
    nothing_arrives(bed, s)
}

fn last_byte(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let (a, b) = (pair.a, pair.b);
    for call in [SendCall::send, SendCall::send_to] {
        call(bed, a).bytes(b"plain, ").call().done(7)?;
        call(bed, a).bytes(b"all ").bytes(b"but!").flags(MSG_OOB).call().done(8)?;
        call(bed, a).bytes(b", more").call().done(6)?;
        urgent(bed, b, b'!')?;
        stream(bed, b, b"plain, all but, more")?;
        // Alone, and with the other flag.
        call(bed, a).bytes(b"?").flags(MSG_OOB | MSG_DONTROUTE).call().done(1)?;
        urgent(bed, b, b'?')?;
        nothing_arrives(bed, b)?;
    }
    Ok(())
}

fn overlapped(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let op = Op::new(bed);
    let call = SendCall::send(bed, pair.a).bytes(b"all!").flags(MSG_OOB).overlapped(&op);
    call.call().done_overlapped(4)?;
    urgent(bed, pair.b, b'!')?;
    stream(bed, pair.b, b"all")
}

fn queued(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let mut ops = Vec::new();
    for (text, flags) in [(&b"first"[..], 0), (b"second!", MSG_OOB), (b"third", 0)] {
        let op = Op::new(bed);
        let call = SendCall::send(bed, pair.a).bytes(text).flags(flags).overlapped(&op);
        call.call().pending()?;
        ops.push(op);
    }
    bed.lower().clear_taken();
    release_sends(bed);
    until(bed, false, "the end of the sends", || ops.iter().all(|op| !op.is_pending(bed)))?;
    for (op, bytes) in ops.iter().zip([5, 7, 5]) {
        op.sent(bed, bytes)?;
    }
    in_order(bed)?;
    urgent(bed, pair.b, b'!')?;
    stream(bed, pair.b, b"firstsecondthird")
}

/// The transport took the urgent byte by itself, between what was sent before and after it.
#[track_caller]
fn in_order(bed: &dyn TestBed) -> CaseResult {
    let taken: Vec<Vec<u8>> = bed.lower().taken().into_iter().map(|taken| taken.bytes).collect();
    let Some(at) = taken.iter().position(|bytes| bytes == b"!") else {
        return Err(crate::Failure::new(format!("no byte was taken as urgent: {taken:?}")));
    };
    check::equal("what was taken before it", taken[..at].concat(), b"firstsecond".to_vec())?;
    check::equal("what was taken after it", taken[at + 1..].concat(), b"third".to_vec())
}

fn buffered(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    hold_sends(bed);
    SendCall::send(bed, pair.a).bytes(b"first").call().done(5)?;
    SendCall::send(bed, pair.a).bytes(b"second!").flags(MSG_OOB).call().done(7)?;
    SendCall::send(bed, pair.a).bytes(b"third").call().done(5)?;
    bed.lower().clear_taken();
    release_sends(bed);
    urgent(bed, pair.b, b'!')?;
    in_order(bed)?;
    stream(bed, pair.b, b"firstsecondthird")
}

/// Where the transport takes a part, what is left holds the urgent byte.
fn part(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    unbuffered(bed, pair.a)?;
    bed.lower().answer(Seam::Send, Answer::Take(2));
    bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAEWOULDBLOCK));
    let call = |bytes| SendCall::send(bed, pair.a).bytes(bytes).flags(MSG_OOB).call();
    match bed.profile() {
        // It is told how much went, and sends the rest itself.
        Profile::Documented => {
            call(b"all!").done(2)?;
            bed.grace(false);
            RecvCall::recv(bed, pair.b)
                .room(1)
                .flags(MSG_OOB)
                .call()
                .refused(WsaError::WSAEINVAL)?;
            call(b"l!").done(2)?;
        }
        Profile::Windows => call(b"all!").done(4)?,
    }
    urgent(bed, pair.b, b'!')?;
    stream(bed, pair.b, b"all")
}

fn nothing(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    SendCall::send(bed, pair.a).bytes(b"plain").call().done(5)?;
    SendCall::send(bed, pair.a).bytes(b"").flags(MSG_OOB).call().done(0)?;
    bed.grace(false);
    RecvCall::recv(bed, pair.b).room(1).flags(MSG_OOB).call().refused(WsaError::WSAEINVAL)?;
    stream(bed, pair.b, b"plain")
}

fn without(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let op = Op::new(bed);
    bed.lower().hold(Seam::Urgent);
    for make in [SendCall::send, SendCall::send_to] {
        let call = || make(bed, pair.a).bytes(b"no!").flags(MSG_OOB);
        call().call().refused(WsaError::WSAEOPNOTSUPP)?;
        call().overlapped(&op).call().refused(WsaError::WSAEOPNOTSUPP)?;
    }
    SendCall::send(bed, pair.a).bytes(b"plain").call().done(5)?;
    stream(bed, pair.b, b"plain")?;
    bed.lower().release(Seam::Urgent);
    SendCall::send(bed, pair.a).bytes(b"yes!").flags(MSG_OOB).call().done(4)?;
    urgent(bed, pair.b, b'!')?;
    stream(bed, pair.b, b"yes")
}
