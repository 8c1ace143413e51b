//! When faults strike: by rate, or by script.

use crate::choice::{Choices, Purpose, Rate, Stream};
use crate::event::MachineId;

use super::Fault;

/// Lets a fault strike at the nth chance (from 1), counted over the run, or over one machine, or
/// over one socket of it ("the third send on this socket").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Script {
    /// Which fault.
    pub fault: Fault,
    /// At which chance, from 1.
    pub nth: u64,
    /// Only on this machine.
    pub machine: Option<MachineId>,
    /// Only on this socket: its number in its machine, from 0, by order of creation.
    pub socket: Option<u32>,
}

impl Script {
    /// `fault` at the `nth` chance (from 1) of the run.
    pub const fn new(fault: Fault, nth: u64) -> Self {
        Self { fault, nth, machine: None, socket: None }
    }

    /// Counted on one machine only.
    #[must_use]
    pub const fn on_machine(mut self, machine: MachineId) -> Self {
        self.machine = Some(machine);
        self
    }

    /// Counted on one socket of the machine only.
    #[must_use]
    pub const fn on_socket(mut self, socket: u32) -> Self {
        self.socket = Some(socket);
        self
    }
}

/// What may strike in a run.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FaultPlan {
    /// Rate of each fault, by its place in the catalogue.
    pub rates: [Rate; Fault::ALL.len()],
    /// Scripted strikes.
    pub scripts: Vec<Script>,
}

impl FaultPlan {
    /// No faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// The rate of `fault`.
    pub fn rate(&self, fault: Fault) -> Rate {
        self.rates[fault as usize]
    }

    /// Sets a rate.
    pub fn set_rate(&mut self, fault: Fault, rate: Rate) {
        self.rates[fault as usize] = rate;
    }

    /// Whether `fault` can strike at all.
    pub fn has(&self, fault: Fault) -> bool {
        self.rate(fault) > Rate::NEVER || self.scripts.iter().any(|s| s.fault == fault)
    }
}

/// A plan at work: counts chances and strikes.
pub struct Faults {
    plan: FaultPlan,
    /// Chances seen by each script so far.
    script_chances: Vec<u64>,
    streams: Vec<[Option<Stream>; Fault::ALL.len()]>,
    strikes: [u64; Fault::ALL.len()],
    /// Bit per fault that can strike, so that a chance of one that cannot costs one test.
    active: u32,
    calm: bool,
}

impl Faults {
    /// The plan, nothing struck yet.
    pub fn new(plan: FaultPlan) -> Self {
        let active = Fault::ALL
            .iter()
            .filter(|fault| plan.has(**fault))
            .fold(0, |bits, fault| bits | 1 << (*fault as u32));
        Self {
            script_chances: vec![0; plan.scripts.len()],
            plan,
            streams: Vec::new(),
            strikes: [0; Fault::ALL.len()],
            active,
            calm: false,
        }
    }

    /// The plan.
    pub fn plan(&self) -> &FaultPlan {
        &self.plan
    }

    /// Whether a chance of `fault` may lead to anything (a cheap test before [`Self::strikes`]).
    pub fn can_strike(&self, fault: Fault) -> bool {
        !self.calm && self.active & (1 << (fault as u32)) != 0
    }

    /// A chance for `fault`: whether it strikes. `socket` is the socket's number in its machine.
    pub fn strikes(
        &mut self,
        choices: &mut Choices,
        fault: Fault,
        machine: MachineId,
        socket: Option<u32>,
    ) -> bool {
        if !self.can_strike(fault) {
            return false;
        }
        let mut struck = false;
        for (script, chances) in self.plan.scripts.iter().zip(&mut self.script_chances) {
            let here = script.fault == fault
                && script.machine.is_none_or(|m| m == machine)
                && script.socket.is_none_or(|s| Some(s) == socket);
            if here {
                *chances += 1;
                struck |= *chances == script.nth;
            }
        }
        let rate = self.plan.rate(fault);
        if rate > Rate::NEVER {
            let stream = self.stream(choices, fault, machine);
            struck |= choices.chance(stream, rate);
        }
        if struck {
            self.strikes[fault as usize] += 1;
        }
        struck
    }

    /// The stream for the details of a fault that struck on `machine`.
    pub fn detail(&self, choices: &mut Choices, fault: Fault, machine: MachineId) -> Stream {
        choices.stream(Purpose::FaultDetail, place(fault, machine))
    }

    /// Faults off for good: the liveness phase.
    pub fn calm(&mut self) {
        self.calm = true;
    }

    /// Whether faults are off.
    pub fn is_calm(&self) -> bool {
        self.calm
    }

    /// How often each fault struck, by its place in the catalogue.
    pub fn counts(&self) -> &[u64; Fault::ALL.len()] {
        &self.strikes
    }

    fn stream(&mut self, choices: &mut Choices, fault: Fault, machine: MachineId) -> Stream {
        let machine_index = usize::from(machine.0);
        if self.streams.len() <= machine_index {
            self.streams.resize(machine_index + 1, [None; Fault::ALL.len()]);
        }
        *self.streams[machine_index][fault as usize]
            .get_or_insert_with(|| choices.stream(Purpose::Fault, place(fault, machine)))
    }
}

fn place(fault: Fault, machine: MachineId) -> u32 {
    (u32::from(fault as u8) << 16) | u32::from(machine.0)
}
