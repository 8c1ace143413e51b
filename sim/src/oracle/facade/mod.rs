//! [`Oracles`]: every oracle of a run behind one door. Here what enters and leaves the SPI; beside it
//! the upcalls, the ends of operations, and the ends of threads, processes and machines. The
//! transport's side is in `seam`.

mod ends;
mod operations;
mod upcalls;

use provider_core::{Profile, SocketHandle};

use crate::event::At;
use crate::oracle::book::{ActiveCall, Book, failed, is_pending, place};
use crate::oracle::causes::CauseOracle;
use crate::oracle::codes::CodeOracle;
use crate::oracle::condition::ConditionOracle;
use crate::oracle::descriptors::DescriptorOracle;
use crate::oracle::facts::{Call, CallId, Outcome, ProcessKey, SocketFacts, Special};
use crate::oracle::get_result::GetResultOracle;
use crate::oracle::hook::HookOracle;
use crate::oracle::ledger::Ledgers;
use crate::oracle::locks::LockOracle;
use crate::oracle::notification::NotificationOracle;
use crate::oracle::receive::{Delivery, ReceiveOracle};
use crate::oracle::send_order::SendOrder;
use crate::oracle::transports::Transports;
use crate::oracle::violation::Verdict;
use crate::oracle::wire::WireOracle;

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
            sending = Some(crate::oracle::facts::Sending { bytes, ..send.clone() });
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
        } else if let Special::Receive { urgent: true, peek, .. } = active.call.special {
            self.receive.urgent_entered(active.id, peek);
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
            let stray = self.book.has_stray_send(process, made.handle);
            self.order.opened(&self.book, made, stray);
        }
        let causes = self.causes.left(&mut self.book, at, &call, outcome);
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
        let goes_on = call.is_overlapped() && (done || is_pending(outcome));
        if self.receive.is_urgent(call.id) {
            let (tsock, received) = (self.transports.of(id), outcome.received.filter(|_| done));
            return match goes_on {
                true => Ok(()),
                false => self.receive.urgent_delivered(tsock, call.id, received, || call.words()),
            };
        }
        if goes_on {
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
}

/// Whether a call is a receive, or a look at what it would give, but not of urgent data.
pub(super) fn is_receive(call: &ActiveCall) -> bool {
    matches!(call.call.special, Special::Receive { urgent: false, .. })
}
