use std::rc::Rc;

use core::cell::Cell;

use provider_core::spi::INVALID_SOCKET;
use provider_core::{Family, Host, Kind, UserPtr, WsaError};

use crate::api::{INFINITE, NotQueued, Os, Packet, PortHandle, Win32Error};

use super::bed::{Bed, Log, under_all};

const TIMEOUT: Result<Packet, NotQueued> = Err(NotQueued::Nothing(Win32Error::WAIT_TIMEOUT));
const ABANDONED: Result<Packet, NotQueued> =
    Err(NotQueued::Nothing(Win32Error::ERROR_ABANDONED_WAIT_0));
const STRANGER: Result<Packet, NotQueued> =
    Err(NotQueued::Nothing(Win32Error::ERROR_INVALID_HANDLE));

fn port(os: &Os, concurrent_threads: u32) -> PortHandle {
    os.create_io_completion_port(INVALID_SOCKET, None, 0, concurrent_threads).unwrap()
}

fn post(os: &Os, port: PortHandle, key: usize) {
    os.post_queued_completion_status(port, 0, key, UserPtr::NULL).unwrap();
}

/// The key of the next packet.
fn key(os: &Os, port: PortHandle) -> usize {
    os.get_queued_completion_status(port, INFINITE).unwrap().key
}

#[test]
fn packets_come_out_as_they_were_posted_and_in_order() {
    under_all(|os| {
        let port = port(os, 1);
        assert_eq!(os.get_queued_completion_status(port, 0), TIMEOUT);
        assert_eq!(os.wsa_get_last_error(), WsaError(258));
        let packets = [1, 2, 3].map(|n: u32| Packet {
            key: 10 * n as usize,
            overlapped: UserPtr(100 * n as usize),
            bytes: n,
        });
        for Packet { key, overlapped, bytes } in packets {
            os.post_queued_completion_status(port, bytes, key, overlapped).unwrap();
        }
        for packet in packets {
            assert_eq!(os.get_queued_completion_status(port, INFINITE), Ok(packet));
        }
        let before = os.now_ns();
        assert_eq!(os.get_queued_completion_status(port, 7), TIMEOUT);
        let took = os.now_ns() - before;
        assert!((7_000_000..7_010_000).contains(&took), "{took}");
    });
}

#[test]
fn who_waits_last_is_released_first() {
    under_all(|os| {
        let (port, log) = (port(os, 9), Log::default());
        for entry in 1..=3 {
            let log = log.clone();
            os.create_thread("waiter", false, move |os| {
                log.add(100 * key(os, port) as u32 + entry);
            });
            os.sleep(1);
        }
        for key in 1..=3 {
            post(os, port, key);
            os.sleep(1);
        }
        assert_eq!(log.get(), [103, 202, 301]);
    });
}

/// Two threads that take a packet each and are busy with it for a while; what they log.
fn busy_with_packets(os: &Os, concurrent_threads: u32) -> Vec<u32> {
    let (port, log) = (port(os, concurrent_threads), Log::default());
    let threads = [(); 2].map(|()| {
        let log = log.clone();
        os.create_thread("busy", false, move |os| {
            key(os, port);
            log.add(1);
            for _ in 0..20 {
                os.now_ns();
            }
            log.add(2);
        })
    });
    os.sleep(1);
    post(os, port, 1);
    post(os, port, 2);
    threads.iter().for_each(|thread| os.join(*thread));
    log.take()
}

#[test]
fn no_more_threads_run_than_the_port_wants() {
    let both_ran = Rc::new(Cell::new(false));
    for seed in 0..50 {
        let both_ran = Rc::clone(&both_ran);
        Bed::new(seed).passes(move |os| {
            assert_eq!(busy_with_packets(os, 1), [1, 2, 1, 2]);
            both_ran.set(both_ran.get() || busy_with_packets(os, 2) == [1, 1, 2, 2]);
        });
    }
    assert!(both_ran.get(), "a second thread never runs");
}

#[test]
fn a_thread_that_blocks_lets_another_one_run() {
    under_all(|os| {
        let (port, log) = (port(os, 1), Log::default());
        let threads = [(); 2].map(|()| {
            let log = log.clone();
            os.create_thread("sleeper", false, move |os| {
                key(os, port);
                log.add(1);
                os.sleep(5);
                log.add(2);
            })
        });
        post(os, port, 1);
        post(os, port, 2);
        threads.iter().for_each(|thread| os.join(*thread));
        assert_eq!(log.get(), [1, 1, 2, 2]);
    });
}

#[test]
fn a_thread_that_ends_or_turns_to_another_port_makes_room() {
    for turns in [false, true] {
        under_all(move |os| {
            let (first, second, log) = (port(os, 1), port(os, 1), Log::default());
            let threads = [(); 2].map(|()| {
                let log = log.clone();
                os.create_thread("first", false, move |os| {
                    log.add(key(os, first) as u32);
                    if !turns {
                        os.exit_thread();
                    }
                    assert_eq!(os.get_queued_completion_status(second, 0), TIMEOUT);
                    // Busy, and not with what the first port gave it.
                    while log.get().len() < 2 {
                        os.now_ns();
                    }
                })
            });
            post(os, first, 1);
            post(os, first, 2);
            threads.iter().for_each(|thread| os.join(*thread));
            assert_eq!(log.get(), [1, 2]);
        });
    }
}

#[test]
fn closing_a_port_tells_those_who_wait_and_nobody_else() {
    under_all(|os| {
        let (port, other) = (port(os, 1), port(os, 1));
        let waiters = [(); 2].map(|()| {
            os.create_thread("waiter", false, move |os| {
                assert_eq!(os.get_queued_completion_status(port, INFINITE), ABANDONED);
                assert_eq!(os.wsa_get_last_error(), WsaError(735));
            })
        });
        let unaffected = os.create_thread("unaffected", false, move |os| {
            assert_eq!(key(os, other), 9);
        });
        os.sleep(1);
        os.close_handle(port).unwrap();
        waiters.iter().for_each(|thread| os.join(*thread));
        post(os, other, 9);
        os.join(unaffected);
        assert_eq!(os.get_queued_completion_status(port, 0), STRANGER);
        let posted = os.post_queued_completion_status(port, 0, 0, UserPtr::NULL);
        assert_eq!(posted, Err(Win32Error::ERROR_INVALID_HANDLE));
        assert_eq!(os.close_handle(port), Err(WsaError::WSA_INVALID_HANDLE));
    });
}

#[test]
fn several_packets_at_once_and_apcs() {
    under_all(|os| {
        let port = port(os, 1);
        let keys = |count| {
            let entries = os.get_queued_completion_status_ex(port, count, 0, true)?;
            Ok::<_, Win32Error>(entries.iter().map(|entry| entry.packet.key).collect::<Vec<_>>())
        };
        (1..=3).for_each(|key| post(os, port, key));
        assert_eq!(keys(0), Err(Win32Error::ERROR_INVALID_PARAMETER));
        os.queue_user_apc(os.current_thread(), |os| os.mark(1)).unwrap();
        // What is there comes first, the APC stays queued.
        assert_eq!(keys(2), Ok(vec![1, 2]));
        assert_eq!(keys(2), Ok(vec![3]));
        assert_eq!(keys(2), Err(Win32Error::WAIT_IO_COMPLETION));
        assert_eq!(keys(2), Err(Win32Error::WAIT_TIMEOUT));
        os.queue_user_apc(os.current_thread(), |os| os.mark(2)).unwrap();
        assert_eq!(os.get_queued_completion_status(port, 0), TIMEOUT);
    });
}

#[test]
fn a_socket_has_one_port_until_it_is_closed() {
    let mut bed = Bed::new(0);
    bed.settings.reuse_handles = true;
    let probe = bed.probe.clone();
    bed.passes(move |os| {
        let host = probe.host();
        let socket = host.create_socket_handle(Family::V4, Kind::Stream, 1).unwrap();
        let associate = |socket, port| os.create_io_completion_port(socket, port, 7, 0);
        let first = associate(socket, None).unwrap();
        let second = port(os, 0);
        let refused = Err(Win32Error::ERROR_INVALID_PARAMETER);
        assert_eq!(associate(socket, Some(second)), refused);
        assert_eq!(associate(socket, Some(first)), refused);
        assert_eq!(associate(socket, None), refused);
        assert_eq!(os.wsa_get_last_error(), WsaError(87));
        // Even a port that is closed: the socket keeps it.
        os.close_handle(first).unwrap();
        assert_eq!(associate(socket, Some(second)), refused);
        let strange = Err(Win32Error::ERROR_INVALID_HANDLE);
        assert_eq!(associate(socket, Some(first)), strange);
        host.close_socket_handle(socket).unwrap();
        assert_eq!(associate(socket, Some(second)), strange);
        let next = host.create_socket_handle(Family::V4, Kind::Stream, 2).unwrap();
        assert_eq!(next, socket, "the value is used again");
        assert_eq!(associate(next, Some(second)), Ok(second));
        assert_eq!(associate(INVALID_SOCKET, Some(second)), refused);
    });
}

#[test]
fn a_thread_at_a_port_says_so() {
    let ended = Bed::new(1).run(|os| {
        key(os, port(os, 0));
    });
    assert!(!ended.finished);
    let waits = "waits for completion port 1 (0 packet(s), 0 of 2 run)";
    assert_eq!(ended.describe, format!("alone: thread 0 (main) {waits}\n"));
}
