//! [`Oracles`]: every oracle of a run behind one door.

use provider_core::{EventHandle, Profile, Routine, SocketHandle, UserPtr, WsaError};

use super::book::{ActiveCall, Book, SocketId, failed, is_pending, place};
use super::causes::CauseOracle;
use super::codes::CodeOracle;
use super::condition::ConditionOracle;
use super::descriptors::DescriptorOracle;
use super::facts::{
    Call, CallId, LeakFacts, Outcome, OverlappedFacts, ProcessKey, Received, SocketFacts, Special,
    ThreadPlace,
};
use super::get_result::GetResultOracle;
use super::hook::HookOracle;
use super::leak::LeakOracle;
use super::ledger::{Ledgers, RoutineFacts};
use super::locks::LockOracle;
use super::nesting::NestingOracle;
use super::notification::{NotificationOracle, Post};
use super::receive::{Delivery, ReceiveOracle};
use super::send_order::SendOrder;
use super::transports::Transports;
use super::violation::Verdict;
use super::wire::WireOracle;
use crate::event::{At, Function, MachineId, ThreadEnd, Tid};
use crate::fault::Fault;

/// Every oracle of a run.
///
/// Facts about one process come with its [`ProcessKey`]; `at.thread` is the thread that acts. Each
/// step gives the first objection.
pub struct Oracles {
    pub(super) book: Book,
    pub(super) transports: Transports,
    pub(super) ledgers: Ledgers,
    pub(super) codes: CodeOracle,
    pub(super) order: SendOrder,
    pub(super) receive: ReceiveOracle,
    pub(super) wire: WireOracle,
    notification: NotificationOracle,
    causes: CauseOracle,
    descriptors: DescriptorOracle,
    calm: bool,
}

impl Oracles {
    /// All of them, for providers that follow `profile`.
    pub fn new(profile: Profile) -> Self {
        Self {
            book: Book::default(),
            transports: Transports::default(),
            ledgers: Ledgers::default(),
            codes: CodeOracle { profile },
            order: SendOrder::new(profile),
            receive: ReceiveOracle::default(),
            wire: WireOracle::default(),
            notification: NotificationOracle::default(),
            causes: CauseOracle::default(),
            descriptors: DescriptorOracle::default(),
            calm: false,
        }
    }

    /// What is known of a live SOCKET.
    pub fn socket_facts(&self, process: ProcessKey, socket: SocketHandle) -> Option<SocketFacts> {
        self.book.facts(process, socket)
    }

    /// Overlapped operations that came to an end so far.
    pub fn operations_ended(&self) -> u64 {
        self.ledgers.ended()
    }

    /// A call enters the provider.
    pub fn call_enter(&mut self, at: At, process: ProcessKey, mut call: Call) -> CallId {
        // What is sent goes to the order oracle, which keeps it; the call keeps the summary.
        let mut sending = None;
        if let Special::Send(send) = &mut call.special {
            let bytes = core::mem::take(&mut send.bytes);
            sending = Some(super::facts::Sending { bytes, ..send.clone() });
        }
        let id = self.book.enter(at, process, call);
        self.causes.enter(&mut self.book, at);
        let Some(active) = self.book.innermost(place(at)) else { return id };
        self.ledgers.of(process.machine).enter(active);
        self.notification.enter(active);
        if let Some(sending) = sending {
            self.order.enter(&self.book, active, sending);
        } else if is_receive(active) {
            self.receive.enter(active);
        }
        id
    }

    /// The call leaves the provider.
    ///
    /// # Errors
    /// The first objection.
    pub fn call_leave(
        &mut self,
        at: At,
        process: ProcessKey,
        call: CallId,
        outcome: &Outcome<'_>,
    ) -> Verdict {
        let locks = LockOracle::left(&self.book, at, "the end of an SPI call");
        let Some(call) = self.book.leave(at, call) else { return locks };
        self.descriptors.offered(&call, outcome);
        let (shared, descriptor) = self.descriptors.taken(&call, outcome);
        let made = self.book.settle(&call, outcome, shared);
        if let Some(made) = made {
            if made.fresh {
                self.transports.made(process.machine, call.opened, made.socket);
            }
            self.order.opened(&self.book, made);
        }
        let causes = self.causes.left(&call, outcome);
        let notification = self.notification.leave(&self.book, at, &call, outcome, made);
        let codes = self.codes.left(&self.book, &call, outcome);
        // Each has to see every fact, whatever the others say.
        let result = GetResultOracle::left(&call, outcome);
        let order = match &call.call.special {
            Special::Send(send) => self.order.leave(&self.book, &call, send.whole, outcome),
            Special::Receive { .. } => self.received(&call, outcome),
            _ => Ok(()),
        };
        let ledger = self.ledgers.of(process.machine).leave(&self.book, &call, outcome);
        let condition = ConditionOracle::left(&call, outcome);
        let hook = HookOracle::left(&call, outcome);
        codes
            .and(hook)
            .and(result)
            .and(descriptor)
            .and(causes)
            .and(condition)
            .and(ledger)
            .and(order)
            .and(notification)
            .and(locks)
    }

    /// A receive call has left.
    fn received(&mut self, call: &ActiveCall, outcome: &Outcome<'_>) -> Verdict {
        let Some(id) = call.socket else { return Ok(()) };
        let done = !failed(call.call.function, outcome);
        if call.is_overlapped() && (done || is_pending(outcome)) {
            self.receive.leave(id, call.id, true);
            return Ok(());
        }
        let how = if done { Delivery::Whole } else { Delivery::Truncated };
        let tsock = self.transports.of(id);
        let verdict =
            self.receive
                .delivered(&self.book, id, tsock, call.id, outcome.received, how, || call.words());
        self.receive.leave(id, call.id, false);
        verdict
    }

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

    /// WPUCompleteOverlappedRequest was called; nothing is stored yet.
    ///
    /// # Errors
    /// RET-3.
    pub fn complete_overlapped(
        &mut self,
        at: At,
        process: ProcessKey,
        socket: SocketHandle,
        overlapped: UserPtr,
        error: u32,
        _bytes: u32,
    ) -> Verdict {
        self.ledgers.of(process.machine).completing(at, process, socket, overlapped, error)
    }

    /// A status word was stored; `now` is the OVERLAPPED with it, `received` what a receive gave,
    /// `on_port` tells whether a SOCKET is associated with a completion port at this moment.
    ///
    /// # Errors
    /// RET-3, RET-2, OVL-7, OVL-9, OVL-10, RET-14, CXL-8, ORD-2, ORD-3.
    pub fn status_stored(
        &mut self,
        at: At,
        process: ProcessKey,
        overlapped: UserPtr,
        now: OverlappedFacts,
        received: Option<Received<'_>>,
        on_port: &dyn Fn(SocketHandle) -> bool,
    ) -> Verdict {
        // Whether an operation is on its way is known from its call.
        if !super::ledger::is_final(now.status) {
            return Ok(());
        }
        let ledger = self.ledgers.of(process.machine);
        let of = ledger.in_progress(process, overlapped);
        let verdict = ledger.stored(&self.book, at, process, overlapped, now, on_port);
        let Some((call, Some(socket), function)) = of else { return verdict };
        let order = match function {
            Function::WSPSend | Function::WSPSendTo => {
                let excused = self.ledgers.of(process.machine).is_ending(process);
                self.order.op_ended(socket, call, &now, excused)
            }
            Function::WSPRecv | Function::WSPRecvFrom => {
                self.operation_received(socket, call, overlapped, &now, received)
            }
            _ => Ok(()),
        };
        verdict.and(order)
    }

    fn operation_received(
        &mut self,
        socket: SocketId,
        call: CallId,
        overlapped: UserPtr,
        now: &OverlappedFacts,
        received: Option<Received<'_>>,
    ) -> Verdict {
        let truncated = now.error == WsaError::WSAEMSGSIZE.0 as u32;
        let stream = self.book.socket(socket).facts.stream;
        // What a failed receive says that it got counts on a stream.
        let counts = now.error == 0 || truncated || stream;
        let how = if truncated { Delivery::Truncated } else { Delivery::Whole };
        let handle = self.book.socket(socket).handle.0;
        self.receive.delivered(
            &self.book,
            socket,
            self.transports.of(socket),
            call,
            received.filter(|_| counts),
            how,
            || format!("the receive on socket {handle:#x} with OVERLAPPED {:#x}", overlapped.0),
        )
    }

    /// The provider set a client's event: of an operation, or for network events.
    ///
    /// # Errors
    /// EVT-3, EVT-6, EVT-7, CXL-7, EVENTSELECT-4.
    pub fn event_set(&mut self, at: At, process: ProcessKey, event: EventHandle) -> Verdict {
        if self.notification.knows(process, event)
            && !self.ledgers.of(process.machine).knows(process, event)
        {
            return self.notification.event_set(&self.book, at, process, event);
        }
        self.ledgers.of(process.machine).event_set(&self.book, at, process, event)
    }

    /// WPUCompleteOverlappedRequest was refused by the host.
    ///
    /// # Errors
    /// None at present.
    pub fn completion_refused(&mut self, process: ProcessKey, overlapped: UserPtr) -> Verdict {
        self.ledgers.of(process.machine).completion_refused(process, overlapped);
        Ok(())
    }

    /// A SOCKET was associated with a completion port.
    ///
    /// # Errors
    /// None at present.
    pub fn port_associated(&mut self, process: ProcessKey, socket: SocketHandle) -> Verdict {
        self.book.associate(process, socket);
        Ok(())
    }

    /// The host posts an operation's packet to its socket's port.
    ///
    /// # Errors
    /// RET-3, EVT-9, OVL-7, CXL-7.
    pub fn packet_posted(&mut self, at: At, process: ProcessKey, overlapped: UserPtr) -> Verdict {
        self.ledgers.of(process.machine).packet_posted(&self.book, at, process, overlapped)
    }

    /// What of a machine's operations somebody may wait for in vain: for the liveness oracle.
    pub fn describe_owed(&mut self, machine: MachineId, into: &mut String) {
        self.ledgers.of(machine).describe_owed(into);
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

    /// The run does not end.
    ///
    /// # Errors
    /// EVENTSELECT-9, where that is why.
    pub fn stuck(&self) -> Verdict {
        self.notification.stuck(&self.transports)
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
                self.receive.give_up(id);
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

/// Whether a call is a receive, or a look at what it would give.
fn is_receive(call: &ActiveCall) -> bool {
    matches!(call.call.special, Special::Receive { .. })
}
