//! WSPGetOverlappedResult.

use crate::layout::{POINTER, overlapped as layout};
use crate::spi::WSS_OPERATION_IN_PROGRESS;
use crate::{Host, Memory, SocketHandle, UserPtr, WsaError};

use super::Provider;

impl<H: Host> Provider<H> {
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
        while memory.load_status(overlapped.offset(layout::INTERNAL)).map_err(fault)?
            == WSS_OPERATION_IN_PROGRESS
        {
            if !wait {
                return Err(WsaError::WSA_IO_INCOMPLETE);
            }
            let event = self.event_of(overlapped).ok_or(WsaError::WSA_INVALID_HANDLE)?;
            self.host.wait_event(event)?;
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
