//! The one thread that brings the core readiness, timers and the ends of threads. It is started
//! when the first of these is wanted, and ended by the last WSPCleanup.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use provider_core::{ServiceProvider, ThreadKey, Token, Work};
use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::Threading::{INFINITE, WaitForMultipleObjects};

use crate::guard;
use crate::host::{AutoEvent, Locked, milliseconds_until, now_ns};
use crate::instance::with_core;

/// What the worker waits for.
pub(crate) struct Worker {
    state: Locked<State>,
    /// Threads that ended. Its own lock: DllMain takes it, under the loader's.
    ended: Locked<Vec<ThreadKey>>,
    /// Something of the above changed.
    wake: AutoEvent,
    /// The network events of all sockets of the lower provider.
    pub(crate) network: AutoEvent,
}

#[derive(Default)]
struct State {
    /// When each token's timer is due: the earlier of two wishes.
    timers: BTreeMap<Token, u64>,
    thread: Option<JoinHandle<()>>,
    stop: bool,
}

impl Worker {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Locked::new(State::default()),
            ended: Locked::new(Vec::new()),
            wake: AutoEvent::new(),
            network: AutoEvent::new(),
        })
    }

    /// Starts the thread, unless it runs.
    pub(crate) fn want(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if state.thread.is_none() && !state.stop {
            let worker = Arc::clone(self);
            let thread = std::thread::Builder::new().name("wspprovider".to_owned());
            // Without a thread calls still work, as far as nothing has to be waited for.
            state.thread = thread.spawn(move || worker.run()).ok();
        }
    }

    pub(crate) fn set_timer(self: &Arc<Self>, token: Token, at_ns: u64) {
        {
            let mut state = self.state.lock();
            let due = state.timers.entry(token).or_insert(at_ns);
            *due = at_ns.min(*due);
        }
        self.want();
        self.wake.set();
    }

    /// DLL_THREAD_DETACH: records and wakes, and nothing else.
    pub(crate) fn thread_ended(&self, thread: ThreadKey) {
        self.ended.lock().push(thread);
        self.wake.set();
    }

    /// The last WSPCleanup has returned from the core: ends the thread and waits for it. Called by
    /// the worker itself (a client's routine cannot run there) it would wait for ever, so it never
    /// is.
    pub(crate) fn stop(&self) {
        let thread = {
            let mut state = self.state.lock();
            state.stop = true;
            state.timers.clear();
            state.thread.take()
        };
        self.wake.set();
        if let Some(thread) = thread {
            // A panic of the worker's was caught where it happened.
            let _ = thread.join();
        }
        self.state.lock().stop = false;
    }

    fn run(&self) {
        loop {
            let deadline = {
                let state = self.state.lock();
                if state.stop {
                    return;
                }
                state.timers.values().min().copied()
            };
            let handles = [self.wake.handle(), self.network.handle()];
            let wait = deadline.map_or(INFINITE, |at| milliseconds_until(Some(at)));
            // SAFETY: both events are ours for as long as this runs.
            let woken = unsafe { WaitForMultipleObjects(2, handles.as_ptr(), 0, wait) };
            self.tell_ended();
            self.tell_timers();
            if woken == WAIT_OBJECT_0 + 1 {
                with_core(|core| {
                    for (token, readiness) in core.host().lower().collect_events() {
                        guard::alone(|| core.service(Work::Ready(token, readiness)));
                    }
                });
            }
        }
    }

    fn tell_ended(&self) {
        let ended = core::mem::take(&mut *self.ended.lock());
        for thread in ended {
            with_core(|core| guard::alone(|| core.service(Work::ThreadExited(thread))));
        }
    }

    fn tell_timers(&self) {
        let now = now_ns();
        let due: Vec<Token> = {
            let mut state = self.state.lock();
            let due = state.timers.iter().filter(|(_, at)| **at <= now);
            let due: Vec<Token> = due.map(|(token, _)| *token).collect();
            due.iter().for_each(|token| {
                state.timers.remove(token);
            });
            due
        };
        for token in due {
            with_core(|core| guard::alone(|| core.service(Work::Timer(token))));
        }
    }
}
