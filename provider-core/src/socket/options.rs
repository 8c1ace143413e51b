//! The options of a socket and their defaults.

use crate::AddressUse;

/// SO_LINGER and SO_DONTLINGER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linger {
    /// Closing returns at once; what is unsent is still sent.
    Graceful,
    /// Closing resets the connection and drops what is unsent.
    Abort,
    /// Closing waits up to so many seconds, then resets.
    Wait(u16),
}

/// What WSPSetSockOpt and WSPIoctl set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) nonblocking: bool,
    pub(crate) broadcast: bool,
    pub(crate) keep_alive: bool,
    /// SO_OOBINLINE.
    pub(crate) urgent_inline: bool,
    /// TCP_NODELAY.
    pub(crate) no_delay: bool,
    /// SO_REUSEADDR and SO_EXCLUSIVEADDRUSE.
    pub(crate) address_use: AddressUse,
    /// SO_DEBUG: stored and no more, as Windows does.
    pub(crate) debug: bool,
    /// SO_DONTROUTE: stored and no more, as Windows does (FLAG-1).
    pub(crate) dont_route: bool,
    /// SO_SNDBUF, in bytes.
    pub(crate) send_buffer: u32,
    /// SO_RCVBUF, in bytes.
    pub(crate) receive_buffer: u32,
    /// SO_SNDTIMEO, in milliseconds; 0 means none.
    pub(crate) send_timeout_ms: u32,
    /// SO_RCVTIMEO, in milliseconds; 0 means none.
    pub(crate) receive_timeout_ms: u32,
    pub(crate) linger: Linger,
    /// SIO_UDP_CONNRESET.
    pub(crate) udp_connreset: bool,
    /// SIO_UDP_NETRESET.
    pub(crate) udp_netreset: bool,
    /// IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS.
    pub(crate) multicast_ttl: u8,
    /// IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP.
    pub(crate) multicast_loop: bool,
    /// IP_MULTICAST_IF, IPV6_MULTICAST_IF: the interface's index; 0 leaves it to the transport.
    pub(crate) multicast_interface: u32,
}

/// SO_SNDBUF and SO_RCVBUF of a new socket: Windows' 64 KiB.
const BUFFER_DEFAULT: u32 = 65_536;

//= docs/spec/options.md#getoption-1
//# An option that was never set MUST have its default.
impl Default for Options {
    fn default() -> Self {
        Self {
            nonblocking: false,
            broadcast: false,
            keep_alive: false,
            urgent_inline: false,
            no_delay: false,
            address_use: AddressUse::Own,
            debug: false,
            dont_route: false,
            send_buffer: BUFFER_DEFAULT,
            receive_buffer: BUFFER_DEFAULT,
            send_timeout_ms: 0,
            receive_timeout_ms: 0,
            linger: Linger::Graceful,
            udp_connreset: true,
            udp_netreset: true,
            multicast_ttl: 1,
            multicast_loop: true,
            multicast_interface: 0,
        }
    }
}
