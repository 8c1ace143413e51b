//! From a socket to a connection, and to its end: WSPConnect, WSPAccept, WSPJoinLeaf, WSPShutdown and
//! the disconnects.

mod accept;
mod connect;
mod connect_args;
mod disconnect;
mod join_leaf;
mod shutdown;

pub(super) use accept::AcceptArgs;
pub(super) use join_leaf::JoinArgs;
