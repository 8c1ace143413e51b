//! WSPGetSockOpt.

use provider_core::layout::protocol_info as layout;
use provider_core::spi::{
    AF_INET, IPPROTO_TCP, IPPROTO_UDP, SO_ACCEPTCONN, SO_DEBUG, SO_ERROR, SO_MAX_MSG_SIZE,
    SO_PROTOCOL_INFOW, SO_TYPE, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET,
};
use provider_core::{SocketHandle, UserPtr, WsaError};

use crate::support::{
    Guarded, LOOPBACK_V4, SendCall, bind, close_hard, datagram_pair, get_bytes, get_option,
    get_option_at, get_raw, listen, receive_datagram, receive_ready, stream_pair,
};
use crate::{Case, CaseResult, TestBed, check};

use super::names::{DATAGRAM, STREAM, all};
use super::set_sock_opt::fresh;

/// The cases of this function.
pub(super) const CASES: &[Case] = &[
    Case::both("getoption-1-defaults", &["GETOPTION-1"], defaults),
    Case::both("getoption-2-the-values-size", &["GETOPTION-2"], size),
    Case::both("getoption-3-error-is-given-once", &["GETOPTION-3"], error),
    Case::both("getoption-4-type", &["GETOPTION-4"], kind),
    Case::both("getoption-5-largest-datagram", &["GETOPTION-5"], max_msg_size),
    Case::both("getoption-6-protocol", &["GETOPTION-6"], protocol),
    Case::both("getoption-7-listening", &["GETOPTION-7"], listening),
    Case::both("getoption-8-no-such-level", &["GETOPTION-8"], no_level),
    Case::both("getoption-9-no-such-option", &["GETOPTION-9"], no_option),
    Case::both("getoption-10-too-short", &["GETOPTION-10"], too_short),
    Case::both("getoption-10-bad-pointers", &["GETOPTION-10", "RESULT-11"], pointers),
    Case::both("getoption-10-error-is-not-lost", &["GETOPTION-10"], error_is_kept),
    Case::both("getoption-no-socket", &["RESULT-5"], no_socket),
];

fn defaults(bed: &dyn TestBed) -> CaseResult {
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
        for option in all(stream) {
            let got = get_option_at(bed, s, option.level, option.name);
            check::equal(&format!("option {:#x}", option.name), got, Ok(option.default))?;
        }
        check::equal("SO_ERROR", get_option(bed, s, SO_ERROR), Ok(0))?;
    }
    Ok(())
}

fn size(bed: &dyn TestBed) -> CaseResult {
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
        for option in all(stream) {
            for room in [4, 5, 100] {
                let bytes = get_bytes(bed, s, (option.level, option.name), room);
                let want = option.default.to_le_bytes().to_vec();
                check::equal(&format!("option {:#x}", option.name), bytes, Ok(want))?;
            }
        }
    }
    Ok(())
}

/// A stream whose peer has reset it.
fn reset(bed: &dyn TestBed) -> CaseResult<SocketHandle> {
    let pair = stream_pair(bed)?;
    check::works("closing hard", close_hard(bed, pair.b))?;
    let met = receive_ready(bed, pair.a, 9);
    check::fails("the reset", met, WsaError::WSAECONNRESET)?;
    Ok(pair.a)
}

fn error(bed: &dyn TestBed) -> CaseResult {
    let s = reset(bed)?;
    let code = WsaError::WSAECONNRESET.0 as u32;
    check::equal("the first time", get_option(bed, s, SO_ERROR), Ok(code))?;
    check::equal("the second", get_option(bed, s, SO_ERROR), Ok(0))
}

fn kind(bed: &dyn TestBed) -> CaseResult {
    for (stream, want) in [(true, SOCK_STREAM), (false, SOCK_DGRAM)] {
        let s = fresh(bed, stream)?;
        check::equal("SO_TYPE", get_option(bed, s, SO_TYPE), Ok(want as u32))?;
    }
    Ok(())
}

fn max_msg_size(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let most = check::works("SO_MAX_MSG_SIZE", get_option(bed, pair.a, SO_MAX_MSG_SIZE))?;
    let bytes = vec![9; most as usize + 1];
    let call = |bytes: &[u8]| SendCall::send_to(bed, pair.a).bytes(bytes).to(pair.at_b).call();
    call(&bytes).refused(WsaError::WSAEMSGSIZE)?;
    call(&bytes[1..]).done(most as usize)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0.len(), most as usize)?;
    let none = get_option(bed, fresh(bed, true)?, SO_MAX_MSG_SIZE);
    check::fails("of a stream", none, WsaError::WSAENOPROTOOPT)
}

/// `XP1_IFS_HANDLES`.
const IFS_HANDLES: u32 = 0x0002_0000;

fn protocol(bed: &dyn TestBed) -> CaseResult {
    for (stream, kind, protocol) in
        [(true, SOCK_STREAM, IPPROTO_TCP), (false, SOCK_DGRAM, IPPROTO_UDP)]
    {
        let s = fresh(bed, stream)?;
        let name = (SOL_SOCKET, SO_PROTOCOL_INFOW);
        let info = check::works("SO_PROTOCOL_INFO", get_bytes(bed, s, name, layout::SIZE + 9))?;
        check::equal("its size", info.len(), layout::SIZE)?;
        let word = |at: usize| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&info[at..at + 4]);
            u32::from_le_bytes(bytes)
        };
        check::equal("iAddressFamily", word(layout::ADDRESS_FAMILY), AF_INET as u32)?;
        check::equal("iSocketType", word(layout::SOCKET_TYPE), kind as u32)?;
        check::equal("iProtocol", word(layout::PROTOCOL), protocol as u32)?;
        check::equal("XP1_IFS_HANDLES", word(layout::SERVICE_FLAGS_1) & IFS_HANDLES, 0)?;
        let short = get_bytes(bed, s, name, layout::SIZE - 1);
        check::fails("with too little room", short, WsaError::WSAEFAULT)?;
    }
    Ok(())
}

fn listening(bed: &dyn TestBed) -> CaseResult {
    let s = fresh(bed, true)?;
    check::equal("a fresh one", get_option(bed, s, SO_ACCEPTCONN), Ok(0))?;
    check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
    check::equal("a bound one", get_option(bed, s, SO_ACCEPTCONN), Ok(0))?;
    check::works("WSPListen", listen(bed, s))?;
    check::equal("a listener", get_option(bed, s, SO_ACCEPTCONN), Ok(1))?;
    let pair = stream_pair(bed)?;
    for s in [pair.a, pair.b] {
        check::equal("a connected one", get_option(bed, s, SO_ACCEPTCONN), Ok(0))?;
    }
    let none = get_option(bed, fresh(bed, false)?, SO_ACCEPTCONN);
    check::fails("a datagram socket", none, WsaError::WSAENOPROTOOPT)
}

fn no_level(bed: &dyn TestBed) -> CaseResult {
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
        for level in [-1, 1, IPPROTO_UDP, 0xfffe, i32::MAX] {
            let refused = get_option_at(bed, s, level, SO_DEBUG);
            check::fails(&format!("level {level}"), refused, WsaError::WSAEINVAL)?;
        }
    }
    Ok(())
}

fn no_option(bed: &dyn TestBed) -> CaseResult {
    let none = |s, level, name| {
        let refused = get_option_at(bed, s, level, name);
        check::fails(&format!("option {name:#x}"), refused, WsaError::WSAENOPROTOOPT)
    };
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
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
            for room in [0, 1, 3] {
                let refused = get_bytes(bed, s, (option.level, option.name), room);
                let what = format!("option {:#x} in {room} bytes", option.name);
                check::fails(&what, refused, WsaError::WSAEFAULT)?;
            }
        }
    }
    Ok(())
}

/// WSPGetSockOpt with each bad pointer for the value, for the length, and for both.
fn bad_calls(bed: &dyn TestBed, s: SocketHandle, name: (i32, i32)) -> CaseResult {
    let value = Guarded::holding(bed, &[0xcc; 4]);
    let len = Guarded::holding(bed, &4_u32.to_le_bytes());
    for bad in bed.bad_pointers() {
        let calls: [(UserPtr, UserPtr); 3] =
            [(bad.at, len.at()), (value.at(), bad.at), (bad.at, bad.at)];
        for (at, len) in calls {
            check::fails(bad.what, get_raw(bed, s, name, at, len), WsaError::WSAEFAULT)?;
        }
    }
    check::equal("the value", value.bytes(bed), vec![0xcc; 4])?;
    check::equal("the length", len.word(bed), 4)
}

fn pointers(bed: &dyn TestBed) -> CaseResult {
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
        for option in all(stream) {
            bad_calls(bed, s, (option.level, option.name))?;
        }
    }
    Ok(())
}

fn error_is_kept(bed: &dyn TestBed) -> CaseResult {
    let s = reset(bed)?;
    bad_calls(bed, s, (SOL_SOCKET, SO_ERROR))?;
    let short = get_bytes(bed, s, (SOL_SOCKET, SO_ERROR), 3);
    check::fails("too little room", short, WsaError::WSAEFAULT)?;
    let code = WsaError::WSAECONNRESET.0 as u32;
    check::equal("SO_ERROR", get_option(bed, s, SO_ERROR), Ok(code))
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    let refused = get_option(bed, bed.no_socket(), SO_TYPE);
    check::fails("no socket", refused, WsaError::WSAENOTSOCK)
}
