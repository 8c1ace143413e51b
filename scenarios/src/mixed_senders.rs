//! Blocking, nonblocking and overlapped senders mixed on one socket and on many.

use core::cell::Cell;
use core::net::SocketAddr;
use std::rc::Rc;

use provider_core::spi::{SD_SEND, SO_RCVTIMEO, SO_SNDBUF, SO_SNDTIMEO};
use provider_core::{EventHandle, SocketHandle, WsaError as E};
use wspsim::api::{Os, WAIT_OBJECT_0};
use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, SECOND};
use wspsim::world::WorldBuilder;

use crate::common::{
    Ended, Ip, Operations, Payload, RECORD_HEADER, Reader, Slot, Style, Writer, address, between,
    chance, cleanup, close, connect_once, is_broken_stream, open_datagram, passing, pause, pick,
    record, serve_records, set, set_nonblocking, startup, unexpected, wait_for_any,
};

/// The scenario.
pub(crate) struct MixedSenders;

const PORT: u16 = 19;
const IDLE_MS: u32 = 6000;
/// The longest record after its header.
const LONGEST: usize = 900;
const ROOM: usize = RECORD_HEADER + LONGEST;

impl Scenario for MixedSenders {
    fn name(&self) -> &'static str {
        "mixed-senders"
    }

    fn about(&self) -> &'static str {
        "Blocking, nonblocking and overlapped senders mixed on one socket and on many, datagram \
         and stream, IPv4 and IPv6: one overtakes another, or its bytes end up inside another's"
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Crash, Fault::CancelBlocking]
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 8 * SECOND, ..Limits::default() }
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.server("server", |os| serve_records(os, PORT, LONGEST));
        world.client("client", send_mixed);
    }
}

fn send_mixed(os: &Os) {
    startup(os);
    let groups: Vec<_> = (0..between(os, 1..=3))
        .map(|_| {
            let stream = chance(os, 60);
            os.create_thread("group", false, move |os| {
                if stream { stream_group(os) } else { datagram_group(os) }
            })
        })
        .collect();
    for group in groups {
        os.join(group);
    }
    cleanup(os);
}

/// How one sender sends.
#[derive(Clone, Copy)]
enum Way {
    /// send, which blocks unless another sender has just made the socket nonblocking.
    Plain,
    /// The socket is nonblocking for each send, and blocking afterwards.
    Nonblocking,
    /// WSASend.
    Overlapped(Style),
}

impl Way {
    fn draw(os: &Os) -> Self {
        match os.random_below(4) {
            0 => Self::Plain,
            1 => Self::Nonblocking,
            _ => Self::Overlapped(Style::draw(os)),
        }
    }
}

/// What the senders of one stream share. Nobody closes the socket before all of them have ended.
struct Shared {
    s: SocketHandle,
    /// Whose turn it is to send: an auto-reset event, set while it is nobody's. A record may take
    /// several plain sends, and must not be torn apart.
    turn: EventHandle,
    broken: Cell<bool>,
    /// Senders that are through.
    through: Cell<u32>,
}

/// Sends over one connection with several threads, again until all is with the receiver.
fn stream_group(os: &Os) {
    let mut wait_ms = 20;
    while !try_stream(os) {
        pause(os, wait_ms);
        wait_ms = (wait_ms * 2).min(2000);
    }
}

fn try_stream(os: &Os) -> bool {
    let ip = Ip::draw(os);
    let Some(s) = connect_once(os, ip, address(os, "server", ip, PORT)) else { return false };
    set(os, s, SO_SNDBUF, pick(os, &[0, 1, 700, 4096, 65_536]));
    set(os, s, SO_SNDTIMEO, IDLE_MS);
    set(os, s, SO_RCVTIMEO, IDLE_MS);
    let shared = Rc::new(Shared {
        s,
        turn: os.create_event(false, true),
        broken: Cell::new(false),
        through: Cell::new(0),
    });
    let senders = between(os, 2..=4);
    let threads: Vec<_> = (0..senders)
        .map(|_| {
            let (shared, way) = (Rc::clone(&shared), Way::draw(os));
            let count = between(os, 5..=20);
            os.create_thread("sender", false, move |os| stream_sender(os, &shared, way, count))
        })
        .collect();
    for thread in threads {
        os.join(thread);
    }
    let all = shared.through.get() == senders && finish_stream(os, s);
    close(os, s);
    if os.close_handle(shared.turn).is_err() {
        os.fail("the event of the turn is gone");
    }
    all
}

/// Ends our half, and waits for the receiver to end its own.
fn finish_stream(os: &Os, s: SocketHandle) -> bool {
    set_nonblocking(os, s, false);
    let end = os
        .shutdown(s, SD_SEND)
        .and_then(|()| Reader::Plain.read(os, s, &mut [0], 3 * IDLE_MS, || false));
    match end {
        Ok(0) => true,
        Ok(_) => {
            os.fail("the receiver sent something");
            true
        }
        Err(error) if is_broken_stream(error) => false,
        Err(error) => {
            unexpected(os, "the end of a stream", error);
            false
        }
    }
}

fn stream_sender(os: &Os, shared: &Shared, way: Way, count: u32) {
    let operations = Operations::new(os);
    let writer = match way {
        Way::Plain | Way::Nonblocking => Writer::Plain,
        Way::Overlapped(style) => {
            let slots = (0..between(os, 1..=4)).map(|_| Slot::new(os, &operations, style, ROOM));
            Writer::Overlapped(slots.collect())
        }
    };
    let payload = Payload::draw(os);
    for number in 0..count {
        let bytes = record(payload, number, between(os, 0..=LONGEST as u32) as usize);
        if let Err(error) = send_in_turn(os, shared, way, &writer, &bytes) {
            return give_up(os, shared, error);
        }
        if chance(os, 20) {
            pause(os, between(os, 0..=3));
        }
    }
    // What is out when a sender gives up is cancelled when its thread ends (CXL-5).
    match writer.finish(os, 2 * IDLE_MS) {
        Ok(()) => shared.through.set(shared.through.get() + 1),
        Err(error) => give_up(os, shared, error),
    }
}

fn give_up(os: &Os, shared: &Shared, error: E) {
    shared.broken.set(true);
    if !is_broken_stream(error) {
        unexpected(os, "a stream sender", error);
    }
}

fn send_in_turn(
    os: &Os,
    shared: &Shared,
    way: Way,
    writer: &Writer,
    bytes: &[u8],
) -> Result<(), E> {
    while os.wait_for_single_object_ex(shared.turn, 1000, true) != WAIT_OBJECT_0 {
        if shared.broken.get() {
            return Err(E::WSAECONNABORTED);
        }
    }
    let nonblocking = matches!(way, Way::Nonblocking);
    if nonblocking {
        set_nonblocking(os, shared.s, true);
    }
    let sent = if shared.broken.get() {
        Err(E::WSAECONNABORTED)
    } else {
        writer.write(os, shared.s, bytes, IDLE_MS)
    };
    if nonblocking {
        set_nonblocking(os, shared.s, false);
    }
    if sent.is_err() {
        // Before anybody else adds to what may be half a record.
        shared.broken.set(true);
    }
    if os.set_event(shared.turn).is_err() {
        os.fail("the event of the turn is gone");
    }
    sent
}

/// Sends from one datagram socket with several threads; no turns are needed.
fn datagram_group(os: &Os) {
    let ip = Ip::draw(os);
    let s = open_datagram(os, ip, 0);
    let to = address(os, "server", ip, PORT);
    set(os, s, SO_SNDBUF, pick(os, &[0, 1, 700, 4096, 65_536]));
    if chance(os, 50) {
        // Each send names its destination, which counts for it alone: nothing may go to this peer.
        let peer = address(os, "server", ip, PORT + 1);
        if let Err(error) = os.connect(s, peer) {
            passing(os, "connect", error);
        }
    }
    let threads: Vec<_> = (0..between(os, 2..=4))
        .map(|_| {
            let way = Way::draw(os);
            os.create_thread("sender", false, move |os| datagram_sender(os, s, to, way))
        })
        .collect();
    for thread in threads {
        os.join(thread);
    }
    close(os, s);
}

fn datagram_sender(os: &Os, s: SocketHandle, to: SocketAddr, way: Way) {
    let payload = Payload::draw(os);
    let datagrams = (0..between(os, 5..=25)).map(|number| {
        if chance(os, 10) {
            return Vec::new();
        }
        record(payload, number, pick(os, &[0, 1, 200, LONGEST]))
    });
    match way {
        Way::Plain => datagrams.for_each(|datagram| send_plain(os, s, to, &datagram)),
        Way::Nonblocking => datagrams.for_each(|datagram| {
            set_nonblocking(os, s, true);
            send_plain(os, s, to, &datagram);
            set_nonblocking(os, s, false);
        }),
        Way::Overlapped(style) => {
            let operations = Operations::new(os);
            let slots: Vec<Slot> =
                (0..between(os, 1..=4)).map(|_| Slot::new(os, &operations, style, ROOM)).collect();
            datagrams.for_each(|datagram| send_overlapped(os, s, to, &slots, &datagram));
            // A few are left to the end of the thread, which cancels them (CXL-5).
            while chance(os, 90) && slots.iter().any(Slot::is_busy) {
                wait_for_any(os, &slots, 100);
                slots.iter().for_each(|slot| take_sent(os, slot));
            }
        }
    }
}

fn send_plain(os: &Os, s: SocketHandle, to: SocketAddr, datagram: &[u8]) {
    loop {
        match os.sendto(s, datagram, 0, to) {
            Ok(count) if count == datagram.len() => return,
            Ok(count) => {
                return os.fail(&format!("sendto took {count} bytes of {}", datagram.len()));
            }
            // Cancelled while it was blocked: nothing of it went out.
            Err(E::WSAEINTR) => {}
            Err(error) => passing(os, "sendto", error),
        }
        pause(os, between(os, 1..=5));
    }
}

fn send_overlapped(os: &Os, s: SocketHandle, to: SocketAddr, slots: &[Slot], datagram: &[u8]) {
    loop {
        slots.iter().for_each(|slot| take_sent(os, slot));
        let Some(slot) = slots.iter().find(|slot| !slot.is_busy()) else {
            wait_for_any(os, slots, 100);
            continue;
        };
        slot.buffer.write(0, datagram);
        match slot.send_to(os, s, datagram.len(), to) {
            Ok(()) => return,
            Err(error) => passing(os, "WSASendTo", error),
        }
        pause(os, between(os, 1..=5));
    }
}

/// A datagram that ended in error is lost, as it may be on its way.
fn take_sent(os: &Os, slot: &Slot) {
    if let Some(Err(error)) = slot.take_end(os).map(Ended::result) {
        passing(os, "an overlapped datagram", error);
    }
}
