//! Datagrams between machines, on one, to everyone, and to nobody.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use provider_core::{Family, Kind, Readiness, TransportOption, WsaError};

use super::{MILLI, Net, SECOND, any, at, pattern, v4, v6};
use crate::net::stack::{EPHEMERAL_FIRST, RECEIVE_DATAGRAMS, StackSocket};

fn receive(net: &mut Net, machine: usize, socket: StackSocket) -> (Vec<u8>, SocketAddr) {
    let mut into = vec![0; 70_000];
    let (length, from) = net.stacks[machine].try_recv_from(socket, &mut into, false).unwrap();
    into.truncate(length);
    (into, from)
}

#[test]
fn echo_names_the_sender() {
    for family in [Family::V4, Family::V6] {
        let mut net = Net::new(2);
        let a = net.datagram(0, any(family, 1000));
        let b = net.datagram(1, at(family, 1, 2000));
        net.stacks[0].try_send_to(a, b"ping", at(family, 1, 2000)).unwrap();
        net.wait(10 * MILLI);
        assert_eq!(receive(&mut net, 1, b), (b"ping".to_vec(), at(family, 0, 1000)));
        net.stacks[1].try_send_to(b, b"pong", at(family, 0, 1000)).unwrap();
        net.wait(10 * MILLI);
        assert_eq!(receive(&mut net, 0, a), (b"pong".to_vec(), at(family, 1, 2000)));
    }
}

#[test]
fn nothing_is_sent_and_received_as_a_datagram() {
    for family in [Family::V4, Family::V6] {
        let mut net = Net::new(2);
        let a = net.datagram(0, any(family, 1000));
        let b = net.datagram(1, any(family, 2000));
        net.stacks[0].try_send_to(a, b"", at(family, 1, 2000)).unwrap();
        net.wait(10 * MILLI);
        assert_eq!(receive(&mut net, 1, b), (Vec::new(), at(family, 0, 1000)));
        let empty = net.stacks[1].try_recv_from(b, &mut [0; 8], false);
        assert_eq!(empty, Err(WsaError::WSAEWOULDBLOCK));
    }
}

#[test]
fn a_short_buffer_cuts_and_a_peek_keeps() {
    let mut net = Net::new(2);
    let a = net.datagram(0, v4(0, 1000));
    let b = net.datagram(1, v4(1, 2000));
    net.stacks[0].try_send_to(a, b"first datagram", v4(1, 2000)).unwrap();
    net.stacks[0].try_send_to(a, b"second", v4(1, 2000)).unwrap();
    net.wait(10 * MILLI);
    let mut short = [0; 5];
    assert_eq!(net.stacks[1].available(b), 14);
    for peek in [true, false] {
        let got = net.stacks[1].try_recv_from(b, &mut short, peek);
        assert_eq!((got, &short), (Ok((14, v4(0, 1000))), b"first"));
    }
    assert_eq!(net.stacks[1].available(b), 6);
    assert_eq!(receive(&mut net, 1, b).0, b"second");
}

#[test]
fn loopback_reaches_every_own_address_and_no_other_machine() {
    let local = |ip: IpAddr| SocketAddr::new(ip, 2000);
    let addresses = [
        v4(0, 2000),
        v6(0, 2000),
        local(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        local(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    for to in addresses {
        let mut net = Net::new(2);
        let a = net.datagram(0, any(Family::of(&to), 1000));
        let b = net.datagram(0, any(Family::of(&to), 2000));
        net.stacks[0].try_send_to(a, b"me", to).unwrap();
        net.poll();
        let (bytes, from) = receive(&mut net, 0, b);
        assert_eq!((bytes, from.ip()), (b"me".to_vec(), to.ip()));
        assert_eq!(net.sent, 0);
    }
}

#[test]
fn the_specific_socket_wins_over_the_wildcard() {
    let mut net = Net::new(2);
    let a = net.datagram(0, v4(0, 1000));
    let wild = net.datagram(1, any(Family::V4, 2000));
    let specific = net.datagram(1, v4(1, 2000));
    net.stacks[0].try_send_to(a, b"x", v4(1, 2000)).unwrap();
    net.wait(10 * MILLI);
    assert_eq!(receive(&mut net, 1, specific).0, b"x");
    net.stacks[1].close(specific, false);
    net.stacks[0].try_send_to(a, b"y", v4(1, 2000)).unwrap();
    net.wait(10 * MILLI);
    assert_eq!(receive(&mut net, 1, wild).0, b"y");
}

#[test]
fn a_broadcast_needs_leave_and_reaches_everyone() {
    for to in [Ipv4Addr::BROADCAST, Ipv4Addr::new(10, 0, 255, 255)] {
        let to = SocketAddr::new(IpAddr::V4(to), 2000);
        let mut net = Net::new(3);
        let a = net.datagram(0, any(Family::V4, 2000));
        let b = net.datagram(1, any(Family::V4, 2000));
        let c = net.datagram(2, v4(2, 2000));
        let also = net.datagram(2, any(Family::V4, 2000));
        assert_eq!(net.stacks[0].try_send_to(a, b"all", to), Err(WsaError::WSAEACCES));
        net.stacks[0].set_option(a, TransportOption::Broadcast(true));
        net.stacks[0].try_send_to(a, b"all", to).unwrap();
        net.wait(10 * MILLI);
        for (machine, socket) in [(0, a), (1, b), (2, c), (2, also)] {
            assert_eq!(receive(&mut net, machine, socket), (b"all".to_vec(), v4(0, 2000)));
        }
        assert_eq!(net.sent, 1, "nobody answers a broadcast");
    }
}

#[test]
fn a_closed_port_is_reported_once_for_each_datagram() {
    for family in [Family::V4, Family::V6] {
        // The long ones make the report quote a part only.
        for length in [0, 4, 600, 1400] {
            let mut net = Net::new(2);
            let a = net.datagram(0, any(family, 1000));
            let bystander = net.datagram(0, any(family, 1001));
            for _ in 0..3 {
                net.stacks[0].try_send_to(a, &pattern(0, length), at(family, 1, 9)).unwrap();
            }
            assert_eq!(
                net.stacks[0].try_recv_from(a, &mut [], false),
                Err(WsaError::WSAEWOULDBLOCK)
            );
            net.wait(10 * MILLI);
            assert_eq!(net.told(0, a), Readiness::RECEIVE);
            for peek in [true, false] {
                let got = net.stacks[0].try_recv_from(a, &mut [0; 9], peek);
                assert_eq!(got, Err(WsaError::WSAECONNRESET), "{family:?} {length}");
            }
            assert!(net.stacks[0].take_reset(a));
            assert!(!net.stacks[0].take_reset(a));
            assert!(!net.stacks[0].take_reset(bystander));
            net.stacks[0].inject_unreachable(bystander);
            assert!(net.stacks[0].take_reset(bystander));
        }
    }
}

#[test]
fn damage_is_dropped_without_an_answer() {
    let mut net = Net::new(2);
    let a = net.datagram(0, v4(0, 1000));
    let b = net.datagram(1, v4(1, 2000));
    let bits = (20 + 8 + 5) * 8;
    for bit in 0..bits {
        net.filter = Box::new(move |from, packet| {
            assert_eq!(from, 0, "an answer to damage at bit {bit}");
            packet[bit / 8] ^= 1 << (bit % 8);
            true
        });
        net.stacks[0].try_send_to(a, b"bytes", v4(1, 2000)).unwrap();
        net.wait(5 * MILLI);
    }
    let nothing = net.stacks[1].try_recv_from(b, &mut [0; 9], false);
    assert_eq!(nothing, Err(WsaError::WSAEWOULDBLOCK));
}

#[test]
fn a_damaged_report_is_dropped() {
    for family in [Family::V4, Family::V6] {
        let mut net = Net::new(2);
        let a = net.datagram(0, any(family, 1000));
        let header = if family == Family::V4 { 20 } else { 40 };
        for bit in header * 8..(header + 8 + header + 8) * 8 {
            net.filter = Box::new(move |from, packet| {
                if from == 1 {
                    packet[bit / 8] ^= 1 << (bit % 8);
                }
                true
            });
            net.stacks[0].try_send_to(a, b"", at(family, 1, 9)).unwrap();
            net.wait(5 * MILLI);
            assert!(!net.stacks[0].take_reset(a), "{family:?} bit {bit}");
        }
    }
}

#[test]
fn a_full_receiver_drops() {
    let mut net = Net::new(2);
    let a = net.datagram(0, v4(0, 1000));
    let b = net.datagram(1, v4(1, 2000));
    for round in 0..RECEIVE_DATAGRAMS + 50 {
        net.stacks[0].try_send_to(a, &pattern(round, 4), v4(1, 2000)).unwrap();
        net.wait(5 * MILLI);
    }
    for round in 0..RECEIVE_DATAGRAMS {
        assert_eq!(receive(&mut net, 1, b).0, pattern(round, 4));
    }
    assert!(net.stacks[1].try_recv_from(b, &mut [], false).is_err());
    for _ in 0..50 {
        net.stacks[0].try_send_to(a, &[0; 1400], v4(1, 2000)).unwrap();
        net.wait(5 * MILLI);
    }
    let mut got = 0;
    while net.stacks[1].try_recv_from(b, &mut [], false).is_ok() {
        got += 1;
    }
    assert_eq!(got, 65_535 / 1400);
}

#[test]
fn a_full_sender_blocks_until_the_poll() {
    let mut net = Net::new(2);
    let a = net.datagram(0, v4(0, 1000));
    let mut taken = 0;
    while net.stacks[0].try_send_to(a, &[0; 1000], v4(1, 2000)).is_ok() {
        taken += 1;
        assert!(taken < 100);
    }
    assert!(taken > 60);
    assert_eq!(net.stacks[0].poll_at(5), Some(5));
    net.poll();
    assert_eq!(net.told(0, a), Readiness::SEND);
    net.stacks[0].try_send_to(a, &[0; 1000], v4(1, 2000)).unwrap();
}

#[test]
fn errors_name_what_is_wrong() {
    let mut net = Net::new(1);
    let s = &mut net.stacks[0];
    let a = s.open(Family::V4, Kind::Datagram).unwrap();
    assert_eq!(s.try_recv_from(a, &mut [], false), Err(WsaError::WSAEINVAL));
    let elsewhere: SocketAddr = "192.168.0.1:5".parse().unwrap();
    assert_eq!(s.bind(a, v4(3, 5)), Err(WsaError::WSAEADDRNOTAVAIL));
    assert_eq!(s.bind(a, v6(0, 5)), Err(WsaError::WSAEAFNOSUPPORT));
    assert_eq!(s.try_send_to(a, b"", elsewhere), Err(WsaError::WSAENETUNREACH));
    assert_eq!(s.try_send_to(a, b"", v4(1, 0)), Err(WsaError::WSAEADDRNOTAVAIL));
    assert_eq!(s.try_send_to(a, b"", any(Family::V4, 1)), Err(WsaError::WSAEADDRNOTAVAIL));
    assert_eq!(s.try_send_to(a, b"", v6(1, 5)), Err(WsaError::WSAEAFNOSUPPORT));
    let outside: SocketAddr = "[fd01::1]:5".parse().unwrap();
    let b = s.open(Family::V6, Kind::Datagram).unwrap();
    assert_eq!(s.try_send_to(b, b"", outside), Err(WsaError::WSAENETUNREACH));
    let l = s.open(Family::V4, Kind::Datagram).unwrap();
    s.bind(l, "127.0.0.1:0".parse().unwrap()).unwrap();
    assert_eq!(s.try_send_to(l, b"", v4(1, 5)), Err(WsaError::WSAEADDRNOTAVAIL));
    s.fail(l, WsaError::WSAENETDOWN);
    assert_eq!(s.try_send_to(l, b"", v4(0, 5)), Err(WsaError::WSAENETDOWN));
    assert_eq!(s.try_recv_from(l, &mut [], false), Err(WsaError::WSAENETDOWN));
}

#[test]
fn names_belong_to_one_socket_each() {
    let mut net = Net::new(1);
    let s = &mut net.stacks[0];
    let a = s.open(Family::V4, Kind::Datagram).unwrap();
    assert_eq!(s.bind(a, v4(0, 77)), Ok(v4(0, 77)));
    assert_eq!(s.bind(a, v4(0, 78)), Err(WsaError::WSAEINVAL));
    let b = s.open(Family::V4, Kind::Datagram).unwrap();
    assert_eq!(s.bind(b, v4(0, 77)), Err(WsaError::WSAEADDRINUSE));
    assert_eq!(s.bind(b, any(Family::V4, 77)), Ok(any(Family::V4, 77)));
    let stream = s.open(Family::V4, Kind::Stream).unwrap();
    assert_eq!(s.bind(stream, v4(0, 77)), Ok(v4(0, 77)));
    let six = s.open(Family::V6, Kind::Datagram).unwrap();
    assert_eq!(s.bind(six, v6(0, 77)), Ok(v6(0, 77)));
    s.close(a, false);
    let c = s.open(Family::V4, Kind::Datagram).unwrap();
    assert_eq!(s.bind(c, v4(0, 77)), Ok(v4(0, 77)));
    assert_eq!(s.local_address(c), Some(v4(0, 77)));
}

#[test]
fn ephemeral_ports_run_out_and_come_back() {
    let mut net = Net::new(1);
    let s = &mut net.stacks[0];
    let mut sockets = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for _ in EPHEMERAL_FIRST..=u16::MAX {
        let socket = s.open(Family::V4, Kind::Datagram).unwrap();
        let bound = s.bind(socket, any(Family::V4, 0)).unwrap();
        assert!(bound.port() >= EPHEMERAL_FIRST && seen.insert(bound.port()));
        sockets.push(socket);
    }
    let more = s.open(Family::V4, Kind::Datagram).unwrap();
    assert_eq!(s.bind(more, any(Family::V4, 0)), Err(WsaError::WSAENOBUFS));
    assert_eq!(s.try_send_to(more, b"", v4(0, 5)), Err(WsaError::WSAENOBUFS));
    let freed = s.local_address(sockets[77]).unwrap();
    s.close(sockets[77], false);
    assert_eq!(s.bind(more, any(Family::V4, 0)), Ok(freed));
}

#[test]
fn a_port_just_given_back_is_not_given_out_next() {
    let mut net = Net::new(1);
    let mut bind = || {
        let socket = net.stacks[0].open(Family::V4, Kind::Datagram).unwrap();
        let bound = net.stacks[0].bind(socket, any(Family::V4, 0)).unwrap();
        net.stacks[0].close(socket, false);
        bound
    };
    assert_ne!(bind(), bind());
}

#[test]
fn a_seed_decides_the_ports() {
    let port = |seed| {
        let mut stack = super::stack(0, 1500, seed);
        let socket = stack.open(Family::V4, Kind::Datagram).unwrap();
        stack.bind(socket, any(Family::V4, 0)).unwrap().port()
    };
    assert_eq!(port(3), port(3));
    assert_ne!(port(3), port(4));
}

#[test]
fn a_closed_socket_is_refused_for_ever() {
    let mut net = Net::new(1);
    let s = &mut net.stacks[0];
    let old = s.open(Family::V4, Kind::Datagram).unwrap();
    s.close(old, false);
    assert_eq!(s.open_sockets(), 0);
    // The same place.
    let next = s.open(Family::V4, Kind::Datagram).unwrap();
    s.close(old, false);
    assert_eq!(s.open_sockets(), 1);
    s.close(next, false);
    let mut ids = std::collections::BTreeSet::from([old]);
    // More often than there are generations: an id must not come again.
    for _ in 0..200_000 {
        let new = s.open(Family::V4, Kind::Datagram).unwrap();
        assert!(ids.insert(new));
        s.close(new, false);
    }
    let new = s.open(Family::V4, Kind::Datagram).unwrap();
    s.close(old, true);
    assert_eq!(s.open_sockets(), 1);
    assert_eq!(s.bind(old, v4(0, 1)), Err(WsaError::WSAENOTSOCK));
    assert_eq!(s.try_send_to(old, b"", v4(0, 1)), Err(WsaError::WSAENOTSOCK));
    assert_eq!(s.try_send(old, b""), Err(WsaError::WSAENOTSOCK));
    assert_eq!(s.available(old), 0);
    assert_eq!(s.local_address(old), None);
    assert!(s.bind(new, v4(0, 1)).is_ok());
}

#[test]
fn an_idle_stack_needs_no_poll() {
    let mut net = Net::new(2);
    let a = net.datagram(0, v4(0, 1000));
    net.stacks[0].try_send_to(a, b"x", v4(1, 9)).unwrap();
    net.wait(SECOND);
    for stack in &mut net.stacks {
        assert_eq!(stack.poll_at(net.now), None);
    }
}
