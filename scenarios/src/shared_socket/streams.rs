//! A stream that is sent through all of its descriptors, some of which are closed under it.

use core::cell::Cell;
use std::rc::Rc;

use provider_core::spi::{SD_SEND, SO_SNDBUF};
use provider_core::{SocketHandle, WsaError};
use wspsim::api::{Os, ThreadHandle};

use crate::common::close;
use crate::common::descriptors::offer;
use crate::common::op::{Log, Op, Ops, Stage, Tell};
use crate::common::patient::{connected, is_broken, is_passing};
use crate::common::sink::STREAM_PORT;
use crate::common::tagged::{draw_tag, message};
use crate::common::{Ip, address, between, chance, pick};

use super::descriptors::Descriptors;
use super::{CLOSED, Sharer};

impl Sharer {
    /// One thread sends, so that the order is known, or several do. A thread that waits for data
    /// that never comes returns when its own descriptor is closed.
    pub(super) fn stream(&self, os: &Os) {
        let to = address(os, "sink", Ip::draw(os), STREAM_PORT);
        let prepare = |s| os.setsockopt(s, SO_SNDBUF, pick(os, &[0, 0, 100, 8192]));
        let Some(first) = connected(os, to, prepare) else { return };
        let descriptors = Descriptors::share(os, first);
        let log = Log::default();
        let posters = pick(os, &[1, 1, 2, 3]);
        let threads: Vec<_> = (0..posters)
            .map(|_| {
                let (sharer, descriptors, log) = (self.clone(), descriptors.clone(), log.clone());
                os.create_thread("poster", true, move |os| {
                    sharer.post_stream(os, &log, &descriptors);
                })
            })
            .collect();
        let blocked = Self::wait_for_data(os, descriptors.any(os));
        for _ in 0..os.random_below(4) {
            os.sleep(os.random_below(4));
            match os.random_below(5) {
                0..=2 => descriptors.close_any(os),
                3 => {
                    if let Some(s) = descriptors.any(os) {
                        let _ = os.sio_flush(s);
                    }
                }
                // Refused where it would be unfair.
                _ => _ = os.terminate_thread(threads[0]),
            }
        }
        threads.iter().for_each(|thread| os.join(*thread));
        if chance(os, 25)
            && let Some(s) = descriptors.any(os)
        {
            let _ = os.set_linger(s, Some(pick(os, &[0, 1])));
        }
        descriptors.close_all(os);
        os.join(blocked);
        self.ops.end(os, &self.ledger, &log, CLOSED);
        // Of several, nobody knows the order.
        let sent = (posters == 1).then(|| Ops::stream_of(&log.borrow())).flatten();
        self.ledger.stream_over(os, sent, false);
    }

    fn post_stream(&self, os: &Os, log: &Log, descriptors: &Descriptors) {
        for _ in 0..between(os, 1..=6) {
            let Some(s) = descriptors.any(os) else { break };
            let op = if os.random_below(5) == 0 {
                self.ops.receive(os, log, s, Ops::any_tell(os), 100)
            } else {
                let len = pick(os, &[8, 100, 3000, 20_000]) + os.random_below(100) as usize;
                let tag = draw_tag(os);
                self.ops.send(os, log, s, Ops::any_tell(os), tag, message(tag, len), None)
            };
            match op.stage.get() {
                // That descriptor was closed meanwhile.
                Stage::Refused(WsaError::WSAENOTSOCK) => {}
                Stage::Refused(error) if is_broken(error) => return,
                Stage::Refused(error) if !is_passing(error) => {
                    os.fail(&format!("an overlapped stream call was refused: {error}"));
                }
                _ => {}
            }
        }
        os.sleep_ex(os.random_below(6), true);
    }

    fn wait_for_data(os: &Os, s: Option<SocketHandle>) -> ThreadHandle {
        os.create_thread("blocked", false, move |os| {
            let Some(s) = s else { return };
            loop {
                match os.recv(s, &mut [0; 100], 0) {
                    Ok(0) => return,
                    Ok(_) => return os.fail("the sink sent something"),
                    Err(error) if is_broken(error) => return,
                    Err(error) if is_passing(error) => os.sleep(1),
                    Err(error) => return os.fail(&format!("recv: {error}")),
                }
            }
        })
    }

    /// A connection is made by one thread and used by another, which has a descriptor of its own
    /// from the moment on that the first is closed. Whether all of it arrived.
    pub(super) fn hand_over(&self, os: &Os) -> bool {
        let to = address(os, "sink", Ip::draw(os), STREAM_PORT);
        let Some(first) = connected(os, to, |_| Ok(())) else { return false };
        let log = Log::default();
        if let Some(info) = offer(os, first) {
            let half = self.post(os, &log, first);
            let (sharer, book) = (self.clone(), log.clone());
            let (has, gone) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
            let (told, first_gone) = (Rc::clone(&has), Rc::clone(&gone));
            let user = os.create_thread("user", false, move |os| {
                let made = os.wsa_socket_from(&info);
                told.set(true);
                let Ok(s) = made else {
                    return os.fail("a descriptor was not given though its socket is open");
                };
                while !first_gone.get() {
                    os.sleep(1);
                }
                sharer.post(os, &book, s);
                let ops = book.borrow().clone();
                sharer.ops.settle(os, &ops, 300_000, "it was sent to one who reads");
                let _ = os.shutdown(s, SD_SEND);
                close(os, s);
            });
            // The first half is out, and the second descriptor there, before the first is closed.
            self.ops.settle(os, &[half], 300_000, "it was sent to one who reads");
            while !has.get() {
                os.sleep(1);
            }
            close(os, first);
            gone.set(true);
            os.join(user);
        } else {
            close(os, first);
        }
        self.ops.end(os, &self.ledger, &log, CLOSED);
        self.ledger.stream_over(os, Ops::stream_of(&log.borrow()), true)
    }

    fn post(&self, os: &Os, log: &Log, s: SocketHandle) -> Rc<Op> {
        let tag = draw_tag(os);
        self.ops.send(os, log, s, Tell::Event, tag, message(tag, 3000), None)
    }
}
