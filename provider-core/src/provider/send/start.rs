//! Starting a send: straight to the transport, into the send buffer, or into the queue.

use alloc::sync::Arc;
use core::net::SocketAddr;

use crate::operation::{BlockedCall, CallEnd, Mode, Owner, SendRequest, Started};
use crate::socket::{SendOp, Socket, SocketState};
use crate::{Host, Kind, Profile, Transport, WsaError};

use super::super::Provider;
use super::super::transfer::OUTSTANDING_MAX;
use super::drain::is_no_room;

/// How many bytes of a stream go to the transport at a time.
pub(in super::super) const CHUNK: usize = 16 * 1024;

impl<H: Host> Provider<H> {
    /// Starts a send on a socket that can send.
    ///
    /// # Errors
    /// The send is refused and nothing of it goes out: WSAEWOULDBLOCK, WSAENOBUFS, WSAEFAULT, or
    /// the transport's word.
    pub(in super::super) fn start_send(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
        request: SendRequest,
        mode: Mode,
        call: Option<Arc<BlockedCall<H>>>,
    ) -> Result<Started, WsaError> {
        //= docs/spec/wspsendto.md#err-wouldblock-1
        //# An overlapped send beyond the number that may be outstanding on a socket MUST fail with
        //# WSAEWOULDBLOCK and not be started.
        if matches!(mode, Mode::Overlapped(_)) && state.sends.len() >= OUTSTANDING_MAX {
            return Err(WsaError::WSAEWOULDBLOCK);
        }
        match (socket.kind, request.to) {
            (Kind::Datagram, Some(to)) => {
                self.start_datagram(socket, state, request, to, mode, call)
            }
            _ => self.start_stream(socket, state, request, mode, call),
        }
    }

    /// A datagram goes whole or not at all.
    fn start_datagram(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
        request: SendRequest,
        to: SocketAddr,
        mode: Mode,
        call: Option<Arc<BlockedCall<H>>>,
    ) -> Result<Started, WsaError> {
        //= docs/spec/wspsendto.md#ord-3
        //# A send MUST NOT overtake what is queued on its socket, whichever function and mode
        //# either one used.
        //= docs/spec/wspsendto.md#syn-8
        //# A nonblocking datagram send MUST be taken whole or not at all.
        //= docs/spec/wspsendto.md#buf-7
        //# A datagram of length 0 MUST be sent.
        let len = request.total as usize;
        if state.send_idle() {
            self.gather(state, &request, 0, len)?;
            match self.host.transport().try_send_to(state.transport, &state.stage[..len], to) {
                //= docs/spec/wspsendto.md#ret-14
                //# A datagram send that succeeds MUST report the sum of the lengths of its buffers.
                Ok(()) => return Ok(Started::Now(request.total, 0)),
                Err(WsaError::WSAEWOULDBLOCK) => {}
                //= docs/spec/wspsendto.md#err-netdown
                //# A send that meets a failed network subsystem when it is called MUST fail with
                //# WSAENETDOWN.
                //= docs/spec/wspsendto.md#err-nobufs
                //# A send that the transport refuses with WSAENOBUFS when it is called MUST fail
                //# with WSAENOBUFS, with nothing of it sent.
                //= docs/spec/wspsendto.md#err-netunreach
                //# A destination that the transport has no route to MUST fail the send with
                //# WSAENETUNREACH, or with WSAEHOSTUNREACH where the transport says so.
                //= docs/spec/results.md#result-9
                //# A failed network, as the transport tells of it, MUST fail the call with
                //# WSAENETDOWN.
                Err(error) => return Err(error),
            }
        }
        //= docs/spec/wspsendto.md#ovl-14
        //# A send within the quota of SO_SNDBUF MUST be copied and complete at once. A send beyond
        //# it MUST be copied and complete at once while at most one send is outstanding in the
        //# buffer.
        if state.admits(len) {
            self.fill_buffer(state, &request, 0, len)?;
            return Ok(Started::Now(request.total, 0));
        }
        let owner = self.owner_of(mode, call)?;
        self.enqueue(socket, state, SendOp { request, consumed: 0, owner });
        Ok(Started::Pending)
    }

    fn start_stream(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
        request: SendRequest,
        mode: Mode,
        call: Option<Arc<BlockedCall<H>>>,
    ) -> Result<Started, WsaError> {
        //= docs/spec/wspsendto.md#buf-6
        //# A `dwBufferCount` of 0 MUST send an empty datagram on a datagram socket, and nothing on
        //# a stream, with success and a count of 0.
        if request.total == 0 {
            return Ok(Started::Now(0, 0));
        }
        let mut consumed = 0;
        if state.send_idle()
            && let Err((error, sent)) = self.offer_stream(state, &request, &mut consumed)
        {
            if sent == 0 {
                return Err(error);
            }
            return self.cut_short(state, request, mode, error, sent);
        }
        let rest = (request.total - consumed) as usize;
        let taken = match (mode, self.profile) {
            //= docs/spec/wspsendto.md#syn-2
            //# A nonblocking stream send that fits in part only: under `Documented` it MUST send
            //# that part and return its count.
            (Mode::Nonblocking, Profile::Documented) => state.room().min(rest),
            //= docs/spec/wspsendto.md#syn-2
            //# MUST be taken whole, where OVL-14 lets it into the buffer or the transport has taken
            //# a part of it, and otherwise fail with WSAEWOULDBLOCK.
            (Mode::Nonblocking, Profile::Windows) if consumed > 0 => rest,
            _ if state.admits(rest) => rest,
            _ => 0,
        };
        if taken > 0
            && let Err(error) = self.fill_buffer(state, &request, consumed, taken)
        {
            if consumed == 0 {
                return Err(error);
            }
            return self.cut_short(state, request, mode, error, consumed);
        }
        let done = consumed + taken as u32;
        let partial = matches!(mode, Mode::Nonblocking) && done > 0;
        if done == request.total || partial {
            return Ok(Started::Now(done, 0));
        }
        let owner = self.owner_of(mode, call)?;
        self.enqueue(socket, state, SendOp { request, consumed, owner });
        Ok(Started::Pending)
    }

    fn enqueue(&self, socket: &Socket<H>, state: &mut SocketState<H>, op: SendOp<Owner<H>>) {
        debug_assert!(op.request.to.is_some() == (socket.kind == Kind::Datagram));
        //= docs/spec/wspsendto.md#ord-2
        //# Buffers MUST be sent in the order in which the calls supplied them.
        state.sends.push(op);
    }

    /// A stream send that failed after part of it had gone: a refusal would deny that part. So an
    /// overlapped one ends as a pended operation does, with the part in InternalHigh, and a
    /// nonblocking one reports the part (RET-4). A blocking one has no way to report both.
    fn cut_short(
        &self,
        state: &mut SocketState<H>,
        request: SendRequest,
        mode: Mode,
        error: WsaError,
        consumed: u32,
    ) -> Result<Started, WsaError> {
        match mode {
            Mode::Overlapped(op) => {
                self.store_pending(&op);
                //= docs/spec/wspsendto.md#cxl-8
                //# MUST end once, and a count of bytes MUST be told that is true: all of them
                let end = CallEnd::failure(error, consumed);
                state.finish(Owner::Overlapped(op), request.initiator, end);
                Ok(Started::Pending)
            }
            // What is out is out: the next call on the socket meets the error.
            // Windows took it whole, and lost it with the connection.
            Mode::Nonblocking if self.profile == Profile::Windows && is_fatal(error) => {
                Ok(Started::Now(request.total, 0))
            }
            Mode::Nonblocking => Ok(Started::Now(consumed, 0)),
            Mode::Blocking => Err(error),
        }
    }

    /// Offers a stream send to the transport until it takes no more. `Err` holds the error and
    /// what went before it.
    fn offer_stream(
        &self,
        state: &mut SocketState<H>,
        request: &SendRequest,
        consumed: &mut u32,
    ) -> Result<(), (WsaError, u32)> {
        while *consumed < request.total {
            match self.offer_piece(state, request, *consumed) {
                Ok(taken) => *consumed += taken,
                Err(WsaError::WSAEWOULDBLOCK) => break,
                // Part of it is out: the rest goes later, as from the queue.
                //= docs/spec/wspsendto.md#err-nobufs
                //# A pended stream send that meets WSAENOBUFS MUST be tried again until it goes
                //# out.
                Err(error) if *consumed > 0 && is_no_room(error) => {
                    self.arm_retry(state);
                    break;
                }
                Err(error) => {
                    if is_fatal(error) {
                        state.fail(error);
                    }
                    return Err((error, *consumed));
                }
            }
        }
        Ok(())
    }

    /// Offers the next piece of a stream send to the transport: an urgent byte by itself. Gives how
    /// much was taken.
    pub(in super::super) fn offer_piece(
        &self,
        state: &mut SocketState<H>,
        request: &SendRequest,
        consumed: u32,
    ) -> Result<u32, WsaError> {
        let transport = self.host.transport();
        let ordinary = request.total - u32::from(request.urgent);
        //= docs/spec/wspsendto.md#flag-2
        //# MSG_OOB on a connected stream whose transport has out-of-band data MUST send its last
        //# byte as such, behind all that was sent before.
        if request.urgent && consumed == ordinary {
            self.gather(state, request, consumed as usize, 1)?;
            return transport.try_send_urgent(state.transport, state.stage[0]).map(|()| 1);
        }
        let len = CHUNK.min((ordinary - consumed) as usize);
        self.gather(state, request, consumed as usize, len)?;
        transport.try_send(state.transport, &state.stage[..len]).map(|taken| taken as u32)
    }

    /// Copies `len` bytes of a send, from `offset` on, into the buffer, or nothing of them.
    pub(in super::super) fn fill_buffer(
        &self,
        state: &mut SocketState<H>,
        request: &SendRequest,
        offset: u32,
        len: usize,
    ) -> Result<(), WsaError> {
        //= docs/spec/wspsendto.md#syn-1
        //# A nonoverlapped send MUST have copied its data when it returns, so that the caller may
        //# use the memory again.
        let last = offset as usize + len == request.total as usize;
        state.buffer.begin(request.to, request.urgent && last);
        let mut copied = 0;
        while copied < len {
            let piece = CHUNK.min(len - copied);
            if let Err(error) = self.gather(state, request, offset as usize + copied, piece) {
                state.buffer.take_back();
                return Err(error);
            }
            state.buffer.extend(&state.stage[..piece]);
            copied += piece;
        }
        Ok(())
    }

    /// Copies `len` bytes of a send, from `offset` on, to the front of the stage.
    pub(in super::super) fn gather(
        &self,
        state: &mut SocketState<H>,
        request: &SendRequest,
        offset: usize,
        len: usize,
    ) -> Result<(), WsaError> {
        if state.stage.len() < len {
            state.stage.resize(len, 0);
        }
        request
            //= docs/spec/wspsendto.md#buf-4
            //# The provider MUST NOT write to the data buffers.
            //= docs/spec/wspsendto.md#buf-5
            //# A client that changes its data before completion MUST NOT change how many bytes are
            //# sent or counted.
            .buffers
            .gather(self.host.memory(), offset, &mut state.stage[..len])
            .map_err(|_| WsaError::WSAEFAULT)?;
        Ok(())
    }
}

/// Whether an error of the transport's is the end of a stream's connection.
pub(in super::super) fn is_fatal(error: WsaError) -> bool {
    matches!(
        error,
        WsaError::WSAECONNRESET
            | WsaError::WSAECONNABORTED
            | WsaError::WSAENETRESET
            | WsaError::WSAETIMEDOUT
            | WsaError::WSAENOTCONN
            | WsaError::WSAESHUTDOWN
    )
}
