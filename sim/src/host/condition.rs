//! The client's condition function: what it is called with, and what it says.

use core::net::SocketAddr;

use provider_core::layout::{WsaBuf, encode_sockaddr, wsabuf};
use provider_core::spi::CF_REJECT;
use provider_core::{ConditionCall, UserPtr};

use crate::api::{Buffer, Os};
use crate::event::What;
use crate::world::Violation;

use super::SimHost;

impl SimHost {
    pub(super) fn run_condition(&self, call: &ConditionCall) -> i32 {
        let kernel = self.kernel();
        let Some(me) = kernel.current() else { return CF_REJECT };
        let Some(code) = self.process.condition(call.condition) else {
            kernel.report(Violation {
                oracle: "memory",
                clause: "WSPAccept",
                message: format!(
                    "the provider calls a condition function at {:#x}: no code is there",
                    call.condition.0
                ),
            });
            return CF_REJECT;
        };
        let (condition, data) = (call.condition.0 as u64, call.callback_data as u64);
        kernel.record(What::ConditionEnter { condition, data });
        let os = Os::new(me.clone());
        // The client's for the length of the call.
        let (caller, callee) = (id_of(&os, &call.caller), id_of(&os, &call.callee));
        let verdict = me.in_program(|| code(&os, caller.ptr(), callee.ptr(), call.callback_data));
        kernel.record(What::ConditionLeave(verdict));
        self.process.watch(|watch| watch.condition_leave(verdict));
        verdict
    }
}

/// A WSABUF with an address behind it, as `lpCallerId` and `lpCalleeId` point to.
fn id_of(os: &Os, address: &SocketAddr) -> Buffer {
    let (bytes, len) = encode_sockaddr(address);
    let id = os.alloc(wsabuf::SIZE + len);
    let buf: UserPtr = id.ptr().offset(wsabuf::SIZE);
    id.write(0, &WsaBuf { len: len as u32, buf }.encode());
    id.write(wsabuf::SIZE, &bytes[..len]);
    id
}
