//! No panic leaves the DLL: it would end somebody else's process.

use core::panic::AssertUnwindSafe;
use std::panic::{PanicHookInfo, catch_unwind, set_hook};

use provider_core::{Host as _, Memory as _, ServiceProvider, SocketHandle, UserPtr, WsaError};
use windows_sys::Win32::System::Diagnostics::Debug::OutputDebugStringW;

use crate::instance::{self, Core};
use crate::memory::ProcessMemory;

/// Runs one function of the table. A panic becomes WSAENETDOWN, and the socket it was about is
/// closed: what state it is in, nobody knows.
pub(crate) fn enter<R>(
    socket: Option<SocketHandle>,
    errno: UserPtr,
    failed: R,
    call: impl FnOnce(&Core) -> R,
) -> R {
    let Some(core) = instance::core() else {
        tell(errno, WsaError::WSANOTINITIALISED);
        return failed;
    };
    match catch_unwind(AssertUnwindSafe(|| call(core))) {
        Ok(value) => value,
        Err(_) => {
            if let Some(socket) = socket {
                alone(|| give_up(core, socket));
            }
            tell(errno, WsaError::WSAENETDOWN);
            failed
        }
    }
}

/// Closes a socket; a lingering close that would block leaves the core's record of it, and the
/// handle goes all the same.
fn give_up(core: &Core, socket: SocketHandle) {
    let mut errno = 0_i32;
    let errno = UserPtr((&raw mut errno).expose_provenance());
    if core.wsp_close_socket(socket, errno) != 0 {
        // Nothing more can be done.
        let _ = core.host().close_socket_handle(socket);
    }
}

/// Stores an error code, where the caller has room for it.
fn tell(errno: UserPtr, error: WsaError) {
    let _ = ProcessMemory.write(errno, &error.0.to_le_bytes());
}

/// The same for what the worker and the APC function do: nobody waits for a result.
pub(crate) fn alone(act: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(act));
}

/// What a panic has to say goes to the debugger, not to the standard error of a process that is not
/// ours.
pub(crate) fn report_to_debugger() {
    set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let text = format!("wspprovider: {panic}\n\0");
        let words: Vec<u16> = text.encode_utf16().collect();
        // SAFETY: ends with a zero.
        unsafe { OutputDebugStringW(words.as_ptr()) };
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_of_the_call() {
        instance::start().unwrap();
        let socket = SocketHandle(0x1230);
        for of in [None, Some(socket)] {
            let mut code = 0_i32;
            let errno = UserPtr((&raw mut code).expose_provenance());
            let value = enter(of, errno, -1, |_| panic!("in a call"));
            assert_eq!((value, WsaError(code)), (-1, WsaError::WSAENETDOWN));
            // Nowhere to say it, which is no reason for another panic.
            assert_eq!(enter(of, UserPtr::NULL, -1, |_| panic!("in a call")), -1);
        }
        alone(|| panic!("in the worker"));
    }
}
