//! The sender's address (WSPRecvFrom).

use provider_core::layout::{SOCKADDR_IN, SOCKADDR_IN6};
use provider_core::spi::{AF_INET, AF_INET6, SOCK_DGRAM, WSA_FLAG_OVERLAPPED};
use provider_core::{Profile, UserPtr, WsaError};

use crate::support::{
    Guarded, LOOPBACK_V4, Op, RecvCall, SendCall, bind, close, datagram_pair, datagram_pair_of,
    decode_address, receive_datagram, sock_name, socket, stream_pair,
};
use crate::{Case, CaseResult, TestBed, Waited, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("recvfrom-1-address-and-its-size", &["RECVFROM-1"], address),
    Case::both("recvfrom-1-no-address-wanted", &["RECVFROM-1"], not_wanted),
    Case::both("recvfrom-2-only-at-completion", &["RECVFROM-2"], at_completion),
    Case::both("recvfrom-3-bad-room-takes-nothing", &["RECVFROM-3", "RESULT-10"], bad_room),
    Case::both("recvfrom-4-ignored-on-a-stream", &["RECVFROM-4"], stream),
    Case::windows("recvfrom-6-bound-by-a-send", &["RECVFROM-6"], bound_by_a_send),
];

fn address(bed: &dyn TestBed) -> CaseResult {
    for (family, size) in [(AF_INET, SOCKADDR_IN), (AF_INET6, SOCKADDR_IN6)] {
        let pair = datagram_pair_of(bed, family, WSA_FLAG_OVERLAPPED)?;
        for room in [size, 64] {
            SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call().done(1)?;
            bed.grace(false);
            let call = RecvCall::recv_from(bed, pair.b).room(10).from_room(room).call();
            call.gave(b"x")?;
            check::equal("the sender", call.from(), (Some(pair.at_a), size as u32))?;
        }
    }
    Ok(())
}

fn not_wanted(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call().done(1)?;
    bed.grace(false);
    let none = UserPtr::NULL;
    RecvCall::recv_from(bed, pair.b).room(10).from_at(none, none).call().gave(b"x")
}

fn at_completion(bed: &dyn TestBed) -> CaseResult {
    // More room than the address takes, so that it can be seen whether the size is stored.
    const SIZE: u32 = 20;
    // What is cancelled has not completed: the room is as it was. While the operation is under way
    // it is the system's, and nobody may look.
    for completes in [false, true] {
        let pair = datagram_pair(bed)?;
        let event = bed.create_event(true, false);
        let op = Op::with_event(bed, event);
        let from = Guarded::holding(bed, &[0x3c; SIZE as usize]);
        let fromlen = Guarded::holding(bed, &SIZE.to_le_bytes());
        let call = RecvCall::recv_from(bed, pair.b).room(10).from_at(from.at(), fromlen.at());
        let call = call.overlapped(&op).call();
        call.pending()?;
        bed.grace(true);
        op.pending(bed)?;
        if completes {
            SendCall::send_to(bed, pair.a).bytes(b"late").to(pair.at_b).call().done(4)?;
        } else {
            check::works("WSPCloseSocket", close(bed, pair.b))?;
        }
        check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
        if completes {
            op.sent(bed, 4)?;
            check::equal("lpFrom", decode_address(&from.bytes(bed)), Some(pair.at_a))?;
            check::equal("lpFromlen", fromlen.word(bed) as usize, SOCKADDR_IN)?;
            call.holds(b"late")?;
        } else {
            op.failed(bed, WsaError::WSA_OPERATION_ABORTED, 0)?;
            check::equal("lpFrom", from.bytes(bed), vec![0x3c; SIZE as usize])?;
            check::equal("lpFromlen", fromlen.word(bed), SIZE)?;
            call.holds(b"")?;
        }
        from.check(bed, "lpFrom")?;
        fromlen.check(bed, "lpFromlen")?;
    }
    Ok(())
}

fn bad_room(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    SendCall::send_to(bed, pair.a).bytes(b"kept").to(pair.at_b).call().done(4)?;
    bed.grace(false);
    for room in [0, 4, SOCKADDR_IN - 1] {
        let call = RecvCall::recv_from(bed, pair.b).room(10).from_room(room).call();
        call.refused(WsaError::WSAEFAULT)?;
    }
    let size = Guarded::holding(bed, &(SOCKADDR_IN as u32).to_le_bytes());
    let room = Guarded::holding(bed, &[0; SOCKADDR_IN]);
    for bad in bed.bad_pointers() {
        if !bad.at.is_null() {
            let call = RecvCall::recv_from(bed, pair.b).room(10).from_at(bad.at, size.at()).call();
            call.refused(WsaError::WSAEFAULT)?;
        }
        let call = RecvCall::recv_from(bed, pair.b).room(10).from_at(room.at(), bad.at).call();
        call.refused(WsaError::WSAEFAULT)?;
    }
    RecvCall::recv(bed, pair.b).room(10).call().gave(b"kept")
}

fn stream(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    SendCall::send(bed, pair.a).bytes(b"ab").call().done(2)?;
    bed.grace(false);
    let call = RecvCall::recv_from(bed, pair.b).room(1).call();
    call.gave(b"a")?;
    call.from_untouched()?;
    let bad = UserPtr(0x10);
    RecvCall::recv_from(bed, pair.b).room(1).from_at(bad, bad).call().gave(b"b")
}

fn bound_by_a_send(bed: &dyn TestBed) -> CaseResult {
    check::equal("the profile", bed.profile(), Profile::Windows)?;
    let other = datagram_pair(bed)?;
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    RecvCall::recv_from(bed, s).room(10).call().refused(WsaError::WSAEINVAL)?;
    SendCall::send_to(bed, s).bytes(b"x").to(other.at_b).call().done(1)?;
    let (_, from) = receive_datagram(bed, other.b)?;
    let bound = check::works("WSPGetSockName", sock_name(bed, s))?;
    check::equal("the port it was bound to", from.port(), bound.port())?;
    SendCall::send_to(bed, other.b).bytes(b"back").to(from).call().done(4)?;
    check::equal("what arrived", receive_datagram(bed, s)?.0, b"back".to_vec())?;
    // Once bound it is not bound again.
    check::fails("WSPBind", bind(bed, s, LOOPBACK_V4), WsaError::WSAEINVAL)
}
