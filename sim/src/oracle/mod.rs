//! The oracles of a run. They know the contract and what passes at the SPI boundary, the upcalls
//! and the transport seam, and nothing of the provider behind them: they judge any provider.
//!
//! Each oracle is a small plain type in its own file. [`Oracles`] hands each fact to those that
//! need it. A step gives the first objection, with the clause that was broken.

mod book;
mod causes;
mod codes;
mod condition;
mod descriptors;
mod facade;
mod facts;
mod get_result;
mod hash;
mod hook;
mod leak;
mod ledger;
mod locks;
mod names;
mod nesting;
mod notification;
mod receive;
mod seam;
mod send_order;
#[cfg(test)]
mod testing;
mod transports;
mod violation;
mod wire;

pub use facade::Oracles;
pub use facts::{
    Call, CallId, LeakFacts, Outcome, OverlappedFacts, ProcessKey, Received, RecordFacts, Sending,
    SocketFacts, Special, ThreadPlace, TransportResult,
};
pub use names::NAMES;
pub use notification::Post;
pub use violation::{Verdict, Violation};
