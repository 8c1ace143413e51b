//! WSPConnect: one file for each family of clauses.

mod arguments;
mod datagram;
mod stream;

use core::net::SocketAddr;

use provider_core::SocketHandle;
use provider_core::spi::{AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED};

use crate::support::{LOOPBACK_V4, bind, listen, sock_name, socket};
use crate::{Case, CaseResult, TestBed, check};

/// The tables of all families.
pub(crate) const FAMILIES: &[&[Case]] = &[stream::CASES, datagram::CASES, arguments::CASES];

/// A stream socket of AF_INET.
fn fresh_stream(bed: &dyn TestBed) -> CaseResult<SocketHandle> {
    check::works("WSPSocket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))
}

/// A stream that listens, and its address.
fn listener(bed: &dyn TestBed) -> CaseResult<(SocketHandle, SocketAddr)> {
    let s = fresh_stream(bed)?;
    check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
    check::works("WSPListen", listen(bed, s))?;
    Ok((s, check::works("WSPGetSockName", sock_name(bed, s))?))
}
