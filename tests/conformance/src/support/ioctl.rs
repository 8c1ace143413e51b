//! WSPIoctl with sentinels and guards, overlapped or not.

use provider_core::spi::SOCKET_ERROR;
use provider_core::{OverlappedArgs, Routine, SocketHandle, UserPtr, WsaError};

use super::scratch::Errno;
use super::{COUNT_SENTINEL, Guarded, Op};
use crate::{CaseResult, TestBed, check};

/// What the output holds before a call.
const FILL: u32 = 0xcccc_cccc;

/// A call of WSPIoctl to be made. All that is not said is null or 0, but for
/// `lpcbBytesReturned`, `lpThreadId` and `lpErrno`, which are always given.
#[must_use]
pub struct IoctlCall<'b> {
    bed: &'b dyn TestBed,
    socket: SocketHandle,
    code: u32,
    input: (UserPtr, u32),
    output: (UserPtr, u32),
    output_memory: Option<Guarded>,
    returned_at: Option<UserPtr>,
    op: Option<Op>,
    routine: Routine,
}

impl<'b> IoctlCall<'b> {
    /// WSPIoctl of `code`.
    pub fn new(bed: &'b dyn TestBed, socket: SocketHandle, code: u32) -> Self {
        let none = (UserPtr::NULL, 0);
        Self {
            bed,
            socket,
            code,
            input: none,
            output: none,
            output_memory: None,
            returned_at: None,
            op: None,
            routine: Routine::NULL,
        }
    }

    /// A word in the input buffer.
    pub fn input(self, word: u32) -> Self {
        let memory = Guarded::holding(self.bed, &word.to_le_bytes());
        self.input_at(memory.at(), 4)
    }

    /// The input buffer as it is.
    pub fn input_at(mut self, at: UserPtr, len: u32) -> Self {
        self.input = (at, len);
        self
    }

    /// Room for a word in the output buffer.
    pub fn output(mut self) -> Self {
        let memory = Guarded::holding(self.bed, &FILL.to_le_bytes());
        self.output_memory = Some(memory);
        self.output_at(memory.at(), 4)
    }

    /// The output buffer as it is.
    pub fn output_at(mut self, at: UserPtr, len: u32) -> Self {
        self.output = (at, len);
        self
    }

    /// `lpcbBytesReturned` as it is.
    pub fn returned_at(mut self, at: UserPtr) -> Self {
        self.returned_at = Some(at);
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

    /// Makes the call.
    pub fn call(self) -> Controlled<'b> {
        let bed = self.bed;
        let returned = Guarded::holding(bed, &COUNT_SENTINEL.to_le_bytes());
        let thread_id = Guarded::holding(bed, &bed.thread_id().encode());
        let errno = Errno::new(bed);
        let overlapped = OverlappedArgs {
            overlapped: self.op.as_ref().map_or(UserPtr::NULL, Op::at),
            routine: self.routine,
            thread_id: thread_id.at(),
        };
        let ((input, in_len), (output, out_len)) = (self.input, self.output);
        let value = bed.spi().wsp_ioctl(
            self.socket,
            self.code,
            input,
            in_len,
            output,
            out_len,
            self.returned_at.unwrap_or_else(|| returned.at()),
            overlapped,
            errno.at(),
        );
        thread_id.scribble(bed);
        Controlled { bed, value, errno, returned, output: self.output_memory, op: self.op }
    }
}

/// A call that has returned.
#[must_use]
pub struct Controlled<'b> {
    bed: &'b dyn TestBed,
    value: i32,
    errno: Errno,
    returned: Guarded,
    output: Option<Guarded>,
    op: Option<Op>,
}

impl Controlled<'_> {
    /// Its error; 0 where it succeeded.
    pub fn error(&self) -> WsaError {
        if self.value == 0 { WsaError(0) } else { self.errno.error(self.bed) }
    }

    /// What the output buffer holds.
    pub fn word(&self) -> u32 {
        self.output.map_or(FILL, |memory| memory.word(self.bed))
    }

    /// It returned 0 with 0 in `lpErrno`, and so many bytes of output.
    ///
    /// # Errors
    /// It did not.
    #[track_caller]
    pub fn done(&self, bytes: u32) -> CaseResult {
        check::equal("the call", self.error(), WsaError(0))?;
        check::equal("lpErrno after success", self.errno.value(self.bed), 0)?;
        check::equal("*lpcbBytesReturned", self.returned.word(self.bed), bytes)?;
        self.guards()
    }

    /// It was refused with `error` and has written nothing.
    ///
    /// # Errors
    /// It was not, or has.
    #[track_caller]
    pub fn refused(&self, error: WsaError) -> CaseResult {
        check::equal("the call", self.error(), error)?;
        check::equal("the value returned", self.value, SOCKET_ERROR)?;
        check::equal("*lpcbBytesReturned", self.returned.word(self.bed), COUNT_SENTINEL)?;
        check::equal("the output buffer", self.word(), FILL)?;
        if let Some(op) = &self.op {
            op.untouched(self.bed)?;
        }
        self.guards()
    }

    #[track_caller]
    fn guards(&self) -> CaseResult {
        if let Some(output) = &self.output {
            output.check(self.bed, "the output buffer")?;
        }
        self.returned.check(self.bed, "lpcbBytesReturned")?;
        self.errno.check(self.bed)
    }
}
