//! Datagrams larger than a packet.

use provider_core::{Family, WsaError};

use super::{Dice, MILLI, Net, SECOND, any, pattern, stack, v4, v6};

#[test]
fn the_largest_goes_and_one_more_does_not() {
    for family in [Family::V4, Family::V6] {
        let mut net = Net::new(2);
        let a = net.datagram(0, any(family, 1000));
        let b = net.datagram(1, any(family, 2000));
        let max = net.stacks[0].datagram_max(family);
        assert_eq!(max, if family == Family::V4 { 65_507 } else { 1452 });
        let to = super::at(family, 1, 2000);
        let more = net.stacks[0].try_send_to(a, &pattern(0, max + 1), to);
        assert_eq!(more, Err(WsaError::WSAEMSGSIZE));
        net.stacks[0].try_send_to(a, &pattern(5, max), to).unwrap();
        net.wait(10 * MILLI);
        let mut into = vec![0; max + 1];
        let got = net.stacks[1].try_recv_from(b, &mut into, false);
        assert_eq!(got, Ok((max, super::at(family, 0, 1000))));
        assert!(into[..max] == pattern(5, max));
    }
}

#[test]
fn every_size_around_the_packet_arrives_and_fits_the_link() {
    for mtu in [576, 1280, 1499, 1500] {
        let mut net = Net::with_mtu(2, mtu);
        let a = net.datagram(0, v4(0, 1000));
        let b = net.datagram(1, v4(1, 2000));
        net.filter = Box::new(move |_, packet| {
            assert!(packet.len() <= mtu);
            true
        });
        for length in (mtu - 40..mtu + 10).chain(2 * mtu - 60..2 * mtu) {
            net.stacks[0].try_send_to(a, &pattern(length, length), v4(1, 2000)).unwrap();
            net.wait(5 * MILLI);
            let mut into = vec![0; 3 * mtu];
            let (got, _) = net.stacks[1].try_recv_from(b, &mut into, false).unwrap();
            assert!(into[..got] == pattern(length, length), "{mtu} {length}");
        }
    }
}

#[test]
fn fragments_mix_repeat_and_lack_without_harm() {
    let mut net = Net::new(3);
    // The same seed: their packet ids are the same, and only the addresses tell them apart.
    net.stacks[2] = stack(2, 1500, 5);
    let senders = [net.datagram(0, v4(0, 1000)), net.datagram(2, v4(2, 1000))];
    let b = net.datagram(1, v4(1, 2000));
    let mut dice = Dice(99);
    let mut whole = 0;
    for round in 0..300 {
        // Held back until all are there, then shuffled, some twice, some not at all.
        let held = std::rc::Rc::new(core::cell::RefCell::new(Vec::new()));
        let hold = held.clone();
        net.filter = Box::new(move |_, packet| {
            hold.borrow_mut().push(packet.clone());
            false
        });
        for (machine, socket) in [(0, senders[0]), (2, senders[1])] {
            for part in 0..2 {
                let bytes = pattern(round * 10 + part, 9000);
                net.stacks[machine].try_send_to(socket, &bytes, v4(1, 2000)).unwrap();
            }
        }
        net.poll();
        let mut packets = held.take();
        assert_eq!(packets.len(), 4 * 7);
        for index in (1..packets.len()).rev() {
            packets.swap(index, dice.roll(index as u64 + 1) as usize);
        }
        for packet in packets {
            let times = match dice.roll(100) {
                0..2 => 0,
                2..20 => 2,
                _ => 1,
            };
            for _ in 0..times {
                net.stacks[1].receive(net.now, &packet);
            }
        }
        let mut into = vec![0; 9001];
        while let Ok((length, _)) = net.stacks[1].try_recv_from(b, &mut into, false) {
            assert_eq!(length, 9000);
            let sent = (0..2).any(|part| into[..9000] == pattern(round * 10 + part, 9000));
            assert!(sent, "not what was sent");
            whole += 1;
        }
        net.now += SECOND;
    }
    assert!((900..1200).contains(&whole), "{whole} of 1200");
}

#[test]
fn a_long_datagram_to_a_closed_port_is_reported() {
    let mut net = Net::new(2);
    let a = net.datagram(0, v4(0, 1000));
    net.stacks[0].try_send_to(a, &pattern(0, 60_000), v4(1, 9)).unwrap();
    net.wait(10 * MILLI);
    assert!(net.stacks[0].take_reset(a));
    assert!(!net.stacks[0].take_reset(a));
    let six = net.datagram(0, v6(0, 1000));
    net.stacks[0].try_send_to(six, &pattern(0, 1452), v6(1, 9)).unwrap();
    net.wait(10 * MILLI);
    assert!(net.stacks[0].take_reset(six));
}

#[test]
fn loopback_needs_no_fragments() {
    let mut net = Net::new(1);
    let a = net.datagram(0, v4(0, 1000));
    net.stacks[0].try_send_to(a, &pattern(0, 65_507), v4(0, 1000)).unwrap();
    net.poll();
    let mut into = vec![0; 65_507];
    assert_eq!(net.stacks[0].try_recv_from(a, &mut into, false), Ok((65_507, v4(0, 1000))));
    assert!(into == pattern(0, 65_507));
}
