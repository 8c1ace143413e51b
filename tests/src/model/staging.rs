//! The staging rule (OVL-14, SYN-2): which sends are copied into the send buffer, in front of the
//! transport, and so told as done although the transport has no room for them. All that depends on
//! the rule is here.

use provider_core::{Kind, Profile};

use super::Model;
use super::queue::Owner;

impl Model {
    /// How many of the `left` bytes that the transport did not take of a send are copied at the
    /// call. `begun` says that it took others. A datagram is copied whole or not at all, and none
    /// is what is then said.
    pub(super) fn copied_at_call(
        &self,
        left: usize,
        begun: bool,
        nonblocking: bool,
    ) -> Option<usize> {
        // Nothing overtakes what waits to be copied (ORD-3).
        let waits = self.queue.iter().any(|piece| piece.owner != Owner::Nobody);
        match (self.setup.profile, self.setup.kind) {
            (Profile::Documented, Kind::Stream) if nonblocking => {
                let room = if waits { 0 } else { self.room() };
                Some(left.min(room)).filter(|copied| *copied > 0)
            }
            // Windows never tells a part.
            (Profile::Windows, Kind::Stream) if nonblocking && begun => Some(left),
            _ => (!waits && self.admits(left)).then_some(left),
        }
    }

    /// Copies what waits, in order, as far as the rule lets it in; what is copied is done.
    pub(super) fn copy_waiting(&mut self) {
        for index in 0..self.queue.len() {
            let piece = &self.queue[index];
            if piece.owner == Owner::Nobody {
                continue;
            }
            if !self.admits(piece.left()) {
                return;
            }
            let piece = piece.clone();
            self.queue[index].owner = Owner::Nobody;
            self.leaves(&piece, 0, piece.bytes.len());
        }
    }

    /// Whether a send, or the rest of one, is copied whole: within the quota, or whatever its size
    /// while at most one send is outstanding in the buffer. SO_SNDBUF = 0 copies nothing.
    fn admits(&self, length: usize) -> bool {
        self.send_buffer > 0 && (self.outstanding() <= 1 || self.room() >= length.max(1))
    }

    /// Sends in the buffer of which the transport has not taken all.
    fn outstanding(&self) -> usize {
        self.queue.iter().filter(|piece| piece.owner == Owner::Nobody).count()
    }

    /// What is left of the quota. A send counts as a byte at least, so that no number of empty
    /// datagrams fits.
    fn room(&self) -> usize {
        let copied = self.queue.iter().filter(|piece| piece.owner == Owner::Nobody);
        let bytes: usize = copied.map(|piece| piece.left()).sum();
        self.send_buffer.saturating_sub(bytes.max(self.outstanding()))
    }
}
