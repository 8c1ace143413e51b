//! A socket that is driven by its network events, and by nothing else.

use provider_core::spi::{FD_CLOSE, FD_READ, FD_WRITE};
use wspsim::api::Os;

use crate::common::turns::{End, Turn};

/// An end, and what its events have told of it.
pub(super) struct Driven<E> {
    pub(super) end: E,
    /// Sends are worth a try: none was refused since FD_WRITE came last.
    open: bool,
    /// FD_READ has come, and nothing was received since.
    unread: bool,
    /// FD_CLOSE has come: nothing will, any more.
    closing: bool,
    /// When something came or went last, and how much had by then.
    moved: (u64, u64),
}

impl<E: End> Driven<E> {
    pub(super) fn new(os: &Os, end: E) -> Self {
        let moved = (os.now_ns(), end.moved());
        Self { end, open: true, unread: false, closing: false, moved }
    }

    /// Does what the events allow; with `again`, whatever they say. Any receive makes FD_READ come
    /// again if data is left; FD_WRITE comes once after a send that was refused.
    pub(super) fn turn(&mut self, os: &Os, told: i32, again: bool) -> Turn {
        self.open |= told & FD_WRITE != 0;
        self.closing |= told & FD_CLOSE != 0;
        self.unread |= told & FD_READ != 0 || again;
        let mut turn = Turn::Done;
        loop {
            if (self.unread || self.closing) && self.end.has_room() {
                self.unread = false;
                match self.end.read(os) {
                    Turn::Gone => return Turn::Gone,
                    Turn::Later => turn = Turn::Later,
                    // There is no other sign of the end.
                    _ if self.closing && self.end.has_room() => turn = Turn::Later,
                    _ => {}
                }
            }
            let writes = self.open && self.end.has_work(os);
            if writes {
                match self.end.write(os) {
                    Turn::Gone => return Turn::Gone,
                    Turn::Refused => self.open = false,
                    Turn::Later => turn = Turn::Later,
                    Turn::Done => {}
                }
            }
            if self.end.is_done() {
                return Turn::Gone;
            }
            // A send may have made room for what was not received.
            let room = (self.unread || self.closing) && self.end.has_room();
            if !writes || !self.open || !room || turn == Turn::Later {
                break;
            }
        }
        if self.end.moved() != self.moved.1 {
            self.moved = (os.now_ns(), self.end.moved());
        }
        turn
    }

    /// Whether nothing has come or gone for so long.
    pub(super) fn is_idle(&self, os: &Os, for_ns: u64) -> bool {
        os.now_ns() > self.moved.0 + for_ns
    }
}
