//! WSPAccept: the line of connections, the condition function, and the socket that comes of one.

use crate::socket::{Connection, Opened, Phase, Socket, SocketState};
use crate::spi::{CF_ACCEPT, CF_DEFER, CF_REJECT, FD_ACCEPT};
use crate::{
    ConditionCall, ConditionRoutine, Host, Kind, SocketHandle, Transport, UserPtr, WsaError,
};

use super::super::Provider;
use super::super::send::is_fatal;

/// A connection of a host's transport.
type ConnectionOf<H> = Connection<<<H as Host>::Transport as Transport>::Socket>;

/// The arguments of WSPAccept, as the caller gave them.
pub(in super::super) struct AcceptArgs {
    pub(in super::super) socket: SocketHandle,
    pub(in super::super) addr: UserPtr,
    pub(in super::super) addrlen: UserPtr,
    pub(in super::super) condition: ConditionRoutine,
    pub(in super::super) callback_data: usize,
}

impl<H: Host> Provider<H> {
    pub(in super::super) fn accept(&self, args: &AcceptArgs) -> Result<SocketHandle, WsaError> {
        let socket = self.socket(args.socket)?;
        let result = self.accept_from(&socket, args);
        // A connection that is deferred was told of already.
        if result != Err(WsaError::WSATRY_AGAIN) {
            self.reenable(&socket, FD_ACCEPT);
        }
        result
    }

    fn accept_from(&self, socket: &Opened<H>, args: &AcceptArgs) -> Result<SocketHandle, WsaError> {
        //= docs/spec/connecting.md#accept-6
        //# The peer's address MUST be stored in `addr` and its size in `addrlen`, unless one of them
        //# is null.
        let wants_address = !args.addr.is_null() && !args.addrlen.is_null();
        //= docs/spec/connecting.md#accept-7
        //# A room for the address that is too small or not writable MUST fail with WSAEFAULT, and
        //# leave the connection waiting.
        if wants_address {
            self.check_address_room(socket.family, args.addr, args.addrlen)?;
        }
        let mut state = self.lock_open(socket)?;
        //= docs/spec/connecting.md#accept-9
        //# A datagram socket MUST fail with WSAEOPNOTSUPP.
        if socket.kind == Kind::Datagram {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        //= docs/spec/connecting.md#accept-8
        //# A socket that does not listen MUST fail with WSAEINVAL.
        if state.phase != Phase::Listening {
            return Err(WsaError::WSAEINVAL);
        }
        let first = self.claim_connection(&mut state);
        let nonblocking = state.options.nonblocking;
        drop(state);
        let connection = match first {
            //= docs/spec/connecting.md#accept-2
            //# On a blocking socket without a connection that waits, the call MUST block until there
            //# is one.
            Err(WsaError::WSAEWOULDBLOCK) if !nonblocking => {
                self.watch(socket, None, |state| {
                    match state.descriptors.is_open(socket.descriptor) {
                        //= docs/spec/connecting.md#accept-15
                        //# A blocked call MUST end with WSAEINTR when it is cancelled or its socket is
                        //# closed.
                        false => Some(Err(WsaError::WSAEINTR)),
                        true => match self.claim_connection(state) {
                            Err(WsaError::WSAEWOULDBLOCK) => None,
                            result => Some(result),
                        },
                    }
                })?
            }
            //= docs/spec/connecting.md#accept-3
            //# On a nonblocking socket without a connection that waits, the call MUST fail with
            //# WSAEWOULDBLOCK.
            result => result?,
        };
        //= docs/spec/connecting.md#accept-19
        //# The address MUST be stored whatever the condition function answers.
        if wants_address {
            // Writable and large enough a moment ago; if the caller unmapped it since, the
            // connection is worth more than the address.
            let _ = self.give_address(&connection.peer, args.addr, args.addrlen);
        }
        if !args.condition.is_null() {
            self.ask_condition(socket, &connection, args)?;
        }
        //= docs/spec/connecting.md#accept-11
        //# CF_ACCEPT MUST accept the connection.
        self.hand_over(socket, &connection)
    }

    /// Whether WSPAccept would not have to wait. It may take a connection from the transport, which
    /// then waits here.
    pub(in super::super) fn connection_waits(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
    ) -> bool {
        socket.kind == Kind::Stream
            && state.phase == Phase::Listening
            && self.fetch_connection(state) != Err(WsaError::WSAEWOULDBLOCK)
    }

    /// Sees that there is a connection that no thread decides on: one from the transport if need
    /// be, and never more than one ahead.
    fn fetch_connection(&self, state: &mut SocketState<H>) -> Result<(), WsaError> {
        if state.waiting.has_free() {
            return Ok(());
        }
        let transport = self.host.transport();
        let id = self.sockets.reserve(self.host.current_thread().0);
        match transport.accept(state.transport, id.token()) {
            Ok((accepted, peer)) => {
                let local = transport.local_address(accepted).or(state.local).unwrap_or(peer);
                state.waiting.push(Connection { id, transport: accepted, peer, local });
                Ok(())
            }
            Err(error) => {
                self.sockets.remove(id);
                Err(error)
            }
        }
    }

    /// The first connection in line that no other thread decides on.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when there is none, WSAECONNRESET when it died while it waited.
    fn claim_connection(&self, state: &mut SocketState<H>) -> Result<ConnectionOf<H>, WsaError> {
        self.fetch_connection(state)?;
        //= docs/spec/connecting.md#accept-1
        //# The first connection that waits MUST be taken and given as a new connected socket.
        //= docs/spec/connecting.md#accept-20
        //# A connection that a condition function has deferred MUST be the first for the next call,
        //# of whatever thread.
        let claimed = state.waiting.claim(self.host.current_thread());
        let connection = claimed.ok_or(WsaError::WSAEWOULDBLOCK)?;
        match self.host.transport().try_recv(connection.transport, &mut [0], true) {
            //= docs/spec/connecting.md#accept-17
            //# A connection that was reset while it waited MUST fail one call with WSAECONNRESET.
            Err(error) if is_fatal(error) => {
                self.refuse_connection(state, &connection);
                Err(WsaError::WSAECONNRESET)
            }
            _ => Ok(connection),
        }
    }

    /// Takes a connection out of the line and resets it. `false` when it was gone.
    fn refuse_connection(&self, state: &mut SocketState<H>, connection: &ConnectionOf<H>) -> bool {
        let found = state.waiting.take(connection.id).is_some();
        if found {
            self.host.transport().close(connection.transport, true);
            self.sockets.remove(connection.id);
        }
        found
    }

    /// The listener is closed: nobody will accept what waits.
    pub(in super::super) fn refuse_waiting(&self, state: &mut SocketState<H>) {
        //= docs/spec/ending.md#close-11
        //# A listening socket MUST reset the connections that wait to be accepted.
        while let Some(connection) = state.waiting.pop() {
            self.host.transport().close(connection.transport, true);
            self.sockets.remove(connection.id);
        }
    }

    /// Puts a connection back into its place, for this thread's next call and for others that wait.
    /// `false` when it was gone.
    fn leave_waiting(&self, listener: &Opened<H>, connection: &ConnectionOf<H>) -> bool {
        let mut state = listener.lock();
        let found = state.waiting.give_back(connection.id);
        if found {
            state.notify_watchers();
        }
        self.deliver(listener, state);
        found
    }

    /// Asks the client's condition function, with no lock held; meanwhile anything may happen to
    /// the listener.
    ///
    /// # Errors
    /// WSAECONNREFUSED when it rejects the connection, which is reset; WSATRY_AGAIN when it defers,
    /// and WSAEINVAL when it says something else: the connection stays in line. WSAENOTSOCK when
    /// the listener was closed, and the connection with it.
    fn ask_condition(
        &self,
        listener: &Opened<H>,
        connection: &ConnectionOf<H>,
        args: &AcceptArgs,
    ) -> Result<(), WsaError> {
        //= docs/spec/connecting.md#accept-10
        //# A condition function MUST be asked in the calling thread, with the peer's address, the
        //# socket's own address and `dwCallbackData`.
        let verdict = self.host.call_condition(&ConditionCall {
            condition: args.condition,
            caller: connection.peer,
            callee: connection.local,
            callback_data: args.callback_data,
        });
        let (error, found) = match verdict {
            CF_ACCEPT => return Ok(()),
            //= docs/spec/connecting.md#accept-12
            //# CF_REJECT MUST refuse the connection, and the call MUST fail with WSAECONNREFUSED.
            CF_REJECT => (
                WsaError::WSAECONNREFUSED,
                self.refuse_connection(&mut listener.lock(), connection),
            ),
            //= docs/spec/connecting.md#accept-13
            //# CF_DEFER MUST leave the connection waiting in its place, and the call MUST fail with
            //# WSATRY_AGAIN.
            CF_DEFER => (WsaError::WSATRY_AGAIN, self.leave_waiting(listener, connection)),
            //= docs/spec/connecting.md#accept-14
            //# Another answer of the condition function MUST fail the call with WSAEINVAL, and leave
            //# the connection waiting.
            _ => (WsaError::WSAEINVAL, self.leave_waiting(listener, connection)),
        };
        //= docs/spec/connecting.md#accept-18
        //# A listening socket that is closed while the condition function runs MUST fail the call
        //# with WSAENOTSOCK.
        Err(if found { error } else { WsaError::WSAENOTSOCK })
    }

    /// Makes a socket of a connection, with the options that its listener has now.
    ///
    /// # Errors
    /// WSAENOTSOCK when the listener was closed, and the connection with it; WSAENOBUFS when there
    /// is no handle: the connection stays in line.
    fn hand_over(
        &self,
        listener: &Opened<H>,
        connection: &ConnectionOf<H>,
    ) -> Result<SocketHandle, WsaError> {
        let handle = match self.host.create_socket_handle(
            listener.family,
            Kind::Stream,
            connection.id.context(),
        ) {
            Ok(handle) => handle,
            //= docs/spec/connecting.md#accept-16
            //# When there is no handle for the new socket the call MUST fail with the code of
            //# WPUCreateSocketHandle, and leave the connection waiting.
            Err(error) => {
                self.leave_waiting(listener, connection);
                return Err(error);
            }
        };
        let mut state = listener.lock();
        let is_open = state.descriptors.is_open(listener.descriptor);
        let taken = if is_open { state.waiting.take(connection.id) } else { None };
        let Some(Connection { id, transport, peer, local }) = taken else {
            drop(state);
            // For another descriptor's calls, if there is one.
            self.leave_waiting(listener, connection);
            let _ = self.host.close_socket_handle(handle);
            return Err(WsaError::WSAENOTSOCK);
        };
        //= docs/spec/connecting.md#accept-4
        //# The new socket MUST have the options of the listening one, its nonblocking mode and its
        //# overlapped attribute among them.
        let (options, selection) = (state.options, state.events.selection());
        drop(state);
        let mut state = SocketState::new(id.token(), transport, options);
        state.phase = Phase::Connected;
        state.peer = Some(peer);
        state.local = Some(local);
        self.tell_options(&state);
        let (life, family, overlapped) = (listener.life, listener.family, listener.overlapped);
        let opened = Opened::new(id, life, handle, family, Kind::Stream, overlapped, state);
        let handle = self.enter_socket(id, opened.clone())?;
        if let Some(selection) = selection {
            self.begin_selection(&opened, selection);
        }
        Ok(handle)
    }
}
