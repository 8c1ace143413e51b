//! Clients: threads that have streams and datagrams echoed, and check each byte.

use provider_core::spi::{SD_SEND, SO_RCVTIMEO, SO_SNDBUF, SO_SNDTIMEO};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;

use crate::common::{
    Ip, Operations, Payload, Reader, Writer, address, between, chance, cleanup, close,
    close_and_settle, connect_once, is_broken_stream, is_transient, open_datagram, pause, pick,
    record, set, startup, unexpected, whole_record,
};

use super::PORT;
use super::datagrams::LONGEST;

/// How long an echo may take.
const IDLE_MS: u32 = 6_000;
/// After how long a datagram is sent again.
const AGAIN_MS: u32 = 60;

/// A client's main function.
pub(super) fn ask(os: &Os) {
    startup(os);
    let threads: Vec<_> = (0..between(os, 2..=4))
        .map(|_| {
            os.create_thread("talker", false, |os| {
                let operations = Operations::new(os);
                for _ in 0..between(os, 1..=3) {
                    insist(os, || have_stream_echoed(os, &operations));
                }
            })
        })
        .collect();
    for number in 0..between(os, 2..=10) {
        insist(os, || have_datagram_echoed(os, number));
    }
    threads.iter().for_each(|thread| os.join(*thread));
    cleanup(os);
}

/// Tries until it works.
fn insist(os: &Os, attempt: impl Fn() -> bool) {
    let mut wait_ms = 20;
    while !attempt() {
        pause(os, wait_ms);
        wait_ms = (wait_ms * 2).min(1_000);
    }
}

fn left(os: &Os, what: &str, error: E) {
    if !is_broken_stream(error) {
        unexpected(os, what, error);
    }
}

/// One connection. Whether all came back.
fn have_stream_echoed(os: &Os, operations: &Operations) -> bool {
    let ip = Ip::draw(os);
    let Some(s) = connect_once(os, ip, address(os, "server", ip, PORT)) else { return false };
    set(os, s, SO_SNDBUF, pick(os, &[0, 700, 8_192]));
    set(os, s, SO_SNDTIMEO, IDLE_MS);
    set(os, s, SO_RCVTIMEO, IDLE_MS);
    let most = pick(os, &[10, 500, 3_000]);
    let writer = Writer::draw(os, operations, s, most);
    let reader = Reader::draw(os, operations, most);
    let result = talk(os, s, &writer, &reader, most);
    if let Err(error) = result {
        left(os, "an echoed stream", error);
    }
    close_and_settle(os, s, writer.slots().iter().chain(reader.slots()));
    result.is_ok()
}

fn talk(os: &Os, s: SocketHandle, writer: &Writer, reader: &Reader, most: usize) -> Result<(), E> {
    let payload = Payload::draw(os);
    let (mut at, mut piece) = (0, vec![0; most]);
    for _ in 0..between(os, 1..=8) {
        let len = between(os, 1..=most as u32) as usize;
        writer.write(os, s, &payload.bytes(at, len), IDLE_MS)?;
        let mut left = len;
        while left > 0 {
            let given = match reader.read(os, s, &mut piece[..left], IDLE_MS, || false)? {
                // The server gave up in good order.
                0 => return Err(E::WSAECONNABORTED),
                given => given,
            };
            if let Some(wrong) = payload.mismatch(at, &piece[..given]) {
                os.fail(&format!("byte {} of the echo is wrong", at + wrong as u64));
            }
            at += given as u64;
            left -= given;
        }
    }
    writer.finish(os, IDLE_MS)?;
    os.shutdown(s, SD_SEND)?;
    match reader.read(os, s, &mut piece, IDLE_MS, || false)? {
        0 => Ok(()),
        given => {
            os.fail(&format!("{given} bytes came after the echo"));
            Ok(())
        }
    }
}

/// One datagram, sent again until its echo comes. Whether it came before the socket was of no more
/// use.
fn have_datagram_echoed(os: &Os, number: u32) -> bool {
    let ip = Ip::draw(os);
    let s = open_datagram(os, ip, 0);
    set(os, s, SO_RCVTIMEO, AGAIN_MS);
    let sender = Payload::draw(os);
    let bytes = record(sender, number, between(os, 0..=LONGEST as u32) as usize);
    let echoed = exchange(os, s, sender, &bytes, ip);
    if let Err(error) = echoed
        && !matches!(error, E::WSAENOTSOCK | E::WSAESHUTDOWN | E::WSAEINTR)
    {
        unexpected(os, "an echoed datagram", error);
    }
    close(os, s);
    echoed.is_ok()
}

fn exchange(os: &Os, s: SocketHandle, sender: Payload, bytes: &[u8], ip: Ip) -> Result<(), E> {
    let server = address(os, "server", ip, PORT);
    let mut room = vec![0; bytes.len() + 1];
    loop {
        match os.sendto(s, bytes, 0, server) {
            Ok(_) | Err(E::WSAECONNRESET | E::WSAETIMEDOUT) => {}
            Err(error) if is_transient(error) => pause(os, 5),
            Err(error) => return Err(error),
        }
        match os.recvfrom(s, &mut room, 0) {
            Ok((len, _)) => match whole_record(&room[..len]) {
                // An echo of another's, who had this port before, would be whole too.
                Ok((tag, _)) if tag == sender.tag() => {
                    os.check(room[..len] == *bytes, "the echo is not what was sent");
                    return Ok(());
                }
                Ok(_) => {}
                Err(wrong) => os.fail(&wrong),
            },
            // Longer than ours: another's.
            Err(E::WSAEMSGSIZE | E::WSAECONNRESET | E::WSAETIMEDOUT) => {}
            Err(error) if is_transient(error) => pause(os, 5),
            Err(error) => return Err(error),
        }
        if chance(os, 10) {
            pause(os, AGAIN_MS);
        }
    }
}
