//! A sequential reference model of one socket's send side, written from the contract's clauses and
//! the decisions on them, not from the core.
//!
//! One call after the other, one thread at a time: what a call returns, which operations are
//! pending, how each ends and what the transport gets is then fixed, and [`Model::step`] says it.
//! docs/model.md has what it covers and what it leaves out.

mod blocked;
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
mod step;

use std::collections::VecDeque;

use provider_core::WsaError;

pub use call::{
    Act, BUFFERS_MAX, Buffers, Call, DATAGRAM_MAX, Event, Overlapped, Peer, Pointer, Send, Setup,
    Thread, To, pattern, sent_by_routine,
};
pub use net::{Net, Taken};
pub use seen::{Answer, Operation, RoutineRun, Seen, Status};

use blocked::Blocked;
use operation::Entry;
use queue::Queued;

/// The step makes no sense where the sequence is, or would block a second thread: it is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LeftOut;

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
    /// SO_SNDTIMEO, in milliseconds; 0 is no limit.
    send_timeout: u32,
    /// SIO_UDP_CONNRESET.
    report_unreachable: bool,
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
    /// The call that blocks its thread.
    blocked: Option<Blocked>,
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
            send_timeout: 0,
            report_unreachable: true,
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
            blocked: None,
        }
    }

    /// What the step shows; none when it must be left out: nothing has happened then. Where it lets
    /// a blocked call return, [`Self::returned`] says so next.
    pub fn step(&mut self, call: &Call) -> Option<Seen> {
        let mut next = self.clone();
        let seen = next.perform(call).ok()?;
        let seen = next.seen_since(self, seen);
        *self = next;
        Some(seen)
    }

    /// `seen`, with what the operations and the transport show since `before`.
    fn seen_since(&mut self, before: &Self, seen: Seen) -> Seen {
        let mut before = before.operations.iter().map(|entry| entry.seen);
        let now = self.operations.iter().map(|entry| entry.seen).enumerate();
        let operations = now.filter(|(_, seen)| before.next() != Some(*seen)).collect();
        Seen { operations, taken: self.net.take_log(), ..seen }
    }
}
