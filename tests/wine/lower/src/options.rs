//! Options and ioctls: Winsock's own, but for what [`world`](crate::world) makes up.

use core::ffi::c_void;
use core::net::IpAddr;
use core::ptr;

use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::IO::OVERLAPPED;

use crate::result::{Outcome, checked, give};
use crate::sockets::{self, Number, Use};
use crate::world;

pub(crate) unsafe extern "system" fn get_sock_opt(
    s: ws::SOCKET,
    level: i32,
    name: i32,
    value: *mut u8,
    len: *mut i32,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the caller's value, length and lpErrno.
    unsafe {
        let result = sockets::real(s)
            .and_then(|real| checked(ws::getsockopt(real, level, name, value, len)));
        give(result, errno)
    }
}

/// The group and the interface in an `ip_mreq` or `ipv6_mreq`.
fn membership(value: &[u8]) -> Option<(IpAddr, u32)> {
    let word = |at: usize| value.get(at..at + 4).and_then(|word| word.try_into().ok());
    match value.len() {
        8 => {
            let group: [u8; 4] = word(0)?;
            Some((IpAddr::from(group), u32::from_be_bytes(word(4)?)))
        }
        20 => {
            let group: [u8; 16] = value[..16].try_into().ok()?;
            Some((IpAddr::from(group), u32::from_le_bytes(word(16)?)))
        }
        _ => None,
    }
}

/// An option that has to do with groups, in a closed world. `None`: Winsock's.
fn group_option(s: Number, level: i32, name: i32, value: &[u8]) -> Option<Outcome> {
    let (join, leave, looped, ttl, interface) = match level {
        ws::IPPROTO_IP => (
            ws::IP_ADD_MEMBERSHIP,
            ws::IP_DROP_MEMBERSHIP,
            ws::IP_MULTICAST_LOOP,
            ws::IP_MULTICAST_TTL,
            ws::IP_MULTICAST_IF,
        ),
        ws::IPPROTO_IPV6 => (
            ws::IPV6_ADD_MEMBERSHIP,
            ws::IPV6_DROP_MEMBERSHIP,
            ws::IPV6_MULTICAST_LOOP,
            ws::IPV6_MULTICAST_HOPS,
            ws::IPV6_MULTICAST_IF,
        ),
        _ => return None,
    };
    // There is one interface, number 1; 0 is the system's choice.
    let known = |interface: u32| {
        if interface <= 1 { Ok(()) } else { Err(ws::WSAEADDRNOTAVAIL) }
    };
    if name == join || name == leave {
        let Some((group, interface)) = membership(value) else { return Some(Err(ws::WSAEFAULT)) };
        return Some(known(interface).and_then(|()| match name == join {
            true => world::join(s, group),
            false => world::leave(s, group),
        }));
    }
    if name == looped {
        let hears = value.first().is_some_and(|byte| *byte != 0);
        return Some(sockets::with(s, |entry| entry.hears_own = hears));
    }
    if name == interface {
        let word: [u8; 4] = value.get(..4)?.try_into().ok()?;
        let number = if level == ws::IPPROTO_IP {
            u32::from_be_bytes(word)
        } else {
            u32::from_le_bytes(word)
        };
        return Some(known(number));
    }
    (name == ttl).then_some(Ok(()))
}

/// An option that is kept here, in a closed world. `None`: Winsock's, too.
fn kept_option(s: Number, level: i32, name: i32, value: &[u8]) -> Option<Outcome> {
    let on = value.first().is_some_and(|byte| *byte != 0);
    if level != ws::SOL_SOCKET {
        return None;
    }
    let shared = match name {
        ws::SO_REUSEADDR => Use::Shared,
        ws::SO_EXCLUSIVEADDRUSE => Use::Exclusive,
        ws::SO_LINGER => {
            let hard = value.len() == 4 && on && value[2..] == [0, 0];
            return sockets::with(s, |entry| entry.closes_hard = hard).err().map(Err);
        }
        ws::SO_OOBINLINE => {
            return Some(sockets::with(s, |entry| entry.urgent.in_line = on));
        }
        _ => return None,
    };
    Some(sockets::with(s, |entry| match on {
        true => entry.usage = shared,
        false if entry.usage == shared => entry.usage = Use::Own,
        false => {}
    }))
}

unsafe fn set(s: Number, level: i32, name: i32, value: *const u8, len: i32) -> Outcome {
    let real = sockets::real(s)?;
    if world::is_closed() && !value.is_null() {
        // SAFETY: as the caller says.
        let bytes =
            unsafe { core::slice::from_raw_parts(value, usize::try_from(len).unwrap_or(0)) };
        if let Some(result) = group_option(s, level, name, bytes) {
            return result;
        }
        if let Some(result) = kept_option(s, level, name, bytes) {
            return result;
        }
    }
    // SAFETY: as the caller says.
    checked(unsafe { ws::setsockopt(real, level, name, value, len) })
}

pub(crate) unsafe extern "system" fn set_sock_opt(
    s: ws::SOCKET,
    level: i32,
    name: i32,
    value: *const u8,
    len: i32,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the caller's value and lpErrno.
    unsafe { give(set(s, level, name, value, len), errno) }
}

type Info = ws::TCP_INFO_v0;

/// SIO_TCP_INFO, which Wine has not: a peer in this process has acknowledged whatever was sent.
fn info_of(s: Number) -> Outcome<Info> {
    sockets::with(s, |entry| {
        if !entry.is_stream {
            return Err(ws::WSAEOPNOTSUPP);
        }
        let state = match (entry.dead.is_some() || entry.was_reset, entry.has_finished) {
            (true, _) => ws::TCPSTATE_CLOSED,
            (false, true) => ws::TCPSTATE_FIN_WAIT_2,
            (false, false) => ws::TCPSTATE_ESTABLISHED,
        };
        Ok(Info { State: state, ..Info::default() })
    })?
}

#[allow(clippy::too_many_arguments, reason = "the SPI has these arguments")]
pub(crate) unsafe extern "system" fn ioctl(
    s: ws::SOCKET,
    code: u32,
    input: *const c_void,
    in_len: u32,
    output: *mut c_void,
    out_len: u32,
    returned: *mut u32,
    _overlapped: *mut OVERLAPPED,
    _routine: ws::LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    _thread: *const ws::WSATHREADID,
    errno: *mut i32,
) -> i32 {
    let waiting = sockets::with(s, |entry| entry.inbox.front().map(|first| first.bytes.len()));
    if code == ws::FIONREAD as u32
        && out_len >= 4
        && let Ok(Some(bytes)) = waiting
    {
        // SAFETY: the caller has room for a word, for the count and for lpErrno.
        unsafe {
            output.cast::<u32>().write_unaligned(bytes as u32);
            *returned = 4;
            return give(Ok(()), errno);
        }
    }
    if code == ws::SIOCATMARK as u32 && world::is_closed() && out_len >= 4 {
        // SAFETY: as above.
        unsafe {
            let told = sockets::with(s, |entry| entry.urgent.is_at_mark()).map(|is| {
                output.cast::<u32>().write_unaligned(u32::from(is));
                *returned = 4;
            });
            return give(told, errno);
        }
    }
    if code == ws::SIO_TCP_INFO && world::is_closed() && out_len as usize >= size_of::<Info>() {
        // SAFETY: the caller has room for the structure, for the count and for lpErrno.
        unsafe {
            let told = info_of(s).map(|info| {
                output.cast::<Info>().write_unaligned(info);
                *returned = size_of::<Info>() as u32;
            });
            return give(told, errno);
        }
    }
    // SAFETY: the caller's buffers, count and lpErrno.
    unsafe {
        let result = sockets::real(s).and_then(|real| {
            let none = ptr::null_mut();
            checked(ws::WSAIoctl(real, code, input, in_len, output, out_len, returned, none, None))
        });
        give(result, errno)
    }
}
