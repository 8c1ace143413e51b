//! Blocking hooks: some threads have one, as programs of Winsock 1.1 do.

use provider_core::{SocketHandle, WsaError};
use wspsim::api::Os;

use super::draw::chance;

/// Of a hundred threads, so many have a blocking hook.
const HOOKED: u32 = 30;

/// Gives the calling thread a blocking hook, perhaps. It rests, lets APCs run, tries what it may not,
/// and at times cancels the call that waits.
pub(crate) fn set_hook_perhaps(os: &Os, socket: SocketHandle) {
    if !chance(os, HOOKED) {
        return;
    }
    os.wsa_set_blocking_hook(move |os| {
        if chance(os, 20) {
            os.sleep_ex(1, chance(os, 50));
        }
        if chance(os, 20) {
            let refused = os.getsockname(socket) == Err(WsaError::WSAEINPROGRESS);
            os.check(refused, "a call in the blocking hook is not refused");
        }
        if chance(os, 1) {
            // It may have ended meanwhile; it is blocked all the same, unless the provider ended.
            let cancelled = os.wsa_cancel_blocking_call();
            let over = cancelled == Err(WsaError::WSANOTINITIALISED);
            os.check(over || cancelled.is_ok(), "the blocking hook cannot cancel");
        }
        chance(os, 10)
    });
}
