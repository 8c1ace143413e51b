//! Chains of sends from inside completion routines.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use provider_core::spi::{SD_SEND, SO_RCVTIMEO, SO_SNDBUF, SO_SNDTIMEO};
use provider_core::{Routine, SocketHandle, UserPtr, WsaError as E};
use wspsim::api::{Buffer, Os, Overlapped};
use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, MS, SECOND};
use wspsim::world::WorldBuilder;

use crate::common::{
    Ip, Payload, RECORD_HEADER, Reader, address, between, chance, cleanup, close, connect_once,
    is_broken_stream, is_transient, open_datagram, passing, pick, record, serve_records, set,
    startup, unexpected,
};

/// The scenario.
pub(crate) struct RoutineChain;

const PORT: u16 = 13;
const IDLE_MS: u32 = 6000;
/// The longest record after its header.
const LONGEST: usize = 1000;
/// How deep a program lets its routines nest.
const DEPTH_MAX: u32 = 4;
/// How late a routine can be; then WPUQueueApc was refused.
const LATE_NS: u64 = 60 * MS;

impl Scenario for RoutineChain {
    fn name(&self) -> &'static str {
        "routine-chain"
    }

    fn about(&self) -> &'static str {
        "Chains of sends from inside completion routines that wait alertably and block: routines \
         of one socket that nest, chains that stop, a thread that never gets out"
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Crash, Fault::CancelBlocking]
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 8 * SECOND, ..Limits::default() }
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.server("server", |os| serve_records(os, PORT, LONGEST));
        world.client("client", run_chains);
    }
}

/// A socket and the chains on it.
struct Link {
    stream: bool,
    ip: Ip,
    s: Cell<SocketHandle>,
    /// Routines of this socket on the thread's stack.
    depth: Cell<u32>,
    broken: Cell<bool>,
    open: Cell<bool>,
    done: Cell<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The next send is to be started.
    Ready,
    /// One is out.
    Out,
    /// All have ended.
    Through,
}

/// One chain: each send is started by the routine of the one before it.
struct Chain {
    link: Rc<Link>,
    payload: Cell<Payload>,
    next: Cell<u32>,
    count: u32,
    state: Cell<State>,
    buffer: Buffer,
    overlapped: RefCell<Overlapped>,
    len: Cell<usize>,
    final_since_ns: Cell<u64>,
}

/// Everything of the one thread that runs the chains.
#[derive(Default)]
struct Chains {
    links: RefCell<Vec<Rc<Link>>>,
    chains: RefCell<Vec<Rc<Chain>>>,
    /// OVERLAPPEDs given up after a refused APC; a routine that comes all the same is too late.
    retired: RefCell<Vec<Overlapped>>,
    routine: Cell<Option<Routine>>,
    /// Routines of any socket on the thread's stack.
    depth: Cell<u32>,
    /// A socket of its own for blocking calls.
    side: Cell<Option<SocketHandle>>,
}

fn run_chains(os: &Os) {
    startup(os);
    let all = Rc::new(Chains::default());
    let shared = Rc::clone(&all);
    all.routine.set(Some(os.routine(move |os, error, bytes, overlapped, _| {
        shared.sent(os, E(error as i32), bytes, overlapped);
    })));
    all.build(os);
    let side = open_datagram(os, Ip::V4, 0);
    set(os, side, SO_RCVTIMEO, 10);
    all.side.set(Some(side));
    while !all.turn(os) {
        if chance(os, 25) {
            all.block(os);
        } else {
            os.sleep_ex(between(os, 1..=30), true);
        }
    }
    close(os, side);
    cleanup(os);
    // The routine holds its own list.
    all.chains.borrow_mut().clear();
}

impl Chains {
    fn build(&self, os: &Os) {
        for _ in 0..between(os, 1..=4) {
            let link = Rc::new(Link {
                stream: chance(os, 50),
                ip: Ip::draw(os),
                s: Cell::new(SocketHandle(0)),
                depth: Cell::new(0),
                broken: Cell::new(false),
                open: Cell::new(false),
                done: Cell::new(false),
            });
            for _ in 0..between(os, 1..=3) {
                let chain = Chain {
                    link: Rc::clone(&link),
                    payload: Cell::new(Payload::draw(os)),
                    next: Cell::new(0),
                    count: between(os, 5..=25),
                    state: Cell::new(State::Ready),
                    buffer: os.alloc(RECORD_HEADER + LONGEST),
                    overlapped: RefCell::new(os.overlapped()),
                    len: Cell::new(0),
                    final_since_ns: Cell::new(0),
                };
                self.chains.borrow_mut().push(Rc::new(chain));
            }
            self.links.borrow_mut().push(link);
        }
    }

    fn chains_of(&self, link: &Rc<Link>) -> Vec<Rc<Chain>> {
        let chains = self.chains.borrow();
        chains.iter().filter(|chain| Rc::ptr_eq(&chain.link, link)).cloned().collect()
    }

    /// Gives every chain a push that needs one. Whether all are through.
    fn turn(&self, os: &Os) -> bool {
        let links = self.links.borrow().clone();
        let mut all = true;
        for link in &links {
            if !link.done.get() {
                self.tend(os, link);
                all &= link.done.get();
            }
        }
        all
    }

    fn tend(&self, os: &Os, link: &Rc<Link>) {
        let chains = self.chains_of(link);
        for chain in &chains {
            self.take_over(os, chain);
        }
        let quiet = chains.iter().all(|chain| chain.state.get() != State::Out);
        if link.broken.get() && link.open.replace(false) {
            // What is out ends now, by its routine.
            close(os, link.s.get());
        }
        if link.broken.get() && quiet {
            link.broken.set(false);
            for chain in chains.iter().filter(|_| link.stream) {
                chain.payload.set(Payload::draw(os));
                chain.next.set(0);
                chain.state.set(State::Ready);
            }
        }
        if link.broken.get() {
            return;
        }
        if !link.open.get() && !open(os, link) {
            return;
        }
        for chain in &chains {
            if chain.state.get() == State::Ready {
                self.start(os, chain);
            }
        }
        if chains.iter().all(|chain| chain.state.get() == State::Through) {
            finish(os, link);
        }
    }

    /// Starts the next send of a chain; one that is refused stays to be started.
    fn start(&self, os: &Os, chain: &Chain) {
        if chain.link.broken.get() {
            chain.state.set(State::Ready);
            return;
        }
        if chain.next.get() == chain.count {
            chain.state.set(State::Through);
            return;
        }
        let len = between(os, 0..=LONGEST as u32) as usize;
        let bytes = record(chain.payload.get(), chain.next.get(), len);
        chain.buffer.write(0, &bytes);
        chain.len.set(bytes.len());
        chain.final_since_ns.set(0);
        let overlapped = chain.overlapped.borrow().clone();
        overlapped.reset();
        let routine = self.routine.get().unwrap_or(Routine::NULL);
        let buffers = [chain.buffer.part(0..bytes.len())];
        let s = chain.link.s.get();
        chain.state.set(State::Out);
        let started = if chain.link.stream {
            os.wsa_send(s, &buffers, 0, Some(&overlapped), routine)
        } else {
            let to = address(os, "server", chain.link.ip, PORT);
            os.wsa_send_to(s, &buffers, 0, Some(to), Some(&overlapped), routine)
        };
        if let Err(error) = started
            && error != E::WSA_IO_PENDING
        {
            chain.state.set(State::Ready);
            chain.failed(os, "a send", error);
        }
    }

    /// The routine of all chains.
    fn sent(&self, os: &Os, error: E, bytes: u32, overlapped: UserPtr) {
        let found = {
            let chains = self.chains.borrow();
            chains.iter().find(|chain| chain.overlapped.borrow().ptr() == overlapped).cloned()
        };
        let Some(chain) = found else {
            if !self.retired.borrow().iter().any(|old| old.ptr() == overlapped) {
                os.fail(&format!("a routine ran for the OVERLAPPED at {:#x}", overlapped.0));
            }
            return;
        };
        let link = Rc::clone(&chain.link);
        if link.depth.replace(link.depth.get() + 1) > 0 {
            os.fail("two routines of one socket are nested (APC-10)");
        }
        self.depth.set(self.depth.get() + 1);
        if chain.state.get() == State::Out {
            self.ended(os, &chain, error, bytes);
        } else {
            os.fail("a routine ran for a chain that has nothing out");
        }
        if self.depth.get() < DEPTH_MAX {
            match os.random_below(8) {
                // Routines of other sockets may run in here, those of this one may not.
                0 | 1 => {
                    os.sleep_ex(between(os, 0..=3), true);
                }
                2 => self.block(os),
                _ => {}
            }
        }
        self.depth.set(self.depth.get() - 1);
        link.depth.set(link.depth.get() - 1);
    }

    /// A send has ended: the next one.
    fn ended(&self, os: &Os, chain: &Chain, error: E, bytes: u32) {
        chain.state.set(State::Ready);
        if error.0 == 0 {
            if bytes as usize != chain.len.get() {
                os.fail(&format!("{bytes} bytes of {} were sent", chain.len.get()));
            }
            chain.next.set(chain.next.get() + 1);
            self.start(os, chain);
        } else {
            chain.failed(os, "an overlapped send", error);
        }
    }

    /// A status that is final for long, and no routine: WPUQueueApc was refused.
    fn take_over(&self, os: &Os, chain: &Chain) {
        let overlapped = chain.overlapped.borrow().clone();
        if chain.state.get() != State::Out || !overlapped.has_completed() {
            return;
        }
        let now_ns = os.now_ns();
        if chain.final_since_ns.get() == 0 {
            chain.final_since_ns.set(now_ns);
        }
        // One that waits for the routine of its socket to return is not late.
        if chain.link.depth.get() > 0 || now_ns - chain.final_since_ns.get() < LATE_NS {
            return;
        }
        let old = chain.overlapped.replace(os.overlapped());
        let (error, bytes) = (E(old.error() as i32), old.bytes() as u32);
        self.retired.borrow_mut().push(old);
        self.ended(os, chain, error, bytes);
    }

    /// A blocking call, in whose wait routines run. Inside of another one it is refused.
    fn block(&self, os: &Os) {
        let Some(side) = self.side.get() else { return };
        let mut byte = [0];
        match os.recv(side, &mut byte, 0) {
            Ok(_) => os.fail("somebody sent to the side socket"),
            Err(E::WSAEINPROGRESS) if self.depth.get() > 0 => {}
            Err(E::WSAETIMEDOUT | E::WSAEINTR) => {}
            Err(error) => passing(os, "recv on the side socket", error),
        }
    }
}

impl Chain {
    fn failed(&self, os: &Os, what: &str, error: E) {
        if self.link.stream {
            if error == E::WSAENETDOWN || !is_transient(error) {
                if !is_broken_stream(error) {
                    unexpected(os, what, error);
                }
                self.link.broken.set(true);
            }
        } else {
            passing(os, what, error);
        }
    }
}

/// Opens the socket of a link, if that works now.
fn open(os: &Os, link: &Link) -> bool {
    let to = address(os, "server", link.ip, PORT);
    let opened = if link.stream {
        connect_once(os, link.ip, to)
    } else {
        Some(open_datagram(os, link.ip, 0))
    };
    let Some(s) = opened else { return false };
    set(os, s, SO_SNDBUF, pick(os, &[0, 0, 1, 700, 4096, 65_536]));
    set(os, s, SO_SNDTIMEO, IDLE_MS);
    set(os, s, SO_RCVTIMEO, IDLE_MS);
    link.s.set(s);
    link.open.set(true);
    true
}

/// All chains of a link are through: a stream waits for the receiver to have everything.
fn finish(os: &Os, link: &Link) {
    let s = link.s.get();
    if link.stream {
        let end = os
            .shutdown(s, SD_SEND)
            .and_then(|()| Reader::Plain.read(os, s, &mut [0], 3 * IDLE_MS, || false));
        match end {
            Ok(0) => {}
            Ok(_) => os.fail("the receiver sent something"),
            Err(error) => {
                if !is_broken_stream(error) {
                    unexpected(os, "the end of a stream", error);
                }
                link.broken.set(true);
                return;
            }
        }
    }
    link.open.set(false);
    close(os, s);
    link.done.set(true);
}
