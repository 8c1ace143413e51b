//! WSPStringToAddress.

use crate::address_text::{TEXT_MAX, read};
use crate::layout::encode_sockaddr;
use crate::{Family, Host, Memory, UserPtr, WsaError};

use super::super::Provider;

impl<H: Host> Provider<H> {
    /// Reads an address from text in UTF-16.
    ///
    /// # Errors
    /// WSAEINVAL for text that is no address of the family, or a family that is not ours or not the
    /// protocol's; WSAEFAULT for a bad pointer, or too little room: how much is needed is stored then.
    pub(in super::super) fn string_to_address(
        &self,
        string: UserPtr,
        family: i32,
        protocol_info: UserPtr,
        address: UserPtr,
        address_len: UserPtr,
    ) -> Result<(), WsaError> {
        self.life()?;
        //= docs/spec/names.md#stringtoaddress-4
        //# A family that the provider does not have MUST fail with WSAEINVAL.
        let family = Family::from_af(family).ok_or(WsaError::WSAEINVAL)?;
        let mut text = [0; TEXT_MAX];
        let text = self.take_ascii(string, &mut text)?;
        let room = self.take_u32(address_len)? as usize;
        self.check_family(family, protocol_info)?;
        //= docs/spec/names.md#stringtoaddress-3
        //# A string that is no address of the family MUST fail with WSAEINVAL.
        let read = text.and_then(|text| read(text, family)).ok_or(WsaError::WSAEINVAL)?;
        let (bytes, size) = encode_sockaddr(&read);
        if room < size {
            //= docs/spec/names.md#stringtoaddress-5
            //# A room that is too small MUST fail with WSAEFAULT and store the size that is needed.
            self.put_u32(address_len, size as u32)?;
            return Err(WsaError::WSAEFAULT);
        }
        //= docs/spec/names.md#stringtoaddress-6
        //# A pointer that is not memory of the caller's MUST fail with WSAEFAULT.
        let memory = self.host.memory();
        memory.probe_write(address_len, 4).map_err(|_| WsaError::WSAEFAULT)?;
        memory.write(address, &bytes[..size]).map_err(|_| WsaError::WSAEFAULT)?;
        self.put_u32(address_len, size as u32)
    }

    /// Reads UTF-16 up to its zero. `None` for what is no ASCII, or longer than any address.
    ///
    /// # Errors
    /// WSAEFAULT when a word of it is not readable.
    fn take_ascii<'a>(
        &self,
        from: UserPtr,
        into: &'a mut [u8; TEXT_MAX],
    ) -> Result<Option<&'a str>, WsaError> {
        let mut len = 0;
        loop {
            let mut word = [0; 2];
            self.host
                .memory()
                .read(from.offset(2 * len), &mut word)
                .map_err(|_| WsaError::WSAEFAULT)?;
            match word {
                [0, 0] => return Ok(core::str::from_utf8(&into[..len]).ok()),
                [byte, 0] if byte.is_ascii() && len < TEXT_MAX => into[len] = byte,
                _ => return Ok(None),
            }
            len += 1;
        }
    }

    /// Whether the WSAPROTOCOL_INFOW that a call was given, if it was, is of a protocol of `family`.
    ///
    /// # Errors
    /// WSAEINVAL when it is not, WSAEFAULT when it is not readable.
    pub(in super::super) fn check_family(
        &self,
        family: Family,
        protocol_info: UserPtr,
    ) -> Result<(), WsaError> {
        if protocol_info.is_null()
            || self.capture_protocol_info(protocol_info)?.family == family.af()
        {
            Ok(())
        } else {
            Err(WsaError::WSAEINVAL)
        }
    }
}
