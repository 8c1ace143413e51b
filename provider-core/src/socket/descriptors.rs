//! The descriptors of a socket: the SOCKETs by which clients know it, one or several
//! (WSPDuplicateSocket).

use alloc::vec::Vec;

use crate::SocketHandle;
use crate::table::Id;

/// A descriptor of a socket. Its handle may be another's once it was given back; its number is not
/// used again in the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    number: u32,
    pub(crate) handle: SocketHandle,
}

impl Descriptor {
    /// Whether the socket was made with it.
    pub(crate) const fn is_first(self) -> bool {
        self.number == 0
    }
}

struct Entry {
    descriptor: Descriptor,
    /// Its place in the table.
    id: Id,
    open: bool,
    /// Threads that are telling an owner through it just now.
    telling: u32,
    /// Its handle is being given back.
    releasing: bool,
}

/// The descriptors whose handles were not given back, in the order in which they came to be.
pub(crate) struct Descriptors {
    entries: Vec<Entry>,
    made: u32,
    /// Entries that are closed.
    closed: usize,
}

impl Descriptors {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), made: 0, closed: 0 }
    }

    /// Another descriptor, open.
    pub(crate) fn add(&mut self, id: Id, handle: SocketHandle) -> Descriptor {
        let descriptor = Descriptor { number: self.made, handle };
        self.made += 1;
        self.entries.push(Entry { descriptor, id, open: true, telling: 0, releasing: false });
        descriptor
    }

    pub(crate) fn is_open(&self, descriptor: Descriptor) -> bool {
        self.entries.iter().any(|entry| entry.descriptor == descriptor && entry.open)
    }

    /// Whether it is open, and no other is.
    pub(crate) fn is_last(&self, descriptor: Descriptor) -> bool {
        self.entries.len() - self.closed == 1 && self.is_open(descriptor)
    }

    pub(crate) fn close(&mut self, descriptor: Descriptor) {
        let open = self.entries.iter_mut().find(|e| e.descriptor == descriptor && e.open);
        if let Some(entry) = open {
            entry.open = false;
            self.closed += 1;
        }
    }

    pub(crate) fn close_all(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.open = false);
        self.closed = self.entries.len();
    }

    /// A thread begins to tell an owner through a descriptor: until it ends, the handle stays.
    pub(crate) fn begin_telling(&mut self, descriptor: Descriptor) {
        if let Some(entry) = self.entry(descriptor) {
            entry.telling += 1;
        }
    }

    pub(crate) fn end_telling(&mut self, descriptor: Descriptor) {
        if let Some(entry) = self.entry(descriptor) {
            entry.telling -= 1;
        }
    }

    /// Takes a closed descriptor through which nobody is told any more, nor will be as far as
    /// `is_needed` knows. Whoever takes it gives its handle back, and says so with
    /// [`Self::released`].
    pub(crate) fn release(
        &mut self,
        is_needed: impl Fn(Descriptor) -> bool,
    ) -> Option<(Descriptor, Id)> {
        if self.closed == 0 {
            return None;
        }
        //= docs/spec/ending.md#close-9
        //# The value of the handle MUST NOT be given back while an operation of the socket is still
        //# being indicated.
        let idle = |entry: &&mut Entry| {
            !entry.open && !entry.releasing && entry.telling == 0 && !is_needed(entry.descriptor)
        };
        let entry = self.entries.iter_mut().find(idle)?;
        entry.releasing = true;
        Some((entry.descriptor, entry.id))
    }

    pub(crate) fn released(&mut self, descriptor: Descriptor) {
        self.entries.retain(|entry| entry.descriptor != descriptor);
        self.closed -= 1;
    }

    /// Whether all handles were given back.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn entry(&mut self, descriptor: Descriptor) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.descriptor == descriptor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> (Descriptors, Descriptor, Descriptor) {
        let mut all = Descriptors::new();
        let first = all.add(Id::from_context(1), SocketHandle(0x100));
        let second = all.add(Id::from_context(2), SocketHandle(0x104));
        (all, first, second)
    }

    #[test]
    fn the_last_one_open_is_the_last() {
        let (mut all, first, second) = two();
        assert!(first.is_first() && !second.is_first());
        assert!(!all.is_last(first) && !all.is_last(second));
        all.close(first);
        all.close(first);
        assert!(!all.is_open(first) && !all.is_last(first));
        assert!(all.is_last(second));
    }

    //= docs/spec/ending.md#close-9
    //= type=test
    //# The value of the handle MUST NOT be given back while an operation of the socket is still
    //# being indicated.
    #[test]
    fn a_handle_is_given_back_once_nobody_needs_it() {
        let (mut all, first, second) = two();
        all.begin_telling(first);
        assert_eq!(all.release(|_| false), None);
        all.close(first);
        assert_eq!(all.release(|_| false), None);
        all.end_telling(first);
        assert_eq!(all.release(|descriptor| descriptor == first), None);
        assert_eq!(all.release(|_| false), Some((first, Id::from_context(1))));
        assert_eq!(all.release(|_| false), None);
        assert!(!all.is_empty());
        all.released(first);
        all.close(second);
        assert_eq!(all.release(|_| false), Some((second, Id::from_context(2))));
        all.released(second);
        assert!(all.is_empty());
    }

    #[test]
    fn a_handle_used_again_is_another_descriptor() {
        let (mut all, first, second) = two();
        all.close(first);
        assert!(all.release(|_| false).is_some());
        all.released(first);
        let third = all.add(Id::from_context(3), first.handle);
        assert!(!all.is_open(first) && all.is_open(third) && all.is_open(second));
        all.close_all();
        assert!(!all.is_open(third) && !all.is_open(second));
    }
}
