//! WSPSetSockOpt.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use provider_core::spi::{
    AF_INET, IPPROTO_TCP, IPPROTO_UDP, SO_ACCEPTCONN, SO_BROADCAST, SO_DEBUG, SO_DONTLINGER,
    SO_DONTROUTE, SO_ERROR, SO_KEEPALIVE, SO_LINGER, SO_MAX_MSG_SIZE, SO_PROTOCOL_INFOW,
    SO_RCVTIMEO, SO_SNDBUF, SO_TYPE, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, TCP_NODELAY,
    WSA_FLAG_OVERLAPPED,
};
use provider_core::{SocketHandle, WsaError};

use crate::support::{
    ANY_V4, Guarded, Op, SendCall, bind, close_hard, datagram_pair, get_option, get_option_at,
    hold_sends, receive_datagram, receive_exactly, receive_ready, release_sends, set_option,
    set_option_at, set_raw, socket, stream_pair, until,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, check};

use super::names::{DATAGRAM, STREAM, all};

/// The cases of this function.
pub(super) const CASES: &[Case] = &[
    Case::both("setoption-1-is-read-back", &["SETOPTION-1", "SETOPTION-16"], read_back),
    Case::both("setoption-2-no-such-level", &["SETOPTION-2"], no_level),
    Case::both("setoption-3-no-such-option", &["SETOPTION-3", "SETOPTION-9"], no_option),
    Case::both("setoption-4-too-short", &["SETOPTION-4"], too_short),
    Case::both("setoption-4-bad-pointers", &["SETOPTION-4", "RESULT-11"], pointers),
    Case::both("setoption-5-a-smaller-buffer-drops-nothing", &["SETOPTION-5"], smaller),
    Case::both("setoption-6-a-larger-buffer-lets-in", &["SETOPTION-6"], larger),
    Case::both("setoption-7-broadcast-at-the-call", &["SETOPTION-7"], broadcast),
    Case::both("setoption-8-linger-and-dontlinger", &["SETOPTION-8"], linger),
    Case::both("setoption-10-keep-alive-of-the-dead", &["SETOPTION-10"], keep_alive),
    Case::both("setoption-10-keep-alive-tells-once", &["SETOPTION-10"], keep_alive_once),
    Case::both("setoption-11-time-out-of-the-next", &["SETOPTION-11"], time_out),
    Case::both("setoption-17-to-be-read-only", &["SETOPTION-17"], read_only),
    Case::both("setoption-18-kept-and-no-more", &["SETOPTION-18"], kept),
    Case::both("setoption-no-socket", &["RESULT-5"], no_socket),
];

/// A fresh socket.
pub(super) fn fresh(bed: &dyn TestBed, stream: bool) -> CaseResult<SocketHandle> {
    let kind = if stream { SOCK_STREAM } else { SOCK_DGRAM };
    check::works("a socket", socket(bed, AF_INET, kind, WSA_FLAG_OVERLAPPED))
}

fn set(
    bed: &dyn TestBed,
    s: SocketHandle,
    level: i32,
    option: i32,
    word: u32,
) -> Result<(), WsaError> {
    set_option_at(bed, s, level, option, &word.to_le_bytes())
}

fn read_back(bed: &dyn TestBed) -> CaseResult {
    for stream in [true, false] {
        for option in all(stream) {
            let s = fresh(bed, stream)?;
            let what = format!("option {:#x} of level {:#x}", option.name, option.level);
            for word in [option.other, option.default] {
                check::works(&what, set(bed, s, option.level, option.name, word))?;
                let got = get_option_at(bed, s, option.level, option.name);
                // SO_DONTLINGER of 0 leaves SO_LINGER as it is.
                let want = if option.name == SO_DONTLINGER { 1 } else { word };
                check::equal(&what, got, Ok(want))?;
            }
        }
    }
    Ok(())
}

fn no_level(bed: &dyn TestBed) -> CaseResult {
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
        for level in [-1, 1, IPPROTO_UDP, 0xfffe, i32::MAX] {
            let refused = set(bed, s, level, SO_DEBUG, 1);
            check::fails(&format!("level {level}"), refused, WsaError::WSAEINVAL)?;
        }
    }
    Ok(())
}

fn no_option(bed: &dyn TestBed) -> CaseResult {
    let none = |s, level, name| {
        let refused = set(bed, s, level, name, 1);
        check::fails(&format!("option {name:#x}"), refused, WsaError::WSAENOPROTOOPT)
    };
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
        // SO_GROUP_ID and SO_PROTOCOL_INFOA are none either.
        for name in [0, 0x2001, 0x2004, 0x7fff, -1] {
            none(s, SOL_SOCKET, name)?;
        }
        none(s, IPPROTO_TCP, 0x7fff)?;
        let others: &[_] = if stream { &DATAGRAM } else { &STREAM };
        others.iter().try_for_each(|option| none(s, option.level, option.name))?;
    }
    Ok(())
}

fn too_short(bed: &dyn TestBed) -> CaseResult {
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
        for option in all(stream) {
            let value = Guarded::holding(bed, &option.other.to_le_bytes()).at();
            for len in [-1, 0, 1, 3] {
                let refused = set_raw(bed, s, (option.level, option.name), value, len);
                let what = format!("option {:#x} of {len} bytes", option.name);
                check::fails(&what, refused, WsaError::WSAEFAULT)?;
            }
            let got = get_option_at(bed, s, option.level, option.name);
            check::equal("its value", got, Ok(option.default))?;
        }
    }
    Ok(())
}

fn pointers(bed: &dyn TestBed) -> CaseResult {
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
        for option in all(stream) {
            for bad in bed.bad_pointers() {
                let refused = set_raw(bed, s, (option.level, option.name), bad.at, 4);
                check::fails(bad.what, refused, WsaError::WSAEFAULT)?;
            }
            let got = get_option_at(bed, s, option.level, option.name);
            check::equal("its value", got, Ok(option.default))?;
        }
    }
    Ok(())
}

/// A datagram socket with a quota of 100 bytes, two datagrams of 80 in its buffer, and one that
/// pends: the transport takes nothing.
fn queued(bed: &dyn TestBed) -> CaseResult<(crate::support::DatagramPair, Op)> {
    let pair = datagram_pair(bed)?;
    check::works("SO_SNDBUF", set_option(bed, pair.a, SO_SNDBUF, 100))?;
    hold_sends(bed);
    for byte in [1, 2] {
        SendCall::send_to(bed, pair.a).bytes(&[byte; 80]).to(pair.at_b).call().done(80)?;
    }
    let op = Op::new(bed);
    let third = SendCall::send_to(bed, pair.a).bytes(&[3; 80]).to(pair.at_b).overlapped(&op);
    third.call().pending()?;
    Ok((pair, op))
}

fn smaller(bed: &dyn TestBed) -> CaseResult {
    let (pair, op) = queued(bed)?;
    for quota in [10, 0] {
        check::works("SO_SNDBUF", set_option(bed, pair.a, SO_SNDBUF, quota))?;
        op.pending(bed)?;
    }
    release_sends(bed);
    for byte in [1, 2, 3] {
        check::equal("a datagram", receive_datagram(bed, pair.b)?.0, vec![byte; 80])?;
    }
    op.sent(bed, 80)
}

fn larger(bed: &dyn TestBed) -> CaseResult {
    let (pair, op) = queued(bed)?;
    check::works("SO_SNDBUF", set_option(bed, pair.a, SO_SNDBUF, 239))?;
    op.pending(bed)?;
    check::works("SO_SNDBUF", set_option(bed, pair.a, SO_SNDBUF, 240))?;
    until(bed, false, "the send that there is room for", || !op.is_pending(bed))?;
    op.sent(bed, 80)?;
    release_sends(bed);
    for byte in [1, 2, 3] {
        check::equal("a datagram", receive_datagram(bed, pair.b)?.0, vec![byte; 80])?;
    }
    Ok(())
}

fn broadcast(bed: &dyn TestBed) -> CaseResult {
    let to_all = SocketAddr::new(IpAddr::V4(Ipv4Addr::BROADCAST), 9);
    let s = fresh(bed, false)?;
    check::works("WSPBind", bind(bed, s, ANY_V4))?;
    check::works("SO_SNDBUF", set_option(bed, s, SO_SNDBUF, 0))?;
    hold_sends(bed);
    let op = Op::new(bed);
    let call = || SendCall::send_to(bed, s).bytes(b"all").to(to_all);
    call().call().refused(WsaError::WSAEACCES)?;
    check::works("SO_BROADCAST", set_option(bed, s, SO_BROADCAST, 1))?;
    call().overlapped(&op).call().pending()?;
    check::works("SO_BROADCAST", set_option(bed, s, SO_BROADCAST, 0))?;
    release_sends(bed);
    until(bed, false, "the end of the send", || !op.is_pending(bed))?;
    op.sent(bed, 3)
}

fn linger(bed: &dyn TestBed) -> CaseResult {
    let s = fresh(bed, true)?;
    let reads = |linger: u32, dont: u32| {
        check::equal("SO_LINGER", get_option(bed, s, SO_LINGER), Ok(linger))?;
        check::equal("SO_DONTLINGER", get_option(bed, s, SO_DONTLINGER), Ok(dont))
    };
    reads(0, 1)?;
    for on in [0x0005_0001, 1] {
        check::works("SO_LINGER", set_option(bed, s, SO_LINGER, on))?;
        reads(on, 0)?;
        check::works("SO_DONTLINGER", set_option(bed, s, SO_DONTLINGER, 0))?;
        reads(on, 0)?;
        check::works("SO_DONTLINGER", set_option(bed, s, SO_DONTLINGER, 1))?;
        reads(0, 1)?;
    }
    check::works("SO_LINGER", set_option(bed, s, SO_LINGER, 1))?;
    check::works("SO_LINGER", set_option(bed, s, SO_LINGER, 0))?;
    reads(0, 1)
}

fn keep_alive(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("a living one", set_option(bed, pair.a, SO_KEEPALIVE, 1))?;
    check::works("closing hard", close_hard(bed, pair.b))?;
    let reset = receive_ready(bed, pair.a, 9);
    check::fails("the reset", reset, WsaError::WSAECONNRESET)?;
    for on in [0, 1] {
        let refused = set_option(bed, pair.a, SO_KEEPALIVE, on);
        check::fails("a dead one", refused, WsaError::WSAENOTCONN)?;
    }
    Ok(())
}

fn keep_alive_once(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("SO_KEEPALIVE", set_option(bed, pair.a, SO_KEEPALIVE, 1))?;
    hold_sends(bed);
    SendCall::send(bed, pair.a).bytes(b"buffered").call().done(8)?;
    // What is buffered meets the end, and nobody waits who could be told.
    bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAENETRESET));
    release_sends(bed);
    bed.grace(false);
    let first = set_option(bed, pair.a, SO_KEEPALIVE, 0);
    check::fails("the first call", first, WsaError::WSAENETRESET)?;
    let second = set_option(bed, pair.a, SO_KEEPALIVE, 0);
    check::fails("the second", second, WsaError::WSAENOTCONN)
}

fn time_out(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("SO_RCVTIMEO", set_option(bed, pair.b, SO_RCVTIMEO, 20))?;
    let late = receive_ready(bed, pair.b, 9);
    check::fails("a receive", late, WsaError::WSAETIMEDOUT)?;
    check::works("SO_RCVTIMEO", set_option(bed, pair.b, SO_RCVTIMEO, 0))?;
    let sender = bed.spawn(
        "sender",
        Box::new(move |bed| {
            bed.grace(false);
            SendCall::send_to(bed, pair.a).bytes(b"late").to(pair.at_b).call().done(4)
        }),
    );
    let got = check::works("the next receive", receive_ready(bed, pair.b, 9))?;
    check::equal("what came", got.0, b"late".to_vec())?;
    crate::support::ends(bed, sender)
}

fn read_only(bed: &dyn TestBed) -> CaseResult {
    let (stream, datagram) = (fresh(bed, true)?, fresh(bed, false)?);
    for (s, name) in [
        (stream, SO_ERROR),
        (stream, SO_TYPE),
        (stream, SO_ACCEPTCONN),
        (stream, SO_PROTOCOL_INFOW),
        (datagram, SO_ERROR),
        (datagram, SO_TYPE),
        (datagram, SO_MAX_MSG_SIZE),
        (datagram, SO_PROTOCOL_INFOW),
    ] {
        let refused = set(bed, s, SOL_SOCKET, name, 1);
        check::fails(&format!("option {name:#x}"), refused, WsaError::WSAENOPROTOOPT)?;
    }
    Ok(())
}

fn kept(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        for option in [SO_DEBUG, SO_DONTROUTE] {
            check::works("the option", set_option(bed, s, option, 1))?;
        }
        SendCall::send_to(bed, s).bytes(b"as ever").to(pair.at_b).call().done(7)?;
    }
    check::works("TCP_NODELAY", set(bed, stream.a, IPPROTO_TCP, TCP_NODELAY, 1))?;
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"as ever".to_vec())?;
    check::equal("the stream", receive_exactly(bed, stream.b, 7)?, b"as ever".to_vec())
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    let refused = set_option(bed, bed.no_socket(), SO_SNDBUF, 1);
    check::fails("no socket", refused, WsaError::WSAENOTSOCK)
}
