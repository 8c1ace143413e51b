//! Refusals that come before anything else: not started, no socket, in a blocking hook, and the
//! second wait of a thread.

use provider_core::spi::{AF_INET, SO_LINGER, SOCK_STREAM, WSA_FLAG_OVERLAPPED};
use provider_core::{SocketHandle, WsaError};

use super::calls::{Came, about, all_fail, cancel, start_and_end, without_a_socket};
use crate::support::{
    LOOPBACK_V4, Op, RecvCall, SendCall, Sets, accept, bind, cleanup, close, connect,
    datagram_pair, ends, hold_sends, listen, nothing_arrives, overlapped_result, receive_datagram,
    receive_exactly, release_sends, select, set_option, sock_name, socket, startup, stream_pair,
    unbuffered, until,
};
use crate::{BedThread, Case, CaseResult, Seam, Shared, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("result-4-every-function", &["RESULT-4", "RESULT-1", "RESULT-2"], not_started),
    Case::both("result-5-every-function", &["RESULT-5", "RESULT-1", "RESULT-2"], no_socket),
    Case::both("result-7-every-function", &["RESULT-7", "RESULT-2"], in_the_hook),
    Case::both("result-6-every-function-that-waits", &["RESULT-6"], waits),
    Case::both("result-8-what-does-not-wait", &["RESULT-8"], does_not_wait),
];

fn not_started(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    check::works("WSPCleanup", cleanup(bed))?;
    for s in [pair.a, stream.a, bed.no_socket()] {
        all_fail(about(bed, s), WsaError::WSANOTINITIALISED)?;
    }
    all_fail(without_a_socket(bed), WsaError::WSANOTINITIALISED)?;
    all_fail(cancel(bed), WsaError::WSANOTINITIALISED)?;
    check::works("WSPStartup", startup(bed)).map(drop)
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    let closed = datagram_pair(bed)?.a;
    check::works("WSPCloseSocket", close(bed, closed))?;
    for s in [bed.no_socket(), closed] {
        all_fail(about(bed, s), WsaError::WSAENOTSOCK)?;
    }
    Ok(())
}

/// A thread that waits in a receive on `s`, for the datagram `end`.
fn waiting(bed: &dyn TestBed, s: SocketHandle) -> BedThread {
    let body = move |bed: &dyn TestBed| RecvCall::recv(bed, s).room(10).call().gave(b"end");
    let thread = bed.spawn("receiver", Box::new(body));
    bed.grace(false);
    thread
}

fn in_the_hook(bed: &dyn TestBed) -> CaseResult {
    let (pair, other, stream) = (datagram_pair(bed)?, datagram_pair(bed)?, stream_pair(bed)?);
    let ran = Shared::new(false);
    let done = ran.clone();
    let thread = bed.spawn(
        "receiver",
        Box::new(move |bed| {
            bed.set_blocking_hook(Some(Box::new(move |bed| {
                if !done.get() {
                    let refused = WsaError::WSAEINPROGRESS;
                    for s in [other.a, stream.a, bed.no_socket()] {
                        all_fail(about(bed, s), refused)?;
                    }
                    all_fail(without_a_socket(bed), refused)?;
                    all_fail(start_and_end(bed), refused)?;
                    done.set(true);
                }
                Ok(false)
            })));
            let received = RecvCall::recv(bed, pair.b).room(10).call().gave(b"end");
            bed.set_blocking_hook(None);
            received
        }),
    );
    until(bed, false, "the hook", || ran.get())?;
    SendCall::send_to(bed, pair.a).bytes(b"end").to(pair.at_b).call().done(3)?;
    ends(bed, thread)?;
    // Nothing of it was done.
    SendCall::send_to(bed, other.a).bytes(b"alive").to(other.at_b).call().done(5)?;
    check::equal("what arrived", receive_datagram(bed, other.b)?.0, b"alive".to_vec())?;
    nothing_arrives(bed, other.b)?;
    SendCall::send(bed, stream.a).bytes(b"alive").call().done(5)
}

/// Runs `body` in an APC inside of a blocking receive.
fn inside(
    bed: &dyn TestBed,
    body: impl FnOnce(&dyn TestBed) -> CaseResult + Send + 'static,
) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let thread = waiting(bed, pair.b);
    let ran = Shared::new(false);
    let done = ran.clone();
    let apc = move |bed: &dyn TestBed| {
        let result = body(bed);
        done.set(true);
        result
    };
    check::holds("the APC was queued", bed.queue_apc(thread, Box::new(apc)))?;
    until(bed, false, "the APC", || ran.get())?;
    release_sends(bed);
    SendCall::send_to(bed, pair.a).bytes(b"end").to(pair.at_b).call().done(3)?;
    ends(bed, thread)
}

/// A stream that listens, and where.
fn listener(bed: &dyn TestBed) -> CaseResult<(SocketHandle, core::net::SocketAddr)> {
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))?;
    check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
    check::works("WSPListen", listen(bed, s))?;
    Ok((s, check::works("WSPGetSockName", sock_name(bed, s))?))
}

fn waits(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let (listening, at) = listener(bed)?;
    let fresh = check::works("WSPSocket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))?;
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
    }
    let op = Op::new(bed);
    RecvCall::recv(bed, pair.a).room(1).overlapped(&op).call().pending()?;
    // A lingering close would wait for what is in the send buffer.
    let lingering = stream_pair(bed)?;
    check::works("SO_LINGER", set_option(bed, lingering.a, SO_LINGER, 1 | 5 << 16))?;
    bed.lower().hold(Seam::Connect);
    hold_sends(bed);
    SendCall::send(bed, lingering.a).bytes(b"unsent").call().done(6)?;
    inside(bed, move |bed| {
        let refused = WsaError::WSAEINPROGRESS;
        for s in [pair.a, stream.a] {
            SendCall::send_to(bed, s).bytes(b"never").to(pair.at_b).call().refused(refused)?;
        }
        SendCall::send(bed, stream.a).bytes(b"never").call().refused(refused)?;
        for s in [pair.b, stream.b] {
            RecvCall::recv(bed, s).room(1).call().refused(refused)?;
            RecvCall::recv_from(bed, s).room(1).call().refused(refused)?;
        }
        check::fails("WSPCloseSocket", close(bed, lingering.a), refused)?;
        let waited = overlapped_result(bed, pair.a, &op, true)?;
        check::fails("WSPGetOverlappedResult", waited, refused)?;
        check::fails("WSPAccept", accept(bed, listening), refused)?;
        check::fails("WSPConnect", connect(bed, fresh, at), refused)?;
        check::fails("WSPSelect", select(bed, &Sets::reading(pair.b), None)?, refused)
    })?;
    bed.lower().release(Seam::Connect);
    // With nothing done.
    check::works("WSPCloseSocket", close(bed, lingering.a))?;
    check::equal("the stream", receive_exactly(bed, lingering.b, 6)?, b"unsent".to_vec())?;
    nothing_arrives(bed, pair.b)?;
    nothing_arrives(bed, stream.b)?;
    check::works("WSPConnect", connect(bed, fresh, at))?;
    check::works("WSPAccept", accept(bed, listening)).map(drop)
}

/// In such an APC whatever does not have to wait works.
fn does_not_wait(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    inside(bed, move |bed| {
        let op = Op::new(bed);
        RecvCall::recv(bed, pair.b).room(10).overlapped(&op).call().pending()?;
        SendCall::send_to(bed, pair.a).bytes(b"datagram").to(pair.at_b).call().done(8)?;
        SendCall::send(bed, stream.a).bytes(b"stream").call().done(6)?;
        let expected: Vec<Came> = without_a_socket(bed);
        expected.into_iter().try_for_each(|(name, result)| check::works(name, result))?;
        check::works("WSPSelect", select(bed, &Sets::writing(stream.a), None)?)?;
        until(bed, false, "the receive", || !op.is_pending(bed))?;
        check::works("WSPGetOverlappedResult", overlapped_result(bed, pair.b, &op, false)?)?;
        check::works("WSPCloseSocket", close(bed, stream.b))
    })
}
