//! Shared sockets as ws2_32 offers them.

use provider_core::layout::protocol_info;
use provider_core::spi::{FROM_PROTOCOL_INFO, WSA_FLAG_OVERLAPPED};
use provider_core::{ServiceProvider, SocketHandle, WsaError};

use super::Os;
use super::args::Args;

/// A WSAPROTOCOL_INFOW, by value: programs pass it along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolInfo {
    /// Its bytes.
    pub bytes: [u8; protocol_info::SIZE],
}

impl Os {
    /// GetCurrentProcessId.
    pub fn get_current_process_id(&self) -> u32 {
        self.process.windows_id()
    }

    /// WSADuplicateSocket.
    ///
    /// # Errors
    /// As WSPDuplicateSocket.
    pub fn wsa_duplicate_socket(
        &self,
        s: SocketHandle,
        process_id: u32,
    ) -> Result<ProtocolInfo, WsaError> {
        let mut args = Args::new(self)?;
        let room = args.room(protocol_info::SIZE).buf;
        args.done(args.spi.wsp_duplicate_socket(s, process_id, room, args.errno()))?;
        let mut info = ProtocolInfo { bytes: [0; protocol_info::SIZE] };
        self.read_user(room, &mut info.bytes);
        Ok(info)
    }

    /// WSASocket with a WSAPROTOCOL_INFOW, which says what the socket is to be.
    ///
    /// # Errors
    /// As WSPSocket.
    pub fn wsa_socket_from(&self, info: &ProtocolInfo) -> Result<SocketHandle, WsaError> {
        let mut args = Args::new(self)?;
        let info = args.staged(&info.bytes).buf;
        let (from_info, flags) = (FROM_PROTOCOL_INFO, WSA_FLAG_OVERLAPPED);
        let errno = args.errno();
        let s = args.spi.wsp_socket(from_info, from_info, from_info, info, 0, flags, errno);
        args.socket(s)
    }
}
