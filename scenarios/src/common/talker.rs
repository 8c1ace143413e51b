//! A server that does with each connection what its client orders: behind the network's back, so
//! that the order arrives whatever becomes of the connection.

use core::cell::RefCell;
use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::rc::Rc;

use provider_core::spi::{SO_RCVBUF, SO_RCVTIMEO, SO_SNDTIMEO};
use provider_core::{SocketHandle, WsaError};
use wspsim::api::Os;

use super::close;
use super::crew::Crew;
use super::draw::Ip;
use super::patient::{is_broken, is_passing, listener};
use super::tagged::{draw_tag, message};

/// What to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Nothing: neither read nor close.
    Hold,
    /// Read all that comes.
    Read,
    /// Send something now and then.
    Talk,
    /// Reset it.
    Abort,
}

/// The orders, by [`key`] of the client's end.
#[derive(Default)]
pub(crate) struct Orders {
    orders: RefCell<BTreeMap<u32, Order>>,
}

/// Family and port.
pub(crate) const fn key(address: &SocketAddr) -> u32 {
    (address.is_ipv6() as u32) << 16 | address.port() as u32
}

impl Orders {
    pub(crate) fn give(&self, key: u32, order: Order) {
        self.orders.borrow_mut().insert(key, order);
    }

    /// The client is done: the connection is closed.
    pub(crate) fn take_back(&self, key: u32) {
        self.orders.borrow_mut().remove(&key);
    }

    fn of(&self, key: u32) -> Option<Order> {
        self.orders.borrow().get(&key).copied()
    }
}

/// The main function of the server at `port`: ends with the stop event.
pub(crate) fn talk(os: &Os, port: u16, orders: &Rc<Orders>) {
    Crew::serve(os, |crew| {
        for ip in Ip::BOTH {
            let (orders, others) = (orders.clone(), crew.clone());
            crew.spawn(os, "accepts", move |os| accept(os, ip, port, &orders, &others));
        }
    });
}

fn accept(os: &Os, ip: Ip, port: u16, orders: &Rc<Orders>, crew: &Crew) {
    let prepare = |s| os.setsockopt(s, SO_RCVBUF, 4096);
    while let Some(socket) = listener(os, ip, port, prepare) {
        loop {
            match os.accept(socket) {
                Ok((stream, peer)) => {
                    let orders = orders.clone();
                    crew.spawn(os, "serves", move |os| serve(os, &orders, stream, key(&peer)));
                }
                Err(WsaError::WSANOTINITIALISED) => return,
                Err(WsaError::WSAENOTSOCK) => break,
                Err(WsaError::WSAECONNRESET) => {}
                Err(error) if is_passing(error) => os.sleep(1),
                Err(error) => os.fail(&format!("accept: {error}")),
            }
            if os.is_stopping() {
                return;
            }
        }
        close(os, socket);
    }
}

fn serve(os: &Os, orders: &Orders, socket: SocketHandle, client: u32) {
    let _ = os.setsockopt(socket, SO_RCVTIMEO, 300);
    let _ = os.setsockopt(socket, SO_SNDTIMEO, 300);
    let mut bytes = [0; 3000];
    let mut idle_ms = 1;
    while !os.is_stopping() {
        let result = match orders.of(client) {
            None => break,
            Some(Order::Hold) => {
                os.sleep(idle_ms);
                idle_ms = (idle_ms + 1).min(50);
                continue;
            }
            Some(Order::Abort) => {
                let _ = os.set_linger(socket, Some(0));
                break;
            }
            Some(Order::Read) => os.recv(socket, &mut bytes, 0),
            Some(Order::Talk) => {
                os.sleep(5);
                os.send(socket, &message(draw_tag(os), 300), 0)
            }
        };
        match result {
            Ok(0) => break,
            // With a time-out the stream is still good: it had nothing to give, or takes no more.
            Ok(_) | Err(WsaError::WSAETIMEDOUT) => {}
            Err(error) if is_broken(error) => break,
            Err(error) if is_passing(error) => os.sleep(1),
            Err(error) => os.fail(&format!("a served connection: {error}")),
        }
    }
    close(os, socket);
}
