//! Moving what arrived into the receives that wait for it, in posted order.

use alloc::collections::VecDeque;
use core::net::SocketAddr;

use crate::layout::encode_sockaddr;
use crate::operation::{CallEnd, FromAddress, RecvRequest};
use crate::socket::{Socket, SocketState};
use crate::spi::{MSG_OOB, MSG_PARTIAL};
use crate::{Host, Kind, Memory, Transport, WsaError};

use super::super::Provider;
use super::super::send::{CHUNK, is_fatal};

/// What one look at the transport did for a receive.
pub(in super::super) enum Attempt {
    /// Nothing is there (or not enough, for MSG_WAITALL); the transport will tell.
    NoData,
    /// The receive is over.
    Ended(CallEnd),
}

/// The largest datagram of either family, with some to spare.
const DATAGRAM_STAGE: usize = 65_536;

impl<H: Host> Provider<H> {
    /// Serves the receives that wait, until there is no more data.
    pub(in super::super) fn drain_receives(&self, socket: &Socket<H>, state: &mut SocketState<H>) {
        if state.transport_closed {
            return;
        }
        while let Some(mut op) = state.receives.pop_front() {
            match self.attempt(socket, state, &op.request, &mut op.received) {
                Attempt::Ended(end) => state.finish(op.owner, op.request.initiator, end),
                Attempt::NoData => {
                    state.receives.push_front(op);
                    return;
                }
            }
        }
    }

    /// Serves the receives that wait for urgent data.
    pub(in super::super) fn drain_urgent(&self, state: &mut SocketState<H>) {
        while !state.transport_closed
            && let Some(op) = state.urgent_receives.pop_front()
        {
            match self.attempt_urgent(state, &op.request) {
                Attempt::Ended(end) => state.finish(op.owner, op.request.initiator, end),
                Attempt::NoData => {
                    state.urgent_receives.push_front(op);
                    return;
                }
            }
        }
    }

    /// Tries to serve one receive; `received` is what it has so far (MSG_WAITALL).
    pub(in super::super) fn attempt(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
        request: &RecvRequest,
        received: &mut u32,
    ) -> Attempt {
        match socket.kind {
            Kind::Stream if request.urgent => self.attempt_urgent(state, request),
            Kind::Stream => self.attempt_stream(state, request, received),
            Kind::Datagram => self.attempt_datagram(state, request),
        }
    }

    fn attempt_stream(
        &self,
        state: &mut SocketState<H>,
        request: &RecvRequest,
        received: &mut u32,
    ) -> Attempt {
        loop {
            //= docs/spec/receiving.md#recv-33
            //# A receive MUST NOT give bytes from both sides of an urgent byte. One that is in line
            //# MUST be given alone.
            if *received > 0 && self.host.transport().stopped_at_mark(state.transport) {
                return Attempt::Ended(CallEnd::success(*received));
            }
            let room = request.total - *received as usize;
            //= docs/spec/receiving.md#recv-27
            //# A receive without room on a stream MUST wait for data, take none and end with 0
            //# bytes.
            //= docs/spec/receiving.md#recv-19
            //# MSG_PEEK MUST give data and leave it to be received.
            let (len, peek) = if room == 0 { (1, true) } else { (room.min(CHUNK), request.peek) };
            if state.stage.len() < len {
                state.stage.resize(len, 0);
            }
            let result =
                self.host.transport().try_recv(state.transport, &mut state.stage[..len], peek);
            let got = match result {
                //= docs/spec/receiving.md#recv-7
                //# A stream whose peer has ended it gracefully MUST give 0 bytes with success once
                //# all data was received.
                Ok(0) => return Attempt::Ended(CallEnd::success(*received)),
                Ok(_) if room == 0 => return Attempt::Ended(CallEnd::success(0)),
                Ok(got) => got,
                Err(error) => {
                    if is_fatal(error) {
                        state.fail(error);
                    }
                    let waits = error == WsaError::WSAEWOULDBLOCK;
                    return if waits && (request.wait_all || *received == 0) {
                        Attempt::NoData
                    } else if *received > 0 {
                        //= docs/spec/receiving.md#recv-16
                        //# Data that is in hand MUST NOT be lost to an error: the next call meets
                        //# that.
                        Attempt::Ended(CallEnd::success(*received))
                    } else {
                        //= docs/spec/receiving.md#recv-15
                        //# MUST end receives with WSAECONNRESET, one that failed on this side
                        Attempt::Ended(CallEnd::failure(error, 0))
                    };
                }
            };
            let offset = *received as usize;
            let memory = self.host.memory();
            if request.buffers.scatter(memory, offset, &state.stage[..got]).is_err() {
                return Attempt::Ended(CallEnd::failure(WsaError::WSAEFAULT, *received));
            }
            *received += got as u32;
            //= docs/spec/receiving.md#recv-1
            //# A stream MUST give what arrived, in order, as much as is there and as there is room
            //# for.
            //= docs/spec/receiving.md#recv-20
            //# MSG_WAITALL on a stream MUST wait until the buffers are full, the connection has
            //# ended or the call is cancelled.
            let full = *received as usize == request.total;
            let more = !request.peek && got == len;
            if full || !(request.wait_all || more) {
                return Attempt::Ended(CallEnd::success(*received));
            }
        }
    }

    /// MSG_OOB. Where a receive that waits finds that there is nothing to wait for any more, it ends
    /// as a call would that is made now.
    fn attempt_urgent(&self, state: &mut SocketState<H>, request: &RecvRequest) -> Attempt {
        // Without room it takes none.
        let peek = request.peek || request.total == 0;
        //= docs/spec/receiving.md#recv-22
        //# MSG_OOB on a stream MUST give the urgent byte, and fail with WSAEINVAL when there is none.
        let byte = match self.host.transport().try_recv_urgent(state.transport, peek) {
            Ok(byte) => byte,
            Err(WsaError::WSAEWOULDBLOCK) => return Attempt::NoData,
            Err(error) => {
                if is_fatal(error) {
                    state.fail(error);
                }
                return Attempt::Ended(CallEnd::failure(error, 0));
            }
        };
        let given = [byte];
        let given = &given[..request.total.min(1)];
        if request.buffers.scatter(self.host.memory(), 0, given).is_err() {
            return Attempt::Ended(CallEnd::failure(WsaError::WSAEFAULT, 0));
        }
        Attempt::Ended(CallEnd { error: None, bytes: given.len() as u32, flags: MSG_OOB })
    }

    fn attempt_datagram(&self, state: &mut SocketState<H>, request: &RecvRequest) -> Attempt {
        //= docs/spec/receiving.md#recv-2
        //# A datagram socket MUST give one datagram.
        //= docs/spec/receiving.md#recvfrom-2
        //# `lpFrom` and `lpFromlen` MUST NOT be written before the operation completes.
        let (len, from) = match self.next_datagram(state, request.peek) {
            Ok(next) => next,
            Err(WsaError::WSAEWOULDBLOCK) => return Attempt::NoData,
            Err(error) => return Attempt::Ended(CallEnd::failure(error, 0)),
        };
        let fits = len.min(request.total);
        let memory = self.host.memory();
        if request.buffers.scatter(memory, 0, &state.stage[..fits]).is_err() {
            return Attempt::Ended(CallEnd::failure(WsaError::WSAEFAULT, 0));
        }
        if let Some(to) = &request.from
            && let Err(error) = self.give_source(to, &from)
        {
            return Attempt::Ended(CallEnd::failure(error, 0));
        }
        if len > request.total {
            //= docs/spec/receiving.md#recv-13
            //# A datagram that is larger than the buffers MUST fill them and lose the rest, and the
            //# receive MUST end with WSAEMSGSIZE.
            let error = Some(WsaError::WSAEMSGSIZE);
            return Attempt::Ended(CallEnd { error, bytes: fits as u32, flags: MSG_PARTIAL });
        }
        Attempt::Ended(CallEnd::success(fits as u32))
    }

    /// The next datagram for the socket, into the stage: its length and its sender. A connected socket
    /// hears its peer only; what strangers sent before is dropped.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when there is none; what became of an earlier datagram, unless that is switched
    /// off.
    pub(in super::super) fn next_datagram(
        &self,
        state: &mut SocketState<H>,
        peek: bool,
    ) -> Result<(usize, SocketAddr), WsaError> {
        if state.stage.len() < DATAGRAM_STAGE {
            state.stage.resize(DATAGRAM_STAGE, 0);
        }
        let transport = self.host.transport();
        loop {
            let next = match state.reports.pop_front() {
                Some(report) => Err(report),
                None => transport.try_recv_from(state.transport, &mut state.stage, peek),
            };
            match next {
                //= docs/spec/receiving.md#recv-17
                //# A datagram that met port unreachable MUST be reported once, as WSAECONNRESET, by
                //# a later receive, unless SIO_UDP_CONNRESET is off.
                //= docs/spec/receiving.md#recv-18
                //# A datagram socket that was reported a reset MUST go on to work.
                Err(WsaError::WSAECONNRESET) if !state.options.udp_connreset => {}
                Err(WsaError::WSAENETRESET) if !state.options.udp_netreset => {}
                Err(error) => return Err(error),
                //= docs/spec/receiving.md#recv-32
                //# A connected datagram socket MUST drop datagrams of others than its peer.
                //= docs/spec/connecting.md#connect-12
                //# A connected datagram socket MUST receive from its default destination only:
                //# datagrams of others, those that wait already among them, are dropped.
                Ok((len, from)) if state.hears(&from) => return Ok((len, from)),
                Ok(_) if peek => {
                    // Takes the stranger out, to look behind it. A report may come in between.
                    let taken = transport.try_recv_from(state.transport, &mut state.stage, false);
                    state.reports.extend(taken.err().filter(is_report));
                }
                Ok(_) => {}
            }
        }
    }

    /// FIONREAD: how many bytes a receive would give at once; for datagrams, the size of the first
    /// that the socket may hear. Reports on the way to it are kept for the receive.
    pub(in super::super) fn readable(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
    ) -> Result<u32, WsaError> {
        if state.transport_closed {
            return Ok(0);
        }
        if socket.kind == Kind::Stream || state.hears_all() {
            let available = self.host.transport().available(state.transport);
            return Ok(u32::try_from(available).unwrap_or(u32::MAX));
        }
        let mut reports = VecDeque::new();
        let found = loop {
            match self.next_datagram(state, true) {
                Ok((len, _)) => break Ok(len as u32),
                Err(WsaError::WSAEWOULDBLOCK) => break Ok(0),
                Err(report) if is_report(&report) => reports.push_back(report),
                Err(error) => break Err(error),
            }
        };
        state.reports = reports;
        // Who waits for a datagram waits for a report too.
        self.drain_receives(socket, state);
        found
    }

    /// Writes the sender's address where the call asked for it, at completion.
    fn give_source(&self, to: &FromAddress, from: &SocketAddr) -> Result<(), WsaError> {
        //= docs/spec/receiving.md#recvfrom-1
        //# The sender's address MUST be stored in `lpFrom` and its size in `lpFromlen` when a
        //# datagram is received.
        let (bytes, size) = encode_sockaddr(from);
        let memory = self.host.memory();
        memory.write(to.address, &bytes[..size]).map_err(|_| WsaError::WSAEFAULT)?;
        self.put_u32(to.length, size as u32)
    }
}

/// Whether an error tells what became of an earlier datagram.
pub(in super::super) fn is_report(error: &WsaError) -> bool {
    matches!(*error, WsaError::WSAECONNRESET | WsaError::WSAENETRESET)
}
