//! What sends and receives have in common: what is captured of a call, who owns an operation, and
//! how a call ends.

use alloc::sync::Arc;

use crate::layout;
use crate::operation::{BlockedCall, Buffers, Mode, Overlapped, Owner, Started};
use crate::socket::{Opened, Socket};
use crate::{Host, Memory, OverlappedArgs, Profile, Routine, ThreadId, UserPtr, WsaError};

use super::Provider;

/// Overlapped operations that may be outstanding on one socket and direction (ERR-WOULDBLOCK-1).
pub(super) const OUTSTANDING_MAX: usize = 65_536;

impl<H: Host> Provider<H> {
    /// The overlapped part of the arguments, where the call is overlapped at all: on a socket made
    /// for it and with a structure. Everything is captured by value.
    ///
    /// # Errors
    /// WSAEFAULT for a structure or a thread id that is not there.
    pub(super) fn capture_overlapped(
        &self,
        socket: &Opened<H>,
        args: OverlappedArgs,
    ) -> Result<Option<Overlapped>, WsaError> {
        //= docs/spec/wspsendto.md#ovl-2
        //# On an overlapped socket a send with neither `lpOverlapped` nor `lpCompletionRoutine`
        //# MUST behave as on a nonoverlapped socket.
        //= docs/spec/wspsendto.md#ovl-3
        //# On an overlapped socket a send with a routine and a null `lpOverlapped` MUST be
        //# synchronous, and the routine MUST NOT be called.
        //= docs/spec/wspsendto.md#ovl-4
        //# On a nonoverlapped socket `lpOverlapped`, `lpCompletionRoutine` and `lpThreadId` MUST be
        //# ignored.
        //= docs/spec/wspsendto.md#ovl-5
        //# A call that is synchronous MUST NOT touch what `lpOverlapped` points to.
        //= docs/spec/wspsendto.md#err-inval-2
        //# A send on a socket created without WSA_FLAG_OVERLAPPED MUST NOT fail with WSAEINVAL for
        //# that reason.
        if !socket.overlapped || args.overlapped.is_null() {
            return Ok(None);
        }
        //= docs/spec/wspsendto.md#ovl-1
        //# On an overlapped socket a send with an `lpOverlapped` MUST be an overlapped operation.
        //= docs/spec/wspsendto.md#err-fault-5
        //# An `lpOverlapped` that is not writable memory of the caller's MUST fail an overlapped
        //# call with WSAEFAULT.
        let memory = self.host.memory();
        memory
            .probe_write(args.overlapped, layout::overlapped::SIZE)
            .map_err(|_| WsaError::WSAEFAULT)?;
        let mut thread_id = [0; layout::thread_id::SIZE];
        if args.routine != Routine::NULL {
            //= docs/spec/wspsendto.md#apc-5
            //# The WSATHREADID MUST be copied before the call returns.
            //= docs/spec/wspsendto.md#apc-13
            //# An overlapped call with a completion routine and a null `lpThreadId` MUST fail with
            //# WSAEFAULT before anything starts.
            memory.read(args.thread_id, &mut thread_id).map_err(|_| WsaError::WSAEFAULT)?;
        }
        Ok(Some(Overlapped {
            overlapped: args.overlapped,
            routine: args.routine,
            thread_id: ThreadId::decode(&thread_id),
            descriptor: socket.descriptor,
        }))
    }

    //= docs/spec/wspsendto.md#ret-10
    //# A null `lpNumberOfBytesSent` MUST be accepted by an overlapped call, and MUST fail any other
    //# with WSAEFAULT.
    pub(super) fn check_count(&self, count: UserPtr, overlapped: bool) -> Result<(), WsaError> {
        if count.is_null() && overlapped {
            return Ok(());
        }
        self.host.memory().probe_write(count, 4).map_err(|_| WsaError::WSAEFAULT)
    }

    pub(super) fn capture_buffers(&self, array: UserPtr, count: u32) -> Result<Buffers, WsaError> {
        //= docs/spec/wspsendto.md#err-fault-1
        //# An `lpBuffers` array that is not readable memory of the caller's MUST fail the call with
        //# WSAEFAULT.
        Buffers::capture(self.host.memory(), array, count).map_err(|_| WsaError::WSAEFAULT)
    }

    /// What a flag outside the function's list gives.
    pub(super) fn unknown_flags(&self) -> WsaError {
        match self.profile {
            //= docs/spec/wspsendto.md#err-inval-3
            //# Flag bits that the function does not have MUST fail the call: under `Documented`
            //# with WSAEOPNOTSUPP, under `Windows` with WSAEINVAL.
            //= docs/spec/wspsendto.md#flag-6
            //# MSG_PEEK MUST fail a send: under `Documented` with WSAEOPNOTSUPP, under `Windows`
            //# with WSAEINVAL.
            Profile::Documented => WsaError::WSAEOPNOTSUPP,
            Profile::Windows => WsaError::WSAEINVAL,
        }
    }

    /// What all four data calls end with: a count now, a wait, or WSA_IO_PENDING.
    pub(super) fn finish_call(
        &self,
        socket: &Arc<Socket<H>>,
        started: Result<Started, WsaError>,
        call: Option<Arc<BlockedCall<H>>>,
        timeout_ms: u32,
        count: UserPtr,
        flags: UserPtr,
    ) -> Result<(), WsaError> {
        let (bytes, flag_bits) = match (started, call) {
            (Ok(Started::Pending), Some(call)) => {
                //= docs/spec/wspsendto.md#syn-4
                //# A blocking send MUST return only when all its data has been consumed.
                let end = self.wait_for_end(socket, &call, self.deadline(timeout_ms))?;
                (end.bytes, end.flags)
            }
            //= docs/spec/wspsendto.md#ret-8
            //# A call that ends with WSA_IO_PENDING MUST leave `lpNumberOfBytesSent` as it was.
            //= docs/spec/wspsendto.md#syn-7
            //# Overlapped and nonblocking sends MUST NOT be ended by SO_SNDTIMEO.
            //= docs/spec/wspsendto.md#ret-3
            //# After SOCKET_ERROR with WSA_IO_PENDING exactly one completion indication MUST
            //# follow.
            (Ok(Started::Pending), None) => return Err(WsaError::WSA_IO_PENDING),
            //= docs/spec/wspsendto.md#ret-6
            //# The 0 of an immediate completion MUST stand for the send that was asked for.
            (Ok(Started::Now(bytes, flag_bits)), call) => {
                self.leave(call);
                (bytes, flag_bits)
            }
            //= docs/spec/wspsendto.md#ret-4
            //# MUST NOT be followed by a completion routine, an event, another completion or any
            //# access to its buffers or its OVERLAPPED.
            //= docs/spec/wspsendto.md#ret-9
            //# A call that fails MUST leave `lpNumberOfBytesSent` as it was.
            (Err(error), call) => {
                self.leave(call);
                return Err(error);
            }
        };
        //= docs/spec/wspsendto.md#ret-7
        //# An immediate completion MUST store the number of bytes sent in `lpNumberOfBytesSent`.
        self.put_probed(count, bytes);
        self.put_probed(flags, flag_bits);
        Ok(())
    }

    fn leave(&self, call: Option<Arc<BlockedCall<H>>>) {
        if let Some(call) = call {
            self.leave_blocking(call.thread);
        }
    }

    /// The owner of an operation that has to wait, or what a nonblocking call gets instead.
    pub(super) fn owner_of(
        &self,
        mode: Mode,
        call: Option<Arc<BlockedCall<H>>>,
    ) -> Result<Owner<H>, WsaError> {
        match (mode, call) {
            (Mode::Overlapped(op), _) => {
                self.store_pending(&op);
                Ok(Owner::Overlapped(op))
            }
            (Mode::Blocking, Some(call)) => Ok(Owner::Blocked(call)),
            //= docs/spec/wspsendto.md#err-wouldblock-2
            //# A nonoverlapped send on a nonblocking socket that can take nothing of it now MUST
            //# fail with WSAEWOULDBLOCK.
            //= docs/spec/wspsendto.md#syn-3
            //# A nonblocking send that nothing can be taken of MUST fail with WSAEWOULDBLOCK.
            (Mode::Nonblocking, _) => Err(WsaError::WSAEWOULDBLOCK),
            //= docs/spec/results.md#result-6
            //# A function that would have to block inside another blocking call of its thread MUST
            //# fail with WSAEINPROGRESS, with nothing done.
            (Mode::Blocking, None) => Err(WsaError::WSAEINPROGRESS),
        }
    }

    /// Marks an operation as under way, for those who poll it.
    pub(super) fn store_pending(&self, op: &Overlapped) {
        let at = op.overlapped.offset(layout::overlapped::INTERNAL);
        //= docs/spec/wspsendto.md#ovl-6
        //# An operation MUST hold WSS_OPERATION_IN_PROGRESS in `Internal` before its call returns
        //# WSA_IO_PENDING.
        // Probed when the call began; who unmapped it since does not look at it either.
        let _ = self.host.memory().store_status(at, crate::spi::WSS_OPERATION_IN_PROGRESS);
    }
}
