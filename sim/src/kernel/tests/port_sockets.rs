//! Completion ports with sockets of the provider core.

use core::net::SocketAddr;

use provider_core::spi::{AF_INET, SOCK_DGRAM};
use provider_core::{EventHandle, Routine, SocketHandle, WsaError};

use crate::api::{
    Buffer, INFINITE, NotQueued, Os, Overlapped, Packet, PortHandle, WAIT_OBJECT_0, WAIT_TIMEOUT,
    Win32Error,
};
use crate::fault::{Answer, Seam};

use super::end_to_end::passes_alone;

const KEY: usize = 7;

/// A datagram socket on a port of its own.
fn socket_on_port(os: &Os) -> (SocketHandle, PortHandle) {
    os.wsa_startup().unwrap();
    let s = os.socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    os.bind(s, SocketAddr::new(core::net::Ipv4Addr::UNSPECIFIED.into(), 7)).unwrap();
    (s, os.create_io_completion_port(s, None, KEY, 0).unwrap())
}

/// A receive with that `hEvent`, which pends.
fn receive(os: &Os, s: SocketHandle, event: usize) -> (Buffer, Overlapped) {
    let (buffer, overlapped) = (os.alloc(64), os.overlapped_with_event(EventHandle(event)));
    let pending = os.wsa_recv(s, &[buffer.all()], 0, Some(&overlapped), Routine::NULL);
    assert_eq!(pending, Err(WsaError::WSA_IO_PENDING));
    (buffer, overlapped)
}

fn end(os: &Os, s: SocketHandle) {
    os.closesocket(s).unwrap();
    os.wsa_cleanup().unwrap();
}

fn is_quiet(os: &Os, port: PortHandle) -> bool {
    os.get_queued_completion_status(port, 50) == Err(NotQueued::Nothing(Win32Error::WAIT_TIMEOUT))
}

#[test]
fn what_succeeds_has_one_packet_at_once_or_later() {
    passes_alone(|os| {
        let (s, port) = socket_on_port(os);
        let (_buffer, received) = receive(os, s, 0);
        let (data, sent) = (os.alloc_with(b"abc"), os.overlapped());
        let here = SocketAddr::new(os.address_of("client"), 7);
        let at_once = os.wsa_send_to(s, &[data.all()], 0, Some(here), Some(&sent), Routine::NULL);
        assert_eq!(at_once, Ok(3));
        let packet = |of: &Overlapped| Packet { key: KEY, overlapped: of.ptr(), bytes: 3 };
        let mut got = [(); 2].map(|()| os.get_queued_completion_status(port, INFINITE).unwrap());
        got.sort_by_key(|packet| packet.overlapped);
        let mut expected = [packet(&received), packet(&sent)];
        expected.sort_by_key(|packet| packet.overlapped);
        assert_eq!(got, expected);
        assert!(is_quiet(os, port));
        end(os, s);
    });
}

//= docs/spec/wspsendto.md#evt-9
//= type=test
//# A low bit of 1 in `hEvent`, which keeps a completion port out, MUST NOT keep the event from being
//# set.
#[test]
fn the_low_bit_of_the_event_keeps_the_port_quiet() {
    passes_alone(|os| {
        let (s, port) = socket_on_port(os);
        let (quiet, loud) = (os.create_event(true, false), os.create_event(true, false));
        let _quiet = receive(os, s, quiet.0 | 1);
        let (_buffer, overlapped) = receive(os, s, loud.0);
        assert_eq!(os.wait_for_single_object(quiet, 0), WAIT_TIMEOUT);
        let here = SocketAddr::new(os.address_of("client"), 7);
        os.sendto(s, b"one", 0, here).unwrap();
        assert_eq!(os.wait_for_single_object(quiet, INFINITE), WAIT_OBJECT_0);
        assert!(is_quiet(os, port));
        os.sendto(s, b"two", 0, here).unwrap();
        let packet = os.get_queued_completion_status(port, INFINITE).unwrap();
        assert_eq!(packet.overlapped, overlapped.ptr());
        assert_eq!(os.wait_for_single_object(loud, 0), WAIT_OBJECT_0);
        end(os, s);
    });
}

#[test]
fn what_failed_is_dequeued_with_its_error_even_after_the_socket_is_gone() {
    passes_alone(|os| {
        let (s, port) = socket_on_port(os);
        let pending = [receive(os, s, 0), receive(os, s, 0)];
        end(os, s);
        for (_, overlapped) in &pending {
            let packet = Packet { key: KEY, overlapped: overlapped.ptr(), bytes: 0 };
            let aborted = NotQueued::Failed(packet, Win32Error::ERROR_OPERATION_ABORTED);
            assert_eq!(os.get_queued_completion_status(port, 0), Err(aborted));
            assert_eq!(os.wsa_get_last_error(), WsaError::WSA_OPERATION_ABORTED);
        }
        assert!(is_quiet(os, port));
    });
}

/// CXL-7.
#[test]
fn what_cleanup_cancels_has_no_packet() {
    passes_alone(|os| {
        let (s, port) = socket_on_port(os);
        let (_buffer, overlapped) = receive(os, s, 0);
        os.wsa_cleanup().unwrap();
        assert!(overlapped.has_completed());
        assert!(is_quiet(os, port));
    });
}

/// APC-15: refused before the provider hears of it. Without an OVERLAPPED a routine is nothing.
#[test]
fn a_routine_does_not_go_with_a_port() {
    passes_alone(|os| {
        let (s, port) = socket_on_port(os);
        let routine = os.routine(|os, _, _, _, _| os.fail("the routine runs"));
        let (buffer, overlapped) = (os.alloc(64), os.overlapped());
        let refused = os.wsa_recv(s, &[buffer.all()], 0, Some(&overlapped), routine);
        assert_eq!(refused, Err(WsaError::WSAEINVAL));
        assert_eq!(os.wsa_get_last_error(), WsaError::WSAEINVAL);
        let here = SocketAddr::new(os.address_of("client"), 7);
        assert_eq!(os.wsa_send_to(s, &[buffer.part(0..3)], 0, Some(here), None, routine), Ok(3));
        assert_eq!(os.wsa_recv(s, &[buffer.all()], 0, None, routine), Ok(3));
        os.sleep_ex(10, true);
        assert!(is_quiet(os, port));
        end(os, s);
    });
}

/// CXL-5 as this project reads it: what an exited thread started is aborted, and that is told.
#[test]
fn a_thread_that_exits_leaves_aborted_packets() {
    passes_alone(|os| {
        let (s, port) = socket_on_port(os);
        let thread = os.create_thread("short", false, move |os| {
            let _ = receive(os, s, 0);
        });
        os.join(thread);
        match os.get_queued_completion_status(port, INFINITE) {
            Err(NotQueued::Failed(_, Win32Error::ERROR_OPERATION_ABORTED)) => {}
            other => panic!("{other:?}"),
        }
        end(os, s);
    });
}

/// The host's own failure: the provider stores the status, but the port is out of its reach.
#[test]
fn a_refused_completion_has_no_packet() {
    passes_alone(|os| {
        let (s, port) = socket_on_port(os);
        let (_buffer, overlapped) = receive(os, s, 0);
        os.answer_next(Seam::CompleteOverlapped, Answer::Refuse(WsaError::WSAEINVAL));
        end(os, s);
        assert!(overlapped.has_completed());
        assert!(is_quiet(os, port));
    });
}
