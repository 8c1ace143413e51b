//! WSPConnect and WSPListen.

use core::net::SocketAddr;

use crate::socket::{Opened, Phase, Socket, SocketState};
use crate::spi::FD_CONNECT;
use crate::{ConnectArgs, Host, Kind, SocketHandle, Transport, UserPtr, WsaError};

use super::super::Provider;
use super::super::address::is_broadcast;

impl<H: Host> Provider<H> {
    pub(in super::super) fn connect(
        &self,
        handle: SocketHandle,
        name: UserPtr,
        namelen: i32,
        args: &ConnectArgs,
    ) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        let raw = self.capture_address(name, namelen)?;
        self.check_connect_args(socket.kind == Kind::Stream, args)?;
        let peer = raw.decode(socket.family)?;
        match socket.kind {
            Kind::Datagram => self.connect_datagram(&socket, peer),
            Kind::Stream => self.connect_stream(&socket, peer, args),
        }
    }

    /// Sets the default peer; an address of zeros takes it away.
    fn connect_datagram(&self, socket: &Opened<H>, peer: SocketAddr) -> Result<(), WsaError> {
        let mut state = self.lock_open(socket)?;
        if state.multipoint.has_joined() {
            //= docs/spec/connecting.md#joinleaf-9
            //# A socket that has joined already MUST fail with WSAEISCONN, from WSPConnect too.
            return Err(WsaError::WSAEISCONN);
        }
        //= docs/spec/connecting.md#connect-10
        //# On a datagram socket an address of zeros MUST take the default destination away.
        if peer.ip().is_unspecified() && peer.port() == 0 {
            state.peer = None;
            return Ok(());
        }
        //= docs/spec/connecting.md#connect-15
        //# ADDR_ANY or port 0 MUST fail with WSAEADDRNOTAVAIL, but for the address of zeros on a
        //# datagram socket.
        if peer.ip().is_unspecified() || peer.port() == 0 {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        //= docs/spec/connecting.md#connect-16
        //# A datagram socket MUST fail with WSAEACCES for a broadcast address while SO_BROADCAST is
        //# off.
        if is_broadcast(&peer) && !state.options.broadcast {
            return Err(WsaError::WSAEACCES);
        }
        self.bind_implicitly(socket, &mut state)?;
        //= docs/spec/connecting.md#connect-9
        //# On a datagram socket the call MUST set the default destination and send nothing.
        //= docs/spec/connecting.md#connect-11
        //# On a connected datagram socket another connect MUST replace the default destination.
        state.peer = Some(peer);
        state.events.reenable(FD_CONNECT);
        state.events.connected();
        self.deliver(socket, state);
        Ok(())
    }

    fn connect_stream(
        &self,
        socket: &Opened<H>,
        peer: SocketAddr,
        args: &ConnectArgs,
    ) -> Result<(), WsaError> {
        let mut state = self.lock_open(socket)?;
        match state.phase {
            Phase::Open => {}
            //= docs/spec/connecting.md#connect-3
            //# While a connect is under way another MUST fail with WSAEALREADY.
            Phase::Connecting => return Err(WsaError::WSAEALREADY),
            //= docs/spec/connecting.md#connect-4
            //# A stream that is connected MUST fail with WSAEISCONN.
            //= docs/spec/connecting.md#connect-22
            //# A stream whose connection has ended MUST fail with WSAEISCONN, whatever ended it.
            Phase::Connected | Phase::Failed(_) => return Err(WsaError::WSAEISCONN),
            //= docs/spec/connecting.md#connect-5
            //# A socket that listens MUST fail with WSAEINVAL.
            Phase::Listening => return Err(WsaError::WSAEINVAL),
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
        //= docs/spec/connecting.md#connect-2
        //# On a nonblocking stream a connection that cannot be established at once MUST give
        //# WSAEWOULDBLOCK and go on.
        let Some(call) = call else { return begun };
        if begun != Err(WsaError::WSAEWOULDBLOCK) {
            self.leave_blocking(call.thread);
            return begun;
        }
        self.watch_entered(socket, &call, None, |state| match state.phase {
            //= docs/spec/connecting.md#connect-18
            //# A connect that blocks and is cancelled MUST fail with WSAEINTR.
            _ if !state.descriptors.is_open(socket.descriptor) => Some(Err(WsaError::WSAEINTR)),
            //= docs/spec/connecting.md#connect-1
            //# On a blocking stream the call MUST return 0 when the connection is established.
            // One that died since is for the next call to tell.
            Phase::Connected | Phase::Failed(_) => Some(Ok(())),
            Phase::Connecting => None,
            Phase::Open | Phase::Listening | Phase::Closed => {
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
        //= docs/spec/connecting.md#connect-8
        //# A socket that is not bound MUST be bound to ADDR_ANY and a free port.
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
        //= docs/spec/connecting.md#connect-7
        //# After a connect that failed another MUST be possible on the same socket.
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
    pub(in super::super) fn connect_ended(&self, state: &mut SocketState<H>) {
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
                //= docs/spec/connecting.md#connect-6
                //# MUST tell why: WSAECONNREFUSED, WSAETIMEDOUT, WSAENETUNREACH or another code
                state.error = Some(error);
                state.stale = true;
                state.events.happened(FD_CONNECT, Some(error));
            }
        }
        state.notify_watchers();
    }

    pub(in super::super) fn listen(
        &self,
        handle: SocketHandle,
        backlog: i32,
    ) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        let mut state = self.lock_open(&socket)?;
        if socket.kind == Kind::Datagram {
            //= docs/spec/connecting.md#listen-3
            //# A datagram socket MUST fail with WSAEOPNOTSUPP.
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        match state.phase {
            //= docs/spec/connecting.md#listen-5
            //# On a socket that listens already the call MUST succeed.
            Phase::Listening => return Ok(()),
            //= docs/spec/connecting.md#listen-4
            //# A stream that is connected, or connecting, MUST fail with WSAEISCONN.
            Phase::Connecting | Phase::Connected => return Err(WsaError::WSAEISCONN),
            Phase::Failed(_) => return Err(WsaError::WSAEINVAL),
            Phase::Open | Phase::Closed => {}
        }
        //= docs/spec/connecting.md#listen-2
        //# A socket that is not bound MUST fail with WSAEINVAL.
        if state.local.is_none() {
            return Err(WsaError::WSAEINVAL);
        }
        self.renew_transport(&socket, &mut state)?;
        //= docs/spec/connecting.md#listen-1
        //# A bound stream MUST begin to queue connections.
        self.host.transport().listen(state.transport, backlog_of(backlog))?;
        state.phase = Phase::Listening;
        Self::stir(&mut state);
        self.deliver(&socket, state);
        Ok(())
    }
}

//= docs/spec/connecting.md#listen-6
//# A `backlog` out of range MUST be replaced by the nearest that the provider has.
fn backlog_of(backlog: i32) -> usize {
    const MOST: i32 = 200;
    backlog.clamp(1, MOST) as usize
}
