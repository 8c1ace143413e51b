//! The memory that a call's arguments live in: a block for each call that a thread is inside of,
//! as the stack is on Windows.

use std::rc::Rc;

use core::net::SocketAddr;

use provider_core::layout::{self, SOCKADDR_IN6, WsaBuf, overlapped, wsabuf};
use provider_core::spi::{AF_INET, AF_INET6, INVALID_SOCKET, SOCKET_ERROR};
use provider_core::{OverlappedArgs, Routine, SocketHandle, UserPtr, WsaError};

use crate::boundary::Boundary;
use crate::kernel::Thread;

use super::{Os, Overlapped};

const ERRNO: usize = 0;
const COUNT: usize = 8;
const FLAGS: usize = 16;
const LENGTH: usize = 24;
const VALUE: usize = 32;
const ADDRESS: usize = 64;
const THREAD_ID: usize = 128;
const ARRAY: usize = 256;
/// WSABUFs that fit; more get memory of their own.
const ARRAY_MAX: usize = 32;
const FRAME_BYTES: usize = ARRAY + ARRAY_MAX * wsabuf::SIZE;

/// One call's arguments.
pub(super) struct Args<'os> {
    os: &'os Os,
    pub(super) thread: Rc<Thread>,
    pub(super) spi: Rc<Boundary>,
    base: UserPtr,
    /// Memory taken for this call alone.
    extra: Vec<UserPtr>,
}

impl<'os> Args<'os> {
    /// Room for a call of the running thread.
    ///
    /// # Errors
    /// WSAENETDOWN while the thread is torn down.
    pub(super) fn new(os: &'os Os) -> Result<Self, WsaError> {
        let (thread, spi) = os.reach()?;
        let depth = thread.frame_depth.get();
        let known = thread.frames.borrow().get(depth).copied();
        let base = known.unwrap_or_else(|| {
            let base = os.process.alloc(FRAME_BYTES);
            thread.frames.borrow_mut().push(base);
            base
        });
        thread.frame_depth.set(depth + 1);
        let args = Self { os, thread, spi, base, extra: Vec::new() };
        os.write_user(args.errno(), &0_i32.to_le_bytes());
        Ok(args)
    }

    pub(super) fn errno(&self) -> UserPtr {
        self.base.offset(ERRNO)
    }

    /// `lpNumberOfBytes...`, set to 0.
    pub(super) fn count(&self) -> UserPtr {
        self.word(COUNT, 0)
    }

    pub(super) fn count_value(&self) -> u32 {
        self.os.read_u32(self.base.offset(COUNT))
    }

    pub(super) fn flags(&self, flags: u32) -> UserPtr {
        self.word(FLAGS, flags)
    }

    pub(super) fn flags_value(&self) -> u32 {
        self.os.read_u32(self.base.offset(FLAGS))
    }

    pub(super) fn length(&self, len: usize) -> UserPtr {
        self.word(LENGTH, len as u32)
    }

    /// An option's or an ioctl's value.
    pub(super) fn value(&self, value: u32) -> UserPtr {
        self.word(VALUE, value)
    }

    pub(super) fn value_read(&self) -> u32 {
        self.os.read_u32(self.base.offset(VALUE))
    }

    fn word(&self, at: usize, value: u32) -> UserPtr {
        let at = self.base.offset(at);
        self.os.write_user(at, &value.to_le_bytes());
        at
    }

    /// A socket address to pass, and its length.
    pub(super) fn address(&self, address: SocketAddr) -> (UserPtr, i32) {
        let (bytes, len) = layout::encode_sockaddr(&address);
        let at = self.base.offset(ADDRESS);
        self.os.write_user(at, &bytes[..len]);
        (at, len as i32)
    }

    /// Room for a socket address, and for its length.
    pub(super) fn address_room(&self) -> (UserPtr, UserPtr) {
        let at = self.base.offset(ADDRESS);
        self.os.write_user(at, &[0; SOCKADDR_IN6]);
        (at, self.length(SOCKADDR_IN6))
    }

    pub(super) fn address_value(&self) -> Result<SocketAddr, WsaError> {
        self.os.read_address(self.base.offset(ADDRESS)).ok_or(WsaError::WSAEAFNOSUPPORT)
    }

    /// A WSABUF array.
    pub(super) fn buffers(&mut self, buffers: &[WsaBuf]) -> (UserPtr, u32) {
        let at = if buffers.len() > ARRAY_MAX {
            let at = self.os.process.alloc(buffers.len() * wsabuf::SIZE);
            self.extra.push(at);
            at
        } else {
            self.base.offset(ARRAY)
        };
        for (index, buffer) in buffers.iter().enumerate() {
            self.os.write_user(at.offset(index * wsabuf::SIZE), &buffer.encode());
        }
        (at, buffers.len() as u32)
    }

    /// Memory for this call, filled with `bytes`.
    pub(super) fn staged(&mut self, bytes: &[u8]) -> WsaBuf {
        let buffer = self.room(bytes.len());
        self.os.write_user(buffer.buf, bytes);
        buffer
    }

    /// Memory for this call.
    pub(super) fn room(&mut self, len: usize) -> WsaBuf {
        if len == 0 {
            return WsaBuf { len: 0, buf: UserPtr::NULL };
        }
        let at = self.os.process.alloc(len);
        self.extra.push(at);
        WsaBuf { len: len as u32, buf: at }
    }

    /// What ws2_32 passes for overlapped I/O, the thread's id included.
    ///
    /// # Errors
    /// WSAEINVAL for a routine on a socket that is associated with a completion port (APC-15). That
    /// is the system's business: a provider does not see the association.
    pub(super) fn overlapped(
        &self,
        s: SocketHandle,
        overlapped: Option<&Overlapped>,
        routine: Routine,
    ) -> Result<OverlappedArgs, WsaError> {
        if overlapped.is_some()
            && !routine.is_null()
            && self.os.process.handles.borrow().association(s).is_some()
        {
            self.thread.last_error.set(WsaError::WSAEINVAL.0);
            return Err(WsaError::WSAEINVAL);
        }
        let thread_id = self.base.offset(THREAD_ID);
        self.os.write_user(thread_id, &self.thread.thread_id().encode());
        let overlapped = overlapped.map_or(UserPtr::NULL, Overlapped::ptr);
        Ok(OverlappedArgs { overlapped, routine, thread_id })
    }

    /// What an `int` says, with the error that the provider left.
    pub(super) fn done(&self, value: i32) -> Result<(), WsaError> {
        if value != SOCKET_ERROR { Ok(()) } else { Err(self.failed()) }
    }

    /// A SOCKET that a call returned.
    ///
    /// # Errors
    /// What the call left in `lpErrno`, where it is none.
    pub(super) fn socket(&self, socket: SocketHandle) -> Result<SocketHandle, WsaError> {
        if socket == INVALID_SOCKET { Err(self.failed()) } else { Ok(socket) }
    }

    /// The error that the provider left; it becomes the thread's last error.
    pub(super) fn failed(&self) -> WsaError {
        let error = WsaError(self.os.read_u32(self.errno()) as i32);
        self.thread.last_error.set(error.0);
        error
    }
}

impl Drop for Args<'_> {
    fn drop(&mut self) {
        self.thread.frame_depth.set(self.thread.frame_depth.get() - 1);
        for ptr in self.extra.drain(..) {
            self.os.process.free(ptr);
        }
    }
}

impl Os {
    /// The socket address in user memory.
    pub(super) fn read_address(&self, at: UserPtr) -> Option<SocketAddr> {
        let mut family = [0; 2];
        self.read_user(at, &mut family);
        match layout::sockaddr_family(&family) {
            AF_INET => {
                let mut bytes = [0; layout::SOCKADDR_IN];
                self.read_user(at, &mut bytes);
                Some(layout::decode_sockaddr_in(&bytes))
            }
            AF_INET6 => {
                let mut bytes = [0; SOCKADDR_IN6];
                self.read_user(at, &mut bytes);
                Some(layout::decode_sockaddr_in6(&bytes))
            }
            _ => None,
        }
    }
}

/// Bytes of an OVERLAPPED.
pub(super) const OVERLAPPED_BYTES: usize = overlapped::SIZE;
