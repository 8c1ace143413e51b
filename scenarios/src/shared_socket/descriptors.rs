//! The descriptors of one socket, as the threads that share them know them.

use core::cell::RefCell;
use std::rc::Rc;

use provider_core::SocketHandle;
use wspsim::api::{Os, ProtocolInfo};

use crate::common::descriptors::{offer, open_offered};
use crate::common::{between, close};

/// Clones are the same. A descriptor that is taken out is closed by whoever took it: its handle may
/// be another's right after.
#[derive(Clone)]
pub(super) struct Descriptors {
    open: Rc<RefCell<Vec<SocketHandle>>>,
    /// Taken out, and its close has not returned: whoever took it may not live to close it.
    closing: Rc<RefCell<Vec<SocketHandle>>>,
}

impl Descriptors {
    /// The first of a socket, and up to three more.
    pub(super) fn share(os: &Os, first: SocketHandle) -> Self {
        let all = Self { open: Rc::default(), closing: Rc::default() };
        all.open.borrow_mut().push(first);
        for _ in 0..between(os, 1..=3) {
            let _ = offer(os, first).and_then(|info| all.add(os, &info));
        }
        all
    }

    /// Opens what was offered. Gives the descriptor.
    pub(super) fn add(&self, os: &Os, info: &ProtocolInfo) -> Option<SocketHandle> {
        let s = open_offered(os, info)?;
        self.open.borrow_mut().push(s);
        Some(s)
    }

    /// One that is open as far as anyone knows.
    pub(super) fn any(&self, os: &Os) -> Option<SocketHandle> {
        let open = self.open.borrow().clone();
        let last = open.len().checked_sub(1)? as u32;
        Some(open[between(os, 0..=last) as usize])
    }

    /// Takes one out and closes it.
    pub(super) fn close_any(&self, os: &Os) {
        let Some(s) = self.any(os) else { return };
        self.close(os, s);
    }

    /// Closes this one, unless somebody has taken it.
    pub(super) fn close(&self, os: &Os, s: SocketHandle) {
        let mut open = self.open.borrow_mut();
        let before = open.len();
        open.retain(|other| *other != s);
        let taken = open.len() < before;
        drop(open);
        if taken {
            self.closing.borrow_mut().push(s);
            close(os, s);
            self.closing.borrow_mut().retain(|other| *other != s);
        }
    }

    /// Closes all that are left, in the end: those too that a thread took and did not live to
    /// close.
    pub(super) fn close_all(&self, os: &Os) {
        let (open, closing) = (self.open.take(), self.closing.take());
        open.into_iter().chain(closing).for_each(|s| close(os, s));
    }
}
