//! WSPSendTo and WSPSend with sentinels and guards, and what may come of them.

use core::net::SocketAddr;

use provider_core::layout::{WsaBuf, encode_sockaddr};
use provider_core::spi::SOCKET_ERROR;
use provider_core::{OverlappedArgs, Routine, SocketHandle, UserPtr, WsaError};

use super::scratch::Errno;
use super::{COUNT_SENTINEL, Guarded, Op};
use crate::{CaseResult, Failure, TestBed, check};

/// `lpBuffers` and `dwBufferCount`.
enum Array {
    Listed(Vec<WsaBuf>),
    At(UserPtr, u32),
}

/// A pointer argument: guarded memory of the call's own, or what the case gives.
enum Argument {
    Own,
    At(UserPtr),
}

/// `lpTo` and `iTolen`.
enum To {
    Address(SocketAddr),
    /// The bytes of a sockaddr, and `iTolen`.
    Bytes(Vec<u8>, i32),
    At(UserPtr, i32),
}

/// A call of WSPSendTo or WSPSend to be made. All that is not said is null or 0, but for
/// `lpNumberOfBytesSent`, `lpThreadId` and `lpErrno`, which are always given.
#[must_use]
pub struct SendCall<'b> {
    bed: &'b dyn TestBed,
    socket: SocketHandle,
    is_send_to: bool,
    array: Array,
    to: To,
    flags: u32,
    op: Option<Op>,
    overlapped: UserPtr,
    routine: Routine,
    thread_id: Argument,
    count: Argument,
}

impl<'b> SendCall<'b> {
    /// WSPSendTo.
    pub fn send_to(bed: &'b dyn TestBed, socket: SocketHandle) -> Self {
        Self {
            bed,
            socket,
            is_send_to: true,
            array: Array::Listed(Vec::new()),
            to: To::At(UserPtr::NULL, 0),
            flags: 0,
            op: None,
            overlapped: UserPtr::NULL,
            routine: Routine::NULL,
            thread_id: Argument::Own,
            count: Argument::Own,
        }
    }

    /// WSPSend: as [`Self::send_to`], and what is said of an address does not matter.
    pub fn send(bed: &'b dyn TestBed, socket: SocketHandle) -> Self {
        Self { is_send_to: false, ..Self::send_to(bed, socket) }
    }

    /// One more buffer, in memory of its own that holds `bytes`.
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let buf = self.bed.alloc(bytes.len());
        self.bed.write(buf, bytes);
        self.buffer(buf, bytes.len())
    }

    /// One more buffer.
    pub fn buffer(self, buf: UserPtr, len: usize) -> Self {
        self.wsabuf(WsaBuf { len: len as u32, buf })
    }

    /// One more WSABUF.
    pub fn wsabuf(mut self, entry: WsaBuf) -> Self {
        if let Array::Listed(entries) = &mut self.array {
            entries.push(entry);
        }
        self
    }

    /// `lpBuffers` and `dwBufferCount` as they are.
    pub fn array_at(mut self, at: UserPtr, count: u32) -> Self {
        self.array = Array::At(at, count);
        self
    }

    /// `lpTo`.
    pub fn to(mut self, to: SocketAddr) -> Self {
        self.to = To::Address(to);
        self
    }

    /// `lpTo` with these bytes, and `iTolen`.
    pub fn to_bytes(mut self, bytes: &[u8], len: i32) -> Self {
        self.to = To::Bytes(bytes.to_vec(), len);
        self
    }

    /// `lpTo` and `iTolen` as they are.
    pub fn to_at(mut self, at: UserPtr, len: i32) -> Self {
        self.to = To::At(at, len);
        self
    }

    /// `dwFlags`.
    pub fn flags(mut self, flags: u32) -> Self {
        self.flags = flags;
        self
    }

    /// `lpOverlapped`.
    pub fn overlapped(mut self, op: &Op) -> Self {
        self.op = Some(*op);
        self.overlapped = op.at();
        self
    }

    /// `lpOverlapped` as it is.
    pub fn overlapped_at(mut self, at: UserPtr) -> Self {
        self.overlapped = at;
        self
    }

    /// `lpCompletionRoutine`.
    pub fn routine(mut self, routine: Routine) -> Self {
        self.routine = routine;
        self
    }

    /// `lpThreadId` as it is.
    pub fn thread_id_at(mut self, at: UserPtr) -> Self {
        self.thread_id = Argument::At(at);
        self
    }

    /// `lpNumberOfBytesSent` as it is.
    pub fn count_at(mut self, at: UserPtr) -> Self {
        self.count = Argument::At(at);
        self
    }

    /// Makes the call. What is transient (the WSABUF array, the address, the WSATHREADID) is
    /// scribbled over as soon as it has returned.
    pub fn call(self) -> Called<'b> {
        let bed = self.bed;
        let mut transient: Vec<(&'static str, Guarded)> = Vec::new();
        let (array, array_count) = match &self.array {
            Array::At(at, count) => (*at, *count),
            Array::Listed(entries) => {
                let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.encode()).collect();
                let memory = Guarded::holding(bed, &bytes);
                transient.push(("the WSABUF array", memory));
                (memory.at(), entries.len() as u32)
            }
        };
        let mut address = |bytes: &[u8]| {
            let memory = Guarded::holding(bed, bytes);
            transient.push(("lpTo", memory));
            memory.at()
        };
        let (to, tolen) = match &self.to {
            To::At(at, len) => (*at, *len),
            To::Bytes(bytes, len) => (address(bytes), *len),
            To::Address(to) => {
                let (bytes, len) = encode_sockaddr(to);
                (address(&bytes[..len]), len as i32)
            }
        };
        let thread_id = match self.thread_id {
            Argument::At(at) => at,
            Argument::Own => {
                let memory = Guarded::holding(bed, &bed.thread_id().encode());
                transient.push(("lpThreadId", memory));
                memory.at()
            }
        };
        let own_count = match self.count {
            Argument::Own => Some(Guarded::holding(bed, &COUNT_SENTINEL.to_le_bytes())),
            Argument::At(_) => None,
        };
        let count = match (&own_count, self.count) {
            (Some(memory), _) => memory.at(),
            (None, Argument::At(at)) => at,
            (None, Argument::Own) => UserPtr::NULL,
        };
        let errno = Errno::new(bed);
        let overlapped =
            OverlappedArgs { overlapped: self.overlapped, routine: self.routine, thread_id };
        let spi = bed.spi();
        let value = if self.is_send_to {
            spi.wsp_send_to(
                self.socket,
                array,
                array_count,
                count,
                self.flags,
                to,
                tolen,
                overlapped,
                errno.at(),
            )
        } else {
            spi.wsp_send(self.socket, array, array_count, count, self.flags, overlapped, errno.at())
        };
        transient.iter().for_each(|(_, memory)| memory.scribble(bed));
        Called {
            bed,
            value,
            errno: errno.value(bed),
            count: own_count.map(|memory| memory.word(bed)),
            count_memory: own_count,
            op: self.op,
            guards: transient,
            errno_memory: errno,
        }
    }
}

/// A call that has returned.
#[must_use]
pub struct Called<'b> {
    bed: &'b dyn TestBed,
    value: i32,
    errno: i32,
    /// What `lpNumberOfBytesSent` held when the call returned, where it was the call's own.
    count: Option<u32>,
    count_memory: Option<Guarded>,
    op: Option<Op>,
    guards: Vec<(&'static str, Guarded)>,
    errno_memory: Errno,
}

impl Called<'_> {
    /// What it returned.
    pub const fn value(&self) -> i32 {
        self.value
    }

    /// What it left in `lpErrno`.
    pub const fn error(&self) -> WsaError {
        WsaError(self.errno)
    }

    /// Bytes sent where it returned 0, its error otherwise.
    ///
    /// # Errors
    /// What it left in `lpErrno`.
    pub fn result(&self) -> Result<u32, WsaError> {
        if self.value == 0 { Ok(self.count.unwrap_or(0)) } else { Err(self.error()) }
    }

    /// It returned 0 with 0 in `lpErrno` and this count (RET-1, RET-7, RET-11).
    ///
    /// # Errors
    /// It did not.
    #[track_caller]
    pub fn done(&self, bytes: usize) -> CaseResult {
        check::equal("the call", self.result(), Ok(self.count.map_or(0, |_| bytes as u32)))?;
        check::equal("the value returned", self.value, 0)?;
        check::equal("lpErrno after success", self.errno, 0)?;
        self.guards()
    }

    /// It returned 0, and the operation has its result already (OVL-8).
    ///
    /// # Errors
    /// It did not.
    #[track_caller]
    pub fn done_overlapped(&self, bytes: usize) -> CaseResult {
        self.done(bytes)?;
        match &self.op {
            Some(op) => op.sent(self.bed, bytes),
            None => Err(Failure::new("the call was given no OVERLAPPED")),
        }
    }

    /// It returned SOCKET_ERROR with WSA_IO_PENDING and left the count alone (RET-3, RET-8).
    ///
    /// # Errors
    /// It did not.
    #[track_caller]
    pub fn pending(&self) -> CaseResult {
        self.failed_with(WsaError::WSA_IO_PENDING)
    }

    /// It was refused with `error`: count and OVERLAPPED are as they were (RET-2, RET-9, OVL-6c).
    ///
    /// # Errors
    /// It was not.
    #[track_caller]
    pub fn refused(&self, error: WsaError) -> CaseResult {
        self.failed_with(error)?;
        match &self.op {
            Some(op) => op.untouched(self.bed),
            None => Ok(()),
        }
    }

    #[track_caller]
    fn failed_with(&self, error: WsaError) -> CaseResult {
        check::equal("the call", self.result(), Err(error))?;
        check::equal("the value returned", self.value, SOCKET_ERROR)?;
        check::equal(
            "the count after a failure",
            self.count.unwrap_or(COUNT_SENTINEL),
            COUNT_SENTINEL,
        )?;
        self.guards()
    }

    /// `lpNumberOfBytesSent` is still as it was when the call returned, whatever happened since.
    ///
    /// # Errors
    /// It was changed.
    #[track_caller]
    pub fn count_unchanged(&self) -> CaseResult {
        let now = self.count_memory.map(|memory| memory.word(self.bed));
        check::equal("the count since the call returned", now, self.count)
    }

    /// It returned 0 or pends; whether it pends.
    ///
    /// # Errors
    /// It was refused.
    #[track_caller]
    pub fn accepted(&self) -> CaseResult<bool> {
        self.guards()?;
        match self.result() {
            Ok(_) => Ok(false),
            Err(WsaError::WSA_IO_PENDING) => Ok(true),
            Err(error) => Err(Failure::new(format!("the call was refused with {error:?}"))),
        }
    }

    /// No byte beside what the call was given was changed.
    #[track_caller]
    fn guards(&self) -> CaseResult {
        for (what, memory) in &self.guards {
            memory.check(self.bed, what)?;
        }
        if let Some(memory) = &self.count_memory {
            memory.check(self.bed, "lpNumberOfBytesSent")?;
        }
        self.errno_memory.check(self.bed)
    }
}
