//! Which of several errors is told (ERR-PRECEDENCE): every pair of causes that can meet.

use core::net::SocketAddr;

use provider_core::spi::{
    AF_INET, MSG_PARTIAL, SD_SEND, SO_MAX_MSG_SIZE, SOCK_DGRAM, SOCK_STREAM, WSA_FLAG_OVERLAPPED,
};
use provider_core::{Profile, SocketHandle, UserPtr, WsaError};

use crate::support::{
    ANY_V4, DatagramPair, SendCall, bind, cleanup, datagram_pair, get_option, hold_sends,
    set_nonblocking, shutdown, socket, startup, stream_pair, unbuffered,
};
use crate::{Case, CaseResult, Failure, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("err-precedence-datagram", &["ERR-PRECEDENCE"], datagram),
    Case::both("err-precedence-stream", &["ERR-PRECEDENCE"], stream),
    Case::both("err-precedence-not-started", &["ERR-PRECEDENCE", "ERR-MISSING"], not_started),
    Case::both("err-precedence-destination", &["ERR-PRECEDENCE"], destination),
];

/// A cause of an error, in the order in which they count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    NoSocket,
    BadCount,
    BadArray,
    BadBuffer,
    BadDestination,
    BadOverlapped,
    Flag,
    ShutDown,
    /// A datagram socket that is not bound, a stream that is not connected.
    State,
    Destination,
    TooLong,
    /// The transport has no room and the socket is nonblocking.
    Full,
}

const DATAGRAM: [Cause; 12] = [
    Cause::NoSocket,
    Cause::BadCount,
    Cause::BadArray,
    Cause::BadBuffer,
    Cause::BadDestination,
    Cause::BadOverlapped,
    Cause::Flag,
    Cause::ShutDown,
    Cause::State,
    Cause::Destination,
    Cause::TooLong,
    Cause::Full,
];

const STREAM: [Cause; 8] = [
    Cause::NoSocket,
    Cause::BadCount,
    Cause::BadArray,
    Cause::BadBuffer,
    Cause::BadOverlapped,
    Cause::Flag,
    Cause::ShutDown,
    Cause::Full,
];

/// What a cause alone gives on a socket of this kind.
fn error_of(bed: &dyn TestBed, cause: Cause, is_stream: bool) -> WsaError {
    let documented = bed.profile() == Profile::Documented;
    match cause {
        Cause::NoSocket => WsaError::WSAENOTSOCK,
        Cause::BadCount
        | Cause::BadArray
        | Cause::BadBuffer
        | Cause::BadDestination
        | Cause::BadOverlapped => WsaError::WSAEFAULT,
        Cause::Flag => WsaError::WSAEOPNOTSUPP,
        Cause::ShutDown => WsaError::WSAESHUTDOWN,
        Cause::State if is_stream => WsaError::WSAENOTCONN,
        Cause::State if documented => WsaError::WSAEINVAL,
        // Under Windows it is bound then, and no cause at all.
        Cause::State => WsaError(0),
        Cause::Destination => WsaError::WSAEADDRNOTAVAIL,
        Cause::TooLong => WsaError::WSAEMSGSIZE,
        Cause::Full => WsaError::WSAEWOULDBLOCK,
    }
}

/// Which causes exclude each other in one call.
fn meet(one: Cause, other: Cause) -> bool {
    let pair = [one, other];
    let both = |a: Cause, b: Cause| pair.contains(&a) && pair.contains(&b);
    // One array, one address; an overlapped call needs neither a count nor room.
    !(both(Cause::BadArray, Cause::BadBuffer)
        || both(Cause::BadArray, Cause::TooLong)
        || both(Cause::BadDestination, Cause::Destination)
        || both(Cause::BadOverlapped, Cause::BadCount)
        || both(Cause::BadOverlapped, Cause::Full))
}

/// A call with these causes on a socket that has those of them that are the socket's.
fn error_with(
    bed: &dyn TestBed,
    s: SocketHandle,
    to: SocketAddr,
    most: usize,
    causes: &[Cause],
) -> WsaError {
    const NOWHERE: UserPtr = UserPtr(0x10);
    let has = |cause| causes.contains(&cause);
    let mut call = SendCall::send_to(bed, if has(Cause::NoSocket) { bed.no_socket() } else { s });
    call = call.bytes(b"x").to(to);
    if has(Cause::TooLong) {
        call = call.bytes(&vec![0; most]);
    }
    if has(Cause::BadBuffer) {
        call = call.buffer(NOWHERE, 1);
    }
    if has(Cause::BadArray) {
        call = call.array_at(NOWHERE, 1);
    }
    if has(Cause::BadCount) {
        call = call.count_at(UserPtr::NULL);
    }
    if has(Cause::BadDestination) {
        call = call.to_at(NOWHERE, 16);
    }
    if has(Cause::Destination) {
        call = call.to(SocketAddr::new(to.ip(), 0));
    }
    if has(Cause::BadOverlapped) {
        call = call.overlapped_at(NOWHERE);
    }
    if has(Cause::Flag) {
        call = call.flags(MSG_PARTIAL);
    }
    let called = call.call();
    if called.value() == 0 { WsaError(0) } else { called.error() }
}

/// Every pair of `causes`: the first of each is told.
fn pairwise(
    bed: &dyn TestBed,
    causes: &[Cause],
    is_stream: bool,
    error: impl Fn(&[Cause]) -> CaseResult<WsaError>,
) -> CaseResult {
    for (place, first) in causes.iter().enumerate() {
        let alone = error_of(bed, *first, is_stream);
        check::equal(&format!("{first:?} alone"), error(&[*first])?, alone)?;
        for second in &causes[place + 1..] {
            if !meet(*first, *second) {
                continue;
            }
            let want = match alone {
                WsaError(0) => error_of(bed, *second, is_stream),
                _ => alone,
            };
            let got = error(&[*first, *second])?;
            check::equal(&format!("{first:?} and {second:?}"), got, want)?;
        }
    }
    Ok(())
}

fn datagram(bed: &dyn TestBed) -> CaseResult {
    let peer = datagram_pair(bed)?;
    let most = check::works("SO_MAX_MSG_SIZE", get_option(bed, peer.a, SO_MAX_MSG_SIZE))? as usize;
    hold_sends(bed);
    pairwise(bed, &DATAGRAM, false, |causes| {
        let s = datagram_socket(bed, causes)?;
        Ok(error_with(bed, s, peer.at_b, most, causes))
    })
}

fn datagram_socket(bed: &dyn TestBed, causes: &[Cause]) -> CaseResult<SocketHandle> {
    let s = check::works("a socket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    if !causes.contains(&Cause::State) {
        check::works("WSPBind", bind(bed, s, ANY_V4))?;
    }
    socket_state(bed, s, causes)?;
    Ok(s)
}

fn socket_state(bed: &dyn TestBed, s: SocketHandle, causes: &[Cause]) -> CaseResult {
    if causes.contains(&Cause::ShutDown) {
        check::works("WSPShutdown", shutdown(bed, s, SD_SEND))?;
    }
    if causes.contains(&Cause::Full) {
        unbuffered(bed, s)?;
        check::works("FIONBIO", set_nonblocking(bed, s, true))?;
    }
    Ok(())
}

fn stream(bed: &dyn TestBed) -> CaseResult {
    let DatagramPair { at_b: to, .. } = datagram_pair(bed)?;
    hold_sends(bed);
    pairwise(bed, &STREAM, true, |causes| {
        let s = stream_pair(bed)?.a;
        socket_state(bed, s, causes)?;
        Ok(error_with(bed, s, to, 0, causes))
    })?;
    // A stream that is not connected: it cannot be shut down either.
    let unconnected = [
        Cause::NoSocket,
        Cause::BadCount,
        Cause::BadArray,
        Cause::BadBuffer,
        Cause::BadOverlapped,
        Cause::Flag,
        Cause::State,
    ];
    for cause in unconnected {
        let s = check::works("a socket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))?;
        let got = error_with(bed, s, to, 0, &[cause, Cause::State]);
        check::equal(&format!("{cause:?} and not connected"), got, error_of(bed, cause, true))?;
    }
    Ok(())
}

fn not_started(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("WSPCleanup", cleanup(bed))?;
    for cause in DATAGRAM {
        let got = error_with(bed, pair.a, pair.at_b, 70_000, &[cause]);
        check::equal(&format!("{cause:?} and not started"), got, WsaError::WSANOTINITIALISED)?;
    }
    check::works("WSPStartup", startup(bed)).map(drop)
}

fn destination(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let to = |bytes: [u8; 8], len: i32| {
        let mut whole = [0; 16];
        whole[..8].copy_from_slice(&bytes);
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to_bytes(&whole, len).call();
        if call.value() == 0 { WsaError(0) } else { call.error() }
    };
    // Family 99, port 0, ADDR_ANY: what counts first is that it is too short.
    for (what, bytes, len, want) in [
        ("short, other family", [99, 0, 0, 9, 127, 0, 0, 1], 8, WsaError::WSAEFAULT),
        ("short, port 0", [2, 0, 0, 0, 127, 0, 0, 1], 15, WsaError::WSAEFAULT),
        ("other family, port 0", [99, 0, 0, 0, 127, 0, 0, 1], 16, WsaError::WSAEAFNOSUPPORT),
        ("other family, ADDR_ANY", [99, 0, 0, 9, 0, 0, 0, 0], 16, WsaError::WSAEAFNOSUPPORT),
        ("port 0, broadcast", [2, 0, 0, 0, 255, 255, 255, 255], 16, WsaError::WSAEADDRNOTAVAIL),
        ("broadcast", [2, 0, 0, 9, 255, 255, 255, 255], 16, WsaError::WSAEACCES),
    ] {
        let got = to(bytes, len);
        if got != want {
            return Err(Failure::new(format!("{what}: got {got:?}, want {want:?}")));
        }
    }
    Ok(())
}
