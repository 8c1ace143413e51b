//! Event objects: what CreateEvent gives, and what a provider's own signals are.

use core::cell::Cell;
use std::rc::Rc;

use super::Kernel;

/// An event object.
#[derive(Debug)]
pub struct EventObject {
    /// By order of creation in its machine: for messages.
    pub(crate) number: u32,
    /// Stays set until it is reset; else the first wait that it satisfies resets it.
    pub(crate) manual: bool,
    pub(super) set: Cell<bool>,
}

impl EventObject {
    pub(crate) fn new(number: u32, manual: bool, set: bool) -> Rc<Self> {
        Rc::new(Self { number, manual, set: Cell::new(set) })
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.set.get()
    }

    /// A wait was satisfied by it.
    pub(super) fn consume(&self) {
        if !self.manual {
            self.set.set(false);
        }
    }
}

impl Kernel {
    /// A new event object.
    pub(crate) fn new_event(&self, manual: bool, set: bool) -> Rc<EventObject> {
        let number = self.next_event.get();
        self.next_event.set(number + 1);
        EventObject::new(number, manual, set)
    }

    /// SetEvent. Waits that it satisfies are over at once, in the order in which they began, even
    /// if it is reset before their threads run.
    pub(crate) fn set_event(&self, event: &Rc<EventObject>) {
        event.set.set(true);
        self.satisfy_waiters(|| event.is_set());
    }

    /// ResetEvent.
    pub(crate) fn reset_event(&self, event: &EventObject) {
        event.set.set(false);
    }
}
