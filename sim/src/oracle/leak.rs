//! Nothing is left when the last WSPCleanup has returned (CXL-7).

use super::facts::{LeakFacts, ProcessKey};
use super::violation::{Verdict, Violation};
use crate::event::At;

/// Judges what a process still has.
pub(super) struct LeakOracle;

impl LeakOracle {
    pub(super) fn cleaned(at: At, process: ProcessKey, left: LeakFacts) -> Verdict {
        let mut parts = Vec::new();
        if left.transport_sockets > 0 {
            parts.push(format!("{} transport socket(s) open", left.transport_sockets));
        }
        if left.socket_handles > 0 {
            parts.push(format!("{} SOCKET(s) not given back", left.socket_handles));
        }
        if left.lent_bytes > 0 {
            parts.push(format!("{} bytes still held by operations", left.lent_bytes));
        }
        if parts.is_empty() {
            return Ok(());
        }
        Err(Violation::new(
            "leak",
            "CXL-7",
            format!(
                "after the last WSPCleanup of process {} on machine {} at {} ns: {}",
                process.process.0,
                process.machine.0,
                at.time_ns,
                parts.join(", ")
            ),
        ))
    }
}
