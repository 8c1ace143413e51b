//! Streams: opening, carrying, listening.

use provider_core::{Family, Half, Kind, TransportOption, WsaError};

use super::{Dice, MILLI, Net, SECOND, any, at, pattern, v4, v6};
use crate::net::stack::{BACKLOG_MAX, CONNECT_TIMEOUT, Stack, StackSocket};

/// Sends `total` bytes of the pattern and checks what arrives, until the end arrives too.
fn transfer(net: &mut Net, from: (usize, StackSocket), to: (usize, StackSocket), total: usize) {
    let (mut sent, mut got, mut ended) = (0, 0, false);
    let mut into = vec![0; 4000];
    let done = net.run(3600 * SECOND, |net| {
        loop {
            if sent == total {
                net.stacks[from.0].shutdown(from.1, Half::Send).unwrap();
                sent += 1;
            }
            if sent > total {
                break;
            }
            let chunk = pattern(sent, (total - sent).min(10_000));
            match net.stacks[from.0].try_send(from.1, &chunk) {
                Ok(taken) => sent += taken,
                Err(error) => {
                    assert_eq!(error, WsaError::WSAEWOULDBLOCK);
                    break;
                }
            }
        }
        loop {
            match net.stacks[to.0].try_recv(to.1, &mut into, false) {
                Ok(0) => ended = true,
                Ok(count) => {
                    assert!(into[..count] == pattern(got, count), "not what was sent at {got}");
                    got += count;
                }
                Err(error) => assert_eq!(error, WsaError::WSAEWOULDBLOCK),
            }
            if ended || net.stacks[to.0].available(to.1) == 0 {
                break;
            }
        }
        ended
    });
    assert!(done, "sent {sent} got {got} of {total}");
    assert_eq!(got, total);
}

#[test]
fn both_ends_know_each_other() {
    for family in [Family::V4, Family::V6] {
        let mut net = Net::new(2);
        let listener = net.listener(1, any(family, 80));
        let client = net.connecting(0, at(family, 1, 80));
        assert_eq!(net.stacks[0].connect_result(client), Err(WsaError::WSAEWOULDBLOCK));
        assert_eq!(net.stacks[0].connect(client, at(family, 1, 80)), Err(WsaError::WSAEALREADY));
        assert_eq!(net.stacks[0].try_send(client, b"x"), Err(WsaError::WSAENOTCONN));
        assert_eq!(net.stacks[1].accept(listener), Err(WsaError::WSAEWOULDBLOCK));
        net.wait(10 * MILLI);
        assert_eq!(net.stacks[0].connect_result(client), Ok(()));
        assert_eq!(net.stacks[0].connect(client, at(family, 1, 80)), Err(WsaError::WSAEISCONN));
        let (server, from) = net.stacks[1].accept(listener).unwrap();
        assert_eq!(Some(from), net.stacks[0].local_address(client));
        assert_eq!(from.ip(), at(family, 0, 0).ip());
        assert_eq!(net.stacks[1].local_address(server), Some(at(family, 1, 80)));
        assert_eq!(net.stacks[1].local_address(listener), Some(any(family, 80)));
        assert_eq!(net.stacks[1].open_sockets(), 2);
    }
}

#[test]
fn bulk_arrives_whole_in_both_directions() {
    for family in [Family::V4, Family::V6] {
        let mut net = Net::new(2);
        let (client, server) = net.connected_over(family);
        transfer(&mut net, (0, client), (1, server), 1_000_000);
        transfer(&mut net, (1, server), (0, client), 300_000);
    }
}

#[test]
fn bulk_arrives_whole_through_loss_damage_and_repetition() {
    for seed in 1..6 {
        let mut net = Net::new(2);
        let (client, server) = net.connected();
        let mut dice = Dice(seed);
        net.filter = Box::new(move |_, packet| {
            if dice.roll(20) == 0 {
                let bit = dice.roll(packet.len() as u64 * 8) as usize;
                packet[bit / 8] ^= 1 << (bit % 8);
            }
            dice.roll(20) != 0
        });
        transfer(&mut net, (0, client), (1, server), 200_000);
        transfer(&mut net, (1, server), (0, client), 50_000);
    }
}

#[test]
fn bulk_loops_back() {
    for to in [v4(0, 80), v6(0, 80), "127.0.0.1:80".parse().unwrap(), "[::1]:80".parse().unwrap()] {
        let mut net = Net::new(1);
        let listener = net.listener(0, any(Family::of(&to), 80));
        let client = net.connecting(0, to);
        net.poll();
        assert_eq!(net.stacks[0].connect_result(client), Ok(()));
        let (server, from) = net.stacks[0].accept(listener).unwrap();
        assert_eq!(from.ip(), to.ip());
        transfer(&mut net, (0, client), (0, server), 300_000);
        assert_eq!(net.sent, 0);
    }
}

#[test]
fn a_full_pipe_blocks_and_opens_again() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    let mut taken = 0;
    // Longer than any time-out: a peer that answers probes is alive.
    net.run(300 * SECOND, |net| {
        while let Ok(count) = net.stacks[0].try_send(client, &pattern(taken, 5000)) {
            taken += count;
        }
        false
    });
    assert_eq!(taken, 65_536 + 65_535);
    assert_eq!(net.stacks[1].available(server), 65_535);
    net.told(0, client);
    let mut into = vec![0; 200_000];
    let mut got = net.stacks[1].try_recv(server, &mut into, false).unwrap();
    let done = net.run(60 * SECOND, |net| {
        if let Ok(count) = net.stacks[1].try_recv(server, &mut into[got..], false) {
            got += count;
        }
        got == taken
    });
    assert!(done && into[..got] == pattern(0, taken));
    assert_eq!(net.told(0, client).0 & 4, 4);
}

#[test]
fn a_receive_buffer_bounds_what_is_under_way() {
    let mut net = Net::new(2);
    let listener = net.listener(1, any(Family::V4, 80));
    net.stacks[1].set_option(listener, TransportOption::ReceiveBuffer(5000));
    let client = net.connecting(0, v4(1, 80));
    net.wait(10 * MILLI);
    let server = net.stacks[1].accept(listener).unwrap().0;
    net.stacks[0].try_send(client, &pattern(0, 20_000)).unwrap();
    net.wait(10 * SECOND);
    assert_eq!(net.stacks[1].available(server), 5000);
    // One larger than a window without scaling.
    net.stacks[1].set_option(listener, TransportOption::ReceiveBuffer(300_000));
    let client = net.connecting(0, v4(1, 80));
    net.wait(10 * MILLI);
    let server = net.stacks[1].accept(listener).unwrap().0;
    let mut sent = 0;
    net.run(60 * SECOND, |net| {
        while let Ok(count) = net.stacks[0].try_send(client, &pattern(sent, 5000)) {
            sent += count;
        }
        false
    });
    let arrived = net.stacks[1].available(server);
    // A scaled window cannot tell the last few bytes.
    assert!((299_980..=300_000).contains(&arrived), "{arrived}");
}

#[test]
fn peek_keeps_and_half_close_leaves_the_other_half() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    net.stacks[0].try_send(client, b"request").unwrap();
    net.stacks[0].shutdown(client, Half::Send).unwrap();
    assert_eq!(net.stacks[0].try_send(client, b"x"), Err(WsaError::WSAESHUTDOWN));
    assert!(!net.stacks[0].is_drained(client));
    net.wait(100 * MILLI);
    assert!(net.stacks[0].is_drained(client));
    let mut into = [0; 20];
    for peek in [true, false] {
        assert_eq!(net.stacks[1].try_recv(server, &mut into, peek), Ok(7));
        assert_eq!(&into[..7], b"request");
    }
    assert_eq!(net.stacks[1].try_recv(server, &mut into, true), Ok(0));
    assert_eq!(net.stacks[1].try_recv(server, &mut into, false), Ok(0));
    // The other half carries on, long after.
    net.wait(600 * SECOND);
    net.stacks[1].try_send(server, b"answer").unwrap();
    net.stacks[1].shutdown(server, Half::Send).unwrap();
    net.wait(100 * SECOND);
    assert!(net.stacks[1].is_drained(server));
    // TIME-WAIT is over long since; what arrived is still there.
    assert_eq!(net.stacks[0].try_recv(client, &mut into, false), Ok(6));
    assert_eq!(net.stacks[0].try_recv(client, &mut into, false), Ok(0));
    assert_eq!(net.stacks[1].try_recv(server, &mut into, false), Ok(0));
    for (machine, socket) in [(0, client), (1, server)] {
        let stack = &mut net.stacks[machine];
        assert_eq!(stack.shutdown(socket, Half::Send), Ok(()));
        assert_eq!(stack.connect_result(socket), Ok(()));
        assert_eq!(stack.try_send(socket, b"x"), Err(WsaError::WSAESHUTDOWN));
    }
    for (machine, socket) in [(0, client), (1, server)] {
        net.stacks[machine].close(socket, false);
        assert_eq!(net.stacks[machine].open_sockets(), 0);
        assert!(net.stacks[machine].pairs.is_empty());
        assert!(net.stacks[machine].connections.iter().all(Option::is_none));
    }
}

#[test]
fn a_shut_receive_half_throws_away() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    net.stacks[1].try_send(server, b"early").unwrap();
    net.wait(100 * MILLI);
    net.stacks[0].shutdown(client, Half::Receive).unwrap();
    assert_eq!(net.stacks[0].try_recv(client, &mut [0; 9], false), Err(WsaError::WSAESHUTDOWN));
    assert_eq!(net.stacks[0].available(client), 0);
    let mut sent = 0;
    net.run(60 * SECOND, |net| {
        while let Ok(count) = net.stacks[1].try_send(server, &[7; 9999]) {
            sent += count;
        }
        sent > 1_000_000
    });
    assert!(sent > 1_000_000, "{sent}");
    net.stacks[0].try_send(client, b"still").unwrap();
    net.wait(SECOND);
    assert_eq!(net.stacks[1].available(server), 5);
}

#[test]
fn a_closed_port_refuses_and_connect_may_try_again() {
    for family in [Family::V4, Family::V6] {
        let mut net = Net::new(2);
        let client = net.connecting(0, at(family, 1, 80));
        net.wait(10 * MILLI);
        assert_eq!(net.stacks[0].connect_result(client), Err(WsaError::WSAECONNREFUSED));
        net.listener(1, any(family, 80));
        let again = net.stacks[0].connect(client, at(family, 1, 80));
        assert_eq!(again, Err(WsaError::WSAEWOULDBLOCK));
        net.wait(10 * MILLI);
        assert_eq!(net.stacks[0].connect_result(client), Ok(()));
        assert_eq!(net.stacks[0].connections.iter().flatten().count(), 1);
    }
}

#[test]
fn a_connect_that_is_closed_at_once_says_nothing_more() {
    for abort in [false, true] {
        let mut net = Net::new(2);
        let client = net.connecting(0, v4(1, 80));
        net.stacks[0].close(client, abort);
        net.wait(SECOND);
        assert_eq!(net.sent, 0);
        assert!(net.stacks[0].pairs.is_empty());
    }
}

#[test]
fn a_silent_peer_times_the_connect_out() {
    let mut net = Net::new(2);
    net.listener(1, any(Family::V4, 80));
    net.lose_all();
    let client = net.connecting(0, v4(1, 80));
    let start = net.now;
    let ends =
        |net: &mut Net| net.stacks[0].connect_result(client) != Err(WsaError::WSAEWOULDBLOCK);
    assert!(net.run(60 * SECOND, ends));
    assert_eq!(net.now - start, CONNECT_TIMEOUT);
    assert_eq!(net.stacks[0].connect_result(client), Err(WsaError::WSAETIMEDOUT));
    assert!((4..7).contains(&net.sent), "{} SYNs", net.sent);
    assert_eq!(net.stacks[0].poll_at(net.now), None);
}

#[test]
fn a_lost_handshake_is_repeated() {
    for lost in 1..6 {
        let mut net = Net::new(2);
        let mut left = lost;
        net.filter = Box::new(move |_, _| {
            left -= 1;
            left != 0
        });
        let (client, server) = net.connected();
        net.stacks[0].try_send(client, b"x").unwrap();
        net.wait(10 * SECOND);
        assert_eq!(net.stacks[1].available(server), 1);
    }
}

fn count_waiting(net: &mut Net, listener: StackSocket) -> usize {
    let mut waiting = 0;
    while net.stacks[1].accept(listener).is_ok() {
        waiting += 1;
    }
    waiting
}

#[test]
fn a_full_backlog_refuses_the_rest() {
    let mut net = Net::new(2);
    let listener = net.listener(1, any(Family::V4, 80));
    net.stacks[1].listen(listener, 3).unwrap();
    let clients: Vec<_> = (0..5).map(|_| net.connecting(0, v4(1, 80))).collect();
    net.wait(10 * MILLI);
    let results: Vec<_> = clients.iter().map(|&c| net.stacks[0].connect_result(c)).collect();
    let refused = Err(WsaError::WSAECONNREFUSED);
    assert_eq!(results, [Ok(()), Ok(()), Ok(()), refused, refused]);
    // First come, first served; and room is made.
    let (_, first) = net.stacks[1].accept(listener).unwrap();
    assert_eq!(Some(first), net.stacks[0].local_address(clients[0]));
    assert!(net.stacks[0].connect(clients[3], v4(1, 80)).is_err());
    net.wait(10 * MILLI);
    assert_eq!(net.stacks[0].connect_result(clients[3]), Ok(()));
    assert_eq!(count_waiting(&mut net, listener), 3);
}

#[test]
fn unfinished_handshakes_count_and_are_forgotten() {
    let mut net = Net::new(2);
    let listener = net.listener(1, any(Family::V4, 80));
    net.stacks[1].listen(listener, usize::MAX).unwrap();
    // Only SYNs arrive: the handshakes never end.
    net.filter = Box::new(|from, packet| from == 0 && packet[33] == 2);
    let clients: Vec<_> = (0..BACKLOG_MAX + 9).map(|_| net.connecting(0, v4(1, 80))).collect();
    net.wait(10 * MILLI);
    assert_eq!(net.stacks[1].pairs.len(), BACKLOG_MAX);
    for client in clients {
        net.stacks[0].close(client, true);
    }
    net.wait(CONNECT_TIMEOUT);
    assert!(net.stacks[1].pairs.is_empty());
    net.heal();
    net.connecting(0, v4(1, 80));
    net.wait(10 * MILLI);
    assert_eq!(count_waiting(&mut net, listener), 1);
}

#[test]
fn the_specific_listener_wins_and_a_mute_one_does_not() {
    let mut net = Net::new(2);
    let wild = net.listener(1, any(Family::V4, 80));
    let bound = net.stacks[1].open(Family::V4, Kind::Stream).unwrap();
    net.stacks[1].bind(bound, v4(1, 80)).unwrap();
    net.connecting(0, v4(1, 80));
    net.wait(10 * MILLI);
    assert!(net.stacks[1].accept(wild).is_ok());
    net.stacks[1].listen(bound, 1).unwrap();
    net.connecting(0, v4(1, 80));
    net.wait(10 * MILLI);
    assert!(net.stacks[1].accept(wild).is_err());
    assert!(net.stacks[1].accept(bound).is_ok());
}

#[test]
fn both_sides_may_connect_at_once_even_to_oneself() {
    let mut net = Net::new(2);
    let ends: Vec<_> = (0..2)
        .map(|machine| {
            let socket = net.stacks[machine].open(Family::V4, Kind::Stream).unwrap();
            net.stacks[machine].bind(socket, v4(machine, 5000)).unwrap();
            let other = v4(1 - machine, 5000);
            assert!(net.stacks[machine].connect(socket, other).is_err());
            socket
        })
        .collect();
    net.wait(10 * SECOND);
    assert_eq!(net.stacks[0].connect_result(ends[0]), Ok(()));
    assert_eq!(net.stacks[1].connect_result(ends[1]), Ok(()));
    transfer(&mut net, (0, ends[0]), (1, ends[1]), 10_000);

    let own = net.stacks[0].open(Family::V4, Kind::Stream).unwrap();
    net.stacks[0].bind(own, v4(0, 6000)).unwrap();
    assert!(net.stacks[0].connect(own, v4(0, 6000)).is_err());
    net.wait(10 * SECOND);
    assert_eq!(net.stacks[0].connect_result(own), Ok(()));
    net.stacks[0].try_send(own, b"me").unwrap();
    net.wait(SECOND);
    assert_eq!(net.stacks[0].available(own), 2);
}

#[test]
fn calls_in_the_wrong_state_say_so() {
    let mut net = Net::new(1);
    let s: &mut Stack = &mut net.stacks[0];
    let a = s.open(Family::V4, Kind::Stream).unwrap();
    assert_eq!(s.listen(a, 1), Err(WsaError::WSAEINVAL));
    assert_eq!(s.accept(a), Err(WsaError::WSAEINVAL));
    assert_eq!(s.connect_result(a), Err(WsaError::WSAENOTCONN));
    assert_eq!(s.try_recv(a, &mut [], false), Err(WsaError::WSAENOTCONN));
    assert_eq!(s.shutdown(a, Half::Send), Err(WsaError::WSAENOTCONN));
    assert_eq!(s.try_send_to(a, b"", v4(0, 1)), Err(WsaError::WSAEOPNOTSUPP));
    assert_eq!(s.connect(a, v6(0, 1)), Err(WsaError::WSAEAFNOSUPPORT));
    assert_eq!(s.connect(a, v4(0, 0)), Err(WsaError::WSAEADDRNOTAVAIL));
    assert_eq!(s.connect(a, any(Family::V4, 9)), Err(WsaError::WSAEADDRNOTAVAIL));
    assert_eq!(s.connect(a, "11.0.0.1:9".parse().unwrap()), Err(WsaError::WSAENETUNREACH));
    s.bind(a, v4(0, 80)).unwrap();
    s.listen(a, 1).unwrap();
    assert_eq!(s.connect(a, v4(0, 9)), Err(WsaError::WSAEINVAL));
    let d = s.open(Family::V4, Kind::Datagram).unwrap();
    assert_eq!(s.listen(d, 1), Err(WsaError::WSAEOPNOTSUPP));
    assert_eq!(s.connect(d, v4(0, 9)), Err(WsaError::WSAEOPNOTSUPP));
    assert_eq!(s.try_send(d, b""), Err(WsaError::WSAEOPNOTSUPP));
    let taken = s.open(Family::V4, Kind::Stream).unwrap();
    assert_eq!(s.bind(taken, v4(0, 80)), Err(WsaError::WSAEADDRINUSE));
}
