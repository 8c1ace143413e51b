//! What one of the threads does: random calls, until it leaves, in one of two ways.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use provider_core::layout::{WsaBuf, encode_sockaddr};
use provider_core::spi::{SD_SEND, SIO_FLUSH, SOCKET_ERROR};
use provider_core::{OverlappedArgs, Routine, ServiceProvider, UserPtr, WsaError};
use windows_sys::Win32::System::Threading::{ExitThread, SleepEx};

use super::ledger::{self, PLAIN, ROOM, ROUTINE, Slot};
use super::sockets::Sockets;
use crate::spi::TableSpi;
use crate::ws2::{hooks, strict, threads};

/// What all threads share; it lives as long as the program.
pub(super) struct Soak {
    pub(super) spi: TableSpi,
    pub(super) sockets: Sockets,
    pub(super) stop: AtomicBool,
    pub(super) calls: AtomicU64,
    pub(super) exits: AtomicU64,
}

// SAFETY: a procedure table is code of the process's, and may be called by any thread.
unsafe impl Sync for Soak {}
// SAFETY: as above.
unsafe impl Send for Soak {}

/// Calls of a thread before it leaves.
const CALLS: usize = 2_000;
/// How long the end of an operation is waited for, in milliseconds.
const PATIENCE: usize = 20_000;

fn at<T>(value: &mut T) -> UserPtr {
    UserPtr((&raw mut *value).expose_provenance())
}

/// One of so many.
fn one_in(count: u64) -> bool {
    strict::roll().is_multiple_of(count)
}

/// Starts threads one after the other, with these slots, until it is enough.
pub(super) fn lane(soak: &'static Soak, slots: &'static [Slot]) {
    let mut before = None;
    while !soak.stop.load(Ordering::Relaxed) {
        let thread = threads::spawn(Box::new(move || live(soak, slots)));
        if !threads::join(thread, 120_000) {
            ledger::wrong("a thread does not end");
            return;
        }
        // What it left behind was cancelled, or ended by itself, and tells nobody.
        wait_for_all(slots, None);
        // The provider may be about to queue an APC still: the value of an identity is not to be
        // another thread's so soon.
        before.replace(thread).into_iter().for_each(threads::close);
    }
}

fn live(soak: &Soak, slots: &[Slot]) {
    for _ in 0..CALLS {
        soak.calls.fetch_add(1, Ordering::Relaxed);
        step(soak, slots);
        if soak.stop.load(Ordering::Relaxed) {
            break;
        }
        if one_in(1_000) {
            soak.exits.fetch_add(1, Ordering::Relaxed);
            // SAFETY: ends this thread with whatever is under way; nothing of its stack is used by
            // another one.
            unsafe { ExitThread(0) };
        }
    }
    wait_for_all(slots, Some(threads::current()));
}

/// Waits, alertably, until no slot has an operation. Without a thread that started them they end by
/// their status alone.
fn wait_for_all(slots: &[Slot], starter: Option<usize>) {
    let mut told = 0;
    for _ in 0..PATIENCE {
        // First: who was refused before is among the silent below.
        let refused = starter.map_or(0, threads::refusals);
        let settle = |slot: &&Slot| match starter {
            Some(_) => !slot.settle(),
            None => !slot.settle_by_status(),
        };
        let open: Vec<&Slot> = slots.iter().filter(settle).collect();
        if open.is_empty() {
            return;
        }
        // As many as there were refusals will not be told of any more.
        let silent: Vec<&&Slot> = open.iter().filter(|slot| slot.is_silent()).collect();
        if silent.len() == refused - told {
            told = refused;
            silent.iter().for_each(|slot| {
                slot.settle_by_status();
            });
            ledger::note_silent(silent.len());
        }
        // SAFETY: waits, and nothing else.
        unsafe { SleepEx(1, 1) };
    }
    for slot in slots.iter().filter(|slot| !slot.is_free()) {
        ledger::wrong(&format!("an operation does not end: {}", slot.describe()));
    }
}

fn step(soak: &Soak, slots: &[Slot]) {
    let spi = &soak.spi;
    match strict::roll() % 100 {
        0..30 => transfer(soak, slots, Transfer::SendTo),
        30..48 => transfer(soak, slots, Transfer::Send),
        48..62 => transfer(soak, slots, Transfer::Recv),
        62..70 => transfer(soak, slots, Transfer::RecvFrom),
        70..78 => flush(spi, soak),
        78..82 => soak.sockets.renew(spi),
        82..84 => {
            let mut errno = 0_i32;
            spi.wsp_shutdown(soak.sockets.stream(), SD_SEND, at(&mut errno));
        }
        84..86 => cancelled(soak),
        _ => {
            slots.iter().for_each(|slot| {
                slot.settle();
            });
            // SAFETY: waits, and nothing else.
            unsafe { SleepEx(u32::from(one_in(8)), 1) };
        }
    }
}

/// SIO_FLUSH.
fn flush(spi: &TableSpi, soak: &Soak) {
    let (mut returned, mut errno) = (0_u32, 0_i32);
    let (null, none) = (UserPtr::NULL, OverlappedArgs::NONE);
    let s = soak.sockets.any();
    spi.wsp_ioctl(s, SIO_FLUSH, null, 0, null, 0, at(&mut returned), none, at(&mut errno));
}

/// A blocking hook that cancels, and a cancellation where nothing blocks.
fn cancelled(soak: &Soak) {
    let mut errno = 0_i32;
    soak.spi.wsp_cancel_blocking_call(at(&mut errno));
    hooks::set(None);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transfer {
    Send,
    SendTo,
    Recv,
    RecvFrom,
}

/// One overlapped transfer. What it passes beside the buffer is scribbled over as soon as the call
/// has returned.
fn transfer(soak: &Soak, slots: &[Slot], transfer: Transfer) {
    slots.iter().for_each(|slot| {
        slot.settle();
    });
    let Some(slot) = slots.iter().find(|slot| slot.is_free()) else { return };
    let kind = if one_in(2) { ROUTINE } else { PLAIN };
    slot.begin(kind);
    let identity = threads::identity();
    let mut id = [identity.ThreadHandle as usize, identity.Reserved];
    let len = strict::roll() as usize % ROOM;
    let buf = UserPtr(slot.data().expose_provenance());
    let mut array = WsaBuf { len: len as u32, buf }.encode();
    let (mut count, mut flags, mut errno) = (0_u32, 0_u32, 0_i32);
    let overlapped = OverlappedArgs {
        overlapped: UserPtr(slot.overlapped().expose_provenance()),
        routine: Routine(if kind == ROUTINE { ledger::routine as *const () as usize } else { 0 }),
        thread_id: at(&mut id),
    };
    let (spi, null) = (&soak.spi, UserPtr::NULL);
    let (array_at, count_at, flags_at) = (at(&mut array), at(&mut count), at(&mut flags));
    let errno_at = at(&mut errno);
    let value = match transfer {
        Transfer::Send => {
            let s = soak.sockets.stream();
            spi.wsp_send(s, array_at, 1, count_at, 0, overlapped, errno_at)
        }
        Transfer::SendTo => {
            let (from, to) = (soak.sockets.datagram(), soak.sockets.datagram());
            let (mut name, len) = encode_sockaddr(&to.name);
            let s = from.socket;
            let name_at = at(&mut name);
            let sent = spi.wsp_send_to(
                s, array_at, 1, count_at, 0, name_at, len as i32, overlapped, errno_at,
            );
            name.fill(0xdd);
            core::hint::black_box(&name);
            sent
        }
        Transfer::Recv => {
            let s = soak.sockets.stream();
            spi.wsp_recv(s, array_at, 1, count_at, flags_at, overlapped, errno_at)
        }
        Transfer::RecvFrom => {
            let s = soak.sockets.datagram().socket;
            spi.wsp_recv_from(s, array_at, 1, count_at, flags_at, null, null, overlapped, errno_at)
        }
    };
    array.fill(0xdd);
    id.fill(0xdead);
    core::hint::black_box((&array, &id));
    if value == SOCKET_ERROR && WsaError(errno) != WsaError::WSA_IO_PENDING {
        slot.refused();
    } else {
        slot.accepted();
    }
}
