//! What the provider calls upwards, and what the host calls in it: APCs, routines, messages, locks.

use provider_core::{Routine, UserPtr};

use super::Oracles;
use crate::event::{At, Tid};
use crate::oracle::book::place;
use crate::oracle::condition::ConditionOracle;
use crate::oracle::facts::{ProcessKey, ThreadPlace};
use crate::oracle::hook::HookOracle;
use crate::oracle::ledger::RoutineFacts;
use crate::oracle::locks::LockOracle;
use crate::oracle::nesting::NestingOracle;
use crate::oracle::notification::Post;
use crate::oracle::violation::Verdict;

impl Oracles {
    /// WPUQueueApc was decided. `target` is the thread named, `None` where there is none.
    ///
    /// # Errors
    /// OVL-7.
    pub fn apc_queued(
        &mut self,
        at: At,
        process: ProcessKey,
        target: Option<Tid>,
        _context: usize,
        accepted: bool,
    ) -> Verdict {
        let verdict = self.ledgers.of(process.machine).apc_queued(at, process, target, accepted);
        if accepted && let Some(thread) = target {
            let place = ThreadPlace { machine: process.machine, thread };
            self.book.thread(place).apcs_waiting += 1;
        }
        verdict
    }

    /// The host calls the provider's APC function.
    ///
    /// # Errors
    /// None at present.
    pub fn apc_enter(&mut self, at: At, _process: ProcessKey, _context: usize) -> Verdict {
        let thread = self.book.thread(place(at));
        thread.apcs_waiting = thread.apcs_waiting.saturating_sub(1);
        thread.in_apc += 1;
        Ok(())
    }

    /// The provider's APC function returned.
    ///
    /// # Errors
    /// REENT-2 when it returns with a lock held.
    pub fn apc_leave(&mut self, at: At, _process: ProcessKey, _context: usize) -> Verdict {
        let thread = self.book.thread(place(at));
        thread.in_apc = thread.in_apc.saturating_sub(1);
        LockOracle::left(&self.book, at, "the end of the APC function")
    }

    /// A client's routine is about to run; `alertable` tells whether the thread waits alertably.
    ///
    /// # Errors
    /// APC-1, APC-2, APC-3, APC-8, APC-9, APC-10, APC-14, OVL-7, CXL-7.
    #[allow(clippy::too_many_arguments, reason = "a routine's arguments and where it runs")]
    pub fn routine_enter(
        &mut self,
        at: At,
        process: ProcessKey,
        routine: Routine,
        error: u32,
        bytes: u32,
        overlapped: UserPtr,
        flags: u32,
        alertable: bool,
    ) -> Verdict {
        let facts = RoutineFacts { routine, error, bytes, overlapped, flags, alertable };
        let socket = self.ledgers.of(process.machine).routine(&self.book, at, process, &facts);
        let nesting =
            NestingOracle::enter(&mut self.book, at, socket.as_ref().ok().copied().flatten());
        socket.map(drop).and(nesting)
    }

    /// The routine returned.
    ///
    /// # Errors
    /// None at present.
    pub fn routine_leave(&mut self, at: At, _process: ProcessKey) -> Verdict {
        NestingOracle::leave(&mut self.book, at);
        Ok(())
    }

    /// A condition function returned.
    ///
    /// # Errors
    /// WSPAccept.
    pub fn condition_leave(&mut self, at: At, verdict: i32) -> Verdict {
        ConditionOracle::asked(&mut self.book, at, verdict)
    }

    /// A blocking hook is called.
    pub fn hook_enter(&mut self, at: At) {
        HookOracle::enter(&mut self.book, at);
    }

    /// It returned.
    pub fn hook_leave(&mut self, at: At) {
        HookOracle::leave(&mut self.book, at);
    }

    /// The provider posted a message; one that did not get there tells nobody anything.
    ///
    /// # Errors
    /// ASYNCSELECT-1, ASYNCSELECT-4, ASYNCSELECT-5.
    pub fn message_posted(
        &mut self,
        at: At,
        process: ProcessKey,
        post: Post,
        posted: bool,
    ) -> Verdict {
        if posted { self.notification.posted(&self.book, at, process, post) } else { Ok(()) }
    }

    /// A worker of the host's brings work to the provider.
    pub fn service_enter(&mut self, at: At) {
        self.book.thread(place(at)).serving_since_ns = Some(at.time_ns);
    }

    /// The provider has taken it.
    pub fn service_leave(&mut self, at: At) {
        self.book.thread(place(at)).serving_since_ns = None;
    }

    /// An upcall, a routine or a wait begins.
    ///
    /// # Errors
    /// REENT-2.
    pub fn upcall(&mut self, at: At, name: &'static str) -> Verdict {
        LockOracle::upcall(&self.book, at, name)
    }

    /// A lock of the provider's was acquired by `at.thread`.
    pub fn lock_acquired(&mut self, at: At, lock: u32) {
        LockOracle::acquired(&mut self.book, at, lock);
    }

    /// A lock of the provider's was released by `at.thread`.
    pub fn lock_released(&mut self, at: At, lock: u32) {
        LockOracle::released(&mut self.book, at, lock);
    }
}
