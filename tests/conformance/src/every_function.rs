//! What holds for every function of the table.

use provider_core::layout::{protocol_info, qos};
use provider_core::spi::{
    AF_INET, FD_READ, INVALID_SOCKET, SOCK_DGRAM, SOCKET_ERROR, WSA_FLAG_OVERLAPPED,
};
use provider_core::{
    ConditionRoutine, ConnectArgs, EventHandle, OverlappedArgs, Routine, SocketHandle, UserPtr,
    WindowHandle, WsaError,
};

use crate::support::{
    Guarded, RecvCall, SendCall, cancel_blocking_call, cleanup, datagram_pair, ends,
    nothing_arrives, receive_datagram, startup, stream_pair,
};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of this file.
pub(crate) const CASES: &[Case] = &[
    Case::both("result-3-bad-errno-does-nothing", &["RESULT-3"], bad_errno),
    Case::both("result-12-in-every-thread", &["RESULT-12"], every_thread),
    Case::both("result-4-every-function", &["RESULT-4"], not_started),
    Case::both("result-7-every-function", &["RESULT-7"], in_the_hook),
    Case::both("result-13-odd-arguments", &["RESULT-13", "RESULT-14", "RESULT-1"], odd_arguments),
];

/// What a function returned, and its error.
type Returned = (&'static str, i32, WsaError);

/// Every function but WSPStartup, WSPCleanup and WSPCancelBlockingCall, each with the same pointer
/// and the same number for all its arguments; what gives a socket has returned 0 or SOCKET_ERROR
/// here. WSPGetOverlappedResult waits for nothing.
pub(crate) fn every(bed: &dyn TestBed, s: SocketHandle, at: UserPtr, number: i32) -> Vec<Returned> {
    let mut all = with_pointer(bed, s, at, number);
    let spi = bed.spi();
    let made = |socket| if socket == INVALID_SOCKET { SOCKET_ERROR } else { 0 };
    let (no_condition, info) = (ConditionRoutine::NULL, UserPtr::NULL);
    let connect = ConnectArgs { caller_data: at, callee_data: at, sqos: at, gqos: at };
    let event = EventHandle(at.0);
    let window = WindowHandle(at.0);
    let mut add = |name, call: &dyn Fn(UserPtr) -> i32| all.push(returned(bed, name, call));
    add("WSPAccept", &|errno| made(spi.wsp_accept(s, at, at, no_condition, 0, errno)));
    add("WSPAsyncSelect", &|errno| spi.wsp_async_select(s, window, 1, number, errno));
    add("WSPCloseSocket", &|errno| spi.wsp_close_socket(s, errno));
    add("WSPEventSelect", &|errno| spi.wsp_event_select(s, event, number, errno));
    add("WSPGetOverlappedResult", &|errno| {
        spi.wsp_get_overlapped_result(s, at, at, false, at, errno) - 1
    });
    add("WSPGetQOSByName", &|errno| spi.wsp_get_qos_by_name(s, at, at, errno) - 1);
    add("WSPJoinLeaf", &|errno| made(spi.wsp_join_leaf(s, at, number, connect, 0, errno)));
    add("WSPListen", &|errno| spi.wsp_listen(s, number, errno));
    add("WSPRecvDisconnect", &|errno| spi.wsp_recv_disconnect(s, at, errno));
    add("WSPSendDisconnect", &|errno| spi.wsp_send_disconnect(s, at, errno));
    add("WSPShutdown", &|errno| spi.wsp_shutdown(s, number, errno));
    add("WSPSocket", &|errno| made(spi.wsp_socket(AF_INET, SOCK_DGRAM, 0, info, 0, 0, errno)));
    all
}

fn returned(bed: &dyn TestBed, name: &'static str, call: &dyn Fn(UserPtr) -> i32) -> Returned {
    let errno = Guarded::holding(bed, &[0; 4]);
    let value = call(errno.at());
    (name, value, WsaError(errno.word(bed) as i32))
}

/// The functions of [`every`] that change nothing of the socket when their arguments make no sense.
fn with_pointer(bed: &dyn TestBed, s: SocketHandle, at: UserPtr, number: i32) -> Vec<Returned> {
    let spi = bed.spi();
    let overlapped = OverlappedArgs { overlapped: at, routine: Routine::NULL, thread_id: at };
    let connect = ConnectArgs { caller_data: at, callee_data: at, sqos: at, gqos: at };
    let (size, event) = (number as u32, EventHandle(at.0));
    let mut all = Vec::new();
    let mut add = |name, call: &dyn Fn(UserPtr) -> i32| all.push(returned(bed, name, call));
    add("WSPBind", &|errno| spi.wsp_bind(s, at, number, errno));
    add("WSPConnect", &|errno| spi.wsp_connect(s, at, number, connect, errno));
    add("WSPGetSockName", &|errno| spi.wsp_get_sock_name(s, at, at, errno));
    add("WSPGetPeerName", &|errno| spi.wsp_get_peer_name(s, at, at, errno));
    add("WSPSetSockOpt", &|errno| spi.wsp_set_sock_opt(s, number, number, at, number, errno));
    add("WSPGetSockOpt", &|errno| spi.wsp_get_sock_opt(s, number, number, at, at, errno));
    add("WSPIoctl", &|errno| spi.wsp_ioctl(s, size, at, size, at, size, at, overlapped, errno));
    add("WSPSend", &|errno| spi.wsp_send(s, at, size, at, size, overlapped, errno));
    add("WSPSendTo", &|errno| {
        spi.wsp_send_to(s, at, size, at, size, at, number, overlapped, errno)
    });
    add("WSPRecv", &|errno| spi.wsp_recv(s, at, size, at, at, overlapped, errno));
    add("WSPRecvFrom", &|errno| spi.wsp_recv_from(s, at, size, at, at, at, at, overlapped, errno));
    add("WSPDuplicateSocket", &|errno| spi.wsp_duplicate_socket(s, size, at, errno));
    add("WSPEnumNetworkEvents", &|errno| spi.wsp_enum_network_events(s, event, at, errno));
    add("WSPSelect", &|errno| spi.wsp_select(number, at, at, at, at, errno));
    add("WSPAddressToString", &|errno| spi.wsp_address_to_string(at, size, at, at, at, errno));
    add("WSPStringToAddress", &|errno| spi.wsp_string_to_address(at, number, at, at, at, errno));
    all
}

fn bad_errno(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let bytes = Guarded::holding(bed, b"never");
    let entry = provider_core::layout::WsaBuf { len: 5, buf: bytes.at() };
    for bad in bed.bad_pointers() {
        let array = Guarded::holding(bed, &entry.encode());
        let count = Guarded::holding(bed, &7_u32.to_le_bytes());
        let (to, len) = provider_core::layout::encode_sockaddr(&pair.at_b);
        let to = Guarded::holding(bed, &to[..len]);
        let value = bed.spi().wsp_send_to(
            pair.a,
            array.at(),
            1,
            count.at(),
            0,
            to.at(),
            len as i32,
            OverlappedArgs::NONE,
            bad.at,
        );
        check::equal(bad.what, value, SOCKET_ERROR)?;
        check::equal("the count", count.word(bed), 7)?;
        check::equal(bad.what, bed.spi().wsp_close_socket(pair.a, bad.at), SOCKET_ERROR)?;
        let kinds = (AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED);
        let none = UserPtr::NULL;
        let made = bed.spi().wsp_socket(kinds.0, kinds.1, 0, none, 0, kinds.2, bad.at);
        check::equal(bad.what, made, INVALID_SOCKET)?;
    }
    nothing_arrives(bed, pair.b)?;
    // Nobody closed it.
    SendCall::send_to(bed, pair.a).bytes(b"alive").to(pair.at_b).call().done(5)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"alive".to_vec())
}

fn not_started(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let room = Guarded::holding(bed, &[0; 64]);
    check::works("WSPCleanup", cleanup(bed))?;
    for at in [room.at(), UserPtr::NULL] {
        for s in [pair.a, bed.no_socket()] {
            for returned in every(bed, s, at, 16) {
                let want = (returned.0, SOCKET_ERROR, WsaError::WSANOTINITIALISED);
                check::equal("a function", returned, want)?;
            }
        }
    }
    let not = WsaError::WSANOTINITIALISED;
    check::fails("WSPCancelBlockingCall", cancel_blocking_call(bed), not)?;
    check::works("WSPStartup", startup(bed)).map(drop)
}

fn in_the_hook(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, datagram_pair(bed)?);
    let room = Guarded::holding(bed, &[0; 64]);
    bed.set_blocking_hook(Some(Box::new(move |bed| {
        for s in [other.a, pair.b] {
            for returned in every(bed, s, room.at(), 16) {
                let want = (returned.0, SOCKET_ERROR, WsaError::WSAEINPROGRESS);
                check::equal("a function", returned, want)?;
            }
        }
        check::fails("WSPCleanup", cleanup(bed), WsaError::WSAEINPROGRESS)?;
        check::works("WSPCancelBlockingCall", cancel_blocking_call(bed))?;
        Ok(false)
    })));
    RecvCall::recv(bed, pair.b).room(10).call().refused(WsaError::WSAEINTR)?;
    bed.set_blocking_hook(None);
    // Nothing was done to either.
    for (from, to, at) in [(pair.a, pair.b, pair.at_b), (other.b, other.a, other.at_a)] {
        SendCall::send_to(bed, from).bytes(b"alive").to(at).call().done(5)?;
        RecvCall::recv(bed, to).room(10).call().gave(b"alive")?;
    }
    Ok(())
}

/// Threads that use sockets of their own and one that all share, at the same time.
fn every_thread(bed: &dyn TestBed) -> CaseResult {
    let shared = datagram_pair(bed)?;
    let threads: Vec<_> = (0..4_u8)
        .map(|number| {
            bed.spawn(
                "caller",
                Box::new(move |bed| {
                    let (own, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
                    for _ in 0..3 {
                        let text = [number; 9];
                        SendCall::send_to(bed, shared.a)
                            .bytes(&text)
                            .to(own.at_b)
                            .call()
                            .done(9)?;
                        let (bytes, from) = receive_datagram(bed, own.b)?;
                        check::equal("what arrived", (bytes, from), (text.to_vec(), shared.at_a))?;
                        SendCall::send(bed, stream.a).bytes(&text).call().done(9)?;
                        let bytes = crate::support::receive_exactly(bed, stream.b, 9)?;
                        check::equal("the stream", bytes, text.to_vec())?;
                    }
                    Ok(())
                }),
            )
        })
        .collect();
    threads.into_iter().try_for_each(|thread| ends(bed, thread))
}

/// What a function that is given arguments without sense may fail with, be it for the arguments or
/// for the state of the socket.
const ODD: [WsaError; 14] = [
    WsaError::WSAEADDRNOTAVAIL,
    WsaError::WSAEAFNOSUPPORT,
    WsaError::WSAEDESTADDRREQ,
    WsaError::WSAEFAULT,
    WsaError::WSAEINVAL,
    WsaError::WSAEISCONN,
    WsaError::WSAEMSGSIZE,
    WsaError::WSAENETUNREACH,
    WsaError::WSAENOBUFS,
    WsaError::WSAENOPROTOOPT,
    WsaError::WSAENOTCONN,
    WsaError::WSAENOTSOCK,
    WsaError::WSAEOPNOTSUPP,
    WsaError::WSA_IO_PENDING,
];

/// Arguments that make no sense give an error or an effect, and the provider goes on.
fn odd_arguments(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let pointers = bed.bad_pointers().into_iter().map(|bad| bad.at).chain([UserPtr(1), UserPtr(3)]);
    for at in pointers {
        for number in [i32::MIN, -1, 0, 1, 0xffff, i32::MAX] {
            for s in [pair.b, stream.b, bed.no_socket(), SocketHandle(0), INVALID_SOCKET] {
                for (name, value, error) in with_pointer(bed, s, at, number) {
                    check::one_of(name, value, &[0, SOCKET_ERROR])?;
                    check::equal(name, error == WsaError(0), value == 0)?;
                    if value != 0 {
                        check::one_of(name, error, &ODD)?;
                    }
                }
            }
        }
    }
    let errno = Guarded::holding(bed, &[0; 4]);
    let spi = bed.spi();
    let odd = [i32::MIN, -1, 3, 99, i32::MAX];
    for number in odd {
        let none = UserPtr::NULL;
        let made = spi.wsp_socket(number, number, number, none, 7, number as u32, errno.at());
        check::equal("WSPSocket", made, INVALID_SOCKET)?;
        check::equal("WSPShutdown", spi.wsp_shutdown(pair.b, number, errno.at()), SOCKET_ERROR)?;
        check::equal("the error", WsaError(errno.word(bed) as i32), WsaError::WSAEINVAL)?;
        let listening = spi.wsp_listen(pair.b, number, errno.at());
        check::equal("WSPListen", listening, SOCKET_ERROR)?;
        let window = WindowHandle(number as usize);
        let s = bed.no_socket();
        let selected = spi.wsp_async_select(s, window, number as u32, FD_READ, errno.at());
        check::equal("WSPAsyncSelect", selected, SOCKET_ERROR)?;
        let accepted = spi.wsp_accept(s, none, none, ConditionRoutine::NULL, 0, errno.at());
        check::equal("WSPAccept", accepted, INVALID_SOCKET)?;
        let leaf = spi.wsp_join_leaf(s, none, number, ConnectArgs::NONE, 0, errno.at());
        check::equal("WSPJoinLeaf", leaf, INVALID_SOCKET)?;
    }
    let room = Guarded::holding(bed, &[0; qos::SIZE]);
    let info = Guarded::holding(bed, &[0xff; protocol_info::SIZE]);
    let made = spi.wsp_socket(AF_INET, SOCK_DGRAM, 0, info.at(), 0, 0, errno.at());
    check::equal("WSPSocket with made-up information", made, INVALID_SOCKET)?;
    check::equal(
        "WSPGetQOSByName",
        spi.wsp_get_qos_by_name(pair.b, info.at(), room.at(), errno.at()),
        0,
    )?;
    // And it goes on.
    let again = datagram_pair(bed)?;
    SendCall::send_to(bed, again.a).bytes(b"alive").to(again.at_b).call().done(5)?;
    check::equal("what arrived", receive_datagram(bed, again.b)?.0, b"alive".to_vec())
}
