//! Every error code of the call (ERR), by what causes it.

pub(super) mod arguments;
pub(super) mod connection;
pub(super) mod state;
pub(super) mod transport;
