//! What can be wrong with an access.

use core::fmt;

use crate::oracle::Violation;

/// Why a provider's access was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// Not memory of the process: the provider's call ends with WSAEFAULT.
    Fault,
    /// Memory that the provider has no right to. It sees a fault; the run has a finding.
    Violation(Box<Violation>),
}

/// A client touched memory that it may not: the program's mistake, not the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMisuse {
    /// The address.
    pub address: usize,
    /// How many bytes.
    pub len: usize,
    /// What the client did, and why it may not.
    pub message: &'static str,
}

impl fmt::Display for ClientMisuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes at {:#x}: {}", self.len, self.address, self.message)
    }
}

impl core::error::Error for ClientMisuse {}
