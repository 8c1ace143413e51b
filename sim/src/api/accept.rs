//! Accepting connections as ws2_32 offers it.

use core::net::SocketAddr;
use std::rc::Rc;

use provider_core::layout::{WsaBuf, wsabuf};
use provider_core::{ConditionRoutine, ServiceProvider, SocketHandle, UserPtr, WsaError};

use super::Os;
use super::args::Args;

/// A connection as a condition function sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The address in `lpCallerId`: who wants to connect.
    pub caller: SocketAddr,
    /// The address in `lpCalleeId`: what was called.
    pub callee: SocketAddr,
    /// `dwCallbackData`.
    pub callback_data: usize,
}

impl Os {
    /// accept.
    ///
    /// # Errors
    /// As WSPAccept.
    pub fn accept(&self, s: SocketHandle) -> Result<(SocketHandle, SocketAddr), WsaError> {
        self.wsa_accept(s, ConditionRoutine::NULL, 0)
    }

    /// Makes a condition function of `code`, which gives CF_ACCEPT, CF_REJECT or CF_DEFER.
    pub fn condition(&self, code: impl Fn(&Self, Caller) -> i32 + 'static) -> ConditionRoutine {
        self.process.add_condition(Rc::new(move |os, caller, callee, callback_data| {
            match (os.address_in(caller), os.address_in(callee)) {
                (Some(caller), Some(callee)) => code(os, Caller { caller, callee, callback_data }),
                _ => {
                    os.fail("a condition function was given no addresses");
                    provider_core::spi::CF_REJECT
                }
            }
        }))
    }

    /// WSAAccept. The condition function runs in this very thread, inside of the call.
    ///
    /// # Errors
    /// As WSPAccept.
    pub fn wsa_accept(
        &self,
        s: SocketHandle,
        condition: ConditionRoutine,
        callback_data: usize,
    ) -> Result<(SocketHandle, SocketAddr), WsaError> {
        let args = Args::new(self)?;
        let (name, len) = args.address_room();
        let socket = args.spi.wsp_accept(s, name, len, condition, callback_data, args.errno());
        Ok((args.socket(socket)?, args.address_value()?))
    }

    /// The address that a WSABUF in user memory holds.
    fn address_in(&self, at: UserPtr) -> Option<SocketAddr> {
        let mut bytes = [0; wsabuf::SIZE];
        self.read_user(at, &mut bytes);
        self.read_address(WsaBuf::decode(&bytes).buf)
    }
}
