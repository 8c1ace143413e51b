//! One call of each function, with arguments that are as they should be.

use provider_core::layout::{WsaBuf, protocol_info};
use provider_core::spi::{
    AF_INET, FD_READ, FIONREAD, INVALID_SOCKET, JL_BOTH, SD_SEND, SO_SNDBUF, SOCK_DGRAM,
    SOCKET_ERROR, SOL_SOCKET, WSA_FLAG_OVERLAPPED,
};
use provider_core::{
    ConditionRoutine, ConnectArgs, OverlappedArgs, SocketHandle, UserPtr, WsaError,
};

use crate::support::{
    ERRNO_SENTINEL, Guarded, LOOPBACK_V4, encode_set, encode_time, name_of, startup,
};
use crate::{CaseResult, TestBed, check};

/// What a call came to: its function, and its error.
pub(super) type Came = (&'static str, Result<(), WsaError>);

/// Bytes of memory that are enough for whatever a function stores.
const ROOM: usize = 1024;

struct Caller<'b> {
    bed: &'b dyn TestBed,
    came: Vec<Came>,
}

impl Caller<'_> {
    /// A call, and whether what it returned stands for a failure.
    fn call<T: PartialEq>(
        &mut self,
        name: &'static str,
        failure: T,
        call: impl FnOnce(UserPtr) -> T,
    ) {
        let errno = Guarded::holding(self.bed, &ERRNO_SENTINEL.to_le_bytes());
        let failed = call(errno.at()) == failure;
        let error = WsaError(errno.word(self.bed) as i32);
        self.came.push((name, if failed { Err(error) } else { Ok(()) }));
    }

    fn int(&mut self, name: &'static str, call: impl FnOnce(UserPtr) -> i32) {
        self.call(name, SOCKET_ERROR, call);
    }

    fn socket(&mut self, name: &'static str, call: impl FnOnce(UserPtr) -> SocketHandle) {
        self.call(name, INVALID_SOCKET, call);
    }
}

/// One call of each function that is about a socket, on `s`.
pub(super) fn about(bed: &dyn TestBed, s: SocketHandle) -> Vec<Came> {
    let none = UserPtr::NULL;
    let (name, namelen) = name_of(bed, LOOPBACK_V4);
    let room = Guarded::holding(bed, &[0; ROOM]).at();
    let word = |value: u32| Guarded::holding(bed, &value.to_le_bytes()).at();
    let buffer = Guarded::holding(bed, &WsaBuf { len: 1, buf: room }.encode()).at();
    let set = Guarded::holding(bed, &encode_set(&[s])).at();
    let no_time = Guarded::holding(bed, &encode_time(0, 0)).at();
    let (event, window) = (bed.create_event(true, false), bed.create_window());
    let (sync, args) = (OverlappedArgs::NONE, ConnectArgs::NONE);
    // Not this process: no descriptor comes of it.
    let process = u32::MAX - 1;
    let spi = bed.spi();
    let mut calls = Caller { bed, came: Vec::new() };
    calls.int("WSPBind", |e| spi.wsp_bind(s, name, namelen, e));
    calls.int("WSPConnect", |e| spi.wsp_connect(s, name, namelen, args, e));
    calls.socket("WSPJoinLeaf", |e| spi.wsp_join_leaf(s, name, namelen, args, JL_BOTH, e));
    calls.int("WSPListen", |e| spi.wsp_listen(s, 5, e));
    calls.socket("WSPAccept", |e| spi.wsp_accept(s, none, none, ConditionRoutine::NULL, 0, e));
    calls.int("WSPGetSockName", |e| spi.wsp_get_sock_name(s, room, word(128), e));
    calls.int("WSPGetPeerName", |e| spi.wsp_get_peer_name(s, room, word(128), e));
    let quota = word(8192);
    calls.int("WSPSetSockOpt", |e| spi.wsp_set_sock_opt(s, SOL_SOCKET, SO_SNDBUF, quota, 4, e));
    calls
        .int("WSPGetSockOpt", |e| spi.wsp_get_sock_opt(s, SOL_SOCKET, SO_SNDBUF, room, word(4), e));
    let count = word(0);
    calls.int("WSPIoctl", |e| spi.wsp_ioctl(s, FIONREAD, none, 0, room, 4, count, sync, e));
    calls.int("WSPSend", |e| spi.wsp_send(s, buffer, 1, count, 0, sync, e));
    calls.int("WSPSendTo", |e| spi.wsp_send_to(s, buffer, 1, count, 0, name, namelen, sync, e));
    let flags = word(0);
    calls.int("WSPRecv", |e| spi.wsp_recv(s, buffer, 1, count, flags, sync, e));
    calls.int("WSPRecvFrom", |e| {
        spi.wsp_recv_from(s, buffer, 1, count, flags, room, word(128), sync, e)
    });
    calls.call("WSPGetOverlappedResult", 0, |e| {
        spi.wsp_get_overlapped_result(s, room, count, false, flags, e)
    });
    calls.int("WSPSelect", |e| spi.wsp_select(0, set, none, none, no_time, e));
    calls.int("WSPEventSelect", |e| spi.wsp_event_select(s, event, FD_READ, e));
    calls.int("WSPEnumNetworkEvents", |e| spi.wsp_enum_network_events(s, event, room, e));
    calls.int("WSPAsyncSelect", |e| spi.wsp_async_select(s, window, 0x401, FD_READ, e));
    calls.int("WSPDuplicateSocket", |e| spi.wsp_duplicate_socket(s, process, room, e));
    calls.call("WSPGetQOSByName", 0, |e| spi.wsp_get_qos_by_name(s, buffer, room, e));
    calls.int("WSPShutdown", |e| spi.wsp_shutdown(s, SD_SEND, e));
    calls.int("WSPSendDisconnect", |e| spi.wsp_send_disconnect(s, none, e));
    calls.int("WSPRecvDisconnect", |e| spi.wsp_recv_disconnect(s, none, e));
    calls.int("WSPCloseSocket", |e| spi.wsp_close_socket(s, e));
    bed.destroy_window(window);
    calls.came
}

/// One call of each function that needs no socket, but for WSPStartup, WSPCleanup and
/// WSPCancelBlockingCall.
pub(super) fn without_a_socket(bed: &dyn TestBed) -> Vec<Came> {
    let none = UserPtr::NULL;
    let (name, namelen) = name_of(bed, LOOPBACK_V4);
    let room = Guarded::holding(bed, &[0; ROOM]).at();
    let word = |value: u32| Guarded::holding(bed, &value.to_le_bytes()).at();
    let text: Vec<u8> = "127.0.0.1\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let text = Guarded::holding(bed, &text).at();
    let spi = bed.spi();
    let mut calls = Caller { bed, came: Vec::new() };
    calls.socket("WSPSocket", |e| {
        spi.wsp_socket(AF_INET, SOCK_DGRAM, 0, none, 0, WSA_FLAG_OVERLAPPED, e)
    });
    calls.int("WSPAddressToString", |e| {
        spi.wsp_address_to_string(name, namelen as u32, none, room, word(64), e)
    });
    calls.int("WSPStringToAddress", |e| {
        spi.wsp_string_to_address(text, AF_INET, none, room, word(128), e)
    });
    calls.came
}

/// WSPStartup and WSPCleanup.
pub(super) fn start_and_end(bed: &dyn TestBed) -> Vec<Came> {
    let mut calls = Caller { bed, came: vec![("WSPStartup", startup(bed).map(drop))] };
    calls.int("WSPCleanup", |e| bed.spi().wsp_cleanup(e));
    calls.came
}

/// WSPCancelBlockingCall.
pub(super) fn cancel(bed: &dyn TestBed) -> Vec<Came> {
    let mut calls = Caller { bed, came: Vec::new() };
    calls.int("WSPCancelBlockingCall", |e| bed.spi().wsp_cancel_blocking_call(e));
    calls.came
}

/// All of them failed with `error`.
pub(super) fn all_fail(came: Vec<Came>, error: WsaError) -> CaseResult {
    came.into_iter().try_for_each(|(name, result)| check::fails(name, result, error))
}

/// The size of what WSPDuplicateSocket stores, which is the most of all.
const _: () = assert!(protocol_info::SIZE <= ROOM);
