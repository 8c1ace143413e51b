//! The server: its sessions by their keys, and its beginning and end.

use core::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use provider_core::spi::INVALID_SOCKET;
use provider_core::{SocketHandle, UserPtr};
use wspsim::api::{NotQueued, Os, Packet, PortHandle, ThreadHandle, WAIT_OBJECT_0, Win32Error};

use crate::common::close;
use crate::common::{Acceptor, Ip, between, chance, cleanup, open_datagram, pick, startup};

use super::PORT;
use super::datagrams::Datagrams;
use super::streams::Stream;
use super::workers::work;

/// What the operations on one socket are for.
pub(super) trait Session {
    /// A packet with its key came. Another thread may be inside at the same time.
    fn told(&self, os: &Os, packet: &Packet, error: Win32Error);
    /// Tries again what could not be started.
    fn tend(&self, os: &Os);
    /// Closes the socket.
    fn close(&self, os: &Os);
    /// Whether it is closed and every packet has come.
    fn is_over(&self) -> bool;
}

/// Keys that are no session's.
const QUIT: usize = 0;
const NUDGE: usize = 1;
const FIRST: usize = 100;

/// How often what could not be started is tried again.
const TEND_MS: u32 = 20;
/// How long operations may take to end once their sockets are closed.
const CLOSE_NS: u64 = 60_000_000_000;

/// What the threads of the server share.
pub(super) struct Server {
    pub(super) port: PortHandle,
    sessions: RefCell<BTreeMap<usize, Rc<dyn Session>>>,
    next_key: Cell<usize>,
    /// The end has come: nothing is opened any more.
    pub(super) ending: Cell<bool>,
    /// The port is being closed, to end those who wait at it.
    pub(super) port_closed: Cell<bool>,
    /// Nudges posted and not taken.
    nudges: Cell<u32>,
}

impl Server {
    fn new(os: &Os) -> Option<Rc<Self>> {
        let concurrent = pick(os, &[0, 1, 1, 2, 3, 8]);
        match os.create_io_completion_port(INVALID_SOCKET, None, 0, concurrent) {
            Ok(port) => Some(Rc::new(Self {
                port,
                sessions: RefCell::default(),
                next_key: Cell::new(FIRST),
                ending: Cell::new(false),
                port_closed: Cell::new(false),
                nudges: Cell::new(0),
            })),
            Err(error) => {
                os.fail(&format!("CreateIoCompletionPort: {error}"));
                None
            }
        }
    }

    /// Puts a socket on the port, for the session that `make` makes of it; gives its key. Closes it
    /// when that cannot be.
    fn add<S: Session + 'static>(
        &self,
        os: &Os,
        s: SocketHandle,
        make: impl FnOnce(SocketHandle) -> S,
    ) -> usize {
        let key = self.next_key.get();
        self.next_key.set(key + 1);
        match os.create_io_completion_port(s, Some(self.port), key, 0) {
            Ok(port) if port == self.port => {}
            Ok(other) => os.fail(&format!("associated with {other:?}")),
            // The adversary closed it.
            Err(Win32Error::ERROR_INVALID_HANDLE) => {
                close(os, s);
                return key;
            }
            Err(error) => {
                os.fail(&format!("CreateIoCompletionPort of a socket: {error}"));
                close(os, s);
                return key;
            }
        }
        let session = Rc::new(make(s));
        self.sessions.borrow_mut().insert(key, Rc::<S>::clone(&session));
        session.tend(os);
        self.reap(key);
        key
    }

    fn has(&self, key: usize) -> bool {
        self.sessions.borrow().contains_key(&key)
    }

    fn add_stream(self: &Rc<Self>, os: &Os, s: SocketHandle) {
        let server = Rc::clone(self);
        self.add(os, s, |s| Stream::new(os, server, s));
    }

    /// Keeps a datagram socket open until the server is to end.
    fn keep_datagrams(self: &Rc<Self>, os: &Os, ip: Ip) {
        while !os.is_stopping() {
            let s = open_datagram(os, ip, PORT);
            let server = Rc::clone(self);
            let key = self.add(os, s, |s| Datagrams::new(os, server, s));
            while self.has(key) && !os.is_stopping() {
                os.sleep(TEND_MS);
            }
        }
    }

    /// Lets go of a session that is over.
    fn reap(&self, key: usize) {
        let over = self.sessions.borrow().get(&key).is_some_and(|session| session.is_over());
        if over {
            let session = self.sessions.borrow_mut().remove(&key);
            drop(session);
        }
    }

    /// A worker took a packet. Whether that one goes on.
    pub(super) fn told(&self, os: &Os, packet: &Packet, error: Win32Error) -> bool {
        match packet.key {
            QUIT => return false,
            NUDGE => {
                self.nudges.set(self.nudges.get() - 1);
                self.tend(os);
                return true;
            }
            _ => {}
        }
        let session = self.sessions.borrow().get(&packet.key).cloned();
        match session {
            Some(session) => session.told(os, packet, error),
            None => os.fail(&format!("a packet of no session's: {packet:?}, {error:?}")),
        }
        self.reap(packet.key);
        true
    }

    fn keys(&self) -> Vec<usize> {
        self.sessions.borrow().keys().copied().collect()
    }

    fn for_each(&self, f: impl Fn(&dyn Session)) {
        for key in self.keys() {
            let session = self.sessions.borrow().get(&key).cloned();
            if let Some(session) = session {
                f(&*session);
            }
            self.reap(key);
        }
    }

    fn tend(&self, os: &Os) {
        self.for_each(|session| session.tend(os));
    }

    fn post(&self, os: &Os, key: usize) {
        if let Err(error) = os.post_queued_completion_status(self.port, 0, key, UserPtr::NULL) {
            os.fail(&format!("PostQueuedCompletionStatus: {error}"));
        }
    }

    /// Lets another worker end.
    pub(super) fn quit_another(&self, os: &Os) {
        self.post(os, QUIT);
    }

    /// Closes all sessions and waits until they are over, as they must be.
    fn close_all(&self, os: &Os) {
        self.for_each(|session| session.close(os));
        let deadline_ns = os.now_ns() + CLOSE_NS;
        while !self.sessions.borrow().is_empty() {
            os.sleep(5);
            if os.now_ns() > deadline_ns {
                let left = self.keys().len();
                os.fail(&format!(
                    "{left} closed socket(s) still have operations whose packets never came"
                ));
                return;
            }
            // One that closed in a call, and has no packet to come.
            self.for_each(|_| {});
        }
    }

    /// Ends the workers in one of the ways there are.
    fn end_workers(&self, os: &Os, workers: &[ThreadHandle], orderly: bool) {
        // What is still queued to a port that closes is lost: only when nothing is to come.
        if orderly && chance(os, 30) {
            self.port_closed.set(true);
            if let Err(error) = os.close_handle(self.port) {
                os.fail(&format!("CloseHandle of the port: {error}"));
            }
            workers.iter().for_each(|worker| os.join(*worker));
            return;
        }
        workers.iter().for_each(|_| self.quit_another(os));
        workers.iter().for_each(|worker| os.join(*worker));
        os.check(self.nudges.get() == 0, "packets that were posted have not come");
        match os.get_queued_completion_status(self.port, 0) {
            Err(NotQueued::Nothing(Win32Error::WAIT_TIMEOUT)) => {}
            other => os.fail(&format!("something is left at the port: {other:?}")),
        }
    }
}

/// The server's main function.
pub(super) fn serve(os: &Os) {
    startup(os);
    let Some(server) = Server::new(os) else { return };
    let workers: Vec<_> = (0..between(os, 2..=5))
        .map(|_| {
            let server = Rc::clone(&server);
            os.create_thread("worker", false, move |os| work(os, &server))
        })
        .collect();
    let acceptors = Ip::BOTH.map(|ip| {
        let server = Rc::clone(&server);
        Acceptor::start(os, ip, PORT, |_, _| {}, move |os, s| server.add_stream(os, s))
    });
    let datagrams = Ip::BOTH.map(|ip| {
        let server = Rc::clone(&server);
        os.create_thread("datagrams", false, move |os| server.keep_datagrams(os, ip))
    });
    let stop = os.stop_event();
    while os.wait_for_single_object(stop, TEND_MS) != WAIT_OBJECT_0 {
        if server.nudges.get() == 0 {
            server.nudges.set(1);
            server.post(os, NUDGE);
        }
    }
    acceptors.iter().for_each(|acceptor| acceptor.end(os));
    datagrams.iter().for_each(|thread| os.join(*thread));
    server.ending.set(true);
    let orderly = chance(os, 75);
    if orderly {
        server.close_all(os);
    } else {
        // Nothing of what this cancels comes to the port (CXL-7).
        cleanup(os);
    }
    server.end_workers(os, &workers, orderly);
    if orderly {
        cleanup(os);
    }
}
