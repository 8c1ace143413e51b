//! Completion ports.
//!
//! A packet comes for every overlapped operation without a completion routine on a socket that is
//! associated with a port, unless the low bit of its `hEvent` is set: also for one that succeeded at
//! once. There is no SetFileCompletionNotificationModes: FILE_SKIP_COMPLETION_PORT_ON_SUCCESS is for
//! IFS handles, and the sockets of a provider that is no file system are none (KB2568167).

use std::rc::Rc;

use provider_core::spi::INVALID_SOCKET;
use provider_core::{SocketHandle, UserPtr};

use crate::event::{Point, What};
use crate::kernel::handles::Association;
use crate::kernel::{CompletionPacket, PortObject, WAIT_FAILED, WaitFor, Woken};

use super::{Handle, Os, Win32Error};

/// How many threads a port lets run that was made with 0 for NumberOfConcurrentThreads: as many as
/// the machine has processors.
pub const PROCESSORS: u32 = 2;

/// A completion port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortHandle(pub usize);

impl From<PortHandle> for Handle {
    fn from(port: PortHandle) -> Self {
        Self(port.0)
    }
}

/// What GetQueuedCompletionStatus stores when it dequeued a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The key of the socket, or what was posted as such.
    pub key: usize,
    /// The OVERLAPPED of the operation, or what was posted as such.
    pub overlapped: UserPtr,
    /// Bytes transferred, or what was posted as such.
    pub bytes: u32,
}

/// Why GetQueuedCompletionStatus returned FALSE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotQueued {
    /// `*lpOverlapped` is not null: the packet was dequeued, and its operation failed.
    Failed(Packet, Win32Error),
    /// `*lpOverlapped` is null: nothing was dequeued.
    Nothing(Win32Error),
}

/// An OVERLAPPED_ENTRY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverlappedEntry {
    /// Key, OVERLAPPED and bytes.
    pub packet: Packet,
    /// `Internal` as the OVERLAPPED has it: 0 for success.
    pub internal: u32,
}

impl OverlappedEntry {
    fn of(packet: CompletionPacket) -> Self {
        let CompletionPacket { key, overlapped, error, bytes } = packet;
        Self { packet: Packet { key, overlapped, bytes }, internal: error }
    }
}

impl Os {
    /// CreateIoCompletionPort: associates the socket `file` with the port `existing`, or with a new
    /// one. INVALID_SOCKET (INVALID_HANDLE_VALUE) only makes a new port. Sockets can be associated
    /// whether they were made for overlapped I/O or not, as ws2_32's handles for such providers can.
    ///
    /// # Errors
    /// ERROR_INVALID_HANDLE; ERROR_INVALID_PARAMETER when the socket has a port already, or when
    /// there is a port and no socket.
    pub fn create_io_completion_port(
        &self,
        file: SocketHandle,
        existing: Option<PortHandle>,
        key: usize,
        concurrent_threads: u32,
    ) -> Result<PortHandle, Win32Error> {
        self.kernel().point(Point::Port);
        let known = existing.map(|port| self.port_object(port)).transpose()?;
        if file == INVALID_SOCKET {
            return match existing {
                None => Ok(self.open_port(self.new_port(concurrent_threads))),
                Some(_) => Err(self.win32_failed(Win32Error::ERROR_INVALID_PARAMETER)),
            };
        }
        let port = known.unwrap_or_else(|| self.new_port(concurrent_threads));
        let mut handles = self.process.handles.borrow_mut();
        if handles.socket(file).is_none() {
            drop(handles);
            return Err(self.win32_failed(Win32Error::ERROR_INVALID_HANDLE));
        }
        if !handles.associate(file, Association { port: Rc::clone(&port), key }) {
            drop(handles);
            return Err(self.win32_failed(Win32Error::ERROR_INVALID_PARAMETER));
        }
        drop(handles);
        self.process.watch(|watch| watch.port_associated(file));
        Ok(existing.unwrap_or_else(|| self.open_port(port)))
    }

    /// GetQueuedCompletionStatus.
    ///
    /// # Errors
    /// [`NotQueued::Failed`] with the packet of an operation that failed. [`NotQueued::Nothing`]:
    /// WAIT_TIMEOUT, ERROR_ABANDONED_WAIT_0 when the port was closed meanwhile,
    /// ERROR_INVALID_HANDLE.
    pub fn get_queued_completion_status(
        &self,
        port: PortHandle,
        milliseconds: u32,
    ) -> Result<Packet, NotQueued> {
        let object = self.port_object(port).map_err(NotQueued::Nothing)?;
        let taken = self.dequeue(&object, milliseconds, false).map_err(NotQueued::Nothing)?;
        let entry = OverlappedEntry::of(taken);
        match Win32Error::of_operation(taken.error) {
            Win32Error::ERROR_SUCCESS => Ok(entry.packet),
            error => Err(NotQueued::Failed(entry.packet, self.win32_failed(error))),
        }
    }

    /// GetQueuedCompletionStatusEx: at most `count` packets, one at least. What became of the
    /// operations is in the entries.
    ///
    /// # Errors
    /// As the others of [`Self::get_queued_completion_status`]; WAIT_IO_COMPLETION when APCs ran in
    /// an alertable wait; ERROR_INVALID_PARAMETER for a `count` of 0.
    pub fn get_queued_completion_status_ex(
        &self,
        port: PortHandle,
        count: usize,
        milliseconds: u32,
        alertable: bool,
    ) -> Result<Vec<OverlappedEntry>, Win32Error> {
        let object = self.port_object(port)?;
        if count == 0 {
            return Err(self.win32_failed(Win32Error::ERROR_INVALID_PARAMETER));
        }
        let mut entries =
            vec![OverlappedEntry::of(self.dequeue(&object, milliseconds, alertable)?)];
        while entries.len() < count
            && let Some(packet) = self.kernel().next_packet(&object)
        {
            entries.push(OverlappedEntry::of(packet));
        }
        Ok(entries)
    }

    /// PostQueuedCompletionStatus. What is posted comes out as it is, as a success.
    ///
    /// # Errors
    /// ERROR_INVALID_HANDLE.
    pub fn post_queued_completion_status(
        &self,
        port: PortHandle,
        bytes: u32,
        key: usize,
        overlapped: UserPtr,
    ) -> Result<(), Win32Error> {
        let object = self.port_object(port)?;
        self.kernel().post_packet(&object, CompletionPacket { key, overlapped, error: 0, bytes });
        Ok(())
    }

    fn dequeue(
        &self,
        port: &Rc<PortObject>,
        milliseconds: u32,
        alertable: bool,
    ) -> Result<CompletionPacket, Win32Error> {
        let wait_for = WaitFor::Port(Rc::clone(port), alertable);
        let woken = self.wait_perhaps_mortally(wait_for, milliseconds);
        let packet = match (woken, self.me()) {
            (Some(Woken::Object(_)), Some(me)) => self.kernel().packet_taken(&me, port),
            _ => None,
        };
        if let Some(packet) = packet {
            return Ok(packet);
        }
        let (result, error) = match woken {
            Some(Woken::TimedOut) => (Woken::TimedOut.result(), Win32Error::WAIT_TIMEOUT),
            Some(Woken::Apcs) => (Woken::Apcs.result(), Win32Error::WAIT_IO_COMPLETION),
            Some(Woken::Object(_)) | None => (WAIT_FAILED, Win32Error::ERROR_ABANDONED_WAIT_0),
        };
        self.kernel().record(What::WaitEnd(result));
        Err(self.win32_failed(error))
    }

    fn new_port(&self, concurrent_threads: u32) -> Rc<PortObject> {
        let concurrency = if concurrent_threads == 0 { PROCESSORS } else { concurrent_threads };
        self.kernel().new_port(concurrency)
    }

    fn open_port(&self, port: Rc<PortObject>) -> PortHandle {
        self.process.handles.borrow_mut().open_port(port)
    }

    fn port_object(&self, port: PortHandle) -> Result<Rc<PortObject>, Win32Error> {
        self.kernel().point(Point::Port);
        let object = self.process.handles.borrow().port(port);
        object.ok_or_else(|| self.win32_failed(Win32Error::ERROR_INVALID_HANDLE))
    }

    fn win32_failed(&self, error: Win32Error) -> Win32Error {
        if let Some(me) = self.me() {
            me.last_error.set(error.0 as i32);
        }
        error
    }
}
