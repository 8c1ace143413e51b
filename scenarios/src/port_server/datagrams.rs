//! A datagram socket whose datagrams are sent back, each operation by itself.

use core::cell::Cell;
use std::rc::Rc;

use provider_core::{Routine, SocketHandle, WsaError as E};
use wspsim::api::{Os, Packet, Win32Error};

use crate::common::{RECORD_HEADER, is_dead_datagram, whole_record};

use super::link::{Link, Operation};
use super::server::{Server, Session};

/// The most bytes of a record after its header.
pub(super) const LONGEST: usize = 600;
/// How many operations are out.
const DEPTH: usize = 6;

/// A datagram socket.
pub(super) struct Datagrams {
    server: Rc<Server>,
    link: Link,
    /// Each receives, sends back, receives.
    operations: Vec<Operation>,
    /// Which of them send.
    sends: [Cell<bool>; DEPTH],
}

impl Datagrams {
    pub(super) fn new(os: &Os, server: Rc<Server>, s: SocketHandle) -> Self {
        let room = RECORD_HEADER + LONGEST + 1;
        Self {
            server,
            link: Link::new(s),
            operations: (0..DEPTH).map(|_| Operation::new(os, room)).collect(),
            sends: Default::default(),
        }
    }

    /// Starts a receive, unless something is out.
    fn receive(&self, os: &Os, index: usize) {
        let operation = &self.operations[index];
        if !operation.is_idle() || self.link.is_closing() {
            return;
        }
        self.sends[index].set(false);
        let room = [operation.buffer.all()];
        let started = self.link.start(os, operation, |s, overlapped| {
            operation.from.reset();
            let from = Some(&operation.from);
            os.wsa_recv_from(s, &room, 0, from, Some(overlapped), Routine::NULL)
        });
        if let Err(error) = started {
            self.failed(os, "WSARecvFrom", error);
        }
    }

    /// Sends back what was received. Whether that is out.
    fn send_back(&self, os: &Os, index: usize, len: usize) -> bool {
        let operation = &self.operations[index];
        let bytes = operation.buffer.read(0, len);
        // An empty datagram is a datagram like any other (BUF-7); it holds no record.
        if len > 0
            && let Err(wrong) = whole_record(&bytes)
        {
            os.fail(&wrong);
        }
        let Some(to) = operation.from.address() else {
            os.fail("WSARecvFrom gave no source");
            return false;
        };
        self.sends[index].set(true);
        operation.len.set(len);
        let part = [operation.buffer.part(0..len)];
        let started = self.link.start(os, operation, |s, overlapped| {
            os.wsa_send_to(s, &part, 0, Some(to), Some(overlapped), Routine::NULL)
        });
        if let Err(error) = started {
            self.failed(os, "WSASendTo", error);
        }
        started.is_ok()
    }

    /// A call was refused, or an operation failed: passing, or the end of the socket.
    fn failed(&self, os: &Os, what: &str, error: E) {
        let end = self.server.ending.get() && error == E::WSANOTINITIALISED;
        if end || is_dead_datagram(os, what, error) {
            self.link.close(os);
        }
    }
}

impl Session for Datagrams {
    fn told(&self, os: &Os, packet: &Packet, error: Win32Error) {
        let found = self.operations.iter().position(|op| op.is_at(packet.overlapped));
        let Some(index) = found else {
            return os.fail(&format!("a packet of another socket's operation: {packet:?}"));
        };
        let operation = &self.operations[index];
        let Some(ended) = operation.told(os, packet, error) else { return };
        let was_send = self.sends[index].get();
        match ended.result() {
            Ok(len) if !was_send => {
                if self.send_back(os, index, len as usize) {
                    return;
                }
            }
            Ok(len) if len as usize != operation.len.get() => {
                let whole = operation.len.get();
                os.fail(&format!("a datagram of {whole} bytes was sent with {len}"));
            }
            Ok(_) => {}
            Err(error) => self.failed(os, "a datagram operation", error),
        }
        self.receive(os, index);
    }

    fn tend(&self, os: &Os) {
        (0..DEPTH).for_each(|index| self.receive(os, index));
    }

    fn close(&self, os: &Os) {
        self.link.close(os);
    }

    fn is_over(&self) -> bool {
        self.link.is_over(&self.operations)
    }
}
