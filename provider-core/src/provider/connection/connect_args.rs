//! What WSPConnect and WSPJoinLeaf take beyond an address: connect data and quality of service.
//! Neither TCP nor UDP has them.

use crate::layout::{qos, wsabuf};
use crate::spi::{SERVICETYPE_BESTEFFORT, SERVICETYPE_NOTRAFFIC};
use crate::{ConnectArgs, Host, Memory, UserPtr, WsaError};

use super::super::Provider;

/// The part of a `ServiceType` that names the service; the rest are flags.
const SERVICE_MASK: u32 = 0xffff;

impl<H: Host> Provider<H> {
    /// Looks at the arguments before anything starts. Connect data counts only where `exchanges`
    /// says that the call could pass any along.
    ///
    /// # Errors
    /// WSAEFAULT for what is not the caller's memory, WSAEPROTONOSUPPORT for data that is to be
    /// passed along, WSAEOPNOTSUPP for a quality of service beyond best effort.
    pub(in super::super) fn check_connect_args(
        &self,
        exchanges: bool,
        args: &ConnectArgs,
    ) -> Result<(), WsaError> {
        //= docs/spec/connecting.md#connect-20
        //# `lpCallerData` and `lpCalleeData` on a stream, and `lpSQOS` and `lpGQOS`, that are given
        //# and are not memory of the caller's MUST fail with WSAEFAULT before anything starts.
        let mut has_data = false;
        if exchanges {
            if !args.caller_data.is_null() {
                has_data = self.take_u32(args.caller_data.offset(wsabuf::LEN))? > 0;
            }
            if !args.callee_data.is_null() {
                let room = self.host.memory().probe_write(args.callee_data, wsabuf::SIZE);
                room.map_err(|_| WsaError::WSAEFAULT)?;
            }
        }
        let services = self.services(args.sqos)?;
        // Reserved: whatever it asks for is no request.
        self.services(args.gqos)?;
        //= docs/spec/connecting.md#connect-17
        //# Data in `lpCallerData` on a stream MUST fail with WSAEPROTONOSUPPORT, and on a datagram
        //# socket `lpCallerData` MUST be ignored.
        if has_data {
            return Err(WsaError::WSAEPROTONOSUPPORT);
        }
        //= docs/spec/connecting.md#connect-21
        //# An `lpSQOS` that asks for more than best effort in either direction MUST fail with
        //# WSAEOPNOTSUPP.
        if services.iter().all(|service| is_best_effort(*service)) {
            Ok(())
        } else {
            Err(WsaError::WSAEOPNOTSUPP)
        }
    }

    /// Tells in `lpCalleeData`, probed before, that the peer passes nothing back.
    pub(in super::super) fn give_no_callee_data(&self, args: &ConnectArgs) {
        //= docs/spec/connecting.md#connect-19
        //# On a stream the length in `lpCalleeData` MUST be set to 0: no data is passed back.
        if !args.callee_data.is_null() {
            self.put_probed(args.callee_data.offset(wsabuf::LEN), 0);
        }
    }

    /// The services that a QOS asks for, in both directions; without a QOS none.
    ///
    /// # Errors
    /// WSAEFAULT.
    fn services(&self, at: UserPtr) -> Result<[u32; 2], WsaError> {
        if at.is_null() {
            return Ok([SERVICETYPE_NOTRAFFIC; 2]);
        }
        self.host.memory().probe_read(at, qos::SIZE).map_err(|_| WsaError::WSAEFAULT)?;
        Ok([
            self.take_u32(at.offset(qos::SENDING + qos::SERVICE_TYPE))?,
            self.take_u32(at.offset(qos::RECEIVING + qos::SERVICE_TYPE))?,
        ])
    }
}

/// Whether any network gives that service.
const fn is_best_effort(service: u32) -> bool {
    matches!(service & SERVICE_MASK, SERVICETYPE_NOTRAFFIC | SERVICETYPE_BESTEFFORT)
}
