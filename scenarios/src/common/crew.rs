//! The threads of a server.

use core::cell::RefCell;
use std::rc::Rc;

use wspsim::api::{INFINITE, Os, ThreadHandle};

use super::{cleanup, startup};

/// Threads that end with their server. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Crew {
    threads: Rc<RefCell<Vec<ThreadHandle>>>,
}

impl Crew {
    /// A server's main function: starts, lets `begin` create its first threads, and ends with the
    /// stop event. Its WSACleanup wakes all who are blocked; they see that and return.
    pub(crate) fn serve(os: &Os, begin: impl FnOnce(&Self)) {
        startup(os);
        let crew = Self::default();
        begin(&crew);
        os.wait_for_single_object(os.stop_event(), INFINITE);
        cleanup(os);
        loop {
            let next = crew.threads.borrow_mut().pop();
            match next {
                Some(thread) => os.join(thread),
                None => return,
            }
        }
    }

    /// A thread more, which no adversary ends.
    pub(crate) fn spawn(&self, os: &Os, name: &str, body: impl FnOnce(&Os) + 'static) {
        let thread = os.create_thread(name, false, body);
        self.threads.borrow_mut().push(thread);
    }
}
