//! WSPRecv and WSPRecvFrom: one file for each family of clauses.

mod blocking;
mod connection;
mod datagrams;
mod errors;
mod flags;
mod overlapped;
mod sender;
mod streams;
mod urgent;

use crate::Case;

/// The tables of all families.
pub const FAMILIES: &[&[Case]] = &[
    streams::CASES,
    datagrams::CASES,
    sender::CASES,
    errors::CASES,
    flags::CASES,
    urgent::CASES,
    overlapped::CASES,
    blocking::CASES,
    connection::CASES,
];
