//! The frame of every call: `lpErrno` in, result out.

use crate::spi::SOCKET_ERROR;
use crate::{Host, Memory, UserPtr, WsaError};

use super::Provider;

impl<H: Host> Provider<H> {
    /// Runs a call that returns `int`: 0, or SOCKET_ERROR with the code in `errno`.
    ///
    /// `errno` is written with 0 first: that tells a bad pointer before anything has happened, and
    /// leaves 0 behind on success.
    pub(super) fn call(&self, errno: UserPtr, body: impl FnOnce() -> Result<(), WsaError>) -> i32 {
        //= docs/spec/wspsendto.md#ret-1
        //# A send that has completed when the call returns MUST make the call return 0.
        //= docs/spec/wspsendto.md#ret-2
        //# A call that does not return 0 MUST return SOCKET_ERROR, with the error code in
        //# `lpErrno`.
        self.call_value(errno, SOCKET_ERROR, || body().map(|()| 0))
    }

    /// Runs a call with a return type of its own: its value, or `failed` with the code in `errno`.
    pub(super) fn call_value<T>(
        &self,
        errno: UserPtr,
        failed: T,
        body: impl FnOnce() -> Result<T, WsaError>,
    ) -> T {
        self.frame(errno, failed, || self.check_hook().and_then(|()| body()))
    }

    /// Whether the running thread may call in now.
    ///
    /// # Errors
    /// WSAEINPROGRESS inside of the blocking hook.
    pub(super) fn check_hook(&self) -> Result<(), WsaError> {
        //= docs/spec/results.md#result-7
        //# While the blocking hook of a thread runs, every function but WSPCancelBlockingCall MUST
        //# fail in that thread with WSAEINPROGRESS.
        //= docs/spec/wspsendto.md#err-inprogress
        //# While the thread's blocking hook runs every send MUST fail with WSAEINPROGRESS. A
        //# completion routine that runs MUST NOT by itself be a reason for WSAEINPROGRESS.
        if self.host.in_blocking_hook() { Err(WsaError::WSAEINPROGRESS) } else { Ok(()) }
    }

    /// The same as [`Self::call_value`], for the one call that the blocking hook may make.
    pub(super) fn frame<T>(
        &self,
        errno: UserPtr,
        failed: T,
        body: impl FnOnce() -> Result<T, WsaError>,
    ) -> T {
        //= docs/spec/results.md#result-3
        //# An `lpErrno` that is not writable memory of the caller's MUST fail the call before it
        //# does anything.
        //= docs/spec/wspsendto.md#ret-11
        //# A call that returns 0 MUST leave 0 in `lpErrno`.
        if self.host.memory().write(errno, &0i32.to_le_bytes()).is_err() {
            return failed;
        }
        match body() {
            Ok(value) => value,
            Err(error) => {
                //= docs/spec/results.md#result-1
                //# A function that fails MUST return SOCKET_ERROR, and where it returns a socket
                //# INVALID_SOCKET, and where it returns a BOOL FALSE.
                //= docs/spec/results.md#result-2
                //# A function that fails MUST store its error code in `lpErrno`.
                //= docs/spec/wspsendto.md#ret-12
                //# A call that returns SOCKET_ERROR MUST NOT leave 0 in `lpErrno`.
                //= docs/spec/wspsendto.md#ret-13
                //= type=implication
                //= reason=`Host` has nothing that sets or reads a thread's last error.
                //# An error MUST be reported through `lpErrno` alone
                // The caller may have unmapped it meanwhile; there is nowhere else to report to.
                let _ = self.host.memory().write(errno, &error.0.to_le_bytes());
                failed
            }
        }
    }

    /// Writes an out parameter.
    pub(super) fn put_u32(&self, to: UserPtr, value: u32) -> Result<(), WsaError> {
        //= docs/spec/results.md#result-11
        //# A pointer that is not memory of the caller's, or a length that is too small, MUST fail
        //# the call with WSAEFAULT.
        self.host.memory().write(to, &value.to_le_bytes()).map_err(|_| WsaError::WSAEFAULT)
    }

    /// Writes an out parameter that was probed when the call began, unless it is null. What the
    /// call did is done, and may have been indicated: a caller that unmapped it since does not look
    /// at it, and an error would deny the rest (RET-4).
    pub(super) fn put_probed(&self, to: UserPtr, value: u32) {
        if !to.is_null() {
            let _ = self.put_u32(to, value);
        }
    }

    /// Whether `size` bytes can be written to `to`, and their number to the `int` at `length`, which
    /// says how many there is room for.
    ///
    /// # Errors
    /// WSAEFAULT.
    pub(super) fn check_room(
        &self,
        to: UserPtr,
        length: UserPtr,
        size: usize,
    ) -> Result<(), WsaError> {
        let room = self.take_u32(length)? as i32;
        //= docs/spec/results.md#result-10
        //# A function that fails MUST leave its out parameters as they were, but for a length that
        //# it is to report.
        if usize::try_from(room).unwrap_or(0) < size {
            return Err(WsaError::WSAEFAULT);
        }
        let memory = self.host.memory();
        memory
            .probe_write(to, size)
            .and_then(|()| memory.probe_write(length, 4))
            .map_err(|_| WsaError::WSAEFAULT)
    }

    /// Reads an in parameter.
    pub(super) fn take_u32(&self, from: UserPtr) -> Result<u32, WsaError> {
        let mut bytes = [0; 4];
        self.host.memory().read(from, &mut bytes).map_err(|_| WsaError::WSAEFAULT)?;
        Ok(u32::from_le_bytes(bytes))
    }
}
