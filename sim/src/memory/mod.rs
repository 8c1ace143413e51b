//! The memory of a simulated process: who owns each byte, and what a provider may do to it.
//!
//! A provider may touch what a call lends it and nothing else. What it may no longer rely on is
//! scribbled over, so that a provider that reads it late sends nonsense that can be recognised.

mod access;
mod arena;
mod loan;
mod scribble;

pub use access::{AccessError, ClientMisuse};
pub use arena::Arena;
pub use loan::{Held, Lent, Loan, LoanId};
pub use scribble::Pattern;
