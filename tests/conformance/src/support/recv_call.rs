//! WSPRecv and WSPRecvFrom with sentinels and guards, and what may come of them.

use core::net::SocketAddr;

use provider_core::layout::{SOCKADDR_IN6, WsaBuf};
use provider_core::spi::SOCKET_ERROR;
use provider_core::{OverlappedArgs, Routine, SocketHandle, UserPtr, WsaError};

use super::scratch::Errno;
use super::sockets::decode_address;
use super::{COUNT_SENTINEL, Guarded, Op};
use crate::{CaseResult, TestBed, check};

/// A call of WSPRecv or WSPRecvFrom to be made, with buffers, count, flags and room for the
/// sender's address in memory of its own.
#[must_use]
pub struct RecvCall<'b> {
    bed: &'b dyn TestBed,
    socket: SocketHandle,
    is_recv_from: bool,
    buffers: Vec<Guarded>,
    array: Option<(UserPtr, u32)>,
    flags: u32,
    flags_at: Option<UserPtr>,
    from_room: usize,
    from_at: Option<(UserPtr, UserPtr)>,
    op: Option<Op>,
    routine: Routine,
    count_at: Option<UserPtr>,
}

/// What lies in buffers that nothing was received into.
pub const BUFFER_SENTINEL: u8 = 0xee;

impl<'b> RecvCall<'b> {
    /// WSPRecv.
    pub fn recv(bed: &'b dyn TestBed, socket: SocketHandle) -> Self {
        Self {
            bed,
            socket,
            is_recv_from: false,
            buffers: Vec::new(),
            array: None,
            flags: 0,
            flags_at: None,
            from_room: SOCKADDR_IN6,
            from_at: None,
            op: None,
            routine: Routine::NULL,
            count_at: None,
        }
    }

    /// WSPRecvFrom.
    pub fn recv_from(bed: &'b dyn TestBed, socket: SocketHandle) -> Self {
        Self { is_recv_from: true, ..Self::recv(bed, socket) }
    }

    /// One more buffer, of `len` bytes.
    pub fn room(mut self, len: usize) -> Self {
        self.buffers.push(Guarded::holding(self.bed, &vec![BUFFER_SENTINEL; len]));
        self
    }

    /// `lpBuffers` and `dwBufferCount` as they are.
    pub fn array_at(mut self, at: UserPtr, count: u32) -> Self {
        self.array = Some((at, count));
        self
    }

    /// What `lpFlags` points to.
    pub fn flags(mut self, flags: u32) -> Self {
        self.flags = flags;
        self
    }

    /// `lpFlags` as it is.
    pub fn flags_at(mut self, at: UserPtr) -> Self {
        self.flags_at = Some(at);
        self
    }

    /// What `lpFromlen` points to.
    pub fn from_room(mut self, len: usize) -> Self {
        self.from_room = len;
        self
    }

    /// `lpFrom` and `lpFromlen` as they are.
    pub fn from_at(mut self, from: UserPtr, fromlen: UserPtr) -> Self {
        self.from_at = Some((from, fromlen));
        self
    }

    /// `lpOverlapped`.
    pub fn overlapped(mut self, op: &Op) -> Self {
        self.op = Some(*op);
        self
    }

    /// `lpCompletionRoutine`.
    pub fn routine(mut self, routine: Routine) -> Self {
        self.routine = routine;
        self
    }

    /// `lpNumberOfBytesRecvd` as it is.
    pub fn count_at(mut self, at: UserPtr) -> Self {
        self.count_at = Some(at);
        self
    }

    /// Makes the call. What is transient is scribbled over as soon as it has returned.
    pub fn call(self) -> Receiving<'b> {
        let bed = self.bed;
        let entries: Vec<u8> = self
            .buffers
            .iter()
            .flat_map(|buffer| WsaBuf { len: buffer.len() as u32, buf: buffer.at() }.encode())
            .collect();
        let array = Guarded::holding(bed, &entries);
        let thread_id = Guarded::holding(bed, &bed.thread_id().encode());
        let count = Guarded::holding(bed, &COUNT_SENTINEL.to_le_bytes());
        let flags = Guarded::holding(bed, &self.flags.to_le_bytes());
        let from = Guarded::holding(bed, &vec![BUFFER_SENTINEL; self.from_room]);
        let fromlen = Guarded::holding(bed, &(self.from_room as u32).to_le_bytes());
        let errno = Errno::new(bed);
        let (array_at, array_count) =
            self.array.unwrap_or_else(|| (array.at(), self.buffers.len() as u32));
        let count_at = self.count_at.unwrap_or_else(|| count.at());
        let flags_at = self.flags_at.unwrap_or_else(|| flags.at());
        let (from_at, fromlen_at) = self.from_at.unwrap_or_else(|| (from.at(), fromlen.at()));
        let overlapped = OverlappedArgs {
            overlapped: self.op.map_or(UserPtr::NULL, |op| op.at()),
            routine: self.routine,
            thread_id: thread_id.at(),
        };
        let spi = bed.spi();
        let value = if self.is_recv_from {
            spi.wsp_recv_from(
                self.socket,
                array_at,
                array_count,
                count_at,
                flags_at,
                from_at,
                fromlen_at,
                overlapped,
                errno.at(),
            )
        } else {
            spi.wsp_recv(
                self.socket,
                array_at,
                array_count,
                count_at,
                flags_at,
                overlapped,
                errno.at(),
            )
        };
        for transient in [array, thread_id] {
            transient.scribble(bed);
        }
        Receiving {
            bed,
            value,
            error: errno.error(bed),
            count: count.word(bed),
            given_flags: self.flags,
            flags,
            buffers: self.buffers,
            from,
            fromlen,
            op: self.op,
            guards: vec![("lpNumberOfBytesRecvd", count), ("lpFlags", flags)],
        }
    }
}

/// A call that has returned, and the memory that its operation fills.
#[must_use]
pub struct Receiving<'b> {
    bed: &'b dyn TestBed,
    value: i32,
    error: WsaError,
    count: u32,
    given_flags: u32,
    flags: Guarded,
    buffers: Vec<Guarded>,
    from: Guarded,
    fromlen: Guarded,
    op: Option<Op>,
    guards: Vec<(&'static str, Guarded)>,
}

impl Receiving<'_> {
    /// Bytes received where it returned 0, its error otherwise.
    ///
    /// # Errors
    /// What it left in `lpErrno`.
    pub fn result(&self) -> Result<u32, WsaError> {
        if self.value == 0 { Ok(self.count) } else { Err(self.error) }
    }

    /// It returned 0, and these are the bytes.
    ///
    /// # Errors
    /// It did not.
    #[track_caller]
    pub fn gave(&self, bytes: &[u8]) -> CaseResult {
        self.gave_flagged(bytes, 0)
    }

    /// It returned 0 and stored these flags, and these are the bytes.
    ///
    /// # Errors
    /// It did not.
    #[track_caller]
    pub fn gave_flagged(&self, bytes: &[u8], flags: u32) -> CaseResult {
        check::equal("the call", self.result(), Ok(bytes.len() as u32))?;
        check::equal("lpErrno after success", self.error, WsaError(0))?;
        check::equal("lpFlags after success", self.flags.word(self.bed), flags)?;
        self.holds(bytes)
    }

    /// The buffers hold these bytes from their beginning on, and their sentinel behind them.
    ///
    /// # Errors
    /// They do not.
    #[track_caller]
    pub fn holds(&self, bytes: &[u8]) -> CaseResult {
        let mut all = self.bytes();
        let rest = all.split_off(bytes.len().min(all.len()));
        check::equal("the bytes received", all, bytes.to_vec())?;
        check::holds("nothing behind them", rest.iter().all(|byte| *byte == BUFFER_SENTINEL))?;
        self.guards()
    }

    /// What is in the buffers, one behind the other.
    pub fn bytes(&self) -> Vec<u8> {
        self.buffers.iter().flat_map(|buffer| buffer.bytes(self.bed)).collect()
    }

    /// The sender's address, and what `lpFromlen` holds.
    pub fn from(&self) -> (Option<SocketAddr>, u32) {
        (decode_address(&self.from.bytes(self.bed)), self.fromlen.word(self.bed))
    }

    /// `lpFrom` and `lpFromlen` are as they were.
    ///
    /// # Errors
    /// They are not.
    #[track_caller]
    pub fn from_untouched(&self) -> CaseResult {
        let untouched = self.from.bytes(self.bed).iter().all(|byte| *byte == BUFFER_SENTINEL);
        check::holds("lpFrom is as it was", untouched)?;
        check::equal("lpFromlen", self.fromlen.word(self.bed) as usize, self.from.len())
    }

    /// It pends: count and flags are as they were, and the OVERLAPPED says that it is under way.
    ///
    /// # Errors
    /// It does not.
    #[track_caller]
    pub fn pending(&self) -> CaseResult {
        self.failed_with(WsaError::WSA_IO_PENDING)
    }

    /// It was refused with `error`: buffers, count and OVERLAPPED are as they were.
    ///
    /// # Errors
    /// It was not.
    #[track_caller]
    pub fn refused(&self, error: WsaError) -> CaseResult {
        self.failed_with(error)?;
        self.holds(b"")?;
        self.op.map_or(Ok(()), |op| op.untouched(self.bed))
    }

    /// It failed with WSAEMSGSIZE and gave the beginning of the datagram.
    ///
    /// # Errors
    /// It did not.
    #[track_caller]
    pub fn cut(&self, bytes: &[u8]) -> CaseResult {
        check::equal("the call", self.result(), Err(WsaError::WSAEMSGSIZE))?;
        self.holds(bytes)
    }

    #[track_caller]
    fn failed_with(&self, error: WsaError) -> CaseResult {
        check::equal("the call", self.result(), Err(error))?;
        check::equal("the value returned", self.value, SOCKET_ERROR)?;
        check::equal("the count after a failure", self.count, COUNT_SENTINEL)?;
        check::equal("lpFlags after a failure", self.flags.word(self.bed), self.given_flags)?;
        self.from_untouched()
    }

    /// No byte beside what the call was given was changed.
    #[track_caller]
    fn guards(&self) -> CaseResult {
        for (what, memory) in &self.guards {
            memory.check(self.bed, what)?;
        }
        for buffer in &self.buffers {
            buffer.check(self.bed, "a buffer")?;
        }
        self.from.check(self.bed, "lpFrom")?;
        self.fromlen.check(self.bed, "lpFromlen")
    }
}
