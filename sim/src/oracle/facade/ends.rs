//! What ends: threads, processes, machines, and the time of faults.

use provider_core::EventHandle;

use super::{Oracles, is_receive};
use crate::event::{At, MachineId, ThreadEnd, Tid};
use crate::fault::Fault;
use crate::oracle::facts::{LeakFacts, ProcessKey, Special, ThreadPlace};
use crate::oracle::leak::LeakOracle;
use crate::oracle::violation::Verdict;

impl Oracles {
    /// The run does not end.
    ///
    /// # Errors
    /// EVENTSELECT-9, where that is why.
    pub fn stuck(&self) -> Verdict {
        self.notification.stuck(&self.transports)
    }

    /// A fault struck.
    ///
    /// # Errors
    /// None at present.
    pub fn fault_struck(&mut self, _at: At, fault: Fault, _socket: Option<u32>) -> Verdict {
        if fault == Fault::Duplicate {
            self.wire.allow_duplicates();
        }
        Ok(())
    }

    /// A thread has ended, in whatever way.
    ///
    /// # Errors
    /// None at present.
    pub fn thread_ended(
        &mut self,
        at: At,
        process: ProcessKey,
        thread: Tid,
        _how: ThreadEnd,
    ) -> Verdict {
        let place = ThreadPlace { machine: process.machine, thread };
        self.ledgers.of(place.machine).thread_ended(at, place);
        for call in &self.book.forget_thread(place).calls {
            self.causes.gone(call.id);
            if is_receive(call)
                && let Some(id) = call.socket
            {
                // A look takes nothing that would be missing now.
                if matches!(call.call.special, Special::Receive { peek: true, .. }) {
                    self.receive.leave(id, call.id, false);
                } else {
                    self.receive.give_up(id);
                }
            }
        }
        Ok(())
    }

    /// Events that ended operations of the process still owe: those that the client has closed are
    /// to be told with [`Self::event_gone`] before [`Self::cleanup_done`].
    pub fn owed_events(&mut self, process: ProcessKey) -> Vec<EventHandle> {
        self.ledgers.of(process.machine).owed_events(process)
    }

    /// An event is no event any more.
    pub fn event_gone(&mut self, process: ProcessKey, event: EventHandle) {
        self.ledgers.of(process.machine).event_gone(process, event);
    }

    /// The last WSPCleanup of a process has returned and nothing of it runs in the provider.
    ///
    /// # Errors
    /// RET-3, APC-9, EVT-1, CXL-7.
    pub fn cleanup_done(&mut self, at: At, process: ProcessKey, left: LeakFacts) -> Verdict {
        let threads = &self.book.threads;
        let waiting = |place: ThreadPlace| threads.get(place).map_or(0, |t| t.apcs_waiting);
        let verdict = self.ledgers.of(process.machine).cleaned(process, waiting);
        self.book.forget_process(process);
        self.descriptors.forget_process(process);
        self.notification.forget_process(process);
        let leak = LeakOracle::cleaned(at, process, left);
        verdict.and(leak)
    }

    /// A process has ended without a crash.
    ///
    /// # Errors
    /// None at present: what a process had pending goes with it.
    pub fn process_ended(&mut self, _at: At, process: ProcessKey) -> Verdict {
        self.ledgers.of(process.machine).forget_process(process);
        self.book.forget_process(process);
        self.descriptors.forget_process(process);
        self.notification.forget_process(process);
        self.process_lost(process);
        Ok(())
    }

    /// A machine lost power.
    ///
    /// # Errors
    /// None at present.
    pub fn machine_crashed(&mut self, _at: At, machine: MachineId) -> Verdict {
        self.ledgers.of(machine).forget_machine(machine);
        self.book.forget_machine(machine);
        self.descriptors.forget_machine(machine);
        self.notification.forget_machine(machine);
        self.wire.machine_lost(machine);
        Ok(())
    }

    /// Faults are off and the network is healed.
    ///
    /// # Errors
    /// None at present.
    pub fn calm(&mut self, _at: At) -> Verdict {
        self.calm = true;
        Ok(())
    }

    /// Whether the liveness phase has begun.
    pub fn is_calm(&self) -> bool {
        self.calm
    }
}
