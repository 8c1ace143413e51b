//! Which sends are refused before anything is tried, and with what (ERR-PRECEDENCE).

use core::net::SocketAddr;

use provider_core::spi::{MSG_DONTROUTE, MSG_OOB, MSG_PARTIAL};
use provider_core::{Family, Kind, Profile, WsaError};

use super::Model;
use super::call::{Buffers, DATAGRAM_MAX, Peer, Pointer, Send, To};

impl Model {
    /// Whether the call is overlapped I/O (OVL-1 to OVL-5).
    pub(super) fn is_overlapped(&self, send: &Send) -> bool {
        self.setup.overlapped && send.overlapped.pointer != Pointer::Null
    }

    /// Where the send goes (none for a stream), or why it is refused (RET-4: it then leaves nothing
    /// behind but an implicit bind).
    pub(super) fn admit(&mut self, send: &Send) -> Result<Option<SocketAddr>, WsaError> {
        if self.closed {
            return Err(WsaError::WSAENOTSOCK);
        }
        self.pointers(send)?;
        self.flags(send)?;
        if self.shut {
            return Err(WsaError::WSAESHUTDOWN);
        }
        if self.setup.kind == Kind::Stream {
            self.connection()?;
            // A count of 32 bits could not tell it (BUF-10).
            if send.buffers.total() > u64::from(u32::MAX) {
                return Err(WsaError::WSAENOBUFS);
            }
            return Ok(None);
        }
        self.bound_for_send()?;
        // Once, and only where the page has it (ERR-CONNRESET).
        if self.setup.profile == Profile::Documented
            && self.report_unreachable
            && self.net.take_reset()
        {
            return Err(WsaError::WSAECONNRESET);
        }
        let to = self.destination(send)?;
        if send.buffers.total() > DATAGRAM_MAX as u64 {
            return Err(WsaError::WSAEMSGSIZE);
        }
        Ok(Some(to))
    }

    /// ERR-FAULT-1 to ERR-FAULT-5, RET-10, and a routine that no thread is named for (APC-13).
    fn pointers(&self, send: &Send) -> Result<(), WsaError> {
        let overlapped = self.is_overlapped(send);
        let bad_buffers = matches!(send.buffers, Buffers::NoArray(_) | Buffers::BadEntry(_));
        let bad_overlapped = overlapped
            && (send.overlapped.pointer == Pointer::Bad
                || (send.overlapped.routine.is_some()
                    && send.overlapped.thread_id != Pointer::Good));
        // A stream ignores lpTo, whatever it is (DST-4).
        let bad_to = self.setup.kind == Kind::Datagram && send.to == Some(To::Bad);
        if (!send.count && !overlapped) || bad_buffers || bad_overlapped || bad_to {
            return Err(WsaError::WSAEFAULT);
        }
        Ok(())
    }

    /// ERR-OPNOTSUPP-1 to ERR-OPNOTSUPP-4, FLAG-1 to FLAG-6.
    fn flags(&self, send: &Send) -> Result<(), WsaError> {
        match send.flags & !MSG_DONTROUTE {
            0 => Ok(()),
            MSG_OOB | MSG_PARTIAL => Err(WsaError::WSAEOPNOTSUPP),
            _ if self.setup.profile == Profile::Windows => Err(WsaError::WSAEINVAL),
            _ => Err(WsaError::WSAEOPNOTSUPP),
        }
    }

    /// ERR-NOTCONN, and what a connection that is known to be dead gives.
    fn connection(&self) -> Result<(), WsaError> {
        if self.peer.is_none() {
            return Err(WsaError::WSAENOTCONN);
        }
        match self.fate {
            None => Ok(()),
            // A keep-alive failure is told to the sends in progress only (ERR-NETRESET).
            Some(WsaError::WSAENETRESET) => Err(WsaError::WSAECONNRESET),
            Some(fate) => Err(fate),
        }
    }

    /// ERR-INVAL-1 against DST-7 to DST-9.
    fn bound_for_send(&mut self) -> Result<(), WsaError> {
        if !self.bound && self.setup.profile == Profile::Documented {
            return Err(WsaError::WSAEINVAL);
        }
        self.bound = true;
        Ok(())
    }

    /// DST-1 to DST-3 and the errors of an address.
    fn destination(&self, send: &Send) -> Result<SocketAddr, WsaError> {
        let family = self.setup.family;
        let to = match send.to {
            None | Some(To::Null | To::NullWithLength) => self.peer.ok_or(match send.to {
                Some(_) if self.setup.profile == Profile::Documented => WsaError::WSAEDESTADDRREQ,
                _ => WsaError::WSAENOTCONN,
            })?,
            Some(To::Small(_)) => return Err(WsaError::WSAEFAULT),
            // A sockaddr_in is too small for a socket of the other family (ERR-FAULT-3).
            Some(To::OtherFamily) if family == Family::V6 => return Err(WsaError::WSAEFAULT),
            Some(To::OtherFamily | To::UnknownFamily) => return Err(WsaError::WSAEAFNOSUPPORT),
            Some(To::Any | To::PortZero | To::Peer(Peer::Nobody)) => {
                return Err(WsaError::WSAEADDRNOTAVAIL);
            }
            Some(To::Peer(peer)) => peer,
            Some(To::Long | To::Bad) => Peer::First,
        };
        if to == Peer::Broadcast && family == Family::V4 && !self.broadcast {
            return Err(WsaError::WSAEACCES);
        }
        Ok(to.address(family))
    }
}
