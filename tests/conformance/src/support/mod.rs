//! What cases share: calls with sentinels, peers, waiting.

mod groups;
mod guarded;
mod ioctl;
mod notification;
mod op;
mod options;
mod pair;
mod pending;
mod raw;
mod receive;
mod recv_call;
mod result;
mod routines;
mod scratch;
mod send;
mod sockets;
mod waiting;

pub use groups::{
    FAMILIES, LEAF, bound, get_option_at, group, join_leaf, join_leaf_raw, level, membership,
    set_option_at,
};
pub use guarded::Guarded;
pub use ioctl::{Controlled, IoctlCall};
pub use notification::{
    Recorded, Sets, async_select, encode_set, encode_time, enum_network_events, event_select,
    next_message, no_message, nothing_recorded, ready, ready_now, select, take_recorded, told,
    told_only,
};
pub use op::{Op, Words};
pub use options::{get_bytes, get_raw, set_raw};
pub use pair::{
    DatagramPair, StreamPair, datagram_pair, datagram_pair_of, listener,
    nonoverlapped_datagram_pair, stream_pair, stream_pair_of,
};
pub use pending::{full_pair, hold_sends, release_sends, unbuffered};
pub use raw::{
    bind_raw, connect_raw, flows, listen_raw, name_of, peer_name_raw, sock_name_raw, socket_raw,
};
pub use receive::{
    nothing_arrives, post_receive, receive_datagram, receive_exactly, receive_ready,
};
pub use recv_call::{BUFFER_SENTINEL, Receiving, RecvCall};
pub use result::overlapped_result;
pub use routines::{Completions, completions};
pub(crate) use scratch::Errno;
pub use scratch::{COUNT_SENTINEL, ERRNO_SENTINEL};
pub use send::{Called, SendCall};
pub use sockets::{
    ANY_V4, ANY_V6, LOOPBACK_V4, LOOPBACK_V6, accept, bind, cancel_blocking_call, cleanup, close,
    close_hard, connect, decode_address, flush, get_option, ioctl, listen, peer_name,
    set_nonblocking, set_option, shutdown, sock_name, socket, startup,
};
pub use waiting::{ends, until};
