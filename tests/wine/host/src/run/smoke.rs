//! An exchange of datagrams and of a stream with a program of another system, which echoes both:
//! the provider's table behind calls that look like Winsock's.

use core::net::{Ipv4Addr, SocketAddr};

use provider_core::spi::{SD_SEND, SOCK_DGRAM, SOCK_STREAM, WINSOCK_VERSION};
use provider_core::{ServiceProvider as _, UserPtr};

use super::arguments::Arguments;
use crate::provider::{Provider, lower_control};
use crate::spi::TableSpi;
use crate::winsock::Winsock;

/// Sizes of datagrams: none, one byte, around a packet, and large.
const DATAGRAMS: [usize; 8] = [0, 1, 100, 1_399, 1_473, 9_000, 30_000, 60_000];
const STREAM: usize = 1 << 20;
const CHUNK: usize = 10_007;

fn pattern(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|at| (at.wrapping_mul(31) + seed * 7) as u8).collect()
}

/// # Errors
/// What went otherwise than expected.
pub(super) fn smoke(arguments: &Arguments) -> Result<bool, String> {
    let (Some(udp), Some(tcp)) = (arguments.udp, arguments.tcp) else {
        return Err("smoke needs --udp PORT and --tcp PORT".to_owned());
    };
    arguments.files.tell_provider();
    lower_control(&arguments.files.lower)?;
    let (provider, _) = Provider::load(&arguments.files.provider)?;
    let (table, _) =
        provider.start(WINSOCK_VERSION).map_err(|error| format!("WSPStartup: {error}"))?;
    let winsock = Winsock::new(TableSpi::new(provider, table));
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    datagrams(&winsock, at(udp)).map_err(|why| format!("datagrams: {why}"))?;
    stream(&winsock, at(tcp)).map_err(|why| format!("stream: {why}"))?;
    let mut errno = 0;
    if winsock.spi().wsp_cleanup(UserPtr((&raw mut errno).expose_provenance())) != 0 {
        return Err(format!("WSPCleanup: {errno}"));
    }
    eprintln!("{} datagrams and a stream of {STREAM} bytes were echoed", DATAGRAMS.len());
    Ok(true)
}

fn datagrams(winsock: &Winsock, peer: SocketAddr) -> Result<(), String> {
    let s = winsock.socket(SOCK_DGRAM)?;
    winsock.bind(s, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let mut room = vec![0; 1 << 16];
    for (seed, len) in DATAGRAMS.into_iter().enumerate() {
        let datagram = pattern(len, seed);
        winsock.sendto(s, &datagram, peer)?;
        let (got, from) = winsock.recvfrom(s, &mut room)?;
        if from != Some(peer) || room[..got] != datagram {
            return Err(format!("{len} bytes came back as {got} from {from:?}"));
        }
    }
    winsock.closesocket(s)
}

fn stream(winsock: &Winsock, peer: SocketAddr) -> Result<(), String> {
    let s = winsock.socket(SOCK_STREAM)?;
    winsock.connect(s, peer)?;
    let bytes = pattern(STREAM, 1);
    let mut back = Vec::new();
    let mut room = vec![0; CHUNK];
    for chunk in bytes.chunks(CHUNK) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let sent = winsock.send(s, rest)?;
            rest = &rest[sent..];
        }
        let want = back.len() + chunk.len();
        while back.len() < want {
            let got = winsock.recv(s, &mut room)?;
            if got == 0 {
                return Err(format!("it ends after {} bytes", back.len()));
            }
            back.extend_from_slice(&room[..got]);
        }
    }
    winsock.shutdown(s, SD_SEND)?;
    if winsock.recv(s, &mut room)? != 0 || back != bytes {
        return Err("what came back is something else".to_owned());
    }
    winsock.closesocket(s)
}
