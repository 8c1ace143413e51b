//! WSPConnect and WSPListen.

use alloc::sync::Arc;
use core::net::SocketAddr;

use crate::socket::{Phase, Socket, SocketState};
use crate::spi::FD_CONNECT;
use crate::{ConnectArgs, Host, Kind, SocketHandle, Transport, UserPtr, WsaError};

use super::Provider;
use super::address::is_broadcast;

impl<H: Host> Provider<H> {
    pub(super) fn connect(
        &self,
        handle: SocketHandle,
        name: UserPtr,
        namelen: i32,
        args: &ConnectArgs,
    ) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        let raw = self.capture_address(name, namelen)?;
        self.check_connect_args(socket.kind, args)?;
        let peer = raw.decode(socket.family)?;
        match socket.kind {
            Kind::Datagram => self.connect_datagram(&socket, peer),
            Kind::Stream => self.connect_stream(&socket, peer, args),
        }
    }

    /// Sets the default peer; an address of zeros takes it away.
    fn connect_datagram(&self, socket: &Arc<Socket<H>>, peer: SocketAddr) -> Result<(), WsaError> {
        let mut state = self.lock_open(socket)?;
        if state.multipoint.has_joined() {
            //= docs/spec/connecting.md#joinleaf-9
            //# A socket that has joined already MUST fail with WSAEISCONN, from WSPConnect too.
            return Err(WsaError::WSAEISCONN);
        }
        if peer.ip().is_unspecified() && peer.port() == 0 {
            state.peer = None;
            return Ok(());
        }
        if peer.ip().is_unspecified() || peer.port() == 0 {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        if is_broadcast(&peer) && !state.options.broadcast {
            return Err(WsaError::WSAEACCES);
        }
        self.bind_implicitly(socket, &mut state)?;
        state.peer = Some(peer);
        state.events.reenable(FD_CONNECT);
        state.events.connected();
        self.deliver(socket, state);
        Ok(())
    }

    fn connect_stream(
        &self,
        socket: &Arc<Socket<H>>,
        peer: SocketAddr,
        args: &ConnectArgs,
    ) -> Result<(), WsaError> {
        let mut state = self.lock_open(socket)?;
        match state.phase {
            Phase::Open => {}
            Phase::Connecting => return Err(WsaError::WSAEALREADY),
            Phase::Connected => return Err(WsaError::WSAEISCONN),
            Phase::Listening => return Err(WsaError::WSAEINVAL),
            Phase::Failed(error) => return Err(SocketState::<H>::later_error(error)),
            Phase::Closed => return Err(WsaError::WSAENOTSOCK),
        }
        if peer.ip().is_unspecified() || peer.port() == 0 || is_broadcast(&peer) {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        let nonblocking = state.options.nonblocking;
        // Before anything is started: a call that is refused must not have begun (RET-4).
        let call = if nonblocking { None } else { Some(self.enter_blocking()?) };
        self.give_no_callee_data(args);
        state.events.reenable(FD_CONNECT);
        let begun = self.begin_connect(socket, &mut state, peer);
        self.deliver(socket, state);
        let Some(call) = call else { return begun };
        if begun != Err(WsaError::WSAEWOULDBLOCK) {
            self.leave_blocking(call.thread);
            return begun;
        }
        self.watch_entered(socket, &call, None, |state| match state.phase {
            // One that died since is for the next call to tell.
            Phase::Connected | Phase::Failed(_) => Some(Ok(())),
            Phase::Connecting => None,
            Phase::Closed => Some(Err(WsaError::WSAEINTR)),
            Phase::Open | Phase::Listening => {
                Some(Err(state.error.take().unwrap_or(WsaError::WSAECONNREFUSED)))
            }
        })
    }

    /// Starts to connect; WSAEWOULDBLOCK when it is under way.
    fn begin_connect(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
        peer: SocketAddr,
    ) -> Result<(), WsaError> {
        self.renew_transport(socket, state)?;
        self.bind_implicitly(socket, state)?;
        let begun = self.host.transport().connect(state.transport, peer);
        state.phase = match begun {
            Ok(()) => Phase::Connected,
            Err(WsaError::WSAEWOULDBLOCK) => Phase::Connecting,
            Err(error) => return Err(error),
        };
        state.peer = Some(peer);
        state.error = None;
        if begun.is_ok() {
            state.events.connected();
            state.notify_watchers();
        }
        begun
    }

    /// A connect that failed used the transport socket up: another one takes its place, bound as
    /// the first was.
    fn renew_transport(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
    ) -> Result<(), WsaError> {
        if !state.stale {
            return Ok(());
        }
        let transport = self.host.transport();
        let fresh = transport.open(socket.family, socket.kind, socket.id.token())?;
        transport.close(state.transport, true);
        state.transport = fresh;
        state.stale = false;
        self.tell_options(state);
        if let Some(local) = state.local {
            state.local = Some(transport.bind(fresh, local)?);
        }
        Ok(())
    }

    /// The transport says that a connect ended.
    pub(super) fn connect_ended(&self, state: &mut SocketState<H>) {
        if state.phase != Phase::Connecting {
            return;
        }
        match self.host.transport().connect_result(state.transport) {
            Err(WsaError::WSAEWOULDBLOCK) => return,
            // What only a connection can end with: it was established, and died since. The next
            // call on it says so.
            Ok(())
            | Err(WsaError::WSAECONNRESET | WsaError::WSAECONNABORTED | WsaError::WSAENETRESET) => {
                state.phase = Phase::Connected;
                state.events.connected();
            }
            Err(error) => {
                state.phase = Phase::Open;
                state.peer = None;
                state.error = Some(error);
                state.stale = true;
                state.events.happened(FD_CONNECT, Some(error));
            }
        }
        state.notify_watchers();
    }

    pub(super) fn listen(&self, handle: SocketHandle, backlog: i32) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        let mut state = self.lock_open(&socket)?;
        if socket.kind == Kind::Datagram {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        match state.phase {
            Phase::Listening => return Ok(()),
            Phase::Connecting | Phase::Connected => return Err(WsaError::WSAEISCONN),
            Phase::Failed(_) => return Err(WsaError::WSAEINVAL),
            Phase::Open | Phase::Closed => {}
        }
        if state.local.is_none() {
            return Err(WsaError::WSAEINVAL);
        }
        self.renew_transport(&socket, &mut state)?;
        self.host.transport().listen(state.transport, backlog_of(backlog))?;
        state.phase = Phase::Listening;
        Self::stir(&mut state);
        self.deliver(&socket, state);
        Ok(())
    }
}

/// SOMAXCONN and above give the most; 0 and below the least.
fn backlog_of(backlog: i32) -> usize {
    const MOST: i32 = 200;
    backlog.clamp(1, MOST) as usize
}
