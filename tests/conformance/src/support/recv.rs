//! WSPRecv with flags.

use provider_core::layout::WsaBuf;
use provider_core::{OverlappedArgs, Routine, SocketHandle, UserPtr, WsaError};

use super::scratch::Errno;
use super::{Guarded, Op};
use crate::TestBed;

/// One nonoverlapped WSPRecv of up to `room` bytes, in the socket's own mode: the bytes, and what it
/// left in `lpFlags`.
///
/// # Errors
/// What it left in `lpErrno`.
pub fn recv(
    bed: &dyn TestBed,
    s: SocketHandle,
    room: usize,
    flags: u32,
) -> Result<(Vec<u8>, u32), WsaError> {
    let posted = Posted::call(bed, s, room, flags, OverlappedArgs::NONE)?;
    Ok((posted.bytes(bed, posted.count.word(bed) as usize), posted.flags.word(bed)))
}

/// An overlapped receive that was not refused.
#[derive(Clone, Copy, Debug)]
pub struct Posted {
    buf: UserPtr,
    room: usize,
    count: Guarded,
    flags: Guarded,
    /// It returned 0, and not WSA_IO_PENDING.
    pub at_once: bool,
}

impl Posted {
    /// An overlapped WSPRecv of up to `room` bytes.
    ///
    /// # Errors
    /// What it left in `lpErrno`, unless that is WSA_IO_PENDING.
    pub fn recv(
        bed: &dyn TestBed,
        s: SocketHandle,
        room: usize,
        flags: u32,
        op: &Op,
    ) -> Result<Self, WsaError> {
        let overlapped = OverlappedArgs {
            overlapped: op.at(),
            routine: Routine::NULL,
            thread_id: UserPtr::NULL,
        };
        Self::call(bed, s, room, flags, overlapped)
    }

    fn call(
        bed: &dyn TestBed,
        s: SocketHandle,
        room: usize,
        flags: u32,
        overlapped: OverlappedArgs,
    ) -> Result<Self, WsaError> {
        let buf = bed.alloc(room.max(1));
        let array = Guarded::holding(bed, &WsaBuf { len: room as u32, buf }.encode());
        let count = Guarded::holding(bed, &[0; 4]);
        let flags = Guarded::holding(bed, &flags.to_le_bytes());
        let errno = Errno::new(bed);
        let value =
            bed.spi().wsp_recv(s, array.at(), 1, count.at(), flags.at(), overlapped, errno.at());
        array.scribble(bed);
        let posted = Self { buf, room, count, flags, at_once: value == 0 };
        match errno.error(bed) {
            _ if value == 0 => Ok(posted),
            WsaError::WSA_IO_PENDING => Ok(posted),
            error => Err(error),
        }
    }

    /// The first `len` bytes of its buffer, once it has ended.
    pub fn bytes(&self, bed: &dyn TestBed, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len.min(self.room)];
        bed.read(self.buf, &mut bytes);
        bytes
    }
}
