//! The contract of the SPI as cases: small programs that make raw calls and say what has to come
//! of them. A case sees its host through [`TestBed`] and nothing else, so the same source runs in
//! the simulator and against a DLL.
//!
//! # Writing a case
//!
//! A case is a function and a line in the table `CASES` of its file:
//!
//! ```
//! use wspsim_conformance::support::{Op, SendCall, datagram_pair, receive_datagram};
//! use wspsim_conformance::{Case, CaseResult, TestBed, check};
//!
//! pub const CASES: &[Case] = &[Case::both(
//!     "ret-7-bytes-sent-are-counted",
//!     &["RET-1", "RET-7"],
//!     bytes_sent_are_counted,
//! )];
//!
//! fn bytes_sent_are_counted(bed: &dyn TestBed) -> CaseResult {
//!     let pair = datagram_pair(bed)?;
//!     SendCall::send_to(bed, pair.a).bytes(b"four").to(pair.at_b).call().done(4)?;
//!     let (bytes, from) = receive_datagram(bed, pair.b)?;
//!     check::equal("what arrived", bytes, b"four".to_vec())?;
//!     check::equal("its sender", from, pair.at_a)
//! }
//! ```
//!
//! - An expectation is a function of [`check`] or a method that gives [`CaseResult`]; `?` ends the
//!   case at the first that does not hold. Never `assert!` or `unwrap`: code of a case also runs in
//!   threads, APCs and routines, which a panic must not leave. What such code gives back goes to
//!   [`TestBed::fail`] by itself.
//! - Closures for threads and routines own what they use (`Copy` values, [`Shared`] cells) and get
//!   their own `&dyn TestBed`. In the simulator all threads are coroutines on one thread of the
//!   operating system: hold no lock of the standard library across a call of the bed.
//! - Nothing waits for real time. What has to come is waited for up to the bed's own limit
//!   ([`TestBed::wait`], [`support::until`]); that something does not come is shown by
//!   [`TestBed::grace`].
//! - Calls go through [`support::SendCall`] and its likes. They put sentinels into every out
//!   parameter, guard bytes around everything passed, and scribble over the WSABUF array, the
//!   address and the WSATHREADID as soon as the call has returned.
//! - A transport that misbehaves is scripted with [`TestBed::lower`].
//! - Memory, sockets and threads need no cleaning up: a case has its process for itself. WSPStartup
//!   was called before it, WSPCleanup is called after it.

mod accept;
mod address_to_string;
mod bed;
mod bind;
mod cancel_blocking_call;
mod case;
pub mod check;
mod close_socket;
mod connect;
mod duplicate_socket;
mod every_function;
mod get_overlapped_result;
mod get_qos_by_name;
mod groups;
mod join_leaf;
mod life;
mod listen;
mod lower;
pub mod notification;
mod options;
pub mod recv;
mod recv_disconnect;
mod send_disconnect;
pub mod send_to;
mod shared;
mod shutdown;
mod socket;
mod socket_names;
mod string_to_address;
pub mod support;

pub use bed::{
    BadPointer, BedPort, BedThread, Caller, Completion, ConditionBody, HookBody, Packet, Posted,
    RoutineBody, TestBed, ThreadBody, Waited,
};
pub use case::{Case, CaseResult, Failure, Hosts, Profiles};
pub use lower::{Answer, Lower, Seam, Taken};
pub use shared::Shared;

/// Every case, family by family.
pub fn all() -> Vec<&'static Case> {
    let others = [
        accept::CASES,
        address_to_string::CASES,
        bind::CASES,
        cancel_blocking_call::CASES,
        close_socket::CASES,
        duplicate_socket::CASES,
        get_overlapped_result::CASES,
        get_qos_by_name::CASES,
        groups::CASES,
        join_leaf::CASES,
        life::CASES,
        listen::CASES,
        recv_disconnect::CASES,
        send_disconnect::CASES,
        shutdown::CASES,
        socket::CASES,
        socket_names::CASES,
        string_to_address::CASES,
    ];
    let families = [
        send_to::FAMILIES,
        every_function::FAMILIES,
        recv::FAMILIES,
        notification::FAMILIES,
        connect::FAMILIES,
        options::FAMILIES,
    ];
    let families = families.into_iter().flatten().copied();
    families.chain(others).flatten().collect()
}
