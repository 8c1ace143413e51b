//! The frame of a stream server: a thread that accepts, a thread for each connection, and an end.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use provider_core::spi::SOCK_STREAM;
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::{Os, ThreadHandle, WAIT_OBJECT_0};

use super::codes::unexpected;
use super::draw::Ip;
use super::retry::{close, open_bound};
use super::slot::pause;

/// A socket that is closed once, by whoever takes it: its handle may be another's right after.
#[derive(Clone, Default)]
pub(crate) struct Held {
    s: Rc<Cell<Option<SocketHandle>>>,
}

impl Held {
    /// Puts a socket in.
    pub(crate) fn hold(&self, s: SocketHandle) {
        self.s.set(Some(s));
    }

    /// Takes the socket, to close it.
    pub(crate) fn take(&self) -> Option<SocketHandle> {
        self.s.take()
    }

    /// Closes the socket, if it is still there.
    pub(crate) fn close(&self, os: &Os) {
        if let Some(s) = self.take() {
            close(os, s);
        }
    }
}

/// The connections of a server and the threads that serve them.
#[derive(Clone, Default)]
pub(crate) struct Connections {
    open: Rc<RefCell<Vec<(ThreadHandle, Held)>>>,
}

impl Connections {
    /// Serves `s` in a thread of its own. What the thread has not taken to close is closed when
    /// it has ended, however it did.
    pub(crate) fn serve(
        &self,
        os: &Os,
        name: &str,
        mortal: bool,
        s: SocketHandle,
        body: impl FnOnce(&Os, &Held) + 'static,
    ) {
        self.reap(os);
        let held = Held::default();
        held.hold(s);
        let shared = held.clone();
        let thread = os.create_thread(name, mortal, move |os| body(os, &shared));
        self.open.borrow_mut().push((thread, held));
    }

    /// Closes the sockets of threads that have ended.
    fn reap(&self, os: &Os) {
        let known = self.open.borrow().clone();
        for (thread, held) in known {
            if os.wait_for_single_object(thread, 0) == WAIT_OBJECT_0 {
                self.open.borrow_mut().retain(|(other, _)| *other != thread);
                held.close(os);
            }
        }
    }

    /// Waits for all threads to end.
    pub(crate) fn finish(&self, os: &Os) {
        loop {
            self.reap(os);
            let first = self.open.borrow().first().map(|(thread, _)| *thread);
            match first {
                Some(thread) => os.join(thread),
                None => return,
            };
        }
    }
}

/// A thread that accepts on one port.
pub(crate) struct Acceptor {
    thread: ThreadHandle,
    listener: Held,
}

impl Acceptor {
    /// Listens on `port` until it is ended; `accepted` gets each connection, in the thread that
    /// accepts. The listener is opened again whenever something happened to it.
    pub(crate) fn start(
        os: &Os,
        ip: Ip,
        port: u16,
        prepare: impl Fn(&Os, SocketHandle) + 'static,
        accepted: impl Fn(&Os, SocketHandle) + 'static,
    ) -> Self {
        let listener = Held::default();
        let shared = listener.clone();
        let thread = os.create_thread("acceptor", false, move |os| {
            while !os.is_stopping() {
                let s = open_bound(os, ip, SOCK_STREAM, port);
                prepare(os, s);
                match os.listen(s, 16) {
                    Ok(()) => {}
                    Err(E::WSAENOTSOCK | E::WSAENETDOWN | E::WSAENOBUFS | E::WSAEADDRINUSE) => {}
                    Err(error) => unexpected(os, "listen", error),
                }
                shared.hold(s);
                // Who stops us may have looked before there was a listener to close.
                if !os.is_stopping() {
                    accept_all(os, s, &accepted);
                }
                shared.close(os);
                pause(os, 5);
            }
        });
        Self { thread, listener }
    }

    /// Ends it; the stop event is set.
    pub(crate) fn end(&self, os: &Os) {
        // Its accept returns when its listener is closed (CXL-2).
        self.listener.close(os);
        os.join(self.thread);
    }
}

/// Accepts until the listener is of no more use.
fn accept_all(os: &Os, listener: SocketHandle, accepted: &impl Fn(&Os, SocketHandle)) {
    loop {
        match os.accept(listener) {
            Ok((s, _)) => accepted(os, s),
            // Closed, by our main thread or by the adversary; the handle may be another's by now.
            Err(E::WSAENOTSOCK) => return,
            Err(_) if os.is_stopping() => return,
            // It could not listen.
            Err(E::WSAEINVAL) => return,
            // Cancelled, or closed: the next accept tells.
            Err(E::WSAEINTR) => {}
            // This connection was lost before it was accepted, or there is no room right now.
            Err(E::WSAECONNRESET | E::WSAENOBUFS | E::WSAENETDOWN | E::WSAEMFILE) => pause(os, 2),
            Err(error) => return unexpected(os, "accept", error),
        }
    }
}
