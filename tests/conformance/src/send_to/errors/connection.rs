//! Errors of a connection that has ended, and of a port that nobody has.

use provider_core::spi::{SIO_UDP_CONNRESET, SO_KEEPALIVE};
use provider_core::{Profile, SocketHandle, WsaError};

use crate::support::{
    Op, SendCall, close, close_hard, completions, datagram_pair, hold_sends, ioctl,
    nothing_arrives, receive_datagram, receive_ready, release_sends, set_nonblocking, set_option,
    stream_pair, unbuffered,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, Waited, check};

/// The cases of this family.
pub(in crate::send_to) const CASES: &[Case] = &[
    Case::both("err-netreset-then-connreset", &["ERR-NETRESET"], keep_alive),
    Case::both("err-connaborted-at-the-call", &["ERR-CONNABORTED"], aborted),
    Case::both("err-connaborted-ends-pended-sends", &["ERR-CONNABORTED", "RET-3"], aborted_later),
    Case::both("err-connreset-by-the-peer", &["ERR-CONNRESET"], reset),
    Case::both("err-connreset-ends-pended-sends", &["ERR-CONNRESET", "RET-3"], reset_later),
    Case::both("err-connreset-datagram-by-a-send", &["ERR-CONNRESET"], unreachable_send),
    Case::both("err-connreset-datagram-by-a-receive", &["ERR-CONNRESET"], unreachable_receive),
    Case::both("err-connreset-datagram-switched-off", &["ERR-CONNRESET"], unreachable_unreported),
];

/// Two pended sends meet the end of their connection: both end with `error`, and later sends are
/// refused with `later`.
fn connection_ends(bed: &dyn TestBed, error: WsaError, later: WsaError) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("SO_KEEPALIVE", set_option(bed, pair.a, SO_KEEPALIVE, 1))?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let event = bed.create_event(true, false);
    let seen = completions(bed);
    let (first, second) = (Op::with_event(bed, event), Op::new(bed));
    let call = |op| SendCall::send_to(bed, pair.a).bytes(b"never").overlapped(op);
    call(&first).call().pending()?;
    call(&second).routine(seen.routine()).call().pending()?;
    bed.lower().answer(Seam::Send, Answer::Refuse(error));
    release_sends(bed);
    check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
    first.failed(bed, error, 0)?;
    seen.one(bed, &second, error, 0)?;
    second.failed(bed, error, 0)?;
    refused_for_good(bed, pair.a, later)?;
    seen.stay(bed, 1)
}

/// Sends in every mode are refused with `error`, again and again.
fn refused_for_good(bed: &dyn TestBed, s: SocketHandle, error: WsaError) -> CaseResult {
    let op = Op::new(bed);
    for _ in 0..2 {
        SendCall::send(bed, s).bytes(b"x").call().refused(error)?;
        SendCall::send_to(bed, s).bytes(b"x").overlapped(&op).call().refused(error)?;
    }
    Ok(())
}

fn keep_alive(bed: &dyn TestBed) -> CaseResult {
    connection_ends(bed, WsaError::WSAENETRESET, WsaError::WSAECONNRESET)
}

fn aborted_later(bed: &dyn TestBed) -> CaseResult {
    connection_ends(bed, WsaError::WSAECONNABORTED, WsaError::WSAECONNABORTED)
}

fn reset_later(bed: &dyn TestBed) -> CaseResult {
    connection_ends(bed, WsaError::WSAECONNRESET, WsaError::WSAECONNRESET)
}

fn aborted(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let op = Op::new(bed);
    bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAECONNABORTED));
    let call = SendCall::send(bed, pair.a).bytes(b"x").overlapped(&op).call();
    call.refused(WsaError::WSAECONNABORTED)?;
    refused_for_good(bed, pair.a, WsaError::WSAECONNABORTED)
}

fn reset(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("a hard close", close_hard(bed, pair.b))?;
    bed.grace(false);
    refused_for_good(bed, pair.a, WsaError::WSAECONNRESET)
}

/// A bound socket that has sent a datagram to a port that nobody has, and has heard of it.
fn unreachable(bed: &dyn TestBed, reported: bool) -> CaseResult<crate::support::DatagramPair> {
    let pair = datagram_pair(bed)?;
    let nobody = datagram_pair(bed)?;
    check::works("closing", close(bed, nobody.a))?;
    if !reported {
        check::works("SIO_UDP_CONNRESET", ioctl(bed, pair.a, SIO_UDP_CONNRESET, Some(0)))?;
    }
    SendCall::send_to(bed, pair.a).bytes(b"anyone?").to(nobody.at_a).call().done(7)?;
    bed.grace(false);
    Ok(pair)
}

fn unreachable_send(bed: &dyn TestBed) -> CaseResult {
    let pair = unreachable(bed, true)?;
    let op = Op::new(bed);
    let call = || SendCall::send_to(bed, pair.a).bytes(b"next").to(pair.at_b);
    if bed.profile() == Profile::Documented {
        call().overlapped(&op).call().refused(WsaError::WSAECONNRESET)?;
        nothing_arrives(bed, pair.b)?;
    }
    // Once, or not at all; and the socket lives on.
    for _ in 0..2 {
        call().call().done(4)?;
        check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"next".to_vec())?;
    }
    Ok(())
}

fn unreachable_receive(bed: &dyn TestBed) -> CaseResult {
    let pair = unreachable(bed, true)?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    let first = receive_ready(bed, pair.a, 100);
    check::fails("the first receive", first, WsaError::WSAECONNRESET)?;
    let second = receive_ready(bed, pair.a, 100);
    check::fails("the second receive", second, WsaError::WSAEWOULDBLOCK)?;
    SendCall::send_to(bed, pair.a).bytes(b"next").to(pair.at_b).call().done(4)
}

fn unreachable_unreported(bed: &dyn TestBed) -> CaseResult {
    let pair = unreachable(bed, false)?;
    SendCall::send_to(bed, pair.a).bytes(b"next").to(pair.at_b).call().done(4)?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    let received = receive_ready(bed, pair.a, 100);
    check::fails("the receive", received, WsaError::WSAEWOULDBLOCK)
}
