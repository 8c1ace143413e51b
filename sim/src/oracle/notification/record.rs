//! What WSPEnumNetworkEvents gives.

use provider_core::WsaError as E;
use provider_core::spi::{FD_CLOSE, FD_CONNECT, FD_MAX_EVENTS, FD_WRITE};

use super::selection::Sink;
use super::{NotificationOracle, object, places};
use crate::oracle::book::{ActiveCall, SocketId};
use crate::oracle::violation::Verdict;

/// A WSANETWORKEVENTS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordFacts {
    /// `lNetworkEvents`.
    pub events: i32,
    /// `iErrorCode`.
    pub errors: [i32; FD_MAX_EVENTS],
}

/// The errors that an event comes with; any for FD_CONNECT, which is what the connect came to.
pub(super) fn may_come_with(event: i32, error: i32) -> bool {
    let known: &[E] = match event {
        FD_CONNECT => return true,
        FD_CLOSE => &[E::WSAENETDOWN, E::WSAECONNRESET, E::WSAECONNABORTED],
        _ => &[E::WSAENETDOWN],
    };
    error == 0 || known.iter().any(|known| known.0 == error)
}

fn sole<T>(mut several: impl Iterator<Item = T>) -> Option<T> {
    several.next().filter(|_| several.next().is_none())
}

impl NotificationOracle {
    /// The record of `socket` was given out.
    pub(super) fn enumerated(
        &mut self,
        call: &ActiveCall,
        socket: SocketId,
        record: Option<RecordFacts>,
    ) -> Verdict {
        let Some(record) = record else { return Ok(()) };
        let entered_ns = call.entered_ns;
        let words = format!("{} gave {:#x}", call.words(), record.events);
        for place in places(record.events) {
            let error = record.errors[place];
            if !may_come_with(1 << place, error) {
                return object(
                    "EVENTSELECT-13",
                    format!("{words}; event {:#x} does not come with {:?}", 1 << place, E(error)),
                );
            }
        }
        if record.events != 0 && !self.of(socket).any(|s| s.may_be_told(entered_ns)) {
            return object("EVENTSELECT-4", format!("{words}; nothing is selected"));
        }
        let of_call = self.of(socket).filter(|s| s.may_be_told(entered_ns));
        // Of several it may be of any.
        let Some(selection) = sole(of_call).filter(|s| s.is_sole_since(entered_ns)) else {
            return Ok(());
        };
        let selected = match selection.sink {
            Sink::Event(_) => selection.events,
            // Nothing is recorded for a window.
            Sink::Window { .. } => 0,
        };
        if record.events & !selected != 0 {
            return object("EVENTSELECT-1", format!("{words}; {selected:#x} is selected"));
        }
        match &mut selection.owed {
            Some(_) if record.events & (FD_WRITE | FD_CLOSE) != 0 => selection.owed = None,
            Some(owed) => owed.since_ns = owed.since_ns.max(entered_ns),
            None => {}
        }
        selection.report(record.events, "EVENTSELECT-7", &words)
    }
}
