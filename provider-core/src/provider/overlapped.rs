//! WSPGetOverlappedResult.

use crate::layout::{POINTER, overlapped as layout};
use crate::operation::BlockedCall;
use crate::spi::WSS_OPERATION_IN_PROGRESS;
use crate::{Host, Memory, SocketHandle, UserPtr, WsaError};

use super::Provider;

/// How long a wait rests when its event is set though the operation is pending.
const LOOK_AGAIN_NS: u64 = 1_000_000;

impl<H: Host> Provider<H> {
    fn is_pending(&self, overlapped: UserPtr) -> Result<bool, WsaError> {
        let at = overlapped.offset(layout::INTERNAL);
        //= docs/spec/overlapped.md#getresult-7
        //# The status MUST be read with acquire order before the rest of the result.
        //= docs/spec/wspsendto.md#ovl-6b
        //# The low 32 bits of `Internal` alone MUST be the status: they decide whether an operation
        //# is pending, whatever the rest holds.
        let status = self.host.memory().load_status(at).map_err(|_| WsaError::WSAEFAULT)?;
        Ok(status == WSS_OPERATION_IN_PROGRESS)
    }

    /// Waits until the operation has ended: its event tells of that, or a signal does when
    /// WSPCleanup ended it without one.
    fn wait_for_status(&self, overlapped: UserPtr, call: &BlockedCall<H>) -> Result<(), WsaError> {
        //= docs/spec/overlapped.md#getresult-5
        //# With `fWait` and an `hEvent` that is no event the call MUST fail with
        //# WSA_INVALID_HANDLE.
        //= docs/spec/wspsendto.md#evt-10
        //# WSPGetOverlappedResult with `fWait` on an operation that has a routine MUST NOT wait on
        //# an `hEvent` that is no event.
        let event = self.event_of(overlapped).ok_or(WsaError::WSA_INVALID_HANDLE)?;
        //= docs/spec/overlapped.md#getresult-4
        //# With `fWait` the call MUST return when the operation has ended.
        // Asked again, now that the call is entered: WSPCleanup signals only those that are.
        while self.is_pending(overlapped)? {
            self.host.wait_event(event, &call.signal)?;
            //= docs/spec/overlapped.md#getresult-6
            //# An event that somebody else has set MUST NOT be taken for completion: the status
            //# decides.
            // Somebody else has set the event, and it may stay set: look again a little later.
            if self.is_pending(overlapped)? {
                self.host.wait(&call.signal, Some(self.host.now_ns() + LOOK_AGAIN_NS));
            }
        }
        Ok(())
    }

    /// The result of an operation as its OVERLAPPED holds it; with `wait`, once its event is set.
    ///
    /// # Errors
    /// WSA_IO_INCOMPLETE while it is pending, WSA_INVALID_HANDLE when there is no event to wait
    /// for, WSAEFAULT; else what the operation failed with. Nothing is stored on an error.
    pub(super) fn overlapped_result(
        &self,
        handle: SocketHandle,
        overlapped: UserPtr,
        bytes_transferred: UserPtr,
        wait: bool,
        flags: UserPtr,
    ) -> Result<(), WsaError> {
        //= docs/spec/wspsendto.md#cxl-10
        //# WSPGetOverlappedResult on a closed socket MUST fail with WSAENOTSOCK, and the OVERLAPPED
        //# MUST hold the result all the same.
        self.socket(handle)?;
        let memory = self.host.memory();
        let fault = |_| WsaError::WSAEFAULT;
        //= docs/spec/overlapped.md#getresult-8
        //# An `lpOverlapped`, `lpcbTransfer` or `lpdwFlags` that is not memory of the caller's MUST
        //# fail with WSAEFAULT.
        memory.probe_write(bytes_transferred, 4).map_err(fault)?;
        memory.probe_write(flags, 4).map_err(fault)?;
        if self.is_pending(overlapped)? {
            if !wait {
                //= docs/spec/overlapped.md#getresult-3
                //# An operation that is pending MUST give FALSE and WSA_IO_INCOMPLETE when `fWait`
                //# is FALSE.
                return Err(WsaError::WSA_IO_INCOMPLETE);
            }
            // It has no WSAEINTR, so there is nothing to cancel.
            let call = self.enter(false, None)?;
            let waited = self.wait_for_status(overlapped, &call);
            self.leave_blocking(call.thread);
            waited?;
        }
        let mut bytes = [0; layout::SIZE];
        memory.read(overlapped, &mut bytes).map_err(fault)?;
        let dword = |at: usize| {
            let mut word = [0; 4];
            word.copy_from_slice(&bytes[at..at + 4]);
            u32::from_le_bytes(word)
        };
        const { assert!(POINTER >= 4, "InternalHigh holds a count of 32 bits") };
        match dword(layout::OFFSET_HIGH) {
            0 => {
                //= docs/spec/overlapped.md#getresult-1
                //# An operation that succeeded MUST give TRUE, its byte count in `lpcbTransfer` and
                //# its flags in `lpdwFlags`.
                //= docs/spec/wspsendto.md#ovl-12
                //# The status and count of a pended operation MUST be the same in the routine's
                //# arguments and in WSPGetOverlappedResult.
                self.put_u32(bytes_transferred, dword(layout::INTERNAL_HIGH))?;
                self.put_u32(flags, dword(layout::OFFSET))
            }
            //= docs/spec/overlapped.md#getresult-2
            //# An operation that failed MUST give FALSE and its error, and leave `lpcbTransfer` and
            //# `lpdwFlags` as they were.
            error => Err(WsaError(error as i32)),
        }
    }
}
