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

/// The connections of a server and the threads that serve them.
#[derive(Clone, Default)]
pub(crate) struct Connections {
    open: Rc<RefCell<Vec<(ThreadHandle, SocketHandle)>>>,
}

impl Connections {
    /// Serves `s` in a thread of its own, which closes nothing itself: the socket is closed when
    /// the thread has ended, however it did.
    pub(crate) fn serve(
        &self,
        os: &Os,
        name: &str,
        mortal: bool,
        s: SocketHandle,
        body: impl FnOnce(&Os) + 'static,
    ) {
        self.reap(os);
        let thread = os.create_thread(name, mortal, body);
        self.open.borrow_mut().push((thread, s));
    }

    /// Closes the sockets of threads that have ended.
    pub(crate) fn reap(&self, os: &Os) {
        let known = self.open.borrow().clone();
        for (thread, s) in known {
            if os.wait_for_single_object(thread, 0) == WAIT_OBJECT_0 {
                self.open.borrow_mut().retain(|(other, _)| *other != thread);
                close(os, s);
            }
        }
    }

    /// Waits for all threads to end.
    pub(crate) fn finish(&self, os: &Os) {
        loop {
            self.reap(os);
            let first = self.open.borrow().first().copied();
            match first {
                Some((thread, _)) => os.join(thread),
                None => return,
            };
        }
    }
}

/// A thread that accepts on one port.
pub(crate) struct Acceptor {
    thread: ThreadHandle,
    listener: Rc<Cell<SocketHandle>>,
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
        let listener = Rc::new(Cell::new(SocketHandle(0)));
        let shared = Rc::clone(&listener);
        let thread = os.create_thread("acceptor", false, move |os| {
            while !os.is_stopping() {
                let s = open_bound(os, ip, SOCK_STREAM, port);
                prepare(os, s);
                shared.set(s);
                if os.is_stopping() {
                    close(os, s);
                    break;
                }
                match os.listen(s, 16) {
                    Ok(()) => accept_all(os, s, &accepted),
                    Err(E::WSAENOTSOCK | E::WSAENETDOWN | E::WSAENOBUFS | E::WSAEADDRINUSE) => {}
                    Err(error) => unexpected(os, "listen", error),
                }
                close(os, s);
                pause(os, 5);
            }
        });
        Self { thread, listener }
    }

    /// Ends it; the stop event is set.
    pub(crate) fn end(&self, os: &Os) {
        // Its accept returns when its listener is closed (CXL-2).
        close(os, self.listener.get());
        os.join(self.thread);
    }
}

/// Accepts until the listener is of no more use.
fn accept_all(os: &Os, listener: SocketHandle, accepted: &impl Fn(&Os, SocketHandle)) {
    loop {
        match os.accept(listener) {
            Ok((s, _)) => accepted(os, s),
            // Closed, by our main thread or by the adversary.
            Err(E::WSAENOTSOCK) => return,
            // Cancelled, or closed: the next accept tells.
            Err(E::WSAEINTR) => {}
            // This connection was lost before it was accepted, or there is no room right now.
            Err(E::WSAECONNRESET | E::WSAENOBUFS | E::WSAENETDOWN | E::WSAEMFILE) => pause(os, 2),
            Err(error) => return unexpected(os, "accept", error),
        }
    }
}
