//! Machines as turmoil hosts, and the wire between them.
//!
//! Each machine has one turmoil UDP socket. turmoil's own latency is 0 and its loss off: a packet
//! carries its due time behind it, and the receiving machine holds it until then. A host's future
//! is woken by the driver only when its machine has something to do.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::net::SocketAddr;
use core::panic::AssertUnwindSafe;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::panic::catch_unwind;
use std::rc::Rc;

use turmoil::net::UdpSocket;

use crate::event::MachineId;
use crate::net::link::Links;

use super::driver::NEVER;
use super::{Boot, Directory, DriverError, Node, Outgoing, Shared, WirePacket};

/// The UDP port that carries IP packets.
const PORT: u16 = 4;
/// What a turmoil step is called, whatever it stands for in virtual time.
const TICK: Duration = Duration::from_millis(1);
/// Seconds from 1970 to 2026: an epoch of turmoil's own choosing would be the wall clock.
const EPOCH: Duration = Duration::from_secs(1_767_225_600);
/// More packets than ever wait in a socket.
const UDP_CAPACITY: usize = 1 << 20;
/// What follows an IP packet on the wire: due time and sender.
const TRAILER: usize = 10;
/// The largest IP packet.
const PACKET_MAX: usize = 65_535;

/// The machines on turmoil.
pub(super) struct Carrier {
    sim: turmoil::Sim<'static>,
    wire: Rc<Wire>,
    /// Since a power loss of that machine, until it starts again.
    horizons: Vec<u64>,
}

/// What the hosts' futures and the driver share.
struct Wire {
    shared: Rc<Shared>,
    links: RefCell<Links>,
    posts: Vec<Post>,
    scratch: RefCell<Scratch>,
    failure: RefCell<Option<String>>,
}

struct Scratch {
    incoming: Vec<u8>,
    outgoing: Vec<Outgoing>,
}

/// One machine, as seen from outside of its future.
struct Post {
    boot: Boot,
    node: RefCell<Option<Rc<dyn Node>>>,
    waker: RefCell<Option<Waker>>,
    awake: Cell<bool>,
    down: Cell<bool>,
    incarnation: Cell<u32>,
    /// When the node wants to run.
    due_ns: Cell<u64>,
    /// When the first packet in its turmoil socket is due, and how many are there.
    inbox_due_ns: Cell<u64>,
    inbox_len: Cell<usize>,
    /// From when to when the node runs in this step.
    from_ns: Cell<u64>,
    until_ns: Cell<u64>,
    stopped: Cell<bool>,
    finished: Cell<bool>,
}

impl Post {
    fn new(boot: Boot) -> Self {
        Self {
            boot,
            node: RefCell::new(None),
            waker: RefCell::new(None),
            awake: Cell::new(false),
            down: Cell::new(false),
            incarnation: Cell::new(0),
            due_ns: Cell::new(0),
            inbox_due_ns: Cell::new(NEVER),
            inbox_len: Cell::new(0),
            from_ns: Cell::new(0),
            until_ns: Cell::new(0),
            stopped: Cell::new(false),
            finished: Cell::new(false),
        }
    }

    fn due(&self) -> u64 {
        if self.down.get() { NEVER } else { self.due_ns.get().min(self.inbox_due_ns.get()) }
    }

    fn with_node<R>(&self, f: impl FnOnce(&dyn Node) -> R) -> Option<R> {
        let node = self.node.borrow().clone();
        node.map(|node| f(&*node))
    }
}

impl Carrier {
    pub(super) fn new(shared: Rc<Shared>, boots: Vec<Boot>) -> Self {
        let machines = boots.len();
        let wire = Rc::new(Wire {
            links: RefCell::new(Links::new(machines)),
            posts: boots.into_iter().map(Post::new).collect(),
            scratch: RefCell::new(Scratch {
                incoming: vec![0; PACKET_MAX + TRAILER],
                outgoing: Vec::new(),
            }),
            failure: RefCell::new(None),
            shared,
        });
        let mut sim = turmoil::Builder::new()
            .epoch(epoch())
            .simulation_duration(Duration::MAX)
            .tick_duration(TICK)
            .min_message_latency(Duration::ZERO)
            .max_message_latency(Duration::ZERO)
            .udp_capacity(UDP_CAPACITY)
            .rng_seed(0)
            .build();
        for machine in wire.shared.directory.ids() {
            let wire = wire.clone();
            sim.host(Directory::v4(machine), move || host(wire.clone(), machine));
        }
        Self { sim, wire, horizons: vec![NEVER; machines] }
    }

    fn post(&self, machine: MachineId) -> &Post {
        &self.wire.posts[usize::from(machine.0)]
    }

    /// When the first machine has something to do.
    pub(super) fn earliest_due(&self) -> u64 {
        self.wire.posts.iter().map(Post::due).min().unwrap_or(NEVER)
    }

    /// One turmoil step: each machine runs as far as nothing can reach it that the others do in
    /// the same step, and not beyond `cap_ns`.
    pub(super) fn step(&mut self, now_ns: u64, cap_ns: u64) -> Result<(), DriverError> {
        self.set_horizons(now_ns, cap_ns);
        for (post, until_ns) in self.wire.posts.iter().zip(&self.horizons) {
            let due_ns = post.due();
            if due_ns < *until_ns {
                post.from_ns.set(due_ns.max(now_ns));
                post.until_ns.set(*until_ns);
                post.awake.set(true);
                if let Some(waker) = &*post.waker.borrow() {
                    waker.wake_by_ref();
                }
            }
        }
        let stepped = self.sim.step();
        if let Some(failure) = self.wire.failure.take() {
            return Err(DriverError(failure));
        }
        stepped.map(|_| ()).map_err(|error| DriverError(error.to_string()))
    }

    /// Whatever another machine does at its earliest, its packet takes the least delay to get
    /// here; and an answer to a packet from here takes it twice.
    fn set_horizons(&mut self, now_ns: u64, cap_ns: u64) {
        let least_delay = self.wire.shared.settings.network.min_delay_ns.max(1);
        let (mut first, mut second) = (NEVER, NEVER);
        for post in &self.wire.posts {
            let due_ns = post.due().max(now_ns);
            if due_ns < first {
                (first, second) = (due_ns, first);
            } else if due_ns < second {
                second = due_ns;
            }
        }
        for (post, horizon) in self.wire.posts.iter().zip(&mut self.horizons) {
            let due_ns = post.due().max(now_ns);
            let others_ns = if due_ns == first { second } else { first };
            *horizon = others_ns
                .saturating_add(least_delay)
                .min(due_ns.saturating_add(2 * least_delay))
                .min(cap_ns);
        }
    }

    /// How far a machine's own time has come.
    pub(super) fn ran_until(&self, machine: MachineId) -> u64 {
        self.post(machine).until_ns.get()
    }

    pub(super) fn is_down(&self, machine: MachineId) -> bool {
        self.post(machine).down.get()
    }

    pub(super) fn finished(&self, machine: MachineId) -> bool {
        self.post(machine).finished.get()
    }

    pub(super) fn crash_requested(&self, machine: MachineId) -> bool {
        let post = self.post(machine);
        !post.down.get() && post.with_node(|node| node.crash_requested()).unwrap_or(false)
    }

    /// Takes the power of a machine away. Packets on their way to it are lost.
    pub(super) fn crash(&mut self, machine: MachineId) {
        let post = self.post(machine);
        post.down.set(true);
        post.finished.set(false);
        post.inbox_due_ns.set(NEVER);
        post.inbox_len.set(0);
        post.waker.take();
        let node = post.node.take();
        if let Some(node) = node {
            node.power_off();
        }
        self.sim.crash(Directory::v4(machine));
    }

    /// Starts a machine again.
    pub(super) fn restart(&mut self, machine: MachineId, now_ns: u64) {
        let post = self.post(machine);
        post.down.set(false);
        post.awake.set(false);
        post.incarnation.set(post.incarnation.get() + 1);
        post.due_ns.set(now_ns);
        self.sim.bounce(Directory::v4(machine));
    }

    /// Cuts or heals turmoil's link too: so much for hosts that are not ours.
    pub(super) fn set_link(&mut self, a: MachineId, b: MachineId, cut: bool) {
        if cut {
            self.sim.partition(Directory::v4(a), Directory::v4(b));
        } else {
            self.sim.repair(Directory::v4(a), Directory::v4(b));
        }
    }

    /// Sets the stop event of a machine, also of its later incarnations.
    pub(super) fn stop(&self, machine: MachineId) {
        let post = self.post(machine);
        post.stopped.set(true);
        let due = post.with_node(|node| {
            node.stop();
            node.next_due()
        });
        if let Some(Some(due_ns)) = due {
            post.due_ns.set(due_ns);
        }
    }

    pub(super) fn describe(&self, machine: MachineId, into: &mut String) {
        let post = self.post(machine);
        if post.down.get() {
            into.push_str("  without power\n");
        } else {
            post.with_node(|node| node.describe(into));
        }
    }

    /// Ends all machines, before the world is dropped.
    pub(super) fn power_off_all(&mut self) {
        for post in &self.wire.posts {
            post.waker.take();
            let node = post.node.take();
            if let Some(node) = node {
                node.power_off();
            }
        }
    }
}

/// What turmoil takes for the time at the start; nothing here reads it.
#[allow(
    clippy::disallowed_types,
    reason = "a fixed time, so that turmoil does not take the clock's"
)]
fn epoch() -> std::time::SystemTime {
    std::time::SystemTime::UNIX_EPOCH + EPOCH
}

/// The software of a host: one incarnation of a machine.
async fn host(wire: Rc<Wire>, machine: MachineId) -> turmoil::Result {
    let socket = UdpSocket::bind((core::net::Ipv4Addr::UNSPECIFIED, PORT)).await?;
    let mut node: Option<Rc<dyn Node>> = None;
    poll_fn(move |context| {
        let post = &wire.posts[usize::from(machine.0)];
        post.waker.borrow_mut().get_or_insert_with(|| context.waker().clone());
        if post.awake.take() {
            // A panic of ours must not reach turmoil, which would go on, nor anything else.
            let step = AssertUnwindSafe(|| wire.run(machine, &socket, &mut node));
            if let Err(payload) = catch_unwind(step) {
                *wire.failure.borrow_mut() = Some(super::panic_message(&*payload));
            }
        }
        Poll::Pending
    })
    .await
}

impl Wire {
    /// A machine's part of a step.
    fn run(&self, machine: MachineId, socket: &UdpSocket, node: &mut Option<Rc<dyn Node>>) {
        let post = &self.posts[usize::from(machine.0)];
        let node = node.get_or_insert_with(|| {
            let node = (post.boot)(post.incarnation.get(), post.from_ns.get());
            *post.node.borrow_mut() = Some(node.clone());
            if post.stopped.get() {
                node.stop();
            }
            node
        });
        self.receive(post, socket, &**node);
        let until_ns = post.until_ns.get();
        node.run(post.from_ns.get(), until_ns);
        self.send(machine, socket, &**node);
        // What is due earlier was done; a node that says otherwise would be asked for ever.
        post.due_ns.set(node.next_due().map_or(NEVER, |due_ns| due_ns.max(until_ns)));
        post.finished.set(node.finished());
    }

    fn receive(&self, post: &Post, socket: &UdpSocket, node: &dyn Node) {
        post.inbox_due_ns.set(NEVER);
        for _ in 0..post.inbox_len.replace(0) {
            let mut scratch = self.scratch.borrow_mut();
            let Ok((len, _)) = socket.try_recv_from(&mut scratch.incoming) else { break };
            let Some((bytes, trailer)) = scratch.incoming[..len].split_last_chunk::<TRAILER>()
            else {
                continue;
            };
            let (due_ns, from) = parse_trailer(*trailer);
            let mut buffer = self.shared.buffer();
            buffer.extend_from_slice(bytes);
            drop(scratch);
            node.receive(WirePacket { due_ns, from, bytes: buffer });
        }
    }

    fn send(&self, machine: MachineId, socket: &UdpSocket, node: &dyn Node) {
        let mut outgoing = core::mem::take(&mut self.scratch.borrow_mut().outgoing);
        node.take_sent(&mut outgoing);
        let mut links = self.links.borrow_mut();
        for packet in outgoing.drain(..) {
            let to = packet.to;
            links.carry(&self.shared, machine, packet, |due_ns, bytes| {
                self.put_on_wire(machine, to, socket, due_ns, bytes);
            });
        }
        drop(links);
        self.scratch.borrow_mut().outgoing = outgoing;
    }

    fn put_on_wire(
        &self,
        from: MachineId,
        to: MachineId,
        socket: &UdpSocket,
        due_ns: u64,
        bytes: &mut Vec<u8>,
    ) {
        let post = &self.posts[usize::from(to.0)];
        if post.down.get() {
            return;
        }
        let len = bytes.len();
        bytes.extend_from_slice(&trailer(due_ns, from));
        let target = SocketAddr::from((Directory::v4(to), PORT));
        if socket.try_send_to(bytes, target).is_ok() {
            post.inbox_len.set(post.inbox_len.get() + 1);
            post.inbox_due_ns.set(post.inbox_due_ns.get().min(due_ns));
        }
        bytes.truncate(len);
    }
}

fn trailer(due_ns: u64, from: MachineId) -> [u8; TRAILER] {
    let mut trailer = [0; TRAILER];
    trailer[..8].copy_from_slice(&due_ns.to_le_bytes());
    trailer[8..].copy_from_slice(&from.0.to_le_bytes());
    trailer
}

fn parse_trailer(trailer: [u8; TRAILER]) -> (u64, MachineId) {
    let [a, b, c, d, e, f, g, h, low, high] = trailer;
    let due_ns = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    (due_ns, MachineId(u16::from_le_bytes([low, high])))
}
