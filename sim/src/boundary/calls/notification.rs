//! WSPSelect and WSPEnumNetworkEvents, watched: what they leave in the caller's memory.

use provider_core::layout::{POINTER, fd_set, network_events, timeval};
use provider_core::spi::SOCKET_ERROR;
use provider_core::{EventHandle, SocketHandle, UserPtr};

use super::{Boundary, NO_SOCKET};
use crate::boundary::frame::Frame;
use crate::event::Function;
use crate::memory::Lent;
use crate::oracle::{Call, Special};

impl Boundary {
    pub(super) fn select(
        &self,
        nfds: i32,
        sets: [UserPtr; 3],
        timeout: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        let function = Function::WSPSelect;
        self.watch.around.entering(function, NO_SOCKET);
        let call = Call::plain(function, NO_SOCKET, Special::None);
        let frame = Frame::enter(&self.watch, call, 0, errno);
        for set in sets {
            let count = self.watch.word_at(set).unwrap_or(0) as usize;
            frame.lend(set, fd_set::ARRAY + count.saturating_mul(POINTER), Lent::Output);
        }
        frame.lend(timeout, timeval::SIZE, Lent::Input);
        let before = sets.map(|set| self.fd_set(set));
        let [readfds, writefds, exceptfds] = sets;
        let value = self.provider.wsp_select(nfds, readfds, writefds, exceptfds, timeout, errno);
        let after = sets.map(|set| self.fd_set(set));
        if let Some(wrong) = judge(value, &before, &after) {
            frame.object("SELECT-1", format!("WSPSelect gave {value}, {wrong}"));
        }
        frame.leave(i64::from(value));
        value
    }

    pub(super) fn enum_network_events(
        &self,
        s: SocketHandle,
        event: EventHandle,
        out: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        let function = Function::WSPEnumNetworkEvents;
        self.watch.around.entering(function, s);
        let call = Call::plain(function, s, Special::None);
        let mut frame = Frame::enter(&self.watch, call, 0, errno);
        frame.lend(out, network_events::SIZE, Lent::Output);
        let value = self.provider.wsp_enum_network_events(s, event, out, errno);
        if value == 0 {
            frame.gave_record(out);
        }
        frame.leave(i64::from(value));
        value
    }

    /// The SOCKETs of an fd_set, as far as it can be read.
    fn fd_set(&self, at: UserPtr) -> Vec<usize> {
        const SOCKETS_MAX: usize = 1 << 16;
        let mut sockets = Vec::new();
        let count = self.watch.word_at(at).unwrap_or(0) as usize;
        for place in 0..count.min(SOCKETS_MAX) {
            let mut word = [0; POINTER];
            if !self.watch.arena.peek(at.offset(fd_set::ARRAY + place * POINTER), &mut word) {
                break;
            }
            sockets.push(usize::from_le_bytes(word));
        }
        sockets
    }
}

/// What is wrong with the sets that are left: parts of those given, together as many as the value
/// says; untouched where it failed.
fn judge(value: i32, before: &[Vec<usize>; 3], after: &[Vec<usize>; 3]) -> Option<String> {
    if value == SOCKET_ERROR {
        return (before != after).then(|| "and changed its sets".to_owned());
    }
    let left: usize = after.iter().map(Vec::len).sum();
    if usize::try_from(value) != Ok(left) {
        return Some(format!("and left {left} sockets in its sets"));
    }
    let stranger = before
        .iter()
        .zip(after)
        .find_map(|(before, after)| after.iter().find(|socket| !before.contains(socket)));
    stranger.map(|socket| format!("and left {socket:#x} in a set that it was not in"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_shrink_and_are_counted() {
        let before = [vec![4, 8], vec![4], vec![]];
        assert_eq!(judge(2, &before, &[vec![8], vec![4], vec![]]), None);
        assert_eq!(judge(0, &before, &[vec![], vec![], vec![]]), None);
        assert_eq!(judge(SOCKET_ERROR, &before, &before), None);
        assert!(judge(1, &before, &[vec![8], vec![4], vec![]]).is_some());
        assert!(judge(1, &before, &[vec![], vec![8], vec![]]).is_some());
        assert!(judge(SOCKET_ERROR, &before, &[vec![8], vec![4], vec![]]).is_some());
    }
}
