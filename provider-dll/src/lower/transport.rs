//! The core's transport over lower providers: nonblocking calls, readiness from WSPEventSelect with
//! one event for all sockets, since a wait takes at most 64 handles.

use core::net::SocketAddr;
use core::sync::atomic::Ordering;
use std::sync::Arc;

use provider_core::{
    AddressUse, Family, Group, GroupInterface, Half, Kind, Token, Transport, TransportOption,
    WsaError, spi,
};
use windows_sys::Win32::Networking::WinSock as ws;

use super::registry::{Entry, LowerSocket};
use super::{Lower, index, multicast, numbers};
use crate::urgent_mark::UrgentMark;

const URGENT: u32 = ws::MSG_OOB as u32;

fn peeking(peek: bool) -> u32 {
    if peek { ws::MSG_PEEK as u32 } else { 0 }
}

impl Lower {
    fn entry(&self, socket: LowerSocket) -> Result<Arc<Entry>, WsaError> {
        self.registry.get(socket)
    }

    fn set_word(&self, entry: &Entry, level: i32, name: i32, value: u32) -> Result<(), WsaError> {
        entry.calls().set_option(entry.socket, level, name, &value.to_le_bytes())
    }

    /// One of the two options only; the other one first, as they exclude each other.
    fn set_address_use(&self, entry: &Entry, whom: AddressUse) -> Result<(), WsaError> {
        let set = |name, on: bool| self.set_word(entry, spi::SOL_SOCKET, name, u32::from(on));
        match whom {
            AddressUse::Own => {
                set(spi::SO_REUSEADDR, false)?;
                set(spi::SO_EXCLUSIVEADDRUSE, false)
            }
            AddressUse::Shared => {
                set(spi::SO_EXCLUSIVEADDRUSE, false)?;
                set(spi::SO_REUSEADDR, true)
            }
            AddressUse::Exclusive => {
                set(spi::SO_REUSEADDR, false)?;
                set(spi::SO_EXCLUSIVEADDRUSE, true)
            }
        }
    }
}

impl Transport for Lower {
    type Socket = LowerSocket;

    fn open(&self, family: Family, kind: Kind, token: Token) -> Result<LowerSocket, WsaError> {
        let next = self.next(family, kind)?;
        let (af, type_, protocol) = numbers(family, kind);
        let socket = super::calls::Calls::new(&next).socket(af, type_, protocol)?;
        let opened = self.enter(next, socket, token, family)?;
        if kind == Kind::Datagram {
            self.learn_datagram_max(&*self.entry(opened)?);
        }
        Ok(opened)
    }

    fn bind(&self, socket: LowerSocket, address: SocketAddr) -> Result<SocketAddr, WsaError> {
        let entry = self.entry(socket)?;
        entry.calls().bind(entry.socket, &address)?;
        entry.calls().sock_name(entry.socket)
    }

    fn connect(&self, socket: LowerSocket, peer: SocketAddr) -> Result<(), WsaError> {
        let entry = self.entry(socket)?;
        entry.calls().connect(entry.socket, &peer)
    }

    fn connect_result(&self, socket: LowerSocket) -> Result<(), WsaError> {
        self.entry(socket)?.connected().unwrap_or(Err(WsaError::WSAEWOULDBLOCK))
    }

    fn listen(&self, socket: LowerSocket, backlog: usize) -> Result<(), WsaError> {
        let entry = self.entry(socket)?;
        entry.calls().listen(entry.socket, i32::try_from(backlog).unwrap_or(i32::MAX))
    }

    fn accept(
        &self,
        listener: LowerSocket,
        token: Token,
    ) -> Result<(LowerSocket, SocketAddr), WsaError> {
        let entry = self.entry(listener)?;
        let (socket, peer) = entry.calls().accept(entry.socket)?;
        Ok((self.enter(entry.next(), socket, token, entry.family)?, peer))
    }

    fn try_send(&self, socket: LowerSocket, bytes: &[u8]) -> Result<usize, WsaError> {
        let entry = self.entry(socket)?;
        entry.calls().send(entry.socket, bytes, 0)
    }

    fn has_urgent(&self) -> bool {
        true
    }

    fn try_send_urgent(&self, socket: LowerSocket, byte: u8) -> Result<(), WsaError> {
        let entry = self.entry(socket)?;
        entry.calls().send(entry.socket, &[byte], URGENT).map(|_| ())
    }

    fn try_recv_urgent(&self, socket: LowerSocket, peek: bool) -> Result<u8, WsaError> {
        let (entry, mut byte) = (self.entry(socket)?, [0]);
        match entry.calls().receive(entry.socket, &mut byte, URGENT | peeking(peek))? {
            0 => Err(WsaError::WSAEINVAL),
            _ => {
                if !peek {
                    entry.mark(UrgentMark::read);
                }
                Ok(byte[0])
            }
        }
    }

    fn at_urgent_mark(&self, socket: LowerSocket) -> bool {
        let Ok(entry) = self.entry(socket) else { return true };
        if entry.mark(|mark| mark.is_unread()) && self.try_recv_urgent(socket, true).is_err() {
            // A look at the byte lets FD_OOB be told of it once more, also after it was received.
            entry.mark(UrgentMark::read);
        }
        entry.mark(|mark| !mark.waits_in_line() && !mark.is_unread())
    }

    fn stopped_at_mark(&self, socket: LowerSocket) -> bool {
        self.entry(socket).is_ok_and(|entry| {
            entry.mark(|mark| mark.is_here(|| entry.readable(), || entry.has_urgent_ahead()))
        })
    }

    fn try_send_to(
        &self,
        socket: LowerSocket,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Result<(), WsaError> {
        let entry = self.entry(socket)?;
        entry.calls().send_to(entry.socket, datagram, &to)
    }

    fn try_recv(
        &self,
        socket: LowerSocket,
        into: &mut [u8],
        peek: bool,
    ) -> Result<usize, WsaError> {
        let entry = self.entry(socket)?;
        let room = entry.mark(|mark| mark.limit(into.len()));
        let got = entry.calls().receive(entry.socket, &mut into[..room], peeking(peek))?;
        if !peek {
            entry.mark(|mark| mark.received(got, room));
        }
        Ok(got)
    }

    fn try_recv_from(
        &self,
        socket: LowerSocket,
        into: &mut [u8],
        peek: bool,
    ) -> Result<(usize, SocketAddr), WsaError> {
        let entry = self.entry(socket)?;
        entry.calls().receive_from(entry.socket, into, peeking(peek))
    }

    fn take_reset(&self, socket: LowerSocket) -> bool {
        // A look: it meets the report if that is what comes next, and leaves datagrams where they
        // are.
        self.try_recv_from(socket, &mut [0], true) == Err(WsaError::WSAECONNRESET)
    }

    fn available(&self, socket: LowerSocket) -> usize {
        self.entry(socket).map_or(0, |entry| entry.readable())
    }

    fn datagram_max(&self, family: Family) -> usize {
        self.datagram_max[index(family)].load(Ordering::Relaxed)
    }

    fn shutdown(&self, socket: LowerSocket, half: Half) -> Result<(), WsaError> {
        let how = match half {
            Half::Receive => spi::SD_RECEIVE,
            Half::Send => spi::SD_SEND,
        };
        self.entry(socket)?.shutdown(how)
    }

    /// Winsock sets no event when all is acknowledged: the worker looks again and again.
    fn is_drained(&self, socket: LowerSocket) -> bool {
        let drained = self.entry(socket).map_or(true, |entry| entry.is_drained());
        if !drained {
            self.worker.look_for_drained();
        }
        drained
    }

    fn close(&self, socket: LowerSocket, abort: bool) {
        let Some(entry) = self.registry.take(socket) else { return };
        if abort {
            let hard = [1_u16.to_le_bytes(), 0_u16.to_le_bytes()].concat();
            // Refused, the close is a graceful one: nothing more can be done.
            let _ = entry.calls().set_option(entry.socket, spi::SOL_SOCKET, spi::SO_LINGER, &hard);
        }
        entry.close();
    }

    fn local_address(&self, socket: LowerSocket) -> Option<SocketAddr> {
        let entry = self.entry(socket).ok()?;
        entry.calls().sock_name(entry.socket).ok()
    }

    fn join(&self, socket: LowerSocket, group: Group) -> Result<(), WsaError> {
        let entry = self.entry(socket)?;
        let names = multicast::names(entry.family);
        let value = multicast::membership(&group);
        entry.calls().set_option(entry.socket, names.level, names.join, &value)
    }

    fn leave(&self, socket: LowerSocket, group: Group) -> Result<(), WsaError> {
        let entry = self.entry(socket)?;
        let names = multicast::names(entry.family);
        let value = multicast::membership(&group);
        entry.calls().set_option(entry.socket, names.level, names.leave, &value)
    }

    fn set_multicast_interface(
        &self,
        socket: LowerSocket,
        interface: Option<GroupInterface>,
    ) -> Result<u32, WsaError> {
        let entry = self.entry(socket)?;
        let names = multicast::names(entry.family);
        let index = multicast::index(interface)?;
        let value = multicast::interface(entry.family, interface);
        entry.calls().set_option(entry.socket, names.level, names.interface, &value)?;
        Ok(index)
    }

    fn set_option(&self, socket: LowerSocket, option: TransportOption) {
        let Ok(entry) = self.entry(socket) else { return };
        let names = multicast::names(entry.family);
        let set = |level, name, value| self.set_word(&entry, level, name, value);
        let general = |name, value| set(spi::SOL_SOCKET, name, value);
        // The core answers the client from its own record; an option that the lower provider
        // refuses is not worth a socket.
        let _ = match option {
            TransportOption::KeepAlive(on) => general(spi::SO_KEEPALIVE, u32::from(on)),
            TransportOption::Broadcast(on) => general(spi::SO_BROADCAST, u32::from(on)),
            TransportOption::ReceiveBuffer(bytes) => general(spi::SO_RCVBUF, bytes),
            TransportOption::UrgentInline(on) => {
                entry.mark(|mark| mark.set_inline(on));
                general(spi::SO_OOBINLINE, u32::from(on))
            }
            TransportOption::NoDelay(on) => set(spi::IPPROTO_TCP, ws::TCP_NODELAY, u32::from(on)),
            TransportOption::AddressUse(whom) => self.set_address_use(&entry, whom),
            TransportOption::MulticastTtl(ttl) => set(names.level, names.ttl, u32::from(ttl)),
            TransportOption::MulticastLoop(on) => set(names.level, names.looped, u32::from(on)),
        };
    }
}
