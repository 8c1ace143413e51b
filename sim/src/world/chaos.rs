//! What strikes a world between the steps of its machines: partitions and power losses.

use crate::event::{At, MachineId};
use crate::fault::Fault;
use crate::settings::MS;

use super::Shared;
use super::driver::NEVER;

/// How often a link or a machine has a chance to be struck, in virtual nanoseconds.
pub(super) const CHANCE_EVERY_NS: u64 = 50 * MS;
/// The least and the most time that a link stays cut.
const CUT_NS: (u64, u64) = (20 * MS, 2_000 * MS);
/// The least and the most time that a machine stays without power.
const DOWN_NS: (u64, u64) = (10 * MS, 1_000 * MS);

/// Something that happens to the world now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strike {
    Cut(MachineId, MachineId),
    Heal(MachineId, MachineId),
    Crash(MachineId),
}

/// When what strikes.
pub(super) struct Chaos {
    next_chance_ns: u64,
    /// Cut links, the lower id first, and when they heal.
    cuts: Vec<(MachineId, MachineId, u64)>,
    /// Machines without power, and when they start again.
    down: Vec<(MachineId, u64)>,
    /// By machine: off already, or done with its work.
    spared: Vec<bool>,
    /// What the chances of this moment gave, last first.
    struck: Vec<Strike>,
}

impl Chaos {
    pub(super) fn new(shared: &Shared) -> Self {
        Self {
            next_chance_ns: CHANCE_EVERY_NS,
            cuts: Vec::new(),
            down: Vec::new(),
            spared: vec![false; shared.directory.len()],
            struck: Vec::new(),
        }
    }

    /// When something other than a restart next happens, or may.
    pub(super) fn next(&self, shared: &Shared) -> u64 {
        let chance = if shared.can_strike(Fault::Partition) || shared.can_strike(Fault::Crash) {
            self.next_chance_ns
        } else {
            NEVER
        };
        self.cuts.iter().map(|(_, _, heal_ns)| *heal_ns).fold(chance, u64::min)
    }

    /// Tells that a machine cannot crash now, or can.
    pub(super) fn spare(&mut self, machine: MachineId, spared: bool) {
        self.spared[usize::from(machine.0)] = spared;
    }

    /// The next thing that happens at `now_ns`.
    pub(super) fn pop(&mut self, shared: &Shared, now_ns: u64) -> Option<Strike> {
        if let Some(index) = self.cuts.iter().position(|(_, _, heal_ns)| *heal_ns <= now_ns) {
            let (a, b, _) = self.cuts.remove(index);
            return Some(Strike::Heal(a, b));
        }
        if self.struck.is_empty() && self.next_chance_ns <= now_ns {
            self.next_chance_ns += CHANCE_EVERY_NS;
            self.take_chances(shared, now_ns);
            self.struck.reverse();
        }
        self.struck.pop()
    }

    fn take_chances(&mut self, shared: &Shared, now_ns: u64) {
        let at = |machine| At { time_ns: now_ns, machine, thread: None };
        for a in shared.directory.ids() {
            for b in shared.directory.ids().filter(|b| *b > a) {
                if !shared.is_cut(a, b) && shared.strikes(Fault::Partition, at(a), None) {
                    let heal_ns = now_ns + lasts(shared, Fault::Partition, a, CUT_NS);
                    self.cuts.push((a, b, heal_ns));
                    self.struck.push(Strike::Cut(a, b));
                }
            }
            let spared = self.spared[usize::from(a.0)];
            if !spared && shared.strikes(Fault::Crash, at(a), None) {
                self.struck.push(Strike::Crash(a));
            }
        }
    }

    /// A link that is cut, taken out.
    pub(super) fn pop_cut(&mut self) -> Option<(MachineId, MachineId)> {
        self.cuts.pop().map(|(a, b, _)| (a, b))
    }

    /// Draws when a machine that lost power starts again.
    pub(super) fn plan_restart(&mut self, shared: &Shared, machine: MachineId, now_ns: u64) {
        self.down.push((machine, now_ns + lasts(shared, Fault::Crash, machine, DOWN_NS)));
    }

    /// When the next machine starts again.
    pub(super) fn next_restart(&self) -> u64 {
        self.down.iter().map(|(_, at_ns)| *at_ns).min().unwrap_or(NEVER)
    }

    /// A machine that starts again by `now_ns`, taken out.
    pub(super) fn pop_restart(&mut self, now_ns: u64) -> Option<MachineId> {
        let index = self.down.iter().position(|(_, at_ns)| *at_ns <= now_ns)?;
        Some(self.down.remove(index).0)
    }
}

/// How long something lasts, drawn to a millisecond.
fn lasts(shared: &Shared, fault: Fault, machine: MachineId, (least, most): (u64, u64)) -> u64 {
    let detail = shared.detail(fault, machine);
    let choices = u32::try_from((most - least) / MS).unwrap_or(u32::MAX);
    least + u64::from(shared.below(detail, choices)) * MS
}
