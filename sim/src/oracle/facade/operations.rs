//! How operations end: by a status, an event, a packet.

use provider_core::{EventHandle, SocketHandle, UserPtr, WsaError};

use super::Oracles;
use crate::event::{At, Function, MachineId};
use crate::oracle::book::SocketId;
use crate::oracle::facts::{CallId, OverlappedFacts, ProcessKey, Received};
use crate::oracle::receive::Delivery;
use crate::oracle::violation::Verdict;

impl Oracles {
    /// WPUCompleteOverlappedRequest was called; nothing is stored yet.
    ///
    /// # Errors
    /// RET-3.
    pub fn complete_overlapped(
        &mut self,
        at: At,
        process: ProcessKey,
        socket: SocketHandle,
        overlapped: UserPtr,
        error: u32,
        _bytes: u32,
    ) -> Verdict {
        self.ledgers.of(process.machine).completing(at, process, socket, overlapped, error)
    }

    /// A status word was stored; `now` is the OVERLAPPED with it, `received` what a receive gave,
    /// `on_port` tells whether a SOCKET is associated with a completion port at this moment.
    ///
    /// # Errors
    /// RET-3, RET-2, OVL-7, OVL-9, OVL-10, RET-14, CXL-8, ORD-2, ORD-3.
    pub fn status_stored(
        &mut self,
        at: At,
        process: ProcessKey,
        overlapped: UserPtr,
        now: OverlappedFacts,
        received: Option<Received<'_>>,
        on_port: &dyn Fn(SocketHandle) -> bool,
    ) -> Verdict {
        // Whether an operation is on its way is known from its call.
        if !crate::oracle::ledger::is_final(now.status) {
            return Ok(());
        }
        let ledger = self.ledgers.of(process.machine);
        let of = ledger.in_progress(process, overlapped);
        let verdict = ledger.stored(&self.book, at, process, overlapped, now, on_port);
        let Some((call, Some(socket), function)) = of else { return verdict };
        let order = match function {
            Function::WSPSend | Function::WSPSendTo => {
                let excused = self.ledgers.of(process.machine).is_ending(process);
                self.order.op_ended(socket, call, &now, excused)
            }
            Function::WSPRecv | Function::WSPRecvFrom => {
                self.operation_received(socket, call, overlapped, &now, received)
            }
            _ => Ok(()),
        };
        verdict.and(order)
    }

    fn operation_received(
        &mut self,
        socket: SocketId,
        call: CallId,
        overlapped: UserPtr,
        now: &OverlappedFacts,
        received: Option<Received<'_>>,
    ) -> Verdict {
        let truncated = now.error == WsaError::WSAEMSGSIZE.0 as u32;
        let stream = self.book.socket(socket).facts.stream;
        // What a failed receive says that it got counts on a stream.
        let counts = now.error == 0 || truncated || stream;
        let how = if truncated { Delivery::Truncated } else { Delivery::Whole };
        let handle = self.book.socket(socket).handle.0;
        let tsock = self.transports.of(socket);
        let words =
            || format!("the receive on socket {handle:#x} with OVERLAPPED {:#x}", overlapped.0);
        if self.receive.is_urgent(call) {
            let received = received.filter(|_| now.error == 0);
            return self.receive.urgent_delivered(tsock, call, received, words);
        }
        let received = received.filter(|_| counts);
        self.receive.delivered(&self.book, socket, tsock, call, received, how, words)
    }

    /// The provider set a client's event: of an operation, or for network events.
    ///
    /// # Errors
    /// EVT-3, EVT-6, EVT-7, CXL-7, EVENTSELECT-4.
    pub fn event_set(&mut self, at: At, process: ProcessKey, event: EventHandle) -> Verdict {
        if self.notification.knows(process, event)
            && !self.ledgers.of(process.machine).knows(process, event)
        {
            return self.notification.event_set(&self.book, at, process, event);
        }
        self.ledgers.of(process.machine).event_set(&self.book, at, process, event)
    }

    /// WPUCompleteOverlappedRequest was refused by the host.
    ///
    /// # Errors
    /// None at present.
    pub fn completion_refused(&mut self, process: ProcessKey, overlapped: UserPtr) -> Verdict {
        self.ledgers.of(process.machine).completion_refused(process, overlapped);
        Ok(())
    }

    /// A SOCKET was associated with a completion port.
    ///
    /// # Errors
    /// None at present.
    pub fn port_associated(&mut self, process: ProcessKey, socket: SocketHandle) -> Verdict {
        self.book.associate(process, socket);
        Ok(())
    }

    /// The host posts an operation's packet to its socket's port.
    ///
    /// # Errors
    /// RET-3, EVT-9, OVL-7, CXL-7.
    pub fn packet_posted(&mut self, at: At, process: ProcessKey, overlapped: UserPtr) -> Verdict {
        self.ledgers.of(process.machine).packet_posted(&self.book, at, process, overlapped)
    }

    /// What of a machine's operations somebody may wait for in vain: for the liveness oracle.
    pub fn describe_owed(&mut self, machine: MachineId, into: &mut String) {
        self.ledgers.of(machine).describe_owed(into);
    }
}
