//! The client's sockets: a slab whose ids are never used twice.

use std::collections::VecDeque;

use core::net::{IpAddr, SocketAddr};

use provider_core::{AddressUse, Family, Kind, WsaError};

use super::StackSocket;
use super::readiness::Interest;
use super::udp::Datagram;

/// One socket as the client holds it.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) family: Family,
    pub(super) kind: Kind,
    /// The name that this socket holds in the table of ports.
    pub(super) bound: Option<(IpAddr, u16)>,
    pub(super) interest: Interest,
    /// Why a socket without a connection is dead.
    pub(super) fate: Option<WsaError>,
    pub(super) broadcast: bool,
    pub(super) keep_alive: bool,
    pub(super) no_delay: bool,
    pub(super) urgent_inline: bool,
    pub(super) address_use: AddressUse,
    /// SO_RCVBUF, in bytes.
    pub(super) receive_buffer: usize,
    pub(super) detail: Detail,
}

/// What a socket is, besides.
#[derive(Debug)]
pub(super) enum Detail {
    Datagram(Datagram),
    /// A stream that neither listens nor ever started to connect.
    Idle,
    Listener(Listener),
    /// A stream with a connection, which may be under way, open or dead: its place.
    Connection(usize),
}

/// Connections on their way to the client.
#[derive(Debug)]
pub(super) struct Listener {
    /// Connections that may wait, the unfinished included.
    pub(super) backlog: usize,
    /// Connections whose handshake is not over.
    pub(super) unfinished: usize,
    /// Places of the connections that wait, first come first.
    pub(super) queue: VecDeque<usize>,
}

#[derive(Debug)]
struct Slot {
    generation: u16,
    socket: Option<Socket>,
}

/// All sockets.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: Vec<u16>,
    open: usize,
}

impl Slots {
    /// Takes `socket` in.
    ///
    /// # Errors
    /// WSAEMFILE when every place is taken or used up.
    pub(super) fn insert(&mut self, socket: Socket) -> Result<StackSocket, WsaError> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = u16::try_from(self.slots.len()).map_err(|_| WsaError::WSAEMFILE)?;
                self.slots.push(Slot { generation: 0, socket: None });
                index
            }
        };
        let slot = &mut self.slots[usize::from(index)];
        slot.socket = Some(socket);
        self.open += 1;
        Ok(StackSocket(u32::from(slot.generation) << 16 | u32::from(index)))
    }

    pub(super) fn remove(&mut self, id: StackSocket) -> Option<Socket> {
        let index = id.0 as u16;
        let slot = self.slots.get_mut(usize::from(index))?;
        if slot.generation != (id.0 >> 16) as u16 {
            return None;
        }
        let socket = slot.socket.take()?;
        self.open -= 1;
        // A place whose generations are used up is never used again, so that no id comes twice.
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.free.push(index);
        }
        Some(socket)
    }

    /// The socket of `id`.
    ///
    /// # Errors
    /// WSAENOTSOCK when it was closed.
    pub(super) fn get(&self, id: StackSocket) -> Result<&Socket, WsaError> {
        match self.slots.get(usize::from(id.0 as u16)) {
            Some(Slot { generation, socket: Some(socket) })
                if *generation == (id.0 >> 16) as u16 =>
            {
                Ok(socket)
            }
            _ => Err(WsaError::WSAENOTSOCK),
        }
    }

    /// As [`Self::get`].
    pub(super) fn get_mut(&mut self, id: StackSocket) -> Result<&mut Socket, WsaError> {
        match self.slots.get_mut(usize::from(id.0 as u16)) {
            Some(Slot { generation, socket: Some(socket) })
                if *generation == (id.0 >> 16) as u16 =>
            {
                Ok(socket)
            }
            _ => Err(WsaError::WSAENOTSOCK),
        }
    }

    pub(super) const fn open(&self) -> usize {
        self.open
    }
}

impl Socket {
    pub(super) const fn new(family: Family, kind: Kind, detail: Detail, buffer: usize) -> Self {
        Self {
            family,
            kind,
            bound: None,
            interest: Interest::new(),
            fate: None,
            broadcast: false,
            keep_alive: false,
            no_delay: false,
            urgent_inline: false,
            address_use: AddressUse::Own,
            receive_buffer: buffer,
            detail,
        }
    }

    pub(super) fn bound_address(&self) -> Option<SocketAddr> {
        self.bound.map(|(address, port)| SocketAddr::new(address, port))
    }
}
