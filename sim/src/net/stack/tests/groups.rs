//! Multicast: who hears what is sent to a group.

use core::net::{IpAddr, SocketAddr};

use provider_core::{AddressUse, Family, Group, GroupInterface, Kind, TransportOption, WsaError};

use super::{MILLI, Net, SECOND, any, at, pattern};
use crate::net::stack::{INTERFACE, StackSocket};

const BOTH: [Family; 2] = [Family::V4, Family::V6];

fn address(family: Family, number: u8) -> IpAddr {
    let text = match family {
        Family::V4 => format!("239.1.1.{number}"),
        Family::V6 => format!("ff15::{number}"),
    };
    text.parse().unwrap()
}

fn group(family: Family, number: u8) -> Group {
    Group { address: address(family, number), interface: None }
}

fn to(family: Family, number: u8, port: u16) -> SocketAddr {
    SocketAddr::new(address(family, number), port)
}

/// What waits in `socket`.
fn received(net: &mut Net, machine: usize, socket: StackSocket) -> Vec<(Vec<u8>, SocketAddr)> {
    let mut all = Vec::new();
    let mut into = vec![0; 70_000];
    while let Ok((length, from)) = net.stacks[machine].try_recv_from(socket, &mut into, false) {
        all.push((into[..length].to_vec(), from));
    }
    all
}

#[test]
fn whoever_joined_hears_and_nobody_else() {
    for family in BOTH {
        let mut net = Net::new(4);
        let sender = net.datagram(0, any(family, 1000));
        let member = net.datagram(1, any(family, 2000));
        let also = net.datagram(1, at(family, 1, 2000));
        let elsewhere = net.datagram(1, any(family, 2001));
        let stranger = net.datagram(2, any(family, 2000));
        let other = net.datagram(3, at(family, 3, 2000));
        for socket in [member, also, elsewhere] {
            net.stacks[1].join(socket, group(family, 1)).unwrap();
        }
        net.stacks[3].join(other, group(family, 2)).unwrap();
        net.stacks[0].try_send_to(sender, b"one", to(family, 1, 2000)).unwrap();
        net.wait(10 * MILLI);
        let heard = vec![(b"one".to_vec(), at(family, 0, 1000))];
        assert_eq!(received(&mut net, 1, member), heard);
        assert_eq!(received(&mut net, 1, also), heard);
        assert_eq!(received(&mut net, 1, elsewhere), []);
        assert_eq!(received(&mut net, 2, stranger), []);
        assert_eq!(received(&mut net, 3, other), []);
        assert_eq!(net.sent, 1, "nobody answers what is for a group");
    }
}

#[test]
fn every_member_of_a_shared_address_hears() {
    for family in BOTH {
        let mut net = Net::new(2);
        let sender = net.datagram(0, any(family, 1000));
        let members = [(); 3].map(|()| {
            let s = &mut net.stacks[1];
            let member = s.open(family, Kind::Datagram).unwrap();
            s.set_option(member, TransportOption::AddressUse(AddressUse::Shared));
            s.bind(member, any(family, 2000)).unwrap();
            s.join(member, group(family, 1)).unwrap();
            member
        });
        net.stacks[1].leave(members[1], group(family, 1)).unwrap();
        net.stacks[0].try_send_to(sender, b"x", to(family, 1, 2000)).unwrap();
        net.wait(10 * MILLI);
        let heard = members.map(|member| received(&mut net, 1, member).len());
        assert_eq!(heard, [1, 0, 1]);
    }
}

#[test]
fn leaving_and_closing_end_it() {
    for family in BOTH {
        let mut net = Net::new(2);
        let sender = net.datagram(0, any(family, 1000));
        let member = net.datagram(1, any(family, 2000));
        net.stacks[1].join(member, group(family, 1)).unwrap();
        net.stacks[1].join(member, group(family, 2)).unwrap();
        net.stacks[1].leave(member, group(family, 1)).unwrap();
        for number in [1, 2] {
            net.stacks[0].try_send_to(sender, &[number], to(family, number, 2000)).unwrap();
        }
        net.wait(10 * MILLI);
        assert_eq!(received(&mut net, 1, member), [(vec![2], at(family, 0, 1000))]);
        net.stacks[1].close(member, false);
        assert!(!net.stacks[1].groups.has(address(family, 2)));
        let again = net.datagram(1, any(family, 2000));
        net.stacks[0].try_send_to(sender, b"x", to(family, 2, 2000)).unwrap();
        net.wait(10 * MILLI);
        assert_eq!(received(&mut net, 1, again), []);
    }
}

#[test]
fn a_member_hears_its_own_machine_unless_it_does_not_want_to() {
    for family in BOTH {
        let mut net = Net::new(2);
        let wants = net.datagram(0, any(family, 2000));
        let deaf = net.datagram(0, at(family, 0, 2000));
        let far = net.datagram(1, any(family, 2000));
        for (machine, socket) in [(0, wants), (0, deaf), (1, far)] {
            net.stacks[machine].join(socket, group(family, 1)).unwrap();
        }
        net.stacks[0].set_option(deaf, TransportOption::MulticastLoop(false));
        // It is the receiver's choice: who does not hear its machine is heard all the same.
        net.stacks[0].try_send_to(deaf, b"from deaf", to(family, 1, 2000)).unwrap();
        net.stacks[1].try_send_to(far, b"from far", to(family, 1, 2000)).unwrap();
        net.wait(10 * MILLI);
        let near = (b"from deaf".to_vec(), at(family, 0, 2000));
        let away = (b"from far".to_vec(), at(family, 1, 2000));
        assert_eq!(received(&mut net, 0, wants), [near.clone(), away.clone()]);
        assert_eq!(received(&mut net, 0, deaf), core::slice::from_ref(&away));
        assert_eq!(received(&mut net, 1, far), [away, near]);
    }
}

#[test]
fn a_hop_limit_of_zero_stays_on_the_machine() {
    for family in BOTH {
        let mut net = Net::new(2);
        let sender = net.datagram(0, any(family, 1000));
        let near = net.datagram(0, any(family, 2000));
        let far = net.datagram(1, any(family, 2000));
        net.stacks[0].join(near, group(family, 1)).unwrap();
        net.stacks[1].join(far, group(family, 1)).unwrap();
        net.stacks[0].set_option(sender, TransportOption::MulticastTtl(0));
        net.stacks[0].try_send_to(sender, b"x", to(family, 1, 2000)).unwrap();
        net.wait(10 * MILLI);
        assert_eq!(net.sent, 0);
        assert_eq!(received(&mut net, 0, near).len(), 1);
        let seen = std::rc::Rc::new(core::cell::Cell::new(0));
        let noted = seen.clone();
        net.filter = Box::new(move |_, packet| {
            noted.set(if packet[0] >> 4 == 4 { packet[8] } else { packet[7] });
            true
        });
        net.stacks[0].set_option(sender, TransportOption::MulticastTtl(9));
        net.stacks[0].try_send_to(sender, b"y", to(family, 1, 2000)).unwrap();
        net.wait(10 * MILLI);
        assert_eq!(seen.get(), 9);
        assert_eq!(received(&mut net, 1, far).len(), 1);
    }
}

#[test]
fn what_is_too_long_for_the_link_comes_together_again() {
    let mut net = Net::with_mtu(2, 600);
    let sender = net.datagram(0, any(Family::V4, 1000));
    let near = net.datagram(0, any(Family::V4, 2000));
    let far = net.datagram(1, any(Family::V4, 2000));
    net.stacks[0].join(near, group(Family::V4, 1)).unwrap();
    net.stacks[1].join(far, group(Family::V4, 1)).unwrap();
    net.stacks[0].try_send_to(sender, &pattern(0, 5000), to(Family::V4, 1, 2000)).unwrap();
    net.wait(10 * MILLI);
    assert!(net.sent > 5);
    for (machine, socket) in [(0, near), (1, far)] {
        let heard = vec![(pattern(0, 5000), at(Family::V4, 0, 1000))];
        assert_eq!(received(&mut net, machine, socket), heard);
    }
}

#[test]
fn errors_name_what_is_wrong() {
    for family in BOTH {
        let mut net = Net::new(1);
        let s = &mut net.stacks[0];
        let a = s.open(family, Kind::Datagram).unwrap();
        let one = group(family, 1);
        let on = |interface| Group { interface: Some(interface), ..one };
        let own = GroupInterface::Address(at(family, 0, 0).ip());
        let theirs = GroupInterface::Address(at(family, 1, 0).ip());
        let unknown = GroupInterface::Index(INTERFACE + 1);
        assert_eq!(s.leave(a, one), Err(WsaError::WSAEINVAL));
        assert_eq!(s.join(a, on(theirs)), Err(WsaError::WSAEADDRNOTAVAIL));
        assert_eq!(s.join(a, on(unknown)), Err(WsaError::WSAEADDRNOTAVAIL));
        let nobody = Group { address: at(family, 0, 0).ip(), interface: None };
        assert_eq!(s.join(a, nobody), Err(WsaError::WSAEINVAL));
        let wrong = if family == Family::V4 { Family::V6 } else { Family::V4 };
        assert_eq!(s.join(a, group(wrong, 1)), Err(WsaError::WSAEAFNOSUPPORT));
        assert_eq!(s.join(a, on(own)), Ok(()));
        // The one interface by another name is the same interface.
        let by_index = on(GroupInterface::Index(INTERFACE));
        assert_eq!(s.join(a, by_index), Err(WsaError::WSAEADDRNOTAVAIL));
        assert_eq!(s.leave(a, by_index), Ok(()));
        assert_eq!(s.leave(a, one), Err(WsaError::WSAEINVAL));
        let stream = s.open(family, Kind::Stream).unwrap();
        assert_eq!(s.join(stream, one), Err(WsaError::WSAEOPNOTSUPP));
        assert_eq!(s.connect(stream, to(family, 1, 80)), Err(WsaError::WSAENETUNREACH));
        assert_eq!(s.bind(a, to(family, 1, 80)), Err(WsaError::WSAEADDRNOTAVAIL));
        s.close(a, false);
        assert_eq!(s.join(a, one), Err(WsaError::WSAENOTSOCK));
    }
}

#[test]
fn groups_leave_an_idle_stack_idle() {
    let mut net = Net::new(2);
    let a = net.datagram(0, any(Family::V4, 1000));
    net.stacks[0].join(a, group(Family::V4, 1)).unwrap();
    net.stacks[0].try_send_to(a, b"x", to(Family::V4, 1, 1000)).unwrap();
    net.wait(SECOND);
    for stack in &mut net.stacks {
        assert_eq!(stack.poll_at(net.now), None);
    }
}
