//! A node that is nothing but a stack: enough of a machine to drive.

use core::cell::{Cell, RefCell};
use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::rc::Rc;

use provider_core::{Family, Kind, WsaError};

use crate::event::{At, MachineId, What};
use crate::net::stack::{Stack, StackConfig, StackSocket};
use crate::world::{Directory, Node, Outgoing, Shared, WirePacket};

pub(super) const PORT: u16 = 7;

/// What a client does: sends `count` datagrams, a window of them at a time, each again until its
/// echo comes; then pauses, and all over again, `rounds` times.
#[derive(Clone, Copy)]
pub(super) struct Work {
    pub(super) count: u32,
    pub(super) window: usize,
    pub(super) retry_ns: u64,
    pub(super) rounds: u32,
    pub(super) pause_ns: u64,
}

/// A client with work, or a server without.
pub(super) struct Echo {
    shared: Rc<Shared>,
    id: MachineId,
    peer: SocketAddr,
    work: Option<Work>,
    stack: RefCell<Stack>,
    socket: StackSocket,
    held: RefCell<BTreeMap<(u64, MachineId, u64), Vec<u8>>>,
    held_count: Cell<u64>,
    sent: RefCell<Vec<Outgoing>>,
    state: RefCell<State>,
    stopped: Cell<bool>,
    off: Cell<bool>,
}

#[derive(Default)]
struct State {
    next: u32,
    /// Number and time of the next try.
    open: Vec<(u32, u64)>,
    round: u32,
    paused_until: u64,
    due: Option<u64>,
}

impl Echo {
    pub(super) fn boot(
        shared: &Rc<Shared>,
        id: MachineId,
        server: MachineId,
        work: Option<Work>,
        incarnation: u32,
        now_ns: u64,
    ) -> Rc<dyn Node> {
        let mut stack = Stack::new(StackConfig {
            v4: Directory::v4(id),
            v6: Directory::v6(id),
            mtu: 1500,
            seed: u64::from(id.0) << 32 | u64::from(incarnation),
        });
        let socket = stack.open(Family::V4, Kind::Datagram).unwrap();
        let port = if work.is_some() { 0 } else { PORT };
        stack.bind(socket, SocketAddr::from(([0, 0, 0, 0], port))).unwrap();
        let _ = stack.try_recv_from(socket, &mut [], false);
        Rc::new(Self {
            shared: shared.clone(),
            id,
            peer: (Directory::v4(server), PORT).into(),
            work,
            stack: RefCell::new(stack),
            socket,
            held: RefCell::default(),
            held_count: Cell::new(0),
            sent: RefCell::default(),
            state: RefCell::new(State { due: Some(now_ns), ..State::default() }),
            stopped: Cell::new(false),
            off: Cell::new(false),
        })
    }

    fn at(&self, time_ns: u64) -> At {
        At { time_ns, machine: self.id, thread: None }
    }

    /// Everything that can be done at this moment.
    fn act(&self, now_ns: u64) {
        let mut stack = self.stack.borrow_mut();
        let mut buffer = [0; 512];
        loop {
            match stack.try_recv_from(self.socket, &mut buffer, false) {
                Ok((len, from)) if self.work.is_none() => {
                    let _ = stack.try_send_to(self.socket, &buffer[..len], from);
                }
                Ok((4.., _)) => {
                    let number = u32::from_le_bytes(buffer[..4].try_into().unwrap());
                    self.state.borrow_mut().open.retain(|(open, _)| *open != number);
                }
                Ok(_) | Err(WsaError::WSAECONNRESET) => {}
                Err(_) => break,
            }
        }
        if let Some(work) = self.work {
            self.send_more(work, &mut stack, now_ns);
        }
        let mut packets = Vec::new();
        stack.poll(now_ns, &mut packets);
        let to = |packet: &[u8]| {
            let [a, b, c, d]: [u8; 4] = packet[16..20].try_into().unwrap();
            self.shared.directory.at([a, b, c, d].into()).unwrap()
        };
        let out =
            packets.into_iter().map(|bytes| Outgoing { to: to(&bytes), sent_ns: now_ns, bytes });
        self.sent.borrow_mut().extend(out);
    }

    fn send_more(&self, work: Work, stack: &mut Stack, now_ns: u64) {
        let mut state = self.state.borrow_mut();
        if state.paused_until > now_ns || state.round == work.rounds {
            return;
        }
        while state.open.len() < work.window && state.next < work.count {
            let number = state.next;
            state.open.push((number, now_ns));
            state.next += 1;
        }
        for (number, at_ns) in state.open.iter_mut().filter(|(_, at_ns)| *at_ns <= now_ns) {
            let mut datagram = [0; 256];
            datagram[..4].copy_from_slice(&number.to_le_bytes());
            let _ = stack.try_send_to(self.socket, &datagram, self.peer);
            *at_ns = now_ns + work.retry_ns;
        }
        if state.open.is_empty() && state.next == work.count {
            state.round += 1;
            state.next = 0;
            state.paused_until = now_ns + work.pause_ns;
        }
    }

    fn own_due(&self) -> Option<u64> {
        let state = self.state.borrow();
        let pause = self.work.filter(|work| state.round < work.rounds).map(|_| state.paused_until);
        let retry = state.open.iter().map(|(_, at_ns)| *at_ns).min();
        // While a window is open the pause is long over.
        retry.or(pause).or(state.due)
    }
}

impl Node for Echo {
    fn receive(&self, packet: WirePacket) {
        let number = self.held_count.replace(self.held_count.get() + 1);
        self.held.borrow_mut().insert((packet.due_ns, packet.from, number), packet.bytes);
    }

    fn run(&self, now_ns: u64, until_ns: u64) {
        let mut now_ns = now_ns;
        while now_ns < until_ns && !self.shared.stopping_run() {
            self.state.borrow_mut().due = None;
            let due = self.held.borrow().first_key_value().map(|(key, _)| *key);
            match due.filter(|(due_ns, ..)| *due_ns <= now_ns) {
                Some(key) => {
                    let packet = self.held.borrow_mut().remove(&key).unwrap();
                    let len = packet.len() as u32;
                    if self.shared.is_cut(key.1, self.id) {
                        self.shared
                            .record(self.at(now_ns), What::PacketDropped { to: self.id, len });
                    } else {
                        self.shared.record(self.at(now_ns), What::PacketReceived { len });
                        self.stack.borrow_mut().receive(now_ns, &packet);
                    }
                    self.shared.recycle(packet);
                }
                None => {
                    self.act(now_ns);
                    let Some(next) = self.next_due() else { return };
                    now_ns = next.max(now_ns);
                }
            }
        }
    }

    fn next_due(&self) -> Option<u64> {
        let held = self.held.borrow().first_key_value().map(|((due_ns, ..), _)| *due_ns);
        [held, self.own_due()].into_iter().flatten().min()
    }

    fn take_sent(&self, into: &mut Vec<Outgoing>) {
        into.append(&mut self.sent.borrow_mut());
    }

    fn crash_requested(&self) -> bool {
        false
    }

    fn finished(&self) -> bool {
        match self.work {
            Some(work) => self.state.borrow().round == work.rounds,
            None => self.stopped.get(),
        }
    }

    fn stop(&self) {
        self.stopped.set(true);
        self.state.borrow_mut().due = Some(0);
    }

    fn power_off(&self) {
        assert!(!self.off.replace(true), "the power goes off once");
    }

    fn describe(&self, into: &mut String) {
        let open = self.state.borrow().open.len();
        into.push_str(&format!("  main: waits for {open} echoes\n"));
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        assert!(self.off.get(), "a node is not dropped with its power on");
    }
}
