//! WSPGetQOSByName: there are no templates of quality of service.

use crate::layout::{WsaBuf, qos, wsabuf};
use crate::{Host, Memory, SocketHandle, UserPtr, WsaError};

use super::super::Provider;

impl<H: Host> Provider<H> {
    /// Looks for a template, and finds none.
    ///
    /// # Errors
    /// WSAEINVAL; WSAEFAULT for a bad pointer.
    pub(in super::super) fn qos_by_name(
        &self,
        handle: SocketHandle,
        name: UserPtr,
        quality: UserPtr,
    ) -> Result<i32, WsaError> {
        self.socket(handle)?;
        //= docs/spec/names.md#qos-2
        //# An `lpQOSName` that is not readable memory MUST fail with FALSE and WSAEFAULT.
        let memory = self.host.memory();
        let mut bytes = [0; wsabuf::SIZE];
        memory
            .read(name, &mut bytes)
            .and_then(|()| {
                let WsaBuf { len, buf } = WsaBuf::decode(&bytes);
                memory.probe_read(buf, len as usize)
            })
            .and_then(|()| memory.probe_write(quality, qos::SIZE))
            .map_err(|_| WsaError::WSAEFAULT)?;
        //= docs/spec/names.md#qos-1
        //# The name of a template MUST fail with FALSE and WSAEINVAL: the provider has none.
        Err(WsaError::WSAEINVAL)
    }
}
