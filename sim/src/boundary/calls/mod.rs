//! [`Boundary`]: a [`ServiceProvider`] in front of the provider under test.

mod notification;
mod table;
mod transfers;

use std::rc::Rc;

use provider_core::{OverlappedArgs, ServiceProvider, SocketHandle, UserPtr};

use super::frame::Frame;
use super::watch::Watch;
use crate::event::Function;
use crate::memory::Lent;
use crate::oracle::{Call, Special};

const NO_SOCKET: SocketHandle = SocketHandle(0);

/// The SPI as programs of the simulator reach it: watched.
pub struct Boundary {
    watch: Rc<Watch>,
    provider: Rc<dyn ServiceProvider>,
}

impl Boundary {
    /// `provider`, watched by `watch`.
    pub fn new(watch: Rc<Watch>, provider: Rc<dyn ServiceProvider>) -> Self {
        Self { watch, provider }
    }

    /// The observer.
    pub fn watch(&self) -> &Rc<Watch> {
        &self.watch
    }

    /// The provider without the watch.
    pub fn provider(&self) -> &Rc<dyn ServiceProvider> {
        &self.provider
    }

    /// A call that lends a few ranges and returns an `int`.
    pub(super) fn plain(
        &self,
        function: Function,
        s: SocketHandle,
        special: Special,
        lends: &[(UserPtr, usize, Lent)],
        errno: UserPtr,
        run: impl FnOnce(&dyn ServiceProvider) -> i32,
    ) -> i32 {
        self.watch.around.entering(function, s);
        let frame = Frame::enter(&self.watch, Call::plain(function, s, special), 0, errno);
        for (at, len, lent) in lends {
            frame.lend(*at, *len, *lent);
        }
        let value = run(&*self.provider);
        frame.leave(i64::from(value));
        value
    }

    /// Whether a call with this OVERLAPPED is overlapped I/O: not on a nonoverlapped socket
    /// (OVL-4), not without one (OVL-2, OVL-3).
    pub(super) fn is_overlapped(&self, s: SocketHandle, args: OverlappedArgs) -> bool {
        !args.overlapped.is_null()
            && self.watch.socket_facts(s).is_none_or(|facts| facts.overlapped)
    }

    /// The length that a pointer to a length names.
    pub(super) fn len_at(&self, at: UserPtr) -> usize {
        self.watch.word_at(at).map_or(0, |len| i32::try_from(len).unwrap_or(0) as usize)
    }
}

pub(super) fn len_of(len: i32) -> usize {
    usize::try_from(len).unwrap_or(0)
}
