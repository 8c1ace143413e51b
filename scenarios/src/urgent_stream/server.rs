//! The server: hears the alarms of its connections, answers each, and counts the rest.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use provider_core::spi::{MSG_OOB, SD_SEND, SO_OOBINLINE, SO_RCVBUF, SO_RCVTIMEO, SO_SNDTIMEO};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::{INFINITE, Os};

use crate::common::{
    Acceptor, Connections, Held, Ip, Operations, Reader, chance, cleanup, close_and_settle,
    is_broken_stream, is_transient, pause, pick, send_all, set, startup, unexpected,
};

use super::ears::{self, Way};
use super::heard::{Heard, Place};
use super::{FOREVER_MS, IDLE_MS, PORT, RECEIPT};

/// SO_RCVTIMEO: how often who waits looks whether it has to end.
const LOOK_MS: u32 = 500;

/// The server's main function.
pub(super) fn run(os: &Os) {
    startup(os);
    let connections = Connections::default();
    let acceptors = Ip::BOTH.map(|ip| {
        let connections = connections.clone();
        let (in_line, buffer) = (chance(os, 30), pick(os, &[2048, 8192, 65_536]));
        // Connections have it from their listener: an alarm may come before they are accepted.
        let prepare = move |os: &Os, s| {
            set(os, s, SO_RCVBUF, buffer);
            set(os, s, SO_OOBINLINE, u32::from(in_line));
        };
        Acceptor::start(os, ip, PORT, prepare, move |os, s| {
            connections.serve(os, "listener", false, s, move |os, held| {
                serve(os, s, held, in_line);
            });
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

/// One connection.
fn serve(os: &Os, s: SocketHandle, held: &Held, in_line: bool) {
    set(os, s, SO_RCVTIMEO, LOOK_MS);
    set(os, s, SO_SNDTIMEO, IDLE_MS);
    let line = Line::new(s, in_line);
    let operations = Operations::new(os);
    let reader = match Way::draw(os) {
        Some(way) => {
            let result = ears::listen(os, &line, way);
            end(os, result.and_then(|()| line.receipt(os)));
            Reader::Plain
        }
        None => {
            let room = pick(os, &[7, 64, 1000]);
            let reader = Reader::draw(os, &operations, room);
            beside_a_thread(os, &line, held, &reader, room);
            reader
        }
    };
    if held.take().is_some() {
        close_and_settle(os, s, reader.slots());
    }
}

/// Whatever ended a connection has to be something that a fault can do.
fn end(os: &Os, result: Result<(), E>) {
    if let Err(error) = result
        && !is_broken_stream(error)
    {
        unexpected(os, "the server", error);
    }
}

/// This thread reads the stream, another one hears the alarms.
fn beside_a_thread(os: &Os, line: &Rc<Line>, held: &Held, reader: &Reader, room: usize) {
    let other = Rc::clone(line);
    let thread = os.create_thread("ears", false, move |os| ears::hear_all(os, &other));
    let result = read_all(os, line, reader, room);
    line.ended.set(true);
    // What the other thread waits for may never come.
    if result.is_err() && held.take().is_some() {
        close_and_settle(os, line.s, reader.slots());
    }
    os.join(thread);
    end(os, result.and_then(|()| line.hear_last(os)).and_then(|()| line.receipt(os)));
}

fn read_all(os: &Os, line: &Line, reader: &Reader, room: usize) -> Result<(), E> {
    let mut piece = vec![0; room];
    loop {
        match reader.read(os, line.s, &mut piece, FOREVER_MS, || os.is_stopping())? {
            0 => return Ok(()),
            given => line.took(os, &piece[..given])?,
        }
    }
}

/// A connection, as its threads share it.
pub(super) struct Line {
    pub(super) s: SocketHandle,
    heard: RefCell<Heard>,
    /// Its stream is over.
    pub(super) ended: Cell<bool>,
}

impl Line {
    fn new(s: SocketHandle, in_line: bool) -> Rc<Self> {
        let heard = RefCell::new(Heard::new(in_line));
        Rc::new(Self { s, heard, ended: Cell::new(false) })
    }

    /// Bytes of the stream came: alarms among them are answered.
    ///
    /// # Errors
    /// The connection's fate.
    pub(super) fn took(&self, os: &Os, bytes: &[u8]) -> Result<(), E> {
        let alarms = self.heard.borrow_mut().stream(bytes);
        self.answer(os, alarms)
    }

    /// An alarm came beside it.
    ///
    /// # Errors
    /// The connection's fate.
    pub(super) fn heard(&self, os: &Os, alarm: u8) -> Result<(), E> {
        let heard = self.heard.borrow_mut().alarm(alarm, Place::Beside);
        self.answer(os, heard.map(|()| vec![alarm]))
    }

    fn answer(&self, os: &Os, alarms: Result<Vec<u8>, String>) -> Result<(), E> {
        match alarms {
            Ok(alarms) => send_all(os, self.s, &alarms, IDLE_MS),
            Err(odd) => {
                os.fail(&odd);
                Ok(())
            }
        }
    }

    /// All has arrived: what was not heard yet is there.
    ///
    /// # Errors
    /// The connection's fate.
    pub(super) fn hear_last(&self, os: &Os) -> Result<(), E> {
        while !os.is_stopping() {
            let mut byte = [0];
            match os.recv(self.s, &mut byte, MSG_OOB) {
                Ok(_) => self.heard(os, byte[0])?,
                Err(E::WSAEINVAL) => return Ok(()),
                Err(E::WSAETIMEDOUT) => {}
                Err(error) if is_transient(error) => pause(os, 3),
                Err(error) => return Err(error),
            }
        }
        Err(E::WSAETIMEDOUT)
    }

    fn receipt(&self, os: &Os) -> Result<(), E> {
        let mut receipt = [0; RECEIPT];
        {
            let heard = self.heard.borrow();
            receipt[1] = u8::from(heard.in_line);
            receipt[2..].copy_from_slice(&heard.ordinary.to_le_bytes());
        }
        send_all(os, self.s, &receipt, IDLE_MS)?;
        os.shutdown(self.s, SD_SEND)
    }
}
