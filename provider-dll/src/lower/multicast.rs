//! Multicast groups and interfaces as the options of the lower provider take them.

use core::net::{IpAddr, Ipv4Addr};

use provider_core::{Family, Group, GroupInterface, WsaError};
use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, NO_ERROR};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GetIpAddrTable, MIB_IPADDRROW_XP, MIB_IPADDRTABLE,
};
use windows_sys::Win32::Networking::WinSock as ws;

/// The level and the options of a family's multicast.
pub(super) struct Names {
    pub(super) level: i32,
    pub(super) join: i32,
    pub(super) leave: i32,
    pub(super) interface: i32,
    pub(super) ttl: i32,
    pub(super) looped: i32,
}

pub(super) const fn names(family: Family) -> Names {
    match family {
        Family::V4 => Names {
            level: ws::IPPROTO_IP,
            join: ws::IP_ADD_MEMBERSHIP,
            leave: ws::IP_DROP_MEMBERSHIP,
            interface: ws::IP_MULTICAST_IF,
            ttl: ws::IP_MULTICAST_TTL,
            looped: ws::IP_MULTICAST_LOOP,
        },
        Family::V6 => Names {
            level: ws::IPPROTO_IPV6,
            join: ws::IPV6_ADD_MEMBERSHIP,
            leave: ws::IPV6_DROP_MEMBERSHIP,
            interface: ws::IPV6_MULTICAST_IF,
            ttl: ws::IPV6_MULTICAST_HOPS,
            looped: ws::IPV6_MULTICAST_LOOP,
        },
    }
}

/// An `ip_mreq` or an `ipv6_mreq`.
pub(super) fn membership(group: &Group) -> Vec<u8> {
    let interface = match group.address {
        IpAddr::V4(_) => interface(Family::V4, group.interface),
        IpAddr::V6(_) => interface(Family::V6, group.interface),
    };
    match group.address {
        IpAddr::V4(address) => [&address.octets()[..], &interface].concat(),
        IpAddr::V6(address) => [&address.octets()[..], &interface].concat(),
    }
}

/// An interface as both options and memberships have it: for IPv4 an address, of which 0.0.0.n is
/// the interface with the index n; for IPv6 an index.
pub(super) fn interface(family: Family, named: Option<GroupInterface>) -> [u8; 4] {
    match (family, named) {
        (Family::V4, Some(GroupInterface::Address(IpAddr::V4(address)))) => address.octets(),
        (Family::V4, Some(GroupInterface::Index(index))) => index.to_be_bytes(),
        (Family::V6, Some(GroupInterface::Index(index))) => index.to_le_bytes(),
        _ => [0; 4],
    }
}

/// The index of a named interface.
///
/// # Errors
/// WSAEADDRNOTAVAIL when no interface has the address.
pub(super) fn index(named: Option<GroupInterface>) -> Result<u32, WsaError> {
    match named {
        None => Ok(0),
        Some(GroupInterface::Index(index)) => Ok(index),
        Some(GroupInterface::Address(IpAddr::V4(address))) => index_of(address),
        Some(GroupInterface::Address(IpAddr::V6(_))) => Err(WsaError::WSAEADDRNOTAVAIL),
    }
}

fn index_of(address: Ipv4Addr) -> Result<u32, WsaError> {
    /// A machine with more addresses than this has changed them while it was asked.
    const ATTEMPTS: usize = 3;
    let wanted = u32::from_le_bytes(address.octets());
    let mut size = 0;
    let mut table: Vec<u64> = Vec::new();
    for _ in 0..ATTEMPTS {
        // SAFETY: the table has at least `size` bytes, and is aligned for its rows.
        let error = unsafe { GetIpAddrTable(table.as_mut_ptr().cast(), &raw mut size, 0) };
        match error {
            NO_ERROR if size as usize >= size_of::<MIB_IPADDRTABLE>() => {
                let table: *const MIB_IPADDRTABLE = table.as_ptr().cast();
                // SAFETY: filled, with as many rows behind its head as that says.
                let rows: &[MIB_IPADDRROW_XP] = unsafe {
                    let first = (&raw const (*table).table).cast();
                    core::slice::from_raw_parts(first, (*table).dwNumEntries as usize)
                };
                let found = rows.iter().find(|row| row.dwAddr == wanted);
                return found.map(|row| row.dwIndex).ok_or(WsaError::WSAEADDRNOTAVAIL);
            }
            ERROR_INSUFFICIENT_BUFFER => table.resize((size as usize).div_ceil(8), 0),
            _ => break,
        }
    }
    Err(WsaError::WSAEADDRNOTAVAIL)
}
