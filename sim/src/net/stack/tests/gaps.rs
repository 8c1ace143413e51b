//! What smoltcp gets wrong, and the stack makes up for.

use core::cell::RefCell;
use std::rc::Rc;

use provider_core::{Half, WsaError};

use super::{MILLI, Net, SECOND, pattern};
use crate::net::stack::ip::{self, TCP};

const IP: usize = 20;
const SEQUENCE: usize = 4;
const FLAGS: usize = 13;
const WINDOW: usize = 14;
const CHECKSUM: usize = 16;
const FIN: u8 = 1;
const PSH: u8 = 8;

type Last = Rc<RefCell<Vec<u8>>>;

/// Keeps the last packet that leaves `machine`.
fn keep_last(net: &mut Net, machine: usize) -> Last {
    let last = Last::default();
    let kept = last.clone();
    net.filter = Box::new(move |from, packet| {
        if from == machine {
            packet.clone_into(&mut kept.borrow_mut());
        }
        true
    });
    last
}

/// An IPv4 packet whose segment is another one, with lengths and checksums that fit.
fn with_segment(packet: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let header = ip::parse(packet).unwrap();
    let mut segment = packet[IP..].to_vec();
    change(&mut segment);
    segment[CHECKSUM..CHECKSUM + 2].fill(0);
    let sum = ip::checksum(header.source, header.destination, TCP, &segment, &[]);
    segment[CHECKSUM..CHECKSUM + 2].copy_from_slice(&sum.to_be_bytes());
    let mut packet = packet[..IP].to_vec();
    packet.extend(segment);
    let length = packet.len() as u16;
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet[10..12].fill(0);
    let words = packet[..IP].chunks(2).map(|pair| u64::from(ip::word(pair, 0))).sum();
    let sum = !ip::fold(words);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

#[test]
fn a_fin_behind_data_that_exceeds_the_window_does_not_end_the_stream() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    let last = keep_last(&mut net, 0);
    let all = pattern(0, 65_400);
    assert_eq!(net.stacks[0].try_send(client, &all), Ok(all.len()));
    assert!(net.run(60 * SECOND, |net| net.stacks[1].available(server) == all.len()));
    net.wait(SECOND);
    // More than the 135 bytes that there is room for, and the end.
    let template = last.borrow().clone();
    let packet = with_segment(&template, |segment| {
        let data = segment.len() - 20;
        let first = u32::from_be_bytes(segment[SEQUENCE..SEQUENCE + 4].try_into().unwrap());
        let next = first.wrapping_add(data as u32);
        segment[SEQUENCE..SEQUENCE + 4].copy_from_slice(&next.to_be_bytes());
        segment[FLAGS] |= FIN | PSH;
        segment.truncate(20);
        segment.extend([7; 500]);
    });
    net.stacks[1].receive(net.now, &packet);
    net.wait(100 * MILLI);
    let mut into = vec![0; 70_000];
    let taken = net.stacks[1].try_recv(server, &mut into, false).unwrap();
    let more = net.stacks[1].try_recv(server, &mut into[taken..], false);
    assert_eq!(more.unwrap_or(0) + taken, 65_535);
    let after = net.stacks[1].try_recv(server, &mut [0], false);
    assert_eq!(after, Err(WsaError::WSAEWOULDBLOCK), "365 bytes are missing before the end");
}

#[test]
fn a_fin_with_data_that_fits_ends_the_stream() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    net.stacks[0].try_send(client, b"all").unwrap();
    net.stacks[0].close(client, false);
    net.wait(100 * MILLI);
    let mut into = [0; 9];
    assert_eq!(net.stacks[1].try_recv(server, &mut into, false), Ok(3));
    assert_eq!(net.stacks[1].try_recv(server, &mut into, false), Ok(0));
}

#[test]
fn a_stale_window_of_zero_does_not_stop_a_stream_for_ever() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    let last = keep_last(&mut net, 1);
    net.stacks[0].try_send(client, b"x").unwrap();
    net.wait(SECOND);
    let acknowledgment = last.borrow().clone();
    let all = pattern(1, 5000);
    net.stacks[0].try_send(client, &all).unwrap();
    net.lose_all();
    net.poll();
    // An older word of the peer's arrives last, and whatever is sent until then is lost.
    let stale = with_segment(&acknowledgment, |segment| segment[WINDOW..WINDOW + 2].fill(0));
    net.stacks[0].receive(net.now, &stale);
    net.wait(5 * SECOND);
    net.heal();
    let arrived = net.run(60 * SECOND, |net| net.stacks[1].available(server) == 5001);
    assert!(arrived, "only {} bytes arrived", net.stacks[1].available(server));
}

/// Nor may a keep-alive question help it: smoltcp asks with one made-up byte in the place of what
/// it sent last, here the end of the stream.
#[test]
fn a_window_that_closes_and_opens_on_a_fin_in_flight_adds_no_byte() {
    const SHORT: usize = 60;
    const LONG: usize = 1400;
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    let acknowledgment = Last::default();
    let kept = acknowledgment.clone();
    // Of two segments the second, with the end, is lost, and the answer to the first is held back.
    net.filter = Box::new(move |from, packet| {
        if from == 1 {
            packet.clone_into(&mut kept.borrow_mut());
        }
        from == 0 && packet.len() > LONG
    });
    let all = pattern(0, 2_000);
    assert_eq!(net.stacks[0].try_send(client, &all), Ok(all.len()));
    net.stacks[0].shutdown(client, Half::Send).unwrap();
    net.wait(100 * MILLI);
    let opens = acknowledgment.borrow().clone();
    let closes = with_segment(&opens, |segment| segment[WINDOW..WINDOW + 2].fill(0));
    for packet in [closes, opens] {
        net.stacks[0].receive(net.now, &packet);
        net.wait(10 * MILLI);
    }
    net.filter = Box::new(|from, packet| from == 1 || packet.len() < SHORT);
    net.wait(3 * SECOND);
    net.heal();
    let ended = net.run(60 * SECOND, |net| net.stacks[0].is_drained(client));
    assert!(ended, "the end does not arrive");
    let mut into = vec![0; 3_000];
    assert_eq!(net.stacks[1].try_recv(server, &mut into, false), Ok(all.len()));
    assert!(into[..all.len()] == all);
    assert_eq!(net.stacks[1].try_recv(server, &mut into, false), Ok(0));
}

/// A peer that sends again rewinds, and smoltcp drops what lies behind what it expects, with the
/// acknowledgment that it has: here neither side would hear that its data has arrived.
#[test]
fn two_sides_that_both_send_again_hear_each_other() {
    const SHORT: usize = 60;
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    net.wait(SECOND);
    let all = pattern(0, 2_800);
    assert_eq!(net.stacks[0].try_send(client, &all), Ok(all.len()));
    assert_eq!(net.stacks[1].try_send(server, &all), Ok(all.len()));
    // All data arrives, and none of the answers to it.
    net.filter = Box::new(|_, packet| packet.len() > SHORT);
    net.wait(100 * MILLI);
    assert_eq!(net.stacks[0].available(client), all.len());
    assert_eq!(net.stacks[1].available(server), all.len());
    net.wait(2 * SECOND);
    net.heal();
    net.stacks[0].shutdown(client, Half::Send).unwrap();
    net.stacks[1].shutdown(server, Half::Send).unwrap();
    let ended = net.run(100 * SECOND, |net| {
        net.stacks[0].is_drained(client) && net.stacks[1].is_drained(server)
    });
    assert!(ended, "the answers are not heard");
}
