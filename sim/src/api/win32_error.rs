//! Win32 error codes, and how a failed operation's Winsock code becomes one.

use core::fmt;

use provider_core::WsaError;

/// A Win32 error code, as GetLastError gives it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Win32Error(pub u32);

macro_rules! codes {
    ($($name:ident = $value:literal, $sentence:literal;)*) => {
        impl Win32Error {
            $(#[doc = $sentence] pub const $name: Self = Self($value);)*
        }

        impl fmt::Debug for Win32Error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $($value => f.write_str(stringify!($name)),)*
                    other => write!(f, "Win32Error({other})"),
                }
            }
        }
    };
}

codes! {
    ERROR_SUCCESS = 0, "It succeeded.";
    ERROR_INVALID_HANDLE = 6, "The handle is invalid.";
    ERROR_UNEXP_NET_ERR = 59, "An unexpected network error occurred.";
    ERROR_NETNAME_DELETED = 64, "The connection was reset.";
    ERROR_INVALID_PARAMETER = 87, "The parameter is incorrect.";
    ERROR_SEM_TIMEOUT = 121, "The time-out period has expired.";
    WAIT_IO_COMPLETION = 192, "APCs ran.";
    ERROR_PIPE_NOT_CONNECTED = 233, "There is nobody at the other end any more.";
    ERROR_MORE_DATA = 234, "There is more data than there was room.";
    WAIT_TIMEOUT = 258, "The time-out of the wait passed.";
    ERROR_ABANDONED_WAIT_0 = 735, "What was waited for is gone.";
    ERROR_OPERATION_ABORTED = 995, "The operation was aborted.";
    ERROR_INVALID_NETNAME = 1214, "The format of the network name is invalid.";
    ERROR_GRACEFUL_DISCONNECT = 1226, "The connection was gracefully closed.";
    ERROR_NETWORK_UNREACHABLE = 1231, "The network cannot be reached.";
    ERROR_HOST_UNREACHABLE = 1232, "The host cannot be reached.";
    ERROR_CONNECTION_ABORTED = 1236, "The connection was aborted.";
    ERROR_NO_SYSTEM_RESOURCES = 1450, "Resources of the system are exhausted.";
}

impl fmt::Display for Win32Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} ({})", self.0)
    }
}

impl core::error::Error for Win32Error {}

impl Win32Error {
    /// What GetQueuedCompletionStatus gives for an operation that ended with a Winsock code.
    ///
    /// On Windows an operation ends with an NTSTATUS. Winsock and Win32 each have a table from
    /// there, so a program that takes packets sees other codes than WSAGetOverlappedResult gives:
    /// 64 for a reset, which is the one that everybody meets. Here the provider tells the Winsock
    /// code, and the way back goes over the status that Winsock has that code from:
    ///
    /// | Winsock | status | Win32 |
    /// |---|---|---|
    /// | WSA_OPERATION_ABORTED | STATUS_CANCELLED | ERROR_OPERATION_ABORTED |
    /// | WSAECONNRESET | STATUS_CONNECTION_RESET | ERROR_NETNAME_DELETED |
    /// | WSAECONNABORTED | STATUS_CONNECTION_ABORTED | ERROR_CONNECTION_ABORTED |
    /// | WSAETIMEDOUT | STATUS_IO_TIMEOUT | ERROR_SEM_TIMEOUT |
    /// | WSAEMSGSIZE | STATUS_BUFFER_OVERFLOW | ERROR_MORE_DATA |
    /// | WSAENETUNREACH | STATUS_NETWORK_UNREACHABLE | ERROR_NETWORK_UNREACHABLE |
    /// | WSAEHOSTUNREACH | STATUS_HOST_UNREACHABLE | ERROR_HOST_UNREACHABLE |
    /// | WSAEDISCON | STATUS_GRACEFUL_DISCONNECT | ERROR_GRACEFUL_DISCONNECT |
    /// | WSAENOBUFS | STATUS_INSUFFICIENT_RESOURCES | ERROR_NO_SYSTEM_RESOURCES |
    /// | WSAENETDOWN | STATUS_UNEXPECTED_NETWORK_ERROR | ERROR_UNEXP_NET_ERR |
    /// | WSAEADDRNOTAVAIL | STATUS_INVALID_ADDRESS_COMPONENT | ERROR_INVALID_NETNAME |
    /// | WSAESHUTDOWN | STATUS_PIPE_DISCONNECTED | ERROR_PIPE_NOT_CONNECTED |
    ///
    /// A code that no status stands for (WSAENETRESET) stays as it is. A datagram's reset by an
    /// unreachable port is told by the same code as a stream's, so it is ERROR_NETNAME_DELETED too,
    /// where an IFS provider would give ERROR_PORT_UNREACHABLE.
    pub const fn of_operation(error: u32) -> Self {
        match WsaError(error as i32) {
            WsaError::WSA_OPERATION_ABORTED => Self::ERROR_OPERATION_ABORTED,
            WsaError::WSAECONNRESET => Self::ERROR_NETNAME_DELETED,
            WsaError::WSAECONNABORTED => Self::ERROR_CONNECTION_ABORTED,
            WsaError::WSAETIMEDOUT => Self::ERROR_SEM_TIMEOUT,
            WsaError::WSAEMSGSIZE => Self::ERROR_MORE_DATA,
            WsaError::WSAENETUNREACH => Self::ERROR_NETWORK_UNREACHABLE,
            WsaError::WSAEHOSTUNREACH => Self::ERROR_HOST_UNREACHABLE,
            WsaError::WSAEDISCON => Self::ERROR_GRACEFUL_DISCONNECT,
            WsaError::WSAENOBUFS => Self::ERROR_NO_SYSTEM_RESOURCES,
            WsaError::WSAENETDOWN => Self::ERROR_UNEXP_NET_ERR,
            WsaError::WSAEADDRNOTAVAIL => Self::ERROR_INVALID_NETNAME,
            WsaError::WSAESHUTDOWN => Self::ERROR_PIPE_NOT_CONNECTED,
            WsaError(other) => Self(other as u32),
        }
    }
}
