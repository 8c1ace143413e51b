//! FD_WRITE after WSAEWOULDBLOCK: owed until it is told, or a send shows that it is no more needed.

use provider_core::WsaError;
use provider_core::spi::FD_WRITE;

use super::{NotificationOracle, ends_connection, object};
use crate::oracle::book::{ActiveCall, SocketId};
use crate::oracle::facts::Outcome;
use crate::oracle::transports::Transports;
use crate::oracle::violation::Verdict;

/// An FD_WRITE that has to come.
pub(super) struct Owed {
    /// Since when; a record without it, given out later, moves that on.
    pub(super) since_ns: u64,
    /// The send that was refused.
    words: String,
}

impl NotificationOracle {
    /// A send has left.
    pub(super) fn sent(&mut self, call: &ActiveCall, socket: SocketId, outcome: &Outcome<'_>) {
        let refused = outcome.value != 0 && outcome.errno == WsaError::WSAEWOULDBLOCK.0;
        for selection in self.of(socket) {
            let owes = refused
                && selection.events & FD_WRITE != 0
                && selection.is_sole_since(call.entered_ns);
            if owes {
                selection.owed = Some(Owed { since_ns: call.entered_ns, words: call.words() });
            } else if outcome.value == 0 || refused || ends_connection(WsaError(outcome.errno)) {
                selection.owed = None;
            }
        }
    }

    /// The run does not end: an FD_WRITE that is owed while the transport has room is lost.
    pub(in crate::oracle) fn stuck(&self, transports: &Transports) -> Verdict {
        for selection in &self.selections {
            let Some(owed) = &selection.owed else { continue };
            let has_room = transports.of(selection.socket).is_some_and(|t| !transports.is_full(t));
            if has_room && selection.told_ns < owed.since_ns {
                return object(
                    "EVENTSELECT-9",
                    format!(
                        "{} was refused with WSAEWOULDBLOCK; the transport has had room since, and \
                         no FD_WRITE has come",
                        owed.words
                    ),
                );
            }
        }
        Ok(())
    }
}
