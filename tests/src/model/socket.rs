//! The calls around the sends, and what the transport and the host do.

use core::net::SocketAddr;

use provider_core::spi::{SD_BOTH, SD_RECEIVE, SD_SEND};
use provider_core::{Kind, WsaError};

use super::call::{Act, Call, Peer, Thread, sent_by_routine};
use super::seen::{Answer, RoutineRun, Seen, Status};
use super::{Model, WouldBlock};

impl Model {
    /// One step.
    pub(super) fn perform(&mut self, call: &Call) -> Result<Seen, WouldBlock> {
        let mut seen = Seen::default();
        match call {
            Call::Send(thread, send) => {
                self.present(*thread)?;
                seen.answer = Some(self.send(*thread, send)?);
            }
            Call::Alert(thread) => {
                self.present(*thread)?;
                self.alert(*thread, &mut seen)?;
            }
            Call::Exit(thread) => {
                if *thread == Thread::A {
                    return Err(WouldBlock);
                }
                self.present(*thread)?;
                self.apcs[thread.index()] = None;
                self.cancel_thread(*thread);
            }
            Call::RefuseApcs(times) => self.refused_apcs = *times,
            Call::Time => {
                if core::mem::take(&mut self.timer) {
                    self.drain();
                }
            }
            // Only a connection can die.
            Call::Die(_) if self.setup.kind == Kind::Datagram || self.peer.is_none() => {
                return Err(WouldBlock);
            }
            // It waits for a closed socket to pass on what was accepted.
            Call::Cleanup if self.closed && !self.queue.is_empty() => return Err(WouldBlock),
            Call::Cleanup => {
                self.clean_up();
                seen.answer = Some(Answer::done(None));
            }
            _ => match self.net.play(call, self.setup.kind) {
                None => seen.answer = Some(self.call(call)?),
                Some(told) => {
                    if told {
                        self.drain();
                    }
                }
            },
        }
        Ok(seen)
    }

    /// The client's calls around the sends.
    fn call(&mut self, call: &Call) -> Result<Answer, WouldBlock> {
        if let Call::GetResult(number) = call {
            return self.result(*number);
        }
        if self.closed {
            return Ok(Answer::refused(WsaError::WSAENOTSOCK));
        }
        let result = match call {
            Call::Bind if self.bound => Err(WsaError::WSAEINVAL),
            Call::Bind => {
                self.bound = true;
                Ok(())
            }
            Call::Connect(peer) => self.connect(*peer)?,
            Call::SendBuffer(bytes) => {
                self.send_buffer = *bytes as usize;
                // A larger quota may hold what waits; a smaller one drops nothing.
                self.drain();
                Ok(())
            }
            // Not an option of streams.
            Call::Broadcast(_) if self.setup.kind == Kind::Stream => return Err(WouldBlock),
            Call::Broadcast(on) => {
                self.broadcast = *on;
                Ok(())
            }
            Call::Nonblocking(on) => {
                self.nonblocking = *on;
                Ok(())
            }
            Call::Shutdown(how) => self.shutdown(*how),
            Call::Flush => {
                self.cancel(|_, _| true);
                self.drain();
                Ok(())
            }
            Call::Close => {
                self.closed = true;
                self.cancel(|_, _| true);
                self.end_half();
                Ok(())
            }
            Call::SockName if self.bound => Ok(()),
            Call::SockName => Err(WsaError::WSAEINVAL),
            Call::PeerName => {
                return Ok(match self.peer_name() {
                    Some(name) => Answer { name: Some(name), ..Answer::done(None) },
                    None => Answer::refused(WsaError::WSAENOTCONN),
                });
            }
            _ => return Err(WouldBlock),
        };
        Ok(result.into())
    }

    fn connect(&mut self, peer: Peer) -> Result<Result<(), WsaError>, WouldBlock> {
        if self.setup.kind == Kind::Stream {
            if !matches!(peer, Peer::First | Peer::Second) || self.fate.is_some() {
                return Err(WouldBlock);
            }
            if self.peer.is_some() {
                return Ok(Err(WsaError::WSAEISCONN));
            }
        }
        if peer == Peer::Nobody {
            self.peer = None;
            return Ok(Ok(()));
        }
        if self.is_broadcast(peer) && !self.broadcast {
            return Ok(Err(WsaError::WSAEACCES));
        }
        self.bound = true;
        self.peer = Some(peer);
        Ok(Ok(()))
    }

    /// Whether the peer's address is the broadcast address; IPv6 has none.
    pub(super) fn is_broadcast(&self, peer: Peer) -> bool {
        peer == Peer::Broadcast && self.setup.family == provider_core::Family::V4
    }

    fn peer_name(&self) -> Option<SocketAddr> {
        // What died is connected no longer.
        let peer = self.peer.filter(|_| self.fate.is_none())?;
        Some(peer.address(self.setup.family))
    }

    /// WSPShutdown: what was accepted still goes (CXL-6).
    fn shutdown(&mut self, how: i32) -> Result<(), WsaError> {
        if ![SD_RECEIVE, SD_SEND, SD_BOTH].contains(&how) {
            return Err(WsaError::WSAEINVAL);
        }
        if self.setup.kind == Kind::Stream && (self.peer.is_none() || self.fate.is_some()) {
            return Err(WsaError::WSAENOTCONN);
        }
        if how != SD_RECEIVE {
            self.shut = true;
            self.end_half();
        }
        Ok(())
    }

    /// The stream's FIN, once.
    pub(super) fn finish(&mut self) {
        if !self.finished {
            self.finished = true;
            self.net.finish();
        }
    }

    /// WSPGetOverlappedResult of an operation that was started.
    fn result(&self, number: usize) -> Result<Answer, WouldBlock> {
        let number = number.checked_rem(self.operations.len()).ok_or(WouldBlock)?;
        Ok(match self.operations[number].state.status {
            Status::Untouched => return Err(WouldBlock),
            _ if self.closed => Answer::refused(WsaError::WSAENOTSOCK),
            Status::Pending => Answer::refused(WsaError::WSA_IO_INCOMPLETE),
            Status::Ended(0, bytes) => Answer::done(Some(bytes)),
            Status::Ended(error, _) => Answer::refused(WsaError(error)),
        })
    }

    /// An alertable wait: the routines of this thread run, one after the other (APC-10), those that
    /// become due meanwhile too (APC-11, REENT-3).
    fn alert(&mut self, thread: Thread, seen: &mut Seen) -> Result<(), WouldBlock> {
        while let Some(operation) =
            self.apcs[thread.index()].as_mut().and_then(|apcs| apcs.pop_front())
        {
            let entry = &self.operations[operation];
            let Status::Ended(error, bytes) = entry.state.status else { return Err(WouldBlock) };
            let sent = match entry.routine {
                Some(Act::Sends) => Some(self.send(thread, &sent_by_routine())?),
                _ => None,
            };
            seen.routines.push(RoutineRun { thread, operation, end: (error, bytes), sent });
        }
        Ok(())
    }

    fn present(&self, thread: Thread) -> Result<(), WouldBlock> {
        self.apcs[thread.index()].as_ref().map_or(Err(WouldBlock), |_| Ok(()))
    }

    /// The transport's socket is given back: gracefully, what it took still goes.
    pub(super) fn give_back(&mut self) {
        if !self.given_back {
            self.given_back = true;
            self.net.close(false);
        }
    }

    /// The last WSPCleanup: what is pending is cancelled without a routine or an event (CXL-7), and
    /// open sockets are reset.
    fn clean_up(&mut self) {
        for piece in core::mem::take(&mut self.queue) {
            if let Some(operation) = piece.operation {
                let bytes = piece.taken as u32;
                self.operations[operation].state.status =
                    Status::Ended(WsaError::WSA_OPERATION_ABORTED.0, bytes);
            }
        }
        if !self.given_back {
            self.given_back = true;
            self.net.close(!self.closed);
        }
    }
}
