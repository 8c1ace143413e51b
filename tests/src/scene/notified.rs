//! Programs that are told when a socket is ready: by an event, by messages, by select.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use provider_core::spi::{
    AF_INET, FD_CLOSE, FD_CONNECT, FD_READ, FD_WRITE, IPPROTO_TCP, IPPROTO_UDP, SD_SEND, SO_RCVBUF,
    SO_SNDBUF, SOCK_DGRAM, SOCK_STREAM,
};
use provider_core::{SocketHandle, WsaError};
use wspsim::api::{FdSet, INFINITE, Os};
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, NetworkRange};
use wspsim::world::WorldBuilder;

use super::{QUIET, SHORT, end};

const PORT: u16 = 5000;
/// What the client sends: more than both sides and the network hold.
const TOTAL: usize = 200_000;
const MESSAGE: u32 = 0x401;

pub(super) struct Notified;

impl Scenario for Notified {
    fn name(&self) -> &'static str {
        "test-notified"
    }

    fn about(&self) -> &'static str {
        "A stream whose sender waits for FD_WRITE, to a server with select; a datagram socket with \
         a window."
    }

    fn network(&self) -> NetworkRange {
        QUIET
    }

    fn limits(&self) -> Limits {
        SHORT
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.server("server", |os| end(os, server(os)));
        world.client("client", |os| end(os, client(os)));
    }
}

fn any(port: u16) -> SocketAddr {
    SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port)
}

/// Waits until one socket is readable; counts what it took.
fn readable(os: &Os, s: SocketHandle) -> Result<(), WsaError> {
    loop {
        let mut set: FdSet = [s].into_iter().collect();
        let sets = [&mut set, &mut FdSet::new(), &mut FdSet::new()];
        if os.select(sets, Some(Duration::from_millis(500)))? > 0 {
            return Ok(());
        }
    }
}

fn server(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let listener = os.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)?;
    os.setsockopt(listener, SO_RCVBUF, 4_096)?;
    os.bind(listener, any(PORT))?;
    os.listen(listener, 1)?;
    readable(os, listener)?;
    let (socket, _) = os.accept(listener)?;
    let mut total = 0;
    loop {
        readable(os, socket)?;
        match os.recv(socket, &mut [0; 2_000], 0)? {
            0 => break,
            len => total += len as u32,
        }
    }
    os.send(socket, &total.to_le_bytes(), 0)?;
    os.closesocket(socket)?;
    os.closesocket(listener)?;
    os.wait_for_single_object(os.stop_event(), INFINITE);
    os.wsa_cleanup()
}

fn client(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    by_event(os)?;
    by_message(os)?;
    os.wsa_cleanup()
}

fn by_event(os: &Os) -> Result<(), WsaError> {
    let socket = os.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)?;
    os.setsockopt(socket, SO_SNDBUF, 2_000)?;
    let event = os.create_event(true, false);
    os.wsa_event_select(socket, event, FD_CONNECT | FD_WRITE | FD_READ | FD_CLOSE)?;
    match os.connect(socket, SocketAddr::new(os.address_of("server"), PORT)) {
        Ok(()) | Err(WsaError::WSAEWOULDBLOCK) => {}
        Err(error) => return Err(error),
    }
    let (mut sent, mut answer) = (0, 0);
    loop {
        os.wait_for_single_object(event, INFINITE);
        let told = os.wsa_enum_network_events(socket, Some(event))?;
        if told.has(FD_WRITE) && sent < TOTAL {
            sent += send_some(os, socket, TOTAL - sent)?;
            if sent == TOTAL {
                os.shutdown(socket, SD_SEND)?;
            }
        }
        if told.has(FD_READ) {
            let mut bytes = [0; 4];
            if os.recv(socket, &mut bytes, 0)? == 4 {
                answer = u32::from_le_bytes(bytes);
            }
        }
        if told.has(FD_CLOSE) {
            break;
        }
    }
    os.check(answer as usize == TOTAL, "the server got another number of bytes");
    os.wsa_event_select(socket, event, 0)?;
    os.closesocket(socket)
}

/// Sends until it is refused.
fn send_some(os: &Os, s: SocketHandle, most: usize) -> Result<usize, WsaError> {
    let mut sent = 0;
    while sent < most {
        match os.send(s, &vec![7; (most - sent).min(1_500)], 0) {
            Ok(len) => sent += len,
            Err(WsaError::WSAEWOULDBLOCK) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

/// A datagram to itself.
fn by_message(os: &Os) -> Result<(), WsaError> {
    let socket = os.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)?;
    os.bind(socket, SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0))?;
    let window = os.create_window();
    os.wsa_async_select(socket, window, MESSAGE, FD_READ | FD_WRITE)?;
    let here = os.getsockname(socket)?;
    for round in 0..3 {
        os.sendto(socket, &[round], 0, here)?;
        while os.get_message(window, INFINITE)?.is_some_and(|m| m.lparam != FD_READ as usize) {}
        let mut bytes = [0; 2];
        let (len, from) = os.recvfrom(socket, &mut bytes, 0)?;
        os.check((len, bytes[0], from) == (1, round, here), "another datagram arrived");
    }
    os.wsa_async_select(socket, window, 0, 0)?;
    os.closesocket(socket)?;
    os.destroy_window(window)
}
