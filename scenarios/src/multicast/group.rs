//! The groups, and the numbers of the records sent to them.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use provider_core::spi::{
    SOCK_DGRAM, WSA_FLAG_MULTIPOINT_C_LEAF, WSA_FLAG_MULTIPOINT_D_LEAF, WSA_FLAG_OVERLAPPED,
};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;

use super::PORT;
use crate::common::{Ip, is_dead_datagram, pause};

/// How many groups a family has; listeners stay in the first.
pub(super) const GROUPS: u32 = 3;

/// The address of a group.
pub(super) fn group(ip: Ip, index: u32) -> IpAddr {
    let last = index as u8 + 1;
    match ip {
        Ip::V4 => IpAddr::V4(Ipv4Addr::new(239, 7, 7, last)),
        Ip::V6 => IpAddr::V6(Ipv6Addr::new(0xff15, 0, 0, 0, 0, 0, 7, u16::from(last))),
    }
}

/// A group as a destination.
pub(super) fn destination(ip: Ip, index: u32) -> SocketAddr {
    SocketAddr::new(group(ip, index), PORT)
}

/// What a record's number tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) serial: u32,
    /// The group that it was sent to.
    pub(super) group: u32,
    /// It was not to leave its machine.
    pub(super) kept: bool,
}

impl Mark {
    pub(super) const fn number(self) -> u32 {
        self.serial << 3 | self.group << 1 | self.kept as u32
    }

    pub(super) const fn of(number: u32) -> Self {
        Self { serial: number >> 3, group: number >> 1 & 3, kept: number & 1 != 0 }
    }
}

/// A leaf, bound to `local`, that joined the first group as `role`.
///
/// # Errors
/// What came between; the socket is closed.
pub(super) fn open_leaf(
    os: &Os,
    local: SocketAddr,
    role: u32,
    prepare: impl Fn(SocketHandle) -> Result<(), E>,
) -> Result<SocketHandle, E> {
    let ip = Ip::of(&local);
    let flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;
    let s = os.wsa_socket(ip.af(), SOCK_DGRAM, 0, flags)?;
    finish(os, s, || {
        os.bind(s, local)?;
        prepare(s)?;
        let joined = os.wsa_join_leaf(s, destination(ip, 0), role)?;
        os.check(joined == s, "WSAJoinLeaf gave another socket than the leaf");
        Ok(())
    })
}

/// A socket bound to `local`, prepared by `prepare`.
///
/// # Errors
/// As [`open_leaf`].
pub(super) fn open_plain(
    os: &Os,
    local: SocketAddr,
    prepare: impl Fn(SocketHandle) -> Result<(), E>,
) -> Result<SocketHandle, E> {
    let ip = Ip::of(&local);
    let s = os.socket(ip.af(), SOCK_DGRAM, 0)?;
    finish(os, s, || {
        os.bind(s, local)?;
        prepare(s)
    })
}

fn finish(
    os: &Os,
    s: SocketHandle,
    steps: impl FnOnce() -> Result<(), E>,
) -> Result<SocketHandle, E> {
    steps().map(|()| s).inspect_err(|_| crate::common::close(os, s))
}

/// Opens until that succeeds, however long it takes.
pub(super) fn reopen(
    os: &Os,
    what: &str,
    open: impl Fn() -> Result<SocketHandle, E>,
) -> SocketHandle {
    loop {
        match open() {
            Ok(s) => return s,
            // The one before may not have given the port back yet.
            Err(E::WSAEADDRINUSE) => {}
            Err(error) => drop(is_dead_datagram(os, what, error)),
        }
        pause(os, 10);
    }
}
