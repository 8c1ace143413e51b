//! WSPSend beside WSPSendTo: one queue, and the same indications (SEND-4, SEND-5).

use provider_core::spi::{SO_MAX_MSG_SIZE, SO_SNDTIMEO};
use provider_core::{SocketHandle, UserPtr, WsaError};

use crate::support::{
    DatagramPair, Op, SendCall, completions, connect, datagram_pair, get_option, hold_sends,
    overlapped_result, receive_datagram, release_sends, set_nonblocking, set_option, stream_pair,
    unbuffered, until,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, Waited, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("send-4-one-queue-for-both", &["SEND-4", "ORD-3"], one_queue),
    Case::both("send-5-indicated-alike", &["SEND-5", "RET-3"], indicated),
    Case::both("send-5-refused-alike", &["SEND-5", "RET-4"], refused),
    Case::both("send-5-same-transport-errors", &["SEND-5", "RET-4"], transport_errors),
    Case::both("send-5-same-limits", &["SEND-5", "ERR-MSGSIZE", "SYN-7"], limits),
    Case::both("send-5-same-end-of-a-connection", &["SEND-5", "ERR-NETRESET"], dead),
];

/// A connected datagram socket and a stream, none of which buffers.
fn connected(bed: &dyn TestBed) -> CaseResult<(DatagramPair, [SocketHandle; 2])> {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    unbuffered(bed, pair.a)?;
    unbuffered(bed, stream.a)?;
    Ok((pair, [pair.a, stream.a]))
}

fn one_queue(bed: &dyn TestBed) -> CaseResult {
    let (pair, sockets) = connected(bed)?;
    for s in sockets {
        hold_sends(bed);
        let ops: Vec<Op> = (0..4).map(|_| Op::new(bed)).collect();
        for (number, op) in ops.iter().enumerate() {
            let call = match number % 2 {
                0 => SendCall::send(bed, s),
                _ => SendCall::send_to(bed, s).to(pair.at_b),
            };
            call.bytes(&[b'a' + number as u8]).overlapped(op).call().pending()?;
        }
        bed.lower().clear_taken();
        release_sends(bed);
        until(bed, false, "the end of the sends", || ops.iter().all(|op| !op.is_pending(bed)))?;
        let taken: Vec<u8> = bed.lower().taken().into_iter().flat_map(|t| t.bytes).collect();
        check::equal("the order", taken, b"abcd".to_vec())?;
    }
    Ok(())
}

fn indicated(bed: &dyn TestBed) -> CaseResult {
    let (_, sockets) = connected(bed)?;
    let seen = completions(bed);
    for (number, s) in sockets.into_iter().enumerate() {
        let event = bed.create_event(true, false);
        let (polled, signalled, called) = (Op::new(bed), Op::with_event(bed, event), Op::new(bed));
        let call = |op| SendCall::send(bed, s).bytes(b"later").overlapped(op);
        hold_sends(bed);
        call(&polled).call().pending()?;
        call(&signalled).call().pending()?;
        call(&called).routine(seen.routine()).call().pending()?;
        release_sends(bed);
        check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
        seen.one(bed, &called, WsaError(0), 5)?;
        for op in [&polled, &signalled, &called] {
            until(bed, false, "the status", || !op.is_pending(bed))?;
            op.sent(bed, 5)?;
            check::equal("the result", overlapped_result(bed, s, op, false)?, Ok((5, 0)))?;
        }
        seen.stay(bed, number + 1)?;
    }
    Ok(())
}

fn refused(bed: &dyn TestBed) -> CaseResult {
    let (_, sockets) = connected(bed)?;
    let event = bed.create_event(true, false);
    let op = Op::with_event(bed, event);
    bed.lower().clear_taken();
    for s in sockets {
        let call = || SendCall::send(bed, s).bytes(b"never").overlapped(&op);
        call().flags(0x8000).call().refused(WsaError::WSAEOPNOTSUPP)?;
        call().buffer(UserPtr(0x10), 1).call().refused(WsaError::WSAEFAULT)?;
        bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAENOBUFS));
        call().call().refused(WsaError::WSAENOBUFS)?;
    }
    bed.grace(true);
    op.untouched(bed)?;
    check::holds("no event is set", !bed.is_set(event))?;
    check::equal("what the transport took", bed.lower().taken(), Vec::new())
}

fn transport_errors(bed: &dyn TestBed) -> CaseResult {
    let (pair, [a, stream]) = connected(bed)?;
    let op = Op::new(bed);
    for (s, errors) in [
        (stream, &[WsaError::WSAENETDOWN, WsaError::WSAENOBUFS][..]),
        (
            a,
            &[
                WsaError::WSAENETDOWN,
                WsaError::WSAENOBUFS,
                WsaError::WSAENETUNREACH,
                WsaError::WSAEHOSTUNREACH,
                WsaError::WSAEADDRNOTAVAIL,
            ],
        ),
    ] {
        for error in errors {
            bed.lower().answer(Seam::Send, Answer::Refuse(*error));
            SendCall::send(bed, s).bytes(b"never").call().refused(*error)?;
            bed.lower().answer(Seam::Send, Answer::Refuse(*error));
            SendCall::send(bed, s).bytes(b"never").overlapped(&op).call().refused(*error)?;
        }
    }
    op.untouched(bed)?;
    SendCall::send(bed, a).bytes(b"well").call().done(4)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"well".to_vec())
}

fn limits(bed: &dyn TestBed) -> CaseResult {
    let (_, [a, stream]) = connected(bed)?;
    let most = check::works("SO_MAX_MSG_SIZE", get_option(bed, a, SO_MAX_MSG_SIZE))? as usize;
    SendCall::send(bed, a).bytes(&vec![7; most + 1]).call().refused(WsaError::WSAEMSGSIZE)?;
    hold_sends(bed);
    for s in [a, stream] {
        check::works("SO_SNDTIMEO", set_option(bed, s, SO_SNDTIMEO, 20))?;
        SendCall::send(bed, s).bytes(b"late").call().refused(WsaError::WSAETIMEDOUT)?;
        check::works("FIONBIO", set_nonblocking(bed, s, true))?;
        SendCall::send(bed, s).bytes(b"now").call().refused(WsaError::WSAEWOULDBLOCK)?;
    }
    let alone = datagram_pair(bed)?.a;
    SendCall::send(bed, alone).bytes(b"where").call().refused(WsaError::WSAENOTCONN)
}

fn dead(bed: &dyn TestBed) -> CaseResult {
    // What ends the sends in progress, and what later ones fail with.
    for (end, later) in [
        (WsaError::WSAENETRESET, WsaError::WSAECONNRESET),
        (WsaError::WSAECONNRESET, WsaError::WSAECONNRESET),
        (WsaError::WSAECONNABORTED, WsaError::WSAECONNABORTED),
    ] {
        let (_, [_, s]) = connected(bed)?;
        bed.lower().answer(Seam::Send, Answer::Refuse(end));
        SendCall::send(bed, s).bytes(b"never").call().refused(end)?;
        SendCall::send(bed, s).bytes(b"never").call().refused(later)?;
        SendCall::send_to(bed, s).bytes(b"never").call().refused(later)?;
    }
    Ok(())
}
