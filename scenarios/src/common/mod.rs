//! What the programs share: overlapped operations in every style, sockets that survive faults,
//! payloads that tell where they belong.

mod codes;
pub(crate) mod crew;
pub(crate) mod descriptors;
mod draw;
pub(crate) mod hook;
pub(crate) mod ledger;
mod looks;
pub(crate) mod op;
mod operations;
pub(crate) mod patient;
mod payload;
mod receivers;
mod retry;
mod server;
pub(crate) mod sink;
mod slot;
mod streams;
pub(crate) mod tagged;
pub(crate) mod talker;
pub(crate) mod turns;

pub(crate) use codes::{
    is_broken_stream, is_connect_failure, is_dead_datagram, is_transient, unexpected,
};
pub(crate) use draw::{Ip, address, any, between, chance, pick};
pub(crate) use operations::Operations;
pub(crate) use payload::{Digest, Payload, RECORD_HEADER, record, whole_record};
pub(crate) use receivers::{passing, serve_records};
pub(crate) use retry::{cleanup, close, connect_once, open_datagram, startup};
pub(crate) use server::{Acceptor, Connections, Held};
pub(crate) use slot::{Ended, Slot, Style, close_and_settle, pause, wait_for_any};
pub(crate) use streams::{Reader, Writer, send_all, set, set_nonblocking};
