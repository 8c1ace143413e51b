//! Two sockets that can reach each other through the loopback interface.

use core::net::SocketAddr;

use provider_core::SocketHandle;
use provider_core::spi::{AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, WSA_FLAG_OVERLAPPED};

use super::{LOOPBACK_V4, LOOPBACK_V6, accept, bind, close, connect, listen, sock_name, socket};
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
    let loopback = loopback_of(af);
    let bound = || {
        let socket = socket(bed, af, SOCK_DGRAM, flags)?;
        bind(bed, socket, loopback)?;
        Ok((socket, sock_name(bed, socket)?))
    };
    let (a, at_a) = works("a bound datagram socket", bound())?;
    let (b, at_b) = works("a bound datagram socket", bound())?;
    Ok(DatagramPair { a, at_a, b, at_b })
}

/// A connection of AF_INET over 127.0.0.1 whose ends are overlapped sockets.
///
/// # Errors
/// A call that has to work does not.
#[track_caller]
pub fn stream_pair(bed: &dyn TestBed) -> CaseResult<StreamPair> {
    stream_pair_of(bed, AF_INET, WSA_FLAG_OVERLAPPED)
}

/// A connection of a family over the loopback address. `flags` are those of the end that connects;
/// the other is overlapped.
///
/// # Errors
/// As [`stream_pair`].
#[track_caller]
pub fn stream_pair_of(bed: &dyn TestBed, af: i32, flags: u32) -> CaseResult<StreamPair> {
    let (listener, at_b) = listener_of(bed, af)?;
    let a = works("a stream socket", socket(bed, af, SOCK_STREAM, flags))?;
    works("WSPConnect", connect(bed, a, at_b))?;
    let b = works("WSPAccept", accept(bed, listener))?;
    works("closing the listener", close(bed, listener))?;
    Ok(StreamPair { a, b, at_b })
}

/// A stream of AF_INET that listens on 127.0.0.1, and its address.
///
/// # Errors
/// As [`stream_pair`].
#[track_caller]
pub fn listener(bed: &dyn TestBed) -> CaseResult<(SocketHandle, SocketAddr)> {
    listener_of(bed, AF_INET)
}

#[track_caller]
fn listener_of(bed: &dyn TestBed, af: i32) -> CaseResult<(SocketHandle, SocketAddr)> {
    let listening = || {
        let listener = socket(bed, af, SOCK_STREAM, WSA_FLAG_OVERLAPPED)?;
        bind(bed, listener, loopback_of(af))?;
        listen(bed, listener)?;
        Ok((listener, sock_name(bed, listener)?))
    };
    works("a listener", listening())
}

fn loopback_of(af: i32) -> SocketAddr {
    if af == AF_INET6 { LOOPBACK_V6 } else { LOOPBACK_V4 }
}
