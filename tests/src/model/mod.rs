//! A sequential reference model of one socket's send side, written from the contract's clauses and
//! the decisions on them, not from the core.
//!
//! One call after the other, one thread at a time: what a call returns, which operations are
//! pending, how each ends and what the transport gets is then fixed, and [`Model::step`] says it.
//! docs/model.md has what it covers and what it leaves out.

mod call;
mod net;
mod operation;
mod queue;
mod refuse;
mod seen;
mod send;
mod show;
mod socket;
mod staging;

use std::collections::VecDeque;

use provider_core::WsaError;

pub use call::{
    Act, BUFFERS_MAX, Buffers, Call, DATAGRAM_MAX, Event, Overlapped, Peer, Pointer, Send, Setup,
    Thread, To, pattern, sent_by_routine,
};
pub use net::{Net, Taken};
pub use seen::{Answer, Operation, RoutineRun, Seen, Status};

use operation::Entry;
use queue::Queued;

/// The call would wait, or makes no sense where the sequence is: it is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WouldBlock;

/// One socket's send side.
#[derive(Clone, Debug)]
pub struct Model {
    setup: Setup,
    net: Net,
    bound: bool,
    /// The peer of a connection, or the default one of a datagram socket.
    peer: Option<Peer>,
    nonblocking: bool,
    broadcast: bool,
    /// SO_SNDBUF.
    send_buffer: usize,
    /// WSPShutdown ended the send half.
    shut: bool,
    finished: bool,
    closed: bool,
    /// The transport has its socket back.
    given_back: bool,
    /// What the connection died of, once the provider has met it.
    fate: Option<WsaError>,
    queue: VecDeque<Queued>,
    /// The transport took nothing for now and will not say when: a timer is set.
    timer: bool,
    /// Sends made, refused ones too.
    sends: usize,
    operations: Vec<Entry>,
    /// The APC queue of each thread; none once it has ended.
    apcs: [Option<VecDeque<usize>>; 2],
    refused_apcs: u32,
}

impl Model {
    /// A socket that was just made.
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            net: Net::default(),
            bound: false,
            peer: None,
            nonblocking: false,
            broadcast: false,
            send_buffer: 8192,
            shut: false,
            finished: false,
            closed: false,
            given_back: false,
            fate: None,
            queue: VecDeque::new(),
            timer: false,
            sends: 0,
            operations: Vec::new(),
            apcs: [Some(VecDeque::new()), Some(VecDeque::new())],
            refused_apcs: 0,
        }
    }

    /// What the step shows; none when the call would wait, or is one that the contract says nothing
    /// about: it must then be left out, and nothing has happened.
    pub fn step(&mut self, call: &Call) -> Option<Seen> {
        let mut next = self.clone();
        let mut seen = next.perform(call).ok()?;
        seen.taken = next.net.take_log();
        let before: Vec<Operation> = self.operations.iter().map(Entry::seen).collect();
        let now = next.operations.iter().map(Entry::seen).enumerate();
        seen.operations =
            now.filter(|(number, operation)| before.get(*number) != Some(operation)).collect();
        *self = next;
        Some(seen)
    }
}
