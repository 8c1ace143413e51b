//! The script for the transport: the simulator's own.

use wspsim::fault;
use wspsim_conformance::{Answer, Lower, Seam, Taken};

use super::bed::SimBed;

const HELD: [Seam; 5] = [Seam::Connect, Seam::Accept, Seam::Send, Seam::Receive, Seam::Urgent];

fn seam(seam: Seam) -> fault::Seam {
    match seam {
        Seam::Open => fault::Seam::Open,
        Seam::Bind => fault::Seam::Bind,
        Seam::Connect => fault::Seam::Connect,
        Seam::Listen => fault::Seam::Listen,
        Seam::Accept => fault::Seam::Accept,
        Seam::Send => fault::Seam::Send,
        Seam::Receive => fault::Seam::Receive,
        Seam::QueueApc => fault::Seam::QueueApc,
        Seam::CompleteOverlapped => fault::Seam::CompleteOverlapped,
        Seam::CreateSocketHandle => fault::Seam::CreateSocketHandle,
        Seam::Urgent => fault::Seam::Urgent,
    }
}

impl SimBed {
    /// Nothing that the case held outlives it.
    pub(super) fn release_all(&self) {
        HELD.into_iter().for_each(|held| self.release(held));
    }
}

impl Lower for SimBed {
    fn answer(&self, of: Seam, answer: Answer) {
        let answer = match answer {
            Answer::Refuse(error) => fault::Answer::Refuse(error),
            Answer::Take(most) => fault::Answer::Take(most),
        };
        self.os().answer_next(seam(of), answer);
    }

    fn forget_answers(&self, of: Seam) {
        self.os().forget_answers(seam(of));
    }

    fn hold(&self, held: Seam) {
        self.os().hold(seam(held));
    }

    fn release(&self, held: Seam) {
        self.os().release(seam(held));
    }

    fn taken(&self) -> Vec<Taken> {
        let taken = self.os().taken().into_iter();
        taken.map(|taken| Taken { to: taken.to, bytes: taken.bytes }).collect()
    }

    fn clear_taken(&self) {
        self.os().log_taken();
    }
}
