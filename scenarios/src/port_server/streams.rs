//! A connection whose bytes are sent back, in order, with several sends out at once.

use core::cell::Cell;
use std::rc::Rc;

use provider_core::{EventHandle, Routine, SocketHandle, WsaError as E};
use wspsim::api::{Os, Packet, Win32Error};

use crate::common::{Ended, between, chance, is_broken_stream, is_transient, pick, unexpected};

use super::link::{Link, Operation};
use super::server::{Server, Session};

/// How long a quiet send may stand still.
const IDLE_MS: u32 = 6_000;
/// In how many of a hundred packets the server gives a connection up.
const GIVES_UP: u32 = 2;

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// A receive is to be started.
    Receive,
    /// One is out.
    Receiving,
    /// So many bytes in its buffer are to be sent.
    Send(usize),
    /// A thread is at it.
    Taken,
    /// The peer has ended its half.
    Ended,
}

/// The operation that receives; the others send.
const RECEIVE: usize = 0;

/// A connection.
pub(super) struct Stream {
    server: Rc<Server>,
    link: Link,
    operations: Vec<Operation>,
    room: usize,
    turn: Cell<Turn>,
    /// For sends that keep the port quiet.
    event: EventHandle,
}

impl Stream {
    pub(super) fn new(os: &Os, server: Rc<Server>, s: SocketHandle) -> Self {
        let room = pick(os, &[60, 1000, 4000]);
        let operations = 1 + between(os, 1..=4);
        Self {
            server,
            link: Link::new(s),
            operations: (0..operations).map(|_| Operation::new(os, room)).collect(),
            room,
            turn: Cell::new(Turn::Receive),
            event: os.create_event(true, false),
        }
    }

    /// Goes on, unless another thread is at it or there is nothing to do.
    fn go_on(&self, os: &Os) {
        loop {
            let turn = self.turn.get();
            let next = match turn {
                Turn::Receive => {
                    // Its packet may come before the call returns.
                    self.turn.set(Turn::Receiving);
                    let Err(error) = self.receive(os) else { return };
                    self.refused(os, "WSARecv", error).then_some(Turn::Receive)
                }
                Turn::Send(len) => {
                    let sends = &self.operations[RECEIVE + 1..];
                    // Else the packet of a send goes on.
                    let Some(free) = sends.iter().find(|send| send.is_idle()) else { return };
                    self.turn.set(Turn::Taken);
                    match self.send(os, free, len) {
                        Ok(()) => {
                            self.turn.set(Turn::Receive);
                            continue;
                        }
                        Err(error) => self.refused(os, "WSASend", error).then_some(Turn::Send(len)),
                    }
                }
                Turn::Receiving | Turn::Taken | Turn::Ended => return,
            };
            // Tried again when the session is tended.
            self.turn.set(next.unwrap_or(Turn::Ended));
            return;
        }
    }

    fn receive(&self, os: &Os) -> Result<(), E> {
        let receive = &self.operations[RECEIVE];
        let room = [receive.buffer.part(0..self.room)];
        self.link.start(os, receive, |s, overlapped| {
            os.wsa_recv(s, &room, 0, Some(overlapped), Routine::NULL)
        })
    }

    fn send(&self, os: &Os, send: &Operation, len: usize) -> Result<(), E> {
        let bytes = self.operations[RECEIVE].buffer.read(0, len);
        send.buffer.write(0, &bytes);
        send.len.set(len);
        let half = between(os, 0..=len as u32) as usize;
        let parts = [send.buffer.part(0..half), send.buffer.part(half..len)];
        let call = |s, overlapped: &_| os.wsa_send(s, &parts, 0, Some(overlapped), Routine::NULL);
        if !chance(os, 15) {
            return self.link.start(os, send, call);
        }
        let enough = || self.server.ending.get();
        let patience = (IDLE_MS, &enough as &dyn Fn() -> bool);
        let sent = self.link.quietly(os, send, self.event, patience, call)?;
        self.check_sent(os, send, sent);
        Ok(())
    }

    fn check_sent(&self, os: &Os, send: &Operation, bytes: u32) {
        if bytes as usize != send.len.get() {
            let len = send.len.get();
            os.fail(&format!("an overlapped stream send of {len} bytes succeeded with {bytes}"));
        }
    }

    /// A call was refused, or failed quietly. Whether to try again later; else it is over.
    fn refused(&self, os: &Os, what: &str, error: E) -> bool {
        let again = is_transient(error) && !self.link.is_closing() && !self.server.ending.get();
        if !again {
            self.failed(os, what, error);
        }
        again
    }

    fn failed(&self, os: &Os, what: &str, error: E) {
        let end = self.server.ending.get() && error == E::WSANOTINITIALISED;
        if !is_broken_stream(error) && !is_transient(error) && !end {
            unexpected(os, what, error);
        }
        self.link.close(os);
    }

    fn received(&self, os: &Os, ended: Ended) {
        match ended.result() {
            Ok(0) => self.turn.set(Turn::Ended),
            Ok(bytes) if bytes as usize > self.room => {
                os.fail(&format!("a receive of {} bytes gave {bytes}", self.room));
            }
            Ok(bytes) => self.turn.set(Turn::Send(bytes as usize)),
            Err(error) => {
                self.turn.set(Turn::Ended);
                self.failed(os, "an overlapped receive", error);
            }
        }
    }
}

impl Session for Stream {
    fn told(&self, os: &Os, packet: &Packet, error: Win32Error) {
        let found = self.operations.iter().position(|op| op.is_at(packet.overlapped));
        let Some(index) = found else {
            return os.fail(&format!("a packet of another socket's operation: {packet:?}"));
        };
        let operation = &self.operations[index];
        let Some(ended) = operation.told(os, packet, error) else { return };
        if index == RECEIVE {
            self.received(os, ended);
        } else {
            match ended.result() {
                Ok(bytes) => self.check_sent(os, operation, bytes),
                Err(error) => self.failed(os, "an overlapped send", error),
            }
        }
        if !os.is_calm() && chance(os, GIVES_UP) {
            if chance(os, 50) {
                let _ = self.link.call(os, |s| os.set_linger(s, Some(0)));
            }
            self.link.close(os);
        }
        self.go_on(os);
        // All that came has gone back: so does the end.
        if self.turn.get() == Turn::Ended && self.operations.iter().all(Operation::is_idle) {
            self.link.close(os);
        }
    }

    fn tend(&self, os: &Os) {
        self.go_on(os);
    }

    fn close(&self, os: &Os) {
        self.link.close(os);
    }

    fn is_over(&self) -> bool {
        self.link.is_over(&self.operations)
    }
}
