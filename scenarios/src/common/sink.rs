//! A server that takes whatever comes, datagrams and streams, and enters it into the ledger.

use std::rc::Rc;

use provider_core::spi::SO_RCVBUF;
use provider_core::{SocketHandle, WsaError};
use wspsim::api::Os;

use super::crew::Crew;
use super::draw::{Ip, between};
use super::ledger::Ledger;
use super::patient::{datagram, is_broken, is_passing, listener};
use super::retry::close;
use super::tagged::{front_tag, tag_of};

/// Where it takes datagrams.
pub(crate) const DATAGRAM_PORT: u16 = 4000;
/// Where it takes streams.
pub(crate) const STREAM_PORT: u16 = 5000;
/// Room of its streams: little, so that senders have to wait.
const ROOM: u32 = 4096;

/// The main function of the sink: ends with the stop event.
pub(crate) fn sink(os: &Os, ledger: &Rc<Ledger>) {
    Crew::serve(os, |crew| {
        for ip in Ip::BOTH {
            let book = ledger.clone();
            crew.spawn(os, "datagrams", move |os| take_datagrams(os, &book, ip));
            let (book, others) = (ledger.clone(), crew.clone());
            crew.spawn(os, "streams", move |os| take_streams(os, &book, &others, ip));
        }
    });
}

fn take_datagrams(os: &Os, ledger: &Ledger, ip: Ip) {
    let mut bytes = vec![0; 24_000];
    while let Some(socket) = datagram(os, ip, DATAGRAM_PORT) {
        loop {
            match os.recvfrom(socket, &mut bytes, 0) {
                Ok((len, _)) => match tag_of(&bytes[..len]) {
                    Some(tag) => ledger.arrived(os, tag),
                    None => os.fail("a datagram arrived damaged"),
                },
                Err(WsaError::WSANOTINITIALISED) => return,
                // Somebody closed it or shut it down.
                Err(WsaError::WSAENOTSOCK | WsaError::WSAESHUTDOWN) => break,
                // It sends nothing, but the fault says otherwise.
                Err(WsaError::WSAECONNRESET) => {}
                Err(error) if is_passing(error) => os.sleep(1),
                Err(error) => os.fail(&format!("recvfrom: {error}")),
            }
            if os.is_stopping() {
                return;
            }
        }
        close(os, socket);
    }
}

fn take_streams(os: &Os, ledger: &Rc<Ledger>, crew: &Crew, ip: Ip) {
    let prepare = |s| os.setsockopt(s, SO_RCVBUF, ROOM);
    while let Some(socket) = listener(os, ip, STREAM_PORT, prepare) {
        loop {
            match os.accept(socket) {
                Ok((stream, _)) => {
                    let ledger = ledger.clone();
                    crew.spawn(os, "stream", move |os| take_stream(os, &ledger, stream));
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

/// Takes one stream: at once, slowly, late, or not to its end.
fn take_stream(os: &Os, ledger: &Ledger, socket: SocketHandle) {
    let manner = if os.is_calm() { 3 } else { os.random_below(8) };
    let most = if manner == 0 { os.random_below(20_000) as usize } else { usize::MAX };
    if manner == 1 {
        os.sleep(between(os, 10..=300));
    }
    let mut received = Vec::new();
    let mut bytes = vec![0; between(os, 1..=4) as usize * 1500];
    let graceful = loop {
        if received.len() >= most {
            let _ = os.set_linger(socket, Some(0));
            break false;
        }
        match os.recv(socket, &mut bytes, 0) {
            Ok(0) => break true,
            Ok(len) => received.extend_from_slice(&bytes[..len]),
            Err(error) if is_broken(error) || os.is_stopping() => break false,
            Err(error) if is_passing(error) => os.sleep(1),
            Err(error) => os.fail(&format!("recv: {error}")),
        }
        if manner == 2 {
            os.sleep(between(os, 0..=4));
        }
    };
    close(os, socket);
    if let Some(tag) = front_tag(&received) {
        ledger.stream_received(os, tag, received, graceful);
    }
}
