//! The calls around the sends.

use core::net::SocketAddr;

use provider_core::spi::{SD_BOTH, SD_RECEIVE, SD_SEND};
use provider_core::{Kind, WsaError};

use super::call::{Call, Peer};
use super::queue::Owner;
use super::seen::{Answer, Status};
use super::{LeftOut, Model};

impl Model {
    /// The client's calls around the sends.
    pub(super) fn call(&mut self, call: &Call) -> Result<Answer, LeftOut> {
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
            Call::Broadcast(_) if self.setup.kind == Kind::Stream => return Err(LeftOut),
            Call::Broadcast(on) => {
                self.broadcast = *on;
                Ok(())
            }
            Call::SendTimeout(milliseconds) => {
                self.send_timeout = *milliseconds;
                Ok(())
            }
            // Streams do not have it; what becomes of a report that is there is nobody's business.
            Call::ReportUnreachable(_)
                if self.setup.kind == Kind::Stream || self.net.is_unreachable() =>
            {
                return Err(LeftOut);
            }
            Call::ReportUnreachable(on) => {
                self.report_unreachable = *on;
                Ok(())
            }
            Call::Nonblocking(on) => {
                self.nonblocking = *on;
                Ok(())
            }
            Call::Shutdown(how) => self.shutdown(*how),
            Call::Flush => {
                // A blocked call has no code for it (CXL-3).
                self.cancel(|_, owner| matches!(owner, Owner::Operation(_)));
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
            _ => return Err(LeftOut),
        };
        Ok(result.into())
    }

    fn connect(&mut self, peer: Peer) -> Result<Result<(), WsaError>, LeftOut> {
        if self.setup.kind == Kind::Stream {
            if !matches!(peer, Peer::First | Peer::Second) || self.fate.is_some() {
                return Err(LeftOut);
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
    fn result(&self, number: usize) -> Result<Answer, LeftOut> {
        let number = number.checked_rem(self.operations.len()).ok_or(LeftOut)?;
        Ok(match self.operations[number].seen.status {
            Status::Untouched => return Err(LeftOut),
            _ if self.closed => Answer::refused(WsaError::WSAENOTSOCK),
            Status::Pending => Answer::refused(WsaError::WSA_IO_INCOMPLETE),
            Status::Ended(0, bytes) => Answer::done(Some(bytes)),
            Status::Ended(error, _) => Answer::refused(WsaError(error)),
        })
    }

    /// The transport's socket is given back: gracefully, what it took still goes.
    pub(super) fn give_back(&mut self) {
        if !self.given_back {
            self.given_back = true;
            self.net.close(false);
        }
    }
}
