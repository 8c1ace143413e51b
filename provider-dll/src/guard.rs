//! No panic leaves the DLL: it would end somebody else's process.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use provider_core::{Host as _, Memory as _, ServiceProvider, SocketHandle, UserPtr, WsaError};

use crate::instance::Core;

/// Runs one function of the table. A panic becomes WSAENETDOWN, and the socket it was about is
/// closed: what state it is in, nobody knows.
pub(crate) fn enter<R>(
    core: &Core,
    socket: Option<SocketHandle>,
    errno: UserPtr,
    failed: R,
    call: impl FnOnce(&Core) -> R,
) -> R {
    match catch_unwind(AssertUnwindSafe(|| call(core))) {
        Ok(value) => value,
        Err(_) => {
            let _ = catch_unwind(AssertUnwindSafe(|| {
                if let Some(socket) = socket {
                    core.wsp_close_socket(socket, errno);
                }
                let code = WsaError::WSAENETDOWN.0.to_le_bytes();
                // Nowhere else to report to.
                let _ = core.host().memory().write(errno, &code);
            }));
            failed
        }
    }
}

/// The same for what the worker and the APC function do: nobody waits for a result.
pub(crate) fn alone(act: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(act));
}
