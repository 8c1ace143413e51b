//! Overlapped operations with a program's own bookkeeping of their ends.

use core::cell::{Cell, RefCell};
use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::rc::Rc;

use provider_core::{EventHandle, Routine, SocketHandle, WsaError};
use wspsim::api::{Buffer, Os, Overlapped, WAIT_OBJECT_0, WAIT_TIMEOUT};

use super::draw::{between, pick};
use super::ledger::Ledger;
use super::tagged::tag_of;

/// How a program learns of an operation's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tell {
    Routine,
    Event,
    /// By looking at the OVERLAPPED.
    Nothing,
}

/// How far the call that starts an operation is, as its thread saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// In the call; for ever, if the thread ended there.
    Calling,
    Refused(WsaError),
    Accepted,
}

/// One overlapped operation, with an OVERLAPPED and a buffer of its own.
pub(crate) struct Op {
    pub(crate) overlapped: Overlapped,
    pub(crate) buffer: Buffer,
    /// What it sends; empty for a receive.
    pub(crate) payload: Vec<u8>,
    pub(crate) tag: u64,
    /// Whether it sends a datagram.
    pub(crate) datagram: bool,
    pub(crate) tell: Tell,
    pub(crate) event: Option<EventHandle>,
    pub(crate) stage: Cell<Stage>,
    routine_ran: Cell<Option<(u32, u32)>>,
}

impl Op {
    /// How it ended: error and bytes. `None` when it has not, or when only the routine would have
    /// told and none ran.
    pub(crate) fn outcome(&self) -> Option<(WsaError, usize)> {
        if self.stage.get() != Stage::Accepted {
            return None;
        }
        match self.tell {
            Tell::Routine => self
                .routine_ran
                .get()
                .map(|(error, bytes)| (WsaError(error as i32), bytes as usize)),
            Tell::Event | Tell::Nothing => self
                .overlapped
                .has_completed()
                .then(|| (WsaError(self.overlapped.error() as i32), self.overlapped.bytes())),
        }
    }

    /// Whether it is over, or never began.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage.get(), Stage::Refused(_)) || self.overlapped.has_completed()
    }

    fn expects_routine(&self) -> bool {
        let accepted = self.stage.get() == Stage::Accepted;
        self.tell == Tell::Routine && accepted && self.routine_ran.get().is_none()
    }
}

/// Operations, in the order in which they were started.
pub(crate) type Log = Rc<RefCell<Vec<Rc<Op>>>>;

/// How long what was cancelled may take to end, in virtual milliseconds.
pub(crate) const AT_ONCE_MS: u64 = 500;

/// The operations of a process.
#[derive(Clone)]
pub(crate) struct Ops {
    routine: Routine,
    /// By address of the OVERLAPPED. An operation whose routine may still run stays.
    known: Rc<RefCell<BTreeMap<usize, Rc<Op>>>>,
}

impl Ops {
    pub(crate) fn new(os: &Os) -> Self {
        let known: Rc<RefCell<BTreeMap<usize, Rc<Op>>>> = Rc::default();
        let ops = known.clone();
        let routine = os.routine(move |os, error, bytes, overlapped, _flags| {
            let op = ops.borrow_mut().remove(&overlapped.0);
            match op {
                Some(op) if op.tell == Tell::Routine => op.routine_ran.set(Some((error, bytes))),
                _ => os.fail("a completion routine ran twice, or for an operation without one"),
            }
        });
        Self { routine, known }
    }

    /// A way of telling, drawn.
    pub(crate) fn any_tell(os: &Os) -> Tell {
        pick(os, &[Tell::Routine, Tell::Event, Tell::Nothing])
    }

    fn op(&self, os: &Os, tell: Tell, tag: u64, payload: Vec<u8>, room: usize) -> Op {
        // An operation with a routine may have any event: nobody looks at it (EVT-3).
        let event = (tell == Tell::Event).then(|| os.create_event(os.random_below(2) == 0, false));
        let overlapped =
            event.map_or_else(|| os.overlapped(), |event| os.overlapped_with_event(event));
        let buffer = if room == 0 { os.alloc_with(&payload) } else { os.alloc(room) };
        let stage = Cell::new(Stage::Calling);
        let routine_ran = Cell::new(None);
        let datagram = false;
        Op { overlapped, buffer, payload, tag, datagram, tell, event, stage, routine_ran }
    }

    /// Enters an operation where its routine and its program look for it, before its call: nothing
    /// is lost of it when the thread ends in there.
    fn enter(&self, op: Op, log: &RefCell<Vec<Rc<Op>>>) -> Rc<Op> {
        let op = Rc::new(op);
        if op.tell == Tell::Routine {
            self.known.borrow_mut().insert(op.overlapped.ptr().0, op.clone());
        }
        log.borrow_mut().push(op.clone());
        op
    }

    fn routine_for(&self, tell: Tell) -> Routine {
        if tell == Tell::Routine { self.routine } else { Routine::NULL }
    }

    fn started(&self, op: &Op, result: Result<u32, WsaError>) {
        op.stage.set(match result {
            Ok(_) | Err(WsaError::WSA_IO_PENDING) => Stage::Accepted,
            Err(error) => Stage::Refused(error),
        });
        if matches!(op.stage.get(), Stage::Refused(_)) && op.tell == Tell::Routine {
            // A routine that runs now is one too many (RET-4).
            self.known.borrow_mut().remove(&op.overlapped.ptr().0);
        }
    }

    /// Makes a send of `payload`, in one or two buffers. A destination makes it a
    /// datagram.
    #[allow(clippy::too_many_arguments, reason = "as many as the call that it makes")]
    pub(crate) fn send(
        &self,
        os: &Os,
        log: &RefCell<Vec<Rc<Op>>>,
        socket: SocketHandle,
        tell: Tell,
        tag: u64,
        payload: Vec<u8>,
        to: Option<SocketAddr>,
    ) -> Rc<Op> {
        let mut op = self.op(os, tell, tag, payload, 0);
        op.datagram = to.is_some();
        let op = self.enter(op, log);
        let cut = between(os, 0..=op.payload.len() as u32) as usize;
        let parts = [op.buffer.part(0..cut), op.buffer.part(cut..op.payload.len())];
        let routine = self.routine_for(tell);
        let result = match to {
            Some(_) => os.wsa_send_to(socket, &parts, 0, to, Some(&op.overlapped), routine),
            None => os.wsa_send(socket, &parts, 0, Some(&op.overlapped), routine),
        };
        self.started(&op, result);
        op
    }

    /// Makes a receive of up to `room` bytes.
    pub(crate) fn receive(
        &self,
        os: &Os,
        log: &RefCell<Vec<Rc<Op>>>,
        socket: SocketHandle,
        tell: Tell,
        room: usize,
    ) -> Rc<Op> {
        let op = self.enter(self.op(os, tell, 0, Vec::new(), room), log);
        let routine = self.routine_for(tell);
        let result = os.wsa_recv(socket, &[op.buffer.all()], 0, Some(&op.overlapped), routine);
        self.started(&op, result);
        op
    }

    /// Waits alertably until all of `ops` are over, since `why` makes them so; it is a finding when
    /// they are not within `limit_ms`. Then waits a little for routines that are on their way.
    pub(crate) fn settle(&self, os: &Os, ops: &[Rc<Op>], limit_ms: u64, why: &str) {
        let deadline_ns = os.now_ns() + limit_ms * 1_000_000;
        while let Some(op) = ops.iter().find(|op| !op.is_over()) {
            if os.now_ns() > deadline_ns {
                let message = format!(
                    "an operation ({} bytes to send, told by {:?}) is still pending {limit_ms} ms after {why}",
                    op.payload.len(),
                    op.tell
                );
                os.fail(&message);
                return;
            }
            os.sleep_ex(2, true);
        }
        for _ in 0..12 {
            if !ops.iter().any(|op| op.expects_routine()) {
                return;
            }
            os.sleep_ex(2, true);
        }
    }

    /// Waits alertably for the end of one operation, and for its routine; `false` after `limit_ms`.
    pub(crate) fn wait_over(os: &Os, op: &Op, limit_ms: u64) -> bool {
        let deadline_ns = os.now_ns() + limit_ms * 1_000_000;
        // Told by a routine, it may be over and the routine refused, or late.
        let mut late = 12;
        while !op.is_over() || op.expects_routine() {
            if op.is_over() {
                late -= 1;
            }
            if late == 0 || os.now_ns() > deadline_ns {
                return op.is_over();
            }
            os.sleep_ex(2, true);
        }
        true
    }

    /// What of a stream went out, by the ends of its sends, in the order of `ops`. `None` when an
    /// end is unknown: nobody told how much it was.
    pub(crate) fn stream_of(ops: &[Rc<Op>]) -> Option<Vec<u8>> {
        let mut sent = Vec::new();
        for op in ops.iter().filter(|op| !op.payload.is_empty()) {
            if let Stage::Refused(_) = op.stage.get() {
                continue;
            }
            let (_, bytes) = op.outcome()?;
            sent.extend_from_slice(op.payload.get(..bytes)?);
        }
        Some(sent)
    }

    /// Waits until these operations are over, which `why` ends at once, and checks how each did. Their
    /// sockets hear from nobody but themselves.
    pub(crate) fn end(&self, os: &Os, ledger: &Ledger, log: &Log, why: &str) {
        let ops = log.borrow().clone();
        self.settle(os, &ops, AT_ONCE_MS, why);
        Self::judge(os, ledger, &ops);
        for op in ops.iter().filter(|op| op.payload.is_empty()) {
            if let Some((WsaError(0), bytes @ 1..)) = op.outcome() {
                match tag_of(&op.buffer.read(0, bytes)) {
                    Some(tag) => ledger.arrived(os, tag),
                    None => os.fail("a receive gave a damaged datagram"),
                }
            }
        }
    }

    /// Checks how these operations ended, all of which are over, and enters it into the ledger.
    pub(crate) fn judge(os: &Os, ledger: &Ledger, ops: &[Rc<Op>]) {
        Self::close_events(os, ops);
        for op in ops {
            let ended = match (op.stage.get(), op.outcome()) {
                (Stage::Refused(error), _) => (error, 0),
                (_, Some(ended)) => ended,
                (_, None) => continue,
            };
            match ended {
                (WsaError(0), bytes) if !op.payload.is_empty() => {
                    os.check(bytes == op.payload.len(), "a send succeeded in part");
                }
                (_, bytes) if op.datagram => {
                    os.check(bytes == 0, "a failed datagram has a count");
                    ledger.not_sent(os, op.tag);
                }
                _ => {}
            }
        }
    }

    /// Closes the events of `ops`, all of which are over: each is set by then if its operation
    /// was accepted (EVT-1), and is not if it was refused (EVT-7).
    fn close_events(os: &Os, ops: &[Rc<Op>]) {
        for op in ops {
            let Some(event) = op.event else { continue };
            let (expected, wait_ms) = match op.stage.get() {
                // Its thread ended in the call: nobody knows.
                Stage::Calling => continue,
                Stage::Accepted => (WAIT_OBJECT_0, 1000),
                Stage::Refused(_) => (WAIT_TIMEOUT, 0),
            };
            if os.wait_for_single_object(event, wait_ms) != expected {
                let accepted = if wait_ms > 0 { "is over is not" } else { "was refused is" };
                os.fail(&format!("the event of an operation that {accepted} set"));
            }
            if os.close_handle(event).is_err() {
                os.fail("an event's handle is gone");
            }
        }
    }
}
