//! What a stream gives.

use provider_core::WsaError;
use provider_core::spi::SD_SEND;

use crate::support::{
    RecvCall, SendCall, nothing_arrives, receive_exactly, set_nonblocking, shutdown, stream_pair,
    until,
};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("recv-1-as-much-as-there-is-room-for", &["RECV-1"], room),
    Case::both("recv-1-as-much-as-is-there", &["RECV-1", "SEND-1", "SEND-5"], there),
    Case::both("recv-3-buffers-are-filled-in-order", &["RECV-3", "RECV-4"], scattered),
    Case::both("recv-7-graceful-end-is-zero-bytes", &["RECV-7", "RECV-16"], graceful_end),
    Case::both("recv-9-nothing-on-a-nonblocking-stream", &["RECV-9"], nothing),
    Case::both("recv-27-without-room-takes-none", &["RECV-27"], no_room),
];

fn room(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    SendCall::send(bed, pair.a).bytes(b"one and another").call().done(15)?;
    // All of it is there once its last byte can be seen.
    check::equal("the beginning", receive_exactly(bed, pair.b, 1)?, b"o".to_vec())?;
    bed.grace(false);
    RecvCall::recv(bed, pair.b).room(6).call().gave(b"ne and")?;
    RecvCall::recv(bed, pair.b).room(100).call().gave(b" another")
}

fn there(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    for piece in [&b"first, "[..], b"second, ", b"third"] {
        SendCall::send(bed, pair.a).bytes(piece).call().done(piece.len())?;
    }
    bed.grace(false);
    RecvCall::recv(bed, pair.b).room(100).call().gave(b"first, second, third")?;
    nothing_arrives(bed, pair.b)
}

fn scattered(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    SendCall::send(bed, pair.a).bytes(b"abcdefgh").call().done(8)?;
    bed.grace(false);
    // An empty buffer between the others takes nothing and is no hole.
    let call = RecvCall::recv(bed, pair.b).room(1).room(3).room(0).room(2).room(10).call();
    check::equal("the call", call.result(), Ok(8))?;
    call.holds(b"abcdefgh")
}

fn graceful_end(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    SendCall::send(bed, pair.a).bytes(b"last").call().done(4)?;
    check::works("WSPShutdown", shutdown(bed, pair.a, SD_SEND))?;
    bed.grace(false);
    RecvCall::recv(bed, pair.b).room(100).call().gave(b"last")?;
    // As often as it is asked.
    for _ in 0..3 {
        RecvCall::recv(bed, pair.b).room(100).call().gave(b"")?;
    }
    // The other half goes on.
    SendCall::send(bed, pair.b).bytes(b"back").call().done(4)?;
    check::equal("the other half", receive_exactly(bed, pair.a, 4)?, b"back".to_vec())
}

fn nothing(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("FIONBIO", set_nonblocking(bed, pair.b, true))?;
    RecvCall::recv(bed, pair.b).room(10).call().refused(WsaError::WSAEWOULDBLOCK)?;
    SendCall::send(bed, pair.a).bytes(b"now").call().done(3)?;
    until(bed, false, "the data", || {
        RecvCall::recv(bed, pair.b).room(1).flags(provider_core::spi::MSG_PEEK).call().result()
            == Ok(1)
    })?;
    RecvCall::recv(bed, pair.b).room(10).call().gave(b"now")?;
    RecvCall::recv(bed, pair.b).room(10).call().refused(WsaError::WSAEWOULDBLOCK)
}

fn no_room(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("FIONBIO", set_nonblocking(bed, pair.b, true))?;
    RecvCall::recv(bed, pair.b).room(0).call().refused(WsaError::WSAEWOULDBLOCK)?;
    SendCall::send(bed, pair.a).bytes(b"kept").call().done(4)?;
    bed.grace(false);
    RecvCall::recv(bed, pair.b).room(0).call().gave(b"")?;
    RecvCall::recv(bed, pair.b).room(10).call().gave(b"kept")
}
