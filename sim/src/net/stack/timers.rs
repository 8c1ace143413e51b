//! The time-outs of connections: ours, because smoltcp's one time-out also ends idle connections
//! and does not say that it did.

use provider_core::WsaError;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

use super::Stack;
use super::connection::{Connection, Owner};

const SECOND: u64 = 1_000_000_000;

/// How long a connect waits for an answer before WSAETIMEDOUT, in nanoseconds (as Windows: 21 s).
/// Handshakes that a listener's peer does not finish are forgotten after the same time.
pub const CONNECT_TIMEOUT: u64 = 21 * SECOND;
/// How often in a row something is sent again without any sign from the peer; when it is due once
/// more, the connection ends with WSAECONNABORTED (as Windows: 5). smoltcp waits at least 1 s
/// before the first and twice as long before each next, up to 60 s: 63 s in all on a quick link.
///
/// Counted, not timed, because under loss the waits alone exceed any sensible time.
pub const RETRANSMISSIONS: u32 = 5;
/// How long a connection with SO_KEEPALIVE may be idle before the peer is asked whether it lives,
/// in nanoseconds (as Windows: two hours).
pub const KEEP_ALIVE_IDLE: u64 = 7200 * SECOND;
/// The time between two such questions, in nanoseconds (as Windows: 1 s).
pub const KEEP_ALIVE_INTERVAL: u64 = SECOND;
/// Questions without an answer before WSAENETRESET (as Windows: 10).
pub const KEEP_ALIVE_PROBES: u64 = 10;
/// After how long a connection that smoltcp let get stuck is helped again, in nanoseconds.
const STUCK_INTERVAL: u64 = SECOND;
/// How long the stack goes on with a closed stream before it resets it, in nanoseconds.
pub const LINGER_TIMEOUT: u64 = 120 * SECOND;
/// How long the side that ended a connection first remembers it, in nanoseconds. Less than
/// smoltcp's own 10 s, whose end would throw away what the client has not received yet.
pub const TIME_WAIT: u64 = 5 * SECOND;

/// What a connection's time-outs are counted from, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clocks {
    /// The first poll.
    started: Option<u64>,
    /// The last segment from the peer.
    heard: u64,
    /// Whether something waits for the peer's acknowledgment.
    outstanding: bool,
    /// Polls since then that sent something again.
    retransmissions: u32,
    /// The sequence number after the highest that was sent.
    highest: Option<u32>,
    /// The first poll since nobody holds it.
    orphaned: Option<u64>,
    /// The first poll in TIME-WAIT.
    time_wait: Option<u64>,
    /// SO_KEEPALIVE.
    keep_alive: bool,
    /// The first question of this series.
    probing: Option<u64>,
}

/// What a time-out that has passed asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// Nothing passed.
    Nothing,
    /// Dead of this, with a RST or without.
    Dead(WsaError, bool),
    /// TIME-WAIT is over.
    TimeWait,
    /// Time to ask the peer.
    Probe,
}

impl Connection {
    /// A segment of the peer's arrived.
    pub(super) fn heard(&mut self, now: u64) {
        self.clocks.heard = now;
        self.clocks.retransmissions = 0;
        if self.clocks.probing.take().is_some() {
            self.tcp_mut().set_keep_alive(None);
        }
    }

    /// Starts and stops the clocks.
    pub(super) fn tick(&mut self, now: u64) {
        let state = self.state();
        let outstanding = self.outstanding();
        let orphan = self.owner == Owner::Nobody;
        let clocks = &mut self.clocks;
        if clocks.started.is_none() {
            clocks.started = Some(now);
            clocks.heard = now;
        }
        clocks.outstanding = outstanding;
        clocks.orphaned = orphan.then(|| clocks.orphaned.unwrap_or(now));
        let waits = state == State::TimeWait;
        clocks.time_wait = waits.then(|| clocks.time_wait.unwrap_or(now));
    }

    /// The next time-out and what it asks for.
    pub(super) fn deadline(&self) -> (u64, Passed) {
        const NEVER: (u64, Passed) = (u64::MAX, Passed::Nothing);
        let clocks = &self.clocks;
        if self.mute {
            return NEVER;
        }
        match self.state() {
            State::Closed | State::Listen => NEVER,
            State::SynSent | State::SynReceived => clocks.started.map_or(NEVER, |started| {
                (
                    started.saturating_add(CONNECT_TIMEOUT),
                    Passed::Dead(WsaError::WSAETIMEDOUT, false),
                )
            }),
            State::TimeWait => clocks
                .time_wait
                .map_or(NEVER, |since| (since.saturating_add(TIME_WAIT), Passed::TimeWait)),
            _ => {
                let orphan = clocks.orphaned.map_or(NEVER, |since| {
                    (
                        since.saturating_add(LINGER_TIMEOUT),
                        Passed::Dead(WsaError::WSAECONNABORTED, true),
                    )
                });
                let keep_alive = match clocks.probing {
                    _ if !clocks.keep_alive || clocks.outstanding => NEVER,
                    None => (clocks.heard.saturating_add(KEEP_ALIVE_IDLE), Passed::Probe),
                    Some(since) => (
                        since.saturating_add(KEEP_ALIVE_PROBES * KEEP_ALIVE_INTERVAL),
                        Passed::Dead(WsaError::WSAENETRESET, false),
                    ),
                };
                if keep_alive.0 < orphan.0 { keep_alive } else { orphan }
            }
        }
    }

    /// SO_KEEPALIVE.
    pub(super) fn keep_alive(&mut self, on: bool) {
        self.clocks.keep_alive = on;
        self.clocks.probing = None;
        self.tcp_mut().set_keep_alive(None);
    }

    /// A segment was sent that the peer must acknowledge, from `first` up to `end`. Says whether it
    /// was sent before.
    pub(super) fn asked(&mut self, first: u32, end: u32) -> bool {
        let highest = self.clocks.highest.unwrap_or(first);
        // Sequence numbers wrap around.
        let ahead = |a: u32, b: u32| a.wrapping_sub(b).cast_signed();
        if ahead(end, highest) > 0 {
            self.clocks.highest = Some(end);
        }
        ahead(first, highest) < 0
    }

    /// A poll sent something again. Says whether that was once too often.
    pub(super) fn retransmitted(&mut self) -> bool {
        // A keep-alive question looks like one.
        if self.outstanding() {
            self.clocks.retransmissions += 1;
        }
        self.clocks.retransmissions > RETRANSMISSIONS
    }

    fn probe(&mut self, now: u64) {
        self.clocks.probing = Some(now);
        let interval = Duration::from_micros(KEEP_ALIVE_INTERVAL / 1000);
        self.tcp_mut().set_keep_alive(Some(interval));
    }
}

impl Stack {
    /// Marks the connections whose time has come.
    pub(super) fn wake_connections(&mut self) {
        let now = self.now;
        if self.next_wake().is_none_or(|at| at > now) {
            return;
        }
        for index in 0..self.connections.len() {
            let due = self.connection(index).is_some_and(|c| c.wake_at.is_some_and(|at| at <= now));
            if due {
                self.mark(index);
            }
        }
    }

    pub(super) fn next_wake(&mut self) -> Option<u64> {
        if self.wake_stale {
            self.wake_stale = false;
            self.wake_at = self.connections.iter().flatten().filter_map(|c| c.wake_at).min();
        }
        self.wake_at
    }

    /// Does what a passed time-out of the connection asks for.
    pub(super) fn check_deadline(&mut self, index: usize) {
        let now = self.now;
        let Some(connection) = self.connection_mut(index) else { return };
        connection.tick(now);
        let (at, passed) = connection.deadline();
        if at > now {
            return;
        }
        match passed {
            Passed::Nothing => {}
            Passed::Dead(error, reset) => self.kill(index, error, reset),
            Passed::TimeWait => self.end_time_wait(index),
            Passed::Probe => connection.probe(now),
        }
    }

    /// Decides when the connection needs its next poll by itself.
    pub(super) fn schedule(&mut self, index: usize) {
        let now = self.now;
        let mut stack = self.next_poll(index);
        let stuck = |connection: &Connection| !connection.mute && connection.outstanding();
        if stack.is_none() && self.connection(index).is_some_and(stuck) {
            // Something was not acknowledged, and smoltcp waits for nothing but the peer.
            self.unstick(index);
            stack = self.next_poll(index).or_else(|| Some(now.saturating_add(STUCK_INTERVAL)));
        }
        let Some(Some(connection)) = self.connections.get_mut(index) else { return };
        connection.tick(now);
        let own = connection.deadline().0;
        let wake_at = stack.unwrap_or(u64::MAX).min(own);
        connection.wake_at = (wake_at != u64::MAX).then_some(wake_at);
        self.wake_stale = true;
    }

    /// When smoltcp wants to be asked about a connection again.
    fn next_poll(&mut self, index: usize) -> Option<u64> {
        let now = self.now;
        let connection = self.connections.get(index)?.as_ref().filter(|c| !c.mute)?;
        let at = self.interface.poll_at(instant(now), &connection.set)?;
        let at = u64::try_from(at.total_micros()).unwrap_or(0).saturating_mul(1000);
        // smoltcp was just asked and had nothing more to send. Where it says "now" all the same,
        // look again soon instead of spinning.
        Some(if at <= now { now.saturating_add(1_000_000) } else { at })
    }
}

/// smoltcp counts microseconds.
pub(super) fn instant(now: u64) -> Instant {
    Instant::from_micros(i64::try_from(now / 1000).unwrap_or(i64::MAX))
}
