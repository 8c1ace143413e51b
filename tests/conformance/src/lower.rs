//! The transport below the provider, as a case scripts it.

use core::net::SocketAddr;

use provider_core::WsaError;

/// A call that the provider makes downwards: to its transport, or up to its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seam {
    /// The transport opens a socket.
    Open,
    /// The transport binds one.
    Bind,
    /// The transport connects a stream.
    Connect,
    /// The transport makes a stream listen.
    Listen,
    /// The transport gives a waiting connection.
    Accept,
    /// The transport takes bytes or a datagram.
    Send,
    /// The transport gives bytes or a datagram.
    Receive,
    /// WPUQueueApc.
    QueueApc,
    /// WPUCompleteOverlappedRequest.
    CompleteOverlapped,
    /// WPUCreateSocketHandle.
    CreateSocketHandle,
    /// The transport has urgent data.
    Urgent,
}

/// What a scripted call answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It fails. What ends a stream's connection (WSAECONNRESET, WSAECONNABORTED, WSAENETRESET)
    /// ends it for good. After WSAEWOULDBLOCK the socket is ready again a little later.
    Refuse(WsaError),
    /// A send on a stream takes so many bytes at the most, at least one.
    Take(usize),
}

/// Something that the transport took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Where the datagram goes; `None` on a stream.
    pub to: Option<SocketAddr>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The script for the transport, and the log of what it was given. Both are for every socket of
/// the process, those of a case's peers too: a case knows whose call is the next.
pub trait Lower {
    /// The next call of `seam` that is not answered yet gets `answer`. Answers wait in line. While
    /// a seam is held they stay in line.
    fn answer(&self, seam: Seam, answer: Answer);

    /// Takes back the answers of `seam` that still wait in line.
    fn forget_answers(&self, seam: Seam);

    /// Calls of `seam` (Connect, Accept, Send or Receive) give WSAEWOULDBLOCK until it is released:
    /// a connect stays under way, a send finds no room, a receive finds nothing. While Urgent is
    /// held the transport is one that has no urgent data.
    fn hold(&self, seam: Seam);

    /// Ends a hold; whoever was refused by it is told that the socket is ready.
    fn release(&self, seam: Seam);

    /// What sends took since the log was last cleared, in the order in which they took it.
    fn taken(&self) -> Vec<Taken>;

    /// Empties the log.
    fn clear_taken(&self);
}
