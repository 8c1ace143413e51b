//! Random sends, receives, closes, flushes and thread exits of eight threads, in a host that refuses
//! and delays upcalls, over a provider that would block, takes little, has no buffers and resets.

mod lane;
pub(crate) mod ledger;
mod sockets;
mod weather;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use provider_core::spi::WINSOCK_VERSION;
use provider_core::{ServiceProvider as _, UserPtr};

use super::arguments::Arguments;
use crate::provider::{Provider, lower_control};
use crate::spi::TableSpi;
use crate::ws2::strict::Upcall;
use crate::ws2::{handles, strict, threads};
use lane::{Soak, lane};
use sockets::Sockets;
use weather::Usage;

const THREADS: usize = 8;
/// Operations of a thread at a time.
const OPERATIONS: usize = 24;
/// How much more memory than after the warm-up is growth, in bytes.
const GROWTH: u64 = 24 << 20;

/// # Errors
/// The DLLs are not there.
pub(super) fn soak(arguments: &Arguments) -> Result<bool, String> {
    arguments.files.tell_provider();
    let lower = lower_control(&arguments.files.lower)?;
    (lower.closed_world)(true);
    let (provider, _) = Provider::load(&arguments.files.provider)?;
    let (table, _) =
        provider.start(WINSOCK_VERSION).map_err(|error| format!("WSPStartup: {error}"))?;
    threads::current();
    let spi = TableSpi::new(provider, table);
    let sockets = Sockets::new(&spi);
    let soak: &'static Soak = Box::leak(Box::new(Soak {
        spi,
        sockets,
        stop: AtomicBool::new(false),
        calls: AtomicU64::new(0),
        exits: AtomicU64::new(0),
    }));
    let slots = ledger::slots(THREADS * OPERATIONS);
    strict::set(true);
    let lanes: Vec<_> = slots
        .chunks(OPERATIONS)
        .map(|slots| std::thread::spawn(move || lane(soak, slots)))
        .collect();
    let weather = std::thread::spawn(move || weather::change(lower, &soak.stop));
    let growth = watch(soak, arguments.minutes);
    soak.stop.store(true, Ordering::SeqCst);
    // Receives that nobody feeds any more end with their sockets.
    soak.sockets.close_all(&soak.spi);
    for thread in lanes.into_iter().chain([weather]) {
        if thread.join().is_err() {
            ledger::wrong("a lane panicked");
        }
    }
    strict::set(false);
    soak.sockets.close_all(&soak.spi);
    let mut errno = 0_i32;
    if soak.spi.wsp_cleanup(UserPtr((&raw mut errno).expose_provenance())) != 0 {
        ledger::wrong(&format!("WSPCleanup fails with {errno}"));
    }
    let open = (handles::open_count(), (lower.open_sockets)());
    if open != (0, 0) {
        ledger::wrong(&format!("{open:?} sockets are left above and below"));
    }
    Ok(conclude(soak, growth))
}

/// Tells every minute how it goes; gives by how much memory grew since the first.
fn watch(soak: &Soak, minutes: u64) -> u64 {
    let begin = Instant::now();
    let mut first: Option<Usage> = None;
    let mut last = Usage::default();
    for minute in 1..=minutes {
        let until = begin + Duration::from_secs(60 * minute);
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        last = Usage::now();
        println!(
            "minute {minute}: {} calls, {} operations, {} ended, {} threads exited, {} KiB, {} \
             handles, {} wrong",
            soak.calls.load(Ordering::Relaxed),
            ledger::started(),
            ledger::ended(),
            soak.exits.load(Ordering::Relaxed),
            last.bytes >> 10,
            last.handles,
            ledger::wrongs(),
        );
        first.get_or_insert(last);
    }
    last.bytes.saturating_sub(first.unwrap_or_default().bytes)
}

fn conclude(soak: &Soak, growth: u64) -> bool {
    let (silent, refused) = (ledger::silent(), strict::refused(Upcall::QueueApc));
    if silent > refused {
        ledger::wrong(&format!("{silent} routines did not run, {refused} APCs were refused"));
    }
    if ledger::started() != ledger::ended() {
        ledger::wrong("not every operation has ended");
    }
    if growth > GROWTH {
        ledger::wrong(&format!("memory grew by {} KiB", growth >> 10));
    }
    println!(
        "{} calls, {} operations started, {} ended, {silent} without their routine where {refused} \
         APCs were refused; {} wrong",
        soak.calls.load(Ordering::Relaxed),
        ledger::started(),
        ledger::ended(),
        ledger::wrongs(),
    );
    ledger::wrongs() == 0
}
