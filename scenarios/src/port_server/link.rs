//! A socket on the port, and its overlapped operations: what every kind of session has.

use core::cell::Cell;

use provider_core::{EventHandle, SocketHandle, UserPtr, WsaError as E};
use wspsim::api::{AddressBuffer, Buffer, Os, Overlapped, Packet, Win32Error};

use crate::common::Ended;
use crate::common::close;

/// Where an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Idle,
    /// Its packet is to come.
    Out,
    /// It has an event whose low bit is set: no packet is to come.
    Quiet,
}

/// An overlapped operation, and the memory it uses.
pub(super) struct Operation {
    pub(super) buffer: Buffer,
    pub(super) from: AddressBuffer,
    overlapped: Overlapped,
    progress: Cell<Progress>,
    /// How many bytes a send is to have.
    pub(super) len: Cell<usize>,
}

impl Operation {
    pub(super) fn new(os: &Os, room: usize) -> Self {
        Self {
            buffer: os.alloc(room),
            from: os.address_buffer(),
            overlapped: os.overlapped(),
            progress: Cell::new(Progress::Idle),
            len: Cell::new(0),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.progress.get() == Progress::Idle
    }

    pub(super) fn is_at(&self, overlapped: UserPtr) -> bool {
        self.overlapped.ptr() == overlapped
    }

    /// What the OVERLAPPED says.
    fn stored(&self) -> Ended {
        Ended {
            error: E(self.overlapped.error() as i32),
            bytes: self.overlapped.bytes() as u32,
            flags: 0,
        }
    }

    /// Its packet came. `None`, and a finding, when it does not fit.
    pub(super) fn told(&self, os: &Os, packet: &Packet, error: Win32Error) -> Option<Ended> {
        match self.progress.get() {
            Progress::Out => self.progress.set(Progress::Idle),
            wrong => {
                os.fail(&format!("a packet of an operation that is {wrong:?}: {packet:?}"));
                return None;
            }
        }
        if !self.overlapped.has_completed() {
            os.fail(&format!("a packet of an operation that has not completed: {packet:?}"));
            return None;
        }
        let stored = self.stored();
        if Win32Error::of_operation(stored.error.0 as u32) != error || stored.bytes != packet.bytes
        {
            os.fail(&format!("{packet:?} with {error:?}, but the OVERLAPPED has {stored:?}"));
        }
        Some(stored)
    }
}

/// A socket that is used by several threads, and closed once, by the last that uses it: after that
/// its handle may be another's.
pub(super) struct Link {
    s: SocketHandle,
    /// Calls with the socket in progress.
    using: Cell<u32>,
    closing: Cell<bool>,
    closed: Cell<bool>,
}

impl Link {
    pub(super) fn new(s: SocketHandle) -> Self {
        Self { s, using: Cell::new(0), closing: Cell::new(false), closed: Cell::new(false) }
    }

    /// Whether somebody wants it closed.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.get()
    }

    /// Whether the socket is closed and none of `operations` is out.
    pub(super) fn is_over(&self, operations: &[Operation]) -> bool {
        self.closed.get() && operations.iter().all(Operation::is_idle)
    }

    /// Closes the socket when nobody uses it any more.
    pub(super) fn close(&self, os: &Os) {
        self.closing.set(true);
        self.close_if_unused(os);
    }

    fn close_if_unused(&self, os: &Os) {
        if self.closing.get() && self.using.get() == 0 {
            // Nobody else comes here while the socket closes.
            self.using.set(1);
            close(os, self.s);
            self.closed.set(true);
        }
    }

    /// Makes a call with the socket.
    ///
    /// # Errors
    /// WSAENOTSOCK when it is closed, or is to be; else as the call.
    pub(super) fn call<R>(
        &self,
        os: &Os,
        call: impl FnOnce(SocketHandle) -> Result<R, E>,
    ) -> Result<R, E> {
        if self.closing.get() {
            return Err(E::WSAENOTSOCK);
        }
        self.using.set(self.using.get() + 1);
        let result = call(self.s);
        self.using.set(self.using.get() - 1);
        self.close_if_unused(os);
        result
    }

    /// Starts an operation whose packet is to come, maybe before this returns.
    ///
    /// # Errors
    /// It was refused: no packet is to come.
    pub(super) fn start(
        &self,
        os: &Os,
        operation: &Operation,
        call: impl FnOnce(SocketHandle, &Overlapped) -> Result<u32, E>,
    ) -> Result<(), E> {
        self.begin(os, operation, Progress::Out, EventHandle(0), call)
    }

    fn begin(
        &self,
        os: &Os,
        operation: &Operation,
        progress: Progress,
        event: EventHandle,
        call: impl FnOnce(SocketHandle, &Overlapped) -> Result<u32, E>,
    ) -> Result<(), E> {
        operation.progress.set(progress);
        let overlapped = operation.overlapped.clone();
        let result = self.call(os, |s| {
            overlapped.reset();
            overlapped.set_event(event);
            call(s, &overlapped)
        });
        match result {
            Ok(_) | Err(E::WSA_IO_PENDING) => Ok(()),
            Err(error) => {
                operation.progress.set(Progress::Idle);
                Err(error)
            }
        }
    }

    /// An operation that tells nobody but its event, a manual-reset one, and the caller waits for
    /// it. A link that stands still for `patience_ms` is closed, or when `enough` says so.
    ///
    /// # Errors
    /// It was refused, or failed.
    pub(super) fn quietly(
        &self,
        os: &Os,
        operation: &Operation,
        event: EventHandle,
        (patience_ms, enough): (u32, &dyn Fn() -> bool),
        call: impl FnOnce(SocketHandle, &Overlapped) -> Result<u32, E>,
    ) -> Result<u32, E> {
        let _ = os.reset_event(event);
        self.begin(os, operation, Progress::Quiet, EventHandle(event.0 | 1), call)?;
        let (mut waited_ms, mut given_up) = (0, false);
        // WSACleanup stores the status and sets no event (CXL-7).
        while !operation.overlapped.has_completed() {
            os.wait_for_single_object(event, LOOK_MS);
            waited_ms += LOOK_MS;
            if !given_up && (waited_ms > patience_ms || enough()) {
                (waited_ms, given_up) = (0, true);
                self.close(os);
            }
            if given_up && waited_ms > CLOSE_MS {
                os.fail("a quiet operation has not ended though its socket was closed");
                return Err(E::WSAENOTSOCK);
            }
        }
        // The event may be set later than the status: the next operation is not to find it set.
        os.wait_for_single_object(event, LOOK_MS);
        operation.progress.set(Progress::Idle);
        operation.stored().result()
    }
}

/// How often a quiet operation is looked at.
const LOOK_MS: u32 = 100;
/// How long operations may take to end once their socket is closed.
const CLOSE_MS: u32 = 30_000;
