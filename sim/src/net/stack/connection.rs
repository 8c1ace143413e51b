//! One TCP connection: a smoltcp socket, who holds it, and what smoltcp does not remember.

use core::net::SocketAddr;

use provider_core::{Readiness, WsaError};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket as Tcp, SocketBuffer, State};

use super::timers::Clocks;
use super::urgent::Urgent;
use super::{SEND_BUFFER, StackSocket};

/// Both ends of a connection, as seen from this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
}

/// Who gets what a connection has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Client(StackSocket),
    /// Not accepted yet.
    Listener(StackSocket),
    /// Closed by the client; the stack finishes by itself.
    Nobody,
}

/// One connection.
pub(super) struct Connection {
    /// Holds this connection's smoltcp socket and nothing else.
    pub(super) set: SocketSet<'static>,
    handle: SocketHandle,
    pub(super) pair: Pair,
    pub(super) owner: Owner,
    /// Why it died, unless both sides ended it.
    pub(super) fate: Option<WsaError>,
    /// Whether the handshake was completed.
    pub(super) established: bool,
    /// Whether both sides ended it and all was acknowledged.
    pub(super) ended: bool,
    /// smoltcp is not asked any more: nothing more is sent.
    pub(super) mute: bool,
    /// The receive half was shut down.
    pub(super) deaf: bool,
    /// The send half was shut down.
    pub(super) fin: bool,
    pub(super) dirty: bool,
    /// The state after the last look, to see it change.
    pub(super) seen: State,
    pub(super) clocks: Clocks,
    pub(super) urgent: Urgent,
    /// The latest acknowledgment number that arrived.
    pub(super) last_ack: u32,
    /// The headers of the latest segment that arrived, and the sequence number after it.
    pub(super) latest: (Vec<u8>, u32),
    /// The sequence number that is expected next, as the peer was told last.
    pub(super) expected: Option<u32>,
    /// When it needs a poll by itself, in nanoseconds.
    pub(super) wake_at: Option<u64>,
}

impl Connection {
    /// A closed connection with a receive window of `window` bytes.
    pub(super) fn new(pair: Pair, owner: Owner, window: usize) -> Self {
        let mut set = SocketSet::new(Vec::new());
        let receive = SocketBuffer::new(vec![0; window]);
        let send = SocketBuffer::new(vec![0; SEND_BUFFER]);
        let handle = set.add(Tcp::new(receive, send));
        Self {
            set,
            handle,
            pair,
            owner,
            fate: None,
            established: false,
            ended: false,
            mute: false,
            deaf: false,
            fin: false,
            dirty: false,
            seen: State::Closed,
            clocks: Clocks::default(),
            urgent: Urgent::default(),
            last_ack: 0,
            latest: (Vec::new(), 0),
            expected: None,
            wake_at: None,
        }
    }

    pub(super) fn tcp(&self) -> &Tcp<'static> {
        self.set.get(self.handle)
    }

    pub(super) fn tcp_mut(&mut self) -> &mut Tcp<'static> {
        self.set.get_mut(self.handle)
    }

    pub(super) fn state(&self) -> State {
        self.tcp().state()
    }

    /// Bytes that a receive would give.
    pub(super) fn available(&self) -> usize {
        if self.fate.is_some() || self.deaf { 0 } else { self.readable() }
    }

    /// Whether all that the peer sent, its FIN included, has arrived.
    pub(super) fn peer_ended(&self) -> bool {
        self.ended
            || matches!(
                self.state(),
                State::CloseWait | State::LastAck | State::Closing | State::TimeWait
            )
    }

    /// Whether something sent, a FIN too, was not acknowledged yet.
    pub(super) fn outstanding(&self) -> bool {
        let tcp = self.tcp();
        let state = tcp.state();
        let open = !matches!(state, State::Closed | State::Listen | State::SynSent);
        open && (tcp.send_queue() != 0
            || matches!(
                state,
                State::SynReceived | State::FinWait1 | State::Closing | State::LastAck
            ))
    }

    /// Whether all that was taken, and the FIN, was acknowledged. A dead connection has nothing
    /// left to wait for.
    pub(super) fn drained(&self) -> bool {
        self.fate.is_some()
            || self.ended
            || self.fin && matches!(self.state(), State::FinWait2 | State::TimeWait)
    }

    /// What calls would not give WSAEWOULDBLOCK now.
    pub(super) fn levels(&self) -> Readiness {
        let mut levels = Readiness::NONE;
        let dead = self.fate.is_some();
        if dead || self.established {
            levels = levels.union(Readiness::CONNECT);
        }
        let ended = dead || self.deaf || self.peer_ended();
        if ended || self.tcp().can_recv() {
            levels = levels.union(Readiness::RECEIVE);
        }
        if ended || self.urgent.is_settled() {
            levels = levels.union(Readiness::URGENT);
        }
        if dead || self.tcp().can_send() || self.drained() {
            levels = levels.union(Readiness::SEND);
        }
        levels
    }

    /// Throws away what arrived, so that the window stays open.
    pub(super) fn discard(&mut self) -> usize {
        let tcp = self.tcp_mut();
        let mut discarded = 0;
        // Twice: the buffer is a ring.
        while tcp.can_recv() {
            match tcp.recv(|bytes| (bytes.len(), bytes.len())) {
                Ok(0) | Err(_) => break,
                Ok(bytes) => discarded += bytes,
            }
        }
        self.discarded(discarded);
        discarded
    }
}
