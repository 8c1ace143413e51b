//! Ways to hear of alarms.

use core::time::Duration;

use provider_core::spi::{FD_CLOSE, FD_OOB, FD_READ, MSG_OOB, MSG_PEEK};
use provider_core::{EventHandle, SocketHandle, WsaError as E};
use wspsim::api::{FdSet, Os};

use crate::common::{
    Operations, Slot, Style, between, chance, is_transient, pause, pick, set_nonblocking,
    wait_for_any,
};

use super::server::Line;

/// How long one wait takes at most.
const LOOK_MS: u32 = 500;
const ALL: i32 = FD_OOB | FD_READ | FD_CLOSE;

/// How one thread learns that there is something to read.
pub(super) enum Way {
    /// WSAEventSelect, with its event.
    Events(EventHandle),
    /// select, alarms being exceptions.
    Select,
    /// SIOCATMARK and a read, again and again.
    Look,
}

impl Way {
    /// One of them, or none: a thread of their own hears the alarms then.
    pub(super) fn draw(os: &Os) -> Option<Self> {
        Some(match os.random_below(4) {
            0 => return None,
            1 => Self::Select,
            2 => Self::Look,
            _ => Self::Events(os.create_event(chance(os, 50), false)),
        })
    }

    /// What there is to read, as network events; 0 where a wait was long enough.
    fn wait(&self, os: &Os, s: SocketHandle) -> Result<i32, E> {
        match self {
            Self::Events(event) => {
                os.wait_for_single_object_ex(*event, LOOK_MS, true);
                Ok(os.wsa_enum_network_events(s, Some(*event))?.events)
            }
            Self::Select => {
                let (mut read, mut except) = (FdSet::from_iter([s]), FdSet::from_iter([s]));
                let most = Duration::from_millis(LOOK_MS.into());
                os.select([&mut read, &mut FdSet::new(), &mut except], Some(most))?;
                let told = |set: &FdSet, events| if set.contains(s) { events } else { 0 };
                Ok(told(&except, FD_OOB) | told(&read, FD_READ))
            }
            Self::Look => {
                pause(os, between(os, 1..=6));
                Ok(if os.siocatmark(s)? { FD_READ } else { FD_OOB | FD_READ })
            }
        }
    }
}

/// Reads a stream and its alarms with one thread, until its end. It reads what it is told of and
/// nothing else: it is the client that loses patience.
///
/// # Errors
/// The connection's fate; WSAETIMEDOUT when the server is to stop.
pub(super) fn listen(os: &Os, line: &Line, way: Way) -> Result<(), E> {
    let result = listen_by(os, line, &way);
    if let Way::Events(event) = way {
        os.check(os.close_handle(event).is_ok(), "an event is gone");
    }
    result
}

fn listen_by(os: &Os, line: &Line, way: &Way) -> Result<(), E> {
    set_nonblocking(os, line.s, true);
    if let Way::Events(event) = way {
        os.wsa_event_select(line.s, *event, ALL)?;
    }
    let room = pick(os, &[7, 64, 1000]);
    let mut owed = 0;
    while !os.is_stopping() {
        owed |= match way.wait(os, line.s) {
            Ok(told) => told,
            Err(error) if is_transient(error) => 0,
            Err(error) => return Err(error),
        };
        if owed & FD_OOB != 0 {
            hear(os, line)?;
        }
        if owed & (FD_READ | FD_CLOSE) != 0 && read(os, line, room, owed & FD_CLOSE != 0)? {
            return line.hear_last(os);
        }
        // The end is told once; all else again, by the calls just made.
        owed &= FD_CLOSE;
    }
    Err(E::WSAETIMEDOUT)
}

/// Takes the alarms that are there.
fn hear(os: &Os, line: &Line) -> Result<(), E> {
    loop {
        let mut byte = [0];
        if chance(os, 20) {
            // A look takes nothing.
            let _ = os.recv(line.s, &mut byte, MSG_OOB | MSG_PEEK);
        }
        match os.recv(line.s, &mut byte, MSG_OOB) {
            Ok(_) => line.heard(os, byte[0])?,
            // There is none, or it is on its way.
            Err(E::WSAEINVAL) => return Ok(()),
            Err(error) if is_transient(error) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Reads once, or `all` that is there. Whether that was the end.
fn read(os: &Os, line: &Line, room: usize, all: bool) -> Result<bool, E> {
    let mut piece = vec![0; room];
    loop {
        match os.recv(line.s, &mut piece, 0) {
            Ok(0) => return Ok(true),
            Ok(given) => line.took(os, &piece[..given])?,
            Err(error) if is_transient(error) => return Ok(false),
            Err(error) => return Err(error),
        }
        if !all {
            return Ok(false);
        }
    }
}

/// Hears the alarms of a stream that another thread reads, until that has ended.
pub(super) fn hear_all(os: &Os, line: &Line) {
    let operations = Operations::new(os);
    let slot = chance(os, 50).then(|| Slot::new(os, &operations, Style::draw(os), 1));
    while !line.ended.get() {
        let heard = match os.siocatmark(line.s) {
            Ok(true) => Err(E::WSAEWOULDBLOCK),
            Ok(false) => match &slot {
                // It may be on its way: the call waits.
                None => {
                    let mut byte = [0];
                    os.recv(line.s, &mut byte, MSG_OOB).map(|_| byte[0])
                }
                Some(slot) => hear_overlapped(os, line.s, slot),
            },
            Err(error) => Err(error),
        };
        match heard.and_then(|alarm| line.heard(os, alarm)) {
            Ok(()) => {}
            Err(E::WSAEINVAL | E::WSAETIMEDOUT) => pause(os, 3),
            Err(error) if is_transient(error) => pause(os, between(os, 1..=4)),
            // The other thread meets it too.
            Err(_) => return,
        }
    }
}

fn hear_overlapped(os: &Os, s: SocketHandle, slot: &Slot) -> Result<u8, E> {
    slot.recv_flagged(os, s, 1, MSG_OOB)?;
    loop {
        if let Some(ended) = slot.take_end(os) {
            let bytes = ended.result()?;
            os.check(bytes == 1, &format!("a receive of urgent data gave {bytes} bytes"));
            return Ok(slot.buffer.read(0, 1)[0]);
        }
        wait_for_any(os, [slot], LOOK_MS);
    }
}
