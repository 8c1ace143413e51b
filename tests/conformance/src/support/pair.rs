//! Two sockets that can reach each other through the loopback interface.

use core::net::SocketAddr;

use provider_core::SocketHandle;
use provider_core::spi::{
    AF_INET, AF_INET6, SO_RCVBUF, SO_SNDBUF, SOCK_DGRAM, SOCK_STREAM, WSA_FLAG_OVERLAPPED,
};

use super::{
    LOOPBACK_V4, LOOPBACK_V6, accept, bind, connect, listen, set_option, sock_name, socket,
};
use crate::check::works;
use crate::{CaseResult, TestBed};

/// Two bound datagram sockets.
#[derive(Clone, Copy, Debug)]
pub struct DatagramPair {
    /// One: what a case sends with.
    pub a: SocketHandle,
    /// Its address.
    pub at_a: SocketAddr,
    /// The other.
    pub b: SocketHandle,
    /// Its address.
    pub at_b: SocketAddr,
}

/// A connection.
#[derive(Clone, Copy, Debug)]
pub struct StreamPair {
    /// The end that connected: what a case sends with.
    pub a: SocketHandle,
    /// The end that was accepted.
    pub b: SocketHandle,
    /// Where `a` connected to.
    pub at_b: SocketAddr,
}

/// Two overlapped datagram sockets of AF_INET, bound to 127.0.0.1.
///
/// # Errors
/// A call that has to work does not.
#[track_caller]
pub fn datagram_pair(bed: &dyn TestBed) -> CaseResult<DatagramPair> {
    datagram_pair_of(bed, AF_INET, WSA_FLAG_OVERLAPPED)
}

/// The same, not overlapped.
///
/// # Errors
/// As [`datagram_pair`].
#[track_caller]
pub fn nonoverlapped_datagram_pair(bed: &dyn TestBed) -> CaseResult<DatagramPair> {
    datagram_pair_of(bed, AF_INET, 0)
}

/// Two datagram sockets of a family, made with these flags and bound to the loopback address.
///
/// # Errors
/// As [`datagram_pair`].
#[track_caller]
pub fn datagram_pair_of(bed: &dyn TestBed, af: i32, flags: u32) -> CaseResult<DatagramPair> {
    let loopback = if af == AF_INET6 { LOOPBACK_V6 } else { LOOPBACK_V4 };
    let bound = || {
        let socket = socket(bed, af, SOCK_DGRAM, flags)?;
        bind(bed, socket, loopback)?;
        Ok((socket, sock_name(bed, socket)?))
    };
    let (a, at_a) = works("a bound datagram socket", bound())?;
    let (b, at_b) = works("a bound datagram socket", bound())?;
    Ok(DatagramPair { a, at_a, b, at_b })
}

/// A connection over 127.0.0.1 whose ends are overlapped sockets.
///
/// # Errors
/// A call that has to work does not.
#[track_caller]
pub fn stream_pair(bed: &dyn TestBed) -> CaseResult<StreamPair> {
    stream_pair_with(bed, WSA_FLAG_OVERLAPPED, None)
}

/// A connection over 127.0.0.1. `flags` are those of its sending end; `small` sets SO_SNDBUF of
/// that end and SO_RCVBUF of the other.
///
/// # Errors
/// As [`stream_pair`].
#[track_caller]
pub fn stream_pair_with(
    bed: &dyn TestBed,
    flags: u32,
    small: Option<u32>,
) -> CaseResult<StreamPair> {
    let listening = || {
        let listener = socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED)?;
        if let Some(size) = small {
            set_option(bed, listener, SO_RCVBUF, size)?;
        }
        bind(bed, listener, LOOPBACK_V4)?;
        listen(bed, listener)?;
        Ok((listener, sock_name(bed, listener)?))
    };
    let (listener, at_b) = works("a listener", listening())?;
    let a = works("a stream socket", socket(bed, AF_INET, SOCK_STREAM, flags))?;
    if let Some(size) = small {
        works("SO_SNDBUF", set_option(bed, a, SO_SNDBUF, size))?;
    }
    works("WSPConnect", connect(bed, a, at_b))?;
    let b = works("WSPAccept", accept(bed, listener))?;
    works("closing the listener", super::close(bed, listener))?;
    Ok(StreamPair { a, b, at_b })
}
