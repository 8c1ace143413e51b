//! WSPEventSelect, WSPEnumNetworkEvents, WSPAsyncSelect and WSPSelect.

mod async_select;
mod calls;
mod enum_network_events;
mod event_select;
mod reenabling;
mod select;
mod urgent;

use provider_core::SocketHandle;
use provider_core::WsaError;

use crate::support::{SendCall, receive_ready, set_nonblocking};
use crate::{Case, CaseResult, TestBed, check};

/// The tables of all functions.
pub const FAMILIES: &[&[Case]] = &[
    event_select::CASES,
    reenabling::CASES,
    enum_network_events::CASES,
    async_select::CASES,
    select::CASES,
    urgent::CASES,
];

/// Every network event (FD_ALL_EVENTS).
const FD_ALL_EVENTS: i32 = 0x3ff;

/// Sends `bytes` on a connection, or to its peer.
#[track_caller]
fn send(bed: &dyn TestBed, s: SocketHandle, bytes: &[u8]) -> CaseResult {
    SendCall::send(bed, s).bytes(bytes).call().done(bytes.len())
}

/// Makes `s` nonblocking and sends until that is refused with WSAEWOULDBLOCK; whole pieces of
/// `piece` bytes.
#[track_caller]
fn fill(bed: &dyn TestBed, s: SocketHandle, piece: usize) -> CaseResult {
    const MOST: usize = 10_000;
    check::works("FIONBIO", set_nonblocking(bed, s, true))?;
    let bytes = vec![7; piece];
    for _ in 0..MOST {
        match SendCall::send(bed, s).bytes(&bytes).call().result() {
            Ok(_) => {}
            Err(error) => return check::equal("the refusal", error, WsaError::WSAEWOULDBLOCK),
        }
    }
    Err(crate::Failure::new("sends are never refused"))
}

/// Receives what is there, up to `room` bytes.
#[track_caller]
fn receive(bed: &dyn TestBed, s: SocketHandle, room: usize) -> CaseResult<Vec<u8>> {
    check::works("receiving", receive_ready(bed, s, room).map(|(bytes, _)| bytes))
}
