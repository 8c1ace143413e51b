//! The procedure table: the 30 functions with their C signatures, each a call of the core's.

use core::ffi::c_void;

use provider_core::spi::{INVALID_SOCKET, SOCKET_ERROR};
use provider_core::{
    ConditionRoutine, ConnectArgs, EventHandle, OverlappedArgs, Routine, ServiceProvider,
    SocketHandle, UserPtr, WindowHandle,
};
use windows_sys::Win32::Foundation::{HANDLE, HWND};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::IO::OVERLAPPED;
use windows_sys::core::{BOOL, PCSTR, PCWSTR, PSTR, PWSTR};

use crate::guard::enter;
use crate::instance::{Core, cleanup as clean_up};

/// What WSPStartup gives.
pub(crate) const TABLE: ws::WSPPROC_TABLE = ws::WSPPROC_TABLE {
    lpWSPAccept: Some(accept),
    lpWSPAddressToString: Some(address_to_string),
    lpWSPAsyncSelect: Some(async_select),
    lpWSPBind: Some(bind),
    lpWSPCancelBlockingCall: Some(cancel_blocking_call),
    lpWSPCleanup: Some(cleanup),
    lpWSPCloseSocket: Some(close_socket),
    lpWSPConnect: Some(connect),
    lpWSPDuplicateSocket: Some(duplicate_socket),
    lpWSPEnumNetworkEvents: Some(enum_network_events),
    lpWSPEventSelect: Some(event_select),
    lpWSPGetOverlappedResult: Some(get_overlapped_result),
    lpWSPGetPeerName: Some(get_peer_name),
    lpWSPGetSockName: Some(get_sock_name),
    lpWSPGetSockOpt: Some(get_sock_opt),
    lpWSPGetQOSByName: Some(get_qos_by_name),
    lpWSPIoctl: Some(ioctl),
    lpWSPJoinLeaf: Some(join_leaf),
    lpWSPListen: Some(listen),
    lpWSPRecv: Some(recv),
    lpWSPRecvDisconnect: Some(recv_disconnect),
    lpWSPRecvFrom: Some(recv_from),
    lpWSPSelect: Some(select),
    lpWSPSend: Some(send),
    lpWSPSendDisconnect: Some(send_disconnect),
    lpWSPSendTo: Some(send_to),
    lpWSPSetSockOpt: Some(set_sock_opt),
    lpWSPShutdown: Some(shutdown),
    lpWSPSocket: Some(socket),
    lpWSPStringToAddress: Some(string_to_address),
};

/// The address that a pointer of the caller's is, for [`crate::memory`] to use.
fn at<T: ?Sized>(pointer: *const T) -> UserPtr {
    UserPtr(pointer.cast::<u8>().expose_provenance())
}

fn overlapped(
    overlapped: *mut OVERLAPPED,
    routine: ws::LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    thread: *const ws::WSATHREADID,
) -> OverlappedArgs {
    OverlappedArgs {
        overlapped: at(overlapped),
        routine: Routine(routine.map_or(0, |routine| routine as usize)),
        thread_id: at(thread),
    }
}

fn connecting(
    caller_data: *const ws::WSABUF,
    callee_data: *mut ws::WSABUF,
    sqos: *const ws::QOS,
    gqos: *const ws::QOS,
) -> ConnectArgs {
    ConnectArgs {
        caller_data: at(caller_data),
        callee_data: at(callee_data),
        sqos: at(sqos),
        gqos: at(gqos),
    }
}

/// A function that returns `int` and is about a socket.
fn about(s: usize, errno: *mut i32, call: impl FnOnce(&Core, SocketHandle, UserPtr) -> i32) -> i32 {
    let (s, errno) = (SocketHandle(s), at(errno));
    enter(Some(s), errno, SOCKET_ERROR, |core| call(core, s, errno))
}

/// A function that returns `int` and is about no socket.
fn general(errno: *mut i32, call: impl FnOnce(&Core, UserPtr) -> i32) -> i32 {
    let errno = at(errno);
    enter(None, errno, SOCKET_ERROR, |core| call(core, errno))
}

/// A function that returns a BOOL.
fn asked(
    s: usize,
    errno: *mut i32,
    call: impl FnOnce(&Core, SocketHandle, UserPtr) -> i32,
) -> BOOL {
    let (s, errno) = (SocketHandle(s), at(errno));
    enter(Some(s), errno, 0, |core| call(core, s, errno))
}

/// A function that returns a SOCKET; `of` is the one that it makes it from, if any.
fn made(
    of: Option<usize>,
    errno: *mut i32,
    call: impl FnOnce(&Core, UserPtr) -> SocketHandle,
) -> usize {
    let errno = at(errno);
    enter(of.map(SocketHandle), errno, INVALID_SOCKET, |core| call(core, errno)).0
}

unsafe extern "system" fn accept(
    s: usize,
    addr: *mut ws::SOCKADDR,
    addrlen: *mut i32,
    condition: ws::LPCONDITIONPROC,
    callback_data: usize,
    errno: *mut i32,
) -> usize {
    let condition = ConditionRoutine(condition.map_or(0, |condition| condition as usize));
    made(Some(s), errno, |core, errno| {
        core.wsp_accept(SocketHandle(s), at(addr), at(addrlen), condition, callback_data, errno)
    })
}

unsafe extern "system" fn address_to_string(
    address: *const ws::SOCKADDR,
    len: u32,
    info: *const ws::WSAPROTOCOL_INFOW,
    string: PWSTR,
    string_len: *mut u32,
    errno: *mut i32,
) -> i32 {
    general(errno, |core, errno| {
        core.wsp_address_to_string(at(address), len, at(info), at(string), at(string_len), errno)
    })
}

unsafe extern "system" fn async_select(
    s: usize,
    window: HWND,
    message: u32,
    events: i32,
    errno: *mut i32,
) -> i32 {
    let window = WindowHandle(window as usize);
    about(s, errno, |core, s, errno| core.wsp_async_select(s, window, message, events, errno))
}

unsafe extern "system" fn bind(
    s: usize,
    name: *const ws::SOCKADDR,
    len: i32,
    errno: *mut i32,
) -> i32 {
    about(s, errno, |core, s, errno| core.wsp_bind(s, at(name), len, errno))
}

unsafe extern "system" fn cancel_blocking_call(errno: *mut i32) -> i32 {
    general(errno, |core, errno| core.wsp_cancel_blocking_call(errno))
}

unsafe extern "system" fn cleanup(errno: *mut i32) -> i32 {
    general(errno, clean_up)
}

unsafe extern "system" fn close_socket(s: usize, errno: *mut i32) -> i32 {
    about(s, errno, |core, s, errno| core.wsp_close_socket(s, errno))
}

unsafe extern "system" fn connect(
    s: usize,
    name: *const ws::SOCKADDR,
    len: i32,
    caller_data: *const ws::WSABUF,
    callee_data: *mut ws::WSABUF,
    sqos: *const ws::QOS,
    gqos: *const ws::QOS,
    errno: *mut i32,
) -> i32 {
    let args = connecting(caller_data, callee_data, sqos, gqos);
    about(s, errno, |core, s, errno| core.wsp_connect(s, at(name), len, args, errno))
}

unsafe extern "system" fn duplicate_socket(
    s: usize,
    process: u32,
    info: *mut ws::WSAPROTOCOL_INFOW,
    errno: *mut i32,
) -> i32 {
    about(s, errno, |core, s, errno| core.wsp_duplicate_socket(s, process, at(info), errno))
}

unsafe extern "system" fn enum_network_events(
    s: usize,
    event: HANDLE,
    events: *mut ws::WSANETWORKEVENTS,
    errno: *mut i32,
) -> i32 {
    let event = EventHandle(event as usize);
    about(s, errno, |core, s, errno| core.wsp_enum_network_events(s, event, at(events), errno))
}

unsafe extern "system" fn event_select(
    s: usize,
    event: ws::WSAEVENT,
    events: i32,
    errno: *mut i32,
) -> i32 {
    let event = EventHandle(event as usize);
    about(s, errno, |core, s, errno| core.wsp_event_select(s, event, events, errno))
}

unsafe extern "system" fn get_overlapped_result(
    s: usize,
    overlapped: *const OVERLAPPED,
    bytes: *mut u32,
    wait: BOOL,
    flags: *mut u32,
    errno: *mut i32,
) -> BOOL {
    asked(s, errno, |core, s, errno| {
        core.wsp_get_overlapped_result(s, at(overlapped), at(bytes), wait != 0, at(flags), errno)
    })
}

unsafe extern "system" fn get_peer_name(
    s: usize,
    name: *mut ws::SOCKADDR,
    len: *mut i32,
    errno: *mut i32,
) -> i32 {
    about(s, errno, |core, s, errno| core.wsp_get_peer_name(s, at(name), at(len), errno))
}

unsafe extern "system" fn get_sock_name(
    s: usize,
    name: *mut ws::SOCKADDR,
    len: *mut i32,
    errno: *mut i32,
) -> i32 {
    about(s, errno, |core, s, errno| core.wsp_get_sock_name(s, at(name), at(len), errno))
}

unsafe extern "system" fn get_sock_opt(
    s: usize,
    level: i32,
    name: i32,
    value: PSTR,
    len: *mut i32,
    errno: *mut i32,
) -> i32 {
    about(s, errno, |core, s, errno| {
        core.wsp_get_sock_opt(s, level, name, at(value), at(len), errno)
    })
}

unsafe extern "system" fn get_qos_by_name(
    s: usize,
    name: *const ws::WSABUF,
    qos: *mut ws::QOS,
    errno: *mut i32,
) -> BOOL {
    asked(s, errno, |core, s, errno| core.wsp_get_qos_by_name(s, at(name), at(qos), errno))
}

unsafe extern "system" fn ioctl(
    s: usize,
    code: u32,
    in_buffer: *const c_void,
    in_len: u32,
    out_buffer: *mut c_void,
    out_len: u32,
    bytes: *mut u32,
    ov: *mut OVERLAPPED,
    routine: ws::LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    thread: *const ws::WSATHREADID,
    errno: *mut i32,
) -> i32 {
    let (input, output) = (at(in_buffer), at(out_buffer));
    let args = overlapped(ov, routine, thread);
    about(s, errno, |core, s, errno| {
        core.wsp_ioctl(s, code, input, in_len, output, out_len, at(bytes), args, errno)
    })
}

unsafe extern "system" fn join_leaf(
    s: usize,
    name: *const ws::SOCKADDR,
    len: i32,
    caller_data: *const ws::WSABUF,
    callee_data: *mut ws::WSABUF,
    sqos: *const ws::QOS,
    gqos: *const ws::QOS,
    flags: u32,
    errno: *mut i32,
) -> usize {
    let args = connecting(caller_data, callee_data, sqos, gqos);
    made(Some(s), errno, |core, errno| {
        core.wsp_join_leaf(SocketHandle(s), at(name), len, args, flags, errno)
    })
}

unsafe extern "system" fn listen(s: usize, backlog: i32, errno: *mut i32) -> i32 {
    about(s, errno, |core, s, errno| core.wsp_listen(s, backlog, errno))
}

unsafe extern "system" fn recv(
    s: usize,
    buffers: *const ws::WSABUF,
    count: u32,
    received: *mut u32,
    flags: *mut u32,
    ov: *mut OVERLAPPED,
    routine: ws::LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    thread: *const ws::WSATHREADID,
    // It is written: windows-sys has the wrong constness here.
    errno: *const i32,
) -> i32 {
    let args = overlapped(ov, routine, thread);
    about(s, errno.cast_mut(), |core, s, errno| {
        core.wsp_recv(s, at(buffers), count, at(received), at(flags), args, errno)
    })
}

unsafe extern "system" fn recv_disconnect(
    s: usize,
    data: *const ws::WSABUF,
    errno: *mut i32,
) -> i32 {
    about(s, errno, |core, s, errno| core.wsp_recv_disconnect(s, at(data), errno))
}

unsafe extern "system" fn recv_from(
    s: usize,
    buffers: *const ws::WSABUF,
    count: u32,
    received: *mut u32,
    flags: *mut u32,
    from: *mut ws::SOCKADDR,
    fromlen: *mut i32,
    ov: *mut OVERLAPPED,
    routine: ws::LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    thread: *const ws::WSATHREADID,
    errno: *mut i32,
) -> i32 {
    let args = overlapped(ov, routine, thread);
    let (buffers, received, flags) = (at(buffers), at(received), at(flags));
    about(s, errno, |core, s, errno| {
        core.wsp_recv_from(s, buffers, count, received, flags, at(from), at(fromlen), args, errno)
    })
}

unsafe extern "system" fn select(
    nfds: i32,
    readfds: *mut ws::FD_SET,
    writefds: *mut ws::FD_SET,
    exceptfds: *mut ws::FD_SET,
    timeout: *const ws::TIMEVAL,
    errno: *mut i32,
) -> i32 {
    general(errno, |core, errno| {
        core.wsp_select(nfds, at(readfds), at(writefds), at(exceptfds), at(timeout), errno)
    })
}

unsafe extern "system" fn send(
    s: usize,
    buffers: *const ws::WSABUF,
    count: u32,
    sent: *mut u32,
    flags: u32,
    ov: *mut OVERLAPPED,
    routine: ws::LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    thread: *const ws::WSATHREADID,
    errno: *mut i32,
) -> i32 {
    let args = overlapped(ov, routine, thread);
    about(s, errno, |core, s, errno| {
        core.wsp_send(s, at(buffers), count, at(sent), flags, args, errno)
    })
}

unsafe extern "system" fn send_disconnect(
    s: usize,
    data: *const ws::WSABUF,
    errno: *mut i32,
) -> i32 {
    about(s, errno, |core, s, errno| core.wsp_send_disconnect(s, at(data), errno))
}

unsafe extern "system" fn send_to(
    s: usize,
    buffers: *const ws::WSABUF,
    count: u32,
    sent: *mut u32,
    flags: u32,
    to: *const ws::SOCKADDR,
    tolen: i32,
    ov: *mut OVERLAPPED,
    routine: ws::LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    thread: *const ws::WSATHREADID,
    errno: *mut i32,
) -> i32 {
    let args = overlapped(ov, routine, thread);
    about(s, errno, |core, s, errno| {
        core.wsp_send_to(s, at(buffers), count, at(sent), flags, at(to), tolen, args, errno)
    })
}

unsafe extern "system" fn set_sock_opt(
    s: usize,
    level: i32,
    name: i32,
    value: PCSTR,
    len: i32,
    errno: *mut i32,
) -> i32 {
    about(s, errno, |core, s, errno| core.wsp_set_sock_opt(s, level, name, at(value), len, errno))
}

unsafe extern "system" fn shutdown(s: usize, how: i32, errno: *mut i32) -> i32 {
    about(s, errno, |core, s, errno| core.wsp_shutdown(s, how, errno))
}

unsafe extern "system" fn socket(
    af: i32,
    kind: i32,
    protocol: i32,
    info: *const ws::WSAPROTOCOL_INFOW,
    group: u32,
    flags: u32,
    errno: *mut i32,
) -> usize {
    made(None, errno, |core, errno| {
        core.wsp_socket(af, kind, protocol, at(info), group, flags, errno)
    })
}

unsafe extern "system" fn string_to_address(
    string: PCWSTR,
    family: i32,
    info: *const ws::WSAPROTOCOL_INFOW,
    address: *mut ws::SOCKADDR,
    len: *mut i32,
    errno: *mut i32,
) -> i32 {
    general(errno, |core, errno| {
        core.wsp_string_to_address(at(string), family, at(info), at(address), at(len), errno)
    })
}
