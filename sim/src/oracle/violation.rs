//! What an oracle says when it objects.

pub use crate::world::Violation;

impl Violation {
    /// `oracle` objects by `clause` (`RET-4`, `APC-10`, ... the contract's clauses).
    pub fn new(oracle: &'static str, clause: &'static str, message: impl Into<String>) -> Self {
        Self { oracle, clause, message: message.into() }
    }
}

impl core::fmt::Display for Violation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} ({}): {}", self.oracle, self.clause, self.message)
    }
}

/// What an oracle's step gives.
pub type Verdict = Result<(), Violation>;
