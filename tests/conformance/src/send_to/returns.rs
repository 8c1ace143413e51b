//! What the call returns and what it leaves in its out parameters (RET).

use provider_core::spi::{AF_INET, AF_INET6, MSG_PARTIAL, SO_MAX_MSG_SIZE, WSA_FLAG_OVERLAPPED};
use provider_core::{UserPtr, WsaError};

use crate::support::{
    Op, RecvCall, SendCall, completions, datagram_pair, get_option, hold_sends, nothing_arrives,
    overlapped_result, receive_datagram, receive_exactly, receive_ready, release_sends, sock_name,
    stream_pair, stream_pair_of, unbuffered, until,
};
use crate::{Case, CaseResult, TestBed, Waited, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("ret-1-immediate-returns-0", &["RET-1", "RET-7", "RET-11"], immediate),
    Case::both("ret-1-immediate-on-a-stream", &["RET-1", "RET-7", "RET-11"], immediate_stream),
    Case::both("ret-2-failure-is-told-in-errno", &["RET-2", "RET-9", "RET-12"], failure),
    Case::both("ret-3-pending-then-one-event", &["RET-3", "RET-8", "OVL-12"], pending_event),
    Case::both("ret-3-pending-then-one-routine", &["RET-3", "RET-8", "OVL-12"], pending_routine),
    Case::both("ret-4-refused-is-never-indicated", &["RET-4", "EVT-7", "ORD-4"], refused),
    Case::both("ret-5-routine-is-queued-at-return", &["RET-5", "APC-9"], queued_at_return),
    Case::both("ret-7-count-of-gathered-buffers", &["RET-7"], gathered_count),
    Case::both("ret-8-count-is-left-alone-for-good", &["RET-8"], count_left_alone),
    Case::both("ret-10-null-count-in-overlapped-call", &["RET-10"], null_count_overlapped),
    Case::both("ret-10-null-count-otherwise", &["RET-10"], null_count),
    Case::both("ret-14-datagrams-are-counted-whole", &["RET-14"], whole_datagrams),
    Case::both("ret-6-its-0-is-the-sends", &["RET-6"], of_the_send),
];

fn immediate(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    SendCall::send_to(bed, pair.a).bytes(b"four").to(pair.at_b).call().done(4)?;
    let (bytes, from) = receive_datagram(bed, pair.b)?;
    check::equal("what arrived", bytes, b"four".to_vec())?;
    check::equal("its sender", from, pair.at_a)
}

fn immediate_stream(bed: &dyn TestBed) -> CaseResult {
    for af in [AF_INET, AF_INET6] {
        let pair = stream_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
        SendCall::send_to(bed, pair.a).bytes(b"seven, ").call().done(7)?;
        SendCall::send(bed, pair.a).bytes(b"eight").call().done(5)?;
        let bytes = receive_exactly(bed, pair.b, 12)?;
        check::equal("what arrived", bytes, b"seven, eight".to_vec())?;
    }
    Ok(())
}

fn failure(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).flags(MSG_PARTIAL).call();
    call.refused(WsaError::WSAEOPNOTSUPP)?;
    let call = SendCall::send(bed, bed.no_socket()).bytes(b"x").call();
    call.refused(WsaError::WSAENOTSOCK)
}

fn pending_event(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let event = bed.create_event(false, false);
    let op = Op::with_event(bed, event);
    let call = SendCall::send_to(bed, pair.a).bytes(b"later").to(pair.at_b).overlapped(&op).call();
    call.pending()?;
    op.pending(bed)?;
    let early = overlapped_result(bed, pair.a, &op, false)?;
    check::fails("the result while it pends", early, WsaError::WSA_IO_INCOMPLETE)?;
    bed.grace(true);
    check::holds("the event waits for the operation", !bed.is_set(event))?;

    release_sends(bed);
    check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
    op.sent(bed, 5)?;
    check::equal("the result", overlapped_result(bed, pair.a, &op, false)?, Ok((5, 0)))?;
    // The event is an auto-reset one: a second indication would set it again.
    bed.grace(true);
    check::holds("one indication", !bed.is_set(event))?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"later".to_vec())?;
    nothing_arrives(bed, pair.b)
}

fn pending_routine(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let seen = completions(bed);
    let op = Op::new(bed);
    SendCall::send_to(bed, pair.a)
        .bytes(b"later")
        .to(pair.at_b)
        .overlapped(&op)
        .routine(seen.routine())
        .call()
        .pending()?;
    seen.stay(bed, 0)?;

    release_sends(bed);
    seen.one(bed, &op, WsaError(0), 5)?;
    op.sent(bed, 5)?;
    check::equal("the result", overlapped_result(bed, pair.a, &op, false)?, Ok((5, 0)))?;
    seen.stay(bed, 1)
}

fn refused(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let most = check::works("SO_MAX_MSG_SIZE", get_option(bed, pair.a, SO_MAX_MSG_SIZE))?;
    let long = vec![7; most as usize + 1];
    let event = bed.create_event(true, false);
    let seen = completions(bed);
    bed.lower().clear_taken();
    for with_routine in [false, true] {
        let op = Op::with_event(bed, event);
        let call = || {
            let call = SendCall::send_to(bed, pair.a).to(pair.at_b).overlapped(&op);
            if with_routine { call.routine(seen.routine()) } else { call }
        };
        call().bytes(&long).call().refused(WsaError::WSAEMSGSIZE)?;
        call().bytes(b"x").flags(MSG_PARTIAL).call().refused(WsaError::WSAEOPNOTSUPP)?;
        call().array_at(UserPtr(0x10), 1).call().refused(WsaError::WSAEFAULT)?;
        call().bytes(b"x").to_bytes(&[2, 0], 2).call().refused(WsaError::WSAEFAULT)?;
        let port_0 = core::net::SocketAddr::new(pair.at_b.ip(), 0);
        call().bytes(b"x").to(port_0).call().refused(WsaError::WSAEADDRNOTAVAIL)?;
        seen.stay(bed, 0)?;
        check::holds("no event", !bed.is_set(event))?;
        op.untouched(bed)?;
    }
    check::equal("what the transport took", bed.lower().taken(), Vec::new())?;
    // And the socket is none the worse for it.
    SendCall::send_to(bed, pair.a).bytes(b"after").to(pair.at_b).call().done(5)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"after".to_vec())
}

fn queued_at_return(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let seen = completions(bed);
    for number in 0..3 {
        let op = Op::new(bed);
        SendCall::send_to(bed, pair.a)
            .bytes(b"at once")
            .to(pair.at_b)
            .overlapped(&op)
            .routine(seen.routine())
            .call()
            .done_overlapped(7)?;
        check::equal("routines before an alertable wait", seen.count(), number)?;
        check::holds("an APC was queued at return", bed.run_apcs())?;
        seen.called(bed, number, &op, WsaError(0), 7)?;
    }
    seen.stay(bed, 3)
}

fn gathered_count(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let call = || SendCall::send_to(bed, pair.a).bytes(b"a").bytes(b"bc").bytes(b"def");
    call().to(pair.at_b).call().done(6)?;
    let op = Op::new(bed);
    call().to(pair.at_b).overlapped(&op).call().done_overlapped(6)
}

fn count_left_alone(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"stream").overlapped(&op).call();
    call.pending()?;
    release_sends(bed);
    until(bed, false, "the end of the operation", || !op.is_pending(bed))?;
    op.sent(bed, 6)?;
    bed.grace(false);
    call.count_unchanged()
}

fn null_count_overlapped(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"now").to(pair.at_b).overlapped(&op);
    call.count_at(UserPtr::NULL).call().done_overlapped(3)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"now".to_vec())
}

fn null_count(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).count_at(UserPtr::NULL);
    call.call().refused(WsaError::WSAEFAULT)?;
    nothing_arrives(bed, pair.b)
}

fn whole_datagrams(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let most = check::works("SO_MAX_MSG_SIZE", get_option(bed, pair.a, SO_MAX_MSG_SIZE))? as usize;
    for len in [0, 1, 1_000, most] {
        let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
        SendCall::send_to(bed, pair.a).bytes(&bytes).to(pair.at_b).call().done(len)?;
        check::equal("what arrived", receive_datagram(bed, pair.b)?.0, bytes)?;
    }
    Ok(())
}

/// A receive pends on the socket all the while: the 0 of a send says nothing of it.
fn of_the_send(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for (a, b, to) in [(pair.a, pair.b, pair.at_b), (stream.a, stream.b, stream.at_b)] {
        let (sent, received) = (Op::new(bed), Op::new(bed));
        let receive = RecvCall::recv(bed, a).room(10).overlapped(&received).call();
        receive.pending()?;
        let call = SendCall::send_to(bed, a).bytes(b"asked").to(to).overlapped(&sent);
        call.call().done_overlapped(5)?;
        check::equal(
            "what arrived",
            receive_ready(bed, b, 10).map(|(bytes, _)| bytes),
            Ok(b"asked".to_vec()),
        )?;
        bed.grace(true);
        received.pending(bed)?;
        let back = check::works("WSPGetSockName", sock_name(bed, a))?;
        SendCall::send_to(bed, b).bytes(b"later").to(back).call().done(5)?;
        until(bed, false, "the receive", || !received.is_pending(bed))?;
        received.sent(bed, 5)?;
        receive.holds(b"later")?;
    }
    Ok(())
}
