//! Sockets that all threads of the soak use, close and replace.

use core::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use provider_core::layout::{SOCKADDR_IN, SOCKADDR_IN6, decode_sockaddr_in, encode_sockaddr};
use provider_core::spi::{
    AF_INET, FIONBIO, SO_SNDBUF, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, WSA_FLAG_OVERLAPPED,
};
use provider_core::{
    ConditionRoutine, ConnectArgs, OverlappedArgs, ServiceProvider, SocketHandle, UserPtr,
};

use crate::spi::TableSpi;
use crate::ws2::strict;

/// So many datagram sockets, and so many ends of connections.
const DATAGRAMS: usize = 12;
const STREAMS: usize = 12;

/// A place for a socket; its value may be out of date at any time.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) socket: SocketHandle,
    pub(super) name: SocketAddr,
}

/// All of them. Those of a connection are at an even place and behind it.
pub(super) struct Sockets {
    datagrams: Vec<Mutex<Place>>,
    streams: Vec<Mutex<SocketHandle>>,
}

fn at<T>(value: &mut T) -> UserPtr {
    UserPtr((&raw mut *value).expose_provenance())
}

const NONE: SocketHandle = SocketHandle(usize::MAX);

fn pick(count: usize) -> usize {
    strict::roll() as usize % count
}

fn read<T: Copy>(place: &Mutex<T>) -> T {
    *place.lock().unwrap_or_else(PoisonError::into_inner)
}

fn replace<T: Copy>(place: &Mutex<T>, value: T) -> T {
    core::mem::replace(&mut *place.lock().unwrap_or_else(PoisonError::into_inner), value)
}

impl Sockets {
    pub(super) fn new(spi: &TableSpi) -> Self {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        let nothing = Place { socket: NONE, name: nowhere };
        let sockets = Self {
            datagrams: (0..DATAGRAMS).map(|_| Mutex::new(nothing)).collect(),
            streams: (0..STREAMS).map(|_| Mutex::new(NONE)).collect(),
        };
        (0..DATAGRAMS).for_each(|place| sockets.renew_datagram(spi, place));
        (0..STREAMS / 2).for_each(|pair| sockets.renew_streams(spi, pair));
        sockets
    }

    pub(super) fn datagram(&self) -> Place {
        read(&self.datagrams[pick(DATAGRAMS)])
    }

    pub(super) fn stream(&self) -> SocketHandle {
        read(&self.streams[pick(STREAMS)])
    }

    /// Any of them.
    pub(super) fn any(&self) -> SocketHandle {
        if strict::roll().is_multiple_of(2) { self.stream() } else { self.datagram().socket }
    }

    /// Closes one and puts another there.
    pub(super) fn renew(&self, spi: &TableSpi) {
        if strict::roll().is_multiple_of(2) {
            self.renew_datagram(spi, pick(DATAGRAMS));
        } else {
            self.renew_streams(spi, pick(STREAMS / 2));
        }
    }

    /// Closes all.
    pub(super) fn close_all(&self, spi: &TableSpi) {
        self.datagrams.iter().for_each(|place| close(spi, read(place).socket));
        self.streams.iter().for_each(|place| close(spi, read(place)));
    }

    fn renew_datagram(&self, spi: &TableSpi, place: usize) {
        let (socket, name) = bound(spi, SOCK_DGRAM);
        prepare(spi, socket);
        close(spi, replace(&self.datagrams[place], Place { socket, name }).socket);
    }

    fn renew_streams(&self, spi: &TableSpi, pair: usize) {
        let (listener, name) = bound(spi, SOCK_STREAM);
        let mut errno = 0_i32;
        spi.wsp_listen(listener, 5, at(&mut errno));
        let one = made(spi, SOCK_STREAM);
        prepare(spi, one);
        let (mut bytes, len) = encode_sockaddr(&name);
        let none = ConnectArgs::NONE;
        spi.wsp_connect(one, at(&mut bytes), len as i32, none, at(&mut errno));
        prepare(spi, listener);
        // The connection may be under way still: then this end is none.
        let null = UserPtr::NULL;
        let other = spi.wsp_accept(listener, null, null, ConditionRoutine::NULL, 0, at(&mut errno));
        close(spi, listener);
        close(spi, replace(&self.streams[2 * pair], one));
        close(spi, replace(&self.streams[2 * pair + 1], other));
    }
}

fn made(spi: &TableSpi, kind: i32) -> SocketHandle {
    let mut errno = 0_i32;
    let flags = WSA_FLAG_OVERLAPPED;
    spi.wsp_socket(AF_INET, kind, 0, UserPtr::NULL, 0, flags, at(&mut errno))
}

fn bound(spi: &TableSpi, kind: i32) -> (SocketHandle, SocketAddr) {
    let s = made(spi, kind);
    let mut errno = 0_i32;
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (mut name, len) = encode_sockaddr(&nowhere);
    spi.wsp_bind(s, at(&mut name), len as i32, at(&mut errno));
    let (mut room, mut size) = ([0_u8; SOCKADDR_IN6], SOCKADDR_IN6 as i32);
    spi.wsp_get_sock_name(s, at(&mut room), at(&mut size), at(&mut errno));
    (s, room.first_chunk::<SOCKADDR_IN>().map_or(nowhere, decode_sockaddr_in))
}

/// Nonblocking, and half of them without a send buffer.
fn prepare(spi: &TableSpi, s: SocketHandle) {
    let (mut on, mut returned, mut errno) = (1_u32, 0_u32, 0_i32);
    let (null, none) = (UserPtr::NULL, OverlappedArgs::NONE);
    let (on, returned) = (at(&mut on), at(&mut returned));
    spi.wsp_ioctl(s, FIONBIO, on, 4, null, 0, returned, none, at(&mut errno));
    if strict::roll().is_multiple_of(2) {
        let mut nothing = 0_u32;
        spi.wsp_set_sock_opt(s, SOL_SOCKET, SO_SNDBUF, at(&mut nothing), 4, at(&mut errno));
    }
}

pub(super) fn close(spi: &TableSpi, s: SocketHandle) {
    let mut errno = 0_i32;
    if s != NONE {
        spi.wsp_close_socket(s, at(&mut errno));
    }
}
