//! A process that runs cases one after the other, as the one that started it names them. It ends
//! with the first that fails, so that nothing of that one reaches the next.

use core::sync::atomic::{AtomicU64, Ordering};
use std::io::BufRead as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use provider_core::Profile;
use provider_core::spi::WINSOCK_VERSION;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};
use wsplower::control::Control;
use wspsim_conformance::{Case, TestBed, support};

use super::arguments::Arguments;
use crate::bed::RealBed;
use crate::provider::{Provider, is_whole, lower_control};
use crate::spi::TableSpi;
use crate::ws2::{handles, threads};

/// The task's name on the command line.
pub(super) const TASK: &str = "cases";
/// What a case that holds answers with.
pub(super) const OK: &str = "ok";
/// What one that does not begins its answer with.
pub(super) const FAILED: &str = "failed ";
/// The exit code of a process whose case took too long.
pub(super) const TOO_LONG: u32 = 124;
/// How long a case may take, in seconds.
pub(super) const CASE_LIMIT_S: u64 = 120;

/// How many seconds the running case has taken; the watchdog counts.
static SECONDS: AtomicU64 = AtomicU64::new(0);

/// Ends the process when a case takes too long, whatever its threads hold.
fn watch() {
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            if SECONDS.fetch_add(1, Ordering::SeqCst) >= CASE_LIMIT_S {
                // SAFETY: ends this process at once.
                unsafe { TerminateProcess(GetCurrentProcess(), TOO_LONG) };
            }
        }
    });
}

pub(super) fn cases(arguments: &Arguments) -> Result<bool, String> {
    let profile = arguments.profile.ok_or("cases needs --profile")?;
    let lower = lower_control(&arguments.files.lower)?;
    (lower.closed_world)(true);
    let (provider, _) = Provider::load(&arguments.files.provider)?;
    let all = wspsim_conformance::all();
    watch();
    for name in std::io::stdin().lock().lines() {
        let name = name.map_err(|error| format!("standard input: {error}"))?;
        let case = all.iter().find(|case| case.name == name);
        let case = case.ok_or_else(|| format!("there is no case `{name}`"))?;
        SECONDS.store(0, Ordering::SeqCst);
        match run(case, profile, provider, lower) {
            Ok(()) => println!("{OK}"),
            Err(why) => {
                println!("{FAILED}{}", why.replace('\n', " "));
                // Its threads may hang: no destructor, no DLL's end.
                // SAFETY: ends this process at once.
                unsafe { TerminateProcess(GetCurrentProcess(), 1) };
            }
        }
        SECONDS.store(0, Ordering::SeqCst);
    }
    Ok(true)
}

/// One case between WSPStartup and WSPCleanup.
fn run(
    case: &Case,
    profile: Profile,
    provider: Provider,
    lower: &'static Control,
) -> Result<(), String> {
    threads::current();
    let (table, _) =
        provider.start(WINSOCK_VERSION).map_err(|error| format!("WSPStartup: {error}"))?;
    if !is_whole(&table) {
        return Err("the procedure table has an empty entry".to_owned());
    }
    let bed = RealBed::new(profile, TableSpi::new(provider, table), lower);
    bed.lower().clear_taken();
    let held = catch_unwind(AssertUnwindSafe(|| (case.run)(&bed)));
    match held {
        Ok(Ok(())) => {}
        Ok(Err(failure)) => bed.fail(failure),
        Err(_) => return Err("the case panicked".to_owned()),
    }
    bed.release_all();
    if let Some(failure) = bed.failure() {
        return Err(failure.to_string());
    }
    support::cleanup(&bed).map_err(|error| format!("WSPCleanup after the case: {error:?}"))?;
    if !bed.threads_ended() {
        return Err("a thread of the case does not end".to_owned());
    }
    if let Some(failure) = bed.failure() {
        return Err(failure.to_string());
    }
    let (above, below) = (handles::open_count(), (lower.open_sockets)());
    if (above, below) != (0, 0) {
        return Err(format!(
            "WSPCleanup leaves {above} SOCKETs and {below} sockets of the lower provider open"
        ));
    }
    bed.clear();
    threads::forget();
    Ok(())
}
