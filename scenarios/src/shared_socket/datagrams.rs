//! Threads with descriptors of their own send and receive on one datagram socket.

use provider_core::spi::SO_SNDBUF;
use provider_core::{SocketHandle, WsaError};
use wspsim::api::{Os, ThreadHandle};

use crate::common::descriptors::offer;
use crate::common::op::{Log, Ops, Stage};
use crate::common::patient::{datagram, is_passing};
use crate::common::sink::DATAGRAM_PORT;
use crate::common::tagged::{draw_tag, message};
use crate::common::{Ip, address, between, pick};

use super::descriptors::Descriptors;
use super::{CLOSED, Sharer};

impl Sharer {
    /// Each thread opens the descriptor that it was offered, uses it, and closes it with operations
    /// pending; meanwhile the first one, and others, are closed too.
    pub(super) fn datagrams(&self, os: &Os) {
        let ip = Ip::draw(os);
        let Some(first) = datagram(os, ip, 0) else { return };
        let _ = os.setsockopt(first, SO_SNDBUF, pick(os, &[0, 0, 1, 1500]));
        let descriptors = Descriptors::share(os, first);
        let log = Log::default();
        let holders: Vec<_> = (0..between(os, 1..=3))
            .filter_map(|_| offer(os, first))
            .map(|info| {
                let (sharer, descriptors, log) = (self.clone(), descriptors.clone(), log.clone());
                os.create_thread("holder", true, move |os| {
                    if let Some(s) = descriptors.add(os, &info) {
                        sharer.post_datagrams(os, &log, s, ip);
                        descriptors.close(os, s);
                    }
                })
            })
            .collect();
        let blocked = Self::block(os, &descriptors);
        for _ in 0..os.random_below(4) {
            os.sleep(os.random_below(3));
            match os.random_below(4) {
                0 | 1 => descriptors.close_any(os),
                2 => {
                    if let Some(s) = descriptors.any(os) {
                        let _ = os.sio_flush(s);
                    }
                }
                _ => {
                    if let Some(holder) = holders.first() {
                        // Refused where it would be unfair.
                        let _ = os.terminate_thread(*holder);
                    }
                }
            }
        }
        holders.iter().for_each(|holder| os.join(*holder));
        descriptors.close_all(os);
        os.join(blocked);
        self.ops.end(os, &self.ledger, &log, CLOSED);
    }

    /// A thread that blocks in a receive, until its descriptor is closed.
    fn block(os: &Os, descriptors: &Descriptors) -> ThreadHandle {
        let s = descriptors.any(os);
        os.create_thread("blocked", false, move |os| {
            let Some(s) = s else { return };
            loop {
                match os.recvfrom(s, &mut [0; 1500], 0) {
                    Ok(_) | Err(WsaError::WSAECONNRESET | WsaError::WSAENETRESET) => {}
                    Err(
                        WsaError::WSAENOTSOCK
                        | WsaError::WSAESHUTDOWN
                        | WsaError::WSANOTINITIALISED,
                    ) => return,
                    Err(error) if is_passing(error) => os.sleep(1),
                    Err(error) => return os.fail(&format!("recvfrom: {error}")),
                }
            }
        })
    }

    fn post_datagrams(&self, os: &Os, log: &Log, s: SocketHandle, ip: Ip) {
        for _ in 0..between(os, 1..=7) {
            let op = if os.random_below(4) == 0 {
                self.ops.receive(os, log, s, Ops::any_tell(os), 1500)
            } else {
                let to = address(os, "sink", ip, DATAGRAM_PORT);
                let tag = draw_tag(os);
                let payload = message(tag, between(os, 8..=1200) as usize);
                self.ledger.sending(tag);
                self.ops.send(os, log, s, Ops::any_tell(os), tag, payload, Some(to))
            };
            match op.stage.get() {
                Stage::Refused(WsaError::WSAENOTSOCK | WsaError::WSAESHUTDOWN) => return,
                Stage::Refused(WsaError::WSAECONNRESET) => {}
                Stage::Refused(error) if !is_passing(error) => {
                    os.fail(&format!("an overlapped datagram call was refused: {error}"));
                }
                _ => {}
            }
        }
        os.sleep_ex(os.random_below(4), true);
    }
}
