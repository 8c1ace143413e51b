//! The core's layouts and numbers against those of windows-sys, at compile time, and as a C program
//! that a compiler with Microsoft's or mingw's headers confirms.

#[cfg(windows)]
use core::mem::{offset_of, size_of};

use provider_core::{WsaError, layout, spi};
#[cfg(windows)]
use windows_sys::Win32::NetworkManagement::QoS as qos;
#[cfg(windows)]
use windows_sys::Win32::Networking::WinSock as ws;
#[cfg(windows)]
use windows_sys::Win32::System::IO::OVERLAPPED;

/// In C's words : in the core's => in those of windows-sys.
macro_rules! same {
    ($($c:literal : $ours:expr => $theirs:expr;)*) => {
        const SAME: &[(&str, i128)] = &[$(($c, $ours as i128)),*];
        $(
            #[cfg(windows)]
            const _: () = assert!($ours as i128 == $theirs as i128, $c);
        )*
    };
}

/// The entries of a table of pointers, in their order.
macro_rules! in_order {
    ($name:ident, $table:ident, $count:literal: $($entry:ident)*) => {
        const $name: [&str; $count] = [$(stringify!($entry)),*];
        #[cfg(windows)]
        const _: () = {
            let places = [$(offset_of!(ws::$table, $entry)),*];
            let mut place = 0;
            while place < places.len() {
                assert!(places[place] == place * layout::POINTER, stringify!($table));
                place += 1;
            }
            assert!(size_of::<ws::$table>() == $count * layout::POINTER, stringify!($table));
        };
    };
}

in_order! { PROCEDURES, WSPPROC_TABLE, 30:
    lpWSPAccept lpWSPAddressToString lpWSPAsyncSelect lpWSPBind lpWSPCancelBlockingCall
    lpWSPCleanup lpWSPCloseSocket lpWSPConnect lpWSPDuplicateSocket lpWSPEnumNetworkEvents
    lpWSPEventSelect lpWSPGetOverlappedResult lpWSPGetPeerName lpWSPGetSockName lpWSPGetSockOpt
    lpWSPGetQOSByName lpWSPIoctl lpWSPJoinLeaf lpWSPListen lpWSPRecv
    lpWSPRecvDisconnect lpWSPRecvFrom lpWSPSelect lpWSPSend lpWSPSendDisconnect
    lpWSPSendTo lpWSPSetSockOpt lpWSPShutdown lpWSPSocket lpWSPStringToAddress
}

in_order! { UPCALLS, WSPUPCALLTABLE, 15:
    lpWPUCloseEvent lpWPUCloseSocketHandle lpWPUCreateEvent lpWPUCreateSocketHandle lpWPUFDIsSet
    lpWPUGetProviderPath lpWPUModifyIFSHandle lpWPUPostMessage lpWPUQueryBlockingCallback
    lpWPUQuerySocketHandleContext lpWPUQueueApc lpWPUResetEvent lpWPUSetEvent
    lpWPUOpenCurrentThread lpWPUCloseThread
}

same! {
    "sizeof(WSABUF)": layout::wsabuf::SIZE => size_of::<ws::WSABUF>();
    "offsetof(WSABUF, len)": layout::wsabuf::LEN => offset_of!(ws::WSABUF, len);
    "offsetof(WSABUF, buf)": layout::wsabuf::BUF => offset_of!(ws::WSABUF, buf);
    "sizeof(WSAOVERLAPPED)": layout::overlapped::SIZE => size_of::<OVERLAPPED>();
    "offsetof(WSAOVERLAPPED, Internal)":
        layout::overlapped::INTERNAL => offset_of!(OVERLAPPED, Internal);
    "offsetof(WSAOVERLAPPED, InternalHigh)":
        layout::overlapped::INTERNAL_HIGH => offset_of!(OVERLAPPED, InternalHigh);
    "offsetof(WSAOVERLAPPED, Offset)":
        layout::overlapped::OFFSET => offset_of!(OVERLAPPED, Anonymous.Anonymous.Offset);
    "offsetof(WSAOVERLAPPED, OffsetHigh)":
        layout::overlapped::OFFSET_HIGH => offset_of!(OVERLAPPED, Anonymous.Anonymous.OffsetHigh);
    "offsetof(WSAOVERLAPPED, hEvent)": layout::overlapped::EVENT => offset_of!(OVERLAPPED, hEvent);
    "sizeof(WSATHREADID)": layout::thread_id::SIZE => size_of::<ws::WSATHREADID>();
    "offsetof(WSATHREADID, ThreadHandle)": 0 => offset_of!(ws::WSATHREADID, ThreadHandle);
    "offsetof(WSATHREADID, Reserved)":
        layout::POINTER => offset_of!(ws::WSATHREADID, Reserved);
    "sizeof(struct sockaddr_in)": layout::SOCKADDR_IN => size_of::<ws::SOCKADDR_IN>();
    "sizeof(struct sockaddr_in6)": layout::SOCKADDR_IN6 => size_of::<ws::SOCKADDR_IN6>();
    "offsetof(fd_set, fd_array)": layout::fd_set::ARRAY => offset_of!(ws::FD_SET, fd_array);
    "sizeof(struct timeval)": layout::timeval::SIZE => size_of::<ws::TIMEVAL>();
    "offsetof(struct timeval, tv_usec)":
        layout::timeval::MICROSECONDS => offset_of!(ws::TIMEVAL, tv_usec);
    "sizeof(WSANETWORKEVENTS)":
        layout::network_events::SIZE => size_of::<ws::WSANETWORKEVENTS>();
    "offsetof(WSANETWORKEVENTS, iErrorCode)":
        layout::network_events::ERROR_CODES => offset_of!(ws::WSANETWORKEVENTS, iErrorCode);
    "sizeof(QOS)": layout::qos::SIZE => size_of::<ws::QOS>();
    "sizeof(FLOWSPEC)": layout::qos::FLOWSPEC => size_of::<ws::FLOWSPEC>();
    "offsetof(QOS, SendingFlowspec)":
        layout::qos::SENDING => offset_of!(ws::QOS, SendingFlowspec);
    "offsetof(QOS, ReceivingFlowspec)":
        layout::qos::RECEIVING => offset_of!(ws::QOS, ReceivingFlowspec);
    "offsetof(FLOWSPEC, ServiceType)":
        layout::qos::SERVICE_TYPE => offset_of!(ws::FLOWSPEC, ServiceType);
    "sizeof(WSAPROTOCOL_INFOW)":
        layout::protocol_info::SIZE => size_of::<ws::WSAPROTOCOL_INFOW>();
    "offsetof(WSAPROTOCOL_INFOW, dwServiceFlags1)":
        layout::protocol_info::SERVICE_FLAGS_1
            => offset_of!(ws::WSAPROTOCOL_INFOW, dwServiceFlags1);
    "offsetof(WSAPROTOCOL_INFOW, dwProviderFlags)":
        layout::protocol_info::PROVIDER_FLAGS
            => offset_of!(ws::WSAPROTOCOL_INFOW, dwProviderFlags);
    "offsetof(WSAPROTOCOL_INFOW, ProviderId)":
        layout::protocol_info::PROVIDER_ID => offset_of!(ws::WSAPROTOCOL_INFOW, ProviderId);
    "sizeof(GUID)":
        layout::protocol_info::GUID => size_of::<windows_sys::core::GUID>();
    "offsetof(WSAPROTOCOL_INFOW, dwCatalogEntryId)":
        layout::protocol_info::CATALOG_ENTRY_ID
            => offset_of!(ws::WSAPROTOCOL_INFOW, dwCatalogEntryId);
    "offsetof(WSAPROTOCOL_INFOW, ProtocolChain)":
        layout::protocol_info::CHAIN_LEN => offset_of!(ws::WSAPROTOCOL_INFOW, ProtocolChain);
    "offsetof(WSAPROTOCOL_INFOW, iVersion)":
        layout::protocol_info::VERSION => offset_of!(ws::WSAPROTOCOL_INFOW, iVersion);
    "offsetof(WSAPROTOCOL_INFOW, iAddressFamily)":
        layout::protocol_info::ADDRESS_FAMILY
            => offset_of!(ws::WSAPROTOCOL_INFOW, iAddressFamily);
    "offsetof(WSAPROTOCOL_INFOW, iMaxSockAddr)":
        layout::protocol_info::MAX_SOCK_ADDR => offset_of!(ws::WSAPROTOCOL_INFOW, iMaxSockAddr);
    "offsetof(WSAPROTOCOL_INFOW, iMinSockAddr)":
        layout::protocol_info::MIN_SOCK_ADDR => offset_of!(ws::WSAPROTOCOL_INFOW, iMinSockAddr);
    "offsetof(WSAPROTOCOL_INFOW, iSocketType)":
        layout::protocol_info::SOCKET_TYPE => offset_of!(ws::WSAPROTOCOL_INFOW, iSocketType);
    "offsetof(WSAPROTOCOL_INFOW, iProtocol)":
        layout::protocol_info::PROTOCOL => offset_of!(ws::WSAPROTOCOL_INFOW, iProtocol);
    "offsetof(WSAPROTOCOL_INFOW, dwMessageSize)":
        layout::protocol_info::MESSAGE_SIZE => offset_of!(ws::WSAPROTOCOL_INFOW, dwMessageSize);
    "offsetof(WSAPROTOCOL_INFOW, dwProviderReserved)":
        layout::protocol_info::PROVIDER_RESERVED
            => offset_of!(ws::WSAPROTOCOL_INFOW, dwProviderReserved);
    "offsetof(WSAPROTOCOL_INFOW, szProtocol)":
        layout::protocol_info::NAME => offset_of!(ws::WSAPROTOCOL_INFOW, szProtocol);
    "sizeof(struct ip_mreq)": layout::ip_mreq::SIZE => size_of::<ws::IP_MREQ>();
    "offsetof(struct ip_mreq, imr_interface)":
        layout::ip_mreq::INTERFACE => offset_of!(ws::IP_MREQ, imr_interface);
    "sizeof(struct ipv6_mreq)": layout::ipv6_mreq::SIZE => size_of::<ws::IPV6_MREQ>();
    "offsetof(struct ipv6_mreq, ipv6mr_interface)":
        layout::ipv6_mreq::INTERFACE => offset_of!(ws::IPV6_MREQ, ipv6mr_interface);
    "AF_INET": spi::AF_INET => ws::AF_INET;
    "AF_INET6": spi::AF_INET6 => ws::AF_INET6;
    "SOCK_STREAM": spi::SOCK_STREAM => ws::SOCK_STREAM;
    "SOCK_DGRAM": spi::SOCK_DGRAM => ws::SOCK_DGRAM;
    "IPPROTO_TCP": spi::IPPROTO_TCP => ws::IPPROTO_TCP;
    "IPPROTO_UDP": spi::IPPROTO_UDP => ws::IPPROTO_UDP;
    "IPPROTO_IP": spi::IPPROTO_IP => ws::IPPROTO_IP;
    "IPPROTO_IPV6": spi::IPPROTO_IPV6 => ws::IPPROTO_IPV6;
    "FROM_PROTOCOL_INFO": spi::FROM_PROTOCOL_INFO => ws::FROM_PROTOCOL_INFO;
    "WSA_FLAG_OVERLAPPED": spi::WSA_FLAG_OVERLAPPED => ws::WSA_FLAG_OVERLAPPED;
    "WSA_FLAG_MULTIPOINT_C_LEAF":
        spi::WSA_FLAG_MULTIPOINT_C_LEAF => ws::WSA_FLAG_MULTIPOINT_C_LEAF;
    "WSA_FLAG_MULTIPOINT_D_LEAF":
        spi::WSA_FLAG_MULTIPOINT_D_LEAF => ws::WSA_FLAG_MULTIPOINT_D_LEAF;
    "SD_RECEIVE": spi::SD_RECEIVE => ws::SD_RECEIVE;
    "SD_SEND": spi::SD_SEND => ws::SD_SEND;
    "SD_BOTH": spi::SD_BOTH => ws::SD_BOTH;
    "MSG_OOB": spi::MSG_OOB => ws::MSG_OOB;
    "MSG_PEEK": spi::MSG_PEEK => ws::MSG_PEEK;
    "MSG_DONTROUTE": spi::MSG_DONTROUTE => ws::MSG_DONTROUTE;
    "MSG_WAITALL": spi::MSG_WAITALL => ws::MSG_WAITALL;
    "MSG_PARTIAL": spi::MSG_PARTIAL => ws::MSG_PARTIAL;
    "FD_READ": spi::FD_READ => ws::FD_READ;
    "FD_WRITE": spi::FD_WRITE => ws::FD_WRITE;
    "FD_OOB": spi::FD_OOB => ws::FD_OOB;
    "FD_ACCEPT": spi::FD_ACCEPT => ws::FD_ACCEPT;
    "FD_CONNECT": spi::FD_CONNECT => ws::FD_CONNECT;
    "FD_CLOSE": spi::FD_CLOSE => ws::FD_CLOSE;
    "FD_MAX_EVENTS": spi::FD_MAX_EVENTS => ws::FD_MAX_EVENTS;
    "CF_ACCEPT": spi::CF_ACCEPT => ws::CF_ACCEPT;
    "CF_REJECT": spi::CF_REJECT => ws::CF_REJECT;
    "CF_DEFER": spi::CF_DEFER => ws::CF_DEFER;
    "SERVICETYPE_NOTRAFFIC": spi::SERVICETYPE_NOTRAFFIC => qos::SERVICETYPE_NOTRAFFIC;
    "SERVICETYPE_BESTEFFORT": spi::SERVICETYPE_BESTEFFORT => qos::SERVICETYPE_BESTEFFORT;
    "SERVICETYPE_CONTROLLEDLOAD":
        spi::SERVICETYPE_CONTROLLEDLOAD => qos::SERVICETYPE_CONTROLLEDLOAD;
    "SERVICETYPE_GUARANTEED": spi::SERVICETYPE_GUARANTEED => qos::SERVICETYPE_GUARANTEED;
    "SOL_SOCKET": spi::SOL_SOCKET => ws::SOL_SOCKET;
    "SO_DEBUG": spi::SO_DEBUG => ws::SO_DEBUG;
    "SO_ACCEPTCONN": spi::SO_ACCEPTCONN => ws::SO_ACCEPTCONN;
    "SO_REUSEADDR": spi::SO_REUSEADDR => ws::SO_REUSEADDR;
    "SO_EXCLUSIVEADDRUSE": spi::SO_EXCLUSIVEADDRUSE => ws::SO_EXCLUSIVEADDRUSE;
    "SO_KEEPALIVE": spi::SO_KEEPALIVE => ws::SO_KEEPALIVE;
    "SO_DONTROUTE": spi::SO_DONTROUTE => ws::SO_DONTROUTE;
    "SO_BROADCAST": spi::SO_BROADCAST => ws::SO_BROADCAST;
    "SO_LINGER": spi::SO_LINGER => ws::SO_LINGER;
    "SO_DONTLINGER": spi::SO_DONTLINGER => ws::SO_DONTLINGER;
    "SO_OOBINLINE": spi::SO_OOBINLINE => ws::SO_OOBINLINE;
    "SO_SNDBUF": spi::SO_SNDBUF => ws::SO_SNDBUF;
    "SO_RCVBUF": spi::SO_RCVBUF => ws::SO_RCVBUF;
    "SO_SNDTIMEO": spi::SO_SNDTIMEO => ws::SO_SNDTIMEO;
    "SO_RCVTIMEO": spi::SO_RCVTIMEO => ws::SO_RCVTIMEO;
    "SO_ERROR": spi::SO_ERROR => ws::SO_ERROR;
    "SO_TYPE": spi::SO_TYPE => ws::SO_TYPE;
    "SO_MAX_MSG_SIZE": spi::SO_MAX_MSG_SIZE => ws::SO_MAX_MSG_SIZE;
    "SO_PROTOCOL_INFOW": spi::SO_PROTOCOL_INFOW => ws::SO_PROTOCOL_INFOW;
    "TCP_NODELAY": spi::TCP_NODELAY => ws::TCP_NODELAY;
    "IP_MULTICAST_IF": spi::IP_MULTICAST_IF => ws::IP_MULTICAST_IF;
    "IP_MULTICAST_TTL": spi::IP_MULTICAST_TTL => ws::IP_MULTICAST_TTL;
    "IP_MULTICAST_LOOP": spi::IP_MULTICAST_LOOP => ws::IP_MULTICAST_LOOP;
    "IP_ADD_MEMBERSHIP": spi::IP_ADD_MEMBERSHIP => ws::IP_ADD_MEMBERSHIP;
    "IP_DROP_MEMBERSHIP": spi::IP_DROP_MEMBERSHIP => ws::IP_DROP_MEMBERSHIP;
    "IPV6_MULTICAST_IF": spi::IP_MULTICAST_IF => ws::IPV6_MULTICAST_IF;
    "IPV6_MULTICAST_HOPS": spi::IP_MULTICAST_TTL => ws::IPV6_MULTICAST_HOPS;
    "IPV6_MULTICAST_LOOP": spi::IP_MULTICAST_LOOP => ws::IPV6_MULTICAST_LOOP;
    "IPV6_ADD_MEMBERSHIP": spi::IP_ADD_MEMBERSHIP => ws::IPV6_ADD_MEMBERSHIP;
    "IPV6_DROP_MEMBERSHIP": spi::IP_DROP_MEMBERSHIP => ws::IPV6_DROP_MEMBERSHIP;
    "JL_SENDER_ONLY": spi::JL_SENDER_ONLY => ws::JL_SENDER_ONLY;
    "JL_RECEIVER_ONLY": spi::JL_RECEIVER_ONLY => ws::JL_RECEIVER_ONLY;
    "JL_BOTH": spi::JL_BOTH => ws::JL_BOTH;
    "(u_long)FIONBIO": spi::FIONBIO => ws::FIONBIO as u32;
    "(u_long)FIONREAD": spi::FIONREAD => ws::FIONREAD as u32;
    "(u_long)SIOCATMARK": spi::SIOCATMARK => ws::SIOCATMARK as u32;
    "SIO_FLUSH": spi::SIO_FLUSH => ws::SIO_FLUSH;
    "SIO_MULTIPOINT_LOOPBACK": spi::SIO_MULTIPOINT_LOOPBACK => ws::SIO_MULTIPOINT_LOOPBACK;
    "SIO_MULTICAST_SCOPE": spi::SIO_MULTICAST_SCOPE => ws::SIO_MULTICAST_SCOPE;
    "_WSAIOW(IOC_VENDOR, 12)": spi::SIO_UDP_CONNRESET => ws::SIO_UDP_CONNRESET;
    "_WSAIOW(IOC_VENDOR, 15)": spi::SIO_UDP_NETRESET => ws::SIO_UDP_NETRESET;
    "WSS_OPERATION_IN_PROGRESS":
        spi::WSS_OPERATION_IN_PROGRESS => ws::WSS_OPERATION_IN_PROGRESS;
    "PFL_MATCHES_PROTOCOL_ZERO":
        spi::PFL_MATCHES_PROTOCOL_ZERO => ws::PFL_MATCHES_PROTOCOL_ZERO;
    "BASE_PROTOCOL": spi::BASE_PROTOCOL => ws::BASE_PROTOCOL;
    "WSA_IO_PENDING": WsaError::WSA_IO_PENDING.0 => ws::WSA_IO_PENDING;
    "WSAEWOULDBLOCK": WsaError::WSAEWOULDBLOCK.0 => ws::WSAEWOULDBLOCK;
    "WSATRY_AGAIN": WsaError::WSATRY_AGAIN.0 => ws::WSATRY_AGAIN;
}

/// A C program that a compiler takes only where its headers say the same.
pub fn c_program() -> String {
    let mut text = String::from(concat!(
        "#include <stddef.h>\n#include <winsock2.h>\n#include <ws2spi.h>\n#include <ws2tcpip.h>\n",
        "#define SAME(theirs, ours) _Static_assert((long long)(theirs) == (ours), #theirs)\n",
    ));
    let mut add = |theirs: &str, ours: i128| text += &format!("SAME({theirs}, {ours}LL);\n");
    for (table, entries) in [("WSPPROC_TABLE", &PROCEDURES[..]), ("WSPUPCALLTABLE", &UPCALLS[..])] {
        add(&format!("sizeof({table})"), (entries.len() * layout::POINTER) as i128);
        for (place, entry) in entries.iter().enumerate() {
            add(&format!("offsetof({table}, {entry})"), (place * layout::POINTER) as i128);
        }
    }
    SAME.iter().for_each(|(theirs, ours)| add(theirs, *ours));
    text
}
