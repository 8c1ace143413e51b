//! What changes in a socket, under its one lock.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::operation::{BlockedCall, CallEnd, Done, Owner, RecvRequest};
use crate::spi::FD_WRITE;
use crate::table::Id;
use crate::{Host, ThreadKey, Token, Transport, UserPtr, WsaError};

use super::{
    Descriptor, Descriptors, NetworkEvents, OpQueue, Options, ReceiveOp, SendBuffer, SendOp,
    Waiting,
};

/// Where a socket is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Datagram sockets stay here; streams until they connect or listen.
    Open,
    /// A stream whose connect is under way.
    Connecting,
    /// A stream with a peer.
    Connected,
    /// A stream that accepts.
    Listening,
    /// A stream whose connection ended with this error.
    Failed(WsaError),
    /// Closed by the client; the transport may still be draining.
    Closed,
}

/// What a datagram socket is in a multipoint session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Multipoint {
    /// Not made for one.
    Unfit,
    /// Made as a leaf, and in none.
    Leaf,
    /// It joined as a sender only.
    Sender,
    /// It joined as a receiver only.
    Receiver,
    /// It joined as both.
    Both,
}

impl Multipoint {
    /// Whether it joined.
    pub(crate) const fn has_joined(self) -> bool {
        !matches!(self, Self::Unfit | Self::Leaf)
    }
}

/// The state of a socket. Plain data: whoever changes it holds the lock, and tells owners and host
/// after letting it go.
pub(crate) struct SocketState<H: Host> {
    /// What readiness and timers of this socket are told with.
    pub(crate) token: Token,
    pub(crate) transport: <H::Transport as Transport>::Socket,
    pub(crate) phase: Phase,
    /// The address bound to, once bound.
    pub(crate) local: Option<SocketAddr>,
    /// The connection's peer, or a datagram socket's default peer.
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) multipoint: Multipoint,
    pub(crate) options: Options,
    /// WSPShutdown with SD_SEND or SD_BOTH.
    pub(crate) send_ended: bool,
    /// WSPShutdown with SD_RECEIVE or SD_BOTH.
    pub(crate) receive_ended: bool,
    /// The transport has been told that the send half ended.
    pub(crate) fin_sent: bool,
    /// SO_ERROR: read once, then cleared.
    pub(crate) error: Option<WsaError>,
    /// The connection died, and no operation ended with that.
    pub(crate) untold: bool,
    /// A failed connect used the transport socket up: the next connect opens another.
    pub(crate) stale: bool,
    pub(crate) sends: OpQueue<SendOp<Owner<H>>>,
    pub(crate) buffer: SendBuffer,
    /// Bytes of the last send, if it was refused with WSAEWOULDBLOCK.
    pub(crate) refused: u32,
    /// It was the transport that had no room: it will tell.
    pub(crate) transport_full: bool,
    /// The transport gave WSAENOBUFS while draining and a timer is set to try again.
    pub(crate) retry_armed: bool,
    pub(crate) receives: OpQueue<ReceiveOp<Owner<H>>>,
    /// Receives of urgent data: they do not wait behind the others.
    pub(crate) urgent_receives: OpQueue<ReceiveOp<Owner<H>>>,
    /// On a listener: connections that the transport gave and that no WSPAccept has handed out.
    pub(crate) waiting: Waiting<<H::Transport as Transport>::Socket>,
    /// What became of earlier datagrams, as far as the transport has told it and no call has yet.
    pub(crate) reports: VecDeque<WsaError>,
    /// What WSPEventSelect or WSPAsyncSelect selected.
    pub(crate) events: NetworkEvents,
    /// Threads blocked in WSPConnect, WSPAccept, WSPSelect or a lingering WSPCloseSocket: each
    /// looks again when it is signalled.
    pub(crate) watchers: Vec<Arc<BlockedCall<H>>>,
    /// The thread whose WSPCloseSocket lingers: it decides when the transport is given back.
    pub(crate) lingering: Option<ThreadKey>,
    /// Operations that ended and whose owners have not been told yet.
    pub(crate) done: VecDeque<Done<H>>,
    /// The OVERLAPPED of operations that pend and whose call still has to reset their event: until
    /// then nobody tells of their end.
    pub(crate) starting: Vec<UserPtr>,
    pub(crate) descriptors: Descriptors,
    /// WSPDuplicateSocket has offered further ones.
    pub(crate) offered: bool,
    /// The transport socket was given back.
    pub(crate) transport_closed: bool,
    /// Nothing is left of the socket but this.
    pub(crate) retired: bool,
    /// Bytes between the caller's memory and the transport; kept to allocate nothing per call.
    pub(crate) stage: Vec<u8>,
}

impl<H: Host> SocketState<H> {
    pub(crate) fn new(
        token: Token,
        transport: <H::Transport as Transport>::Socket,
        options: Options,
    ) -> Self {
        Self {
            token,
            transport,
            phase: Phase::Open,
            local: None,
            peer: None,
            multipoint: Multipoint::Unfit,
            options,
            send_ended: false,
            receive_ended: false,
            fin_sent: false,
            error: None,
            untold: false,
            stale: false,
            sends: OpQueue::new(),
            buffer: SendBuffer::new(),
            refused: 0,
            transport_full: false,
            retry_armed: false,
            receives: OpQueue::new(),
            urgent_receives: OpQueue::new(),
            waiting: Waiting::new(),
            reports: VecDeque::new(),
            events: NetworkEvents::new(),
            watchers: Vec::new(),
            lingering: None,
            done: VecDeque::new(),
            starting: Vec::new(),
            descriptors: Descriptors::new(),
            offered: false,
            transport_closed: false,
            retired: false,
            stage: Vec::new(),
        }
    }

    /// Whether a datagram socket hears whoever sends to it.
    pub(crate) fn hears_all(&self) -> bool {
        //= docs/spec/connecting.md#joinleaf-13
        //# A socket that joined for receiving MUST hear every member of its group, unlike a connected
        //# one.
        self.peer.is_none() || self.multipoint.has_joined()
    }

    /// Whether a datagram of `from` is one for this socket. Flow label and scope are not part of who
    /// somebody is.
    pub(crate) fn hears(&self, from: &SocketAddr) -> bool {
        let is_peer = |peer: SocketAddr| peer.ip() == from.ip() && peer.port() == from.port();
        self.hears_all() || self.peer.is_some_and(is_peer)
    }

    /// Takes a closed descriptor whose handle nobody needs any more. It is needed as long as an
    /// owner is or will be told through it: that also keeps its value from being used again too
    /// early (CXL-9).
    pub(crate) fn release_descriptor(&mut self) -> Option<(Descriptor, Id)> {
        // A message names it.
        if self.events.is_telling() {
            return None;
        }
        let done = &self.done;
        self.descriptors.release(|descriptor| {
            done.iter().any(|done| done.owner.descriptor() == Some(descriptor))
        })
    }

    /// Nothing waits to be sent.
    pub(crate) fn send_idle(&self) -> bool {
        self.sends.is_empty() && self.buffer.is_empty()
    }

    /// Whether the send buffer takes a send of `len` bytes now, and so completes it (OVL-14).
    pub(crate) fn admits(&self, len: usize) -> bool {
        self.sends.is_empty() && self.buffer.admits(len, self.options.send_buffer as usize)
    }

    /// How many bytes of a stream may be put into the send buffer now.
    pub(crate) fn room(&self) -> usize {
        match self.sends.is_empty() {
            true => self.buffer.room(self.options.send_buffer as usize),
            false => 0,
        }
    }

    /// Takes the first operation that ended and whose owner may be told.
    pub(crate) fn next_done(&mut self) -> Option<Done<H>> {
        if self.starting.is_empty() {
            return self.done.pop_front();
        }
        let may_be_told = |done: &Done<H>| match &done.owner {
            Owner::Overlapped(op) => !self.starting.contains(&op.overlapped),
            Owner::Blocked(_) => true,
        };
        let at = self.done.iter().position(may_be_told)?;
        self.done.remove(at)
    }

    /// An operation ended: its owner will be told once the lock is let go.
    pub(crate) fn finish(&mut self, owner: Owner<H>, initiator: ThreadKey, end: CallEnd) {
        finish(&mut self.done, owner, initiator, end, false);
    }

    /// Ends the sends that `chosen` picks with `error`; each has sent what it had consumed.
    pub(crate) fn end_sends(
        &mut self,
        error: WsaError,
        silent: bool,
        chosen: impl FnMut(&SendOp<Owner<H>>) -> bool,
    ) {
        let (done, queued) = (&mut self.done, self.sends.len());
        self.sends.take(chosen, |op| {
            let end = CallEnd::failure(end_error(&op.owner, error), op.consumed);
            finish(done, op.owner, op.request.initiator, end, silent);
        });
        if self.sends.len() != queued {
            // Another send may go now.
            self.notify_watchers();
        }
    }

    /// Ends the receives that `chosen` picks with `error`, or with the data that they have in hand: the
    /// next call meets the error. Only an overlapped one that is cancelled says so all the same.
    pub(crate) fn end_receives(
        &mut self,
        error: WsaError,
        silent: bool,
        mut chosen: impl FnMut(&ReceiveOp<Owner<H>>) -> bool,
    ) {
        let done = &mut self.done;
        let mut end = |op: ReceiveOp<Owner<H>>| {
            let end = match end_error(&op.owner, error) {
                error if op.received == 0 || error == WsaError::WSA_OPERATION_ABORTED => {
                    CallEnd::failure(error, op.received)
                }
                //= docs/spec/receiving.md#recv-16
                //# Data that is in hand MUST NOT be lost to an error: the next call meets that.
                _ => CallEnd::success(op.received),
            };
            finish(done, op.owner, op.request.initiator, end, silent);
        };
        self.receives.take(&mut chosen, &mut end);
        self.urgent_receives.take(chosen, end);
    }

    /// The queue that a receive would wait in.
    pub(crate) fn receives_like(
        &mut self,
        request: &RecvRequest,
    ) -> &mut OpQueue<ReceiveOp<Owner<H>>> {
        if request.urgent { &mut self.urgent_receives } else { &mut self.receives }
    }

    /// No receive waits.
    pub(crate) fn awaits_nothing(&self) -> bool {
        self.receives.is_empty() && self.urgent_receives.is_empty()
    }

    /// A send of `total` bytes was started, or refused with WSAEWOULDBLOCK.
    pub(crate) fn note_send(&mut self, total: u32, would_block: bool) {
        self.refused = 0;
        self.events.reenable(FD_WRITE);
        if would_block {
            self.refused = total;
            self.transport_full = self.send_idle();
            self.events.await_room();
        }
    }

    /// Lets the threads that wait for a change of the socket look again.
    pub(crate) fn notify_watchers(&mut self) {
        for call in self.watchers.drain(..) {
            let (initiator, owner) = (call.thread, Owner::Blocked(call));
            let end = CallEnd::success(0);
            self.done.push_back(Done { owner, initiator, end, silent: false });
        }
    }

    /// The connection is dead: everything that waits ends with `error`.
    pub(crate) fn fail(&mut self, error: WsaError) {
        if self.phase != Phase::Closed {
            self.phase = Phase::Failed(error);
        }
        self.error = Some(error);
        self.buffer.clear();
        self.events.stir();
        //= docs/spec/wspsendto.md#err-netreset
        //# A connection that keep-alive finds dead MUST end the sends in progress with
        //# WSAENETRESET.
        self.end_sends(error, false, |_| true);
        self.end_receives(error, false, |_| true);
        self.notify_watchers();
    }

    /// The error of calls made after the connection died.
    ///
    /// Operations in progress get WSAENETRESET from a keep-alive failure, later ones
    /// WSAECONNRESET.
    pub(crate) fn later_error(error: WsaError) -> WsaError {
        //= docs/spec/wspsendto.md#err-netreset
        //# Later sends on it MUST fail with WSAECONNRESET.
        if error == WsaError::WSAENETRESET { WsaError::WSAECONNRESET } else { error }
    }
}

/// What an operation that is given up ends with: WSA_OPERATION_ABORTED is no error of a call, so a
/// blocked call gets WSAEINTR instead.
fn end_error<H: Host>(owner: &Owner<H>, error: WsaError) -> WsaError {
    match owner {
        //= docs/spec/wspsendto.md#err-aborted
        //# WSA_OPERATION_ABORTED MUST be a completion status only, never the error of the call
        //# itself.
        //= docs/spec/wspsendto.md#cxl-2
        //# WSPCloseSocket MUST end sends that block on the socket in other threads, with WSAEINTR.
        Owner::Blocked(_) if error == WsaError::WSA_OPERATION_ABORTED => WsaError::WSAEINTR,
        _ => error,
    }
}

fn finish<H: Host>(
    done: &mut VecDeque<Done<H>>,
    owner: Owner<H>,
    initiator: ThreadKey,
    end: CallEnd,
    silent: bool,
) {
    if let Owner::Blocked(call) = &owner {
        call.finish(end);
    }
    done.push_back(Done { owner, initiator, end, silent });
}
