//! Odd arguments and bad ones, in every thread.

use provider_core::layout::{protocol_info, qos};
use provider_core::spi::{
    AF_INET, FD_READ, INVALID_SOCKET, SOCK_DGRAM, SOCKET_ERROR, WSA_FLAG_OVERLAPPED,
};
use provider_core::{
    ConditionRoutine, ConnectArgs, EventHandle, OverlappedArgs, Routine, SocketHandle, UserPtr,
    WindowHandle, WsaError,
};

use crate::support::{
    Guarded, SendCall, datagram_pair, ends, nothing_arrives, receive_datagram, stream_pair,
};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of this file.
pub(super) const CASES: &[Case] = &[
    Case::both("result-3-bad-errno-does-nothing", &["RESULT-3"], bad_errno),
    Case::both("result-12-in-every-thread", &["RESULT-12"], every_thread),
    Case::both("result-13-odd-arguments", &["RESULT-13", "RESULT-14", "RESULT-1"], odd_arguments),
];

/// The functions that are about a socket and return `int`, each with the same pointer for all its
/// arguments.
fn with_pointer(
    bed: &dyn TestBed,
    s: SocketHandle,
    at: UserPtr,
    number: i32,
    errno: UserPtr,
) -> Vec<(&'static str, i32)> {
    let spi = bed.spi();
    let overlapped = OverlappedArgs { overlapped: at, routine: Routine::NULL, thread_id: at };
    let connect = ConnectArgs { caller_data: at, callee_data: at, sqos: at, gqos: at };
    let size = number as u32;
    vec![
        ("WSPBind", spi.wsp_bind(s, at, number, errno)),
        ("WSPConnect", spi.wsp_connect(s, at, number, connect, errno)),
        ("WSPGetSockName", spi.wsp_get_sock_name(s, at, at, errno)),
        ("WSPGetPeerName", spi.wsp_get_peer_name(s, at, at, errno)),
        ("WSPSetSockOpt", spi.wsp_set_sock_opt(s, number, number, at, number, errno)),
        ("WSPGetSockOpt", spi.wsp_get_sock_opt(s, number, number, at, at, errno)),
        ("WSPIoctl", spi.wsp_ioctl(s, size, at, size, at, size, at, overlapped, errno)),
        ("WSPSend", spi.wsp_send(s, at, size, at, size, overlapped, errno)),
        ("WSPSendTo", spi.wsp_send_to(s, at, size, at, size, at, number, overlapped, errno)),
        ("WSPRecv", spi.wsp_recv(s, at, size, at, at, overlapped, errno)),
        ("WSPRecvFrom", spi.wsp_recv_from(s, at, size, at, at, at, at, overlapped, errno)),
        ("WSPDuplicateSocket", spi.wsp_duplicate_socket(s, size, at, errno)),
        ("WSPEnumNetworkEvents", spi.wsp_enum_network_events(s, EventHandle(at.0), at, errno)),
        ("WSPSelect", spi.wsp_select(number, at, at, at, at, errno)),
        ("WSPAddressToString", spi.wsp_address_to_string(at, size, at, at, at, errno)),
        ("WSPStringToAddress", spi.wsp_string_to_address(at, number, at, at, at, errno)),
    ]
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

/// Arguments that make no sense give an error or an effect, and the provider goes on.
fn odd_arguments(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let pointers = bed.bad_pointers().into_iter().map(|bad| bad.at).chain([UserPtr(1), UserPtr(3)]);
    for at in pointers {
        for number in [i32::MIN, -1, 0, 1, 0xffff, i32::MAX] {
            for s in [pair.b, stream.b, bed.no_socket(), SocketHandle(0), INVALID_SOCKET] {
                let errno = Guarded::holding(bed, &[0; 4]);
                for (name, value) in with_pointer(bed, s, at, number, errno.at()) {
                    check::one_of(name, value, &[0, SOCKET_ERROR])?;
                }
                errno.check(bed, "lpErrno")?;
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
