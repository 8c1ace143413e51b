//! Values by number: slabs whose numbers are never used again for another value.

use alloc::vec::Vec;

use lock_api::{Mutex, RawMutex};

use crate::Token;

//= docs/spec/wspsendto.md#cxl-9
//# An operation of a closed socket MUST NOT reach a socket that got the same handle later.
/// The number of a value: an index that is reused, and a generation that tells its users apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id {
    index: u32,
    generation: u32,
}

/// How many bits of a context are the index where pointers have 32 bits.
const NARROW_INDEX_BITS: u32 = 20;

impl Id {
    /// As the one word that a socket handle or an APC carries.
    pub(crate) const fn context(self) -> usize {
        if usize::BITS >= 64 {
            (((self.generation as u64) << 32) | self.index as u64) as usize
        } else {
            ((self.generation << NARROW_INDEX_BITS) | self.index) as usize
        }
    }

    /// From [`Self::context`].
    pub(crate) const fn from_context(context: usize) -> Self {
        if usize::BITS >= 64 {
            let context = context as u64;
            Self { index: context as u32, generation: (context >> 32) as u32 }
        } else {
            let context = context as u32;
            Self {
                index: context & ((1 << NARROW_INDEX_BITS) - 1),
                generation: context >> NARROW_INDEX_BITS,
            }
        }
    }

    /// As the number that readiness and timers are told with.
    pub(crate) const fn token(self) -> Token {
        Token(((self.generation as u64) << 32) | self.index as u64)
    }

    /// From [`Self::token`].
    pub(crate) const fn from_token(token: Token) -> Self {
        Self { index: token.0 as u32, generation: (token.0 >> 32) as u32 }
    }
}

/// Generations that a context can carry, so that a stale one is refused on 32 bits too.
const GENERATION_MASK: u32 =
    if usize::BITS >= 64 { u32::MAX } else { (1 << (32 - NARROW_INDEX_BITS)) - 1 };

struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

/// Values with generations. Slots are reused, last freed first; numbers are not.
pub(crate) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// A number whose value will be put in with [`Self::fill`], or given back with [`Self::remove`].
    pub(crate) fn reserve(&mut self) -> Id {
        match self.free.pop() {
            Some(index) => Id { index, generation: self.slots[index as usize].generation },
            None => {
                self.slots.push(Slot { generation: 1, value: None });
                Id { index: (self.slots.len() - 1) as u32, generation: 1 }
            }
        }
    }

    pub(crate) fn fill(&mut self, id: Id, value: T) {
        if let Some(slot) = self.slot(id) {
            slot.value = Some(value);
        }
    }

    pub(crate) fn insert(&mut self, value: T) -> Id {
        let id = self.reserve();
        self.fill(id, value);
        id
    }

    pub(crate) fn get(&self, id: Id) -> Option<&T> {
        let slot = self.slots.get(id.index as usize)?;
        if slot.generation == id.generation { slot.value.as_ref() } else { None }
    }

    pub(crate) fn remove(&mut self, id: Id) -> Option<T> {
        let slot = self.slot(id)?;
        let value = slot.value.take();
        slot.generation = (slot.generation.wrapping_add(1) & GENERATION_MASK).max(1);
        self.free.push(id.index);
        value
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| slot.value.as_ref())
    }

    /// Removes every value that `keep` does not want.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for index in 0..self.slots.len() as u32 {
            let slot = &self.slots[index as usize];
            if slot.value.as_ref().is_some_and(|value| !keep(value)) {
                self.remove(Id { index, generation: slot.generation });
            }
        }
    }

    fn slot(&mut self, id: Id) -> Option<&mut Slot<T>> {
        self.slots.get_mut(id.index as usize).filter(|slot| slot.generation == id.generation)
    }
}

/// How many locks share the sockets, so that threads on different sockets seldom meet.
const SHARDS: usize = 16;

/// A slab behind several locks; a value's shard is in its number.
pub(crate) struct Table<R, T> {
    shards: [Mutex<R, Slab<T>>; SHARDS],
}

impl<R: RawMutex, T: Clone> Table<R, T> {
    pub(crate) fn new() -> Self {
        Self { shards: core::array::from_fn(|_| Mutex::new(Slab::new())) }
    }

    /// A number in the shard that `spread` selects.
    pub(crate) fn reserve(&self, spread: u64) -> Id {
        let shard = (spread % SHARDS as u64) as usize;
        let id = self.shards[shard].lock().reserve();
        Id { index: id.index * SHARDS as u32 + shard as u32, generation: id.generation }
    }

    pub(crate) fn fill(&self, id: Id, value: T) {
        let (shard, local) = Self::split(id);
        self.shards[shard].lock().fill(local, value);
    }

    pub(crate) fn get(&self, id: Id) -> Option<T> {
        let (shard, local) = Self::split(id);
        self.shards[shard].lock().get(local).cloned()
    }

    pub(crate) fn remove(&self, id: Id) -> Option<T> {
        let (shard, local) = Self::split(id);
        self.shards[shard].lock().remove(local)
    }

    /// Every value there is, shard by shard; values put in meanwhile may be missed.
    pub(crate) fn all(&self) -> Vec<T> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(shard.lock().values().cloned());
        }
        all
    }

    fn split(id: Id) -> (usize, Id) {
        let shard = id.index as usize % SHARDS;
        (shard, Id { index: id.index / SHARDS as u32, generation: id.generation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //= docs/spec/wspsendto.md#cxl-9
    //= type=test
    //# An operation of a closed socket MUST NOT reach a socket that got the same handle later.
    #[test]
    fn a_number_is_not_used_again() {
        let mut slab = Slab::new();
        let first = slab.insert('a');
        assert_eq!(slab.remove(first), Some('a'));
        let second = slab.insert('b');
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.get(second), Some(&'b'));
    }

    #[test]
    fn a_number_survives_the_words_that_carry_it() {
        let id = Id { index: 77, generation: 3 };
        assert_eq!(Id::from_context(id.context()), id);
        assert_eq!(Id::from_token(id.token()), id);
    }

    #[test]
    fn a_slab_refuses_what_it_did_not_retain() {
        let mut slab = Slab::new();
        let ids = [slab.insert(1), slab.insert(2)];
        slab.retain(|_| false);
        assert!(ids.iter().all(|id| slab.get(*id).is_none()));
    }
}
