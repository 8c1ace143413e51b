//! Which oracles there are.

/// The name of every oracle of a run: all that [`Violation::oracle`](super::Violation) can be. The
/// last five are not here but in the kernel, the driver and the programs' API.
pub const NAMES: &[&str] = &[
    "ledger",
    "nesting",
    "send-order",
    "receive",
    "wire",
    "memory",
    "error-code",
    "get-result",
    "notification",
    "locks",
    "leak",
    "deadlock",
    "liveness",
    "panic",
    "client-misuse",
    "scenario",
];
