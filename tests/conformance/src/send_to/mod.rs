//! WSPSendTo, and WSPSend where it is the same: one file for each family of clauses.

mod buffers;
mod cancellation;
mod destination;
mod errors;
mod events;
mod flags;
mod hooks;
mod nesting;
mod ordering;
mod overlapped;
mod plain_send;
mod precedence;
mod reentrancy;
mod returns;
mod routines;
mod send_buffer;
mod synchronous;
mod urgent;

use crate::Case;

/// The tables of all families.
pub const FAMILIES: &[&[Case]] = &[
    returns::CASES,
    errors::arguments::CASES,
    errors::state::CASES,
    errors::transport::CASES,
    errors::connection::CASES,
    precedence::CASES,
    destination::CASES,
    overlapped::CASES,
    send_buffer::CASES,
    synchronous::CASES,
    buffers::CASES,
    events::CASES,
    routines::CASES,
    nesting::CASES,
    reentrancy::CASES,
    ordering::CASES,
    cancellation::close::CASES,
    cancellation::flush::CASES,
    cancellation::blocking::CASES,
    cancellation::ends::CASES,
    flags::CASES,
    hooks::CASES,
    plain_send::CASES,
    urgent::CASES,
];
