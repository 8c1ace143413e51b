//! Sending and receiving. Nothing here is overlapped: a provider above waits by network events.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::ptr;

use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::IO::OVERLAPPED;

use crate::address::Address;
use crate::control::buffers;
use crate::result::{Outcome, checked, give};
use crate::script::{self, Seam, ask};
use crate::sockets::{self, Arrived, Number};
use crate::streams::bind_at;
use crate::urgent::{self, Next};
use crate::world;

/// The bytes of an array of buffers, `most` of them.
///
/// # Safety
/// The array and its buffers are readable.
unsafe fn gather(array: *const ws::WSABUF, count: u32, most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    // SAFETY: as the caller says.
    for buffer in unsafe { buffers(array, count) } {
        let len = (buffer.len as usize).min(most - bytes.len());
        if len > 0 {
            // SAFETY: as the caller says.
            bytes.extend_from_slice(unsafe { core::slice::from_raw_parts(buffer.buf, len) });
        }
    }
    bytes
}

/// Spreads bytes over an array of buffers; gives how many had room.
///
/// # Safety
/// The array is readable, its buffers are writable.
unsafe fn scatter(bytes: &[u8], array: *const ws::WSABUF, count: u32) -> usize {
    let mut done = 0;
    // SAFETY: as the caller says.
    for buffer in unsafe { buffers(array, count) } {
        let part = &bytes[done..bytes.len().min(done + buffer.len as usize)];
        // SAFETY: as the caller says.
        unsafe { part.as_ptr().copy_to_nonoverlapping(buffer.buf, part.len()) };
        done += part.len();
    }
    done
}

fn send_stream(s: Number, bytes: &[u8], flags: u32) -> Outcome<usize> {
    let real = sockets::real(s)?;
    if sockets::with(s, |entry| entry.was_reset)? {
        return Err(ws::WSAECONNRESET);
    }
    let array = ws::WSABUF { len: bytes.len() as u32, buf: bytes.as_ptr().cast_mut() };
    let mut sent = 0;
    // SAFETY: one buffer, which a send only reads.
    checked(unsafe {
        ws::WSASend(real, &raw const array, 1, &raw mut sent, flags, ptr::null_mut(), None)
    })?;
    script::note_taken(None, &bytes[..sent as usize]);
    sockets::with(s, |entry| entry.urgent.sent += u64::from(sent))?;
    Ok(sent as usize)
}

/// Sends bytes of which the last is urgent.
fn send_urgent(s: Number, bytes: &[u8]) -> Outcome<usize> {
    let Some((last, before)) = bytes.split_last() else { return Ok(0) };
    if !before.is_empty() {
        let sent = send_stream(s, before, 0)?;
        if sent < before.len() {
            return Ok(sent);
        }
    }
    urgent::send(s, *last)?;
    script::note_taken(None, &[*last]);
    Ok(bytes.len())
}

fn send_datagram(s: Number, bytes: &[u8], to: SocketAddr) -> Outcome<usize> {
    let real = sockets::real(s)?;
    if sockets::with(s, |entry| entry.bound.is_none())? {
        // The first send binds; the address is known by its port from then on.
        let any = match to {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        bind_at(s, SocketAddr::new(any, 0))?;
    }
    match world::send(s, bytes, to) {
        Some(made_up) => made_up?,
        None => {
            let (name, len) = Address::bytes(to);
            let array = ws::WSABUF { len: bytes.len() as u32, buf: bytes.as_ptr().cast_mut() };
            let mut sent = 0;
            // SAFETY: one buffer, which a send only reads, and a name.
            checked(unsafe {
                ws::WSASendTo(
                    real,
                    &raw const array,
                    1,
                    &raw mut sent,
                    0,
                    name.as_ptr().cast(),
                    len,
                    ptr::null_mut(),
                    None,
                )
            })?;
        }
    }
    script::note_taken(Some(to), bytes);
    Ok(bytes.len())
}

#[allow(clippy::too_many_arguments, reason = "the SPI has these arguments")]
pub(crate) unsafe extern "system" fn send(
    s: ws::SOCKET,
    array: *const ws::WSABUF,
    count: u32,
    sent: *mut u32,
    flags: u32,
    _overlapped: *mut OVERLAPPED,
    _routine: ws::LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    _thread: *const ws::WSATHREADID,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the caller's buffers, count and lpErrno.
    unsafe {
        let result = ask(Seam::Send, Some(s)).and_then(|most| {
            let bytes = gather(array, count, most);
            if is_urgent(flags) { send_urgent(s, &bytes) } else { send_stream(s, &bytes, flags) }
        });
        give(result.map(|bytes| *sent = bytes as u32), errno)
    }
}

#[allow(clippy::too_many_arguments, reason = "the SPI has these arguments")]
pub(crate) unsafe extern "system" fn send_to(
    s: ws::SOCKET,
    array: *const ws::WSABUF,
    count: u32,
    sent: *mut u32,
    _flags: u32,
    to: *const ws::SOCKADDR,
    tolen: i32,
    _overlapped: *mut OVERLAPPED,
    _routine: ws::LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    _thread: *const ws::WSATHREADID,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the caller's buffers, address, count and lpErrno.
    unsafe {
        let result = ask(Seam::Send, Some(s)).and_then(|_| {
            let bytes = gather(array, count, usize::MAX);
            let to = Address::read(to, tolen).ok_or(ws::WSAEFAULT)?;
            send_datagram(s, &bytes, to)
        });
        give(result.map(|bytes| *sent = bytes as u32), errno)
    }
}

/// Whether a transfer is of urgent data that is made up.
fn is_urgent(flags: u32) -> bool {
    flags & ws::MSG_OOB as u32 != 0 && world::is_closed()
}

/// Receives from a stream, not beyond urgent data.
unsafe fn receive_stream(
    s: Number,
    (array, count): (*const ws::WSABUF, u32),
    flags: *mut u32,
) -> Outcome<usize> {
    let real = sockets::real(s)?;
    // SAFETY: as the caller says.
    unsafe {
        let peek = *flags & ws::MSG_PEEK as u32 != 0;
        if is_urgent(*flags) {
            return Ok(scatter(&[urgent::receive(s, peek)?], array, count));
        }
        let room: usize = buffers(array, count).iter().map(|buffer| buffer.len as usize).sum();
        let most = match sockets::with(s, |entry| entry.urgent.next(peek || room == 0))? {
            Next::Byte(byte) => return Ok(scatter(&[byte], array, count)),
            Next::Stream(most) => most,
        };
        let mut bytes = vec![0; room.min(most)];
        let one = ws::WSABUF { len: bytes.len() as u32, buf: bytes.as_mut_ptr() };
        let mut got = 0;
        let none = ptr::null_mut();
        let urgent = *flags & ws::MSG_OOB as u32 != 0;
        let received = ws::WSARecv(real, &raw const one, 1, &raw mut got, flags, none, None);
        checked(received).map_err(|error| match error {
            // Wine would wait for an urgent byte that nobody has announced.
            ws::WSAEWOULDBLOCK if urgent => ws::WSAEINVAL,
            other => other,
        })?;
        if !peek {
            sockets::with(s, |entry| entry.urgent.got += u64::from(got))?;
        }
        Ok(scatter(&bytes[..got as usize], array, count))
    }
}

/// What a receive gives: bytes in the buffers, and whether a datagram was cut.
type Got = (usize, bool);

#[allow(clippy::too_many_arguments, reason = "the SPI has these arguments")]
pub(crate) unsafe extern "system" fn recv(
    s: ws::SOCKET,
    array: *const ws::WSABUF,
    count: u32,
    got: *mut u32,
    flags: *mut u32,
    _overlapped: *mut OVERLAPPED,
    _routine: ws::LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    _thread: *const ws::WSATHREADID,
    errno: *const i32,
) -> i32 {
    // SAFETY: the caller's buffers, count, flags and lpErrno, which is written whatever the binding
    // makes of it.
    unsafe {
        let result = ask(Seam::Receive, Some(s)).and_then(|_| {
            // What had arrived is lost with the connection, as in Windows.
            if sockets::with(s, |entry| entry.was_reset)? {
                return Err(ws::WSAECONNRESET);
            }
            receive_stream(s, (array, count), flags)
        });
        let result = result.map(|bytes| *got = bytes as u32);
        give(result, errno.cast_mut())
    }
}

/// A datagram that was made up to arrive, if one is there.
fn made_up(s: Number, peek: bool) -> Option<Arrived> {
    sockets::with(s, |entry| {
        if peek {
            let first = entry.inbox.front()?;
            Some(Arrived { from: first.from, bytes: first.bytes.clone() })
        } else {
            entry.inbox.pop_front()
        }
    })
    .ok()
    .flatten()
}

/// The report of an unreachable port, if one is there.
fn take_reset(s: Number) -> Outcome {
    sockets::with(s, |entry| {
        if entry.resets == 0 {
            return Ok(());
        }
        entry.resets -= 1;
        Err(ws::WSAECONNRESET)
    })?
}

unsafe fn receive_datagram(
    s: Number,
    (array, count): (*const ws::WSABUF, u32),
    got: *mut u32,
    flags: *mut u32,
    (from, fromlen): (*mut ws::SOCKADDR, *mut i32),
) -> Outcome<Got> {
    // SAFETY: as the caller says.
    unsafe {
        let peek = *flags & ws::MSG_PEEK as u32 != 0;
        let room: usize = buffers(array, count).iter().map(|buffer| buffer.len as usize).sum();
        // Who looks with no room asks for a report; that is no receive.
        if !(peek && room <= 1) {
            ask(Seam::Receive, Some(s))?;
        }
        take_reset(s)?;
        if let Some(arrived) = made_up(s, peek) {
            Address::write(arrived.from, from, fromlen);
            let done = scatter(&arrived.bytes, array, count);
            return Ok((done, done < arrived.bytes.len()));
        }
        let real = sockets::real(s)?;
        let none = ptr::null_mut();
        checked(ws::WSARecvFrom(real, array, count, got, flags, from, fromlen, none, None))
            .map(|()| (*got as usize, false))
    }
}

#[allow(clippy::too_many_arguments, reason = "the SPI has these arguments")]
pub(crate) unsafe extern "system" fn recv_from(
    s: ws::SOCKET,
    array: *const ws::WSABUF,
    count: u32,
    got: *mut u32,
    flags: *mut u32,
    from: *mut ws::SOCKADDR,
    fromlen: *mut i32,
    _overlapped: *mut OVERLAPPED,
    _routine: ws::LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    _thread: *const ws::WSATHREADID,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the caller's buffers, address, counts, flags and lpErrno.
    unsafe {
        let result = receive_datagram(s, (array, count), got, flags, (from, fromlen));
        let result = result.and_then(|(bytes, cut)| {
            *got = bytes as u32;
            if cut { Err(ws::WSAEMSGSIZE) } else { Ok(()) }
        });
        give(result, errno)
    }
}
