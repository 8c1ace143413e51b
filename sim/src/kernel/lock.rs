//! Taking and releasing a provider's lock.

use core::cell::Cell;

use crate::event::{Point, Tid};
use crate::world::Violation;

use super::Kernel;
use super::wait::WaitFor;

const FREE: u32 = 0;
/// Taken by code that runs on no virtual thread: while a provider is made or dropped.
const OUTSIDE: u32 = u32::MAX;

/// The state of one lock.
pub(super) struct LockState {
    /// Given at first use, never from an address, so that it is the same in every run; 0: none.
    number: Cell<u32>,
    /// [`FREE`], [`OUTSIDE`], or the number of the thread that holds it, plus one.
    owner: Cell<u32>,
    /// How many threads wait.
    waiting: Cell<u32>,
}

impl LockState {
    #[allow(clippy::declare_interior_mutable_const, reason = "each use is a new lock")]
    pub(super) const NEW: Self =
        Self { number: Cell::new(0), owner: Cell::new(FREE), waiting: Cell::new(0) };

    pub(super) fn try_take_outside(&self) -> bool {
        self.owner.get() == FREE && {
            self.owner.set(OUTSIDE);
            true
        }
    }

    pub(super) fn take_outside(&self) {
        if !self.try_take_outside() {
            stuck("a lock is taken outside of any thread while a thread holds it");
        }
    }

    pub(super) fn free(&self) {
        self.owner.set(FREE);
    }
}

/// There is no way on: a destructor waits for a lock that can never be released. A panic inside of
/// an unwinding destructor would say less.
fn stuck(why: &str) -> ! {
    eprintln!("wspsim: {why}; the provider takes a lock in a destructor that it already holds");
    std::process::abort();
}

impl Kernel {
    fn number_of(&self, lock: &LockState) -> u32 {
        if lock.number.get() == 0 {
            lock.number.set(self.counters.next_lock());
        }
        lock.number.get()
    }

    /// Takes `lock`, waiting for it where it is taken.
    pub(super) fn lock(&self, lock: &LockState) {
        let Some(tid) = self.current_tid() else { return lock.take_outside() };
        let number = self.number_of(lock);
        self.point(Point::Lock);
        if lock.owner.get() != FREE {
            self.lock_taken(lock, number, tid);
        }
        self.taken(lock, number, tid);
    }

    /// Waits until nobody holds `lock`.
    #[cold]
    fn lock_taken(&self, lock: &LockState, number: u32, tid: Tid) {
        let Some(me) = self.current() else { return };
        while lock.owner.get() != FREE {
            if lock.owner.get() == tid.0 + 1 {
                if self.unwinding() {
                    stuck("a destructor takes a lock twice");
                }
                self.report(Violation {
                    oracle: "deadlock",
                    clause: "REENT-2",
                    message: format!("thread {} takes lock {number}, which it holds", tid.0),
                });
            } else if self.unwinding() {
                self.unwind_holder(lock);
                continue;
            }
            lock.waiting.set(lock.waiting.get() + 1);
            self.block(&me, WaitFor::Lock(number), None);
            lock.waiting.set(lock.waiting.get() - 1);
        }
    }

    pub(super) fn try_lock(&self, lock: &LockState) -> bool {
        let Some(tid) = self.current_tid() else { return lock.try_take_outside() };
        let number = self.number_of(lock);
        self.point(Point::Lock);
        let free = lock.owner.get() == FREE;
        if free {
            self.taken(lock, number, tid);
        }
        free
    }

    fn taken(&self, lock: &LockState, number: u32, tid: Tid) {
        lock.owner.set(tid.0 + 1);
        if let Some(me) = &*self.running_thread.borrow() {
            me.locks.set(me.locks.get() + 1);
        }
        self.locks_held.set(self.locks_held.get() + 1);
        self.oracle(|oracles, at| {
            oracles.lock_acquired(at, number);
            Ok(())
        });
    }

    /// Releases `lock`; whoever waits for it may try again.
    pub(super) fn unlock(&self, lock: &LockState) {
        let owner = lock.owner.replace(FREE);
        if owner == OUTSIDE || owner == FREE {
            return;
        }
        let number = lock.number.get();
        let holder = Tid(owner - 1);
        if self.current_tid() == Some(holder) {
            if let Some(me) = &*self.running_thread.borrow() {
                me.locks.set(me.locks.get() - 1);
            }
        } else if let Some(holder) = self.thread(holder) {
            holder.locks.set(holder.locks.get() - 1);
        }
        self.locks_held.set(self.locks_held.get() - 1);
        self.oracle(|oracles, at| {
            oracles.lock_released(at, number);
            Ok(())
        });
        if lock.waiting.get() > 0 {
            self.wake_lock_waiters(number);
        }
        self.point(Point::Unlock);
    }

    /// A destructor needs a lock that a suspended thread holds. It cannot wait, since an unwinding
    /// thread must not be suspended. This happens only while the machine goes down (threads that
    /// exit or are terminated are unwound when no lock is held), or while a panic ends the run: the
    /// holder is then unwound first.
    fn unwind_holder(&self, lock: &LockState) {
        let holder = match lock.owner.get() {
            OUTSIDE => None,
            owner => self.thread(Tid(owner - 1)),
        };
        let unwound = holder.is_some_and(|holder| self.unwind(&holder));
        if !unwound || lock.owner.get() != FREE {
            stuck("a destructor waits for a lock whose holder waits for the destructor");
        }
    }
}
