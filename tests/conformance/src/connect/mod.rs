//! WSPConnect: one file for each family of clauses.

mod arguments;
mod datagram;
mod stream;

use provider_core::SocketHandle;
use provider_core::spi::{AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED};

use crate::support::socket;
use crate::{Case, CaseResult, TestBed, check};

/// The tables of all families.
pub(crate) const FAMILIES: &[&[Case]] = &[stream::CASES, datagram::CASES, arguments::CASES];

/// A stream socket of AF_INET.
fn fresh_stream(bed: &dyn TestBed) -> CaseResult<SocketHandle> {
    check::works("WSPSocket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))
}
