//! Streams: how they end, by whom, and what each side learns.

use provider_core::{Family, Half, TransportOption, WsaError};

use super::{MILLI, Net, SECOND, any, pattern, stack, v4};
use crate::net::stack::{
    KEEP_ALIVE_IDLE, KEEP_ALIVE_INTERVAL, KEEP_ALIVE_PROBES, LINGER_TIMEOUT, StackSocket,
};

fn fate(net: &mut Net, machine: usize, socket: StackSocket) -> Option<WsaError> {
    let fate = net.stacks[machine].try_recv(socket, &mut [0; 9], true).err();
    if fate != Some(WsaError::WSAEWOULDBLOCK) && fate.is_some() {
        // Every call says the same, every time.
        let stack = &mut net.stacks[machine];
        for _ in 0..2 {
            assert_eq!(stack.try_recv(socket, &mut [0; 9], false).err(), fate);
            assert_eq!(stack.try_send(socket, b"x").err(), fate);
            assert_eq!(stack.connect_result(socket).err(), fate);
            assert_eq!(stack.shutdown(socket, Half::Send).err(), fate);
            assert_eq!(stack.available(socket), 0);
            assert!(stack.is_drained(socket));
        }
    }
    fate
}

fn forgotten(net: &Net, machine: usize) -> bool {
    let stack = &net.stacks[machine];
    stack.open_sockets() == 0
        && stack.pairs.is_empty()
        && stack.connections.iter().all(Option::is_none)
}

#[test]
fn an_abort_resets_the_peer_and_loses_what_it_had() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    net.stacks[0].try_send(client, b"lost").unwrap();
    net.wait(100 * MILLI);
    assert_eq!(net.stacks[1].available(server), 4);
    net.stacks[0].close(client, true);
    net.wait(100 * MILLI);
    assert_eq!(fate(&mut net, 1, server), Some(WsaError::WSAECONNRESET));
    net.stacks[1].close(server, false);
    assert!(forgotten(&net, 0) && forgotten(&net, 1));
}

#[test]
fn a_plain_close_sends_all_and_a_fin_by_itself() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    let mut sent = 0;
    while let Ok(count) = net.stacks[0].try_send(client, &pattern(sent, 7000)) {
        sent += count;
    }
    net.stacks[0].close(client, false);
    assert_eq!(net.stacks[0].open_sockets(), 0);
    assert_eq!(net.stacks[0].try_recv(client, &mut [], false), Err(WsaError::WSAENOTSOCK));
    let (mut got, mut into) = (0, vec![0; 3000]);
    let done = net.run(20 * SECOND, |net| {
        while let Ok(count) = net.stacks[1].try_recv(server, &mut into, false) {
            assert!(into[..count] == pattern(got, count));
            got += count;
            if count == 0 {
                return true;
            }
        }
        false
    });
    assert!(done);
    assert_eq!(got, sent);
    net.stacks[1].close(server, false);
    net.wait(60 * SECOND);
    assert!(forgotten(&net, 0) && forgotten(&net, 1));
}

#[test]
fn a_close_nobody_answers_is_given_up() {
    // The peer's machine is gone, or its program never reads, or it never closes.
    for case in 0..3 {
        let mut net = Net::new(2);
        let (client, server) = net.connected();
        let mut sent = 0;
        net.run(5 * SECOND, |net| {
            while case == 1 && sent < 200_000 {
                let Ok(count) = net.stacks[0].try_send(client, &[0; 5000]) else { break };
                sent += count;
            }
            false
        });
        if case == 0 {
            net.stacks[0].try_send(client, b"x").unwrap();
            net.lose_all();
        }
        net.stacks[0].close(client, false);
        net.wait(LINGER_TIMEOUT - SECOND);
        assert_eq!(forgotten(&net, 0), case == 0);
        net.wait(2 * SECOND);
        assert!(forgotten(&net, 0), "case {case}");
        if case == 1 {
            assert_eq!(fate(&mut net, 1, server), Some(WsaError::WSAECONNRESET));
        }
    }
}

#[test]
fn data_for_a_closed_socket_is_reset() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    net.stacks[0].close(client, false);
    net.wait(SECOND);
    assert_eq!(net.stacks[1].try_recv(server, &mut [0; 9], false), Ok(0));
    net.stacks[1].try_send(server, b"anyone?").unwrap();
    net.wait(SECOND);
    assert_eq!(fate(&mut net, 1, server), Some(WsaError::WSAECONNRESET));
    assert!(forgotten(&net, 0));
}

#[test]
fn a_peer_that_vanishes_ends_the_stream_only_when_something_is_sent() {
    let mut net = Net::new(2);
    let (client, _) = net.connected();
    net.lose_all();
    net.wait(3600 * SECOND);
    assert_eq!(fate(&mut net, 0, client), Some(WsaError::WSAEWOULDBLOCK));
    net.stacks[0].try_send(client, b"hello?").unwrap();
    let start = net.now;
    let ends =
        |net: &mut Net| net.stacks[0].try_send(client, b"?") == Err(WsaError::WSAECONNABORTED);
    let before = net.sent;
    assert!(net.run(100 * SECOND, ends));
    assert!((8..=10).contains(&(net.sent - before)), "{} packets", net.sent - before);
    // 1 + 2 + 4 + 8 + 16 + 32.
    assert_eq!((net.now - start) / SECOND, 63);
    assert_eq!(fate(&mut net, 0, client), Some(WsaError::WSAECONNABORTED));
    net.stacks[0].close(client, false);
    net.wait(SECOND);
    assert!(forgotten(&net, 0));
}

#[test]
fn a_fin_nobody_acknowledges_ends_the_stream() {
    let mut net = Net::new(2);
    let (client, _) = net.connected();
    net.lose_all();
    net.stacks[0].shutdown(client, Half::Send).unwrap();
    net.wait(62 * SECOND);
    assert!(!net.stacks[0].is_drained(client));
    net.wait(2 * SECOND);
    assert_eq!(fate(&mut net, 0, client), Some(WsaError::WSAECONNABORTED));
}

#[test]
fn keep_alive_notices_a_dead_peer_and_not_a_live_one() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    net.stacks[0].set_option(client, TransportOption::KeepAlive(true));
    let before = net.sent;
    net.wait(5 * KEEP_ALIVE_IDLE);
    assert_eq!(fate(&mut net, 0, client), Some(WsaError::WSAEWOULDBLOCK));
    assert!((8..=10).contains(&(net.sent - before)), "{} packets", net.sent - before);
    net.lose_all();
    net.wait(KEEP_ALIVE_IDLE);
    let probes = KEEP_ALIVE_PROBES * KEEP_ALIVE_INTERVAL;
    let failed = net.run(2 * probes, |net| {
        net.stacks[0].try_recv(client, &mut [0; 1], false) != Err(WsaError::WSAEWOULDBLOCK)
    });
    assert!(failed);
    assert_eq!(fate(&mut net, 0, client), Some(WsaError::WSAENETRESET));
    assert_eq!(fate(&mut net, 1, server), Some(WsaError::WSAEWOULDBLOCK));
    assert_eq!(net.stacks[0].poll_at(net.now), None);
}

#[test]
fn keep_alive_can_be_turned_off_again() {
    let mut net = Net::new(2);
    let (client, _) = net.connected();
    net.stacks[0].set_option(client, TransportOption::KeepAlive(true));
    net.wait(SECOND);
    net.lose_all();
    net.wait(KEEP_ALIVE_IDLE + 2 * SECOND);
    net.stacks[0].set_option(client, TransportOption::KeepAlive(false));
    net.wait(2 * KEEP_ALIVE_IDLE);
    assert_eq!(fate(&mut net, 0, client), Some(WsaError::WSAEWOULDBLOCK));
}

#[test]
fn an_injected_failure_is_every_calls_answer() {
    for (error, resets) in [
        (WsaError::WSAECONNRESET, true),
        (WsaError::WSAECONNABORTED, true),
        (WsaError::WSAENETRESET, false),
        (WsaError::WSAENETDOWN, false),
    ] {
        let mut net = Net::new(2);
        let (client, server) = net.connected();
        net.stacks[1].try_send(server, b"lost").unwrap();
        net.wait(100 * MILLI);
        net.stacks[0].fail(client, error);
        assert_eq!(fate(&mut net, 0, client), Some(error));
        net.wait(SECOND);
        let learned = fate(&mut net, 1, server);
        let expected = if resets { WsaError::WSAECONNRESET } else { WsaError::WSAEWOULDBLOCK };
        assert_eq!(learned, Some(expected), "{error:?}");
        // A silent death is noticed once the peer says something.
        let _ = net.stacks[1].try_send(server, b"hello?");
        net.wait(SECOND);
        assert_eq!(fate(&mut net, 1, server), Some(WsaError::WSAECONNRESET));
        assert_eq!(fate(&mut net, 0, client), Some(error));
        assert_eq!(net.stacks[0].poll_at(net.now), None);
        net.stacks[0].close(client, false);
        assert!(forgotten(&net, 0));
    }
}

#[test]
fn a_failed_connect_and_a_failed_listener_say_why() {
    let mut net = Net::new(2);
    let listener = net.listener(1, any(Family::V4, 80));
    net.stacks[1].fail(listener, WsaError::WSAENETDOWN);
    assert_eq!(net.stacks[1].accept(listener), Err(WsaError::WSAENETDOWN));
    let client = net.connecting(0, v4(1, 80));
    net.wait(10 * MILLI);
    assert_eq!(net.stacks[0].connect_result(client), Err(WsaError::WSAECONNREFUSED));
    let client = net.connecting(0, v4(1, 80));
    net.stacks[0].fail(client, WsaError::WSAENETDOWN);
    net.wait(60 * SECOND);
    assert_eq!(net.stacks[0].connect_result(client), Err(WsaError::WSAENETDOWN));
}

#[test]
fn closing_a_listener_resets_what_waits_for_it() {
    let mut net = Net::new(2);
    let listener = net.listener(1, any(Family::V4, 80));
    let waiting = net.connecting(0, v4(1, 80));
    net.wait(10 * MILLI);
    // This one's handshake stops half way.
    net.filter = Box::new(|from, packet| from == 0 && packet[33] == 2);
    let unfinished = net.connecting(0, v4(1, 80));
    net.wait(10 * MILLI);
    net.heal();
    net.stacks[1].close(listener, false);
    net.wait(5 * SECOND);
    assert_eq!(fate(&mut net, 0, waiting), Some(WsaError::WSAECONNRESET));
    assert_eq!(net.stacks[0].connect_result(unfinished), Err(WsaError::WSAECONNREFUSED));
    assert!(forgotten(&net, 1));
}

#[test]
fn a_connection_that_died_in_the_queue_is_accepted_dead() {
    let mut net = Net::new(2);
    let listener = net.listener(1, any(Family::V4, 80));
    let client = net.connecting(0, v4(1, 80));
    net.wait(10 * MILLI);
    net.stacks[0].close(client, true);
    net.wait(10 * MILLI);
    let (server, _) = net.stacks[1].accept(listener).unwrap();
    assert_eq!(fate(&mut net, 1, server), Some(WsaError::WSAECONNRESET));
    net.stacks[1].close(server, false);
    net.stacks[1].close(listener, false);
    assert!(forgotten(&net, 1));
}

#[test]
fn a_machine_that_starts_again_is_noticed_by_old_and_new_connections() {
    let mut net = Net::new(2);
    let listener = net.listener(1, any(Family::V4, 80));
    let client = net.connecting(0, v4(1, 80));
    net.wait(10 * MILLI);
    let (old, from) = net.stacks[1].accept(listener).unwrap();
    let _ = client;
    // The same port, another sequence.
    net.stacks[0] = stack(0, 1500, 1234);
    let again = net.stacks[0].open(Family::V4, provider_core::Kind::Stream).unwrap();
    net.stacks[0].bind(again, from).unwrap();
    assert!(net.stacks[0].connect(again, v4(1, 80)).is_err());
    net.wait(5 * SECOND);
    assert_eq!(net.stacks[0].connect_result(again), Ok(()));
    assert_eq!(fate(&mut net, 1, old), Some(WsaError::WSAECONNRESET));
    let (new, _) = net.stacks[1].accept(listener).unwrap();
    net.stacks[1].try_send(new, b"hello").unwrap();
    net.wait(SECOND);
    assert_eq!(net.stacks[0].available(again), 5);
    // The server starts again: the client learns it when it says something.
    net.stacks[1] = stack(1, 1500, 77);
    net.stacks[0].try_send(again, b"hello").unwrap();
    net.wait(SECOND);
    assert_eq!(fate(&mut net, 0, again), Some(WsaError::WSAECONNRESET));
}

#[test]
fn a_repeated_syn_does_no_harm() {
    let mut net = Net::new(2);
    let syns = std::rc::Rc::new(core::cell::RefCell::new(Vec::new()));
    let keep = syns.clone();
    net.filter = Box::new(move |from, packet| {
        if from == 0 && packet[33] == 2 {
            keep.borrow_mut().push(packet.clone());
        }
        true
    });
    let (client, server) = net.connected();
    for packet in syns.take() {
        for _ in 0..3 {
            let now = net.now;
            net.stacks[1].receive(now, &packet);
            net.wait(2 * SECOND);
        }
    }
    net.stacks[0].try_send(client, b"fine").unwrap();
    net.stacks[1].try_send(server, b"fine").unwrap();
    net.wait(SECOND);
    assert_eq!(net.stacks[0].available(client), 4);
    assert_eq!(net.stacks[1].available(server), 4);
}

#[test]
fn a_port_is_used_again_after_time_wait_or_within_it() {
    for wait in [0, 60 * SECOND] {
        let mut net = Net::new(2);
        let listener = net.listener(1, any(Family::V4, 80));
        for round in 0..3 {
            let client = net.stacks[0].open(Family::V4, provider_core::Kind::Stream).unwrap();
            net.stacks[0].bind(client, v4(0, 5555)).unwrap();
            assert!(net.stacks[0].connect(client, v4(1, 80)).is_err());
            net.wait(10 * MILLI);
            assert_eq!(net.stacks[0].connect_result(client), Ok(()), "round {round}");
            let (server, _) = net.stacks[1].accept(listener).unwrap();
            // In turns, so that TIME-WAIT is here and there.
            let (first, second) = if round % 2 == 0 {
                ((0, client), (1, server))
            } else {
                ((1, server), (0, client))
            };
            net.stacks[first.0].close(first.1, false);
            net.wait(100 * MILLI);
            net.stacks[second.0].close(second.1, false);
            net.wait(100 * MILLI + wait);
        }
    }
}
