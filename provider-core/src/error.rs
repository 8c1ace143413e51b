//! Winsock error codes: one table of name, value and sentence.

use core::fmt;

/// A Winsock error code, as `lpErrno` carries it. Unknown values survive and print as a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WsaError(pub i32);

macro_rules! codes {
    ($($name:ident = $value:literal, $sentence:literal;)*) => {
        #[allow(missing_docs, reason = "the sentence is the documentation, attached below")]
        impl WsaError {
            $(#[doc = $sentence] pub const $name: WsaError = WsaError($value);)*

            /// Every code that this table knows, in the order of the table.
            pub const ALL: &'static [WsaError] = &[$(WsaError::$name),*];

            /// The official spelling, or `None` for a code outside the table.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 { $($value => Some(stringify!($name)),)* _ => None }
            }

            /// One sentence on what happened, or `None` for a code outside the table.
            pub const fn sentence(self) -> Option<&'static str> {
                match self.0 { $($value => Some($sentence),)* _ => None }
            }
        }
    };
}

codes! {
    WSA_INVALID_HANDLE = 6, "The event object handle is invalid.";
    WSA_OPERATION_ABORTED = 995, "The overlapped operation has been aborted.";
    WSA_IO_INCOMPLETE = 996, "The overlapped operation has not completed yet.";
    WSA_IO_PENDING = 997, "The overlapped operation will complete later.";
    WSAEINTR = 10004, "The blocking call was cancelled by WSPCancelBlockingCall.";
    WSAEACCES = 10013, "The address is a broadcast address and SO_BROADCAST is not set.";
    WSAEFAULT = 10014, "A pointer is not part of the caller's address space, or a length is too small.";
    WSAEINVAL = 10022, "An argument is invalid, or the socket is in the wrong state for the call.";
    WSAEMFILE = 10024, "No more socket descriptors are available.";
    WSAEWOULDBLOCK = 10035, "The call cannot complete now and the socket is nonblocking.";
    WSAEINPROGRESS = 10036, "A blocking call is in progress on this thread.";
    WSAEALREADY = 10037, "A nonblocking connect is already in progress on this socket.";
    WSAENOTSOCK = 10038, "The descriptor is not a socket.";
    WSAEDESTADDRREQ = 10039, "A destination address is required.";
    WSAEMSGSIZE = 10040, "The message is larger than the transport's maximum, or than the buffer given.";
    WSAEPROTOTYPE = 10041, "The protocol is of the wrong type for this socket.";
    WSAENOPROTOOPT = 10042, "The option is unknown or not supported at this level.";
    WSAEPROTONOSUPPORT = 10043, "The protocol is not supported.";
    WSAESOCKTNOSUPPORT = 10044, "The socket type is not supported in this address family.";
    WSAEOPNOTSUPP = 10045, "The operation is not supported by this type of socket.";
    WSAEAFNOSUPPORT = 10047, "The address family is not supported, or cannot be used with this socket.";
    WSAEADDRINUSE = 10048, "The address is already in use.";
    WSAEADDRNOTAVAIL = 10049, "The address is not valid in this context.";
    WSAENETDOWN = 10050, "The network subsystem has failed.";
    WSAENETUNREACH = 10051, "The network cannot be reached from this host at this time.";
    WSAENETRESET = 10052, "Keep-alive activity detected a failure of the connection.";
    WSAECONNABORTED = 10053, "The virtual circuit was terminated by a time-out or other failure.";
    WSAECONNRESET = 10054, "The virtual circuit was reset by the remote side.";
    WSAENOBUFS = 10055, "The provider reports a buffer deadlock.";
    WSAEISCONN = 10056, "The socket is already connected.";
    WSAENOTCONN = 10057, "The socket is not connected.";
    WSAESHUTDOWN = 10058, "The socket has been shut down in this direction.";
    WSAETIMEDOUT = 10060, "The operation timed out.";
    WSAECONNREFUSED = 10061, "The connection was refused by the remote side.";
    WSAEHOSTUNREACH = 10065, "The host cannot be reached at this time.";
    WSAVERNOTSUPPORTED = 10092, "The requested Winsock version is not supported by this provider.";
    WSANOTINITIALISED = 10093, "The provider was not started.";
    WSAEDISCON = 10101, "The remote side has gracefully shut the connection down.";
    WSATRY_AGAIN = 11002, "The connection request was deferred by the condition function.";
}

impl fmt::Debug for WsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "WsaError({})", self.0),
        }
    }
}

impl fmt::Display for WsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self.sentence()) {
            (Some(name), Some(sentence)) => write!(f, "{name} ({}): {sentence}", self.0),
            _ => write!(f, "Winsock error {}", self.0),
        }
    }
}

impl core::error::Error for WsaError {}
