//! Opening, naming, connecting and closing sockets.

use core::net::SocketAddr;
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};

use windows_sys::Win32::Networking::WinSock as ws;

use crate::address::{Address, ROOM};
use crate::result::{Outcome, checked, give, give_socket, opened};
use crate::script::{Seam, ask};
use crate::sockets::{self, Number, Use};
use crate::world;

fn open(af: i32, kind: i32, protocol: i32) -> Outcome<Number> {
    ask(Seam::Open, None)?;
    // SAFETY: no protocol information.
    let real = opened(unsafe {
        ws::WSASocketW(af, kind, protocol, ptr::null(), 0, ws::WSA_FLAG_OVERLAPPED)
    })?;
    if af == i32::from(ws::AF_INET6) {
        // Windows' default, which not every implementation shares.
        let only = 1_u32;
        let at = (&raw const only).cast();
        // SAFETY: the option is four bytes.
        unsafe { ws::setsockopt(real, ws::IPPROTO_IPV6, ws::IPV6_V6ONLY, at, 4) };
    }
    Ok(sockets::enter(real, kind == ws::SOCK_STREAM))
}

pub(crate) unsafe extern "system" fn socket(
    af: i32,
    kind: i32,
    protocol: i32,
    _info: *const ws::WSAPROTOCOL_INFOW,
    _group: u32,
    _flags: u32,
    errno: *mut i32,
) -> ws::SOCKET {
    // SAFETY: the caller's lpErrno.
    unsafe { give_socket(open(af, kind, protocol), errno) }
}

/// How many binds there were.
static BINDS: AtomicU64 = AtomicU64::new(0);

/// Lets others bind to the address too: who may is decided in [`world::may_bind`].
fn share(real: ws::SOCKET) {
    let on = 1_u32;
    // SAFETY: the option is four bytes.
    unsafe { ws::setsockopt(real, ws::SOL_SOCKET, ws::SO_REUSEADDR, (&raw const on).cast(), 4) };
}

/// Binds a socket, and notes where.
pub(crate) fn bind_at(s: Number, to: SocketAddr) -> Outcome {
    let real = sockets::real(s)?;
    world::may_bind(s, to)?;
    let shared = sockets::with(s, |entry| entry.usage == Use::Shared)?;
    if world::is_closed() && (shared || to.port() != 0) {
        share(real);
    }
    let (name, len) = Address::bytes(to);
    // SAFETY: the name is as long as is said.
    checked(unsafe { ws::bind(real, name.as_ptr().cast(), len) })?;
    if world::is_closed() {
        share(real);
    }
    let turn = BINDS.fetch_add(1, Ordering::Relaxed) + 1;
    sockets::with(s, |entry| {
        entry.bound = Address::of(real);
        entry.turn = turn;
    })
}

/// The SPI's own arguments.
unsafe fn bind_to(s: Number, name: *const ws::SOCKADDR, len: i32) -> Outcome {
    ask(Seam::Bind, Some(s))?;
    // SAFETY: as the caller says.
    bind_at(s, unsafe { Address::read(name, len) }.ok_or(ws::WSAEFAULT)?)
}

pub(crate) unsafe extern "system" fn bind(
    s: ws::SOCKET,
    name: *const ws::SOCKADDR,
    len: i32,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the caller's name and lpErrno.
    unsafe { give(bind_to(s, name, len), errno) }
}

unsafe fn connect_to(s: Number, name: *const ws::SOCKADDR, len: i32) -> Outcome {
    ask(Seam::Connect, Some(s))?;
    let real = sockets::real(s)?;
    // SAFETY: as the caller says.
    let to = unsafe { Address::read(name, len) }.ok_or(ws::WSAEFAULT)?;
    world::route(to)?;
    sockets::with(s, |entry| entry.remote = Some(to))?;
    // SAFETY: as the caller says.
    checked(unsafe { ws::connect(real, name, len) })
}

pub(crate) unsafe extern "system" fn connect(
    s: ws::SOCKET,
    name: *const ws::SOCKADDR,
    len: i32,
    _caller: *const ws::WSABUF,
    _callee: *mut ws::WSABUF,
    _sqos: *const ws::QOS,
    _gqos: *const ws::QOS,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the caller's name and lpErrno.
    unsafe { give(connect_to(s, name, len), errno) }
}

fn start_to_listen(s: Number, backlog: i32) -> Outcome {
    ask(Seam::Listen, Some(s))?;
    // SAFETY: a socket of ours.
    checked(unsafe { ws::listen(sockets::real(s)?, backlog) })?;
    sockets::with(s, |entry| entry.is_listener = true)
}

pub(crate) unsafe extern "system" fn listen(s: ws::SOCKET, backlog: i32, errno: *mut i32) -> i32 {
    // SAFETY: the caller's lpErrno.
    unsafe { give(start_to_listen(s, backlog), errno) }
}

fn take(s: Number) -> Outcome<(Number, SocketAddr)> {
    ask(Seam::Accept, Some(s))?;
    let (mut room, mut len) = ([0_u8; ROOM], ROOM as i32);
    // SAFETY: there is as much room as is said.
    let real = unsafe { ws::accept(sockets::real(s)?, room.as_mut_ptr().cast(), &raw mut len) };
    let real = match opened(real) {
        // It was reset while it waited; Wine fails to name its peer.
        Err(ws::WSAENOTCONN) => return Err(ws::WSAECONNRESET),
        other => other?,
    };
    // SAFETY: the room that was filled.
    let peer = unsafe { Address::read(room.as_ptr().cast(), len) };
    // What the listener's event was told of is not this socket's: its owner selects anew.
    // SAFETY: a socket of ours.
    unsafe { ws::WSAEventSelect(real, 0, 0) };
    let Some(peer) = peer else {
        sockets::close(real, true);
        return Err(ws::WSAECONNRESET);
    };
    let number = sockets::enter(real, true);
    sockets::with(number, |entry| {
        entry.bound = Address::of(real);
        entry.remote = Some(peer);
    })?;
    Ok((number, peer))
}

pub(crate) unsafe extern "system" fn accept(
    s: ws::SOCKET,
    addr: *mut ws::SOCKADDR,
    len: *mut i32,
    _condition: ws::LPCONDITIONPROC,
    _data: usize,
    errno: *mut i32,
) -> ws::SOCKET {
    // SAFETY: the caller's address, length and lpErrno.
    unsafe {
        let taken = take(s).map(|(number, peer)| {
            Address::write(peer, addr, len);
            number
        });
        give_socket(taken, errno)
    }
}

fn own_name(s: Number) -> Outcome<SocketAddr> {
    let kept = sockets::with(s, |entry| entry.bound)?;
    let told = sockets::real(s).ok().and_then(Address::of);
    told.or(kept).ok_or(ws::WSAEINVAL)
}

pub(crate) unsafe extern "system" fn get_sock_name(
    s: ws::SOCKET,
    name: *mut ws::SOCKADDR,
    len: *mut i32,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the caller's name, length and lpErrno.
    unsafe { give(own_name(s).map(|address| Address::write(address, name, len)), errno) }
}

pub(crate) unsafe extern "system" fn get_peer_name(
    s: ws::SOCKET,
    name: *mut ws::SOCKADDR,
    len: *mut i32,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the caller's name, length and lpErrno.
    unsafe {
        let result = sockets::real(s).and_then(|real| checked(ws::getpeername(real, name, len)));
        give(result, errno)
    }
}

fn shut_down(s: Number, how: i32) -> Outcome {
    let real = sockets::real(s).map_err(|error| match error {
        ws::WSAENOTSOCK => error,
        _ => ws::WSAENOTCONN,
    })?;
    // SAFETY: a socket of ours.
    checked(unsafe { ws::shutdown(real, how) })?;
    sockets::with(s, |entry| entry.has_finished |= how != ws::SD_RECEIVE)
}

pub(crate) unsafe extern "system" fn shutdown(s: ws::SOCKET, how: i32, errno: *mut i32) -> i32 {
    // SAFETY: the caller's lpErrno.
    unsafe { give(shut_down(s, how), errno) }
}

fn close(s: Number) -> Outcome {
    if let Ok(real) = sockets::real(s)
        && world::is_closed()
    {
        let (hard, listener) = sockets::with(s, |entry| {
            (entry.closes_hard, entry.bound.filter(|_| entry.is_listener))
        })?;
        if hard {
            world::reset_peer_of(s, real);
        }
        if let Some(at) = listener {
            world::reset_waiting(at);
        }
    }
    let socket = sockets::remove(s)?;
    if let Some(real) = socket.real {
        sockets::close(real, socket.closes_hard);
    }
    Ok(())
}

pub(crate) unsafe extern "system" fn close_socket(s: ws::SOCKET, errno: *mut i32) -> i32 {
    // SAFETY: the caller's lpErrno.
    unsafe { give(close(s), errno) }
}
