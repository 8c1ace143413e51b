//! WSAPROTOCOL_INFOW: what the provider says of its protocols, and what WSPSocket is told with one.

use crate::layout::{dword, protocol_info as layout};
use crate::spi::{
    BASE_PROTOCOL, IPPROTO_TCP, IPPROTO_UDP, PFL_MATCHES_PROTOCOL_ZERO, SOCK_DGRAM, SOCK_STREAM,
    XP1_CONNECTIONLESS, XP1_EXPEDITED_DATA, XP1_GRACEFUL_CLOSE, XP1_GUARANTEED_DELIVERY,
    XP1_GUARANTEED_ORDER, XP1_MESSAGE_ORIENTED, XP1_SUPPORT_BROADCAST, XP1_SUPPORT_MULTIPOINT,
};
use crate::{CatalogEntry, Family, Host, Kind, Memory, Transport, UserPtr, WsaError};

use super::Provider;

/// The bytes of a WSAPROTOCOL_INFOW.
pub(super) type ProtocolInfoBytes = [u8; layout::SIZE];

/// Version of the protocols, as Windows' own providers give it.
const VERSION: u32 = 2;

/// What a client's WSAPROTOCOL_INFOW says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ProtocolInfo {
    pub(super) entry: CatalogEntry,
    pub(super) family: i32,
    pub(super) kind: i32,
    pub(super) protocol: i32,
    /// 0, or what WSPDuplicateSocket put in.
    pub(super) reserved: u32,
}

impl ProtocolInfo {
    /// What the bytes of a WSAPROTOCOL_INFOW say.
    pub(super) fn decode(bytes: &ProtocolInfoBytes) -> Self {
        let mut provider = [0; layout::GUID];
        provider.copy_from_slice(&bytes[layout::PROVIDER_ID..][..layout::GUID]);
        Self {
            entry: CatalogEntry { provider, id: dword(bytes, layout::CATALOG_ENTRY_ID) },
            family: dword(bytes, layout::ADDRESS_FAMILY) as i32,
            kind: dword(bytes, layout::SOCKET_TYPE) as i32,
            protocol: dword(bytes, layout::PROTOCOL) as i32,
            reserved: dword(bytes, layout::PROVIDER_RESERVED),
        }
    }
}

impl<H: Host> Provider<H> {
    /// The WSAPROTOCOL_INFOW of a protocol, as the catalogue has it.
    pub(super) fn fill_protocol_info(&self, family: Family, kind: Kind) -> ProtocolInfoBytes {
        let mut bytes = [0; layout::SIZE];
        let mut put = |at: usize, value: u32| {
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        };
        let transport = self.host.transport();
        // Not XP1_IFS_HANDLES: the handles are ws2_32's.
        let services = match kind {
            Kind::Stream => {
                let urgent = if transport.has_urgent() { XP1_EXPEDITED_DATA } else { 0 };
                XP1_GUARANTEED_DELIVERY | XP1_GUARANTEED_ORDER | XP1_GRACEFUL_CLOSE | urgent
            }
            Kind::Datagram => {
                XP1_CONNECTIONLESS
                    | XP1_MESSAGE_ORIENTED
                    | XP1_SUPPORT_BROADCAST
                    | XP1_SUPPORT_MULTIPOINT
            }
        };
        put(layout::SERVICE_FLAGS_1, services);
        put(layout::PROVIDER_FLAGS, PFL_MATCHES_PROTOCOL_ZERO);
        put(layout::CHAIN_LEN, BASE_PROTOCOL);
        put(layout::VERSION, VERSION);
        put(layout::ADDRESS_FAMILY, family.af() as u32);
        put(layout::MAX_SOCK_ADDR, family.sockaddr_size() as u32);
        put(layout::MIN_SOCK_ADDR, family.sockaddr_size() as u32);
        let (kind_code, protocol, message_size) = match kind {
            Kind::Stream => (SOCK_STREAM, IPPROTO_TCP, 0),
            Kind::Datagram => (SOCK_DGRAM, IPPROTO_UDP, transport.datagram_max(family)),
        };
        put(layout::SOCKET_TYPE, kind_code as u32);
        put(layout::PROTOCOL, protocol as u32);
        put(layout::MESSAGE_SIZE, message_size as u32);
        let entry = self.host.catalog_entry(family, kind);
        put(layout::CATALOG_ENTRY_ID, entry.id);
        bytes[layout::PROVIDER_ID..][..layout::GUID].copy_from_slice(&entry.provider);
        let name = match (family, kind) {
            (Family::V4, Kind::Stream) => "TCP/IP",
            (Family::V4, Kind::Datagram) => "UDP/IP",
            (Family::V6, Kind::Stream) => "TCP/IPv6",
            (Family::V6, Kind::Datagram) => "UDP/IPv6",
        };
        for (word, unit) in bytes[layout::NAME..].chunks_exact_mut(2).zip(name.encode_utf16()) {
            word.copy_from_slice(&unit.to_le_bytes());
        }
        bytes
    }

    /// Captures a client's WSAPROTOCOL_INFOW.
    ///
    /// # Errors
    /// WSAEFAULT when it is not readable.
    pub(super) fn capture_protocol_info(&self, from: UserPtr) -> Result<ProtocolInfo, WsaError> {
        let mut bytes = [0; layout::SIZE];
        self.host.memory().read(from, &mut bytes).map_err(|_| WsaError::WSAEFAULT)?;
        Ok(ProtocolInfo::decode(&bytes))
    }
}
