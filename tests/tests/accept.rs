//! WSPAccept with a condition function, and several threads at one listener.

use core::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use provider_core::spi::{CF_ACCEPT, CF_DEFER, CF_REJECT, INVALID_SOCKET};
use provider_core::{SocketHandle, WsaError};
use wspsim::api::{Caller, INFINITE, Os};

use crate::regressions::pair::{PORT, PROFILES, Pair, QUIET, clean, connected, listener, server};

/// Ends as a program of a pair does.
fn end(os: &Os) -> Result<(), WsaError> {
    os.wait_for_single_object(os.stop_event(), INFINITE);
    os.wsa_cleanup()
}

/// A connection that sends one byte and waits for the end, or for its refusal.
fn caller(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let s = connected(os)?;
    let _ = os.send(s, b"x", 0);
    while let Ok(1..) = os.recv(s, &mut [0; 8], 0) {}
    os.closesocket(s)?;
    os.wsa_cleanup()
}

/// Three connections one after the other, each told apart by its port.
fn three_callers(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let sockets = [connected(os)?, connected(os)?, connected(os)?];
    for s in sockets {
        while let Ok(1..) = os.recv(s, &mut [0; 8], 0) {}
        os.closesocket(s)?;
    }
    os.wsa_cleanup()
}

#[test]
fn a_condition_function_rejects_defers_and_accepts() {
    fn answers(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let listener = listener(os)?;
        os.sleep(100);
        let (answer, asked) = (Rc::new(Cell::new(CF_DEFER)), Rc::new(RefCell::new(Vec::new())));
        let (say, note) = (Rc::clone(&answer), Rc::clone(&asked));
        let condition = os.condition(move |_, call: Caller| {
            note.borrow_mut().push(call);
            say.get()
        });
        let accept = |verdict: i32| {
            answer.set(verdict);
            os.wsa_accept(listener, condition, 77)
        };
        os.check(accept(CF_DEFER) == Err(WsaError::WSATRY_AGAIN), "deferred");
        os.check(accept(9) == Err(WsaError::WSAEINVAL), "an odd verdict");
        os.check(accept(CF_REJECT) == Err(WsaError::WSAECONNREFUSED), "rejected");
        os.check(accept(CF_DEFER) == Err(WsaError::WSATRY_AGAIN), "the second is deferred");
        let (second, peer) = os.accept(listener)?;
        let (third, _) = accept(CF_ACCEPT)?;
        let asked = asked.borrow();
        os.check(asked.len() == 5, "five questions were asked");
        os.check(asked[..3].windows(2).all(|w| w[0] == w[1]), "the first stays the first");
        os.check(asked[3].caller == peer, "the second was next");
        os.check(asked[4].caller != peer, "the third came last");
        os.check(asked[4].caller == os.getpeername(third)?, "the third is who called");
        os.check(asked[4].callee == os.getsockname(third)?, "what it called");
        os.check(asked.iter().all(|call| call.callback_data == 77), "the data passed along");
        for s in [second, third, listener] {
            os.closesocket(s)?;
        }
        end(os)
    }
    let pair = Pair { network: QUIET, server: answers, client: three_callers };
    for profile in PROFILES {
        (0..4).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}

#[test]
fn several_threads_accept_each_connection_once_and_lose_none_that_was_deferred() {
    fn crowd(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let listener = listener(os)?;
        let peers = Rc::new(RefCell::new(BTreeSet::new()));
        let closing = Rc::new(Cell::new(false));
        let threads: Vec<_> = (0..3)
            .map(|number| {
                let (peers, closing) = (Rc::clone(&peers), Rc::clone(&closing));
                os.create_thread("accepts", false, move |os| {
                    let deferred = Cell::new(0);
                    let condition = os.condition(move |os, _| {
                        os.sleep(os.random_below(3));
                        deferred.set(deferred.get() + 1);
                        if deferred.get() % 2 == 1 { CF_DEFER } else { CF_ACCEPT }
                    });
                    loop {
                        // One of them asks nobody: it blocks while another one decides.
                        let given = match number {
                            0 => os.accept(listener),
                            _ => os.wsa_accept(listener, condition, 0),
                        };
                        match given {
                            Ok((s, peer)) => {
                                os.check(peers.borrow_mut().insert(peer), "accepted twice");
                                let _ = os.closesocket(s);
                            }
                            Err(WsaError::WSATRY_AGAIN) => {}
                            Err(WsaError::WSAEINTR | WsaError::WSAENOTSOCK) if closing.get() => {
                                return;
                            }
                            Err(error) => return os.fail(&format!("accept: {error}")),
                        }
                    }
                })
            })
            .collect();
        os.sleep(200);
        closing.set(true);
        os.closesocket(listener)?;
        threads.into_iter().for_each(|thread| os.join(thread));
        os.check(peers.borrow().len() == 3, "three connections were made");
        end(os)
    }
    let pair = Pair { network: QUIET, server: crowd, client: three_callers };
    for profile in PROFILES {
        (0..40).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}

#[test]
fn a_deferral_wakes_a_thread_that_waits_for_a_connection() {
    fn defers(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let listener = listener(os)?;
        os.sleep(100);
        let thread = os.create_thread("defers", false, move |os| {
            let condition = os.condition(|os, _| {
                os.sleep(50);
                CF_DEFER
            });
            let given = os.wsa_accept(listener, condition, 0);
            os.check(given == Err(WsaError::WSATRY_AGAIN), "deferred");
        });
        os.sleep(20);
        // There is no other connection, so it blocks while that one is decided on.
        let (s, _) = os.accept(listener)?;
        os.join(thread);
        os.closesocket(s)?;
        os.closesocket(listener)?;
        end(os)
    }
    let pair = Pair { network: QUIET, server: defers, client: caller };
    for profile in PROFILES {
        (0..8).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}

#[test]
fn a_listener_closed_by_its_condition_function_takes_the_connection_with_it() {
    fn closes(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        for verdict in [CF_ACCEPT, CF_REJECT, CF_DEFER] {
            let listener = listener(os)?;
            let condition = os.condition(move |os, _| {
                os.check(os.closesocket(listener) == Ok(()), "closed");
                verdict
            });
            let given = os.wsa_accept(listener, condition, 0);
            let expected = Err(WsaError::WSAENOTSOCK);
            os.check(given == expected, &format!("{given:?} after {verdict}"));
            os.sleep(50);
        }
        end(os)
    }
    fn tries(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        while !os.is_stopping() {
            if let Ok(s) = connected(os) {
                os.check(os.recv(s, &mut [0; 8], 0).is_err(), "reset with its listener");
                os.closesocket(s)?;
            }
            os.sleep(20);
            if os.now_ns() > 1_000_000_000 {
                break;
            }
        }
        os.wsa_cleanup()
    }
    let pair = Pair { network: QUIET, server: closes, client: tries };
    for profile in PROFILES {
        (0..4).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}

#[test]
fn a_connection_that_died_while_it_waited_is_told() {
    fn late(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let listener = listener(os)?;
        os.sleep(500);
        let given = os.accept(listener);
        os.check(given == Err(WsaError::WSAECONNRESET), &format!("{given:?}"));
        os.closesocket(listener)?;
        end(os)
    }
    fn resets(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let s = connected(os)?;
        os.set_linger(s, Some(0))?;
        os.closesocket(s)?;
        os.wsa_cleanup()
    }
    let pair = Pair { network: QUIET, server: late, client: resets };
    for profile in PROFILES {
        let _ = clean(&pair, 0, profile, &[]);
    }
}

#[test]
fn a_thread_that_ends_in_its_condition_function_leaves_the_connection() {
    fn leaves(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let listener = listener(os)?;
        let thread = os.create_thread("exits", false, move |os| {
            let condition = os.condition(|os, _| os.exit_thread());
            let _ = os.wsa_accept(listener, condition, 0);
        });
        os.join(thread);
        let (s, _) = os.accept(listener)?;
        os.closesocket(s)?;
        os.closesocket(listener)?;
        end(os)
    }
    let pair = Pair { network: QUIET, server: leaves, client: caller };
    for profile in PROFILES {
        (0..8).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}

#[test]
fn the_peer_of_a_rejected_connection_is_reset() {
    fn rejects(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let listener = listener(os)?;
        let condition = os.condition(|_, _| CF_REJECT);
        let given = os.wsa_accept(listener, condition, 0);
        os.check(given == Err(WsaError::WSAECONNREFUSED), &format!("{given:?}"));
        os.closesocket(listener)?;
        end(os)
    }
    fn hears(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let s: SocketHandle = connected(os)?;
        os.check(s != INVALID_SOCKET && server(os).port() == PORT, "connected");
        let got = os.recv(s, &mut [0; 8], 0);
        os.check(got == Err(WsaError::WSAECONNRESET), &format!("{got:?}"));
        os.closesocket(s)?;
        os.wsa_cleanup()
    }
    let pair = Pair { network: QUIET, server: rejects, client: hears };
    for profile in PROFILES {
        (0..4).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}
