//! What a worker thread brings: readiness, timers, thread exits.

use crate::{Host, Readiness, Token, Work};

use super::Provider;

impl<H: Host> Provider<H> {
    pub(super) fn serve(&self, work: Work) {
        match work {
            Work::Ready(token, readiness) => self.ready(token, readiness),
            Work::Timer(token) => self.timer(token),
            Work::ThreadExited(thread) => self.thread_exited(thread),
        }
    }

    fn ready(&self, token: Token, readiness: Readiness) {
        let Some(socket) = self.socket_of(token) else { return };
        let mut state = socket.lock();
        if readiness.contains(Readiness::CONNECT) && !state.transport_closed {
            self.connect_ended(&mut state);
        }
        if readiness.contains(Readiness::RECEIVE) {
            self.drain_receives(&socket, &mut state);
            state.events.stir();
        }
        if readiness.contains(Readiness::URGENT) {
            self.drain_urgent(&mut state);
            // A mark is where a receive ends that waited for more.
            self.drain_receives(&socket, &mut state);
            state.events.stir();
        }
        if readiness.contains(Readiness::SEND) {
            state.transport_full = false;
            self.drain_sends(&socket, &mut state);
        }
        // Whatever they wait for, it may be this.
        state.notify_watchers();
        self.deliver(&socket, state);
    }

    fn timer(&self, token: Token) {
        let Some(socket) = self.socket_of(token) else { return };
        let mut state = socket.lock();
        state.retry_armed = false;
        self.drain_sends(&socket, &mut state);
        state.events.try_again();
        state.notify_watchers();
        self.deliver(&socket, state);
    }
}
