//! The thread that brings the core readiness, timers and the ends of threads. It is started when
//! the first of these is wanted, and ended by the last WSPCleanup.

use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::BTreeMap;
use std::sync::Arc;

use provider_core::{Readiness, ServiceProvider, ThreadKey, Token, Work};
use windows_sys::Win32::Foundation::{HANDLE, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{INFINITE, WaitForMultipleObjects};

use crate::guard;
use crate::host::{AutoEvent, Locked, milliseconds_until, now_ns};
use crate::instance::with_core;

/// How long the last WSPCleanup waits for the thread to leave. It leaves by itself: a caller that
/// holds the loader's lock may keep it from starting, and must not wait for ever.
const LEAVING_MS: u32 = 2_000;

/// How often it is looked whether all is acknowledged, while somebody waits for that.
const LOOK_NS: u64 = 20_000_000;

/// What the thread waits for.
pub(crate) struct Worker {
    state: Locked<State>,
    /// Threads that ended. Its own lock: DllMain takes it, under the loader's.
    ended: Locked<Vec<ThreadKey>>,
    /// Whether there is a thread to tell of them. Without one there is no socket, and no I/O.
    is_there: AtomicBool,
    /// Something of the above changed.
    wake: AutoEvent,
    /// The network events of all sockets of the lower providers.
    network: AutoEvent,
}

#[derive(Default)]
struct State {
    /// When each token's timer is due: the earlier of two wishes.
    timers: BTreeMap<Token, u64>,
    /// When to look whose data is all acknowledged.
    look_at: Option<u64>,
    thread: Option<Arc<Running>>,
}

/// One thread, from its start to its end.
struct Running {
    stop: AtomicBool,
    left: AutoEvent,
}

impl Worker {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Locked::new(State::default()),
            ended: Locked::new(Vec::new()),
            is_there: AtomicBool::new(false),
            wake: AutoEvent::new(),
            network: AutoEvent::new(),
        })
    }

    /// The event that lower providers set.
    pub(crate) fn network(&self) -> HANDLE {
        self.network.handle()
    }

    //= docs/spec/startup.md#startup-9
    //# WSPStartup MUST NOT start a thread: threads are started when there is work for them.
    /// Starts the thread, unless it runs.
    pub(crate) fn want(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if state.thread.is_none() {
            let running =
                Arc::new(Running { stop: AtomicBool::new(false), left: AutoEvent::new() });
            let (worker, own) = (Arc::clone(self), Arc::clone(&running));
            let thread = std::thread::Builder::new().name("wspprovider".to_owned());
            // Without a thread calls still work, as far as nothing has to be waited for; the next
            // socket tries again.
            state.thread = thread.spawn(move || worker.run(&own)).ok().map(|_| running);
            self.is_there.store(state.thread.is_some(), Ordering::Release);
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

    /// Somebody waits for a connection's data to be acknowledged.
    pub(crate) fn look_for_drained(self: &Arc<Self>) {
        self.state.lock().look_at.get_or_insert_with(|| now_ns() + LOOK_NS);
        self.want();
        self.wake.set();
    }

    /// DLL_THREAD_DETACH: records and wakes, and nothing else.
    pub(crate) fn thread_ended(&self, thread: ThreadKey) {
        if self.is_there.load(Ordering::Acquire) {
            self.ended.lock().push(thread);
            self.wake.set();
        }
    }

    /// Ends the thread where `is_over` says so, which it is asked under the lock that [`want`] takes:
    /// a start beside the last WSPCleanup keeps the thread, or gets one of its own.
    ///
    /// [`want`]: Self::want
    pub(crate) fn stop_if(&self, is_over: impl FnOnce() -> bool) {
        let running = {
            let mut state = self.state.lock();
            if !is_over() {
                return;
            }
            state.timers.clear();
            state.look_at = None;
            self.is_there.store(false, Ordering::Release);
            state.thread.take()
        };
        if let Some(running) = running {
            running.stop.store(true, Ordering::Release);
            self.wake.set();
            running.left.wait(LEAVING_MS);
        }
    }

    fn run(&self, running: &Running) {
        while !running.stop.load(Ordering::Acquire) {
            let deadline = self.state.lock().next_due();
            let handles = [self.wake.handle(), self.network.handle()];
            let wait = deadline.map_or(INFINITE, |at| milliseconds_until(Some(at)));
            // SAFETY: both events are ours for as long as this runs.
            let woken = unsafe { WaitForMultipleObjects(2, handles.as_ptr(), 0, wait) };
            guard::alone(|| {
                self.tell_ended();
                self.tell_timers();
                self.tell_drained();
                if woken == WAIT_OBJECT_0 + 1 {
                    tell_network();
                }
            });
        }
        // What woke this one may have been meant for the next.
        self.wake.set();
        self.network.set();
        running.left.set();
    }

    fn tell_ended(&self) {
        let ended = core::mem::take(&mut *self.ended.lock());
        for thread in ended {
            with_core(|core| guard::alone(|| core.service(Work::ThreadExited(thread))));
        }
    }

    fn tell_drained(&self) {
        if self.state.lock().look_at.take_if(|at| *at <= now_ns()).is_none() {
            return;
        }
        with_core(|core| {
            let Some(drained) = core.host().lower().collect_drained() else { return };
            self.state.lock().look_at.get_or_insert_with(|| now_ns() + LOOK_NS);
            for token in drained {
                guard::alone(|| core.service(Work::Ready(token, Readiness::SEND)));
            }
        });
    }

    fn tell_timers(&self) {
        let now = now_ns();
        let due: Vec<(Token, u64)> =
            self.state.lock().timers.extract_if(.., |_, at| *at <= now).collect();
        for (token, _) in due {
            with_core(|core| guard::alone(|| core.service(Work::Timer(token))));
        }
    }
}

impl State {
    fn next_due(&self) -> Option<u64> {
        self.timers.values().copied().chain(self.look_at).min()
    }
}

fn tell_network() {
    with_core(|core| {
        for (token, readiness) in core.host().lower().collect_events() {
            guard::alone(|| core.service(Work::Ready(token, readiness)));
        }
    });
}
