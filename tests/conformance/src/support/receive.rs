//! Receiving at the other end.

use core::net::SocketAddr;

use provider_core::layout::{SOCKADDR_IN6, WsaBuf};
use provider_core::spi::SOCKET_ERROR;
use provider_core::{OverlappedArgs, Routine, SocketHandle, UserPtr, WsaError};

use super::scratch::Errno;
use super::sockets::decode_address;
use super::{COUNT_SENTINEL, Guarded, Op, set_nonblocking};
use crate::{CaseResult, Failure, TestBed, check};

const ROOM: usize = 70_000;

/// One receive of up to `room` bytes, in the socket's own mode.
///
/// # Errors
/// What it left in `lpErrno`.
pub fn receive_ready(
    bed: &dyn TestBed,
    s: SocketHandle,
    room: usize,
) -> Result<(Vec<u8>, Option<SocketAddr>), WsaError> {
    let buf = bed.alloc(room);
    let array = Guarded::holding(bed, &WsaBuf { len: room as u32, buf }.encode());
    let count = Guarded::holding(bed, &[0; 4]);
    let flags = Guarded::holding(bed, &[0; 4]);
    let from = Guarded::holding(bed, &[0; SOCKADDR_IN6]);
    let fromlen = Guarded::holding(bed, &(SOCKADDR_IN6 as u32).to_le_bytes());
    let errno = Errno::new(bed);
    let value = bed.spi().wsp_recv_from(
        s,
        array.at(),
        1,
        count.at(),
        flags.at(),
        from.at(),
        fromlen.at(),
        OverlappedArgs::NONE,
        errno.at(),
    );
    let result = if value == 0 {
        let mut bytes = vec![0; (count.word(bed) as usize).min(room)];
        bed.read(buf, &mut bytes);
        Ok((bytes, decode_address(&from.bytes(bed))))
    } else {
        Err(errno.error(bed))
    };
    bed.free(buf);
    result
}

/// Polls a socket, made nonblocking, until a receive gives something or fails for good.
fn poll(
    bed: &dyn TestBed,
    s: SocketHandle,
    room: usize,
) -> Result<(Vec<u8>, Option<SocketAddr>), WsaError> {
    set_nonblocking(bed, s, true)?;
    let mut result = receive_ready(bed, s, room);
    for _ in 0..bed.patience() {
        if !matches!(result, Err(WsaError::WSAEWOULDBLOCK)) {
            break;
        }
        bed.pause(false);
        result = receive_ready(bed, s, room);
    }
    set_nonblocking(bed, s, false)?;
    result
}

/// The next datagram and its sender. The socket is in blocking mode afterwards.
///
/// # Errors
/// None came.
#[track_caller]
pub fn receive_datagram(bed: &dyn TestBed, s: SocketHandle) -> CaseResult<(Vec<u8>, SocketAddr)> {
    let (bytes, from) = check::works("receiving a datagram", poll(bed, s, ROOM))?;
    match from {
        Some(from) => Ok((bytes, from)),
        None => Err(Failure::new("a datagram came without its sender")),
    }
}

/// The next `len` bytes of a stream. The socket is in blocking mode afterwards.
///
/// # Errors
/// They did not all come.
#[track_caller]
pub fn receive_exactly(bed: &dyn TestBed, s: SocketHandle, len: usize) -> CaseResult<Vec<u8>> {
    let mut all = Vec::with_capacity(len);
    while all.len() < len {
        let what = format!("receiving byte {} of {len}", all.len());
        let (bytes, _) = check::works(&what, poll(bed, s, (len - all.len()).min(ROOM)))?;
        if bytes.is_empty() {
            return Err(Failure::new(format!(
                "the stream ended after {} of {len} bytes",
                all.len()
            )));
        }
        all.extend(bytes);
    }
    Ok(all)
}

/// A grace passes and nothing is there to be received, an empty datagram neither.
///
/// # Errors
/// Something is.
#[track_caller]
pub fn nothing_arrives(bed: &dyn TestBed, s: SocketHandle) -> CaseResult {
    bed.grace(false);
    check::works("FIONBIO", set_nonblocking(bed, s, true))?;
    let got = receive_ready(bed, s, ROOM);
    check::works("FIONBIO", set_nonblocking(bed, s, false))?;
    check::fails("what arrived", got, WsaError::WSAEWOULDBLOCK)
}

/// Posts an overlapped WSPRecvFrom that has to pend, with room for `room` bytes and no event.
///
/// # Errors
/// It did not pend.
#[track_caller]
pub fn post_receive(
    bed: &dyn TestBed,
    s: SocketHandle,
    room: usize,
    op: &Op,
    routine: Routine,
) -> CaseResult {
    let buf = bed.alloc(room);
    let array = Guarded::holding(bed, &WsaBuf { len: room as u32, buf }.encode());
    let count = Guarded::holding(bed, &COUNT_SENTINEL.to_le_bytes());
    let flags = Guarded::holding(bed, &[0; 4]);
    let thread_id = Guarded::holding(bed, &bed.thread_id().encode());
    let errno = Errno::new(bed);
    let overlapped = OverlappedArgs { overlapped: op.at(), routine, thread_id: thread_id.at() };
    let none = UserPtr::NULL;
    let value = bed.spi().wsp_recv_from(
        s,
        array.at(),
        1,
        count.at(),
        flags.at(),
        none,
        none,
        overlapped,
        errno.at(),
    );
    array.scribble(bed);
    thread_id.scribble(bed);
    check::equal("the receive", (value, errno.error(bed)), (SOCKET_ERROR, WsaError::WSA_IO_PENDING))
}
