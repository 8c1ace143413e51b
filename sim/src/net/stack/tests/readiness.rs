//! Readiness: told once after WSAEWOULDBLOCK, whatever happens, and hardly ever without.

use provider_core::{Family, Half, Kind, Readiness, WsaError};

use super::{MILLI, Net, SECOND, any, v4};
use crate::net::stack::StackSocket;

const NONE: Readiness = Readiness::NONE;
const CONNECT: Readiness = Readiness::CONNECT;
const RECEIVE: Readiness = Readiness::RECEIVE;
const SEND: Readiness = Readiness::SEND;
const BLOCKED: Option<WsaError> = Some(WsaError::WSAEWOULDBLOCK);

/// Makes receiving and sending on `client` wait, with nothing left to be told.
fn block(net: &mut Net, client: StackSocket) {
    net.run(5 * SECOND, |net| {
        while net.stacks[0].try_send(client, &[0; 9999]).is_ok() {}
        false
    });
    assert_eq!(net.stacks[0].try_recv(client, &mut [0; 9], false).err(), BLOCKED);
    assert_eq!(net.stacks[0].try_send(client, b"x").err(), BLOCKED);
    net.told(0, client);
}

#[test]
fn a_connect_is_told_once() {
    let mut net = Net::new(2);
    net.listener(1, any(Family::V4, 80));
    let client = net.connecting(0, v4(1, 80));
    net.poll();
    assert_eq!(net.told(0, client), NONE);
    net.wait(10 * MILLI);
    assert_eq!(net.told(0, client), CONNECT);
    net.wait(10 * SECOND);
    assert_eq!(net.told(0, client), NONE);
}

#[test]
fn a_refused_and_a_timed_out_connect_are_told() {
    for lose in [false, true] {
        let mut net = Net::new(2);
        if lose {
            net.lose_all();
        }
        let client = net.connecting(0, v4(1, 80));
        net.wait(30 * SECOND);
        assert!(net.told(0, client).contains(CONNECT));
        assert!(net.stacks[0].connect(client, v4(1, 80)).is_err());
        net.wait(30 * SECOND);
        assert!(net.told(0, client).contains(CONNECT), "the second connect");
    }
}

#[test]
fn an_accept_is_told_for_each_wait() {
    let mut net = Net::new(2);
    let listener = net.listener(1, any(Family::V4, 80));
    for _ in 0..3 {
        assert_eq!(net.stacks[1].accept(listener).err(), BLOCKED);
        net.told(1, listener);
        net.connecting(0, v4(1, 80));
        net.connecting(0, v4(1, 80));
        net.wait(10 * MILLI);
        assert_eq!(net.told(1, listener), RECEIVE);
        net.stacks[1].accept(listener).unwrap();
        net.stacks[1].accept(listener).unwrap();
        net.wait(10 * MILLI);
        assert_eq!(net.told(1, listener), NONE);
    }
}

#[test]
fn arrival_is_told_once_for_each_wait() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    for _ in 0..3 {
        assert_eq!(net.stacks[1].try_recv(server, &mut [0; 9], false).err(), BLOCKED);
        net.stacks[0].try_send(client, b"one").unwrap();
        net.wait(SECOND);
        net.stacks[0].try_send(client, b"two").unwrap();
        net.wait(SECOND);
        assert_eq!(net.told(1, server), RECEIVE);
        net.stacks[1].try_recv(server, &mut [0; 9], false).unwrap();
    }
    // Nobody waits.
    net.stacks[0].try_send(client, b"one").unwrap();
    net.wait(SECOND);
    assert_eq!(net.told(1, server), NONE);
}

#[test]
fn what_came_before_the_accept_is_told() {
    let mut net = Net::new(2);
    let listener = net.listener(1, any(Family::V4, 80));
    let client = net.connecting(0, v4(1, 80));
    net.wait(10 * MILLI);
    net.stacks[0].try_send(client, b"early").unwrap();
    net.wait(10 * MILLI);
    let (server, _) = net.stacks[1].accept(listener).unwrap();
    net.poll();
    assert_eq!(net.told(1, server), RECEIVE);
}

#[test]
fn room_is_told_when_the_peer_reads() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    block(&mut net, client);
    net.wait(20 * SECOND);
    assert_eq!(net.told(0, client), NONE);
    net.stacks[1].try_recv(server, &mut vec![0; 40_000], false).unwrap();
    net.wait(SECOND);
    assert_eq!(net.told(0, client), SEND);
}

#[test]
fn a_fin_is_told_to_receivers() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    assert_eq!(net.stacks[0].try_recv(client, &mut [0; 9], false).err(), BLOCKED);
    net.stacks[1].shutdown(server, Half::Send).unwrap();
    net.wait(SECOND);
    assert_eq!(net.told(0, client), RECEIVE);
    assert_eq!(net.stacks[0].try_recv(client, &mut [0; 9], false), Ok(0));
}

#[test]
fn every_death_is_told_to_everyone() {
    type Death = fn(&mut Net, StackSocket, StackSocket);
    let deaths: [(&str, Death); 6] = [
        ("reset", |net, _, server| net.stacks[1].close(server, true)),
        ("failure with a reset", |net, client, _| {
            net.stacks[0].fail(client, WsaError::WSAECONNABORTED);
        }),
        ("failure in silence", |net, client, _| {
            net.stacks[0].fail(client, WsaError::WSAENETDOWN);
        }),
        ("time-out", |net, _, _| net.lose_all()),
        ("restart", |net, _, _| net.stacks[1] = super::stack(1, 1500, 99)),
        ("peer's failure", |net, _, server| {
            net.stacks[1].fail(server, WsaError::WSAECONNRESET);
        }),
    ];
    for (name, death) in deaths {
        let mut net = Net::new(2);
        let (client, server) = net.connected();
        block(&mut net, client);
        death(&mut net, client, server);
        // The window is closed, so the next question may be a minute away.
        net.wait(600 * SECOND);
        let told = net.told(0, client);
        assert!(told.contains(RECEIVE.union(SEND)), "{name}: {told:?}");
        assert_ne!(net.stacks[0].try_send(client, b"x").err(), BLOCKED);
    }
}

/// Who was told of data and left it there waits for nothing, but hears of the end all the same.
#[test]
fn a_reset_behind_unread_data_is_told() {
    let mut net = Net::new(2);
    let (client, server) = net.connected();
    net.stacks[1].try_send(server, b"unread").unwrap();
    net.wait(SECOND);
    assert_eq!(net.told(0, client), RECEIVE);
    net.stacks[1].close(server, true);
    net.wait(SECOND);
    assert_eq!(net.told(0, client), RECEIVE);
    let word = net.stacks[0].try_recv(client, &mut [0; 9], true);
    assert_eq!(word.err(), Some(WsaError::WSAECONNRESET));
}

#[test]
fn a_connect_that_is_failed_is_told() {
    let mut net = Net::new(2);
    for error in [WsaError::WSAENETDOWN, WsaError::WSAECONNABORTED] {
        let client = net.connecting(0, v4(1, 80));
        net.stacks[0].fail(client, error);
        net.poll();
        assert!(net.told(0, client).contains(CONNECT));
    }
}

#[test]
fn failed_listeners_and_datagram_sockets_are_told() {
    let mut net = Net::new(2);
    let listener = net.listener(0, any(Family::V4, 80));
    let datagram = net.datagram(0, v4(0, 80));
    assert_eq!(net.stacks[0].accept(listener).err(), BLOCKED);
    while net.stacks[0].try_send_to(datagram, &[0; 999], v4(1, 9)).is_ok() {}
    assert_eq!(net.stacks[0].try_recv_from(datagram, &mut [], false).err(), BLOCKED);
    net.stacks[0].fail(listener, WsaError::WSAENETDOWN);
    net.stacks[0].fail(datagram, WsaError::WSAENETDOWN);
    assert_eq!(net.stacks[0].take_ready(), Some((listener, RECEIVE)));
    assert_eq!(net.stacks[0].take_ready(), Some((datagram, RECEIVE.union(SEND))));
    assert_eq!(net.stacks[0].take_ready(), None);
}

#[test]
fn own_shutdown_wakes_whoever_waits() {
    let mut net = Net::new(2);
    let (client, _) = net.connected();
    block(&mut net, client);
    net.stacks[0].shutdown(client, Half::Receive).unwrap();
    assert_eq!(net.stacks[0].take_ready(), Some((client, RECEIVE)));
    net.stacks[0].shutdown(client, Half::Send).unwrap();
    assert_eq!(net.stacks[0].take_ready(), Some((client, SEND)));
    let datagram = net.datagram(0, v4(0, 80));
    assert_eq!(net.stacks[0].try_recv_from(datagram, &mut [], false).err(), BLOCKED);
    net.stacks[0].shutdown(datagram, Half::Receive).unwrap();
    assert_eq!(net.stacks[0].take_ready(), Some((datagram, RECEIVE)));
    let deaf = net.stacks[0].try_recv_from(datagram, &mut [], false);
    assert_eq!(deaf, Err(WsaError::WSAESHUTDOWN));
}

#[test]
fn drained_is_told_when_asked() {
    // With the peer's FIN before, at the same time, or never.
    for peer in 0..3 {
        let mut net = Net::new(2);
        let (client, server) = net.connected();
        if peer == 0 {
            net.stacks[1].shutdown(server, Half::Send).unwrap();
            net.wait(SECOND);
        }
        net.stacks[0].try_send(client, &[0; 50_000]).unwrap();
        net.stacks[0].shutdown(client, Half::Send).unwrap();
        net.poll();
        net.told(0, client);
        assert!(!net.stacks[0].is_drained(client));
        if peer == 1 {
            net.stacks[1].shutdown(server, Half::Send).unwrap();
        }
        let done = net.run(20 * SECOND, |net| {
            let _ = net.stacks[1].try_recv(server, &mut [0; 9999], false);
            net.told(0, client).contains(SEND)
        });
        assert!(done, "case {peer}");
        assert!(net.stacks[0].is_drained(client), "told too early in case {peer}");
    }
}

#[test]
fn a_socket_that_was_closed_is_told_nothing() {
    let mut net = Net::new(2);
    let a = net.datagram(0, v4(0, 1000));
    let b = net.stacks[0].open(Family::V4, Kind::Datagram).unwrap();
    net.stacks[0].inject_unreachable(a);
    net.stacks[0].inject_unreachable(b);
    net.stacks[0].close(a, false);
    assert_eq!(net.stacks[0].take_ready(), Some((b, RECEIVE)));
    assert_eq!(net.stacks[0].take_ready(), None);
}

#[test]
fn datagrams_are_told_once_for_each_wait() {
    let mut net = Net::new(2);
    let a = net.datagram(0, v4(0, 1000));
    let b = net.datagram(1, v4(1, 2000));
    for _ in 0..3 {
        assert_eq!(net.stacks[1].try_recv_from(b, &mut [0; 9], false).err(), BLOCKED);
        for _ in 0..3 {
            net.stacks[0].try_send_to(a, b"x", v4(1, 2000)).unwrap();
            net.wait(10 * MILLI);
        }
        assert_eq!(net.told(1, b), RECEIVE);
        for _ in 0..3 {
            net.stacks[1].try_recv_from(b, &mut [0; 9], false).unwrap();
        }
    }
    // Nobody ever tried: the first arrival is told all the same.
    let c = net.datagram(1, v4(1, 3000));
    net.stacks[0].try_send_to(a, b"x", v4(1, 3000)).unwrap();
    net.wait(10 * MILLI);
    assert_eq!(net.told(1, c), RECEIVE);
}
