//! The operation ledger: refused, or accepted and ended exactly once; status before signal; the
//! right routine, thread and arguments.

use provider_core::spi::WSS_OPERATION_IN_PROGRESS;
use provider_core::{EventHandle, Routine, UserPtr, WsaError};

use super::book::{ActiveCall, Book, is_pending, place};
use super::codes::may_end_with;
use super::facts::{Outcome, OverlappedFacts, ProcessKey, Special, ThreadPlace};
use super::op::{Op, is_final};
use super::violation::{Verdict, Violation};
use crate::event::{At, Function, MachineId, Tid};

const NAME: &str = "ledger";

/// How long a thread's operations may outlive it: a provider hears of the end on a worker thread,
/// which has to get its turn first.
const CANCELLED_WITHIN_NS: u64 = 1_000_000_000;

/// What a client's routine was called with.
pub(super) struct RoutineFacts {
    pub(super) routine: Routine,
    pub(super) error: u32,
    pub(super) bytes: u32,
    pub(super) overlapped: UserPtr,
    pub(super) flags: u32,
    pub(super) alertable: bool,
}

/// WSPStartup and WSPCleanup of one process.
#[derive(Default)]
struct Lifetime {
    key: Option<ProcessKey>,
    starts: u32,
    /// Calls of the last WSPCleanup in progress.
    cleaning: u32,
    /// The last WSPCleanup has returned.
    clean: bool,
}

/// A ledger for each machine: what happens on one is of no interest on the others.
#[derive(Default)]
pub(super) struct Ledgers(Vec<Ledger>);

impl Ledgers {
    pub(super) fn of(&mut self, machine: MachineId) -> &mut Ledger {
        let index = usize::from(machine.0);
        if self.0.len() <= index {
            self.0.resize_with(index + 1, Ledger::default);
        }
        &mut self.0[index]
    }

    /// Operations that came to an end.
    pub(super) fn ended(&self) -> u64 {
        self.0.iter().map(|ledger| ledger.ended).sum()
    }
}

/// The ledger of one machine.
#[derive(Default)]
pub(super) struct Ledger {
    /// By order of entry; few at a time.
    ops: Vec<Op>,
    lifetimes: Vec<Lifetime>,
    /// WPUQueueApc was refused for some operation.
    refusals: bool,
    ended: u64,
}

fn object(clause: &'static str, message: String) -> Verdict {
    Err(Violation::new(NAME, clause, message))
}

impl Ledger {
    fn lifetime(&mut self, process: ProcessKey) -> &mut Lifetime {
        let index = self.lifetimes.iter().position(|l| l.key == Some(process));
        let index = index.unwrap_or_else(|| {
            self.lifetimes.push(Lifetime { key: Some(process), ..Lifetime::default() });
            self.lifetimes.len() - 1
        });
        &mut self.lifetimes[index]
    }

    /// A call enters.
    pub(super) fn enter(&mut self, call: &ActiveCall) {
        if call.call.function == Function::WSPCleanup {
            let life = self.lifetime(call.process);
            if life.starts <= 1 {
                life.cleaning += 1;
            }
        }
        if call.is_overlapped() {
            // Its routine will never come, and the client uses the structure again.
            if self.refusals {
                let (process, address) = (call.process, call.call.overlapped);
                self.ops.retain(|op| {
                    !(op.process == process && op.address == address && op.refused && op.accepted)
                });
            }
            self.ops.push(Op::new(call));
        }
    }

    /// The call, the socket and the function of the operation in progress at `address`.
    pub(super) fn in_progress(
        &self,
        process: ProcessKey,
        address: UserPtr,
    ) -> Option<(super::facts::CallId, Option<super::book::SocketId>, Function)> {
        self.ops
            .iter()
            .rev()
            .find(|op| op.process == process && op.address == address && op.stored.is_none())
            .map(|op| (op.call, op.socket, op.function))
    }

    /// A call has left.
    pub(super) fn leave(
        &mut self,
        book: &Book,
        call: &ActiveCall,
        outcome: &Outcome<'_>,
    ) -> Verdict {
        self.lifetime_left(call, outcome);
        if !call.is_overlapped() {
            return Ok(());
        }
        let Some(index) = self.ops.iter().rposition(|op| op.call == call.id) else {
            return Ok(());
        };
        if outcome.value == 0 || is_pending(outcome) {
            self.ops[index].accepted = true;
            let verdict = if outcome.value == 0 {
                self.at_once(book, index, call, outcome)
            } else {
                under_way(&self.ops[index], outcome)
            };
            self.settle(index);
            return verdict;
        }
        let op = self.ops.remove(index);
        let error = WsaError(outcome.errno);
        if op.indicated || op.event_used {
            let how = if op.indicated { "its routine ran" } else { "its event was set" };
            return object(
                "RET-4",
                format!("{} was refused with {error:?}, but {how}", op.words()),
            );
        }
        if op.stored.is_some() {
            return object(
                "OVL-6c",
                format!(
                    "{} was refused with {error:?}, but a final status was stored in its OVERLAPPED",
                    op.words()
                ),
            );
        }
        Ok(())
    }

    /// RET-5, RET-7, OVL-8: what holds when an overlapped call returns 0.
    fn at_once(
        &self,
        book: &Book,
        index: usize,
        call: &ActiveCall,
        outcome: &Outcome<'_>,
    ) -> Verdict {
        let op = &self.ops[index];
        let Some(stored) = op.stored else {
            return object(
                "OVL-8",
                format!("{} returned 0, but no final status was stored", op.words()),
            );
        };
        if stored.error != 0 {
            return object(
                "OVL-12",
                format!(
                    "{} returned 0, but its OVERLAPPED says {:?}",
                    op.words(),
                    WsaError(stored.error as i32)
                ),
            );
        }
        let counts = !matches!(call.call.special, Special::Ioctl { .. });
        if counts && outcome.count.is_some_and(|count| u64::from(count) != stored.bytes) {
            return object(
                "RET-7",
                format!(
                    "{} returned 0 with {} bytes in the count, but InternalHigh is {}",
                    op.words(),
                    outcome.count.unwrap_or(0),
                    stored.bytes
                ),
            );
        }
        if op.awaits_routine() && !op.refused {
            let thread = book.threads.get(op.thread);
            let queued = thread.is_some_and(|t| t.apcs_waiting > 0 || t.in_apc > 0);
            if !queued {
                return object(
                    "RET-5",
                    format!("{} returned 0, but no APC was queued for its routine", op.words()),
                );
            }
        }
        Ok(())
    }

    fn lifetime_left(&mut self, call: &ActiveCall, outcome: &Outcome<'_>) {
        match call.call.function {
            Function::WSPStartup if outcome.value == 0 => {
                let life = self.lifetime(call.process);
                life.starts += 1;
                life.clean = false;
            }
            Function::WSPCleanup => {
                let life = self.lifetime(call.process);
                let last = life.starts <= 1;
                if outcome.value == 0 {
                    life.starts = life.starts.saturating_sub(1);
                    life.clean |= last;
                }
                life.cleaning = life.cleaning.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// A status word was stored.
    pub(super) fn stored(
        &mut self,
        at: At,
        process: ProcessKey,
        address: UserPtr,
        now: OverlappedFacts,
    ) -> Verdict {
        let life = self.lifetime(process);
        let (in_cleanup, clean) = (life.cleaning > 0, life.clean);
        let mine = |op: &&mut Op| op.process == process && op.address == address;
        let Some(op) = self.ops.iter_mut().rev().filter(mine).find(|op| op.stored.is_none()) else {
            if !is_final(now.status) {
                return Ok(());
            }
            let last =
                self.ops.iter().rev().find(|op| op.process == process && op.address == address);
            return match last {
                Some(op) => object(
                    "RET-3",
                    format!("{} got a second final status at {} ns", op.words(), at.time_ns),
                ),
                None => object(
                    "OVL-10",
                    format!(
                        "a final status ({:#x}) was stored at {:#x} at {} ns on machine {}, where no \
                         operation is in progress",
                        now.status, address.0, at.time_ns, process.machine.0
                    ),
                ),
            };
        };
        if !is_final(now.status) {
            return Ok(());
        }
        op.stored = Some(now);
        op.stored_by = Some(place(at));
        op.stored_in_cleanup = in_cleanup || clean;
        self.ended += 1;
        if let Some(gone) = op.starter_gone_ns
            && at.time_ns > gone + CANCELLED_WITHIN_NS
        {
            let words = op.words();
            let message = format!(
                "{words}: the thread that started it ended at {gone} ns, and it was not cancelled: \
                 it ended only at {} ns",
                at.time_ns
            );
            return object("CXL-5", message);
        }
        let error = WsaError(now.error as i32);
        if (now.status == 0) != (now.error == 0) {
            return object(
                "OVL-7",
                format!(
                    "{} ended with status {:#x} in Internal but error {} in OffsetHigh",
                    op.words(),
                    now.status,
                    now.error
                ),
            );
        }
        if !may_end_with(op.function, error) {
            return object(
                "RET-2",
                format!("{} ended with {error:?}, which its clauses do not allow", op.words()),
            );
        }
        let index = self.ops.iter().rposition(|op| op.process == process && op.address == address);
        if let Some(index) = index {
            self.settle(index);
        }
        Ok(())
    }

    /// WPUQueueApc was decided.
    pub(super) fn apc_queued(
        &mut self,
        at: At,
        process: ProcessKey,
        target: Option<Tid>,
        accepted: bool,
    ) -> Verdict {
        let thread = target.map(|thread| ThreadPlace { machine: process.machine, thread });
        let here = |op: &Op| {
            op.process == process
                && op.has_routine()
                && !op.indicated
                && thread.is_none_or(|thread| op.thread == thread)
        };
        let ready = |op: &Op| here(op) && op.stored.is_some() && !op.refused;
        let by_me = self.ops.iter().rposition(|op| ready(op) && op.stored_by == Some(place(at)));
        let candidate = by_me.or_else(|| self.ops.iter().position(ready));
        if !accepted && let Some(index) = candidate {
            self.ops[index].refused = true;
            self.refusals = true;
            self.settle(index);
            return Ok(());
        }
        if accepted
            && candidate.is_none()
            && let Some(op) = self.ops.iter().find(|op| here(op) && op.stored.is_none())
        {
            return object(
                "OVL-7",
                format!(
                    "an APC was queued to thread {} at {} ns before the status of any operation \
                     there was stored; pending is {}",
                    op.thread.thread.0,
                    at.time_ns,
                    op.words()
                ),
            );
        }
        Ok(())
    }

    /// WPUCompleteOverlappedRequest was called.
    pub(super) fn completing(
        &self,
        at: At,
        process: ProcessKey,
        address: UserPtr,
        error: u32,
    ) -> Verdict {
        let open = |op: &Op| op.process == process && op.address == address && op.stored.is_none();
        if self.ops.iter().any(open) {
            return Ok(());
        }
        object(
            "RET-3",
            format!(
                "WPUCompleteOverlappedRequest with {:?} for the OVERLAPPED at {:#x} at {} ns on \
                 machine {}, where no operation is in progress",
                WsaError(error as i32),
                address.0,
                at.time_ns,
                process.machine.0
            ),
        )
    }

    /// The provider set an event.
    pub(super) fn event_set(
        &mut self,
        book: &Book,
        at: At,
        process: ProcessKey,
        event: EventHandle,
    ) -> Verdict {
        let owed = |op: &Op| op.process == process && op.signals(event) && op.stored.is_some();
        if let Some(index) = self.ops.iter().position(|op| owed(op) && !op.event_used) {
            self.ops[index].event_used = true;
            for op in self.ops.iter_mut().filter(|op| owed(op)) {
                op.event_covered = true;
            }
            let op = &self.ops[index];
            let inside = book
                .innermost(place(at))
                .is_some_and(|call| call.call.function == Function::WSPCleanup);
            let aborted = op
                .stored
                .is_some_and(|stored| stored.error == WsaError::WSA_OPERATION_ABORTED.0 as u32);
            if op.stored_in_cleanup && inside && aborted && op.stored_by == Some(place(at)) {
                return object(
                    "CXL-7",
                    format!("WSPCleanup cancelled {} and set its event", op.words()),
                );
            }
            self.settle(index);
            return Ok(());
        }
        let mine = |op: &&Op| op.process == process && op.event == event;
        let early =
            self.ops.iter().filter(mine).find(|op| op.signals(event) && op.stored.is_none());
        if let Some(op) = early {
            return object(
                "EVT-6",
                format!(
                    "event {:#x} was set at {} ns before the final status of {} was stored",
                    event.0,
                    at.time_ns,
                    op.words()
                ),
            );
        }
        if let Some(op) = self.ops.iter().filter(mine).find(|op| op.has_routine()) {
            return object(
                "EVT-3",
                format!("event {:#x} was set for {}, which has a routine", event.0, op.words()),
            );
        }
        object(
            "EVT-7",
            format!(
                "event {:#x} was set at {} ns on machine {} by thread {}, and no operation owes it",
                event.0,
                at.time_ns,
                process.machine.0,
                place(at).thread.0
            ),
        )
    }

    /// A client's routine begins; gives the operation's socket.
    pub(super) fn routine(
        &mut self,
        book: &Book,
        at: At,
        process: ProcessKey,
        facts: &RoutineFacts,
    ) -> Result<Option<super::book::SocketId>, Violation> {
        let clean = self.lifetime(process).clean;
        let mine =
            |op: &Op| op.process == process && op.address == facts.overlapped && op.has_routine();
        let awaiting = |op: &Op| mine(op) && !op.indicated;
        let index = self
            .ops
            .iter()
            .position(|op| awaiting(op) && op.stored.is_some() && !op.refused)
            .or_else(|| self.ops.iter().position(|op| awaiting(op) && op.stored.is_some()))
            .or_else(|| self.ops.iter().rposition(awaiting));
        let Some(index) = index else {
            return Err(Violation::new(
                NAME,
                "APC-9",
                format!(
                    "a routine ran on thread {} of machine {} at {} ns with the OVERLAPPED at {:#x} \
                     ({:?}, {} bytes), for which none is due",
                    place(at).thread.0,
                    process.machine.0,
                    at.time_ns,
                    facts.overlapped.0,
                    WsaError(facts.error as i32),
                    facts.bytes
                ),
            ));
        };
        self.ops[index].indicated = true;
        let op = &self.ops[index];
        let socket = op.socket;
        let wrong = wrong_routine(book, op, at, facts, clean);
        if op.refused {
            // The refusal may have been another operation's.
            let thread = op.thread;
            let other = self.ops.iter().position(|op| {
                op.process == process
                    && op.thread == thread
                    && op.awaits_routine()
                    && op.stored.is_some()
                    && !op.refused
            });
            match other {
                Some(other) => self.ops[other].refused = true,
                None => {
                    return Err(Violation::new(
                        NAME,
                        "APC-14",
                        format!(
                            "the routine of {} ran though WPUQueueApc was refused for it",
                            self.ops[index].words()
                        ),
                    ));
                }
            }
        }
        self.settle(index);
        wrong.map_or(Ok(socket), |(clause, message)| Err(Violation::new(NAME, clause, message)))
    }

    fn settle(&mut self, index: usize) {
        if self.ops[index].is_over() {
            self.ops.remove(index);
        }
    }

    /// A thread has ended: its routines never run (CXL-5).
    pub(super) fn thread_ended(&mut self, at: At, thread: ThreadPlace) {
        self.ops.retain_mut(|op| {
            if op.starter == thread && !op.accepted {
                return false;
            }
            if op.starter == thread {
                op.starter_gone_ns = Some(at.time_ns);
            }
            op.thread_gone |= op.thread == thread;
            !op.is_over()
        });
    }

    /// The last WSPCleanup of a process is over: every operation must have ended. `waiting` tells
    /// how many APCs wait for a thread.
    pub(super) fn cleaned(
        &mut self,
        process: ProcessKey,
        waiting: impl Fn(ThreadPlace) -> u32,
    ) -> Verdict {
        let mut verdict = Ok(());
        for op in self.ops.iter().filter(|op| op.process == process && op.accepted) {
            let found = if op.stored.is_none() {
                Some(("RET-3", "was accepted and never ended"))
            } else if op.stored_in_cleanup {
                None
            } else if op.awaits_routine() && !op.refused && waiting(op.thread) == 0 {
                Some(("APC-9", "ended, but no APC was queued for its routine"))
            } else if !op.has_routine() && op.event.0 != 0 && !op.event_covered {
                Some(("EVT-1", "ended, but its event was never set"))
            } else {
                None
            };
            if let Some((clause, what)) = found {
                verdict = object(clause, format!("{} {what}", op.words()));
                break;
            }
        }
        self.forget_process(process);
        verdict
    }

    /// Events that ended operations still owe.
    pub(super) fn owed_events(&self, process: ProcessKey) -> Vec<EventHandle> {
        let owes = |op: &&Op| {
            op.process == process && op.stored.is_some() && op.event.0 != 0 && !op.event_covered
        };
        self.ops.iter().filter(owes).map(|op| op.event).collect()
    }

    /// The client closed an event: nobody owes it any more.
    pub(super) fn event_gone(&mut self, process: ProcessKey, event: EventHandle) {
        for op in self.ops.iter_mut().filter(|op| op.process == process && op.event == event) {
            op.event = EventHandle(0);
        }
    }

    pub(super) fn forget_process(&mut self, process: ProcessKey) {
        self.ops.retain(|op| op.process != process);
    }

    pub(super) fn forget_machine(&mut self, machine: MachineId) {
        self.ops.retain(|op| op.process.machine != machine);
        self.lifetimes.retain(|life| life.key.is_none_or(|key| key.machine != machine));
    }

    /// Whether the last WSPCleanup of a process is in progress, or has returned.
    pub(super) fn is_ending(&self, process: ProcessKey) -> bool {
        self.lifetimes
            .iter()
            .any(|life| life.key == Some(process) && (life.clean || life.cleaning > 0))
    }
}

/// While an operation is pending its status says so, for those who poll it (OVL-6).
fn under_way(op: &Op, outcome: &Outcome<'_>) -> Verdict {
    match outcome.overlapped {
        Some(now) if op.stored.is_none() && now.status != WSS_OPERATION_IN_PROGRESS => {
            let words = op.words();
            object(
                "OVL-6",
                format!(
                    "{words} pends, and Internal has {:#x} instead of \
                     WSS_OPERATION_IN_PROGRESS",
                    now.status
                ),
            )
        }
        _ => Ok(()),
    }
}

/// What is wrong with how a routine is run.
fn wrong_routine(
    book: &Book,
    op: &Op,
    at: At,
    facts: &RoutineFacts,
    clean: bool,
) -> Option<(&'static str, String)> {
    let runs_on = place(at);
    if runs_on != op.thread {
        return Some((
            "APC-1",
            format!(
                "the routine of {} ran on thread {}, not on thread {}",
                op.words(),
                runs_on.thread.0,
                op.thread.thread.0
            ),
        ));
    }
    let inside = book
        .threads
        .get(runs_on)
        .is_some_and(|thread| thread.calls.iter().any(|call| call.id == op.call));
    if inside {
        return Some(("APC-3", format!("the routine of {} ran inside that very call", op.words())));
    }
    if !facts.alertable {
        let message =
            format!("the routine of {} ran while the thread was in no alertable wait", op.words());
        return Some(("APC-2", message));
    }
    let Some(stored) = op.stored else {
        return Some((
            "OVL-7",
            format!("the routine of {} ran before its final status was stored", op.words()),
        ));
    };
    if clean && op.stored_in_cleanup {
        return Some(("CXL-7", format!("WSPCleanup cancelled {} and its routine ran", op.words())));
    }
    if facts.routine != op.routine {
        return Some((
            "APC-4",
            format!(
                "{} was given routine {:#x}, but {:#x} ran",
                op.words(),
                op.routine.0,
                facts.routine.0
            ),
        ));
    }
    if u64::from(facts.bytes) != stored.bytes || facts.error != stored.error {
        return Some((
            "APC-8",
            format!(
                "the routine of {} was told {:?} and {} bytes, but its OVERLAPPED says {:?} and {}",
                op.words(),
                WsaError(facts.error as i32),
                facts.bytes,
                WsaError(stored.error as i32),
                stored.bytes
            ),
        ));
    }
    let sends = matches!(op.function, Function::WSPSend | Function::WSPSendTo);
    (sends && facts.flags != 0).then(|| {
        (
            "APC-8",
            format!("the routine of {} was given flags {:#x}, not 0", op.words(), facts.flags),
        )
    })
}

#[cfg(test)]
mod tests;
