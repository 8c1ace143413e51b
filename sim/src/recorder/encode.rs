//! The encoding of an event that the digest is made of: little-endian words.
//!
//! Two words of place (time; machine, tag, thread), then as many words as the tag has. Changing
//! anything here changes every digest.

use core::net::SocketAddr;

use provider_core::WsaError;

use crate::event::{At, What};

/// The most bytes that an event takes.
pub(super) const LEN_MAX: usize = 48;

/// Writes an event to the front of `into`, at least [`LEN_MAX`] bytes; gives the bytes that count.
#[inline]
pub(super) fn encode(at: At, what: What, into: &mut [u8]) -> usize {
    let (tag, words, count) = payload(what);
    let thread = at.thread.map_or(0, |tid| (u64::from(tid.0) << 32) | 1 << 24);
    let place = u64::from(at.machine.0) | u64::from(tag) << 16 | thread;
    let into = &mut into[..LEN_MAX];
    let all = [at.time_ns, place, words[0], words[1], words[2], words[3]];
    for (slot, word) in into.chunks_exact_mut(8).zip(all) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    16 + 8 * count
}

/// Two halves in a word.
const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

/// The tag of an event, its words, and how many of them count.
#[inline]
fn payload(what: What) -> (u8, [u64; 4], usize) {
    let one = |word| [word, 0, 0, 0];
    match what {
        What::Switch(tid) => (1, one(u64::from(tid.0)), 1),
        What::ThreadStart(tid) => (2, one(u64::from(tid.0)), 1),
        What::ThreadEnd(tid, how) => (3, one(pair(tid.0, u32::from(how as u8))), 1),
        What::Enter { function, socket, overlapped, len } => {
            (4, [socket, overlapped, pair(len, u32::from(function as u8)), 0], 3)
        }
        What::Leave { function, value, errno, count } => {
            let last = u64::from(function as u8);
            (5, [value as u64, pair(errno as u32, count), last, 0], 3)
        }
        What::ApcQueued { thread, context, accepted } => {
            (6, [context, pair(thread.0, u32::from(accepted)), 0, 0], 2)
        }
        What::RoutineEnter { overlapped, error, bytes } => {
            (7, [overlapped, pair(error, bytes), 0, 0], 2)
        }
        What::RoutineLeave => (8, [0; 4], 0),
        What::Completed { overlapped, error, bytes } => {
            (9, [overlapped, pair(error, bytes), 0, 0], 2)
        }
        What::EventObject { event, set } => (10, [event, u64::from(set), 0, 0], 2),
        What::WaitEnd(result) => (11, one(u64::from(result)), 1),
        What::TransportSend { socket, offered, result } => {
            (12, [pair(socket, offered), outcome(result), 0, 0], 2)
        }
        What::TransportReceive { socket, result } => {
            (13, [u64::from(socket), outcome(result), 0, 0], 2)
        }
        What::PacketSent { to, len, due_ns } => {
            (14, [pair(len, u32::from(to.0)), due_ns, 0, 0], 2)
        }
        What::PacketReceived { len } => (15, one(u64::from(len)), 1),
        What::PacketDropped { to, len } => (16, one(pair(len, u32::from(to.0))), 1),
        What::Fault(fault) => (17, one(u64::from(fault as u8)), 1),
        What::Partition(a, b, cut) => {
            let machines = u32::from(a.0) | u32::from(b.0) << 16;
            (18, one(pair(machines, u32::from(cut))), 1)
        }
        What::Crash => (19, [0; 4], 0),
        What::Restart => (20, [0; 4], 0),
        What::Calm => (21, [0; 4], 0),
        What::Bound(SocketAddr::V4(v4)) => {
            (22, one(pair(u32::from(*v4.ip()), u32::from(v4.port()))), 1)
        }
        What::Bound(SocketAddr::V6(v6)) => {
            let ip = u128::from(*v6.ip());
            let rest = pair(v6.scope_id(), v6.flowinfo());
            (23, [ip as u64, (ip >> 64) as u64, rest, u64::from(v6.port())], 4)
        }
        What::Mark(mark) => (24, one(mark), 1),
    }
}

fn outcome(result: Result<u32, WsaError>) -> u64 {
    match result {
        Ok(bytes) => u64::from(bytes),
        Err(error) => pair(error.0 as u32, 1),
    }
}
