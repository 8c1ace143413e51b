//! Whatever arrives, the stack stands; and one seed gives one run.

use provider_core::{Family, Half};

use super::{Dice, MILLI, Net, SECOND, any, stack, v4};
use crate::net::stack::ip;

#[test]
fn noise_is_survived() {
    let mut dice = Dice(5);
    let mut stack = stack(0, 1500, 1);
    let mut out = Vec::new();
    for round in 0..200_000 {
        let mut packet = vec![0; dice.roll(80) as usize];
        for byte in &mut packet {
            *byte = dice.roll(256) as u8;
        }
        if let Some(first) = packet.first_mut() {
            *first = if round % 2 == 0 { 0x45 } else { 0x60 };
        }
        stack.receive(round, &packet);
    }
    stack.poll(1_000_000, &mut out);
    assert!(out.is_empty());
}

/// Makes the checksums of a TCP packet right again.
fn mend(packet: &mut [u8]) {
    let header = if packet[0] >> 4 == 4 { 20 } else { 40 };
    if packet.len() < header + 20 {
        return;
    }
    if header == 20 {
        packet[10..12].fill(0);
        let sum = !ip::fold(ip::sum(&packet[..20]));
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    packet[header + 16..header + 18].fill(0);
    let Some(parsed) = ip::parse(packet) else { return };
    let (head, body) = packet[header..parsed.total_len].split_at(20);
    let sum = ip::checksum(parsed.source, parsed.destination, ip::TCP, head, body);
    packet[header + 16..header + 18].copy_from_slice(&sum.to_be_bytes());
}

#[test]
fn damage_with_right_checksums_is_survived() {
    for seed in 1..40 {
        let mut net = Net::new(2);
        let (client, server) =
            net.connected_over(if seed % 2 == 0 { Family::V4 } else { Family::V6 });
        let mut dice = Dice(seed);
        net.filter = Box::new(move |_, packet| {
            if dice.roll(3) == 0 {
                let header = if packet[0] >> 4 == 4 { 20 } else { 40 };
                let place =
                    header + 4 + dice.roll(packet.len() as u64 - header as u64 - 4) as usize;
                let place = if dice.roll(2) == 0 { place } else { place.min(header + 19) };
                packet[place] = dice.roll(256) as u8;
                mend(packet);
            }
            true
        });
        let mut bytes = [0; 3000];
        let mut rounds = 0;
        net.run(20 * SECOND, |net| {
            for (machine, socket) in [(0, client), (1, server)] {
                let _ = net.stacks[machine].try_send(socket, &bytes);
                let _ = net.stacks[machine].try_recv(socket, &mut bytes, false);
            }
            rounds += 1;
            if rounds == 300 {
                let _ = net.stacks[0].shutdown(client, Half::Send);
            }
            rounds > 2000
        });
        net.stacks[0].close(client, false);
        net.stacks[1].close(server, false);
        net.wait(400 * SECOND);
        for stack in &net.stacks {
            assert!(stack.pairs.is_empty());
        }
    }
}

/// What left the machines of a busy run, as a digest.
fn digest(seed: u64) -> u64 {
    let mut net = Net::new(2);
    net.stacks = (0..2).map(|index| stack(index, 1500, seed)).collect();
    let digest = std::rc::Rc::new(core::cell::Cell::new(0u64));
    let (keep, mut dice) = (digest.clone(), Dice(8));
    net.filter = Box::new(move |from, packet| {
        for byte in packet.iter() {
            let mixed =
                (keep.get() ^ u64::from(*byte) ^ from as u64).wrapping_mul(0x0100_0000_01b3);
            keep.set(mixed.rotate_left(5));
        }
        dice.roll(10) != 0
    });
    let (client, server) = net.connected();
    let a = net.datagram(0, any(Family::V4, 0));
    for round in 0..50 {
        let _ = net.stacks[0].try_send(client, &[round; 3000]);
        let _ = net.stacks[0].try_send_to(a, &[round; 3000], v4(1, 9));
        net.wait(100 * MILLI);
        let _ = net.stacks[1].try_recv(server, &mut [0; 9999], false);
    }
    digest.get()
}

#[test]
fn one_seed_is_one_run() {
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}
