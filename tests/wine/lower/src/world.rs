//! What no machine gives reliably, made up inside of the process: multicast groups, broadcasts, and
//! the report of an unreachable port.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};

use windows_sys::Win32::Networking::WinSock as ws;

use crate::address::Address;
use crate::result::Outcome;
use crate::sockets::{self, Arrived, Number, Socket, Use};

static CLOSED: AtomicBool = AtomicBool::new(false);

pub(crate) fn close(closed: bool) {
    CLOSED.store(closed, Ordering::SeqCst);
}

/// Whether all peers are in this process.
pub(crate) fn is_closed() -> bool {
    CLOSED.load(Ordering::SeqCst)
}

/// Whether an address is one of this machine's, as far as a test knows.
fn is_here(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified()
}

/// Where a connect goes to in a closed world.
pub(crate) fn route(to: SocketAddr) -> Outcome {
    if !is_closed() || is_here(to.ip()) { Ok(()) } else { Err(ws::WSAENETUNREACH) }
}

/// Sends a datagram as the closed world has it. `None`: over the real network.
pub(crate) fn send(socket: Number, bytes: &[u8], to: SocketAddr) -> Option<Outcome> {
    if !is_closed() {
        return None;
    }
    let ip = to.ip();
    if ip.is_multicast() || Address::is_broadcast(ip) {
        deliver(socket, bytes, to);
        return Some(Ok(()));
    }
    if !is_here(ip) {
        return Some(Err(ws::WSAENETUNREACH));
    }
    // Of those that share a port a specific address comes first, then who was bound first.
    let mut best: Option<(bool, u64)> = None;
    let mut candidates = 0;
    sockets::each(|entry| {
        if let Some(rank) = rank(entry, to) {
            candidates += 1;
            best = Some(best.map_or(rank, |best| best.min(rank)));
        }
    });
    match (candidates, best) {
        (0, _) | (_, None) => Some(sockets::with(socket, |entry| {
            entry.resets += 1;
            entry.note(ws::FD_READ, 0);
        })),
        (1, _) => None,
        (_, Some(best)) => {
            let from = name_of(socket)?;
            sockets::each(|entry| {
                if rank(entry, to) == Some(best) {
                    entry.inbox.push_back(Arrived { from, bytes: bytes.to_vec() });
                    entry.note(ws::FD_READ, 0);
                }
            });
            Some(Ok(()))
        }
    }
}

/// The place in line of a datagram socket that `to` reaches.
fn rank(entry: &Socket, to: SocketAddr) -> Option<(bool, u64)> {
    let at = entry.bound.filter(|at| !entry.is_stream && Address::reaches(to, *at))?;
    Some((at.ip().is_unspecified(), entry.turn))
}

/// The address that others see of a socket.
fn name_of(socket: Number) -> Option<SocketAddr> {
    let bound = sockets::with(socket, |entry| entry.bound).ok()??;
    let here = match bound {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    Some(if bound.ip().is_unspecified() { SocketAddr::new(here, bound.port()) } else { bound })
}

/// Gives a datagram to everybody that a group or a broadcast reaches.
fn deliver(sender: Number, bytes: &[u8], to: SocketAddr) {
    let Some(from) = name_of(sender) else { return };
    let group = Some(to.ip()).filter(IpAddr::is_multicast);
    sockets::each(|entry| {
        let Some(bound) = entry.bound.filter(|_| !entry.is_stream) else { return };
        let wants = group.is_none_or(|group| entry.hears_own && entry.groups.contains(&group));
        if wants && Address::reaches(to, bound) {
            entry.inbox.push_back(Arrived { from, bytes: bytes.to_vec() });
            entry.note(ws::FD_READ, 0);
        }
    });
}

/// IP_ADD_MEMBERSHIP and its likes.
pub(crate) fn join(socket: Number, group: IpAddr) -> Outcome {
    if !group.is_multicast() {
        return Err(ws::WSAEINVAL);
    }
    sockets::with(socket, |entry| {
        if entry.groups.contains(&group) {
            return Err(ws::WSAEADDRNOTAVAIL);
        }
        entry.groups.push(group);
        Ok(())
    })?
}

/// IP_DROP_MEMBERSHIP and its likes.
pub(crate) fn leave(socket: Number, group: IpAddr) -> Outcome {
    sockets::with(socket, |entry| {
        let place = entry.groups.iter().position(|joined| *joined == group);
        entry.groups.remove(place.ok_or(ws::WSAEINVAL)?);
        Ok(())
    })?
}

/// Whether a socket may be bound to an address, by Windows' rules; its own are asked of nobody.
pub(crate) fn may_bind(socket: Number, to: SocketAddr) -> Outcome {
    if !is_closed() {
        return Ok(());
    }
    if !is_here(to.ip()) {
        return Err(ws::WSAEADDRNOTAVAIL);
    }
    let (is_stream, usage) = sockets::with(socket, |entry| (entry.is_stream, entry.usage))?;
    let mut verdict = Ok(());
    sockets::each(|entry| {
        let Some(at) = entry.bound.filter(|at| at.port() == to.port() && to.port() != 0) else {
            return;
        };
        // A connection that was accepted shares its listener's address.
        if entry.is_stream != is_stream || entry.remote.is_some() && entry.turn == 0 {
            return;
        }
        if at.ip() == to.ip() {
            match (entry.usage, usage) {
                (Use::Shared, Use::Shared) => {}
                (Use::Exclusive, Use::Shared) => verdict = Err(ws::WSAEACCES),
                _ => verdict = Err(ws::WSAEADDRINUSE),
            }
        } else if at.is_ipv4() == to.is_ipv4()
            && at.ip().is_unspecified()
            && entry.usage == Use::Exclusive
        {
            verdict = Err(ws::WSAEACCES);
        }
    });
    verdict
}

/// A connection ends by a reset: its peer, if it is in this process, is told so. Not every
/// implementation of Winsock keeps that to itself when network events are selected.
pub(crate) fn reset_peer_of(socket: Number, real: ws::SOCKET) {
    let Ok(remote) = sockets::with(socket, |entry| entry.remote) else { return };
    let (Some(own), Some(remote)) = (Address::of(real), remote) else { return };
    sockets::each(|entry| {
        if entry.is_peer(own, remote) {
            entry.was_reset = true;
            entry.note(ws::FD_CLOSE, ws::WSAECONNRESET);
        }
    });
}

/// A listener is closed: connections that nobody accepted are reset.
pub(crate) fn reset_waiting(listener: SocketAddr) {
    let mut accepted = Vec::new();
    sockets::each(|entry| accepted.extend(entry.remote.filter(|_| entry.turn == 0)));
    sockets::each(|entry| {
        let towards = entry.remote.is_some_and(|remote| Address::reaches(remote, listener));
        let own = entry.real.and_then(Address::of);
        if towards && entry.is_stream && own.is_some_and(|own| !accepted.contains(&own)) {
            entry.was_reset = true;
        }
    });
}
