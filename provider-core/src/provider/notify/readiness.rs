//! What a socket is ready for. A look arms the transport: where there is nothing, readiness
//! follows when there is something.

use crate::socket::{Multipoint, Phase, Socket, SocketState};
use crate::{Host, Kind, Profile, Transport, WsaError};

use super::super::Provider;
use super::super::receive::is_report;
use super::super::send::is_fatal;

/// What a receive would find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Arrival {
    /// Nothing: it would have to wait.
    Nothing,
    /// Data, or a report of what became of an earlier datagram.
    Data,
    /// The peer's end, behind all of its data.
    End,
    /// The error that ended the connection.
    Failure(WsaError),
    /// The receive half was shut down here.
    Refusal,
}

impl<H: Host> Provider<H> {
    /// Whether a send, of as much as was refused last, would be anything but WSAEWOULDBLOCK.
    pub(super) fn can_send(&self, socket: &Socket<H>, state: &SocketState<H>) -> bool {
        let usable = match (socket.kind, state.phase) {
            (Kind::Stream, Phase::Failed(_)) => return true,
            (Kind::Stream, phase) => phase == Phase::Connected,
            // Unbound, it is bound by the send, or refused (DST-7).
            (Kind::Datagram, _) => state.local.is_some() || self.profile == Profile::Windows,
        };
        usable
            && state.multipoint != Multipoint::Receiver
            && (state.send_ended || state.sends.is_empty() && self.has_room(socket, state))
    }

    /// Whether a send is taken by the send buffer, or by the transport behind an empty one.
    fn has_room(&self, socket: &Socket<H>, state: &SocketState<H>) -> bool {
        if state.buffer.is_empty() && (state.options.send_buffer > 0 || !state.transport_full) {
            return true;
        }
        match (socket.kind, self.profile) {
            // It takes what there is room for (SYN-2).
            (Kind::Stream, Profile::Documented) => state.room() > 0,
            _ => state.admits(state.refused as usize),
        }
    }

    /// What a receive that is called now would find. A connection that turns out to be dead is
    /// that from now on.
    pub(in super::super) fn arrival(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
    ) -> Arrival {
        match (socket.kind, state.phase) {
            (Kind::Stream, Phase::Failed(error)) => Arrival::Failure(error),
            (Kind::Stream, Phase::Connected) if state.receive_ended => Arrival::Refusal,
            (Kind::Stream, Phase::Connected) => self.arrival_on_stream(state),
            (Kind::Datagram, Phase::Open) if state.receive_ended => Arrival::Refusal,
            (Kind::Datagram, Phase::Open) if state.local.is_some() => {
                self.arrival_of_datagram(state)
            }
            _ => Arrival::Nothing,
        }
    }

    fn arrival_on_stream(&self, state: &mut SocketState<H>) -> Arrival {
        if state.transport_closed || !state.receives.is_empty() {
            // What comes is for the receives that wait.
            return Arrival::Nothing;
        }
        match self.host.transport().try_recv(state.transport, &mut [0], true) {
            Ok(0) => Arrival::End,
            Ok(_) => Arrival::Data,
            Err(WsaError::WSAEWOULDBLOCK) => Arrival::Nothing,
            Err(error) if is_fatal(error) => {
                state.fail(error);
                Arrival::Failure(error)
            }
            Err(_) => self.nothing_known(state),
        }
    }

    fn arrival_of_datagram(&self, state: &mut SocketState<H>) -> Arrival {
        if state.transport_closed || !state.receives.is_empty() {
            return Arrival::Nothing;
        }
        match self.next_datagram(state, true) {
            Ok(_) => Arrival::Data,
            Err(report) if is_report(&report) => {
                // It is the next call's to tell, not ours.
                state.reports.push_front(report);
                Arrival::Data
            }
            Err(WsaError::WSAEWOULDBLOCK) => Arrival::Nothing,
            Err(_) => self.nothing_known(state),
        }
    }

    /// The transport could not say, and tells nothing of it: a timer looks again.
    fn nothing_known(&self, state: &mut SocketState<H>) -> Arrival {
        self.arm_retry(state);
        Arrival::Nothing
    }

    /// Whether urgent data waits that is not part of the stream.
    pub(super) fn urgent_waits(&self, state: &mut SocketState<H>) -> bool {
        let transport = self.host.transport();
        if state.phase != Phase::Connected
            || state.transport_closed
            || state.receive_ended
            // What comes is for the receives that wait.
            || !state.urgent_receives.is_empty()
            || !transport.has_urgent()
        {
            return false;
        }
        match transport.try_recv_urgent(state.transport, true) {
            Ok(_) => true,
            // There is none, or it is in line, or it has not arrived.
            Err(WsaError::WSAEINVAL | WsaError::WSAEWOULDBLOCK) => false,
            Err(error) => {
                if is_fatal(error) {
                    state.fail(error);
                } else {
                    self.nothing_known(state);
                }
                false
            }
        }
    }
}
