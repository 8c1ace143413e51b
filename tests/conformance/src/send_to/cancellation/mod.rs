//! What ends a send before its time, and what does not (CXL).

pub(super) mod blocking;
pub(super) mod close;
pub(super) mod ends;
pub(super) mod flush;
