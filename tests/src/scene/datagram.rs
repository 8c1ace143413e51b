//! A datagram client and an echo server.

use core::cell::Cell;
use core::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use provider_core::spi::{AF_INET, INVALID_SOCKET, IPPROTO_UDP, SO_SNDBUF, SOCK_DGRAM};
use provider_core::{EventHandle, Routine, SocketHandle, WsaError};
use wspsim::api::{
    AddressBuffer, Buffer, INFINITE, NotQueued, Os, Overlapped, PortHandle, WAIT_OBJECT_0,
};
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, NetworkRange};
use wspsim::world::WorldBuilder;

use super::{QUIET, SHORT, end};

const PORT: u16 = 4000;
const SIZE: usize = 200;
/// Datagrams under way at once.
const WINDOW: usize = 4;
/// More than a datagram can be.
const TOO_LONG: usize = 70_000;

pub(super) struct DatagramPair;

impl Scenario for DatagramPair {
    fn name(&self) -> &'static str {
        "test-datagram-pair"
    }

    fn about(&self) -> &'static str {
        "One client and an echo server, every kind of overlapped datagram once."
    }

    fn network(&self) -> NetworkRange {
        QUIET
    }

    fn limits(&self) -> Limits {
        SHORT
    }

    fn build(&self, world: &mut WorldBuilder) {
        let heard = Rc::new(Cell::new(Heard::default()));
        let told = Rc::clone(&heard);
        world.server("server", move |os| end(os, server(os, &heard)));
        world.client("client", move |os| end(os, client(os, &told)));
    }
}

/// What the client heard of its echoes.
#[derive(Clone, Copy, Default)]
struct Heard {
    by_routine: usize,
    by_event: bool,
    by_port: usize,
}

/// How many packets are due before the end.
const PACKETS: usize = 3;

/// Echoes each datagram to its sender until it is told to stop. It ends last, so it is the one
/// that says what the client missed: after both have cleaned up.
fn server(os: &Os, heard: &Cell<Heard>) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let socket = bound(os, PORT)?;
    let (stop, event) = (os.stop_event(), os.create_event(true, false));
    let overlapped = os.overlapped_with_event(event);
    loop {
        let (buffer, from) = (os.alloc(SIZE), os.address_buffer());
        overlapped.reset();
        let room = [buffer.all()];
        let over = Some(&overlapped);
        match os.wsa_recv_from(socket, &room, 0, Some(&from), over, Routine::NULL) {
            Ok(_) | Err(WsaError::WSA_IO_PENDING) => {}
            Err(_) => continue,
        }
        let woken = os.wsa_wait_for_multiple_events(&[stop, event], false, INFINITE, false);
        if woken == WAIT_OBJECT_0 {
            break;
        }
        if let Ok((len, _)) = os.wsa_get_overlapped_result(socket, &overlapped, false)
            && let Some(to) = from.address()
        {
            let _ = os.sendto(socket, &buffer.read(0, len as usize), 0, to);
        }
    }
    os.closesocket(socket)?;
    os.wsa_cleanup()?;
    let heard = heard.get();
    os.check(heard.by_routine == WINDOW, "an echo never came to its completion routine");
    os.check(heard.by_event, "an echo never came to its event");
    os.check(heard.by_port == PACKETS, "a packet never came to its port, or too many did");
    Ok(())
}

fn client(os: &Os, heard: &Cell<Heard>) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let server = SocketAddr::new(os.address_of("server"), PORT);
    let by_routine = by_routine(os, server)?;
    let by_event = by_event(os, server)?;
    by_polling(os, server)?;
    refused(os, server)?;
    flushed(os, server)?;
    terminated(os, server)?;
    let port = os.create_io_completion_port(INVALID_SOCKET, None, 0, 0);
    let port = port.map_err(|error| WsaError(error.0 as i32))?;
    let by_port = by_port(os, server, port)?;
    left_open(os, port)?;
    os.wsa_cleanup()?;
    heard.set(Heard { by_routine, by_event, by_port: by_port + packets(os, port) });
    Ok(())
}

/// A datagram socket on a port of this machine; 0 for any.
fn bound(os: &Os, port: u16) -> Result<SocketHandle, WsaError> {
    let socket = os.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)?;
    os.bind(socket, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))?;
    Ok(socket)
}

/// What an overlapped operation needs, kept until its program is done with it.
struct Piece {
    buffer: Buffer,
    from: AddressBuffer,
    overlapped: Overlapped,
}

impl Piece {
    fn new(os: &Os) -> Self {
        let buffer = os.alloc(SIZE);
        let mut bytes = [0; SIZE];
        os.random_bytes(&mut bytes);
        buffer.write(0, &bytes);
        Self { buffer, from: os.address_buffer(), overlapped: os.overlapped() }
    }
}

fn is_started(result: Result<u32, WsaError>) -> bool {
    matches!(result, Ok(_) | Err(WsaError::WSA_IO_PENDING))
}

/// A window of sends and receives with completion routines, which wait alertably themselves.
/// Gives how many echoes came.
fn by_routine(os: &Os, server: SocketAddr) -> Result<usize, WsaError> {
    let socket = bound(os, 0)?;
    let (ended, echoes) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let sent = os.routine({
        let ended = Rc::clone(&ended);
        move |os, _, _, _, _| {
            ended.set(ended.get() + 1);
            os.sleep_ex(1, true);
        }
    });
    let received = os.routine({
        let (ended, echoes) = (Rc::clone(&ended), Rc::clone(&echoes));
        move |os, error, bytes, _, _| {
            ended.set(ended.get() + 1);
            echoes.set(echoes.get() + usize::from(error == 0 && bytes as usize == SIZE));
            os.sleep_ex(1, true);
        }
    });
    let (outgoing, incoming): (Vec<Piece>, Vec<Piece>) =
        (0..WINDOW).map(|_| (Piece::new(os), Piece::new(os))).unzip();
    let mut started = 0;
    for Piece { buffer, from, overlapped } in &incoming {
        let over = Some(overlapped);
        let result = os.wsa_recv_from(socket, &[buffer.all()], 0, Some(from), over, received);
        started += usize::from(is_started(result));
    }
    for Piece { buffer, overlapped, .. } in &outgoing {
        // Two WSABUFs, so that the array matters.
        let parts = [buffer.part(0..SIZE / 2), buffer.part(SIZE / 2..SIZE)];
        let result = os.wsa_send_to(socket, &parts, 0, Some(server), Some(overlapped), sent);
        started += usize::from(is_started(result));
    }
    patient(os, || ended.get() >= started);
    os.closesocket(socket)?;
    // What was still pending is told of its end now.
    patient(os, || ended.get() >= started);
    Ok(echoes.get())
}

/// Sleeps alertably until `done`, but not for ever.
fn patient(os: &Os, done: impl Fn() -> bool) {
    for _ in 0..20 {
        if done() {
            break;
        }
        os.sleep_ex(10, true);
    }
}

/// One send and one receive with events. Gives whether the echo came.
fn by_event(os: &Os, server: SocketAddr) -> Result<bool, WsaError> {
    let socket = bound(os, 0)?;
    let (incoming, outgoing) = (Piece::new(os), Piece::new(os));
    let events = [os.create_event(true, false), os.create_event(true, false)];
    incoming.overlapped.set_event(events[0]);
    outgoing.overlapped.set_event(events[1]);
    let (room, from) = ([incoming.buffer.all()], Some(&incoming.from));
    let over = Some(&incoming.overlapped);
    let mut started = is_started(os.wsa_recv_from(socket, &room, 0, from, over, Routine::NULL));
    let early = os.wsa_get_overlapped_result(socket, &incoming.overlapped, false);
    let over = Some(&outgoing.overlapped);
    let bytes = [outgoing.buffer.all()];
    started &= is_started(os.wsa_send_to(socket, &bytes, 0, Some(server), over, Routine::NULL));
    let woken = os.wsa_wait_for_multiple_events(&events, true, 200, false);
    let mut came = false;
    if started && woken == WAIT_OBJECT_0 {
        let sent = os.wsa_get_overlapped_result(socket, &outgoing.overlapped, true);
        let received = os.wsa_get_overlapped_result(socket, &incoming.overlapped, true);
        came = early == Err(WsaError::WSA_IO_INCOMPLETE)
            && sent == Ok((SIZE as u32, 0))
            && received == Ok((SIZE as u32, 0))
            && incoming.buffer.read(0, SIZE) == outgoing.buffer.read(0, SIZE);
    }
    os.closesocket(socket)?;
    Ok(came)
}

/// One send with neither event nor routine.
fn by_polling(os: &Os, server: SocketAddr) -> Result<(), WsaError> {
    let socket = bound(os, 0)?;
    let piece = Piece::new(os);
    let over = Some(&piece.overlapped);
    let bytes = [piece.buffer.all()];
    let started = is_started(os.wsa_send_to(socket, &bytes, 0, Some(server), over, Routine::NULL));
    if started {
        for _ in 0..20 {
            if piece.overlapped.has_completed() {
                let _ = os.wsa_get_overlapped_result(socket, &piece.overlapped, false);
                break;
            }
            os.sleep(1);
        }
    }
    // The echo, so that nothing comes back to a closed port.
    os.sleep(10);
    os.closesocket(socket)
}

/// Sends that cannot be: with a routine, with an event, plain.
fn refused(os: &Os, server: SocketAddr) -> Result<(), WsaError> {
    let socket = bound(os, 0)?;
    let long = os.alloc(TOO_LONG);
    let (with_routine, with_event) = (os.overlapped(), os.overlapped());
    with_event.set_event(os.create_event(true, false));
    let routine = os.routine(|_, _, _, _, _| {});
    let to = Some(server);
    let _ = os.wsa_send_to(socket, &[long.all()], 0, to, Some(&with_routine), routine);
    let _ = os.wsa_send_to(socket, &[long.all()], 0, to, Some(&with_event), Routine::NULL);
    let _ = os.wsa_send_to(socket, &[long.all()], 0, to, None, Routine::NULL);
    // Time for a completion that must not come.
    os.sleep_ex(10, true);
    os.sleep_ex(10, true);
    os.closesocket(socket)
}

/// A send without a send buffer, then SIO_FLUSH.
fn flushed(os: &Os, server: SocketAddr) -> Result<(), WsaError> {
    let socket = bound(os, 0)?;
    os.setsockopt(socket, SO_SNDBUF, 0)?;
    let piece = Piece::new(os);
    let over = Some(&piece.overlapped);
    let bytes = [piece.buffer.all()];
    let _ = os.wsa_send_to(socket, &bytes, 0, Some(server), over, Routine::NULL);
    os.sio_flush(socket)?;
    os.sleep(10);
    os.closesocket(socket)
}

/// A thread that is terminated while it is blocked in a receive.
fn terminated(os: &Os, server: SocketAddr) -> Result<(), WsaError> {
    let socket = bound(os, 0)?;
    let thread = os.create_thread("victim", false, move |os| {
        let mut room = [0; SIZE];
        let _ = os.sendto(socket, b"the last datagram that it means to send", 0, server);
        let _ = os.recvfrom(socket, &mut room, 0);
        // Nothing more comes.
        let _ = os.recvfrom(socket, &mut room, 0);
    });
    for _ in 0..20 {
        os.sleep(10);
        if os.terminate_thread(thread).is_ok() {
            break;
        }
    }
    os.sleep(10);
    os.closesocket(socket)
}

/// A datagram socket that is associated with `port`.
fn bound_on(os: &Os, port: PortHandle) -> Result<SocketHandle, WsaError> {
    let socket = bound(os, 0)?;
    let associated = os.create_io_completion_port(socket, Some(port), 1, 0);
    associated.map(|_| socket).map_err(|error| WsaError(error.0 as i32))
}

/// Takes what comes to a port, until nothing does. Gives how much came.
fn packets(os: &Os, port: PortHandle) -> usize {
    let mut taken = 0;
    while !matches!(os.get_queued_completion_status(port, 50), Err(NotQueued::Nothing(_))) {
        taken += 1;
    }
    taken
}

/// A send, its echo, a receive that closesocket ends: with a packet each. A receive whose event
/// keeps the port quiet, and a send that cannot be: without. Gives how many packets came.
fn by_port(os: &Os, server: SocketAddr, port: PortHandle) -> Result<usize, WsaError> {
    let socket = bound_on(os, port)?;
    let incoming = [Piece::new(os), Piece::new(os), Piece::new(os)];
    let quiet = os.create_event(true, false);
    incoming[0].overlapped.set_event(EventHandle(quiet.0 | 1));
    for Piece { buffer, from, overlapped } in &incoming {
        let (room, from, over) = ([buffer.all()], Some(from), Some(overlapped));
        let _ = os.wsa_recv_from(socket, &room, 0, from, over, Routine::NULL);
    }
    let (outgoing, to) = (Piece::new(os), Some(server));
    let (bytes, over) = ([outgoing.buffer.all()], Some(&outgoing.overlapped));
    // One echo for the quiet receive, and one for the next.
    let _ = os.sendto(socket, b"for the quiet one", 0, server);
    let _ = os.wsa_send_to(socket, &bytes, 0, to, over, Routine::NULL);
    let (long, refused) = (os.alloc(TOO_LONG), os.overlapped());
    let _ = os.wsa_send_to(socket, &[long.all()], 0, to, Some(&refused), Routine::NULL);
    let before = packets(os, port);
    os.closesocket(socket)?;
    Ok(before + packets(os, port))
}

/// Receives that are left to WSPCleanup.
fn left_open(os: &Os, port: PortHandle) -> Result<(), WsaError> {
    let piece = Piece::new(os);
    let (room, from) = ([piece.buffer.all()], Some(&piece.from));
    let over = Some(&piece.overlapped);
    let _ = os.wsa_recv_from(bound_on(os, port)?, &room, 0, from, over, Routine::NULL);
    let socket = bound(os, 0)?;
    let piece = Piece::new(os);
    piece.overlapped.set_event(os.create_event(true, false));
    let (room, from) = ([piece.buffer.all()], Some(&piece.from));
    let over = Some(&piece.overlapped);
    let _ = os.wsa_recv_from(socket, &room, 0, from, over, Routine::NULL);
    // And one with a routine, whose thread does not wait alertably any more.
    let piece = Piece::new(os);
    let routine = os.routine(|_, _, _, _, _| {});
    let (room, from) = ([piece.buffer.all()], Some(&piece.from));
    let over = Some(&piece.overlapped);
    let _ = os.wsa_recv_from(socket, &room, 0, from, over, routine);
    Ok(())
}
