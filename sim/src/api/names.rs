//! Addresses as text, disconnecting, quality of service by name.

use core::net::SocketAddr;

use provider_core::layout::qos;
use provider_core::{ServiceProvider, SocketHandle, UserPtr, WsaError};

use super::Os;
use super::args::Args;

/// WCHARs that a program has room for.
const TEXT_ROOM: usize = 128;

impl Os {
    /// WSAAddressToString.
    ///
    /// # Errors
    /// As WSPAddressToString.
    pub fn wsa_address_to_string(&self, address: SocketAddr) -> Result<String, WsaError> {
        let mut args = Args::new(self)?;
        let (at, len) = args.address(address);
        let (room, chars) = (args.room(2 * TEXT_ROOM).buf, args.length(TEXT_ROOM));
        let none = UserPtr::NULL;
        let errno = args.errno();
        args.done(args.spi.wsp_address_to_string(at, len as u32, none, room, chars, errno))?;
        let mut words = vec![0; 2 * (self.read_u32(chars) as usize).clamp(1, TEXT_ROOM)];
        self.read_user(room, &mut words);
        let units: Vec<u16> =
            words.chunks_exact(2).map(|word| u16::from_le_bytes([word[0], word[1]])).collect();
        Ok(String::from_utf16_lossy(&units[..units.len() - 1]))
    }

    /// WSAStringToAddress.
    ///
    /// # Errors
    /// As WSPStringToAddress.
    pub fn wsa_string_to_address(&self, text: &str, af: i32) -> Result<SocketAddr, WsaError> {
        let mut args = Args::new(self)?;
        let words: Vec<u8> =
            text.encode_utf16().chain([0]).flat_map(|unit| unit.to_le_bytes()).collect();
        let string = args.staged(&words).buf;
        let (at, len) = args.address_room();
        let (none, errno) = (UserPtr::NULL, args.errno());
        args.done(args.spi.wsp_string_to_address(string, af, none, at, len, errno))?;
        args.address_value()
    }

    /// WSASendDisconnect, without data.
    ///
    /// # Errors
    /// As WSPSendDisconnect.
    pub fn wsa_send_disconnect(&self, s: SocketHandle) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        args.done(args.spi.wsp_send_disconnect(s, UserPtr::NULL, args.errno()))
    }

    /// WSARecvDisconnect, without data.
    ///
    /// # Errors
    /// As WSPRecvDisconnect.
    pub fn wsa_recv_disconnect(&self, s: SocketHandle) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        args.done(args.spi.wsp_recv_disconnect(s, UserPtr::NULL, args.errno()))
    }

    /// WSAGetQOSByName: whether there is a template of that name.
    ///
    /// # Errors
    /// As WSPGetQOSByName.
    pub fn wsa_get_qos_by_name(&self, s: SocketHandle, name: &str) -> Result<(), WsaError> {
        let mut args = Args::new(self)?;
        let (name, room) = (args.staged(name.as_bytes()), args.room(qos::SIZE));
        let (name, _) = args.buffers(&[name]);
        let found = args.spi.wsp_get_qos_by_name(s, name, room.buf, args.errno());
        if found != 0 { Ok(()) } else { Err(args.failed()) }
    }
}
