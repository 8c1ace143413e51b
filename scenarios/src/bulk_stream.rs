//! Bulk transfer over a stream, with backpressure and half close.

use provider_core::spi::{SD_SEND, SO_KEEPALIVE, SO_RCVBUF, SO_RCVTIMEO, SO_SNDBUF, SO_SNDTIMEO};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::{INFINITE, Os};
use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, SECOND};
use wspsim::world::WorldBuilder;

use crate::common::{
    Acceptor, Connections, Digest, Held, Ip, Operations, Payload, Reader, Writer, address, between,
    chance, cleanup, close_and_settle, connect_once, is_broken_stream, pause, pick, send_all, set,
    startup, unexpected,
};

/// The scenario.
pub(crate) struct BulkStream;

const PORT: u16 = 80;
/// Tag and length, in front of the bytes.
const HEADER: usize = 16;
/// Count and digest of what arrived.
const RECEIPT: usize = 16;
/// The most bytes in one call.
const CHUNK_MAX: usize = 9000;
/// How long a connection may stand still.
const IDLE_MS: u32 = 6000;
/// SO_RCVTIMEO of the server: how often it looks whether it has to end.
const LOOK_MS: u32 = 500;

impl Scenario for BulkStream {
    fn name(&self) -> &'static str {
        "bulk-stream"
    }

    fn about(&self) -> &'static str {
        "Bulk stream with a slow reader and half close, in every style of sending: bytes lost, \
         doubled or out of order under backpressure, senders that nobody wakes"
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[
            Fault::Crash,
            Fault::Shutdown,
            Fault::Close,
            Fault::ThreadExit,
            Fault::Terminate,
            Fault::CancelBlocking,
        ]
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 8 * SECOND, ..Limits::default() }
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.server("server", serve);
        world.client("client", upload);
    }
}

/// Leaves a connection: whatever ended it has to be something that a fault can do.
fn left(os: &Os, what: &str, error: E) {
    if !is_broken_stream(error) {
        unexpected(os, what, error);
    }
}

fn upload(os: &Os) {
    startup(os);
    let operations = Operations::new(os);
    let total = pick(os, &[1, 5_000, 20_000, 64_000, 64_000, 150_000]) as usize;
    let mut wait_ms = 30;
    while !attempt(os, &operations, total) {
        pause(os, wait_ms);
        wait_ms = (wait_ms * 2).min(2000);
    }
    cleanup(os);
}

/// One connection and one whole transfer. Whether it succeeded.
fn attempt(os: &Os, operations: &Operations, total: usize) -> bool {
    let ip = Ip::draw(os);
    let Some(s) = connect_once(os, ip, address(os, "server", ip, PORT)) else { return false };
    set(os, s, SO_SNDBUF, pick(os, &[0, 1, 700, 4096, 65_536]));
    set(os, s, SO_SNDTIMEO, IDLE_MS);
    set(os, s, SO_RCVTIMEO, IDLE_MS);
    set(os, s, SO_KEEPALIVE, os.random_below(2));
    let most = pick(os, &[300, 1460, 4000, CHUNK_MAX]);
    let writer = Writer::draw(os, operations, s, most);
    let reader = Reader::draw(os, operations, RECEIPT);
    let result = transfer(os, s, &writer, &reader, total, most);
    if let Err(error) = result {
        left(os, "the upload", error);
        if chance(os, 50) && os.set_linger(s, Some(0)).is_err() {
            // The connection is gone, and with it what a reset would have ended.
        }
    }
    close_and_settle(os, s, writer.slots().iter().chain(reader.slots()));
    result.is_ok()
}

fn transfer(
    os: &Os,
    s: SocketHandle,
    writer: &Writer,
    reader: &Reader,
    total: usize,
    most: usize,
) -> Result<(), E> {
    let payload = Payload::draw(os);
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&payload.tag().to_le_bytes());
    header[8..].copy_from_slice(&(total as u64).to_le_bytes());
    writer.write(os, s, &header, IDLE_MS)?;
    let mut digest = Digest::new();
    let mut sent = 0;
    while sent < total {
        let len = (between(os, 1..=most as u32) as usize).min(total - sent);
        let bytes = payload.bytes(sent as u64, len);
        digest.feed(&bytes);
        writer.write(os, s, &bytes, IDLE_MS)?;
        sent += len;
    }
    if chance(os, 50) {
        writer.finish(os, IDLE_MS)?;
    }
    os.shutdown(s, SD_SEND)?;
    // What was accepted before the shutdown still goes out (CXL-6).
    writer.finish(os, IDLE_MS)?;

    let mut receipt = Vec::new();
    let mut piece = [0; RECEIPT];
    while receipt.len() < RECEIPT {
        let room = RECEIPT - receipt.len();
        match reader.read(os, s, &mut piece[..room], 3 * IDLE_MS, || false)? {
            // The server gave up in good order.
            0 => return Err(E::WSAECONNABORTED),
            given => receipt.extend_from_slice(&piece[..given]),
        }
    }
    let mut expected = [0; RECEIPT];
    expected[..8].copy_from_slice(&(total as u64).to_le_bytes());
    expected[8..].copy_from_slice(&digest.to_bytes());
    if receipt != expected {
        os.fail(&format!("the receipt is {receipt:02x?} instead of {expected:02x?}"));
    }
    match reader.read(os, s, &mut piece, IDLE_MS, || false) {
        Ok(0) => Ok(()),
        Ok(given) => {
            os.fail(&format!("{given} bytes came after the receipt"));
            Ok(())
        }
        // The receipt is what counts.
        Err(error) => {
            left(os, "the end of the upload", error);
            Ok(())
        }
    }
}

fn serve(os: &Os) {
    startup(os);
    let connections = Connections::default();
    let acceptors = Ip::BOTH.map(|ip| {
        let connections = connections.clone();
        let receive_buffer = pick(os, &[2048, 8192, 65_536]);
        let prepare = move |os: &Os, s| set(os, s, SO_RCVBUF, receive_buffer);
        Acceptor::start(os, ip, PORT, prepare, move |os, s| {
            connections.serve(os, "upload", true, s, move |os, held| receive(os, s, held));
        })
    });
    let stop = os.stop_event();
    os.wait_for_single_object_ex(stop, INFINITE, true);
    for acceptor in &acceptors {
        acceptor.end(os);
    }
    connections.finish(os);
    cleanup(os);
}

/// One connection of the server's.
fn receive(os: &Os, s: SocketHandle, held: &Held) {
    set(os, s, SO_RCVTIMEO, LOOK_MS);
    set(os, s, SO_SNDTIMEO, IDLE_MS);
    let operations = Operations::new(os);
    let room = pick(os, &[64, 1000, 4096]);
    let reader = Reader::draw(os, &operations, room);
    if let Err(error) = receive_all(os, s, &reader, room) {
        left(os, "the download", error);
    }
    if held.take().is_some() {
        close_and_settle(os, s, reader.slots());
    }
}

fn receive_all(os: &Os, s: SocketHandle, reader: &Reader, room: usize) -> Result<(), E> {
    let slow = chance(os, 40);
    let mut header = Vec::new();
    let mut arrived = 0;
    let mut digest = Digest::new();
    let mut piece = vec![0; room];
    loop {
        let len = if header.len() < HEADER { room.min(HEADER - header.len()) } else { room };
        let given = reader.read(os, s, &mut piece[..len], 3 * IDLE_MS, || os.is_stopping())?;
        if given == 0 {
            break;
        }
        if header.len() < HEADER {
            header.extend_from_slice(&piece[..given]);
            continue;
        }
        let (payload, total) = read_header(&header);
        if let Some(at) = payload.mismatch(arrived, &piece[..given]) {
            os.fail(&format!("byte {} of the upload is wrong", arrived + at as u64));
        }
        digest.feed(&piece[..given]);
        arrived += given as u64;
        if arrived > total {
            os.fail(&format!("{arrived} bytes of {total} arrived"));
        }
        if slow && chance(os, 10) {
            os.sleep_ex(between(os, 1..=40), true);
        }
    }
    if header.len() == HEADER {
        let mut receipt = [0; RECEIPT];
        receipt[..8].copy_from_slice(&arrived.to_le_bytes());
        receipt[8..].copy_from_slice(&digest.to_bytes());
        send_all(os, s, &receipt, IDLE_MS)?;
    }
    os.shutdown(s, SD_SEND)
}

fn read_header(header: &[u8]) -> (Payload, u64) {
    let mut tag = [0; 8];
    let mut total = [0; 8];
    tag.copy_from_slice(&header[..8]);
    total.copy_from_slice(&header[8..HEADER]);
    (Payload::of(u64::from_le_bytes(tag)), u64::from_le_bytes(total))
}
