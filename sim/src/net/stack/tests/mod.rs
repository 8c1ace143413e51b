//! Two or more stacks on a little wire with delay and loss; virtual time only.

mod datagrams;
mod fragments;
mod gaps;
mod groups;
mod options;
mod readiness;
mod robust;
mod streams;
mod streams_end;
mod urgent;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::collections::BTreeMap;

use provider_core::{Family, Kind, Readiness, WsaError};

use super::route::Route;
use super::{Stack, StackConfig, StackSocket, ip};

pub(super) const MILLI: u64 = 1_000_000;
pub(super) const SECOND: u64 = 1_000_000_000;

/// Machine `index` has 10.0.0.(index+1) and fd00::(index+1).
pub(super) fn v4(index: usize, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, index as u8 + 1)), port)
}

pub(super) fn v6(index: usize, port: u16) -> SocketAddr {
    let address = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, index as u16 + 1);
    SocketAddr::new(IpAddr::V6(address), port)
}

pub(super) fn any(family: Family, port: u16) -> SocketAddr {
    match family {
        Family::V4 => SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port),
        Family::V6 => SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port),
    }
}

pub(super) fn at(family: Family, index: usize, port: u16) -> SocketAddr {
    match family {
        Family::V4 => v4(index, port),
        Family::V6 => v6(index, port),
    }
}

pub(super) fn stack(index: usize, mtu: usize, seed: u64) -> Stack {
    let (IpAddr::V4(v4), IpAddr::V6(v6)) = (v4(index, 0).ip(), v6(index, 0).ip()) else {
        unreachable!()
    };
    Stack::new(StackConfig { v4, v6, mtu, seed: seed + index as u64 })
}

/// A generator for loss; xorshift.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Decides on a packet from a machine: false loses it. May change it.
type Filter = Box<dyn FnMut(usize, &mut Vec<u8>) -> bool>;

pub(super) struct Net {
    pub(super) stacks: Vec<Stack>,
    pub(super) now: u64,
    pub(super) delay: u64,
    pub(super) filter: Filter,
    /// Packets overtake each other and come twice, as this says.
    pub(super) unrest: Option<Dice>,
    /// Packets that left any machine.
    pub(super) sent: usize,
    /// By due time, order of sending and receiver.
    flights: BTreeMap<(u64, usize, usize), Vec<u8>>,
    told: Vec<BTreeMap<StackSocket, Readiness>>,
}

impl Net {
    pub(super) fn new(machines: usize) -> Self {
        Self::with_mtu(machines, 1500)
    }

    pub(super) fn with_mtu(machines: usize, mtu: usize) -> Self {
        Self {
            stacks: (0..machines).map(|index| stack(index, mtu, 7)).collect(),
            now: SECOND,
            delay: MILLI,
            filter: Box::new(|_, _| true),
            unrest: None,
            sent: 0,
            flights: BTreeMap::new(),
            told: vec![BTreeMap::new(); machines],
        }
    }

    /// Polls every machine once and takes what it has to tell.
    pub(super) fn poll(&mut self) {
        for index in 0..self.stacks.len() {
            let mut out = Vec::new();
            self.stacks[index].poll(self.now, &mut out);
            while let Some((socket, bits)) = self.stacks[index].take_ready() {
                assert!(!bits.is_empty(), "told of nothing");
                let known = self.told[index].entry(socket).or_default();
                *known = known.union(bits);
            }
            for mut packet in out {
                self.sent += 1;
                if !(self.filter)(index, &mut packet) {
                    continue;
                }
                let header = ip::parse(&packet);
                for (to, stack) in self.stacks.iter().enumerate() {
                    let there = header.is_some_and(|header| {
                        let route = stack.wire.routes.of(header.destination);
                        to != index && matches!(route, Route::Own | Route::Broadcast | Route::Group)
                    });
                    if !there {
                        continue;
                    }
                    let (mut copies, mut late) = (1, 0);
                    if let Some(dice) = &mut self.unrest {
                        copies = 1 + u64::from(dice.roll(10) == 0);
                        late = dice.roll(4);
                    }
                    for copy in 0..copies {
                        let due = self.now + self.delay * (1 + late + 2 * copy);
                        self.flights.insert((due, self.sent, to), packet.clone());
                    }
                }
            }
        }
    }

    /// Runs until `done` or for `time`; says whether it was done.
    pub(super) fn run(&mut self, time: u64, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        let end = self.now + time;
        let mut steps = 0;
        loop {
            steps += 1;
            assert!(steps < 2_000_000, "the stacks spin");
            self.poll();
            if done(self) {
                return true;
            }
            let timers: Vec<u64> =
                self.stacks.iter_mut().filter_map(|s| s.poll_at(self.now)).collect();
            let flight = self.flights.keys().next().map(|key| key.0);
            match timers.into_iter().chain(flight).min() {
                Some(next) if next <= end => self.now = self.now.max(next),
                _ => {
                    self.now = end;
                    return false;
                }
            }
            while let Some(entry) = self.flights.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                let ((_, _, to), packet) = entry.remove_entry();
                self.stacks[to].receive(self.now, &packet);
                self.stacks[to].recycle(packet);
            }
        }
    }

    /// Runs for `time`.
    pub(super) fn wait(&mut self, time: u64) {
        self.run(time, |_| false);
    }

    /// What `socket` was told since the last such question.
    pub(super) fn told(&mut self, machine: usize, socket: StackSocket) -> Readiness {
        self.told[machine].remove(&socket).unwrap_or_default()
    }

    pub(super) fn lose_all(&mut self) {
        self.filter = Box::new(|_, _| false);
    }

    pub(super) fn heal(&mut self) {
        self.filter = Box::new(|_, _| true);
    }

    /// A datagram socket on `machine`.
    pub(super) fn datagram(&mut self, machine: usize, address: SocketAddr) -> StackSocket {
        let socket = self.stacks[machine].open(Family::of(&address), Kind::Datagram).unwrap();
        self.stacks[machine].bind(socket, address).unwrap();
        socket
    }

    /// A stream that listens on every address of `machine`.
    pub(super) fn listener(&mut self, machine: usize, address: SocketAddr) -> StackSocket {
        let socket = self.stacks[machine].open(Family::of(&address), Kind::Stream).unwrap();
        self.stacks[machine].bind(socket, address).unwrap();
        self.stacks[machine].listen(socket, 5).unwrap();
        socket
    }

    /// A stream of `machine` that started to connect to `to`.
    pub(super) fn connecting(&mut self, machine: usize, to: SocketAddr) -> StackSocket {
        let socket = self.stacks[machine].open(Family::of(&to), Kind::Stream).unwrap();
        assert_eq!(self.stacks[machine].connect(socket, to), Err(WsaError::WSAEWOULDBLOCK));
        socket
    }

    /// A connection from machine 0 to a listener on machine 1: both ends.
    pub(super) fn connected(&mut self) -> (StackSocket, StackSocket) {
        self.connected_over(Family::V4)
    }

    pub(super) fn connected_over(&mut self, family: Family) -> (StackSocket, StackSocket) {
        let listener = self.listener(1, any(family, 80));
        let client = self.connecting(0, at(family, 1, 80));
        let mut server = None;
        let done = self.run(60 * SECOND, |net| {
            server = server.or_else(|| net.stacks[1].accept(listener).ok());
            server.is_some() && net.stacks[0].connect_result(client).is_ok()
        });
        assert!(done, "no connection");
        self.stacks[1].close(listener, false);
        let server = server.unwrap().0;
        self.told(0, client);
        self.told(1, server);
        (client, server)
    }
}

/// Bytes that say where they are in their stream.
pub(super) fn pattern(from: usize, length: usize) -> Vec<u8> {
    (from..from + length).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8).collect()
}
