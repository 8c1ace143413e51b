//! A value that threads and routines of a case share.

use std::sync::{Arc, Mutex, PoisonError};

/// A value that threads and routines of a case share; clones are the same value. Its lock is held
/// for one access only: what is given to [`Self::with`] must not call the bed.
#[derive(Debug, Default)]
pub struct Shared<T>(Arc<Mutex<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Shared<T> {
    /// Holds `value`.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    /// Looks at the value, or changes it.
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the value.
    pub fn set(&self, value: T) {
        self.with(|held| *held = value);
    }
}

impl<T: Clone> Shared<T> {
    /// A copy of the value.
    pub fn get(&self) -> T {
        self.with(|held| held.clone())
    }
}

impl<T> Shared<Vec<T>> {
    /// Adds to a list.
    pub fn push(&self, item: T) {
        self.with(|items| items.push(item));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.with(|items| items.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
