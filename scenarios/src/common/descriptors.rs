//! Descriptors of one socket.

use provider_core::{SocketHandle, WsaError};
use wspsim::api::{Os, ProtocolInfo};

use super::patient::is_passing;
use super::retry::close;

/// What WSADuplicateSocket gives for this very process.
pub(crate) fn offer(os: &Os, s: SocketHandle) -> Option<ProtocolInfo> {
    match os.wsa_duplicate_socket(s, os.get_current_process_id()) {
        Ok(info) => Some(info),
        Err(WsaError::WSAENOTSOCK | WsaError::WSANOTINITIALISED) => None,
        Err(error) if is_passing(error) => None,
        Err(error) => {
            os.fail(&format!("WSADuplicateSocket: {error}"));
            None
        }
    }
}

/// Opens what was offered.
pub(crate) fn open_offered(os: &Os, info: &ProtocolInfo) -> Option<SocketHandle> {
    match os.wsa_socket_from(info) {
        Ok(s) => Some(s),
        // Its socket was closed, or the provider ended.
        Err(WsaError::WSAEINVAL | WsaError::WSANOTINITIALISED) => None,
        Err(error) if is_passing(error) => None,
        Err(error) => {
            os.fail(&format!("WSASocket with what was offered: {error}"));
            None
        }
    }
}

/// Another descriptor of the socket, in the place of this one, which is closed; or this one.
pub(crate) fn replaced(os: &Os, s: SocketHandle) -> SocketHandle {
    match offer(os, s).and_then(|info| open_offered(os, &info)) {
        Some(other) => {
            // Somebody else may have closed the first: its handle is used again.
            if other != s {
                close(os, s);
            }
            other
        }
        None => s,
    }
}
