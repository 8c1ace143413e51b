//! Whether a send may be made: its flags, its length, the socket, and where it goes.

use core::net::SocketAddr;

use crate::socket::{Multipoint, Phase, Socket, SocketState};
use crate::spi::{MSG_DONTROUTE, MSG_OOB, MSG_PARTIAL};
use crate::{Host, Kind, Profile, Transport, WsaError};

use super::super::Provider;
use super::super::address::{RawAddress, is_broadcast};

impl<H: Host> Provider<H> {
    /// The length of a send, in a word. A datagram fits its transport or is not sent at all; a
    /// stream send cannot be longer than its count can tell.
    pub(super) fn check_length(&self, socket: &Socket<H>, total: u64) -> Result<u32, WsaError> {
        //= docs/spec/wspsendto.md#buf-10
        //# Lengths whose sum does not fit 32 bits MUST fail a datagram send with WSAEMSGSIZE and a
        //# stream send with WSAENOBUFS, and never wrap.
        let (most, error) = match socket.kind {
            Kind::Datagram => {
                let most = self.host.transport().datagram_max(socket.family);
                (most as u64, WsaError::WSAEMSGSIZE)
            }
            Kind::Stream => (u64::from(u32::MAX), WsaError::WSAENOBUFS),
        };
        //= docs/spec/wspsendto.md#err-msgsize
        //# A datagram larger than the transport's maximum MUST fail with WSAEMSGSIZE and MUST NOT
        //# be sent, whole or in part.
        //= docs/spec/wspsendto.md#buf-11
        //# MUST be sent. One byte more MUST fail with WSAEMSGSIZE.
        if total > most { Err(error) } else { Ok(total as u32) }
    }

    pub(super) fn check_send_flags(&self, kind: Kind, flags: u32) -> Result<(), WsaError> {
        if flags & MSG_OOB != 0 && !self.has_urgent(kind) {
            //= docs/spec/wspsendto.md#err-opnotsupp-1
            //# MSG_OOB on a datagram socket MUST fail with WSAEOPNOTSUPP.
            //= docs/spec/wspsendto.md#err-opnotsupp-2
            //# MSG_OOB on a stream whose transport has no out-of-band data MUST fail with
            //# WSAEOPNOTSUPP.
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        if flags & MSG_PARTIAL != 0 {
            //= docs/spec/wspsendto.md#err-opnotsupp-3
            //# MSG_PARTIAL MUST fail with WSAEOPNOTSUPP.
            //= docs/spec/wspsendto.md#flag-3
            //# MSG_PARTIAL MUST NOT be taken for a complete message.
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        //= docs/spec/wspsendto.md#flag-1
        //# MSG_DONTROUTE MUST be accepted.
        //= docs/spec/wspsendto.md#flag-5
        //# The options of the socket and the flags of the call MUST be all that decides how a send
        //# is made.
        if flags & !(MSG_DONTROUTE | MSG_OOB) != 0 {
            return Err(self.unknown_flags());
        }
        Ok(())
    }

    /// Whether sockets of `kind` have urgent data. SO_OOBINLINE, which is about receiving, does not
    /// change that for a send.
    pub(in super::super) fn has_urgent(&self, kind: Kind) -> bool {
        kind == Kind::Stream && self.host.transport().has_urgent()
    }

    /// Whether the socket can send now, and where to.
    pub(super) fn check_send_state(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
        given: Option<RawAddress>,
        is_send_to: bool,
    ) -> Result<Option<SocketAddr>, WsaError> {
        //= docs/spec/wspsendto.md#err-opnotsupp-4
        //# A send on a socket that joined a multipoint session as a receiver only MUST fail with
        //# WSAEOPNOTSUPP.
        if state.multipoint == Multipoint::Receiver {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        //= docs/spec/wspsendto.md#err-shutdown
        //# After WSPShutdown with SD_SEND or SD_BOTH every send MUST fail with WSAESHUTDOWN.
        //= docs/spec/ending.md#shutdown-1
        //# After SD_SEND or SD_BOTH sends MUST fail with WSAESHUTDOWN.
        if state.send_ended {
            return Err(WsaError::WSAESHUTDOWN);
        }
        if socket.kind == Kind::Stream {
            return match state.phase {
                Phase::Connected => Ok(None),
                //= docs/spec/wspsendto.md#err-connaborted
                //# A send on a connection that a time-out or another failure on this side has ended
                //# MUST fail with WSAECONNABORTED.
                //= docs/spec/wspsendto.md#err-connreset
                //# A send on a connection that the peer has reset MUST fail with WSAECONNRESET.
                Phase::Failed(error) => Err(SocketState::<H>::later_error(error)),
                //= docs/spec/wspsendto.md#err-notconn
                //# A send on a stream socket that is not connected MUST fail with WSAENOTCONN.
                _ => Err(WsaError::WSAENOTCONN),
            };
        }
        if state.local.is_none() {
            match self.profile {
                //= docs/spec/wspsendto.md#err-inval-1
                //# Under `Documented` a send on an unbound datagram socket MUST fail with
                //# WSAEINVAL.
                //= docs/spec/wspsendto.md#dst-7
                //# Under `Documented` a send on a datagram socket that is not bound MUST leave it
                //# unbound.
                Profile::Documented => return Err(WsaError::WSAEINVAL),
                //= docs/spec/wspsendto.md#err-inval-1
                //# Under `Windows` it MUST NOT fail for that reason.
                //= docs/spec/wspsendto.md#dst-7
                //# Under `Windows` it MUST bind it to ADDR_ANY and a free port.
                //= docs/spec/wspsendto.md#err-missing
                //# MUST give WSANOTINITIALISED before WSPStartup, WSAETIMEDOUT when SO_SNDTIMEO
                Profile::Windows => self.bind_implicitly(socket, state)?,
            }
        }
        //= docs/spec/wspsendto.md#err-connreset
        //# Under `Documented` a datagram that met port unreachable MUST be reported once, as
        //# WSAECONNRESET, by the next send or the next receive, whichever comes first.
        //= docs/spec/wspsendto.md#err-connreset
        //# Under `Windows` a datagram send MUST NOT report it.
        if self.profile == Profile::Documented
            && state.options.udp_connreset
            && self.take_reset(state)
        {
            return Err(WsaError::WSAECONNRESET);
        }
        let to = match (given, state.peer) {
            //= docs/spec/wspsendto.md#dst-1
            //# On an unconnected datagram socket the datagram MUST go to `lpTo`.
            //= docs/spec/wspsendto.md#dst-2
            //# On a connected datagram socket `lpTo` MUST be the destination of that one datagram
            //# and change neither the default destination nor what WSPGetPeerName tells.
            //= docs/spec/wspsendto.md#err-isconn
            //# A destination given on a connected datagram socket MUST NOT fail with WSAEISCONN.
            (Some(raw), _) => raw.decode(socket.family)?,
            //= docs/spec/wspsendto.md#dst-3
            //# On a connected datagram socket a null `lpTo` MUST send to the default destination.
            //= docs/spec/sending.md#send-2
            //# On a connected datagram socket the datagram MUST go to the default destination.
            (None, Some(peer)) => peer,
            //= docs/spec/sending.md#send-3
            //# A datagram socket without a default destination MUST fail with WSAENOTCONN.
            (None, None) if !is_send_to => return Err(WsaError::WSAENOTCONN),
            (None, None) => {
                //= docs/spec/wspsendto.md#err-destaddrreq
                //# MUST fail: under `Documented` with WSAEDESTADDRREQ, under `Windows` with
                //# WSAENOTCONN.
                return Err(match self.profile {
                    Profile::Documented => WsaError::WSAEDESTADDRREQ,
                    Profile::Windows => WsaError::WSAENOTCONN,
                });
            }
        };
        //= docs/spec/wspsendto.md#err-addrnotavail
        //# A datagram to ADDR_ANY or to port 0 MUST fail with WSAEADDRNOTAVAIL.
        if to.ip().is_unspecified() || to.port() == 0 {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        //= docs/spec/wspsendto.md#err-acces
        //# A datagram whose destination, given or default, is a broadcast address MUST fail with
        //# WSAEACCES while SO_BROADCAST is off.
        //= docs/spec/options.md#setoption-7
        //# SO_BROADCAST MUST be judged when a send is called, not when its datagram goes out.
        if is_broadcast(&to) && !state.options.broadcast {
            return Err(WsaError::WSAEACCES);
        }
        Ok(Some(to))
    }

    /// Takes a pending report of port unreachable, if there is one.
    fn take_reset(&self, state: &mut SocketState<H>) -> bool {
        match state.reports.iter().position(|report| *report == WsaError::WSAECONNRESET) {
            Some(at) => state.reports.remove(at).is_some(),
            None => self.host.transport().take_reset(state.transport),
        }
    }
}
