//! What all machines of a run share: the choices, the faults, the recorder, the oracles.

use core::cell::{Cell, RefCell};

use crate::choice::{Choices, Purpose, Rate, Stream};
use crate::event::{At, MachineId, What};
use crate::fault::{Fault, Faults};
use crate::oracle::Oracles;
use crate::recorder::Recorder;
use crate::settings::Settings;

use super::Directory;

/// What an oracle has to say against a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The oracle's name.
    pub oracle: &'static str,
    /// The clause that was broken.
    pub clause: &'static str,
    /// What happened, in a sentence or two.
    pub message: String,
}

/// The first violation of a run, and where it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was broken.
    pub violation: Violation,
    /// How many events the run had when it was seen.
    pub step: u64,
    /// Where.
    pub at: At,
}

/// The state that a run has once. Reached by every machine through an `Rc`.
///
/// Nobody holds a borrow of a cell across a scheduling point, or across a call into a provider or
/// a program.
pub struct Shared {
    /// Every choice of the run.
    pub choices: RefCell<Choices>,
    /// The faults at work.
    pub faults: RefCell<Faults>,
    /// What happened.
    pub recorder: RefCell<Recorder>,
    /// Who watches.
    pub oracles: RefCell<Oracles>,
    /// What the run drew, or was given, before it began.
    pub settings: Settings,
    /// Who is who.
    pub directory: Directory,
    finding: RefCell<Option<Finding>>,
    stop: Cell<bool>,
    /// A square of bits, sender by receiver: whether the link is cut.
    cuts: Vec<Cell<bool>>,
    buffers: RefCell<Vec<Vec<u8>>>,
}

/// How many idle packet buffers are kept; more than are ever in flight in a usual run.
const BUFFERS_MAX: usize = 1024;

impl Shared {
    /// The state of a new run.
    pub fn new(
        choices: Choices,
        recorder: Recorder,
        oracles: Oracles,
        settings: Settings,
        directory: Directory,
    ) -> Self {
        let machines = directory.len();
        Self {
            choices: RefCell::new(choices),
            faults: RefCell::new(Faults::new(settings.plan.clone())),
            recorder: RefCell::new(recorder),
            oracles: RefCell::new(oracles),
            settings,
            directory,
            finding: RefCell::new(None),
            stop: Cell::new(false),
            cuts: vec![Cell::new(false); machines * machines],
            buffers: RefCell::new(Vec::new()),
        }
    }

    /// Records an event; nothing else happens.
    #[inline]
    pub fn record(&self, at: At, what: What) {
        self.recorder.borrow_mut().record(at, what);
    }

    /// A chance for `fault` on `at.machine`: whether it strikes. `socket` is the socket's number in
    /// its machine, where one is concerned. A strike is recorded, and told to the oracles.
    #[inline]
    pub fn strikes(&self, fault: Fault, at: At, socket: Option<u32>) -> bool {
        if !self.faults.borrow().can_strike(fault) {
            return false;
        }
        self.strikes_perhaps(fault, at, socket)
    }

    fn strikes_perhaps(&self, fault: Fault, at: At, socket: Option<u32>) -> bool {
        let struck = self.faults.borrow_mut().strikes(
            &mut self.choices.borrow_mut(),
            fault,
            at.machine,
            socket,
        );
        if struck {
            self.record(at, What::Fault(fault));
            let judged = self.oracles.borrow_mut().fault_struck(at, fault, socket);
            self.check(at, judged);
        }
        struck
    }

    /// Whether a chance of `fault` may lead to anything; a cheap test before work for one.
    #[inline]
    pub fn can_strike(&self, fault: Fault) -> bool {
        self.faults.borrow().can_strike(fault)
    }

    /// The stream for the details of a fault that struck on `machine`.
    pub fn detail(&self, fault: Fault, machine: MachineId) -> Stream {
        self.faults.borrow().detail(&mut self.choices.borrow_mut(), fault, machine)
    }

    /// The stream for `purpose` at `place`.
    pub fn stream(&self, purpose: Purpose, place: u32) -> Stream {
        self.choices.borrow_mut().stream(purpose, place)
    }

    /// A drawn value in `0..bound`.
    pub fn below(&self, stream: Stream, bound: u32) -> u32 {
        self.choices.borrow_mut().below(stream, bound)
    }

    /// A drawn word.
    pub fn word(&self, stream: Stream) -> u32 {
        self.choices.borrow_mut().word(stream)
    }

    /// Whether something of probability `rate` happens.
    pub fn chance(&self, stream: Stream, rate: Rate) -> bool {
        self.choices.borrow_mut().chance(stream, rate)
    }

    /// Reports what an oracle found. The first report of a run is its finding and ends it; later
    /// ones are ignored.
    pub fn report(&self, at: At, violation: Violation) {
        let mut finding = self.finding.borrow_mut();
        // What machines do while they are taken apart is not part of the run.
        if finding.is_none() && !self.recorder.borrow().is_closed() {
            *finding = Some(Finding { violation, step: self.recorder.borrow().steps(), at });
            self.stop.set(true);
        }
    }

    /// [Reports](Self::report) a violation, if there is one.
    #[inline]
    pub fn check(&self, at: At, judged: Result<(), Violation>) {
        if let Err(violation) = judged {
            self.report(at, violation);
        }
    }

    /// Whether the run is over because something was found.
    #[inline]
    pub fn stopping_run(&self) -> bool {
        self.stop.get()
    }

    /// What was found, if anything was.
    pub fn finding(&self) -> Option<Finding> {
        self.finding.borrow().clone()
    }

    /// Whether packets from `from` to `to` cannot pass.
    #[inline]
    pub fn is_cut(&self, from: MachineId, to: MachineId) -> bool {
        self.cut_cell(from, to).is_some_and(Cell::get)
    }

    /// Cuts or heals the link between two machines, both ways.
    pub(crate) fn set_cut(&self, one: MachineId, other: MachineId, cut: bool) {
        for (from, to) in [(one, other), (other, one)] {
            if let Some(cell) = self.cut_cell(from, to) {
                cell.set(cut);
            }
        }
    }

    fn cut_cell(&self, from: MachineId, to: MachineId) -> Option<&Cell<bool>> {
        self.cuts.get(usize::from(from.0) * self.directory.len() + usize::from(to.0))
    }

    /// An empty packet buffer, used before where one is idle.
    #[inline]
    pub fn buffer(&self) -> Vec<u8> {
        self.buffers.borrow_mut().pop().unwrap_or_default()
    }

    /// Gives a packet buffer back.
    #[inline]
    pub fn recycle(&self, mut buffer: Vec<u8>) {
        let mut buffers = self.buffers.borrow_mut();
        if buffers.len() < BUFFERS_MAX {
            buffer.clear();
            buffers.push(buffer);
        }
    }
}
