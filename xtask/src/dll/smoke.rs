//! The peer of the smoke test: a program of this system that echoes datagrams and a stream, which
//! the host's program meets through the provider DLL.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::process::Command;

use crate::step::Outcome;

use super::test::ended;

/// How long the peer waits for anything.
const LIMIT: Duration = Duration::from_secs(60);

/// Starts the peer and the host's program, and waits for both.
#[allow(clippy::disallowed_methods, reason = "a peer beside the program, in real time")]
pub(super) fn run(host: impl Fn() -> Command) -> Outcome {
    let said = |error: std::io::Error| format!("the peer of the smoke test: {error}");
    let datagrams = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(said)?;
    let streams = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(said)?;
    let ports = [datagrams.local_addr(), streams.local_addr()];
    let [udp, tcp] = ports.map(|address| address.map_err(said).map(|at| at.port().to_string()));
    let (udp, tcp) = (udp?, tcp?);
    // They end with the process if nobody comes.
    std::thread::spawn(move || echo_datagrams(&datagrams));
    let peer = std::thread::spawn(move || echo_stream(&streams));
    ended(host().args(["smoke", "--udp", &udp, "--tcp", &tcp]), "the smoke test")?;
    peer.join().map_err(|_| "the peer of the smoke test panicked".to_owned())?.map_err(said)
}

fn echo_datagrams(socket: &UdpSocket) {
    let mut datagram = vec![0; 1 << 16];
    while let Ok((len, from)) = socket.recv_from(&mut datagram) {
        // One that is lost is missed at the other end.
        let _ = socket.send_to(&datagram[..len], from);
    }
}

/// Echoes one connection until its peer has ended its half.
fn echo_stream(listener: &TcpListener) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut bytes = vec![0; 1 << 14];
    loop {
        match stream.read(&mut bytes)? {
            0 => return Ok(()),
            len => stream.write_all(&bytes[..len])?,
        }
    }
}
