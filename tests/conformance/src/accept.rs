//! WSPAccept.

use core::net::SocketAddr;

use provider_core::layout::SOCKADDR_IN;
use provider_core::spi::{
    AF_INET, CF_ACCEPT, CF_DEFER, CF_REJECT, INVALID_SOCKET, SO_KEEPALIVE, SO_SNDBUF, SOCK_DGRAM,
    SOCK_STREAM, WSA_FLAG_OVERLAPPED,
};
use provider_core::{ConditionRoutine, SocketHandle, UserPtr, WsaError};

use crate::support::{
    Guarded, LOOPBACK_V4, RecvCall, SendCall, accept, bind, cancel_blocking_call, close,
    close_hard, connect, decode_address, ends, get_option, listen, listener, peer_name,
    set_nonblocking, set_option, sock_name, socket,
};
use crate::{Answer, Caller, Case, CaseResult, Seam, Shared, TestBed, check};

/// The cases of this function.
pub(crate) const CASES: &[Case] = &[
    Case::both("accept-1-in-the-order-of-arrival", &["ACCEPT-1"], in_order),
    Case::both("accept-2-blocks-until-one-comes", &["ACCEPT-2"], blocks),
    Case::both("accept-3-nothing-waits", &["ACCEPT-3"], nothing),
    Case::both("accept-4-options-are-inherited", &["ACCEPT-4"], inherits),
    Case::both("accept-6-the-peers-address", &["ACCEPT-6"], address),
    Case::both("accept-7-bad-room-takes-nothing", &["ACCEPT-7"], bad_room),
    Case::both("accept-8-does-not-listen", &["ACCEPT-8", "ACCEPT-9"], not_listening),
    Case::both("accept-10-condition-is-asked", &["ACCEPT-10", "ACCEPT-11"], asked),
    Case::both("accept-12-rejected", &["ACCEPT-12"], rejected),
    Case::both("accept-13-deferred", &["ACCEPT-13", "ACCEPT-20"], deferred),
    Case::both("accept-14-odd-answer", &["ACCEPT-14"], odd),
    Case::both("accept-15-cancelled-and-closed", &["ACCEPT-15"], ended),
    Case::both("accept-16-no-handle", &["ACCEPT-16"], no_handle),
    Case::both("accept-17-reset-while-it-waited", &["ACCEPT-17"], reset),
    Case::both("accept-18-closed-while-it-is-asked", &["ACCEPT-18"], closed_inside),
    Case::both("accept-19-address-whatever-the-answer", &["ACCEPT-19"], address_always),
];

/// A stream that is connected to `at`, and its own address.
fn client(bed: &dyn TestBed, at: SocketAddr) -> CaseResult<(SocketHandle, SocketAddr)> {
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))?;
    check::works("WSPConnect", connect(bed, s, at))?;
    Ok((s, check::works("WSPGetSockName", sock_name(bed, s))?))
}

/// WSPAccept with a condition function.
fn accept_if(
    bed: &dyn TestBed,
    s: SocketHandle,
    condition: ConditionRoutine,
    data: usize,
) -> Result<SocketHandle, WsaError> {
    let errno = Guarded::holding(bed, &[0; 4]);
    let none = UserPtr::NULL;
    let new = bed.spi().wsp_accept(s, none, none, condition, data, errno.at());
    if new == INVALID_SOCKET { Err(WsaError(errno.word(bed) as i32)) } else { Ok(new) }
}

/// A condition function; what does not hold in it fails the case.
fn condition(
    bed: &dyn TestBed,
    body: impl Fn(&dyn TestBed, Caller) -> CaseResult<i32> + Send + Sync + 'static,
) -> ConditionRoutine {
    bed.condition(Box::new(move |bed, caller| {
        body(bed, caller).unwrap_or_else(|failure| {
            bed.fail(failure);
            CF_REJECT
        })
    }))
}

/// A condition function that always answers this.
fn answers(bed: &dyn TestBed, answer: i32) -> ConditionRoutine {
    condition(bed, move |_, _| Ok(answer))
}

fn carries(bed: &dyn TestBed, from: SocketHandle, to: SocketHandle, text: &[u8]) -> CaseResult {
    SendCall::send(bed, from).bytes(text).call().done(text.len())?;
    bed.grace(false);
    RecvCall::recv(bed, to).room(100).call().gave(text)
}

fn in_order(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    let clients = [client(bed, at)?, client(bed, at)?, client(bed, at)?];
    for (number, (client, local)) in clients.into_iter().enumerate() {
        let server = check::works("WSPAccept", accept(bed, s))?;
        check::equal("the peer", peer_name(bed, server), Ok(local))?;
        carries(bed, client, server, &[number as u8])?;
        carries(bed, server, client, b"back")?;
    }
    Ok(())
}

fn blocks(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    let accepted = Shared::new(None);
    let given = accepted.clone();
    let thread = bed.spawn(
        "acceptor",
        Box::new(move |bed| {
            given.set(Some(check::works("WSPAccept", accept(bed, s))?));
            Ok(())
        }),
    );
    bed.grace(false);
    check::equal("a socket before there is a connection", accepted.get(), None)?;
    let (client, _) = client(bed, at)?;
    ends(bed, thread)?;
    let server = accepted.get().unwrap_or(INVALID_SOCKET);
    carries(bed, client, server, b"hello")
}

fn nothing(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    check::works("FIONBIO", set_nonblocking(bed, s, true))?;
    check::fails("WSPAccept", accept(bed, s), WsaError::WSAEWOULDBLOCK)?;
    client(bed, at)?;
    bed.grace(false);
    check::works("WSPAccept", accept(bed, s))?;
    check::fails("WSPAccept", accept(bed, s), WsaError::WSAEWOULDBLOCK)
}

fn inherits(bed: &dyn TestBed) -> CaseResult {
    for flags in [0, WSA_FLAG_OVERLAPPED] {
        let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_STREAM, flags))?;
        check::works("SO_KEEPALIVE", set_option(bed, s, SO_KEEPALIVE, 1))?;
        check::works("SO_SNDBUF", set_option(bed, s, SO_SNDBUF, 12_345))?;
        check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
        check::works("WSPListen", listen(bed, s))?;
        let at = check::works("WSPGetSockName", sock_name(bed, s))?;
        client(bed, at)?;
        bed.grace(false);
        check::works("FIONBIO", set_nonblocking(bed, s, true))?;
        let new = check::works("WSPAccept", accept(bed, s))?;
        check::equal("SO_KEEPALIVE", get_option(bed, new, SO_KEEPALIVE), Ok(1))?;
        check::equal("SO_SNDBUF", get_option(bed, new, SO_SNDBUF), Ok(12_345))?;
        // Nonblocking, like the listener.
        RecvCall::recv(bed, new).room(1).call().refused(WsaError::WSAEWOULDBLOCK)?;
        let op = crate::support::Op::new(bed);
        let call = RecvCall::recv(bed, new).room(1).overlapped(&op).call();
        if flags == 0 {
            call.refused(WsaError::WSAEWOULDBLOCK)?;
        } else {
            call.pending()?;
        }
    }
    Ok(())
}

fn address(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    for room in [SOCKADDR_IN, 64] {
        let (_, local) = client(bed, at)?;
        let addr = Guarded::holding(bed, &vec![0xee; room]);
        let len = Guarded::holding(bed, &(room as u32).to_le_bytes());
        let errno = Guarded::holding(bed, &[0; 4]);
        let none = ConditionRoutine::NULL;
        let new = bed.spi().wsp_accept(s, addr.at(), len.at(), none, 0, errno.at());
        check::holds("a socket", new != INVALID_SOCKET)?;
        check::equal("addr", decode_address(&addr.bytes(bed)), Some(local))?;
        check::equal("addrlen", len.word(bed) as usize, SOCKADDR_IN)?;
        addr.check(bed, "addr")?;
        len.check(bed, "addrlen")?;
    }
    Ok(())
}

fn bad_room(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    let (_, local) = client(bed, at)?;
    let errno = Guarded::holding(bed, &[0; 4]);
    let ask = |addr: UserPtr, len: UserPtr| {
        let new = bed.spi().wsp_accept(s, addr, len, ConditionRoutine::NULL, 0, errno.at());
        (new, WsaError(errno.word(bed) as i32))
    };
    let refused = (INVALID_SOCKET, WsaError::WSAEFAULT);
    let room = Guarded::holding(bed, &[0xee; SOCKADDR_IN]);
    for small in [0, 4, SOCKADDR_IN - 1] {
        let len = Guarded::holding(bed, &(small as u32).to_le_bytes());
        check::equal("too small", ask(room.at(), len.at()), refused)?;
        check::equal("addrlen", len.word(bed) as usize, small)?;
    }
    let len = Guarded::holding(bed, &(SOCKADDR_IN as u32).to_le_bytes());
    for bad in bed.bad_pointers().into_iter().filter(|bad| !bad.at.is_null()) {
        check::equal(bad.what, ask(bad.at, len.at()), refused)?;
        check::equal(bad.what, ask(room.at(), bad.at), refused)?;
    }
    check::equal("addr", room.bytes(bed), vec![0xee; SOCKADDR_IN])?;
    let new = check::works("WSPAccept", accept(bed, s))?;
    check::equal("the peer", peer_name(bed, new), Ok(local))
}

fn not_listening(bed: &dyn TestBed) -> CaseResult {
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))?;
    check::fails("a stream", accept(bed, s), WsaError::WSAEINVAL)?;
    check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
    check::fails("a bound stream", accept(bed, s), WsaError::WSAEINVAL)?;
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    check::fails("a datagram socket", accept(bed, s), WsaError::WSAEOPNOTSUPP)?;
    check::fails("no socket", accept(bed, bed.no_socket()), WsaError::WSAENOTSOCK)
}

fn asked(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    let (client, local) = client(bed, at)?;
    let thread = bed.current_thread();
    let calls = Shared::new(0);
    let count = calls.clone();
    let asks = condition(bed, move |bed, caller| {
        count.set(count.get() + 1);
        check::equal("the thread", bed.current_thread(), thread)?;
        check::equal("the caller", caller.caller, local)?;
        check::equal("the callee", caller.callee, at)?;
        check::equal("dwCallbackData", caller.callback_data, 0x1234_5678)?;
        // It may call the provider: no lock is held.
        check::equal("WSPGetSockName", sock_name(bed, s), Ok(at))?;
        Ok(CF_ACCEPT)
    });
    let new = check::works("WSPAccept", accept_if(bed, s, asks, 0x1234_5678))?;
    check::equal("calls", calls.get(), 1)?;
    carries(bed, client, new, b"hello")
}

fn rejected(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    let (first, _) = client(bed, at)?;
    let (second, _) = client(bed, at)?;
    let no = answers(bed, CF_REJECT);
    check::fails("WSPAccept", accept_if(bed, s, no, 0), WsaError::WSAECONNREFUSED)?;
    bed.grace(false);
    RecvCall::recv(bed, first).room(1).call().refused(WsaError::WSAECONNRESET)?;
    let new = check::works("WSPAccept", accept(bed, s))?;
    carries(bed, second, new, b"hello")
}

fn deferred(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    let (_, first) = client(bed, at)?;
    let (_, second) = client(bed, at)?;
    let later = answers(bed, CF_DEFER);
    for _ in 0..3 {
        check::fails("WSPAccept", accept_if(bed, s, later, 0), WsaError::WSATRY_AGAIN)?;
    }
    // Another thread gets the same one: it has kept its place.
    let thread = bed.spawn(
        "acceptor",
        Box::new(move |bed| {
            let new = check::works("WSPAccept", accept(bed, s))?;
            check::equal("the peer", peer_name(bed, new), Ok(first))
        }),
    );
    ends(bed, thread)?;
    let new = check::works("WSPAccept", accept(bed, s))?;
    check::equal("the peer", peer_name(bed, new), Ok(second))
}

fn odd(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    let (_, local) = client(bed, at)?;
    for answer in [3, -1, i32::MIN] {
        let condition = answers(bed, answer);
        check::fails("WSPAccept", accept_if(bed, s, condition, 0), WsaError::WSAEINVAL)?;
    }
    let new = check::works("WSPAccept", accept(bed, s))?;
    check::equal("the peer", peer_name(bed, new), Ok(local))
}

fn ended(bed: &dyn TestBed) -> CaseResult {
    let (s, _) = listener(bed)?;
    let wait = |name| {
        let thread = bed.spawn(
            name,
            Box::new(move |bed| check::fails("WSPAccept", accept(bed, s), WsaError::WSAEINTR)),
        );
        bed.grace(false);
        thread
    };
    let thread = wait("cancelled");
    let cancel = |bed: &dyn TestBed| check::works("cancelling", cancel_blocking_call(bed));
    check::holds("the APC was queued", bed.queue_apc(thread, Box::new(cancel)))?;
    ends(bed, thread)?;
    let thread = wait("closed");
    check::works("WSPCloseSocket", close(bed, s))?;
    ends(bed, thread)
}

fn no_handle(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    let (_, local) = client(bed, at)?;
    for error in [WsaError::WSAENOBUFS, WsaError::WSAEMFILE] {
        bed.lower().answer(Seam::CreateSocketHandle, Answer::Refuse(error));
        check::fails("WSPAccept", accept(bed, s), error)?;
    }
    let new = check::works("WSPAccept", accept(bed, s))?;
    check::equal("the peer", peer_name(bed, new), Ok(local))
}

fn reset(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    let (gone, _) = client(bed, at)?;
    let (_, stays) = client(bed, at)?;
    check::works("closing hard", close_hard(bed, gone))?;
    bed.grace(false);
    check::works("FIONBIO", set_nonblocking(bed, s, true))?;
    check::fails("WSPAccept", accept(bed, s), WsaError::WSAECONNRESET)?;
    let new = check::works("WSPAccept", accept(bed, s))?;
    check::equal("the peer", peer_name(bed, new), Ok(stays))?;
    check::fails("WSPAccept", accept(bed, s), WsaError::WSAEWOULDBLOCK)
}

fn closed_inside(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    let (client, _) = client(bed, at)?;
    let closes = condition(bed, move |bed, _| {
        check::works("WSPCloseSocket", close(bed, s))?;
        Ok(CF_ACCEPT)
    });
    check::fails("WSPAccept", accept_if(bed, s, closes, 0), WsaError::WSAENOTSOCK)?;
    bed.grace(false);
    RecvCall::recv(bed, client).room(1).call().refused(WsaError::WSAECONNRESET)
}

fn address_always(bed: &dyn TestBed) -> CaseResult {
    let (s, at) = listener(bed)?;
    for (answer, error) in
        [(CF_DEFER, WsaError::WSATRY_AGAIN), (CF_REJECT, WsaError::WSAECONNREFUSED)]
    {
        let (_, local) = client(bed, at)?;
        let addr = Guarded::holding(bed, &[0xee; SOCKADDR_IN]);
        let len = Guarded::holding(bed, &(SOCKADDR_IN as u32).to_le_bytes());
        let errno = Guarded::holding(bed, &[0; 4]);
        let condition = answers(bed, answer);
        let new = bed.spi().wsp_accept(s, addr.at(), len.at(), condition, 0, errno.at());
        check::equal("the socket", new, INVALID_SOCKET)?;
        check::equal("the error", WsaError(errno.word(bed) as i32), error)?;
        check::equal("addr", decode_address(&addr.bytes(bed)), Some(local))?;
        if answer == CF_DEFER {
            check::works("WSPAccept", accept(bed, s))?;
        }
    }
    Ok(())
}
