//! WSPAddressToString.

use crate::address_text::{TEXT_MAX, write};
use crate::{Host, Memory, UserPtr, WsaError};

use super::super::Provider;

impl<H: Host> Provider<H> {
    /// Writes an address as text, in UTF-16 with a zero behind it.
    ///
    /// # Errors
    /// WSAEINVAL for what is no address, or none of the protocol given; WSAEFAULT for a bad pointer,
    /// or too little room: how much is needed is stored then.
    pub(in super::super) fn address_to_string(
        &self,
        address: UserPtr,
        address_len: u32,
        protocol_info: UserPtr,
        string: UserPtr,
        string_len: UserPtr,
    ) -> Result<(), WsaError> {
        self.life()?;
        let len = i32::try_from(address_len).unwrap_or(i32::MAX);
        let raw = self.capture_address(address, len)?;
        let room = self.take_u32(string_len)? as usize;
        //= docs/spec/names.md#addresstostring-5
        //# An address of a family that the provider does not have, or shorter than its family's, MUST
        //# fail with WSAEINVAL.
        let family = raw.family().ok_or(WsaError::WSAEINVAL)?;
        let address = raw.decode(family).map_err(|_| WsaError::WSAEINVAL)?;
        self.check_family(family, protocol_info)?;
        let text = write(&address);
        let text = text.as_bytes();
        //= docs/spec/names.md#addresstostring-3
        //# The string MUST end with a zero, which `lpdwAddressStringLength` counts.
        let needed = text.len() + 1;
        if room < needed {
            //= docs/spec/names.md#addresstostring-4
            //# A room that is too small MUST fail with WSAEFAULT and store the length that is needed.
            self.put_u32(string_len, needed as u32)?;
            return Err(WsaError::WSAEFAULT);
        }
        //= docs/spec/names.md#addresstostring-6
        //# A pointer that is not memory of the caller's MUST fail with WSAEFAULT.
        let memory = self.host.memory();
        memory.probe_write(string_len, 4).map_err(|_| WsaError::WSAEFAULT)?;
        let mut words = [0; 2 * (TEXT_MAX + 1)];
        for (word, byte) in words.chunks_exact_mut(2).zip(text) {
            word[0] = *byte;
        }
        memory.write(string, &words[..2 * needed]).map_err(|_| WsaError::WSAEFAULT)?;
        self.put_u32(string_len, needed as u32)
    }
}
