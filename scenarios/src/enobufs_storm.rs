//! Many senders, little room: WSAENOBUFS and WSAEWOULDBLOCK storms with retry.

use core::cell::Cell;
use std::rc::Rc;

use provider_core::spi::{SD_SEND, SO_RCVTIMEO, SO_SNDBUF, SO_SNDTIMEO};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;
use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, SECOND};
use wspsim::world::WorldBuilder;

use crate::common::{
    Ended, Ip, Operations, Payload, RECORD_HEADER, Reader, Slot, Style, Writer, address, between,
    chance, cleanup, close, close_and_settle, connect_once, is_broken_stream, open_datagram,
    passing, pause, pick, record, serve_records, set, set_nonblocking, startup, unexpected,
    wait_for_any,
};

/// The scenario.
pub(crate) struct EnobufsStorm;

const PORT: u16 = 9;
const IDLE_MS: u32 = 6000;
/// The longest record after its header.
const LONGEST: usize = 1200;
const BUFFERS: [u32; 6] = [0, 1, 64, 700, 4096, 65_536];

impl Scenario for EnobufsStorm {
    fn name(&self) -> &'static str {
        "enobufs-storm"
    }

    fn about(&self) -> &'static str {
        "WSAENOBUFS storms with retry, many senders and little SO_SNDBUF: refused sends that leave \
         something behind, retries that lose the order, senders that never wake"
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Crash, Fault::Terminate, Fault::ThreadExit]
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 8 * SECOND, ..Limits::default() }
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.server("server", |os| serve_records(os, PORT, LONGEST));
        world.client("client-1", storm);
        world.client("client-2", storm);
    }
}

/// Runs senders in threads until each has said that it is done: a thread may be ended.
fn storm(os: &Os) {
    startup(os);
    let senders: Vec<(bool, Rc<Cell<bool>>)> =
        (0..between(os, 2..=4)).map(|_| (chance(os, 50), Rc::new(Cell::new(false)))).collect();
    let mut wait_ms = 20;
    while senders.iter().any(|(_, done)| !done.get()) {
        let threads: Vec<_> = senders
            .iter()
            .filter(|(_, done)| !done.get())
            .map(|(stream, done)| {
                let (stream, done) = (*stream, Rc::clone(done));
                os.create_thread("sender", true, move |os| {
                    let operations = Operations::new(os);
                    let sent = if stream {
                        send_stream(os, &operations)
                    } else {
                        send_datagrams(os, &operations)
                    };
                    done.set(sent);
                })
            })
            .collect();
        for thread in threads {
            os.join(thread);
        }
        pause(os, wait_ms);
        wait_ms = (wait_ms * 2).min(1000);
    }
    // Sockets of threads that were ended are still open: WSACleanup sees to them.
    cleanup(os);
}

/// Sends records over one connection, in order. Whether all of them are with the receiver.
fn send_stream(os: &Os, operations: &Operations) -> bool {
    let ip = Ip::draw(os);
    let Some(s) = connect_once(os, ip, address(os, "server", ip, PORT)) else { return false };
    set(os, s, SO_SNDBUF, pick(os, &BUFFERS));
    set(os, s, SO_SNDTIMEO, IDLE_MS);
    set(os, s, SO_RCVTIMEO, IDLE_MS);
    let writer = Writer::draw(os, operations, s, RECORD_HEADER + LONGEST);
    let reader = Reader::draw(os, operations, 1);
    let sent = send_records(os, s, &writer, &reader);
    if let Err(error) = sent
        && !is_broken_stream(error)
    {
        unexpected(os, "a stream sender", error);
    }
    close_and_settle(os, s, writer.slots().iter().chain(reader.slots()));
    sent.is_ok()
}

fn send_records(os: &Os, s: SocketHandle, writer: &Writer, reader: &Reader) -> Result<(), E> {
    let payload = Payload::draw(os);
    for number in 0..between(os, 10..=40) {
        let len = between(os, 0..=LONGEST as u32) as usize;
        writer.write(os, s, &record(payload, number, len), IDLE_MS)?;
    }
    os.shutdown(s, SD_SEND)?;
    writer.finish(os, IDLE_MS)?;
    // The receiver ends its half when it has everything.
    match reader.read(os, s, &mut [0], 3 * IDLE_MS, || false)? {
        0 => Ok(()),
        _ => {
            os.fail("the receiver sent something");
            Ok(())
        }
    }
}

/// Sends datagrams that the transport has to take; whether they arrive is the network's business.
fn send_datagrams(os: &Os, operations: &Operations) -> bool {
    let ip = Ip::draw(os);
    let s = open_datagram(os, ip, 0);
    let to = address(os, "server", ip, PORT);
    set(os, s, SO_SNDBUF, pick(os, &BUFFERS));
    let payload = Payload::draw(os);
    let count = between(os, 20..=60);
    let numbered = (0..count).map(|number| record(payload, number, datagram_len(os)));
    let all_sent = match os.random_below(4) {
        0 => send_plain(os, s, numbered, to),
        1 => {
            set_nonblocking(os, s, true);
            send_plain(os, s, numbered, to)
        }
        _ => send_overlapped(os, operations, s, numbered, to),
    };
    close(os, s);
    all_sent
}

fn datagram_len(os: &Os) -> usize {
    pick(os, &[0, 1, 100, 500, LONGEST])
}

/// A datagram send that failed: retried when it may work later, else a finding.
fn retry(os: &Os, what: &str, error: E) {
    passing(os, what, error);
    pause(os, between(os, 1..=8));
}

fn send_plain(
    os: &Os,
    s: SocketHandle,
    datagrams: impl Iterator<Item = Vec<u8>>,
    to: core::net::SocketAddr,
) -> bool {
    for datagram in datagrams {
        loop {
            match os.sendto(s, &datagram, 0, to) {
                Ok(count) if count == datagram.len() => break,
                Ok(count) => {
                    os.fail(&format!("sendto took {count} bytes of {}", datagram.len()));
                    break;
                }
                Err(error) => retry(os, "sendto", error),
            }
        }
    }
    true
}

fn send_overlapped(
    os: &Os,
    operations: &Operations,
    s: SocketHandle,
    datagrams: impl Iterator<Item = Vec<u8>>,
    to: core::net::SocketAddr,
) -> bool {
    let style = Style::draw(os);
    let slots: Vec<Slot> = (0..between(os, 1..=8))
        .map(|_| Slot::new(os, operations, style, RECORD_HEADER + LONGEST))
        .collect();
    for datagram in datagrams {
        loop {
            for slot in &slots {
                take_sent(os, slot);
            }
            let Some(slot) = slots.iter().find(|slot| !slot.is_busy()) else {
                wait_for_any(os, &slots, 100);
                continue;
            };
            slot.buffer.write(0, &datagram);
            match slot.send_to(os, s, datagram.len(), to) {
                Ok(()) => break,
                Err(error) => retry(os, "WSASendTo", error),
            }
        }
    }
    // With a stalled transport only a close ends them.
    if chance(os, 30) {
        close_and_settle(os, s, &slots);
        return true;
    }
    while slots.iter().any(Slot::is_busy) {
        wait_for_any(os, &slots, 100);
        for slot in &slots {
            take_sent(os, slot);
        }
    }
    true
}

/// A datagram that ended in error is lost, as it may be on its way.
fn take_sent(os: &Os, slot: &Slot) {
    if let Some(Err(error)) = slot.take_end(os).map(Ended::result) {
        passing(os, "an overlapped datagram", error);
    }
}
