//! The WSABUF array and the data behind it (BUF).

use provider_core::layout::WsaBuf;
use provider_core::spi::SO_MAX_MSG_SIZE;
use provider_core::{SocketHandle, UserPtr, WsaError};

use crate::support::{
    Guarded, Op, SendCall, connect, datagram_pair, get_option, hold_sends, nothing_arrives,
    receive_datagram, receive_exactly, release_sends, stream_pair, unbuffered, until,
};
use crate::{Case, CaseResult, Hosts, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("buf-1-gathered-in-order", &["BUF-1"], gathered),
    Case::both("buf-1-many-buffers", &["BUF-1"], many),
    Case::both("buf-2-array-is-captured", &["BUF-2", "BUF-3"], array_captured),
    Case::both("buf-4-data-is-only-read", &["BUF-4"], only_read),
    Case::both("buf-5-changed-data-keeps-its-length", &["BUF-5"], changed).on(Hosts::Process(
        "a program of the simulator that writes to data in flight is itself a finding",
    )),
    Case::both("buf-6-no-buffers", &["BUF-6", "BUF-7"], no_buffers),
    Case::both("buf-6-no-buffers-from-anywhere", &["BUF-6"], no_buffers_anywhere),
    Case::both("buf-7-empty-datagram-is-sent", &["BUF-7"], empty_datagram),
    Case::both("buf-7-empty-datagram-is-sent-later", &["BUF-7", "APC-9"], empty_pended),
    Case::both("buf-8-empty-buffers-are-skipped", &["BUF-8"], empty_buffers),
    Case::both("buf-9-null-array", &["BUF-9"], null_array),
    Case::both("buf-10-sum-does-not-wrap", &["BUF-10", "RET-4"], sum),
    Case::both("buf-11-the-longest-datagram", &["BUF-11", "ERR-MSGSIZE"], longest),
    Case::both("buf-12-buffers-may-overlap", &["BUF-12"], aliased),
];

fn gathered(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let three =
        |call: SendCall<'_>| call.bytes(b"one, ").bytes(b"two, ").bytes(b"three").call().done(15);
    three(SendCall::send_to(bed, pair.a).to(pair.at_b))?;
    three(SendCall::send_to(bed, stream.a))?;
    let want = b"one, two, three".to_vec();
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, want.clone())?;
    check::equal("the stream", receive_exactly(bed, stream.b, 15)?, want)?;
    nothing_arrives(bed, pair.b)
}

fn many(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for count in [7, 8, 9, 40] {
        let mut want = Vec::new();
        let (mut datagram, mut on_stream) =
            (SendCall::send_to(bed, pair.a).to(pair.at_b), SendCall::send(bed, stream.a));
        for number in 0..count {
            let piece = vec![number as u8; number % 5];
            datagram = datagram.bytes(&piece);
            on_stream = on_stream.bytes(&piece);
            want.extend(piece);
        }
        datagram.call().done(want.len())?;
        on_stream.call().done(want.len())?;
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, want.clone())?;
        check::equal("the stream", receive_exactly(bed, stream.b, want.len())?, want)?;
    }
    Ok(())
}

fn array_captured(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    hold_sends(bed);
    // A few are held inside of the operation, many elsewhere. The call scribbles over the array as
    // soon as it has returned.
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        for count in [2, 20] {
            let op = Op::new(bed);
            let mut call = SendCall::send_to(bed, s).to(pair.at_b).overlapped(&op);
            for _ in 0..count {
                call = call.bytes(b"ab");
            }
            call.call().pending()?;
        }
    }
    release_sends(bed);
    for count in [2, 20] {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"ab".repeat(count))?;
    }
    check::equal("the stream", receive_exactly(bed, stream.b, 44)?, b"ab".repeat(22))
}

fn only_read(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        let data = Guarded::holding(bed, b"leave me alone");
        let call = || SendCall::send_to(bed, s).buffer(data.at(), data.len()).to(pair.at_b);
        call().call().done(14)?;
        hold_sends(bed);
        let op = Op::new(bed);
        call().overlapped(&op).call().pending()?;
        release_sends(bed);
        until(bed, false, "the end of the send", || !op.is_pending(bed))?;
        check::equal("the data", data.bytes(bed), b"leave me alone".to_vec())?;
        data.check(bed, "the data")?;
    }
    Ok(())
}

fn changed(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        hold_sends(bed);
        let data = Guarded::holding(bed, b"first");
        let op = Op::new(bed);
        let call = SendCall::send_to(bed, s).buffer(data.at(), data.len()).to(pair.at_b);
        call.overlapped(&op).call().pending()?;
        data.scribble(bed);
        release_sends(bed);
        until(bed, false, "the end of the send", || !op.is_pending(bed))?;
        op.sent(bed, 5)?;
    }
    check::equal("the datagram's length", receive_datagram(bed, pair.b)?.0.len(), 5)?;
    receive_exactly(bed, stream.b, 5)?;
    nothing_arrives(bed, stream.b)
}

fn no_buffers(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let (op, event) = (Op::new(bed), bed.create_event(true, false));
    let with_event = Op::with_event(bed, event);
    SendCall::send_to(bed, pair.a).to(pair.at_b).call().done(0)?;
    SendCall::send_to(bed, pair.a).to(pair.at_b).overlapped(&op).call().done_overlapped(0)?;
    for _ in 0..2 {
        let (bytes, from) = receive_datagram(bed, pair.b)?;
        check::equal("the datagram", bytes, Vec::new())?;
        check::equal("its sender", from, pair.at_a)?;
    }
    nothing_arrives(bed, pair.b)?;
    bed.lower().clear_taken();
    SendCall::send(bed, stream.a).call().done(0)?;
    let call = SendCall::send_to(bed, stream.a).overlapped(&with_event).call();
    call.done_overlapped(0)?;
    check::holds("the event is set", bed.is_set(event))?;
    check::equal("what the transport took", bed.lower().taken(), Vec::new())
}

fn no_buffers_anywhere(bed: &dyn TestBed) -> CaseResult {
    // With a count of 0 nobody looks at the array.
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for pointer in bed.bad_pointers() {
        let call = SendCall::send_to(bed, pair.a).to(pair.at_b).array_at(pointer.at, 0).call();
        call.done(0)?;
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, Vec::new())?;
        SendCall::send(bed, stream.a).array_at(pointer.at, 0).call().done(0)?;
    }
    Ok(())
}

fn empty_datagram(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let call = || SendCall::send_to(bed, pair.a).to(pair.at_b);
    call().bytes(b"").call().done(0)?;
    call().wsabuf(WsaBuf { len: 0, buf: UserPtr::NULL }).call().done(0)?;
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    SendCall::send(bed, pair.a).bytes(b"").call().done(0)?;
    call().bytes(b"end").call().done(3)?;
    for want in [b"".as_slice(), b"", b"", b"end"] {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, want.to_vec())?;
    }
    nothing_arrives(bed, pair.b)
}

fn empty_pended(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let seen = crate::support::completions(bed);
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).to(pair.at_b).overlapped(&op);
    call.routine(seen.routine()).call().pending()?;
    bed.lower().clear_taken();
    release_sends(bed);
    seen.one(bed, &op, WsaError(0), 0)?;
    check::equal("datagrams taken", bed.lower().taken().len(), 1)?;
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, Vec::new())?;
    seen.stay(bed, 1)
}

fn empty_buffers(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for pointer in bed.bad_pointers() {
        let empty = WsaBuf { len: 0, buf: pointer.at };
        let mixed = |call: SendCall<'_>| {
            let call = call.wsabuf(empty).bytes(b"a").wsabuf(empty).wsabuf(empty);
            call.bytes(b"bc").wsabuf(empty).call().done(3)
        };
        mixed(SendCall::send_to(bed, pair.a).to(pair.at_b))?;
        mixed(SendCall::send(bed, stream.a))?;
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"abc".to_vec())?;
        check::equal("the stream", receive_exactly(bed, stream.b, 3)?, b"abc".to_vec())?;
    }
    Ok(())
}

fn null_array(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for count in [1, 2, 100] {
        let call = SendCall::send_to(bed, pair.a).to(pair.at_b).array_at(UserPtr::NULL, count);
        call.call().refused(WsaError::WSAEFAULT)?;
        let call = SendCall::send(bed, stream.a).array_at(UserPtr::NULL, count);
        call.call().refused(WsaError::WSAEFAULT)?;
    }
    nothing_arrives(bed, pair.b)
}

fn sum(bed: &dyn TestBed) -> CaseResult {
    // Many entries that share one block: together just beyond 32 bits, by a few bytes.
    const PIECE: usize = 1 << 20;
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let data = bed.alloc(PIECE);
    bed.write(data, &vec![0; PIECE]);
    let op = Op::new(bed);
    bed.lower().clear_taken();
    let long = |s: SocketHandle| {
        let mut call = SendCall::send_to(bed, s).to(pair.at_b).overlapped(&op);
        for _ in 0..(1_u64 << 32) / PIECE as u64 {
            call = call.buffer(data, PIECE);
        }
        call.buffer(data, 4).call()
    };
    long(pair.a).refused(WsaError::WSAEMSGSIZE)?;
    long(stream.a).refused(WsaError::WSAENOBUFS)?;
    check::equal("what the transport took", bed.lower().taken(), Vec::new())
}

fn longest(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let most = check::works("SO_MAX_MSG_SIZE", get_option(bed, pair.a, SO_MAX_MSG_SIZE))? as usize;
    let bytes: Vec<u8> = (0..=most).map(|n| (n % 251) as u8).collect();
    let call = |len: usize| {
        let (front, back) = bytes[..len].split_at(len / 2);
        SendCall::send_to(bed, pair.a).bytes(front).bytes(back).to(pair.at_b)
    };
    call(most + 1).call().refused(WsaError::WSAEMSGSIZE)?;
    call(most).call().done(most)?;
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, bytes[..most].to_vec())?;
    nothing_arrives(bed, pair.b)
}

fn aliased(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let data = Guarded::holding(bed, b"abcdef");
    let op = Op::new(bed);
    let overlapping = |call: SendCall<'_>| {
        let call = call.buffer(data.at(), 6).buffer(data.at(), 3);
        call.buffer(data.at().offset(2), 3).call().done(12)
    };
    overlapping(SendCall::send_to(bed, pair.a).to(pair.at_b))?;
    overlapping(SendCall::send_to(bed, pair.a).to(pair.at_b).overlapped(&op))?;
    overlapping(SendCall::send(bed, stream.a))?;
    let want = b"abcdefabccde".to_vec();
    for _ in 0..2 {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, want.clone())?;
    }
    check::equal("the stream", receive_exactly(bed, stream.b, 12)?, want)
}
