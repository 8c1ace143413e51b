//! WSPStartup, WSPCleanup and the procedure table.

use std::sync::{Mutex, PoisonError};

use windows_sys::Win32::Networking::WinSock as ws;

use crate::result::{Outcome, checked, give};
use crate::{calls, options, sockets, streams, transfers};

const VERSION: u16 = 0x0202;

/// How often it was started.
static STARTS: Mutex<u32> = Mutex::new(0);

const TABLE: ws::WSPPROC_TABLE = ws::WSPPROC_TABLE {
    lpWSPAccept: Some(streams::accept),
    lpWSPAddressToString: Some(calls::address_to_string),
    lpWSPAsyncSelect: Some(calls::async_select),
    lpWSPBind: Some(streams::bind),
    lpWSPCancelBlockingCall: Some(calls::cancel_blocking_call),
    lpWSPCleanup: Some(cleanup),
    lpWSPCloseSocket: Some(streams::close_socket),
    lpWSPConnect: Some(streams::connect),
    lpWSPDuplicateSocket: Some(calls::duplicate_socket),
    lpWSPEnumNetworkEvents: Some(calls::enum_network_events),
    lpWSPEventSelect: Some(calls::event_select),
    lpWSPGetOverlappedResult: Some(calls::get_overlapped_result),
    lpWSPGetPeerName: Some(streams::get_peer_name),
    lpWSPGetSockName: Some(streams::get_sock_name),
    lpWSPGetSockOpt: Some(options::get_sock_opt),
    lpWSPGetQOSByName: Some(calls::get_qos_by_name),
    lpWSPIoctl: Some(options::ioctl),
    lpWSPJoinLeaf: Some(calls::join_leaf),
    lpWSPListen: Some(streams::listen),
    lpWSPRecv: Some(transfers::recv),
    lpWSPRecvDisconnect: Some(calls::recv_disconnect),
    lpWSPRecvFrom: Some(transfers::recv_from),
    lpWSPSelect: Some(calls::select),
    lpWSPSend: Some(transfers::send),
    lpWSPSendDisconnect: Some(calls::send_disconnect),
    lpWSPSendTo: Some(transfers::send_to),
    lpWSPSetSockOpt: Some(options::set_sock_opt),
    lpWSPShutdown: Some(streams::shutdown),
    lpWSPSocket: Some(streams::socket),
    lpWSPStringToAddress: Some(calls::string_to_address),
};

/// The entry that a provider above finds by its name.
///
/// # Safety
/// As ws2spi.h says.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "the name of the export")]
pub unsafe extern "system" fn WSPStartup(
    version: u16,
    data: *mut ws::WSPDATA,
    _info: *const ws::WSAPROTOCOL_INFOW,
    _upcalls: ws::WSPUPCALLTABLE,
    table: *mut ws::WSPPROC_TABLE,
) -> i32 {
    if version.to_be() < VERSION.to_be() {
        return ws::WSAVERNOTSUPPORTED;
    }
    let mut winsock = ws::WSADATA::default();
    // SAFETY: it fills the structure.
    let error = unsafe { ws::WSAStartup(VERSION, &raw mut winsock) };
    if error != 0 {
        return error;
    }
    *STARTS.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    // SAFETY: as ws2spi.h says.
    unsafe {
        (*data).wVersion = VERSION;
        (*data).wHighVersion = VERSION;
        *table = TABLE;
    }
    0
}

fn clean_up() -> Outcome {
    let mut starts = STARTS.lock().unwrap_or_else(PoisonError::into_inner);
    *starts = starts.checked_sub(1).ok_or(ws::WSANOTINITIALISED)?;
    if *starts == 0 {
        sockets::take_all().into_iter().for_each(|real| sockets::close(real, true));
    }
    // SAFETY: pairs the WSAStartup of WSPStartup.
    checked(unsafe { ws::WSACleanup() })
}

unsafe extern "system" fn cleanup(errno: *mut i32) -> i32 {
    // SAFETY: the caller's lpErrno.
    unsafe { give(clean_up(), errno) }
}
