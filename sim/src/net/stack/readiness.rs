//! Readiness told back: each wait once, in the order in which things happened.

use std::collections::VecDeque;

use provider_core::Readiness;

use super::StackSocket;

/// What one socket waits for and what it was not told yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interest {
    waiting: Readiness,
    told: Readiness,
}

impl Interest {
    /// A new socket waits for its first arrival, even before a receive was tried.
    pub(super) const fn new() -> Self {
        Self { waiting: Readiness::RECEIVE, told: Readiness::NONE }
    }

    /// A call returned WSAEWOULDBLOCK: tell when it may act differently.
    pub(super) fn wait(&mut self, bits: Readiness) {
        self.waiting = self.waiting.union(bits);
    }

    /// What the client may now be told.
    pub(super) fn take(&mut self) -> Readiness {
        core::mem::take(&mut self.told)
    }
}

/// Sockets with something to be told, first come first.
#[derive(Debug, Default)]
pub(super) struct ReadyQueue(VecDeque<StackSocket>);

impl ReadyQueue {
    /// Tells those of `bits` that are waited for.
    pub(super) fn tell(&mut self, socket: StackSocket, interest: &mut Interest, bits: Readiness) {
        let news = Readiness(interest.waiting.0 & bits.0);
        if news.is_empty() {
            return;
        }
        interest.waiting = Readiness(interest.waiting.0 & !news.0);
        if interest.told.is_empty() {
            self.0.push_back(socket);
        }
        interest.told = interest.told.union(news);
    }

    pub(super) fn pop(&mut self) -> Option<StackSocket> {
        self.0.pop_front()
    }
}
