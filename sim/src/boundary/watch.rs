//! [`Watch`]: what the simulator's host tells of a process, and what the system holds for it.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use provider_core::layout::{self, overlapped, sockaddr_family};
use provider_core::spi::WSS_OPERATION_IN_PROGRESS;
use provider_core::{EventHandle, MemoryFault, Routine, SocketHandle, UserPtr};

use super::surroundings::Surroundings;
use crate::event::{At, Tid};
use crate::memory::{AccessError, Arena, LoanId};
use crate::oracle::{
    LeakFacts, Oracles, OverlappedFacts, Post, ProcessKey, Received, SocketFacts, Verdict,
};

/// The low bits of a handle mean nothing to the system (EVT-9).
const TAG_BITS: usize = 3;
/// But this one, set in `hEvent`, keeps the socket's port quiet.
pub(crate) const NO_PACKET: usize = 1;

/// What an overlapped operation holds of the client's memory.
pub(super) struct Lending {
    pub(super) serial: u64,
    pub(super) loan: LoanId,
    /// Where a receive puts its bytes; empty for a send.
    pub(super) room: Vec<(UserPtr, u32)>,
    /// Where a receive puts its sender.
    pub(super) from: UserPtr,
}

/// The observer of one process. Its methods never call back and never switch threads; what an
/// oracle finds goes to [`Surroundings::report`].
pub struct Watch {
    pub(super) around: Rc<dyn Surroundings>,
    pub(super) process: ProcessKey,
    pub(super) arena: Rc<Arena>,
    /// Operations that hold memory, by the address of their OVERLAPPED; few at a time.
    lendings: RefCell<Vec<(usize, Lending)>>,
    serial: Cell<u64>,
    /// Gathered bytes; borrowed only while no call out is made.
    pub(super) scratch: RefCell<Vec<u8>>,
    rooms: RefCell<Vec<Vec<(UserPtr, u32)>>>,
}

impl Watch {
    /// The observer of `process`, whose memory is `arena`.
    pub fn new(around: Rc<dyn Surroundings>, process: ProcessKey, arena: Rc<Arena>) -> Self {
        Self {
            around,
            process,
            arena,
            lendings: RefCell::default(),
            serial: Cell::new(0),
            scratch: RefCell::default(),
            rooms: RefCell::default(),
        }
    }

    /// The process's memory.
    pub fn arena(&self) -> &Rc<Arena> {
        &self.arena
    }

    /// Which process is watched.
    pub fn process(&self) -> ProcessKey {
        self.process
    }

    /// An access of the provider's was refused: reports what is a violation. Either way the
    /// provider sees a fault.
    pub fn fault(&self, error: AccessError) -> MemoryFault {
        if let AccessError::Violation(violation) = error {
            self.around.report(self.around.at(), *violation);
        }
        MemoryFault
    }

    /// Tells the oracles, and reports what they find.
    pub(super) fn tell(&self, step: impl FnOnce(&mut Oracles, At, ProcessKey) -> Verdict) {
        let at = self.around.at();
        let verdict = step(&mut self.around.oracles().borrow_mut(), at, self.process);
        if let Err(violation) = verdict {
            self.around.report(at, violation);
        }
    }

    pub(super) fn socket_facts(&self, socket: SocketHandle) -> Option<SocketFacts> {
        self.around.oracles().borrow().socket_facts(self.process, socket)
    }

    /// An upcall is about to be made: no lock of the provider's may be held (REENT-2).
    pub fn upcall(&self, name: &'static str) {
        self.tell(|oracles, at, _| oracles.upcall(at, name));
    }

    /// WPUQueueApc was decided: `target` is the thread named, where there is one.
    pub fn apc_queued(&self, target: Option<Tid>, context: usize, accepted: bool) {
        self.tell(|oracles, at, process| {
            oracles.apc_queued(at, process, target, context, accepted)
        });
    }

    /// A worker of the host's begins or ends to bring work to the provider.
    pub(super) fn serving(&self, begins: bool) {
        let at = self.around.at();
        let mut oracles = self.around.oracles().borrow_mut();
        if begins { oracles.service_enter(at) } else { oracles.service_leave(at) }
    }

    /// WPUPostMessage was called: `posted` tells whether the message got there.
    pub fn message_posted(&self, post: Post, posted: bool) {
        self.tell(|oracles, at, process| oracles.message_posted(at, process, post, posted));
    }

    /// WPUCompleteOverlappedRequest was called; nothing is stored yet.
    pub fn complete_overlapped(
        &self,
        socket: SocketHandle,
        overlapped: UserPtr,
        error: u32,
        bytes: u32,
    ) {
        self.tell(|oracles, at, process| {
            oracles.complete_overlapped(at, process, socket, overlapped, error, bytes)
        });
    }

    /// A status word was stored at `address`. A final one ends what the operation holds.
    pub fn status_stored(&self, address: UserPtr, status: u32) {
        // One that is not final tells nothing that the call did not.
        if status == WSS_OPERATION_IN_PROGRESS {
            return;
        }
        let mut now = self.overlapped_facts(address).unwrap_or(OverlappedFacts {
            status,
            bytes: 0,
            error: 0,
            flags: 0,
        });
        now.status = status;
        let on_port = |socket| self.around.is_on_port(socket);
        let Some(lending) = self.take_lending(address, None) else {
            self.tell(|oracles, at, process| {
                oracles.status_stored(at, process, address, now, None, &on_port)
            });
            return;
        };
        {
            let mut bytes = self.scratch.borrow_mut();
            bytes.clear();
            self.gather_room(&lending.room, now.bytes, &mut bytes);
            let from = self.address_at(lending.from);
            let received = (!lending.room.is_empty() || !lending.from.is_null())
                .then_some(Received { bytes: &bytes, from });
            self.tell(|oracles, at, process| {
                oracles.status_stored(at, process, address, now, received, &on_port)
            });
        }
        self.end_lending(lending);
    }

    /// The provider set a client's event.
    pub fn event_set(&self, event: EventHandle) {
        let event = EventHandle(event.0 & !TAG_BITS);
        self.tell(|oracles, at, process| oracles.event_set(at, process, event));
    }

    /// WPUCompleteOverlappedRequest was refused: nobody can post the packet.
    pub fn completion_refused(&self, overlapped: UserPtr) {
        self.tell(|oracles, _, process| oracles.completion_refused(process, overlapped));
    }

    /// A SOCKET was associated with a completion port.
    pub fn port_associated(&self, socket: SocketHandle) {
        self.tell(|oracles, _, process| oracles.port_associated(process, socket));
    }

    /// The packet of an operation goes to its socket's port.
    pub fn packet_posted(&self, overlapped: UserPtr) {
        self.tell(|oracles, at, process| oracles.packet_posted(at, process, overlapped));
    }

    /// A client's routine is about to run in this thread.
    pub fn routine_enter(
        &self,
        routine: Routine,
        error: u32,
        bytes: u32,
        overlapped: UserPtr,
        flags: u32,
        alertable: bool,
    ) {
        self.tell(|oracles, at, process| {
            oracles.routine_enter(at, process, routine, error, bytes, overlapped, flags, alertable)
        });
    }

    /// The routine returned.
    pub fn routine_leave(&self) {
        self.tell(|oracles, at, process| oracles.routine_leave(at, process));
    }

    /// A condition function returned.
    pub fn condition_leave(&self, verdict: i32) {
        self.tell(|oracles, at, _| oracles.condition_leave(at, verdict));
    }

    /// A blocking hook is called.
    pub fn hook_enter(&self) {
        self.tell(|oracles, at, _| {
            oracles.hook_enter(at);
            Ok(())
        });
    }

    /// It returned.
    pub fn hook_leave(&self) {
        self.tell(|oracles, at, _| {
            oracles.hook_leave(at);
            Ok(())
        });
    }

    /// The last WSPCleanup has returned: nothing may be left.
    pub fn cleanup_done(&self, left: LeakFacts) {
        let owed = self.around.oracles().borrow_mut().owed_events(self.process);
        for event in owed.into_iter().filter(|event| !self.around.is_event(*event)) {
            self.around.oracles().borrow_mut().event_gone(self.process, event);
        }
        self.tell(|oracles, at, process| oracles.cleanup_done(at, process, left));
    }

    /// The words of an OVERLAPPED, where it is live memory.
    pub(super) fn overlapped_facts(&self, address: UserPtr) -> Option<OverlappedFacts> {
        let mut bytes = [0; overlapped::SIZE];
        if address.is_null() || !self.arena.peek(address, &mut bytes) {
            return None;
        }
        let dword = |at: usize| {
            let mut word = [0; 4];
            word.copy_from_slice(&bytes[at..at + 4]);
            u32::from_le_bytes(word)
        };
        let mut high = [0; layout::POINTER];
        high.copy_from_slice(
            &bytes[overlapped::INTERNAL_HIGH..overlapped::INTERNAL_HIGH + layout::POINTER],
        );
        Some(OverlappedFacts {
            status: dword(overlapped::INTERNAL),
            bytes: usize::from_le_bytes(high) as u64,
            error: dword(overlapped::OFFSET_HIGH),
            flags: dword(overlapped::OFFSET),
        })
    }

    /// `hEvent` of an OVERLAPPED, its tag bits cleared, 0 where it is no event object's; and whether
    /// it keeps the port quiet.
    pub(super) fn event_of(&self, address: UserPtr) -> (EventHandle, bool) {
        let mut bytes = [0; layout::POINTER];
        if address.is_null() || !self.arena.peek(address.offset(overlapped::EVENT), &mut bytes) {
            return (EventHandle(0), false);
        }
        let event = usize::from_le_bytes(bytes);
        let object = EventHandle(event & !TAG_BITS);
        let valid = object.0 != 0 && self.around.is_event(object);
        (if valid { object } else { EventHandle(0) }, event & NO_PACKET != 0)
    }

    /// The socket address in memory at `from`.
    pub(super) fn address_at(&self, from: UserPtr) -> Option<core::net::SocketAddr> {
        let mut family = [0; 2];
        if from.is_null() || !self.arena.peek(from, &mut family) {
            return None;
        }
        match sockaddr_family(&family) {
            provider_core::spi::AF_INET => {
                let mut bytes = [0; layout::SOCKADDR_IN];
                self.arena.peek(from, &mut bytes).then(|| layout::decode_sockaddr_in(&bytes))
            }
            provider_core::spi::AF_INET6 => {
                let mut bytes = [0; layout::SOCKADDR_IN6];
                self.arena.peek(from, &mut bytes).then(|| layout::decode_sockaddr_in6(&bytes))
            }
            _ => None,
        }
    }

    /// The first `bytes` bytes of a receive's buffers.
    pub(super) fn gather_room(&self, room: &[(UserPtr, u32)], bytes: u64, into: &mut Vec<u8>) {
        let mut left = bytes;
        for (at, len) in room {
            let part = left.min(u64::from(*len)) as usize;
            if part == 0 || !self.arena.peek_append(*at, part, into) {
                break;
            }
            left -= part as u64;
        }
    }

    pub(super) fn new_room(&self) -> Vec<(UserPtr, u32)> {
        self.rooms.borrow_mut().pop().unwrap_or_default()
    }

    pub(super) fn give_room(&self, mut room: Vec<(UserPtr, u32)>) {
        room.clear();
        self.rooms.borrow_mut().push(room);
    }

    /// Notes what an operation holds; its serial. `None` when an operation already holds this
    /// OVERLAPPED (OVL-11).
    pub(super) fn add_lending(
        &self,
        address: UserPtr,
        loan: LoanId,
        room: Vec<(UserPtr, u32)>,
        from: UserPtr,
    ) -> u64 {
        let serial = self.serial.get() + 1;
        self.serial.set(serial);
        self.lendings.borrow_mut().push((address.0, Lending { serial, loan, room, from }));
        serial
    }

    pub(super) fn is_lent(&self, address: UserPtr) -> bool {
        self.lendings.borrow().iter().any(|(at, _)| *at == address.0)
    }

    /// Takes out what the operation at `address` holds; with `serial` only if it is that one.
    pub(super) fn take_lending(&self, address: UserPtr, serial: Option<u64>) -> Option<Lending> {
        let mut lendings = self.lendings.borrow_mut();
        let index = lendings
            .iter()
            .position(|(at, l)| *at == address.0 && serial.is_none_or(|s| s == l.serial))?;
        Some(lendings.swap_remove(index).1)
    }

    pub(super) fn end_lending(&self, lending: Lending) {
        self.arena.take_back(lending.loan);
        self.give_room(lending.room);
    }
}
