//! One overlapped operation at a time, with its buffer, in any of the ways to learn of its end.

use core::cell::{Cell, RefCell};
use core::net::SocketAddr;
use std::rc::Rc;

use provider_core::{EventHandle, Routine, SocketHandle, WsaError};
use wspsim::api::{AddressBuffer, Buffer, Handle, MAXIMUM_WAIT_OBJECTS, Os, Overlapped};

use super::draw::pick;
use super::operations::{Operations, Place, Progress};
use super::retry::close;

/// How a program learns that an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// By a completion routine.
    Routine,
    /// By an event, manual or auto reset.
    Event {
        /// Whether it stays set until it is reset.
        manual: bool,
    },
    /// By looking (HasOverlappedIoCompleted).
    Poll,
}

impl Style {
    pub(crate) const ALL: [Self; 4] =
        [Self::Routine, Self::Event { manual: true }, Self::Event { manual: false }, Self::Poll];

    pub(crate) fn draw(os: &Os) -> Self {
        pick(os, &Self::ALL)
    }
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// `WsaError(0)` for success.
    pub(crate) error: WsaError,
    /// Bytes transferred.
    pub(crate) bytes: u32,
    /// Flags, where a routine told them.
    pub(crate) flags: u32,
}

impl Ended {
    pub(crate) const fn is_ok(self) -> bool {
        self.error.0 == 0
    }

    /// The bytes of a success.
    ///
    /// # Errors
    /// What it failed with.
    pub(crate) const fn result(self) -> Result<u32, WsaError> {
        if self.is_ok() { Ok(self.bytes) } else { Err(self.error) }
    }
}

/// How long after its status is final a routine can be late; then WPUQueueApc was refused.
const ROUTINE_LATE_NS: u64 = 60_000_000;
/// How often operations are looked at that nothing may tell of.
const LOOK_MS: u32 = 20;
/// How often operations without event and routine are looked at.
const POLL_MS: u32 = 2;
/// How many events a usual wait is for.
const EVENTS_USUAL: usize = 16;
/// How often an operation with a routine is passed over before its OVERLAPPED is looked at.
const LOOK_EVERY: u32 = 4;
/// One in how many successes WSAGetOverlappedResult is asked about.
const ASK_EVERY: u32 = 8;
/// How long operations may take to end after their socket was closed.
const CLOSE_NS: u64 = 30_000_000_000;

/// A place for one overlapped operation at a time: buffer, OVERLAPPED, event. It belongs to the
/// thread of its [`Operations`]. Dropped with an operation out, its memory stays until the end.
pub(crate) struct Slot {
    pub(crate) buffer: Buffer,
    from: AddressBuffer,
    operations: Operations,
    overlapped: RefCell<Overlapped>,
    style: Style,
    event: EventHandle,
    place: Place,
    socket: Cell<SocketHandle>,
    final_since_ns: Cell<u64>,
    expected_bytes: Cell<u32>,
    /// How often the end of an operation with a routine was asked for in vain.
    passed: Cell<u32>,
    /// How many ends were learnt of by looking.
    looked: Cell<u32>,
}

impl Slot {
    /// With a buffer of `len` bytes.
    pub(crate) fn new(os: &Os, operations: &Operations, style: Style, len: usize) -> Self {
        let event = match style {
            Style::Event { manual } => os.create_event(manual, false),
            Style::Routine | Style::Poll => EventHandle(0),
        };
        Self {
            buffer: os.alloc(len),
            from: os.address_buffer(),
            operations: operations.clone(),
            overlapped: RefCell::new(os.overlapped_with_event(event)),
            style,
            event,
            place: Rc::new(Cell::new(Progress::Idle)),
            socket: Cell::new(SocketHandle(0)),
            final_since_ns: Cell::new(0),
            expected_bytes: Cell::new(0),
            passed: Cell::new(0),
            looked: Cell::new(0),
        }
    }

    /// Notes how many bytes a success has to have.
    pub(super) fn expect_bytes(&self, bytes: u32) {
        self.expected_bytes.set(bytes);
    }

    pub(super) fn expected_bytes(&self) -> u32 {
        self.expected_bytes.get()
    }

    /// Whether an operation is out, or its end not yet taken.
    pub(crate) fn is_busy(&self) -> bool {
        self.place.get() != Progress::Idle
    }

    /// WSASend of the first `len` bytes.
    ///
    /// # Errors
    /// The operation was refused: nothing happened, nothing will.
    pub(crate) fn send(&self, os: &Os, s: SocketHandle, len: usize) -> Result<(), WsaError> {
        self.send_flagged(os, s, len, 0)
    }

    /// The same with flags.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(crate) fn send_flagged(
        &self,
        os: &Os,
        s: SocketHandle,
        len: usize,
        flags: u32,
    ) -> Result<(), WsaError> {
        let buffers = [self.buffer.part(0..len)];
        self.start(s, |overlapped, routine| {
            os.wsa_send(s, &buffers, flags, Some(overlapped), routine)
        })
    }

    /// WSASendTo of the first `len` bytes.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(crate) fn send_to(
        &self,
        os: &Os,
        s: SocketHandle,
        len: usize,
        to: SocketAddr,
    ) -> Result<(), WsaError> {
        let buffers = [self.buffer.part(0..len)];
        self.start(s, |overlapped, routine| {
            os.wsa_send_to(s, &buffers, 0, Some(to), Some(overlapped), routine)
        })
    }

    /// WSARecv of at most `len` bytes.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(crate) fn recv(&self, os: &Os, s: SocketHandle, len: usize) -> Result<(), WsaError> {
        self.recv_flagged(os, s, len, 0)
    }

    /// The same with flags.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(crate) fn recv_flagged(
        &self,
        os: &Os,
        s: SocketHandle,
        len: usize,
        flags: u32,
    ) -> Result<(), WsaError> {
        let buffers = [self.buffer.part(0..len)];
        self.start(s, |overlapped, routine| {
            os.wsa_recv(s, &buffers, flags, Some(overlapped), routine)
        })
    }

    /// WSARecvFrom of at most `len` bytes.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(crate) fn recv_from(&self, os: &Os, s: SocketHandle, len: usize) -> Result<(), WsaError> {
        self.from.reset();
        let buffers = [self.buffer.part(0..len)];
        self.start(s, |overlapped, routine| {
            os.wsa_recv_from(s, &buffers, 0, Some(&self.from), Some(overlapped), routine)
        })
    }

    /// Who sent what [`Self::recv_from`] received.
    pub(crate) fn source(&self) -> Option<SocketAddr> {
        self.from.address()
    }

    fn start(
        &self,
        s: SocketHandle,
        call: impl FnOnce(&Overlapped, Routine) -> Result<u32, WsaError>,
    ) -> Result<(), WsaError> {
        let overlapped = self.overlapped.borrow().clone();
        overlapped.reset();
        let routine = match self.style {
            Style::Routine => {
                self.operations.expect(&overlapped, &self.place);
                self.operations.routine()
            }
            Style::Event { .. } | Style::Poll => Routine::NULL,
        };
        self.socket.set(s);
        self.final_since_ns.set(0);
        self.place.set(Progress::Out);
        match call(&overlapped, routine) {
            Ok(_) | Err(WsaError::WSA_IO_PENDING) => Ok(()),
            Err(error) => {
                self.operations.forget(&overlapped);
                self.place.set(Progress::Idle);
                Err(error)
            }
        }
    }

    /// How the operation ended, if it has; the slot is free then.
    pub(crate) fn take_end(&self, os: &Os) -> Option<Ended> {
        let ended = match self.place.get() {
            Progress::Idle => return None,
            Progress::Told(ended) => {
                self.agree(os, ended);
                ended
            }
            Progress::Out if !self.is_worth_a_look() => return None,
            Progress::Out if !self.overlapped.borrow().has_completed() => return None,
            Progress::Out => match self.style {
                Style::Routine => self.routine_missing(os)?,
                Style::Event { .. } | Style::Poll => self.stored(os)?,
            },
        };
        self.place.set(Progress::Idle);
        Some(ended)
    }

    /// Whether the OVERLAPPED is to be looked at now. A routine tells of its operation, and only one
    /// that was refused leaves nothing but the status: looking now and then is enough.
    fn is_worth_a_look(&self) -> bool {
        if self.style != Style::Routine {
            return true;
        }
        let passed = self.passed.get();
        self.passed.set(passed.wrapping_add(1));
        passed.is_multiple_of(LOOK_EVERY)
    }

    /// The result as the OVERLAPPED has it.
    fn in_overlapped(&self) -> Ended {
        let overlapped = self.overlapped.borrow().clone();
        Ended {
            error: WsaError(overlapped.error() as i32),
            bytes: overlapped.bytes() as u32,
            flags: 0,
        }
    }

    /// Routine and OVERLAPPED have to say the same (OVL-12).
    fn agree(&self, os: &Os, told: Ended) {
        let stored = self.in_overlapped();
        if (stored.error, stored.bytes) != (told.error, told.bytes) {
            os.fail(&format!("the routine was told {told:?}, the OVERLAPPED has {stored:?}"));
        }
    }

    /// The status is final and no routine has come: it may be late. After a while it was refused,
    /// and the OVERLAPPED is left behind in case that was wrong.
    fn routine_missing(&self, os: &Os) -> Option<Ended> {
        let now_ns = os.now_ns();
        if self.final_since_ns.get() == 0 {
            self.final_since_ns.set(now_ns);
        }
        if now_ns - self.final_since_ns.get() < ROUTINE_LATE_NS {
            return None;
        }
        let ended = self.in_overlapped();
        let fresh = os.overlapped_with_event(self.event);
        self.operations.retire(self.overlapped.replace(fresh));
        Some(ended)
    }

    /// The result as the OVERLAPPED has it, which is what a program needs. WSAGetOverlappedResult
    /// has to say the same: it is asked about every failure and some successes, as long as there is
    /// a socket to ask.
    fn stored(&self, os: &Os) -> Option<Ended> {
        let overlapped = self.overlapped.borrow().clone();
        let ended = self.in_overlapped();
        let looked = self.looked.get();
        self.looked.set(looked.wrapping_add(1));
        if ended.is_ok() && !looked.is_multiple_of(ASK_EVERY) {
            return Some(ended);
        }
        match os.wsa_get_overlapped_result(self.socket.get(), &overlapped, false) {
            Err(WsaError::WSA_IO_INCOMPLETE) => {
                os.fail("WSAGetOverlappedResult says WSA_IO_INCOMPLETE of a final status");
            }
            Ok((bytes, _)) if !ended.is_ok() || bytes != ended.bytes => {
                os.fail(&format!("WSAGetOverlappedResult gave {bytes} bytes for {ended:?}"));
            }
            Err(WsaError::WSAENOTSOCK) | Ok(_) => {}
            Err(error) if error != ended.error => {
                os.fail(&format!("WSAGetOverlappedResult gave {error:?} for {ended:?}"));
            }
            Err(_) => {}
        }
        Some(ended)
    }
}

/// Waits alertably until an operation of `slots` may have ended, at most `ms`. Not before
/// something ended that [`Slot::take_end`] has not given yet.
pub(crate) fn wait_for_any<'a>(os: &Os, slots: impl IntoIterator<Item = &'a Slot>, ms: u32) {
    let mut events: Vec<Handle> = Vec::new();
    let mut most_ms = ms;
    for slot in slots {
        match slot.place.get() {
            Progress::Idle => continue,
            Progress::Told(_) => return,
            Progress::Out => {}
        }
        match slot.style {
            Style::Routine => most_ms = most_ms.min(LOOK_MS),
            Style::Event { .. } => {
                if events.is_empty() {
                    events.reserve(EVENTS_USUAL);
                }
                events.push(slot.event.into());
            }
            Style::Poll => most_ms = most_ms.min(POLL_MS),
        }
    }
    events.truncate(MAXIMUM_WAIT_OBJECTS);
    if events.is_empty() {
        os.sleep_ex(most_ms, true);
    } else {
        // An event may have been taken by a wait for something else, or stand beyond the limit.
        os.wait_for_multiple_objects_ex(&events, false, most_ms.min(LOOK_MS), true);
    }
}

/// Sleeps alertably, as a program does that retries.
pub(crate) fn pause(os: &Os, ms: u32) {
    os.sleep_ex(ms, true);
}

/// Closes the socket and waits until the operations of `slots` have ended, as they must.
pub(crate) fn close_and_settle<'a>(
    os: &Os,
    s: SocketHandle,
    slots: impl IntoIterator<Item = &'a Slot> + Clone,
) {
    close(os, s);
    let deadline_ns = os.now_ns() + CLOSE_NS;
    loop {
        let mut busy = 0;
        for slot in slots.clone() {
            if slot.take_end(os).is_none() && slot.is_busy() {
                busy += 1;
            }
        }
        if busy == 0 {
            return;
        }
        if os.now_ns() > deadline_ns {
            os.fail(&format!("{busy} operations have not ended though their socket was closed"));
            return;
        }
        wait_for_any(os, slots.clone(), LOOK_MS);
    }
}
