//! Which errors a program lives with.

use provider_core::WsaError as E;
use wspsim::api::Os;

/// Nothing happened, and the same call may work a little later.
pub(crate) fn is_transient(error: E) -> bool {
    matches!(
        error,
        E::WSAEWOULDBLOCK
            | E::WSAENOBUFS
            | E::WSAENETDOWN
            | E::WSAENETUNREACH
            | E::WSAEHOSTUNREACH
            | E::WSAEINPROGRESS
    )
}

/// The connection is of no use any more: the network, the peer or somebody in this process ended
/// it. Close the socket and connect again.
pub(crate) fn is_broken_stream(error: E) -> bool {
    matches!(
        error,
        E::WSAECONNRESET
            | E::WSAECONNABORTED
            | E::WSAENETRESET
            | E::WSAETIMEDOUT
            | E::WSAENOTCONN
            | E::WSAESHUTDOWN
            | E::WSAENOTSOCK
            | E::WSAEINTR
            | E::WSA_OPERATION_ABORTED
            | E::WSAENETDOWN
    )
}

/// What a connect may come to: no connection, for now. Somebody may have closed the socket, or
/// cancelled the call.
pub(crate) fn is_connect_failure(error: E) -> bool {
    is_transient(error)
        || matches!(
            error,
            E::WSAECONNREFUSED
                | E::WSAETIMEDOUT
                | E::WSAECONNRESET
                | E::WSAECONNABORTED
                | E::WSAENETRESET
                | E::WSAEADDRINUSE
                | E::WSAENOTSOCK
                | E::WSAEINTR
        )
}

/// Whether a datagram call that failed so tells that its socket is of no use any more: somebody shut
/// it down or closed it. What may pass leaves it as it was; anything else is a finding.
pub(crate) fn is_dead_datagram(os: &Os, what: &str, error: E) -> bool {
    let dead = matches!(error, E::WSAENOTSOCK | E::WSA_OPERATION_ABORTED | E::WSAESHUTDOWN);
    if !dead && !is_transient(error) && error != E::WSAECONNRESET {
        unexpected(os, what, error);
    }
    dead
}

/// An error that no fault explains: a finding.
pub(crate) fn unexpected(os: &Os, what: &str, error: E) {
    os.fail(&format!("{what}: {error}"));
}
