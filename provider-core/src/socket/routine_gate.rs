//! No nesting: per thread, whether a routine of the socket runs, and which wait for it.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::ThreadKey;

struct Running<C> {
    thread: ThreadKey,
    deferred: VecDeque<C>,
}

/// Which threads run a routine of the socket now. Two threads may; one thread never nests them.
pub(crate) struct RoutineGate<C> {
    running: Vec<Running<C>>,
    /// Emptied lists, so that the steady state allocates nothing.
    spare: Vec<VecDeque<C>>,
}

impl<C> RoutineGate<C> {
    pub(crate) const fn new() -> Self {
        Self { running: Vec::new(), spare: Vec::new() }
    }

    /// Lets `call` run in `thread` now, or keeps it until the routine that runs there returns.
    pub(crate) fn enter(&mut self, thread: ThreadKey, call: C) -> Option<C> {
        //= docs/spec/wspsendto.md#apc-10
        //# For one socket and thread completion routines MUST NOT nest, even when a routine waits
        //# alertably.
        //= docs/spec/receiving.md#recv-31
        //# Completion routines of receives MUST NOT nest with those of sends on the same socket and
        //# thread.
        if let Some(running) = self.running.iter_mut().find(|r| r.thread == thread) {
            running.deferred.push_back(call);
            return None;
        }
        let deferred = self.spare.pop().unwrap_or_default();
        self.running.push(Running { thread, deferred });
        Some(call)
    }

    /// A routine returned: the next one for the thread, or the thread is free.
    pub(crate) fn next(&mut self, thread: ThreadKey) -> Option<C> {
        let at = self.running.iter().position(|r| r.thread == thread)?;
        //= docs/spec/wspsendto.md#apc-11
        //# A routine that APC-10 holds back MUST run when the one before it returns, in the same
        //# alertable wait.
        let next = self.running[at].deferred.pop_front();
        if next.is_none() {
            self.spare.push(self.running.swap_remove(at).deferred);
        }
        next
    }

    /// The thread ended, perhaps inside a routine: what waited for it never runs (CXL-5).
    pub(crate) fn forget(&mut self, thread: ThreadKey) {
        self.running.retain(|r| r.thread != thread);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ThreadKey = ThreadKey(1);
    const B: ThreadKey = ThreadKey(2);

    //= docs/spec/wspsendto.md#apc-10
    //= type=test
    //# For one socket and thread completion routines MUST NOT nest, even when a routine waits
    //# alertably.
    //= docs/spec/wspsendto.md#apc-11
    //= type=test
    //# A routine that APC-10 holds back MUST run when the one before it returns, in the same
    //# alertable wait.
    #[test]
    fn one_thread_never_nests_and_another_is_free() {
        let mut gate = RoutineGate::new();
        assert_eq!(gate.enter(A, 1), Some(1));
        assert_eq!(gate.enter(A, 2), None);
        assert_eq!(gate.enter(B, 3), Some(3));
        assert_eq!(gate.next(A), Some(2));
        assert_eq!(gate.enter(A, 4), None);
        assert_eq!(gate.next(A), Some(4));
        assert_eq!(gate.next(A), None);
        assert_eq!(gate.enter(A, 5), Some(5));
    }

    #[test]
    fn a_thread_that_ended_leaves_nothing_behind() {
        let mut gate = RoutineGate::new();
        assert_eq!(gate.enter(A, 1), Some(1));
        assert_eq!(gate.enter(A, 2), None);
        gate.forget(A);
        assert_eq!(gate.next(A), None);
    }
}
