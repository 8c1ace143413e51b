//! Connections that the transport gave and no WSPAccept has handed out yet: one that was looked for
//! before it was asked for, and those that condition functions are asked about or have deferred.

use alloc::collections::VecDeque;
use core::net::SocketAddr;

use crate::ThreadKey;
use crate::table::Id;

/// One of them; `S` is the transport's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connection<S> {
    /// The number that its socket will have.
    pub(crate) id: Id,
    pub(crate) transport: S,
    pub(crate) peer: SocketAddr,
    /// Its own address.
    pub(crate) local: SocketAddr,
}

/// A listener's line, in the order of arrival. A connection keeps its place while a thread decides
/// on it: nothing of it is on that thread's stack alone, since the thread may end there.
pub(crate) struct Waiting<S> {
    line: VecDeque<(Connection<S>, Option<ThreadKey>)>,
}

impl<S: Copy> Waiting<S> {
    pub(crate) const fn new() -> Self {
        Self { line: VecDeque::new() }
    }

    /// Whether there is one that no thread decides on.
    pub(crate) fn has_free(&self) -> bool {
        self.line.iter().any(|(_, thread)| thread.is_none())
    }

    /// Puts one at the end of the line.
    pub(crate) fn push(&mut self, connection: Connection<S>) {
        self.line.push_back((connection, None));
    }

    /// The first that no thread decides on; it is `thread`'s from now on.
    pub(crate) fn claim(&mut self, thread: ThreadKey) -> Option<Connection<S>> {
        let (connection, owner) = self.line.iter_mut().find(|(_, owner)| owner.is_none())?;
        *owner = Some(thread);
        Some(*connection)
    }

    /// Takes one out; `None` when it is gone.
    pub(crate) fn take(&mut self, id: Id) -> Option<Connection<S>> {
        let at = self.line.iter().position(|(connection, _)| connection.id == id)?;
        self.line.remove(at).map(|(connection, _)| connection)
    }

    /// No decision was made: it waits on where it was. `false` when it is gone.
    pub(crate) fn give_back(&mut self, id: Id) -> bool {
        let found = self.line.iter_mut().find(|(connection, _)| connection.id == id);
        found.is_some_and(|(_, owner)| owner.take().is_some())
    }

    /// A thread ended: what it decided on waits for others. `false` when there was none.
    pub(crate) fn abandon(&mut self, thread: ThreadKey) -> bool {
        let mut any = false;
        for (_, owner) in self.line.iter_mut().filter(|(_, owner)| *owner == Some(thread)) {
            *owner = None;
            any = true;
        }
        any
    }

    /// Takes out the first, decided on or not.
    pub(crate) fn pop(&mut self) -> Option<Connection<S>> {
        self.line.pop_front().map(|(connection, _)| connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::{IpAddr, Ipv4Addr};

    const A: ThreadKey = ThreadKey(1);
    const B: ThreadKey = ThreadKey(2);

    fn line() -> Waiting<u32> {
        let mut waiting = Waiting::new();
        let place = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7);
        for n in 1..=3 {
            let id = Id::from_context(n);
            waiting.push(Connection { id, transport: n as u32, peer: place, local: place });
        }
        waiting
    }

    fn claimed(waiting: &mut Waiting<u32>, thread: ThreadKey) -> u32 {
        waiting.claim(thread).map_or(0, |connection| connection.transport)
    }

    #[test]
    fn a_deferred_connection_keeps_its_place() {
        let mut waiting = line();
        assert_eq!((claimed(&mut waiting, A), claimed(&mut waiting, B)), (1, 2));
        assert!(waiting.give_back(Id::from_context(2)));
        assert!(waiting.give_back(Id::from_context(1)));
        assert_eq!(claimed(&mut waiting, B), 1);
        assert_eq!(claimed(&mut waiting, B), 2);
        assert_eq!(claimed(&mut waiting, B), 3);
        assert_eq!(claimed(&mut waiting, B), 0);
    }

    #[test]
    fn what_is_gone_is_not_given_back() {
        let mut waiting = line();
        assert_eq!(claimed(&mut waiting, A), 1);
        let id = Id::from_context(1);
        assert!(waiting.take(id).is_some());
        assert!(!waiting.give_back(id));
        assert!(waiting.take(id).is_none());
    }

    #[test]
    fn a_thread_that_ended_leaves_its_connections_to_others() {
        let mut waiting = line();
        assert_eq!((claimed(&mut waiting, A), claimed(&mut waiting, B)), (1, 2));
        assert!(waiting.abandon(A));
        assert!(!waiting.abandon(A));
        assert_eq!(claimed(&mut waiting, B), 1);
    }
}
