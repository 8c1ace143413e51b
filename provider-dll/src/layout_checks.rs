//! The core's layouts and numbers against windows-sys, at compile time.

use core::mem::{offset_of, size_of};

use provider_core::{WsaError, layout, spi};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::IO::OVERLAPPED;

macro_rules! same {
    ($($ours:expr => $theirs:expr;)*) => {
        $(const _: () = assert!($ours as i128 == $theirs as i128, stringify!($ours));)*
    };
}

same! {
    layout::wsabuf::SIZE => size_of::<ws::WSABUF>();
    layout::wsabuf::LEN => offset_of!(ws::WSABUF, len);
    layout::wsabuf::BUF => offset_of!(ws::WSABUF, buf);
    layout::overlapped::SIZE => size_of::<OVERLAPPED>();
    layout::overlapped::INTERNAL => offset_of!(OVERLAPPED, Internal);
    layout::overlapped::INTERNAL_HIGH => offset_of!(OVERLAPPED, InternalHigh);
    layout::overlapped::OFFSET => offset_of!(OVERLAPPED, Anonymous);
    layout::overlapped::EVENT => offset_of!(OVERLAPPED, hEvent);
    layout::thread_id::SIZE => size_of::<ws::WSATHREADID>();
    layout::SOCKADDR_IN => size_of::<ws::SOCKADDR_IN>();
    layout::SOCKADDR_IN6 => size_of::<ws::SOCKADDR_IN6>();
    layout::fd_set::ARRAY => offset_of!(ws::FD_SET, fd_array);
    layout::timeval::SIZE => size_of::<ws::TIMEVAL>();
    layout::timeval::MICROSECONDS => offset_of!(ws::TIMEVAL, tv_usec);
    layout::network_events::SIZE => size_of::<ws::WSANETWORKEVENTS>();
    layout::network_events::ERROR_CODES => offset_of!(ws::WSANETWORKEVENTS, iErrorCode);
    layout::qos::SIZE => size_of::<ws::QOS>();
    layout::protocol_info::SIZE => size_of::<ws::WSAPROTOCOL_INFOW>();
    layout::protocol_info::SERVICE_FLAGS_1 => offset_of!(ws::WSAPROTOCOL_INFOW, dwServiceFlags1);
    layout::protocol_info::PROVIDER_FLAGS => offset_of!(ws::WSAPROTOCOL_INFOW, dwProviderFlags);
    layout::protocol_info::CHAIN_LEN => offset_of!(ws::WSAPROTOCOL_INFOW, ProtocolChain);
    layout::protocol_info::VERSION => offset_of!(ws::WSAPROTOCOL_INFOW, iVersion);
    layout::protocol_info::ADDRESS_FAMILY => offset_of!(ws::WSAPROTOCOL_INFOW, iAddressFamily);
    layout::protocol_info::MAX_SOCK_ADDR => offset_of!(ws::WSAPROTOCOL_INFOW, iMaxSockAddr);
    layout::protocol_info::MIN_SOCK_ADDR => offset_of!(ws::WSAPROTOCOL_INFOW, iMinSockAddr);
    layout::protocol_info::SOCKET_TYPE => offset_of!(ws::WSAPROTOCOL_INFOW, iSocketType);
    layout::protocol_info::PROTOCOL => offset_of!(ws::WSAPROTOCOL_INFOW, iProtocol);
    layout::protocol_info::MESSAGE_SIZE => offset_of!(ws::WSAPROTOCOL_INFOW, dwMessageSize);
    layout::protocol_info::PROVIDER_RESERVED =>
        offset_of!(ws::WSAPROTOCOL_INFOW, dwProviderReserved);
    layout::protocol_info::NAME => offset_of!(ws::WSAPROTOCOL_INFOW, szProtocol);
    // The tables that cross the DLL's boundary: 30 functions, 15 upcalls.
    30 * layout::POINTER => size_of::<ws::WSPPROC_TABLE>();
    15 * layout::POINTER => size_of::<ws::WSPUPCALLTABLE>();
    // Numbers.
    spi::AF_INET => ws::AF_INET;
    spi::AF_INET6 => ws::AF_INET6;
    spi::SOCK_STREAM => ws::SOCK_STREAM;
    spi::SOCK_DGRAM => ws::SOCK_DGRAM;
    spi::IPPROTO_TCP => ws::IPPROTO_TCP;
    spi::IPPROTO_UDP => ws::IPPROTO_UDP;
    spi::WSA_FLAG_OVERLAPPED => ws::WSA_FLAG_OVERLAPPED;
    spi::WSA_FLAG_NO_HANDLE_INHERIT => ws::WSA_FLAG_NO_HANDLE_INHERIT;
    spi::SD_RECEIVE => ws::SD_RECEIVE;
    spi::SD_SEND => ws::SD_SEND;
    spi::SD_BOTH => ws::SD_BOTH;
    spi::MSG_OOB => ws::MSG_OOB;
    spi::MSG_PEEK => ws::MSG_PEEK;
    spi::MSG_DONTROUTE => ws::MSG_DONTROUTE;
    spi::MSG_WAITALL => ws::MSG_WAITALL;
    spi::MSG_PARTIAL => ws::MSG_PARTIAL;
    spi::FD_READ => ws::FD_READ;
    spi::FD_WRITE => ws::FD_WRITE;
    spi::FD_OOB => ws::FD_OOB;
    spi::FD_ACCEPT => ws::FD_ACCEPT;
    spi::FD_CONNECT => ws::FD_CONNECT;
    spi::FD_CLOSE => ws::FD_CLOSE;
    spi::FD_MAX_EVENTS => ws::FD_MAX_EVENTS;
    spi::CF_ACCEPT => ws::CF_ACCEPT;
    spi::CF_REJECT => ws::CF_REJECT;
    spi::CF_DEFER => ws::CF_DEFER;
    spi::SOL_SOCKET => ws::SOL_SOCKET;
    spi::SO_KEEPALIVE => ws::SO_KEEPALIVE;
    spi::SO_BROADCAST => ws::SO_BROADCAST;
    spi::SO_LINGER => ws::SO_LINGER;
    spi::SO_DONTLINGER => ws::SO_DONTLINGER;
    spi::SO_SNDBUF => ws::SO_SNDBUF;
    spi::SO_RCVBUF => ws::SO_RCVBUF;
    spi::SO_SNDTIMEO => ws::SO_SNDTIMEO;
    spi::SO_RCVTIMEO => ws::SO_RCVTIMEO;
    spi::SO_ERROR => ws::SO_ERROR;
    spi::SO_TYPE => ws::SO_TYPE;
    spi::SO_MAX_MSG_SIZE => ws::SO_MAX_MSG_SIZE;
    spi::FIONBIO => ws::FIONBIO as u32;
    spi::FIONREAD => ws::FIONREAD as u32;
    spi::SIO_FLUSH => ws::SIO_FLUSH;
    spi::SIO_UDP_CONNRESET => ws::SIO_UDP_CONNRESET;
    spi::WSS_OPERATION_IN_PROGRESS => ws::WSS_OPERATION_IN_PROGRESS;
    WsaError::WSA_IO_PENDING.0 => ws::WSA_IO_PENDING;
    WsaError::WSAEWOULDBLOCK.0 => ws::WSAEWOULDBLOCK;
    WsaError::WSATRY_AGAIN.0 => ws::WSATRY_AGAIN;
}
