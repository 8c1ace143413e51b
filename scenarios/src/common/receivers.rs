//! A server that takes records over streams and datagrams, and checks every byte.

use std::collections::BTreeMap;

use provider_core::spi::{SD_SEND, SO_RCVTIMEO};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::{INFINITE, Os};

use super::codes::{is_broken_stream, is_transient, unexpected};
use super::draw::{Ip, pick};
use super::operations::Operations;
use super::payload::{RECORD_HEADER, RecordReader, whole_record};
use super::retry::{cleanup, open_datagram, startup};
use super::server::{Acceptor, Connections, Held};
use super::slot::{Slot, Style, close_and_settle, pause, wait_for_any};
use super::streams::{Reader, set};

/// How long a connection may stand still.
const IDLE_MS: u32 = 18_000;

/// Serves both families and both kinds of socket on `port` until the stop event is set. Records
/// have at most `longest` bytes after their header. On a stream the records of each sender come
/// in order, numbered from 0; once the client ends its half in good order, so does the server.
pub(crate) fn serve_records(os: &Os, port: u16, longest: usize) {
    startup(os);
    let connections = Connections::default();
    let acceptors = Ip::BOTH.map(|ip| {
        let connections = connections.clone();
        Acceptor::start(
            os,
            ip,
            port,
            |_, _| {},
            move |os, s| {
                connections.serve(os, "records", false, s, move |os, held| {
                    receive_records(os, s, held, longest);
                });
            },
        )
    });
    for ip in Ip::BOTH {
        let s = open_datagram(os, ip, port);
        connections.serve(os, "datagrams", false, s, move |os, held| {
            receive_datagrams(os, s, held, longest);
        });
    }
    let stop = os.stop_event();
    os.wait_for_single_object_ex(stop, INFINITE, true);
    for acceptor in &acceptors {
        acceptor.end(os);
    }
    connections.finish(os);
    cleanup(os);
}

/// One connection.
fn receive_records(os: &Os, s: SocketHandle, held: &Held, longest: usize) {
    set(os, s, SO_RCVTIMEO, 500);
    let operations = Operations::new(os);
    let room = pick(os, &[100, 1000, 5000]);
    let reader = Reader::draw(os, &operations, room);
    let mut records = RecordReader::new(longest);
    let mut piece = vec![0; room];
    let mut next: BTreeMap<u64, u32> = BTreeMap::new();
    let end = loop {
        match reader.read(os, s, &mut piece, IDLE_MS, || os.is_stopping()) {
            Ok(0) => break Ok(()),
            Ok(given) => {
                let fed = records.feed(&piece[..given], |tag, number| {
                    let expected = next.entry(tag).or_default();
                    if number != *expected {
                        return Err(format!(
                            "record {number} of sender {tag:#x} came instead of {expected}"
                        ));
                    }
                    *expected += 1;
                    Ok(())
                });
                if let Err(wrong) = fed {
                    os.fail(&wrong);
                }
            }
            Err(error) => break Err(error),
        }
    };
    match end {
        // The sender counts on what this tells; one that was ended may leave half a record.
        Ok(()) if records.is_between_records() => {
            if let Err(error) = os.shutdown(s, SD_SEND)
                && !is_broken_stream(error)
            {
                unexpected(os, "shutdown", error);
            }
        }
        Ok(()) => {}
        Err(error) if is_broken_stream(error) => {}
        Err(error) => unexpected(os, "a stream receiver", error),
    }
    if held.take().is_some() {
        close_and_settle(os, s, reader.slots());
    }
}

/// One datagram socket, until the server stops: every datagram is whole.
fn receive_datagrams(os: &Os, s: SocketHandle, held: &Held, longest: usize) {
    let operations = Operations::new(os);
    let style = Style::draw(os);
    let room = RECORD_HEADER + longest + 1;
    let slots: Vec<Slot> = (0..4).map(|_| Slot::new(os, &operations, style, room)).collect();
    while !os.is_stopping() {
        for slot in &slots {
            if let Some(ended) = slot.take_end(os) {
                match ended.result() {
                    // An empty datagram is a datagram like any other (BUF-7); it holds no record.
                    Ok(0) => {}
                    Ok(len) => {
                        if let Err(wrong) = whole_record(&slot.buffer.read(0, len as usize)) {
                            os.fail(&wrong);
                        }
                    }
                    Err(error) => passing(os, "an overlapped receive", error),
                }
            }
            if !slot.is_busy()
                && let Err(error) = slot.recv_from(os, s, room)
            {
                passing(os, "WSARecvFrom", error);
                pause(os, 5);
            }
        }
        wait_for_any(os, &slots, 200);
    }
    if held.take().is_some() {
        close_and_settle(os, s, &slots);
    }
}

/// A datagram call may fail so without the socket being any worse for it.
pub(crate) fn passing(os: &Os, what: &str, error: E) {
    if !is_transient(error) && error != E::WSAECONNRESET {
        unexpected(os, what, error);
    }
}
