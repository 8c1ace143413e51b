//! Completion port objects: packets first come first served, threads last come first served, and
//! no more of these running at once than the port was made for.
//!
//! A thread belongs to the port at which it waited last, and counts as running there unless it is
//! blocked, wherever that is: as it blocks, the port lets the next one go. A thread that wakes from
//! something else counts again at once, so for a while there can be more than wanted, as on Windows.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::collections::VecDeque;
use std::rc::Rc;

use provider_core::UserPtr;

use crate::event::What;

use super::wait::{WaitFor, Woken};
use super::{Kernel, Thread};

/// What a port hands out for one completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CompletionPacket {
    /// The completion key: the socket's, or the poster's.
    pub(crate) key: usize,
    pub(crate) overlapped: UserPtr,
    /// The Winsock error of an operation that failed; 0 for success, and for what a program posted.
    pub(crate) error: u32,
    pub(crate) bytes: u32,
}

/// A completion port.
pub struct PortObject {
    /// By order of creation in its machine: for messages.
    pub(crate) number: u32,
    /// How many of its threads are to run at once.
    concurrency: u32,
    packets: RefCell<VecDeque<CompletionPacket>>,
    /// How many of its threads run: are not blocked.
    running: Cell<u32>,
    closed: Cell<bool>,
}

impl PortObject {
    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    fn has_room(&self) -> bool {
        self.running.get() < self.concurrency
    }

    fn starts_running(&self) {
        self.running.set(self.running.get() + 1);
    }

    fn stops_running(&self) {
        self.running.set(self.running.get() - 1);
    }
}

impl fmt::Display for PortObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, concurrency, running, packets, .. } = self;
        let (packets, running) = (packets.borrow().len(), running.get());
        write!(f, "completion port {number} ({packets} packet(s), {running} of {concurrency} run)")
    }
}

impl Kernel {
    /// A port that lets `concurrency` threads run at once.
    pub(crate) fn new_port(&self, concurrency: u32) -> Rc<PortObject> {
        let number = self.next_port.get();
        self.next_port.set(number + 1);
        Rc::new(PortObject {
            number,
            concurrency,
            packets: RefCell::default(),
            running: Cell::new(0),
            closed: Cell::new(false),
        })
    }

    /// Queues a packet. A waiting thread has it at once, if the port lets one more run.
    pub(crate) fn post_packet(&self, port: &Rc<PortObject>, packet: CompletionPacket) {
        self.record_packet(port, packet, false);
        // Nobody can take what comes to a port without a handle.
        if !port.is_closed() {
            port.packets.borrow_mut().push_back(packet);
            self.release_waiters(port);
        }
    }

    /// CloseHandle of its last handle: packets are lost, and those who wait are told.
    pub(crate) fn close_port(&self, port: &Rc<PortObject>) {
        port.closed.set(true);
        port.packets.borrow_mut().clear();
        while let Some(waiter) = self.last_waiter(port) {
            self.wake(&waiter, Woken::Object(0));
        }
    }

    /// The next packet, whoever runs: for a thread that has one already.
    pub(crate) fn next_packet(&self, port: &PortObject) -> Option<CompletionPacket> {
        let packet = port.packets.borrow_mut().pop_front()?;
        self.record_packet(port, packet, true);
        Some(packet)
    }

    /// The running thread turns to `port`, its own from now on; whether that satisfies its wait:
    /// there is a packet and it may run with it, or the port is closed.
    pub(super) fn turn_to_port(&self, me: &Thread, port: &Rc<PortObject>) -> bool {
        let is_mine = me.port.borrow().as_ref().is_some_and(|mine| Rc::ptr_eq(mine, port));
        if !is_mine {
            self.leave_port(me, true);
            me.port.replace(Some(Rc::clone(port)));
            port.starts_running();
        }
        // It asks for work, so it does not count among those that have some.
        port.stops_running();
        if port.has_room() {
            me.packet.set(port.packets.borrow_mut().pop_front());
        }
        port.starts_running();
        me.packet.get().is_some() || port.is_closed()
    }

    /// The packet that a wait at `port` ended with; `None` when it ended since the port was closed.
    pub(crate) fn packet_taken(&self, me: &Thread, port: &PortObject) -> Option<CompletionPacket> {
        let packet = me.packet.take()?;
        self.record_packet(port, packet, true);
        Some(packet)
    }

    /// A thread blocks: another one may run in its place.
    pub(super) fn port_thread_blocks(&self, me: &Thread) {
        let port = me.port.borrow().clone();
        if let Some(port) = port {
            port.stops_running();
            self.release_waiters(&port);
        }
    }

    /// A thread is blocked no longer.
    pub(super) fn port_thread_wakes(&self, thread: &Thread) {
        if let Some(port) = &*thread.port.borrow() {
            port.starts_running();
        }
    }

    /// A thread that runs, or is blocked, belongs to no port any more.
    pub(super) fn leave_port(&self, thread: &Thread, runs: bool) {
        if let Some(port) = thread.port.take()
            && runs
        {
            port.stops_running();
            self.release_waiters(&port);
        }
    }

    /// Hands packets to those who wait, as far as there are some and the port lets more run.
    fn release_waiters(&self, port: &Rc<PortObject>) {
        while port.has_room() && !port.packets.borrow().is_empty() {
            let Some(waiter) = self.last_waiter(port) else { return };
            waiter.packet.set(port.packets.borrow_mut().pop_front());
            self.wake(&waiter, Woken::Object(0));
        }
    }

    /// Who began to wait last: that one's memory is most likely still at hand.
    fn last_waiter(&self, port: &Rc<PortObject>) -> Option<Rc<Thread>> {
        let waits = |thread: &&Rc<Thread>| matches!(&*thread.wait.borrow(), Some(WaitFor::Port(of, _)) if Rc::ptr_eq(of, port));
        self.waiting.borrow().iter().rev().find(waits).cloned()
    }

    fn record_packet(&self, port: &PortObject, packet: CompletionPacket, taken: bool) {
        let CompletionPacket { key, overlapped, error, bytes } = packet;
        let (key, overlapped) = (key as u64, overlapped.0 as u64);
        self.record(What::PortPacket { port: port.number, key, overlapped, error, bytes, taken });
    }
}
