//! Receives that are refused.

use provider_core::spi::{
    AF_INET, SD_BOTH, SD_RECEIVE, SOCK_DGRAM, SOCK_STREAM, WSA_FLAG_OVERLAPPED,
};
use provider_core::{Profile, UserPtr, WsaError};

use crate::support::{
    Op, RecvCall, SendCall, completions, datagram_pair, shutdown, socket, stream_pair,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("recv-10-stream-that-is-not-connected", &["RECV-10"], not_connected),
    Case::both("recv-11-datagram-socket-not-bound", &["RECV-11"], not_bound),
    Case::both("recv-12-after-shutdown", &["RECV-12"], shut_down),
    Case::both("recv-25-bad-memory-takes-nothing", &["RECV-25", "RESULT-11"], bad_memory),
    Case::both("result-5-receive-on-no-socket", &["RESULT-5"], no_socket),
    Case::both("result-9-receive-meets-net-down", &["RESULT-9"], net_down),
    Case::both("recv-5-refused-is-never-indicated", &["RECV-5", "RESULT-10"], refused),
];

fn not_connected(bed: &dyn TestBed) -> CaseResult {
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))?;
    RecvCall::recv(bed, s).room(10).call().refused(WsaError::WSAENOTCONN)?;
    let op = Op::new(bed);
    RecvCall::recv_from(bed, s).room(10).overlapped(&op).call().refused(WsaError::WSAENOTCONN)
}

fn not_bound(bed: &dyn TestBed) -> CaseResult {
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    RecvCall::recv(bed, s).room(10).call().refused(WsaError::WSAEINVAL)?;
    RecvCall::recv_from(bed, s).room(10).call().refused(WsaError::WSAEINVAL)
}

fn shut_down(bed: &dyn TestBed) -> CaseResult {
    for how in [SD_RECEIVE, SD_BOTH] {
        let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
        for s in [stream.b, pair.b] {
            check::works("WSPShutdown", shutdown(bed, s, how))?;
            RecvCall::recv(bed, s).room(10).call().refused(WsaError::WSAESHUTDOWN)?;
            let op = Op::new(bed);
            let call = RecvCall::recv_from(bed, s).room(10).overlapped(&op).call();
            call.refused(WsaError::WSAESHUTDOWN)?;
        }
    }
    Ok(())
}

fn bad_memory(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    SendCall::send(bed, stream.a).bytes(b"kept").call().done(4)?;
    SendCall::send_to(bed, pair.a).bytes(b"kept").to(pair.at_b).call().done(4)?;
    bed.grace(false);
    for s in [stream.b, pair.b] {
        for bad in bed.bad_pointers() {
            let call = RecvCall::recv(bed, s).array_at(bad.at, 1).call();
            call.refused(WsaError::WSAEFAULT)?;
            let call = RecvCall::recv(bed, s).room(10).flags_at(bad.at).call();
            call.refused(WsaError::WSAEFAULT)?;
            let call = RecvCall::recv(bed, s).room(10).count_at(bad.at).call();
            call.refused(WsaError::WSAEFAULT)?;
        }
        RecvCall::recv(bed, s).room(10).call().gave(b"kept")?;
    }
    Ok(())
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    RecvCall::recv(bed, bed.no_socket()).room(1).call().refused(WsaError::WSAENOTSOCK)?;
    RecvCall::recv_from(bed, bed.no_socket()).room(1).call().refused(WsaError::WSAENOTSOCK)
}

fn net_down(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    SendCall::send_to(bed, pair.a).bytes(b"kept").to(pair.at_b).call().done(4)?;
    bed.grace(false);
    bed.lower().answer(Seam::Receive, Answer::Refuse(WsaError::WSAENETDOWN));
    RecvCall::recv(bed, pair.b).room(10).call().refused(WsaError::WSAENETDOWN)?;
    RecvCall::recv(bed, pair.b).room(10).call().gave(b"kept")
}

fn refused(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let event = bed.create_event(true, false);
    let seen = completions(bed);
    let op = Op::with_event(bed, event);
    let bad = UserPtr(0x10);
    let unknown_flags = match bed.profile() {
        Profile::Documented => WsaError::WSAEOPNOTSUPP,
        Profile::Windows => WsaError::WSAEINVAL,
    };
    RecvCall::recv(bed, pair.b)
        .array_at(bad, 1)
        .overlapped(&op)
        .call()
        .refused(WsaError::WSAEFAULT)?;
    RecvCall::recv(bed, pair.b)
        .room(1)
        .flags(0x4000_0000)
        .overlapped(&op)
        .routine(seen.routine())
        .call()
        .refused(unknown_flags)?;
    seen.stay(bed, 0)?;
    check::holds("no event", !bed.is_set(event))?;
    op.untouched(bed)
}
