//! The encoding of an event that the digest is made of: little-endian words.
//!
//! Two words of place (time; machine, tag, thread), then as many words as the tag has. Changing
//! anything here changes every digest.

use core::net::SocketAddr;

use provider_core::WsaError;

use crate::event::{At, Function, What};

/// The most bytes that an event takes.
pub(super) const LEN_MAX: usize = 48;

/// What an event adds to the run's counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    Nothing,
    /// WSPSend or WSPSendTo was entered.
    Send,
    /// An operation ended.
    Completion,
}

/// Writes an event to `into`; gives the bytes that count, and what it counts as.
///
/// Every arm stores its own words: collecting them first would store them twice. And it knows what
/// it counts as: asking again later would be another jump that cannot be foreseen.
#[inline]
pub(super) fn encode(at: At, what: &What, into: &mut [u8; LEN_MAX]) -> (usize, Counts) {
    let mut counts = Counts::Nothing;
    let len = match *what {
        What::Switch(tid) => put(into, at, 1, [u64::from(tid.0)]),
        What::ThreadStart(tid) => put(into, at, 2, [u64::from(tid.0)]),
        What::ThreadEnd(tid, how) => put(into, at, 3, [pair(tid.0, u32::from(how as u8))]),
        What::Enter { function, socket, overlapped, len } => {
            if matches!(function, Function::WSPSend | Function::WSPSendTo) {
                counts = Counts::Send;
            }
            put(into, at, 4, [socket, overlapped, pair(len, u32::from(function as u8))])
        }
        What::Leave { function, value, errno, count } => {
            let last = u64::from(function as u8);
            put(into, at, 5, [value as u64, pair(errno as u32, count), last])
        }
        What::ApcQueued { thread, context, accepted } => {
            put(into, at, 6, [context, pair(thread.0, u32::from(accepted))])
        }
        What::RoutineEnter { overlapped, error, bytes } => {
            counts = Counts::Completion;
            put(into, at, 7, [overlapped, pair(error, bytes)])
        }
        What::RoutineLeave => put(into, at, 8, []),
        What::Completed { overlapped, error, bytes } => {
            counts = Counts::Completion;
            put(into, at, 9, [overlapped, pair(error, bytes)])
        }
        What::EventObject { event, set } => put(into, at, 10, [event, u64::from(set)]),
        What::WaitEnd(result) => put(into, at, 11, [u64::from(result)]),
        What::TransportSend { socket, offered, result } => {
            put(into, at, 12, [pair(socket, offered), outcome(result)])
        }
        What::TransportReceive { socket, result } => {
            put(into, at, 13, [u64::from(socket), outcome(result)])
        }
        What::PacketSent { to, len, due_ns } => {
            put(into, at, 14, [pair(len, u32::from(to.0)), due_ns])
        }
        What::PacketReceived { len } => put(into, at, 15, [u64::from(len)]),
        What::PacketDropped { to, len } => put(into, at, 16, [pair(len, u32::from(to.0))]),
        What::Fault(fault) => put(into, at, 17, [u64::from(fault as u8)]),
        What::Partition(a, b, cut) => {
            let machines = u32::from(a.0) | u32::from(b.0) << 16;
            put(into, at, 18, [pair(machines, u32::from(cut))])
        }
        What::Crash => put(into, at, 19, []),
        What::Restart => put(into, at, 20, []),
        What::Calm => put(into, at, 21, []),
        What::Bound(SocketAddr::V4(v4)) => {
            put(into, at, 22, [pair(u32::from(*v4.ip()), u32::from(v4.port()))])
        }
        What::Bound(SocketAddr::V6(v6)) => {
            let ip = u128::from(*v6.ip());
            let rest = pair(v6.scope_id(), v6.flowinfo());
            put(into, at, 23, [ip as u64, (ip >> 64) as u64, rest, u64::from(v6.port())])
        }
        What::Mark(mark) => put(into, at, 24, [mark]),
        What::Scripted { seam, socket, result } => {
            put(into, at, 25, [pair(socket, u32::from(seam as u8)), outcome(result)])
        }
        What::Held(seam, held) => put(into, at, 26, [pair(u32::from(seam as u8), u32::from(held))]),
        What::PortPacket { port, key, overlapped, error, bytes, taken } => {
            let last = pair(error, u32::from(taken));
            put(into, at, 27, [key, overlapped, pair(port, bytes), last])
        }
        What::ConditionEnter { condition, data } => put(into, at, 28, [condition, data]),
        What::ConditionLeave(verdict) => put(into, at, 29, [u64::from(verdict as u32)]),
        What::HookEnter => put(into, at, 30, []),
        What::HookLeave(goes_on) => put(into, at, 31, [u64::from(goes_on)]),
        What::Posted { window, message, wparam, lparam, posted } => {
            put(into, at, 32, [window, pair(message, u32::from(posted)), wparam, lparam])
        }
    };
    (len, counts)
}

/// Writes the place, the tag of the event and its words.
#[inline(always)]
fn put<const N: usize>(into: &mut [u8; LEN_MAX], at: At, tag: u8, words: [u64; N]) -> usize {
    let thread = at.thread.map_or(0, |tid| (u64::from(tid.0) << 32) | 1 << 24);
    let place = u64::from(at.machine.0) | u64::from(tag) << 16 | thread;
    let (slots, _) = into.as_chunks_mut::<8>();
    for (slot, word) in slots.iter_mut().zip([at.time_ns, place].into_iter().chain(words)) {
        *slot = word.to_le_bytes();
    }
    16 + 8 * N
}

/// Two halves in a word.
const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

fn outcome(result: Result<u32, WsaError>) -> u64 {
    match result {
        Ok(bytes) => u64::from(bytes),
        Err(error) => pair(error.0 as u32, 1),
    }
}
