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
        let status = self.host.memory().load_status(at).map_err(|_| WsaError::WSAEFAULT)?;
        Ok(status == WSS_OPERATION_IN_PROGRESS)
    }

    /// Waits until the operation has ended: its event tells of that, or a signal does when
    /// WSPCleanup ended it without one (CXL-7).
    fn wait_for_status(&self, overlapped: UserPtr, call: &BlockedCall<H>) -> Result<(), WsaError> {
        let event = self.event_of(overlapped).ok_or(WsaError::WSA_INVALID_HANDLE)?;
        loop {
            self.host.wait_event(event, &call.signal)?;
            if !self.is_pending(overlapped)? {
                return Ok(());
            }
            // Somebody else has set the event, and it may stay set: look again a little later.
            self.host.wait(&call.signal, Some(self.host.now_ns() + LOOK_AGAIN_NS));
        }
    }

    /// The result of an operation as its OVERLAPPED holds it; with `wait`, once its event is set.
    ///
    /// # Errors
    /// WSA_IO_INCOMPLETE while it is pending, WSA_INVALID_HANDLE when there is no event to wait
    /// for, WSAEFAULT; else what the operation failed with. Nothing is stored on an error (RET-9).
    pub(super) fn overlapped_result(
        &self,
        handle: SocketHandle,
        overlapped: UserPtr,
        bytes_transferred: UserPtr,
        wait: bool,
        flags: UserPtr,
    ) -> Result<(), WsaError> {
        self.socket(handle)?;
        let memory = self.host.memory();
        let fault = |_| WsaError::WSAEFAULT;
        memory.probe_write(bytes_transferred, 4).map_err(fault)?;
        memory.probe_write(flags, 4).map_err(fault)?;
        if self.is_pending(overlapped)? {
            if !wait {
                return Err(WsaError::WSA_IO_INCOMPLETE);
            }
            let call = self.enter_blocking()?;
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
                self.put_u32(bytes_transferred, dword(layout::INTERNAL_HIGH))?;
                self.put_u32(flags, dword(layout::OFFSET))
            }
            error => Err(WsaError(error as i32)),
        }
    }
}
