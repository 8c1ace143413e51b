//! The script for the calls that the provider makes: see [`crate::fault::Seam`].

use crate::event::{Point, What};
use crate::fault::{Answer, Seam, Taken};

use super::Os;

impl Os {
    /// The next call of `seam` on this machine that has no answer yet gets `answer`. Answers wait
    /// in line, also while the seam is held.
    pub fn answer_next(&self, seam: Seam, answer: Answer) {
        self.kernel().point(Point::Client);
        self.kernel().script.borrow_mut().answer_next(seam, answer);
    }

    /// Takes back the answers of `seam` that still wait in line.
    pub fn forget_answers(&self, seam: Seam) {
        self.kernel().point(Point::Client);
        self.kernel().script.borrow_mut().forget_answers(seam);
    }

    /// The first seam with answers that no call has asked for, and how many there are.
    pub fn unasked_answers(&self) -> Option<(Seam, usize)> {
        self.kernel().point(Point::Client);
        self.kernel().script.borrow().unasked()
    }

    /// Calls of `seam` (Connect, Accept, Send, Receive) on this machine give WSAEWOULDBLOCK until
    /// it is released; while Urgent is held its transport has no urgent data. Unlike a fault this does not end by itself: a program that holds a seam when
    /// its faults are over keeps its own run from ending.
    pub fn hold(&self, seam: Seam) {
        self.kernel().point(Point::Client);
        self.kernel().record(What::Held(seam, true));
        self.kernel().script.borrow_mut().hold(seam);
    }

    /// Ends a hold, and tells those whom it refused that they are ready.
    pub fn release(&self, seam: Seam) {
        let kernel = self.kernel();
        kernel.point(Point::Client);
        kernel.record(What::Held(seam, false));
        let refused = kernel.script.borrow_mut().release(seam);
        for socket in refused {
            let entry = kernel.transports.borrow().get(socket).cloned();
            if let Some(entry) = entry {
                entry.tell_ready(seam.readiness());
            }
        }
    }

    /// Begins an empty log of what the transports of this machine take.
    pub fn log_taken(&self) {
        self.kernel().script.borrow_mut().start_log();
    }

    /// What they took since, in order.
    pub fn taken(&self) -> Vec<Taken> {
        self.kernel().script.borrow().taken().to_vec()
    }
}
