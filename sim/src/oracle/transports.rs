//! Transport sockets: which SPI socket each one carries.

use super::book::{Book, SocketId, place};
use super::facts::ProcessKey;
use super::hash::Map;
use crate::event::{At, Function, MachineId};

/// A transport socket of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tsock {
    pub(super) machine: MachineId,
    pub(super) number: u32,
}

pub(super) struct Carrier {
    pub(super) process: ProcessKey,
    /// The SPI socket, once it can be told.
    pub(super) socket: Option<SocketId>,
    pub(super) stream: bool,
    pub(super) closed: bool,
    /// Its last send was refused for want of room, and it did not say since that there is some.
    full: bool,
}

/// The register of transport sockets.
#[derive(Default)]
pub(super) struct Transports {
    carriers: Map<Tsock, Carrier>,
    /// By SPI socket: its transport socket.
    of_socket: Map<u32, Tsock>,
}

impl Transports {
    pub(super) fn get(&self, tsock: Tsock) -> Option<&Carrier> {
        self.carriers.get(&tsock)
    }

    pub(super) fn of(&self, socket: SocketId) -> Option<Tsock> {
        self.of_socket.get(&socket.0).copied()
    }

    pub(super) fn set_full(&mut self, tsock: Tsock, full: bool) {
        if let Some(carrier) = self.carriers.get_mut(&tsock) {
            carrier.full = full;
        }
    }

    /// Whether it has no room that the provider could know of.
    pub(super) fn is_full(&self, tsock: Tsock) -> bool {
        self.carriers.get(&tsock).is_none_or(|carrier| carrier.full)
    }

    /// A transport socket came to be. The call that the thread is in says whose it is: at once, or
    /// (WSPSocket) when that call leaves.
    pub(super) fn opened(
        &mut self,
        book: &mut Book,
        at: At,
        process: ProcessKey,
        tsock: Tsock,
        stream: bool,
    ) {
        self.enter(process, tsock, stream);
        let Some(call) = book.thread(place(at)).calls.last_mut() else { return };
        if call.call.function == Function::WSPSocket {
            // Two in one call: nobody can tell which is meant.
            call.opened = if call.opened.is_some() { Some(u32::MAX) } else { Some(tsock.number) };
        } else if let Some(socket) = call.socket {
            self.join(tsock, socket);
        }
    }

    /// The provider took a connection. Which WSPAccept gives it out cannot be told: it may be taken
    /// ahead, in any call or none, and a deferred one comes later. Its first use tells.
    pub(super) fn accepted(&mut self, process: ProcessKey, tsock: Tsock) {
        self.enter(process, tsock, true);
    }

    fn enter(&mut self, process: ProcessKey, tsock: Tsock, stream: bool) {
        self.carriers
            .insert(tsock, Carrier { process, socket: None, stream, closed: false, full: false });
    }

    /// A call that made a socket has left.
    pub(super) fn made(&mut self, machine: MachineId, opened: Option<u32>, socket: SocketId) {
        if let Some(number) = opened {
            self.join(Tsock { machine, number }, socket);
        }
    }

    /// The thread used a transport socket inside a send or a receive on `socket`.
    pub(super) fn used(&mut self, tsock: Tsock, socket: SocketId) {
        self.join(tsock, socket);
    }

    fn join(&mut self, tsock: Tsock, socket: SocketId) {
        let taken =
            self.of(socket).and_then(|old| self.carriers.get(&old)).is_some_and(|old| !old.closed);
        let Some(carrier) = self.carriers.get_mut(&tsock) else { return };
        if !taken && carrier.socket.is_none() {
            carrier.socket = Some(socket);
            self.of_socket.insert(socket.0, tsock);
        }
    }

    /// Transport sockets that a process never gave back, by number.
    pub(super) fn left_open(&self, process: ProcessKey) -> Vec<Tsock> {
        let mut open: Vec<Tsock> = self
            .carriers
            .iter()
            .filter(|(_, carrier)| carrier.process == process && !carrier.closed)
            .map(|(tsock, _)| *tsock)
            .collect();
        open.sort_by_key(|tsock| tsock.number);
        open
    }

    pub(super) fn closed(&mut self, book: &mut Book, at: At, tsock: Tsock) {
        if let Some(carrier) = self.carriers.get_mut(&tsock) {
            carrier.closed = true;
        }
        if let Some(call) = book.thread(place(at)).calls.last_mut()
            && call.opened == Some(tsock.number)
        {
            call.opened = None;
        }
    }
}
