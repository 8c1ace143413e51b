//! The machine's network: packets held until they are due, and the stack.

use core::cell::Cell;
use core::cmp::Reverse;
use core::net::SocketAddr;
use std::collections::BinaryHeap;
use std::rc::Rc;

use provider_core::{Kind, Readiness, Token, Work};

use crate::choice::Purpose;
use crate::event::{MachineId, What};
use crate::net::stack::{Stack, StackConfig, StackSocket, destination, is_for_all};
use crate::process::Process;
use crate::world::{Directory, Outgoing, Shared, WirePacket};

use super::{Kernel, POLL_WITHIN_NS};

struct HeldPacket {
    number: u64,
    packet: WirePacket,
}

impl HeldPacket {
    fn key(&self) -> (u64, MachineId, u64) {
        (self.packet.due_ns, self.packet.from, self.number)
    }
}

impl PartialEq for HeldPacket {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for HeldPacket {}

impl PartialOrd for HeldPacket {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for HeldPacket {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// Packets on their way, by due time, then sender, then order of arrival.
#[derive(Default)]
pub(super) struct Held {
    heap: BinaryHeap<Reverse<HeldPacket>>,
    next_number: u64,
}

/// What the kernel knows of a socket that a provider opened in the stack.
#[derive(Clone)]
pub(crate) struct TransportEntry {
    socket: StackSocket,
    pub(crate) process: Rc<Process>,
    pub(crate) token: Token,
    /// Its number in its machine, by order of creation, over all incarnations.
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) keep_alive: bool,
    /// Where it was last told to connect to.
    pub(crate) peer: Option<SocketAddr>,
    /// What a timer will tell that it is ready for, since a fault refused it.
    late: Rc<Cell<Readiness>>,
}

impl TransportEntry {
    /// Notes that it will be ready a little later. False when that is to come already: it is told
    /// once, and one timer for each refusal would bring more of them than it ends.
    pub(crate) fn begin_late(&self, readiness: Readiness) -> bool {
        let late = self.late.get();
        self.late.set(late.union(readiness));
        !late.contains(readiness)
    }

    /// It is ready now.
    pub(crate) fn end_late(&self, readiness: Readiness) {
        let others = [Readiness::CONNECT, Readiness::RECEIVE, Readiness::SEND, Readiness::URGENT]
            .into_iter()
            .filter(|other| *other != readiness && self.late.get().contains(*other));
        self.late.set(others.fold(Readiness::NONE, Readiness::union));
        self.tell_ready(readiness);
    }

    /// The provider's worker hears that the socket may make progress.
    pub(crate) fn tell_ready(&self, readiness: Readiness) {
        self.process.watch(|watch| watch.transport_ready(self.number, readiness));
        self.process.push_work(Work::Ready(self.token, readiness));
    }
}

/// The sockets that providers opened, by their place in the stack.
#[derive(Default)]
pub(crate) struct Transports(Vec<Option<TransportEntry>>);

impl Transports {
    pub(crate) fn open(
        &mut self,
        socket: StackSocket,
        process: &Rc<Process>,
        token: Token,
        number: u32,
        kind: Kind,
    ) {
        let place = usize::from(socket.0 as u16);
        if self.0.len() <= place {
            self.0.resize_with(place + 1, || None);
        }
        let process = Rc::clone(process);
        self.0[place] = Some(TransportEntry {
            socket,
            process,
            token,
            number,
            kind,
            keep_alive: false,
            peer: None,
            late: Rc::default(),
        });
    }

    pub(crate) fn get(&self, socket: StackSocket) -> Option<&TransportEntry> {
        let entry = self.0.get(usize::from(socket.0 as u16))?.as_ref()?;
        (entry.socket == socket).then_some(entry)
    }

    pub(crate) fn get_mut(&mut self, socket: StackSocket) -> Option<&mut TransportEntry> {
        let entry = self.0.get_mut(usize::from(socket.0 as u16))?.as_mut()?;
        (entry.socket == socket).then_some(entry)
    }

    pub(crate) fn close(&mut self, socket: StackSocket) -> Option<TransportEntry> {
        self.get(socket)?;
        self.0[usize::from(socket.0 as u16)].take()
    }

    /// The sockets of `process` that are open.
    pub(crate) fn of(&self, process: &Process) -> Vec<StackSocket> {
        let entries = self.0.iter().flatten();
        entries.filter(|e| e.process.id == process.id).map(|e| e.socket).collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The stack of a machine; each incarnation has another seed, or its new connections would look
/// like the old ones.
pub(super) fn new_stack(shared: &Shared, id: MachineId, incarnation: u32) -> Stack {
    let stream = shared.stream(Purpose::Stack, u32::from(id.0));
    let high = u64::from(shared.word(stream)) << 32;
    let seed = (high | u64::from(shared.word(stream))).wrapping_add(u64::from(incarnation));
    Stack::new(StackConfig {
        v4: Directory::v4(id),
        v6: Directory::v6(id),
        mtu: shared.settings.network.mtu as usize,
        seed,
    })
}

impl Kernel {
    /// Holds a packet until it is due.
    pub(crate) fn hold(&self, packet: WirePacket) {
        let mut held = self.held.borrow_mut();
        held.next_number += 1;
        let number = held.next_number;
        held.heap.push(Reverse(HeldPacket { number, packet }));
    }

    pub(super) fn first_held(&self) -> Option<u64> {
        self.held.borrow().heap.peek().map(|held| held.0.packet.due_ns)
    }

    /// Hands the packets that are due to the stack, save those whose link is cut.
    pub(super) fn deliver_packets(&self) {
        while self.first_held().is_some_and(|due_ns| due_ns <= self.now_ns()) {
            let Some(Reverse(HeldPacket { packet, .. })) = self.held.borrow_mut().heap.pop() else {
                return;
            };
            let len = packet.bytes.len() as u32;
            if self.shared.is_cut(packet.from, self.id) {
                self.record(What::PacketDropped { to: self.id, len });
                self.shared.recycle(packet.bytes);
                continue;
            }
            self.record(What::PacketReceived { len });
            self.stack.borrow_mut().receive(self.now_ns(), &packet.bytes);
            self.shared.recycle(packet.bytes);
            self.stack_dirty.set(true);
        }
    }

    /// The stack was called: what it now has to send goes out soon, whatever the threads do.
    pub(crate) fn stack_touched(&self) {
        if !self.stack_dirty.replace(true) {
            self.due_at(self.now_ns() + POLL_WITHIN_NS);
        }
    }

    pub(super) fn stack_due(&self) -> Option<u64> {
        if self.stack_dirty.get() {
            return Some(self.now_ns());
        }
        self.stack.borrow_mut().poll_at(self.now_ns())
    }

    /// Lets the stack send what it has, and hands out what became ready.
    pub(super) fn poll_stack(&self) {
        if self.stack_due().is_none_or(|due_ns| due_ns > self.now_ns()) {
            return;
        }
        self.stack_dirty.set(false);
        let now_ns = self.now_ns();
        let mut packets = core::mem::take(&mut *self.packets.borrow_mut());
        self.stack.borrow_mut().poll(now_ns, &mut packets);
        for bytes in packets.drain(..) {
            self.put_on_wire(bytes, now_ns);
        }
        self.packets.replace(packets);
        loop {
            let ready = self.stack.borrow_mut().take_ready();
            let Some((socket, readiness)) = ready else { break };
            self.tell_ready(socket, readiness);
        }
    }

    fn put_on_wire(&self, bytes: Vec<u8>, sent_ns: u64) {
        // One buffer goes out, another one comes in: neither pool runs dry.
        self.stack.borrow_mut().recycle(self.shared.buffer());
        let mut sent = self.sent.borrow_mut();
        match destination(&bytes) {
            Some(address) if is_for_all(address) => {
                for to in self.shared.directory.ids().filter(|to| *to != self.id) {
                    let mut copy = self.shared.buffer();
                    copy.extend_from_slice(&bytes);
                    sent.push(Outgoing { to, sent_ns, bytes: copy });
                }
                self.shared.recycle(bytes);
            }
            Some(address) => match self.shared.directory.at(address) {
                Some(to) => sent.push(Outgoing { to, sent_ns, bytes }),
                None => self.shared.recycle(bytes),
            },
            None => self.shared.recycle(bytes),
        }
    }

    /// A transport socket may make progress: the provider's worker hears of it.
    fn tell_ready(&self, socket: StackSocket, readiness: Readiness) {
        let entry = self.transports.borrow().get(socket).cloned();
        if let Some(entry) = entry {
            entry.tell_ready(readiness);
        }
    }

    /// Moves what was sent since the last call into `into`.
    pub(crate) fn take_sent(&self, into: &mut Vec<Outgoing>) {
        into.append(&mut self.sent.borrow_mut());
    }

    /// Gives the buffers of packets that nobody will see any more back to the pool.
    pub(super) fn return_packets(&self) {
        for held in self.held.borrow_mut().heap.drain() {
            self.shared.recycle(held.0.packet.bytes);
        }
        for outgoing in self.sent.borrow_mut().drain(..) {
            self.shared.recycle(outgoing.bytes);
        }
    }
}
