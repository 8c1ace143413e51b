//! Several descriptors of one socket: what they share, and what ends with each.

use core::cell::Cell;
use core::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use provider_core::spi::{AF_INET, IPPROTO_UDP, SO_SNDBUF, SOCK_DGRAM};
use provider_core::{EventHandle, Routine, SocketHandle, WsaError};
use wspsim::api::{INFINITE, Os, Overlapped, WAIT_OBJECT_0};

use crate::regressions::pair::{PROFILES, Pair, QUIET, clean, connected, listener, reader};

/// Another descriptor of `s`.
fn another(os: &Os, s: SocketHandle) -> Result<SocketHandle, WsaError> {
    os.wsa_socket_from(&os.wsa_duplicate_socket(s, os.get_current_process_id())?)
}

fn datagram(os: &Os) -> Result<SocketHandle, WsaError> {
    let s = os.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)?;
    os.bind(s, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0))?;
    Ok(s)
}

/// A receive that pends through `s`.
fn pending(os: &Os, s: SocketHandle) -> Result<(Overlapped, EventHandle), WsaError> {
    let event = os.create_event(true, false);
    let overlapped = os.overlapped_with_event(event);
    let buffer = os.alloc(16);
    let given = os.wsa_recv_from(s, &[buffer.all()], 0, None, Some(&overlapped), Routine::NULL);
    os.check(given == Err(WsaError::WSA_IO_PENDING), "nothing is there yet");
    Ok((overlapped, event))
}

fn run(client: fn(&Os) -> Result<(), WsaError>) {
    fn idle(os: &Os) -> Result<(), WsaError> {
        os.wait_for_single_object(os.stop_event(), INFINITE);
        Ok(())
    }
    let pair = Pair { network: QUIET, server: idle, client };
    for profile in PROFILES {
        (0..16).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}

#[test]
fn a_closed_descriptor_ends_what_was_started_through_it_and_nothing_else() {
    run(|os| {
        os.wsa_startup()?;
        let first = datagram(os)?;
        let second = another(os, first)?;
        let third = another(os, second)?;
        let started = [pending(os, first)?, pending(os, second)?, pending(os, third)?];
        os.closesocket(first)?;
        os.wait_for_single_object(started[0].1, INFINITE);
        os.check(started[0].0.error() == WsaError::WSA_OPERATION_ABORTED.0 as u32, "aborted");
        os.sleep(10);
        os.check(!started[1].0.has_completed() && !started[2].0.has_completed(), "they go on");
        let gone = os.getsockname(first);
        os.check(gone == Err(WsaError::WSAENOTSOCK), "the descriptor is gone");
        // What comes is for the first in line that is left.
        os.sendto(third, b"hi", 0, os.getsockname(second)?.on_loopback())?;
        os.wait_for_single_object(started[1].1, INFINITE);
        os.check(started[1].0.error() == 0 && started[1].0.bytes() == 2, "the second has it");
        os.closesocket(third)?;
        os.wait_for_single_object(started[2].1, INFINITE);
        os.check(started[2].0.error() == WsaError::WSA_OPERATION_ABORTED.0 as u32, "aborted");
        os.closesocket(second)?;
        os.check(os.getsockname(second) == Err(WsaError::WSAENOTSOCK), "nothing is left");
        os.wsa_cleanup()
    });
}

/// The same port, where the machine reaches itself.
trait OnLoopback {
    fn on_loopback(self) -> SocketAddr;
}

impl OnLoopback for SocketAddr {
    fn on_loopback(self) -> SocketAddr {
        Self::new(Ipv4Addr::LOCALHOST.into(), self.port())
    }
}

#[test]
fn what_was_offered_is_taken_once_by_one_of_two() {
    run(|os| {
        os.wsa_startup()?;
        let s = datagram(os)?;
        let info = os.wsa_duplicate_socket(s, os.get_current_process_id())?;
        let given = info.clone();
        let theirs = Rc::new(Cell::new(None));
        let result = theirs.clone();
        let thread = os.create_thread("takes", false, move |os| {
            result.set(Some(os.wsa_socket_from(&given)));
        });
        let mine = os.wsa_socket_from(&info);
        os.join(thread);
        let again = os.wsa_socket_from(&info);
        os.check(again == Err(WsaError::WSAEINVAL), "it was used");
        let both = [Some(mine), theirs.get()];
        let takers = both.iter().filter(|result| matches!(result, Some(Ok(_)))).count();
        os.check(takers == 1, "one of the two takes it");
        let refused = both.contains(&Some(Err(WsaError::WSAEINVAL)));
        os.check(refused, "and the other is told that it was used");
        os.wsa_cleanup()
    });
}

#[test]
fn nothing_is_left_of_what_was_offered_when_its_socket_is_closed() {
    run(|os| {
        os.wsa_startup()?;
        let s = datagram(os)?;
        let info = os.wsa_duplicate_socket(s, os.get_current_process_id())?;
        os.closesocket(s)?;
        os.check(os.wsa_socket_from(&info) == Err(WsaError::WSAEINVAL), "its socket is gone");
        let s = datagram(os)?;
        let info = os.wsa_duplicate_socket(s, os.get_current_process_id())?;
        os.wsa_cleanup()?;
        os.wsa_startup()?;
        os.check(os.wsa_socket_from(&info) == Err(WsaError::WSAEINVAL), "that was another life");
        os.wsa_cleanup()
    });
}

#[test]
fn a_call_that_blocks_returns_when_its_descriptor_is_closed_and_no_other() {
    run(|os| {
        os.wsa_startup()?;
        let first = datagram(os)?;
        let second = another(os, first)?;
        let wait = |s: SocketHandle| {
            os.create_thread("waits", false, move |os| {
                let given = os.recvfrom(s, &mut [0; 4], 0);
                os.check(given == Err(WsaError::WSAEINTR), "its descriptor was closed");
            })
        };
        let (through_first, through_second) = (wait(first), wait(second));
        os.sleep(10);
        os.closesocket(second)?;
        os.join(through_second);
        os.sleep(10);
        let waits = os.wait_for_single_object(through_first, 0);
        os.check(waits != WAIT_OBJECT_0, "the other one waits on");
        os.closesocket(first)?;
        os.join(through_first);
        os.wsa_cleanup()
    });
}

#[test]
fn a_listener_goes_on_with_the_descriptor_that_is_left() {
    fn serves(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let first = listener(os)?;
        let second = another(os, first)?;
        let thread = os.create_thread("accepts", false, move |os| {
            let given = os.accept(first);
            os.check(given == Err(WsaError::WSAEINTR), "its descriptor was closed");
        });
        os.sleep(10);
        os.closesocket(first)?;
        os.join(thread);
        let (s, _) = os.accept(second)?;
        os.closesocket(s)?;
        os.closesocket(second)?;
        os.wait_for_single_object(os.stop_event(), INFINITE);
        os.wsa_cleanup()
    }
    fn calls(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        os.sleep(100);
        let s = connected(os)?;
        while let Ok(1..) = os.recv(s, &mut [0; 8], 0) {}
        os.closesocket(s)?;
        os.wsa_cleanup()
    }
    let pair = Pair { network: QUIET, server: serves, client: calls };
    for profile in PROFILES {
        (0..16).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}

#[test]
fn what_was_sent_through_all_descriptors_arrives_after_the_last_is_closed() {
    fn sends(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let first = connected(os)?;
        let second = another(os, first)?;
        os.send(first, &[1; 3_000], 0)?;
        os.closesocket(first)?;
        os.send(second, &[2; 3_000], 0)?;
        os.closesocket(second)?;
        os.wsa_cleanup()
    }
    let pair = Pair { network: QUIET, server: reader, client: sends };
    for profile in PROFILES {
        (0..16).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}

#[test]
fn options_are_the_sockets() {
    run(|os| {
        os.wsa_startup()?;
        let first = datagram(os)?;
        let second = another(os, first)?;
        os.setsockopt(first, SO_SNDBUF, 1234)?;
        os.check(os.getsockopt(second, SO_SNDBUF) == Ok(1234), "seen through the other");
        os.closesocket(first)?;
        os.check(os.getsockopt(second, SO_SNDBUF) == Ok(1234), "and kept");
        os.closesocket(second)?;
        os.wsa_cleanup()
    });
}
