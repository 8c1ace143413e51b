//! Options that the stack is told: shared and exclusive addresses, TCP_NODELAY.

use core::net::SocketAddr;

use provider_core::{AddressUse, Family, Kind, TransportOption, WsaError};

use super::{MILLI, Net, any, v4};
use crate::net::stack::{Stack, StackSocket};

const USES: [AddressUse; 3] = [AddressUse::Own, AddressUse::Shared, AddressUse::Exclusive];

fn bind(
    stack: &mut Stack,
    kind: Kind,
    usage: AddressUse,
    address: SocketAddr,
) -> Result<StackSocket, WsaError> {
    let socket = stack.open(Family::V4, kind).unwrap();
    stack.set_option(socket, TransportOption::AddressUse(usage));
    stack.bind(socket, address).map(|_| socket)
}

/// What a second bind gives, for each way that both can be made.
fn second(first: SocketAddr, second: SocketAddr) -> [[Option<WsaError>; 3]; 3] {
    USES.map(|one| {
        USES.map(|other| {
            let mut net = Net::new(1);
            let stack = &mut net.stacks[0];
            bind(stack, Kind::Stream, one, first).unwrap();
            bind(stack, Kind::Stream, other, second).err()
        })
    })
}

#[test]
fn one_address_is_shared_by_those_who_all_agree() {
    let used = Some(WsaError::WSAEADDRINUSE);
    let denied = Some(WsaError::WSAEACCES);
    let table = [[used, used, used], [used, None, used], [used, denied, used]];
    assert_eq!(second(v4(0, 7), v4(0, 7)), table);
    assert_eq!(second(any(Family::V4, 7), any(Family::V4, 7)), table);
}

#[test]
fn an_exclusive_wildcard_takes_the_port_of_every_address() {
    let denied = Some(WsaError::WSAEACCES);
    let table = [[None; 3], [None; 3], [denied; 3]];
    assert_eq!(second(any(Family::V4, 7), v4(0, 7)), table);
    assert_eq!(second(v4(0, 7), any(Family::V4, 7)), [[None; 3]; 3]);
}

#[test]
fn of_those_that_share_the_first_gets_what_is_sent() {
    let mut net = Net::new(1);
    let stack = &mut net.stacks[0];
    let mut open = || bind(stack, Kind::Datagram, AddressUse::Shared, v4(0, 7)).unwrap();
    let (a, b) = (open(), open());
    let sender = stack.open(Family::V4, Kind::Datagram).unwrap();
    let heard = |stack: &mut Stack| {
        [a, b].map(|socket| stack.try_recv_from(socket, &mut [0; 9], false).is_ok())
    };
    net.stacks[0].try_send_to(sender, b"x", v4(0, 7)).unwrap();
    net.poll();
    assert_eq!(heard(&mut net.stacks[0]), [true, false]);
    net.stacks[0].close(a, false);
    net.stacks[0].try_send_to(sender, b"y", v4(0, 7)).unwrap();
    net.poll();
    assert_eq!(heard(&mut net.stacks[0]), [false, true]);
}

#[test]
fn the_first_that_listens_gets_the_connection() {
    let mut net = Net::new(2);
    let mut open =
        || bind(&mut net.stacks[1], Kind::Stream, AddressUse::Shared, any(Family::V4, 80)).unwrap();
    let [_idle, b, c] = [open(), open(), open()];
    for socket in [c, b] {
        net.stacks[1].listen(socket, 5).unwrap();
    }
    net.connecting(0, v4(1, 80));
    net.wait(10 * MILLI);
    assert_eq!(net.stacks[1].accept(c), Err(WsaError::WSAEWOULDBLOCK));
    assert!(net.stacks[1].accept(b).is_ok());
}

/// How many packets two small sends in a row make before anything is acknowledged.
fn packets(prepare: impl FnOnce(&mut Stack, StackSocket)) -> usize {
    let mut net = Net::new(2);
    net.listener(1, any(Family::V4, 80));
    let client = net.connecting(0, v4(1, 80));
    net.wait(10 * MILLI);
    prepare(&mut net.stacks[0], client);
    net.poll();
    let before = net.sent;
    for _ in 0..2 {
        net.stacks[0].try_send(client, b"small").unwrap();
        net.poll();
    }
    net.sent - before
}

#[test]
fn a_small_segment_waits_for_an_acknowledgement_unless_told_not_to() {
    assert_eq!(packets(|_, _| {}), 1);
    let no_delay = |stack: &mut Stack, client| {
        stack.set_option(client, TransportOption::NoDelay(true));
    };
    assert_eq!(packets(no_delay), 2);
}
