//! A listener with several descriptors, whose users ask condition functions.

use core::cell::{Cell, RefCell};
use core::net::SocketAddr;
use std::collections::BTreeSet;
use std::rc::Rc;

use provider_core::spi::{CF_ACCEPT, CF_DEFER, CF_REJECT, SO_RCVTIMEO, SOCK_STREAM};
use provider_core::{ConditionRoutine, SocketHandle, WsaError};
use wspsim::api::{Os, ThreadHandle};

use crate::common::close;
use crate::common::descriptors::offer;
use crate::common::patient::{connected, is_broken, is_passing, listener};
use crate::common::tagged::{TAG, draw_tag, front_tag};
use crate::common::{Ip, address, between, pick};

use super::Sharer;
use super::descriptors::Descriptors;

/// How long a caller waits for its answer.
const ANSWER_MS: u32 = 3000;

/// The tags of the callers that were answered.
type Answered = Rc<RefCell<BTreeSet<u64>>>;

impl Sharer {
    /// Threads accept through descriptors of their own, and decide, defer and are closed at bad
    /// times; callers call from the same machine. Nobody is answered twice.
    pub(super) fn accepting(&self, os: &Os) {
        let Some((first, at)) = listening(os) else { return };
        let descriptors = Descriptors::share(os, first);
        let answered = Answered::default();
        let acceptors: Vec<_> = (0..between(os, 1..=3))
            .map(|_| {
                let (descriptors, answered) = (descriptors.clone(), answered.clone());
                os.create_thread("acceptor", true, move |os| {
                    accept_some(os, &descriptors, &answered);
                })
            })
            .collect();
        let callers: Vec<_> = (0..between(os, 1..=4)).map(|_| call(os, at, false)).collect();
        for _ in 0..os.random_below(3) {
            os.sleep(os.random_below(8));
            descriptors.close_any(os);
        }
        os.sleep(os.random_below(20));
        // Whoever waits returns, and what nobody accepted is reset with the last of them.
        descriptors.close_all(os);
        acceptors.iter().for_each(|acceptor| os.join(*acceptor));
        callers.into_iter().for_each(|caller| os.join(caller));
    }

    /// A connection is deferred through one descriptor, which is then closed. A thread that waits for
    /// a connection through the other has it then.
    pub(super) fn deferred(&self, os: &Os) -> bool {
        let Some((first, at)) = listening(os) else { return false };
        let Some(second) = offer(os, first).and_then(|info| os.wsa_socket_from(&info).ok()) else {
            close(os, first);
            return false;
        };
        let caller = call(os, at, true);
        let asked: Rc<Cell<Option<SocketAddr>>> = Rc::default();
        let (note, about) = (asked.clone(), asked.clone());
        let met = Rc::new(Cell::new(false));
        let has_met = met.clone();
        let waiter = os.create_thread("waiter", false, move |os| {
            while about.get().is_none() && os.getsockname(second).is_ok() {
                os.sleep(1);
            }
            match os.accept(second) {
                Ok((s, peer)) => {
                    let deferred = about.get() == Some(peer);
                    os.check(deferred, "another connection came before a deferred one");
                    answer(os, s, &Answered::default());
                    has_met.set(true);
                }
                // It was reset meanwhile, or before it was asked about.
                Err(WsaError::WSAECONNRESET | WsaError::WSAENOTSOCK | WsaError::WSAEINTR) => {}
                Err(error) => os.fail(&format!("accept of a deferred connection: {error}")),
            }
        });
        let condition = os.condition(move |os, call| {
            note.set(Some(call.caller));
            os.sleep(20);
            CF_DEFER
        });
        let given = os.wsa_accept(first, condition, 0);
        close(os, first);
        match (given, asked.get()) {
            (Err(WsaError::WSATRY_AGAIN), Some(_)) => {}
            (Err(WsaError::WSAECONNRESET), None) => close(os, second),
            (given, asked) => {
                os.fail(&format!("a deferred accept gave {given:?}, asked about {asked:?}"));
            }
        }
        os.join(waiter);
        close(os, second);
        os.join(caller);
        met.get()
    }
}

/// A listener and where it is reached.
fn listening(os: &Os) -> Option<(SocketHandle, SocketAddr)> {
    let ip = Ip::draw(os);
    let s = listener(os, ip, 0, |_| Ok(()))?;
    match os.getsockname(s) {
        Ok(name) => Some((s, address(os, "sharer", ip, name.port()))),
        Err(_) => {
            close(os, s);
            None
        }
    }
}

/// A thread that calls, says who it is and waits for its answer, or for whatever comes instead. A
/// stubborn one calls until somebody hears it.
fn call(os: &Os, at: SocketAddr, stubborn: bool) -> ThreadHandle {
    os.create_thread("caller", false, move |os| {
        // Whoever accepts it may not live to answer.
        let prepare = |s| os.setsockopt(s, SO_RCVTIMEO, ANSWER_MS);
        let s = if stubborn {
            connected(os, at, prepare)
        } else {
            let ip = Ip::of(&at);
            os.socket(ip.af(), SOCK_STREAM, 0).ok().inspect(|s| {
                let _ = prepare(*s).and_then(|()| os.connect(*s, at));
            })
        };
        let Some(s) = s else { return };
        if os.send(s, &draw_tag(os).to_le_bytes(), 0).is_ok() {
            while let Ok(1..) = os.recv(s, &mut [0; 100], 0) {}
        }
        close(os, s);
    })
}

/// Takes who calls, and what it says.
fn answer(os: &Os, s: SocketHandle, answered: &Answered) {
    let mut bytes = [0; TAG];
    if let Ok(TAG) = os.recv(s, &mut bytes, 0)
        && let Some(tag) = front_tag(&bytes)
    {
        os.check(answered.borrow_mut().insert(tag), "a connection was accepted twice");
    }
    close(os, s);
}

fn accept_some(os: &Os, descriptors: &Descriptors, answered: &Answered) {
    let condition = os.condition(|os, _| {
        if os.random_below(3) == 0 {
            os.sleep(os.random_below(4));
        }
        pick(os, &[CF_ACCEPT, CF_ACCEPT, CF_DEFER, CF_REJECT])
    });
    for _ in 0..between(os, 1..=8) {
        let Some(s) = descriptors.any(os) else { return };
        let asked = pick(os, &[condition, condition, ConditionRoutine::NULL]);
        match os.wsa_accept(s, asked, 7) {
            Ok((s, _)) => answer(os, s, answered),
            // Decided, or lost before it was.
            Err(WsaError::WSATRY_AGAIN | WsaError::WSAECONNREFUSED | WsaError::WSAECONNRESET) => {}
            // Closed, and its handle perhaps another's by now; another one may be open.
            Err(WsaError::WSAENOTSOCK | WsaError::WSAEINTR | WsaError::WSAEINVAL) => {}
            Err(error) if is_broken(error) => return,
            Err(error) if is_passing(error) => os.sleep(1),
            Err(error) => return os.fail(&format!("accept: {error}")),
        }
    }
}
