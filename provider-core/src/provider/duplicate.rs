//! WSPDuplicateSocket, and WSPSocket with what it gave: further descriptors of a socket.
//!
//! They work in the process that asked for them. Another process has a provider of its own, which
//! shares nothing with this one, so there is nothing to hand over to it.

use alloc::vec::Vec;

use crate::layout::protocol_info as layout;
use crate::socket::{Opened, Phase};
use crate::table::Id;
use crate::{Host, Memory, SocketHandle, UserPtr, WsaError};

use super::Provider;
use super::protocol_info::ProtocolInfo;

/// Descriptors that were offered and not yet taken.
pub(super) struct Handoffs {
    waiting: Vec<(u32, Id)>,
    last_key: u32,
}

impl Handoffs {
    pub(super) const fn new() -> Self {
        Self { waiting: Vec::new(), last_key: 0 }
    }

    /// Offers one of the socket; gives the key to it, which is never 0.
    fn offer(&mut self, socket: Id) -> u32 {
        loop {
            self.last_key = self.last_key.wrapping_add(1);
            let key = self.last_key;
            if key != 0 && self.waiting.iter().all(|(other, _)| *other != key) {
                self.waiting.push((key, socket));
                return key;
            }
        }
    }

    /// Takes what was offered under `key`: only once.
    fn take(&mut self, key: u32) -> Option<Id> {
        let at = self.waiting.iter().position(|(other, _)| *other == key)?;
        Some(self.waiting.swap_remove(at).1)
    }

    /// What was taken could not be used, and is offered again.
    fn put_back(&mut self, key: u32, socket: Id) {
        self.waiting.push((key, socket));
    }

    /// The socket is gone.
    pub(super) fn forget(&mut self, socket: Id) {
        self.waiting.retain(|(_, other)| *other != socket);
    }
}

impl<H: Host> Provider<H> {
    /// WSPDuplicateSocket.
    pub(super) fn duplicate(
        &self,
        handle: SocketHandle,
        process_id: u32,
        to: UserPtr,
    ) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        let memory = self.host.memory();
        let fault = |_| WsaError::WSAEFAULT;
        memory.probe_write(to, layout::SIZE).map_err(fault)?;
        //= docs/spec/sockets.md#duplicate-3
        //# For another process the call MUST fail with WSAEOPNOTSUPP.
        if process_id != self.host.process_id() {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        //= docs/spec/sockets.md#duplicate-1
        //# For the provider's own process the call MUST fill `lpProtocolInfo` so that WSPSocket gives
        //# another descriptor of the same socket for it.
        let mut bytes = self.fill_protocol_info(socket.family, socket.kind);
        let mut state = self.lock_open(&socket)?;
        state.offered = true;
        let key = self.handoffs.lock().offer(socket.id);
        drop(state);
        bytes[layout::PROVIDER_RESERVED..][..4].copy_from_slice(&key.to_le_bytes());
        memory.write(to, &bytes).map_err(|_| {
            self.handoffs.lock().take(key);
            WsaError::WSAEFAULT
        })
    }

    /// WSPSocket with what WSPDuplicateSocket gave; `asked` is what it is to be: family, type and
    /// protocol. Its flags do not count: the attributes are the socket's.
    ///
    /// # Errors
    /// WSAEINVAL for what was not given, was used, was altered, or whose socket is gone; WSAENOBUFS
    /// when there is no handle: it may be tried again.
    pub(super) fn open_descriptor(
        &self,
        info: &ProtocolInfo,
        asked: [i32; 3],
    ) -> Result<SocketHandle, WsaError> {
        //= docs/spec/sockets.md#duplicate-2
        //# One `lpProtocolInfo` MUST be good for one descriptor: a second use MUST fail with
        //# WSAEINVAL.
        let offered = self.handoffs.lock().take(info.reserved);
        let socket = offered.and_then(|id| self.socket_of(id.token()));
        let socket = socket.ok_or(WsaError::WSAEINVAL)?;
        let known = ProtocolInfo {
            reserved: info.reserved,
            ..ProtocolInfo::decode(&self.fill_protocol_info(socket.family, socket.kind))
        };
        let id = self.sockets.reserve(self.host.current_thread().0);
        let handle = if known == *info && asked == [info.family, info.kind, info.protocol] {
            self.host.create_socket_handle(socket.family, socket.kind, id.context())
        } else {
            Err(WsaError::WSAEINVAL)
        };
        let mut state = socket.lock();
        let is_open = state.phase != Phase::Closed;
        match handle {
            Ok(handle) if is_open => {
                let descriptor = state.descriptors.add(id, handle);
                drop(state);
                self.enter_socket(id, Opened { socket, descriptor })
            }
            Ok(handle) => {
                drop(state);
                let _ = self.host.close_socket_handle(handle);
                self.sockets.remove(id);
                Err(WsaError::WSAEINVAL)
            }
            Err(error) => {
                if is_open {
                    self.handoffs.lock().put_back(info.reserved, socket.id);
                }
                drop(state);
                self.sockets.remove(id);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_taken_once() {
        let mut handoffs = Handoffs::new();
        let [one, two] = [Id::from_context(1), Id::from_context(2)];
        let keys = [handoffs.offer(one), handoffs.offer(one), handoffs.offer(two)];
        assert_eq!(handoffs.take(keys[1]), Some(one));
        assert_eq!(handoffs.take(keys[1]), None);
        assert_eq!(handoffs.take(0), None);
        handoffs.forget(one);
        assert_eq!(handoffs.take(keys[0]), None);
        assert_eq!(handoffs.take(keys[2]), Some(two));
        handoffs.put_back(keys[2], two);
        assert_eq!(handoffs.take(keys[2]), Some(two));
    }

    #[test]
    fn no_key_is_0_or_in_use() {
        let mut handoffs = Handoffs { waiting: Vec::new(), last_key: u32::MAX - 1 };
        let id = Id::from_context(1);
        assert_eq!(handoffs.offer(id), u32::MAX);
        assert_eq!(handoffs.offer(id), 1);
        handoffs.last_key = 0;
        assert_eq!(handoffs.offer(id), 2);
    }
}
