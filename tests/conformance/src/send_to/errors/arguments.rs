//! Errors of the arguments: pointers, lengths, flags, descriptors.

use provider_core::layout::{SOCKADDR_IN, SOCKADDR_IN6, WsaBuf, encode_sockaddr};
use provider_core::spi::{
    AF_INET, AF_INET6, INVALID_SOCKET, MSG_OOB, MSG_PARTIAL, MSG_WAITALL, WSA_FLAG_OVERLAPPED,
};
use provider_core::{Profile, SocketHandle, WsaError};

use crate::support::{
    Op, SendCall, close, datagram_pair, datagram_pair_of, nothing_arrives, receive_datagram,
    receive_exactly, stream_pair,
};
use crate::{BadPointer, Case, CaseResult, Failure, TestBed, check};

/// The cases of this family.
pub(in crate::send_to) const CASES: &[Case] = &[
    Case::both("err-fault-1-array", &["ERR-FAULT-1", "RET-4"], array),
    Case::both("err-fault-1-array-that-ends-early", &["ERR-FAULT-1"], short_array),
    Case::both("err-fault-2-destination", &["ERR-FAULT-2"], destination),
    Case::both("err-fault-3-short-destination", &["ERR-FAULT-3"], short_destination),
    Case::both("err-fault-3-long-destination", &["ERR-FAULT-3"], long_destination),
    Case::both("err-fault-4-buffer", &["ERR-FAULT-4", "RET-4", "ORD-4"], buffer),
    Case::both("err-fault-4-buffer-that-ends-early", &["ERR-FAULT-4"], short_buffer),
    Case::both("err-fault-5-overlapped", &["ERR-FAULT-5"], overlapped),
    Case::both("err-fault-count", &["RET-10"], count),
    Case::both("err-notsock", &["ERR-NOTSOCK"], no_socket),
    Case::both("err-opnotsupp-1-oob-on-datagram", &["ERR-OPNOTSUPP-1"], oob_on_datagram),
    Case::both("err-opnotsupp-3-partial", &["ERR-OPNOTSUPP-3", "FLAG-3"], partial),
    Case::both("err-inval-3-unknown-flags", &["ERR-INVAL-3"], unknown_flags),
];

/// What a call gave for each bad pointer: it has to be WSAEFAULT.
#[track_caller]
fn faults(what: &str, pointer: BadPointer, call: &crate::support::Called<'_>) -> CaseResult {
    call.refused(WsaError::WSAEFAULT).map_err(|failure| Failure {
        message: format!("{what} at a {} address: {}", pointer.what, failure.message),
        ..failure
    })
}

fn array(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for pointer in bed.bad_pointers() {
        let op = Op::new(bed);
        let datagram = || SendCall::send_to(bed, pair.a).to(pair.at_b).array_at(pointer.at, 1);
        faults("lpBuffers", pointer, &datagram().call())?;
        faults("lpBuffers", pointer, &datagram().overlapped(&op).call())?;
        let call = SendCall::send(bed, stream.a).array_at(pointer.at, 3).call();
        faults("lpBuffers", pointer, &call)?;
    }
    nothing_arrives(bed, pair.b)
}

fn short_array(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let data = bed.alloc(1);
    bed.write(data, b"x");
    let entry = WsaBuf { len: 1, buf: data }.encode();
    // One entry is there; more are asked for.
    let array = bed.alloc(entry.len());
    bed.write(array, &entry);
    for entries in [2, 100, u32::MAX] {
        let call = SendCall::send_to(bed, pair.a).to(pair.at_b).array_at(array, entries).call();
        call.refused(WsaError::WSAEFAULT)?;
        bed.write(array, &entry);
    }
    nothing_arrives(bed, pair.b)?;
    SendCall::send_to(bed, pair.a).to(pair.at_b).array_at(array, 1).call().done(1)
}

fn destination(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    // A null lpTo means that there is none.
    for pointer in bed.bad_pointers().into_iter().filter(|pointer| !pointer.at.is_null()) {
        let op = Op::new(bed);
        let call = || SendCall::send_to(bed, pair.a).bytes(b"x").to_at(pointer.at, 16);
        faults("lpTo", pointer, &call().call())?;
        faults("lpTo", pointer, &call().overlapped(&op).call())?;
    }
    // And the socket is none the worse for it.
    SendCall::send_to(bed, pair.a).bytes(b"after").to(pair.at_b).call().done(5)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"after".to_vec())
}

fn short_destination(bed: &dyn TestBed) -> CaseResult {
    for (af, size) in [(AF_INET, SOCKADDR_IN), (AF_INET6, SOCKADDR_IN6)] {
        let pair = datagram_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
        let (bytes, _) = encode_sockaddr(&pair.at_b);
        for len in [0, 1, 2, 4, 8, size - 1] {
            let call = SendCall::send_to(bed, pair.a).bytes(b"x").to_bytes(&bytes, len as i32);
            call.call().refused(WsaError::WSAEFAULT)?;
        }
        for len in [-1, i32::MIN] {
            let call = SendCall::send_to(bed, pair.a).bytes(b"x").to_bytes(&bytes, len).call();
            call.refused(WsaError::WSAEFAULT)?;
        }
        nothing_arrives(bed, pair.b)?;
    }
    Ok(())
}

fn long_destination(bed: &dyn TestBed) -> CaseResult {
    for (af, size) in [(AF_INET, SOCKADDR_IN), (AF_INET6, SOCKADDR_IN6)] {
        let pair = datagram_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
        let (encoded, _) = encode_sockaddr(&pair.at_b);
        for len in [size, size + 1, 28, 29, 128] {
            let mut bytes = vec![0xee; 128];
            bytes[..size].copy_from_slice(&encoded[..size]);
            let call = SendCall::send_to(bed, pair.a).bytes(b"x").to_bytes(&bytes, len as i32);
            call.call().done(1)?;
            check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"x".to_vec())?;
        }
    }
    Ok(())
}

fn buffer(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    bed.lower().clear_taken();
    for pointer in bed.bad_pointers() {
        let op = Op::new(bed);
        for bad_one in 0..3 {
            let filled = |mut call: SendCall<'_>| {
                for place in 0..3 {
                    call = if place == bad_one {
                        call.buffer(pointer.at, 4)
                    } else {
                        call.bytes(b"good")
                    };
                }
                faults("a buffer", pointer, &call.call())
            };
            filled(SendCall::send_to(bed, pair.a).to(pair.at_b))?;
            filled(SendCall::send_to(bed, pair.a).to(pair.at_b).overlapped(&op))?;
            filled(SendCall::send(bed, stream.a))?;
            filled(SendCall::send(bed, stream.a).overlapped(&op))?;
        }
    }
    check::equal("what the transport took", bed.lower().taken(), Vec::new())?;
    SendCall::send(bed, stream.a).bytes(b"whole").call().done(5)?;
    check::equal("what arrived", receive_exactly(bed, stream.b, 5)?, b"whole".to_vec())
}

fn short_buffer(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    // The last byte of each buffer is behind the end of its memory.
    let data = bed.alloc(64);
    bed.write(data, &[1; 64]);
    bed.lower().clear_taken();
    let call = SendCall::send_to(bed, pair.a).to(pair.at_b).buffer(data, 65).call();
    call.refused(WsaError::WSAEFAULT)?;
    let call = SendCall::send(bed, stream.a).buffer(data, 64).buffer(data.offset(60), 5).call();
    call.refused(WsaError::WSAEFAULT)?;
    check::equal("what the transport took", bed.lower().taken(), Vec::new())
}

fn overlapped(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    // A null lpOverlapped means that the call is not overlapped (OVL-2).
    for pointer in bed.bad_pointers().into_iter().filter(|pointer| !pointer.at.is_null()) {
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b);
        faults("lpOverlapped", pointer, &call.overlapped_at(pointer.at).call())?;
    }
    nothing_arrives(bed, pair.b)
}

fn count(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    for pointer in bed.bad_pointers() {
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).count_at(pointer.at);
        faults("lpNumberOfBytesSent", pointer, &call.call())?;
    }
    nothing_arrives(bed, pair.b)
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let closed = datagram_pair(bed)?.a;
    check::works("closing", close(bed, closed))?;
    let event = bed.create_event(true, false);
    for socket in [bed.no_socket(), INVALID_SOCKET, SocketHandle(0), closed, SocketHandle(event.0)]
    {
        let op = Op::with_event(bed, event);
        let call = || SendCall::send_to(bed, socket).bytes(b"x").to(pair.at_b);
        call().call().refused(WsaError::WSAENOTSOCK)?;
        call().overlapped(&op).call().refused(WsaError::WSAENOTSOCK)?;
        SendCall::send(bed, socket).bytes(b"x").call().refused(WsaError::WSAENOTSOCK)?;
    }
    check::holds("no event is set", !bed.is_set(event))
}

fn oob_on_datagram(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let op = Op::new(bed);
    let call = || SendCall::send_to(bed, pair.a).bytes(b"!").to(pair.at_b).flags(MSG_OOB);
    call().call().refused(WsaError::WSAEOPNOTSUPP)?;
    call().overlapped(&op).call().refused(WsaError::WSAEOPNOTSUPP)?;
    nothing_arrives(bed, pair.b)
}

fn partial(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let op = Op::new(bed);
    let datagram = || SendCall::send_to(bed, pair.a).bytes(b"a").to(pair.at_b).flags(MSG_PARTIAL);
    datagram().call().refused(WsaError::WSAEOPNOTSUPP)?;
    datagram().overlapped(&op).call().refused(WsaError::WSAEOPNOTSUPP)?;
    let call = SendCall::send(bed, stream.a).bytes(b"a").flags(MSG_PARTIAL).call();
    call.refused(WsaError::WSAEOPNOTSUPP)?;
    nothing_arrives(bed, pair.b)?;
    nothing_arrives(bed, stream.b)
}

fn unknown_flags(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let error = match bed.profile() {
        Profile::Documented => WsaError::WSAEOPNOTSUPP,
        Profile::Windows => WsaError::WSAEINVAL,
    };
    for flags in [MSG_WAITALL, 0x10, 0x40, 0x1_0000, 0x8000_0000] {
        let call = SendCall::send_to(bed, pair.a).bytes(b"a").to(pair.at_b).flags(flags).call();
        call.refused(error)?;
        SendCall::send(bed, stream.a).bytes(b"a").flags(flags).call().refused(error)?;
    }
    nothing_arrives(bed, pair.b)?;
    nothing_arrives(bed, stream.b)
}
