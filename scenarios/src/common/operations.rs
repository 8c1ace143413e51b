//! The overlapped operations of one thread: which are out, and how those with a routine ended.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use provider_core::{Routine, WsaError};
use wspsim::api::{Os, Overlapped};

use super::slot::Ended;

/// Where an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// None is out.
    Idle,
    /// Started, and not known to have ended.
    Out,
    /// Its routine ran.
    Told(Ended),
}

/// Shared by a slot and the routine that may run for it.
pub(super) type Place = Rc<Cell<Progress>>;

#[derive(Default)]
struct Book {
    /// The address of an OVERLAPPED with a routine to come, and whose it is.
    out: RefCell<Vec<(usize, Place)>>,
    /// OVERLAPPEDs whose status is final though no routine has come: WPUQueueApc was refused, or
    /// the APC is very late. They are never used again, and stay where a late routine expects them.
    retired: RefCell<Vec<Overlapped>>,
}

/// The overlapped operations of the thread that made this. Clones are the same.
#[derive(Clone)]
pub(crate) struct Operations {
    book: Rc<Book>,
    routine: Routine,
}

impl Operations {
    /// For the calling thread.
    pub(crate) fn new(os: &Os) -> Self {
        let book = Rc::new(Book::default());
        let shared = Rc::clone(&book);
        let routine = os.routine(move |os, error, bytes, overlapped, flags| {
            let ended = Ended { error: WsaError(error as i32), bytes, flags };
            shared.told(os, overlapped.0, ended);
        });
        Self { book, routine }
    }

    /// The completion routine of its operations.
    pub(super) fn routine(&self) -> Routine {
        self.routine
    }

    pub(super) fn expect(&self, overlapped: &Overlapped, place: &Place) {
        self.book.out.borrow_mut().push((overlapped.ptr().0, Rc::clone(place)));
    }

    /// The routine of `overlapped` is not to come: the operation was refused.
    pub(super) fn forget(&self, overlapped: &Overlapped) {
        self.book.out.borrow_mut().retain(|(address, _)| *address != overlapped.ptr().0);
    }

    /// The routine of `overlapped` may still come, and nobody cares any more.
    pub(super) fn retire(&self, overlapped: Overlapped) {
        self.forget(&overlapped);
        self.book.retired.borrow_mut().push(overlapped);
    }
}

impl Book {
    fn told(&self, os: &Os, address: usize, ended: Ended) {
        let found = {
            let mut out = self.out.borrow_mut();
            let at = out.iter().position(|(expected, _)| *expected == address);
            at.map(|at| out.swap_remove(at).1)
        };
        if let Some(place) = found {
            place.set(Progress::Told(ended));
            return;
        }
        let late = {
            let mut retired = self.retired.borrow_mut();
            let at = retired.iter().position(|overlapped| overlapped.ptr().0 == address);
            at.map(|at| retired.swap_remove(at))
        };
        if late.is_none() {
            os.fail(&format!("a routine ran for the OVERLAPPED at {address:#x}, which is not out"));
        }
    }
}
