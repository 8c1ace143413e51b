//! One sequence, on the model and on the core, step by step.

use core::cell::{Cell, RefCell};
use core::fmt::Write as _;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::bench::{Bench, Meanwhile};
use crate::model::{Answer, Call, Model, Seen, Setup};

/// The steps up to one that shows something else than the model predicts, told in a list; none when
/// there is none. The sequence ends with the last WSPCleanup.
pub fn difference(setup: Setup, calls: &[Call]) -> Option<String> {
    let bench = Bench::new(setup);
    let duel = Rc::new(Duel {
        model: RefCell::new(Model::new(setup)),
        bench: Rc::clone(&bench),
        calls: RefCell::new(calls.iter().chain([&Call::Cleanup]).cloned().collect()),
        story: RefCell::new(format!("{setup}\n")),
        open: RefCell::new(None),
        returns: RefCell::new(None),
        differs: Cell::new(false),
    });
    let meanwhile: Rc<dyn Meanwhile> = Rc::clone(&duel) as Rc<dyn Meanwhile>;
    bench.set_meanwhile(Rc::downgrade(&meanwhile));
    while duel.goes_on() {}
    duel.differs.get().then(|| duel.story.take())
}

/// A step that has not shown all that it will.
struct Open {
    predicted: Seen,
    /// What its call returned; none of one that is still inside the core.
    returned: Option<Option<Answer>>,
}

struct Duel {
    model: RefCell<Model>,
    bench: Rc<Bench>,
    calls: RefCell<VecDeque<Call>>,
    story: RefCell<String>,
    open: RefCell<Option<Open>>,
    /// What the blocked call has to show when it returns, which it has to do now.
    returns: RefCell<Option<Seen>>,
    differs: Cell<bool>,
}

impl Duel {
    /// The next step that the model does not leave out, and what it predicts.
    fn next(&self) -> Option<(Call, Seen)> {
        loop {
            let call = self.calls.borrow_mut().pop_front()?;
            if let Some(predicted) = self.model.borrow_mut().step(&call) {
                return Some((call, predicted));
            }
        }
    }

    fn tell(&self, line: &str) {
        let _ = writeln!(self.story.borrow_mut(), "{line}");
    }

    fn compare(&self, predicted: &Seen, seen: &Seen) {
        if self.differs.get() {
            return;
        }
        if seen == predicted {
            self.tell(&format!("    both:  {seen}"));
        } else {
            self.tell(&format!("    model: {predicted}\n    core:  {seen}"));
            self.differs.set(true);
        }
    }

    /// A call that was blocked is back.
    fn came_back(&self, answer: Option<Answer>) {
        if self.differs.get() {
            return;
        }
        let seen = self.bench.show(answer, false);
        match self.returns.take() {
            Some(predicted) => {
                self.tell("the blocked call returns");
                self.compare(&predicted, &seen);
            }
            // The sequence ended first.
            None if self.calls.borrow().is_empty() => {}
            None => {
                self.tell(&format!(
                    "the blocked call returns\n    model: waits\n    core:  {seen}"
                ));
                self.differs.set(true);
            }
        }
    }
}

impl Meanwhile for Duel {
    fn over(&self) {
        let Some(Open { predicted, returned }) = self.open.take() else { return };
        let seen = self.bench.show(returned.flatten(), returned.is_none());
        self.compare(&predicted, &seen);
        *self.returns.borrow_mut() = self.model.borrow_mut().returned();
    }

    fn goes_on(&self) -> bool {
        if self.differs.get() {
            return false;
        }
        if self.returns.borrow().is_some() {
            self.tell("the blocked call returns\n    model: now\n    core:  waits on");
            self.differs.set(true);
            return false;
        }
        let Some((call, predicted)) = self.next() else { return false };
        self.tell(&call.to_string());
        *self.open.borrow_mut() = Some(Open { predicted, returned: None });
        let answer = self.bench.perform(&call);
        if self.bench.is_waiting() {
            // It happened inside of another call's wait, in which routines may run before it is over.
            if let Some(open) = self.open.borrow_mut().as_mut() {
                open.returned = Some(answer);
            }
        } else if self.open.borrow().is_none() {
            self.came_back(answer);
        } else {
            if let Some(open) = self.open.borrow_mut().as_mut() {
                open.returned = Some(answer);
            }
            self.over();
        }
        !self.differs.get()
    }
}
