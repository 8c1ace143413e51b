//! Where a datagram goes, and what a stream makes of a destination (DST).

use core::net::SocketAddr;

use provider_core::spi::{AF_INET, AF_INET6, SOCK_DGRAM, WSA_FLAG_OVERLAPPED};
use provider_core::{SocketHandle, UserPtr, WsaError};

use crate::support::{
    ANY_V4, Op, SendCall, bind, close, close_hard, connect, datagram_pair, datagram_pair_of,
    hold_sends, nothing_arrives, peer_name, receive_datagram, receive_exactly, release_sends,
    set_nonblocking, sock_name, socket, stream_pair, unbuffered, until,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("dst-1-datagram-goes-to-lpto", &["DST-1"], goes_there),
    Case::both("dst-1-datagram-goes-to-lpto-in-v6", &["DST-1"], goes_there_v6),
    Case::both("dst-2-lpto-is-for-one-datagram", &["DST-2", "ERR-ISCONN"], for_one_datagram),
    Case::both("dst-2-lpto-of-a-pended-datagram", &["DST-2", "DST-6"], for_one_pended_datagram),
    Case::both("dst-3-null-lpto-is-the-default", &["DST-3"], default_peer),
    Case::both("dst-3-default-when-the-call-was-made", &["DST-3", "DST-6"], default_peer_changes),
    Case::both("dst-4-stream-ignores-lpto", &["DST-4"], stream_ignores),
    Case::both("dst-5-stream-send-to-is-send", &["DST-5"], same_as_send),
    Case::both("dst-6-lpto-is-captured", &["DST-6"], captured),
    Case::windows("dst-7-unbound-is-bound", &["DST-7", "DST-8", "ERR-INVAL-1"], implicit_bind),
    Case::windows("dst-9-bind-outlives-a-failed-send", &["DST-9", "DST-8"], failed_send_binds),
    Case::both("dst-10-lost-datagram-was-sent", &["DST-10"], lost),
];

fn goes_there(bed: &dyn TestBed) -> CaseResult {
    to_either_of_two(bed, AF_INET)
}

fn goes_there_v6(bed: &dyn TestBed) -> CaseResult {
    to_either_of_two(bed, AF_INET6)
}

fn to_either_of_two(bed: &dyn TestBed, af: i32) -> CaseResult {
    let pair = datagram_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
    let other = datagram_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
    SendCall::send_to(bed, pair.a).bytes(b"to b").to(pair.at_b).call().done(4)?;
    SendCall::send_to(bed, pair.a).bytes(b"to other").to(other.at_a).call().done(8)?;
    arrives(bed, pair.b, b"to b", pair.at_a)?;
    arrives(bed, other.a, b"to other", pair.at_a)?;
    nothing_arrives(bed, pair.b)?;
    nothing_arrives(bed, other.a)
}

#[track_caller]
fn arrives(bed: &dyn TestBed, at: SocketHandle, want: &[u8], from: SocketAddr) -> CaseResult {
    let (bytes, sender) = receive_datagram(bed, at)?;
    check::equal("what arrived", bytes, want.to_vec())?;
    check::equal("its sender", sender, from)
}

fn for_one_datagram(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, datagram_pair(bed)?);
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    SendCall::send_to(bed, pair.a).bytes(b"elsewhere").to(other.at_a).call().done(9)?;
    check::equal("the peer's name", peer_name(bed, pair.a), Ok(pair.at_b))?;
    SendCall::send_to(bed, pair.a).bytes(b"home").call().done(4)?;
    SendCall::send(bed, pair.a).bytes(b"again").call().done(5)?;
    arrives(bed, other.a, b"elsewhere", pair.at_a)?;
    arrives(bed, pair.b, b"home", pair.at_a)?;
    arrives(bed, pair.b, b"again", pair.at_a)?;
    nothing_arrives(bed, other.a)?;
    // An answer from there is a stranger's: the default peer did not change for receives either.
    SendCall::send_to(bed, other.a).bytes(b"stranger").to(pair.at_a).call().done(8)?;
    nothing_arrives(bed, pair.a)?;
    SendCall::send_to(bed, pair.b).bytes(b"peer").to(pair.at_a).call().done(4)?;
    arrives(bed, pair.a, b"peer", pair.at_b)
}

fn for_one_pended_datagram(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, datagram_pair(bed)?);
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let ops = [Op::new(bed), Op::new(bed), Op::new(bed)];
    let call = |op| SendCall::send_to(bed, pair.a).bytes(b"x").overlapped(op);
    call(&ops[0]).call().pending()?;
    call(&ops[1]).to(other.at_a).call().pending()?;
    call(&ops[2]).call().pending()?;
    check::equal("the peer's name", peer_name(bed, pair.a), Ok(pair.at_b))?;
    bed.lower().clear_taken();
    release_sends(bed);
    until(bed, false, "the end of the sends", || !ops[2].is_pending(bed))?;
    let went: Vec<_> = bed.lower().taken().into_iter().map(|taken| taken.to).collect();
    check::equal("where they went", went, vec![Some(pair.at_b), Some(other.at_a), Some(pair.at_b)])
}

fn default_peer(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    SendCall::send_to(bed, pair.a).bytes(b"send to").call().done(7)?;
    // iTolen says nothing without lpTo.
    let call = SendCall::send_to(bed, pair.a).bytes(b"length").to_at(UserPtr::NULL, 5).call();
    call.done(6)?;
    SendCall::send(bed, pair.a).bytes(b"send").call().done(4)?;
    arrives(bed, pair.b, b"send to", pair.at_a)?;
    arrives(bed, pair.b, b"length", pair.at_a)?;
    arrives(bed, pair.b, b"send", pair.at_a)
}

fn default_peer_changes(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, datagram_pair(bed)?);
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let op = Op::new(bed);
    SendCall::send(bed, pair.a).bytes(b"for b").overlapped(&op).call().pending()?;
    check::works("WSPConnect", connect(bed, pair.a, other.at_a))?;
    release_sends(bed);
    until(bed, false, "the end of the send", || !op.is_pending(bed))?;
    op.sent(bed, 5)?;
    arrives(bed, pair.b, b"for b", pair.at_a)?;
    nothing_arrives(bed, other.a)
}

fn stream_ignores(bed: &dyn TestBed) -> CaseResult {
    let (stream, other) = (stream_pair(bed)?, datagram_pair(bed)?);
    let call = || SendCall::send_to(bed, stream.a).bytes(b"ok");
    let mut sent = 0;
    let mut accepted = |call: SendCall<'_>| {
        sent += 2;
        call.call().done(2)
    };
    accepted(call().to(other.at_a))?;
    accepted(call().to(ANY_V4))?;
    accepted(call().to_bytes(&[99; 16], 16))?;
    for len in [0, 4, -1, 128, i32::MAX] {
        accepted(call().to_bytes(&[2; 4], len))?;
    }
    for pointer in bed.bad_pointers() {
        accepted(call().to_at(pointer.at, 16))?;
    }
    check::equal("what arrived", receive_exactly(bed, stream.b, sent)?, b"ok".repeat(sent / 2))?;
    check::equal("the peer's name", peer_name(bed, stream.a), Ok(stream.at_b))?;
    nothing_arrives(bed, other.a)
}

/// What the same sends come to on two connections in the same state, one by WSPSend, one by
/// WSPSendTo.
fn same_as_send(bed: &dyn TestBed) -> CaseResult {
    type Prepare = fn(&dyn TestBed, SocketHandle, SocketHandle) -> CaseResult;
    let prepare: [Prepare; 5] = [
        |_, _, _| Ok(()),
        |bed, a, _| check::works("FIONBIO", set_nonblocking(bed, a, true)),
        |bed, a, _| {
            unbuffered(bed, a)?;
            check::works("FIONBIO", set_nonblocking(bed, a, true))
        },
        |bed, a, _| check::works("closing", close(bed, a)),
        |bed, _, b| {
            check::works("a hard close", close_hard(bed, b))?;
            bed.grace(false);
            Ok(())
        },
    ];
    for (number, prepare) in prepare.into_iter().enumerate() {
        for held in [false, true] {
            let mut results = Vec::new();
            for is_send_to in [false, true] {
                let pair = stream_pair(bed)?;
                prepare(bed, pair.a, pair.b)?;
                if held {
                    hold_sends(bed);
                } else {
                    bed.lower().answer(Seam::Send, Answer::Take(3));
                }
                let op = Op::new(bed);
                let call = || match is_send_to {
                    true => SendCall::send_to(bed, pair.a).to(pair.at_b),
                    false => SendCall::send(bed, pair.a),
                };
                bed.lower().clear_taken();
                let returned = [
                    call().bytes(b"plain").call().result(),
                    call().bytes(b"over").bytes(b"lapped").overlapped(&op).call().result(),
                    call().call().result(),
                    call().bytes(b"flag").flags(0x40).call().result(),
                ];
                release_sends(bed);
                bed.grace(false);
                bed.lower().forget_answers(Seam::Send);
                // What the transport was given, and how the overlapped one ended.
                let taken: Vec<Vec<u8>> =
                    bed.lower().taken().into_iter().map(|taken| taken.bytes).collect();
                let words = op.words(bed);
                let end = (op.status(bed), words.internal_high, words.offset, words.offset_high);
                results.push((returned, taken.concat(), end));
            }
            let what = format!("WSPSendTo in state {number}, held {held}");
            check::equal(&what, results[1].clone(), results[0].clone())?;
        }
    }
    Ok(())
}

fn captured(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let op = Op::new(bed);
    // The call scribbles over the address as soon as it has returned.
    let call = SendCall::send_to(bed, pair.a).bytes(b"captured").to(pair.at_b).overlapped(&op);
    call.call().pending()?;
    bed.lower().clear_taken();
    release_sends(bed);
    until(bed, false, "the end of the send", || !op.is_pending(bed))?;
    op.sent(bed, 8)?;
    let went: Vec<_> = bed.lower().taken().into_iter().map(|taken| taken.to).collect();
    check::equal("where it went", went, vec![Some(pair.at_b)])?;
    arrives(bed, pair.b, b"captured", pair.at_a)
}

fn unbound_socket(bed: &dyn TestBed) -> CaseResult<SocketHandle> {
    let s = check::works("a socket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    check::fails("the name of an unbound socket", sock_name(bed, s), WsaError::WSAEINVAL)?;
    Ok(s)
}

/// The socket has ADDR_ANY and a port.
#[track_caller]
fn is_bound(bed: &dyn TestBed, s: SocketHandle) -> CaseResult<SocketAddr> {
    let name = check::works("WSPGetSockName", sock_name(bed, s))?;
    check::equal("the address bound to", name.ip(), ANY_V4.ip())?;
    check::holds("the port is not 0", name.port() != 0)?;
    Ok(name)
}

fn implicit_bind(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let s = unbound_socket(bed)?;
    SendCall::send_to(bed, s).bytes(b"from where?").to(pair.at_b).call().done(11)?;
    let name = is_bound(bed, s)?;
    let (bytes, from) = receive_datagram(bed, pair.b)?;
    check::equal("what arrived", bytes, b"from where?".to_vec())?;
    check::equal("the sender's port", from.port(), name.port())?;
    // Bound once: the next send comes from the same port, and a bind is too late.
    SendCall::send_to(bed, s).bytes(b"again").to(pair.at_b).call().done(5)?;
    check::equal("the sender", receive_datagram(bed, pair.b)?.1, from)?;
    check::fails("WSPBind", bind(bed, s, ANY_V4), WsaError::WSAEINVAL)?;
    // It can be answered.
    SendCall::send_to(bed, pair.b).bytes(b"there").to(from).call().done(5)?;
    arrives(bed, s, b"there", pair.at_b)
}

fn failed_send_binds(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let port_0 = SocketAddr::new(pair.at_b.ip(), 0);
    let s = unbound_socket(bed)?;
    let call = SendCall::send_to(bed, s).bytes(b"x").to(port_0).call();
    call.refused(WsaError::WSAEADDRNOTAVAIL)?;
    is_bound(bed, s)?;
    let s = unbound_socket(bed)?;
    SendCall::send_to(bed, s).bytes(b"x").call().refused(WsaError::WSAENOTCONN)?;
    is_bound(bed, s)?;
    let s = unbound_socket(bed)?;
    bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAENOBUFS));
    let call = SendCall::send_to(bed, s).bytes(b"x").to(pair.at_b).call();
    call.refused(WsaError::WSAENOBUFS)?;
    is_bound(bed, s).map(drop)
}

fn lost(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("closing the receiver", close(bed, pair.b))?;
    let event = bed.create_event(true, false);
    let op = Op::with_event(bed, event);
    let call = SendCall::send_to(bed, pair.a).bytes(b"nobody").to(pair.at_b).overlapped(&op);
    call.call().done_overlapped(6)?;
    bed.grace(true);
    check::holds("the event is set", bed.is_set(event))?;
    op.sent(bed, 6)
}
