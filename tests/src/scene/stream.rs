//! A stream from a client to a server that reads slowly.

use core::cell::Cell;
use core::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use provider_core::spi::{
    AF_INET, FIONBIO, IPPROTO_TCP, SD_SEND, SO_RCVBUF, SO_SNDBUF, SOCK_STREAM,
};
use provider_core::{Routine, SocketHandle, WsaError};
use wspsim::api::{Buffer, INFINITE, Os, Overlapped};
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, NetworkRange};
use wspsim::world::WorldBuilder;

use super::{QUIET, SHORT, end};

const PORT: u16 = 5000;
/// Bytes of each overlapped send.
const PIECE: usize = 3_000;
const PIECES: usize = 4;
/// Bytes of the blocking send, and of all nonblocking ones.
const BULK: usize = 12_000;
const TOTAL: usize = PIECE * PIECES + 2 * BULK;

pub(super) struct StreamPair;

impl Scenario for StreamPair {
    fn name(&self) -> &'static str {
        "test-stream-pair"
    }

    fn about(&self) -> &'static str {
        "One stream to a slow reader, sent overlapped, blocking and nonblocking."
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

/// Reads one connection to its end, slowly, and answers with the sum of its bytes.
fn server(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let listener = os.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)?;
    os.setsockopt(listener, SO_RCVBUF, 4_096)?;
    os.bind(listener, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), PORT))?;
    os.listen(listener, 1)?;
    let (socket, _) = os.accept(listener)?;
    let mut sum = first_piece(os, socket);
    let mut room = [0; 2_000];
    while let Ok(len @ 1..) = os.recv(socket, &mut room, 0) {
        sum = sum.wrapping_add(sum_of(&room[..len]));
        os.sleep(1);
    }
    os.send(socket, &sum.to_le_bytes(), 0)?;
    os.shutdown(socket, SD_SEND)?;
    os.closesocket(socket)?;
    os.closesocket(listener)?;
    os.wait_for_single_object(os.stop_event(), INFINITE);
    os.wsa_cleanup()
}

/// What the first receive gives, an overlapped one with an event.
fn first_piece(os: &Os, socket: SocketHandle) -> u32 {
    let (buffer, event) = (os.alloc(1_000), os.create_event(true, false));
    let overlapped = os.overlapped_with_event(event);
    let started = os.wsa_recv(socket, &[buffer.all()], 0, Some(&overlapped), Routine::NULL);
    if !matches!(started, Ok(_) | Err(WsaError::WSA_IO_PENDING)) {
        return 0;
    }
    os.wait_for_single_object(event, INFINITE);
    match os.wsa_get_overlapped_result(socket, &overlapped, false) {
        Ok((len, _)) => sum_of(&buffer.read(0, len as usize)),
        Err(_) => 0,
    }
}

fn sum_of(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(u32::from(*byte)))
}

fn client(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let mut bytes = vec![0; TOTAL];
    os.random_bytes(&mut bytes);
    let socket = os.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)?;
    os.setsockopt(socket, SO_SNDBUF, 2_000)?;
    os.connect(socket, SocketAddr::new(os.address_of("server"), PORT))?;

    let (overlapped, rest) = bytes.split_at(PIECE * PIECES);
    let (blocking, nonblocking) = rest.split_at(BULK);
    send_overlapped(os, socket, overlapped)?;
    os.send(socket, blocking, 0)?;
    send_nonblocking(os, socket, nonblocking)?;
    os.shutdown(socket, SD_SEND)?;

    let mut answer = [0; 4];
    let len = os.recv(socket, &mut answer, 0)?;
    let end = os.recv(socket, &mut [0; 4], 0)?;
    os.closesocket(socket)?;
    os.wsa_cleanup()?;
    os.check(len == 4 && end == 0, "the server's answer is not whole");
    os.check(u32::from_le_bytes(answer) == sum_of(&bytes), "the server got other bytes");
    Ok(())
}

/// Several sends with completion routines at once; returns when all have ended.
fn send_overlapped(os: &Os, socket: SocketHandle, bytes: &[u8]) -> Result<(), WsaError> {
    let ended = Rc::new(Cell::new(0));
    let routine = os.routine({
        let ended = Rc::clone(&ended);
        move |_, _, _, _, _| ended.set(ended.get() + 1)
    });
    let pieces: Vec<(Buffer, Overlapped)> =
        bytes.chunks(PIECE).map(|piece| (os.alloc_with(piece), os.overlapped())).collect();
    for (buffer, overlapped) in &pieces {
        match os.wsa_send(socket, &[buffer.all()], 0, Some(overlapped), routine) {
            Ok(_) | Err(WsaError::WSA_IO_PENDING) => {}
            Err(error) => return Err(error),
        }
    }
    while ended.get() < pieces.len() {
        os.sleep_ex(INFINITE, true);
    }
    Ok(())
}

fn send_nonblocking(os: &Os, socket: SocketHandle, mut bytes: &[u8]) -> Result<(), WsaError> {
    os.ioctlsocket(socket, FIONBIO, 1)?;
    while !bytes.is_empty() {
        let piece = &bytes[..bytes.len().min(1_500)];
        match os.send(socket, piece, 0) {
            Ok(sent) => bytes = &bytes[sent.min(bytes.len())..],
            Err(WsaError::WSAEWOULDBLOCK) => os.sleep(1),
            Err(error) => return Err(error),
        }
    }
    os.ioctlsocket(socket, FIONBIO, 0)
}
