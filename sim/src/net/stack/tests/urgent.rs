//! Urgent data: announced, pulled out of the stream or left in it, whatever the network does.

use provider_core::{Family, Readiness, TransportOption, WsaError};

use super::{Dice, MILLI, Net, SECOND, any, v4};
use crate::net::stack::StackSocket;

const BLOCK: Result<u8, WsaError> = Err(WsaError::WSAEWOULDBLOCK);
const NONE: Result<u8, WsaError> = Err(WsaError::WSAEINVAL);

/// What one receive of at most `room` bytes gives.
fn receive(net: &mut Net, socket: StackSocket, room: usize) -> Result<Vec<u8>, WsaError> {
    let mut into = vec![0; room];
    let count = net.stacks[1].try_recv(socket, &mut into, false)?;
    into.truncate(count);
    Ok(into)
}

fn urgent(net: &mut Net, socket: StackSocket) -> Result<u8, WsaError> {
    net.stacks[1].try_recv_urgent(socket, false)
}

fn inline(net: &mut Net, socket: StackSocket, on: bool) {
    net.stacks[1].set_option(socket, TransportOption::UrgentInline(on));
}

#[test]
fn an_urgent_byte_is_read_beside_the_stream() {
    for family in [Family::V4, Family::V6] {
        let mut net = Net::new(2);
        let (client, server) = net.connected_over(family);
        assert_eq!(urgent(&mut net, server), NONE);
        net.stacks[0].try_send(client, b"before").unwrap();
        net.stacks[0].try_send_urgent(client, b'!').unwrap();
        net.stacks[0].try_send(client, b"after").unwrap();
        net.wait(50 * MILLI);
        assert!(net.told(1, server).contains(Readiness::URGENT));
        assert!(!net.stacks[1].at_urgent_mark(server));
        for peek in [true, true, false] {
            assert_eq!(net.stacks[1].try_recv_urgent(server, peek), Ok(b'!'));
        }
        assert_eq!(urgent(&mut net, server), NONE);
        assert!(net.stacks[1].at_urgent_mark(server));
        // A receive does not go beyond the mark, and neither does FIONREAD.
        assert_eq!(net.stacks[1].available(server), 6);
        let mut peeked = [0; 20];
        assert_eq!(net.stacks[1].try_recv(server, &mut peeked, true), Ok(6));
        assert_eq!(receive(&mut net, server, 3).unwrap(), b"bef");
        assert!(!net.stacks[1].stopped_at_mark(server));
        assert_eq!(receive(&mut net, server, 100).unwrap(), b"ore");
        assert!(net.stacks[1].stopped_at_mark(server));
        assert_eq!(receive(&mut net, server, 100).unwrap(), b"after");
        assert!(!net.stacks[1].stopped_at_mark(server));
    }
}

#[test]
fn a_mark_that_arrives_behind_all_that_was_taken_counts() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    net.stacks[0].try_send(client, b"before").unwrap();
    net.wait(50 * MILLI);
    assert_eq!(receive(&mut net, server, 100).unwrap(), b"before");
    assert!(!net.stacks[1].stopped_at_mark(server));
    net.stacks[0].try_send_urgent(client, b'!').unwrap();
    net.wait(50 * MILLI);
    assert!(net.stacks[1].stopped_at_mark(server));
    net.stacks[0].try_send(client, b"after").unwrap();
    net.wait(50 * MILLI);
    assert!(net.stacks[1].stopped_at_mark(server));
    assert_eq!(receive(&mut net, server, 100).unwrap(), b"after");
    assert!(!net.stacks[1].stopped_at_mark(server));
}

#[test]
fn in_line_it_is_a_receive_of_its_own() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    inline(&mut net, server, true);
    net.stacks[0].try_send(client, b"before").unwrap();
    net.stacks[0].try_send_urgent(client, b'!').unwrap();
    net.stacks[0].try_send(client, b"after").unwrap();
    net.wait(50 * MILLI);
    assert_eq!(urgent(&mut net, server), NONE);
    assert!(!net.stacks[1].at_urgent_mark(server));
    let pieces = [(&b"before"[..], true, false), (b"!", true, true), (b"after", false, true)];
    for (text, stops, all_read) in pieces {
        assert_eq!(receive(&mut net, server, 100).unwrap(), text);
        assert_eq!(net.stacks[1].stopped_at_mark(server), stops);
        assert_eq!(net.stacks[1].at_urgent_mark(server), all_read);
    }
}

#[test]
fn what_came_out_of_line_stays_out_of_line() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    net.stacks[0].try_send_urgent(client, b'!').unwrap();
    net.stacks[0].try_send(client, b"x").unwrap();
    net.wait(50 * MILLI);
    inline(&mut net, server, true);
    assert_eq!(urgent(&mut net, server), NONE);
    assert_eq!(receive(&mut net, server, 100).unwrap(), b"x");
    inline(&mut net, server, false);
    assert_eq!(urgent(&mut net, server), Ok(b'!'));
}

#[test]
fn it_is_announced_ahead_of_what_the_window_holds_back() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    let filler = vec![b'.'; 60_000];
    let mut sent = 0;
    net.run(60 * SECOND, |net| {
        while let Ok(count) = net.stacks[0].try_send(client, &filler) {
            sent += count;
        }
        false
    });
    net.told(1, server);
    // The sender has no room either, until the receiver takes something.
    assert_eq!(net.stacks[0].try_send_urgent(client, b'!'), Err(WsaError::WSAEWOULDBLOCK));
    let mut got = receive(&mut net, server, 30_000).unwrap().len();
    net.run(60 * SECOND, |net| net.stacks[0].try_send_urgent(client, b'!').is_ok());
    net.wait(60 * SECOND);
    assert!(net.told(1, server).contains(Readiness::URGENT));
    assert!(!net.stacks[1].at_urgent_mark(server));
    assert_eq!(urgent(&mut net, server), BLOCK);
    net.run(60 * SECOND, |net| {
        while let Ok(bytes) = receive(net, server, 5000) {
            assert!(bytes.iter().all(|byte| *byte == b'.'));
            got += bytes.len();
        }
        got == sent
    });
    net.wait(SECOND);
    assert_eq!(got, sent);
    assert!(net.told(1, server).contains(Readiness::URGENT));
    assert_eq!(urgent(&mut net, server), Ok(b'!'));
}

#[test]
fn the_next_takes_the_place_of_one_that_nobody_read() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    for text in [&b"one"[..], b"two"] {
        net.stacks[0].try_send(client, &text[..2]).unwrap();
        net.stacks[0].try_send_urgent(client, text[2]).unwrap();
        net.wait(50 * MILLI);
    }
    assert_eq!(urgent(&mut net, server), Ok(b'o'));
    assert_eq!(urgent(&mut net, server), NONE);
    // The first one had arrived: it is lost, and its place is still one where a receive ends.
    assert_eq!(receive(&mut net, server, 100).unwrap(), b"on");
    assert_eq!(receive(&mut net, server, 100).unwrap(), b"tw");
    // Both before any of them has left: one mark is under way, and the first is an ordinary byte.
    for byte in [b'a', b'b'] {
        net.stacks[0].try_send_urgent(client, byte).unwrap();
    }
    net.wait(50 * MILLI);
    assert_eq!(urgent(&mut net, server), Ok(b'b'));
    assert_eq!(receive(&mut net, server, 100).unwrap(), b"a");
}

#[test]
fn an_urgent_byte_alone_leaves_nothing_to_receive() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    net.stacks[0].try_send_urgent(client, b'!').unwrap();
    net.wait(50 * MILLI);
    assert_eq!(net.stacks[1].available(server), 0);
    assert_eq!(receive(&mut net, server, 8), Err(WsaError::WSAEWOULDBLOCK));
    net.stacks[0].shutdown(client, provider_core::Half::Send).unwrap();
    net.wait(50 * MILLI);
    assert_eq!(receive(&mut net, server, 8), Ok(Vec::new()));
    // The end of the stream takes nothing away.
    assert_eq!(urgent(&mut net, server), Ok(b'!'));
    net.stacks[1].fail(server, WsaError::WSAECONNRESET);
    assert_eq!(urgent(&mut net, server), Err(WsaError::WSAECONNRESET));
    assert!(net.stacks[1].at_urgent_mark(server));
}

#[test]
fn what_came_before_the_accept_is_urgent_too() {
    for on in [false, true] {
        let mut net = Net::new(2);
        let listener = net.listener(1, any(Family::V4, 80));
        inline(&mut net, listener, on);
        let client = net.connecting(0, v4(1, 80));
        net.wait(50 * MILLI);
        net.stacks[0].try_send_urgent(client, b'!').unwrap();
        net.wait(50 * MILLI);
        let (server, _) = net.stacks[1].accept(listener).unwrap();
        net.poll();
        assert!(net.told(1, server).contains(Readiness::URGENT));
        if on {
            assert_eq!(receive(&mut net, server, 8).unwrap(), b"!");
        } else {
            assert_eq!(urgent(&mut net, server), Ok(b'!'));
        }
    }
}

#[test]
fn calls_in_the_wrong_state_say_so() {
    let mut net = Net::new(2);
    let datagram = net.datagram(0, v4(0, 9));
    let stream = net.connecting(0, v4(1, 80));
    let s = &mut net.stacks[0];
    assert_eq!(s.try_send_urgent(datagram, 1), Err(WsaError::WSAEOPNOTSUPP));
    assert_eq!(s.try_recv_urgent(datagram, false), Err(WsaError::WSAEOPNOTSUPP));
    assert_eq!(s.try_send_urgent(stream, 1), Err(WsaError::WSAENOTCONN));
    assert_eq!(s.try_recv_urgent(stream, false), Err(WsaError::WSAENOTCONN));
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    net.stacks[0].shutdown(client, provider_core::Half::Send).unwrap();
    assert_eq!(net.stacks[0].try_send_urgent(client, 1), Err(WsaError::WSAESHUTDOWN));
    net.stacks[1].shutdown(server, provider_core::Half::Receive).unwrap();
    assert_eq!(urgent(&mut net, server), Err(WsaError::WSAESHUTDOWN));
}

/// Urgent bytes have the highest bit set; the others count up.
const URGENT: u8 = 0x80;

/// Sends `count` bytes from machine 0 to machine 1, one in `rarity` urgent, over a network that
/// loses, damages, doubles and reorders. An urgent byte waits for the one before to be read when
/// `patient`. Gives what was sent, what came in the stream, and what came beside it.
fn transfer(seed: u64, count: usize, rarity: u64, patient: bool, in_line: bool) -> [Vec<u8>; 3] {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    inline(&mut net, server, in_line);
    let mut loss = Dice(seed);
    net.filter = Box::new(move |_, packet| {
        if loss.roll(30) == 0 {
            let bit = loss.roll(packet.len() as u64 * 8) as usize;
            packet[bit / 8] ^= 1 << (bit % 8);
        }
        loss.roll(12) != 0
    });
    net.unrest = Some(Dice(seed + 1));
    let mut dice = Dice(seed + 2);
    let [mut sent, mut stream, mut beside] = [const { Vec::new() }; 3];
    let mut urgent_sent = 0_u8;
    let mut quiet = false;
    for _ in 0..100_000 {
        if sent.len() >= count && quiet {
            break;
        }
        net.wait(5 * MILLI);
        let net = &mut net;
        if sent.len() < count && dice.roll(3) == 0 {
            let read = if in_line { marked(&stream).pop() } else { beside.last().copied() };
            let read = read.map_or(0, |byte| byte & !URGENT);
            if dice.roll(rarity) == 0 && (!patient || read == urgent_sent) {
                let byte = URGENT | ((urgent_sent + 1) % 128);
                if net.stacks[0].try_send_urgent(client, byte).is_ok() {
                    urgent_sent = byte & !URGENT;
                    sent.push(byte);
                }
            } else {
                let from = sent.len();
                let most = 1 + dice.roll(600) as usize;
                let bytes: Vec<u8> =
                    (from..(from + most).min(count)).map(|i| (i % 127) as u8).collect();
                let taken = net.stacks[0].try_send(client, &bytes).unwrap_or(0);
                sent.extend_from_slice(&bytes[..taken]);
            }
        }
        if dice.roll(3) == 0 {
            let room = 1 + dice.roll(4000) as usize;
            if let Ok(bytes) = receive(net, server, room) {
                // In line it comes alone, unless another one has taken its place.
                let alone = bytes.len() == 1 || marked(&bytes).is_empty();
                assert!(!(in_line && patient) || alone, "seed {seed}");
                stream.extend(bytes);
            }
        }
        if patient || dice.roll(5) == 0 {
            beside.extend(urgent(net, server));
        }
        quiet = net.stacks[0].is_drained(client) && net.stacks[1].available(server) == 0;
    }
    assert!(quiet, "seed {seed}: {} of {count} bytes", stream.len());
    beside.extend(urgent(&mut net, server));
    [sent, stream, beside]
}

fn ordinary(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| byte & URGENT == 0).collect()
}

fn marked(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| byte & URGENT != 0).collect()
}

#[test]
fn loss_and_disorder_lose_no_urgent_byte() {
    let mut all = 0;
    for seed in 1..40 {
        let [sent, stream, beside] = transfer(seed, 20_000, 4, true, false);
        assert_eq!(stream, ordinary(&sent), "seed {seed}");
        assert_eq!(beside, marked(&sent), "seed {seed}");
        all += beside.len();
    }
    assert!(all > 100, "{all} urgent bytes only");
}

#[test]
fn loss_and_disorder_lose_nothing_in_line() {
    for (seed, patient) in (1..20).flat_map(|seed| [(seed, true), (seed, false)]) {
        let [sent, stream, beside] = transfer(seed, 20_000, 4, patient, true);
        assert_eq!(stream, sent, "seed {seed}");
        assert!(beside.is_empty());
    }
}

#[test]
fn hurried_urgent_bytes_are_in_the_stream_beside_it_or_lost_to_the_next() {
    for seed in 1..40 {
        let [sent, stream, beside] = transfer(seed, 20_000, 2, false, false);
        assert_eq!(ordinary(&stream), ordinary(&sent), "seed {seed}");
        // What stayed in the stream stayed in its place.
        let mut rest = sent.iter();
        assert!(stream.iter().all(|byte| rest.any(|other| other == byte)), "seed {seed}");
        let all = marked(&sent);
        let mut rest = all.iter();
        assert!(beside.iter().all(|byte| rest.any(|other| other == byte)), "seed {seed}");
        assert!(marked(&stream).iter().all(|byte| !beside.contains(byte)), "seed {seed}");
        assert_eq!(beside.last(), all.last(), "seed {seed}: the last one cannot be replaced");
    }
}
