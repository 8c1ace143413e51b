//! Routines of one socket never nest on one thread (APC-10).

use super::book::{Book, SocketId, place};
use super::violation::{Verdict, Violation};
use crate::event::At;

/// Routines by thread live in the register; this oracle only judges.
pub(super) struct NestingOracle;

impl NestingOracle {
    /// A routine for an operation of `socket` begins.
    pub(super) fn enter(book: &mut Book, at: At, socket: Option<SocketId>) -> Verdict {
        let thread = book.thread(place(at));
        let nested = socket.is_some() && thread.routines.contains(&socket);
        thread.routines.push(socket);
        if !nested {
            return Ok(());
        }
        let handle = socket.map_or(0, |id| book.socket(id).handle.0);
        Err(Violation::new(
            "nesting",
            "APC-10",
            format!(
                "a routine of socket {handle:#x} began on thread {} of machine {} at {} ns inside \
                 another routine of that socket",
                place(at).thread.0,
                at.machine.0,
                at.time_ns
            ),
        ))
    }

    pub(super) fn leave(book: &mut Book, at: At) {
        book.thread(place(at)).routines.pop();
    }
}
