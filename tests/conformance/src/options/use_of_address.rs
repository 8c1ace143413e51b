//! SO_REUSEADDR and SO_EXCLUSIVEADDRUSE.

use core::net::SocketAddr;

use provider_core::spi::{SO_EXCLUSIVEADDRUSE, SO_REUSEADDR};
use provider_core::{SocketHandle, WsaError};

use crate::support::{
    ANY_V4, LOOPBACK_V4, SendCall, bind, close, datagram_pair, get_option, receive_datagram,
    set_option, sock_name,
};
use crate::{Case, CaseResult, TestBed, check};

use super::set_sock_opt::fresh;

/// The cases of these options.
pub(super) const CASES: &[Case] = &[
    Case::both("setoption-13-all-agree-to-share", &["SETOPTION-13", "BIND-2"], all_agree),
    Case::both("setoption-13-the-first-is-heard", &["SETOPTION-13"], first_is_heard),
    Case::both("setoption-14-one-excludes-the-other", &["SETOPTION-14"], one_or_the_other),
    Case::both("setoption-15-too-late", &["SETOPTION-15"], too_late),
    Case::both("setoption-15-the-port-of-every-address", &["SETOPTION-15"], every_address),
];

/// A fresh socket with one of the options, or without.
fn with(bed: &dyn TestBed, stream: bool, option: Option<i32>) -> CaseResult<SocketHandle> {
    let s = fresh(bed, stream)?;
    if let Some(option) = option {
        check::works("the option", set_option(bed, s, option, 1))?;
    }
    Ok(s)
}

fn bound(bed: &dyn TestBed, s: SocketHandle, to: SocketAddr) -> CaseResult<SocketAddr> {
    check::works("WSPBind", bind(bed, s, to))?;
    check::works("WSPGetSockName", sock_name(bed, s))
}

fn all_agree(bed: &dyn TestBed) -> CaseResult {
    let shared = Some(SO_REUSEADDR);
    for stream in [true, false] {
        for (one, other, want) in [
            (shared, shared, None),
            (None, shared, Some(WsaError::WSAEADDRINUSE)),
            (shared, None, Some(WsaError::WSAEADDRINUSE)),
            (None, None, Some(WsaError::WSAEADDRINUSE)),
            (Some(SO_EXCLUSIVEADDRUSE), shared, Some(WsaError::WSAEACCES)),
        ] {
            let first = with(bed, stream, one)?;
            let at = bound(bed, first, LOOPBACK_V4)?;
            let second = with(bed, stream, other)?;
            let what = format!("{other:?} where {one:?} is");
            check::equal(&what, bind(bed, second, at).err(), want)?;
            check::works("closing", close(bed, first))?;
            check::works("closing", close(bed, second))?;
        }
    }
    Ok(())
}

fn first_is_heard(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let first = with(bed, false, Some(SO_REUSEADDR))?;
    let at = bound(bed, first, LOOPBACK_V4)?;
    let second = with(bed, false, Some(SO_REUSEADDR))?;
    check::works("WSPBind", bind(bed, second, at))?;
    for s in [first, second] {
        SendCall::send_to(bed, pair.a).bytes(b"you?").to(at).call().done(4)?;
        check::equal("the datagram", receive_datagram(bed, s)?.0, b"you?".to_vec())?;
        check::works("closing", close(bed, s))?;
    }
    Ok(())
}

fn one_or_the_other(bed: &dyn TestBed) -> CaseResult {
    for (one, other) in [(SO_REUSEADDR, SO_EXCLUSIVEADDRUSE), (SO_EXCLUSIVEADDRUSE, SO_REUSEADDR)] {
        let s = with(bed, true, Some(one))?;
        let refused = set_option(bed, s, other, 1);
        check::fails("while the other is on", refused, WsaError::WSAEINVAL)?;
        check::works("off is as it is", set_option(bed, s, other, 0))?;
        check::equal("the other", get_option(bed, s, one), Ok(1))?;
        check::works("switched off", set_option(bed, s, one, 0))?;
        check::works("and then", set_option(bed, s, other, 1))?;
        check::equal("what is on", get_option(bed, s, other), Ok(1))?;
    }
    Ok(())
}

fn too_late(bed: &dyn TestBed) -> CaseResult {
    let s = fresh(bed, true)?;
    bound(bed, s, LOOPBACK_V4)?;
    let refused = set_option(bed, s, SO_EXCLUSIVEADDRUSE, 1);
    check::fails("once bound", refused, WsaError::WSAEINVAL)?;
    check::equal("its value", get_option(bed, s, SO_EXCLUSIVEADDRUSE), Ok(0))
}

fn every_address(bed: &dyn TestBed) -> CaseResult {
    let first = with(bed, true, Some(SO_EXCLUSIVEADDRUSE))?;
    let port = bound(bed, first, ANY_V4)?.port();
    for option in [None, Some(SO_REUSEADDR), Some(SO_EXCLUSIVEADDRUSE)] {
        let second = with(bed, true, option)?;
        let refused = bind(bed, second, SocketAddr::new(LOOPBACK_V4.ip(), port));
        check::fails("an address with that port", refused, WsaError::WSAEACCES)?;
    }
    Ok(())
}
