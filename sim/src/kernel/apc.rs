//! APCs: what QueueUserAPC and WPUQueueApc put into a thread's queue.

use std::rc::Rc;

use crate::api::Os;
use crate::process::Process;

use super::wait::Woken;
use super::{Kernel, Thread, TimerKind};

/// What an APC calls.
pub(crate) enum ApcCall {
    /// A provider's APC function, with its context.
    Provider(Rc<Process>, usize),
    /// A function of the program's.
    Program(Box<dyn FnOnce(&Os)>),
}

/// One queued APC.
pub(crate) struct Apc {
    pub(super) call: ApcCall,
    /// From when on it can be delivered. Those behind it wait with it: the queue is in order.
    pub(super) deliverable_ns: u64,
}

impl Kernel {
    /// Queues an APC; false when the thread has ended. A thread in an alertable wait is woken.
    pub(crate) fn queue_apc(&self, thread: &Rc<Thread>, call: ApcCall, late_ns: u64) -> bool {
        if thread.has_ended() {
            return false;
        }
        let deliverable_ns = self.now_ns().saturating_add(late_ns);
        thread.apcs.borrow_mut().push_back(Apc { call, deliverable_ns });
        if late_ns > 0 {
            self.set_timer(deliverable_ns, TimerKind::ApcDue(thread.tid));
        }
        self.offer_apcs(thread);
        true
    }

    /// Wakes the thread if it waits alertably and its first APC can be delivered.
    pub(super) fn offer_apcs(&self, thread: &Rc<Thread>) {
        let alertable = thread.wait.borrow().as_ref().is_some_and(|wait| wait.is_alertable());
        if alertable && self.has_deliverable_apc(thread) {
            self.wake(thread, Woken::Apcs);
        }
    }

    pub(super) fn has_deliverable_apc(&self, thread: &Thread) -> bool {
        thread.apcs.borrow().front().is_some_and(|apc| apc.deliverable_ns <= self.now_ns())
    }

    /// A thread begins to wait alertably behind an APC that is late: wakes it when that is due. The
    /// timer set with the APC may have passed while another one was in front.
    pub(super) fn expect_late_apc(&self, thread: &Thread) {
        let due = thread.apcs.borrow().front().map(|apc| apc.deliverable_ns);
        if let Some(due) = due {
            self.set_timer(due, TimerKind::ApcDue(thread.tid));
        }
    }

    /// Runs the deliverable APCs of the running thread, first come first, those that they queue
    /// included. False when there was none.
    pub(super) fn run_apcs(&self, me: &Rc<Thread>) -> bool {
        let mut ran = false;
        while self.has_deliverable_apc(me) && !self.unwinding() {
            let Some(apc) = me.apcs.borrow_mut().pop_front() else { break };
            ran = true;
            me.apc_depth.set(me.apc_depth.get() + 1);
            match apc.call {
                ApcCall::Provider(process, context) => process.run_provider_apc(me, context),
                ApcCall::Program(call) => {
                    let os = Os::new(Rc::clone(me));
                    me.in_program(|| call(&os));
                }
            }
            me.apc_depth.set(me.apc_depth.get() - 1);
        }
        ran
    }
}
