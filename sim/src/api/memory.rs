//! User memory: buffers, overlapped structures, room for addresses.

use core::net::SocketAddr;
use core::ops::Range;
use std::rc::Rc;

use provider_core::layout::{POINTER, SOCKADDR_IN6, WsaBuf, overlapped as offsets};
use provider_core::spi::WSS_OPERATION_IN_PROGRESS;
use provider_core::{EventHandle, UserPtr};

use super::Os;
use super::args::OVERLAPPED_BYTES;

/// A block of user memory. Dropped while the system owns a part of it, it goes away when that
/// ends: a program need not wait before it lets go.
pub struct Buffer {
    os: Os,
    ptr: UserPtr,
    len: usize,
}

impl Buffer {
    /// Its address.
    pub fn ptr(&self) -> UserPtr {
        self.ptr
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The whole block as a WSABUF.
    pub fn all(&self) -> WsaBuf {
        WsaBuf { len: self.len as u32, buf: self.ptr }
    }

    /// A part of it as a WSABUF; what lies outside of the block is cut off.
    pub fn part(&self, range: Range<usize>) -> WsaBuf {
        let end = range.end.min(self.len);
        let start = range.start.min(end);
        WsaBuf { len: (end - start) as u32, buf: self.ptr.offset(start) }
    }

    /// Writes `bytes` at `offset`. While the system owns the memory this is the program's mistake,
    /// and a finding.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        self.os.write_user(self.ptr.offset(offset), bytes);
    }

    /// `len` bytes at `offset`.
    pub fn read(&self, offset: usize, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.read_into(offset, &mut bytes);
        bytes
    }

    /// Reads `into.len()` bytes at `offset`. As [`Self::write`], not while the system owns them.
    pub fn read_into(&self, offset: usize, into: &mut [u8]) {
        self.os.read_user(self.ptr.offset(offset), into);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.os.process.free(self.ptr);
    }
}

/// A WSAOVERLAPPED in user memory. Clones are the same structure.
#[derive(Clone)]
pub struct Overlapped {
    buffer: Rc<Buffer>,
}

impl Overlapped {
    /// Its address: what a completion routine is given.
    pub fn ptr(&self) -> UserPtr {
        self.buffer.ptr
    }

    /// Zeroes all but `hEvent`, for the next operation.
    pub fn reset(&self) {
        self.buffer.write(0, &[0; offsets::EVENT]);
    }

    /// Sets `hEvent`; `EventHandle(0)` for none. With its low bit set no packet goes to the socket's
    /// completion port.
    pub fn set_event(&self, event: EventHandle) {
        self.buffer.write(offsets::EVENT, &event.0.to_le_bytes());
    }

    /// HasOverlappedIoCompleted. Allowed at any time.
    pub fn has_completed(&self) -> bool {
        self.status() != WSS_OPERATION_IN_PROGRESS
    }

    /// The low 32 bits of `Internal`. Allowed at any time.
    pub fn status(&self) -> u32 {
        self.buffer.os.status_raw(self.ptr())
    }

    /// `InternalHigh`: bytes transferred, once it has completed.
    pub fn bytes(&self) -> usize {
        let mut word = [0; POINTER];
        self.buffer.read_into(offsets::INTERNAL_HIGH, &mut word);
        usize::from_le_bytes(word)
    }

    /// `OffsetHigh`: the Winsock error, once it has completed.
    pub fn error(&self) -> u32 {
        self.buffer.os.read_u32(self.ptr().offset(offsets::OFFSET_HIGH))
    }
}

/// Room for a sender's address that outlives the call: WSPRecvFrom stores it when it completes.
pub struct AddressBuffer {
    buffer: Buffer,
}

/// Where the length is, behind the address.
const LENGTH: usize = 32;

impl AddressBuffer {
    /// `lpFrom`.
    pub fn ptr(&self) -> UserPtr {
        self.buffer.ptr
    }

    /// `lpFromlen`.
    pub fn len_ptr(&self) -> UserPtr {
        self.buffer.ptr.offset(LENGTH)
    }

    /// Makes it ready for the next receive.
    pub fn reset(&self) {
        self.buffer.write(0, &[0; SOCKADDR_IN6]);
        self.buffer.write(LENGTH, &(SOCKADDR_IN6 as u32).to_le_bytes());
    }

    /// The address stored; `None` when there is none.
    pub fn address(&self) -> Option<SocketAddr> {
        self.buffer.os.read_address(self.ptr())
    }
}

impl Os {
    /// Memory of `len` bytes, zeroed.
    pub fn alloc(&self, len: usize) -> Buffer {
        let ptr = self.process.alloc(len);
        let buffer = Buffer { os: self.clone(), ptr, len };
        if len > 0 {
            buffer.write(0, &vec![0; len]);
        }
        buffer
    }

    /// Memory that holds `bytes`.
    pub fn alloc_with(&self, bytes: &[u8]) -> Buffer {
        let ptr = self.process.alloc(bytes.len());
        let buffer = Buffer { os: self.clone(), ptr, len: bytes.len() };
        buffer.write(0, bytes);
        buffer
    }

    /// A zeroed WSAOVERLAPPED.
    pub fn overlapped(&self) -> Overlapped {
        Overlapped { buffer: Rc::new(self.alloc(OVERLAPPED_BYTES)) }
    }

    /// A zeroed WSAOVERLAPPED with an event.
    pub fn overlapped_with_event(&self, event: EventHandle) -> Overlapped {
        let overlapped = self.overlapped();
        overlapped.set_event(event);
        overlapped
    }

    /// Room for a sender's address.
    pub fn address_buffer(&self) -> AddressBuffer {
        let buffer = AddressBuffer { buffer: self.alloc(LENGTH + 4) };
        buffer.reset();
        buffer
    }
}
