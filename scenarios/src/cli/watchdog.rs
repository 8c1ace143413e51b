//! A run that does not end in real time.
//!
//! Virtual time bounds a run, and a thread that spins over calls lets it pass. Code that loops
//! without any call into the simulator cannot be interrupted from inside: this thread sees it from
//! outside, says which run it is, and ends the process.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "real time is the only sign of a run that hangs, and no run can see this thread"
)]

use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::clock::Clock;
use super::console::{Stream, Style};
use super::error::OWN_FAILURE;

/// How often the runs are looked at.
const TICK: Duration = Duration::from_millis(200);

/// Watches the runs of a command until it is dropped.
pub(super) struct Watchdog {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    watched: Mutex<Watched>,
    ended: Condvar,
}

#[derive(Default)]
struct Watched {
    runs: Vec<UnderWay>,
    next: u64,
    over: bool,
}

struct UnderWay {
    number: u64,
    since: Clock,
    /// The command that makes the run.
    command: String,
}

impl Watchdog {
    /// Ends the process, with a word on `err`, once a run has taken `limit`.
    pub(super) fn start(err: Stream, limit: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let watch = move || theirs.watch(err, limit);
        let thread = std::thread::Builder::new().name("watchdog".to_owned()).spawn(watch).ok();
        Self { shared, thread }
    }

    /// Makes a run that `command` makes too.
    pub(super) fn during<R>(&self, command: String, run: impl FnOnce() -> R) -> R {
        let number = {
            let mut watched = self.shared.lock();
            let number = watched.next;
            watched.next += 1;
            watched.runs.push(UnderWay { number, since: Clock::start(), command });
            number
        };
        let result = run();
        self.shared.lock().runs.retain(|run| run.number != number);
        result
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.ended.notify_all();
        if let Some(thread) = self.thread.take() {
            // It only fails when that thread panicked, and then there is nothing left to end.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, mut err: Stream, limit: Duration) {
        let mut watched = self.lock();
        while !watched.over {
            if let Some(run) = watched.runs.iter().find(|run| run.since.elapsed() >= limit) {
                let head = err.styled(Style::Bad, "error:");
                // With standard error gone as well, the exit code is all there is left to say.
                let _ = err.line(&format!(
                    "{head} a run has taken {} s: its provider or its program loops without a \
                     call that the simulator sees. Its last events: {} --trace FILE. A run that \
                     is only long needs a larger --stall",
                    limit.as_secs(),
                    run.command,
                ));
                std::process::exit(i32::from(OWN_FAILURE));
            }
            let waited = self.ended.wait_timeout(watched, TICK);
            watched = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
