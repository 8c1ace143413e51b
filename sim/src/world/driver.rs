//! Drives the machines of a world: which runs how far, and what happens between their steps.
//!
//! Virtual time is ours, in nanoseconds. A turmoil step is one quantum of it: a machine runs from
//! when it next has something to do up to a horizon before which nothing that another machine does
//! now can reach it. Between steps time jumps to whatever is due first, so idle time costs nothing.

use std::rc::Rc;

use crate::event::{At, MachineId, What};
use crate::oracle::Oracles;

use super::carrier::Carrier;
use super::chaos::{Chaos, Strike};
use super::{Boot, Role, Shared, Violation};

/// Never.
pub(super) const NEVER: u64 = u64::MAX;

/// A machine as the driver knows it.
pub struct Host {
    /// Whether its program ends by itself.
    pub role: Role,
    /// Starts it.
    pub boot: Boot,
}

/// How a drive ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every program ended.
    Done,
    /// Something was found: see [`Shared::finding`].
    Found,
    /// A replay left what was recorded, at the latest by this step.
    Departed(u64),
}

/// Why a drive failed: a fault of the simulator's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DriverError(pub String);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Faults strike.
    Chaos,
    /// Faults are off; everything has to end by then.
    Liveness { deadline_ns: u64 },
}

/// Drives the machines of one run.
pub struct Driver {
    shared: Rc<Shared>,
    carrier: Carrier,
    roles: Vec<Role>,
    chaos: Chaos,
    phase: Phase,
    stopped: bool,
    now_ns: u64,
}

impl Driver {
    /// A driver of these machines, by id, at time 0. None has started yet.
    pub fn new(shared: Rc<Shared>, hosts: Vec<Host>) -> Self {
        let roles = hosts.iter().map(|host| host.role).collect();
        let boots = hosts.into_iter().map(|host| host.boot).collect();
        Self {
            carrier: Carrier::new(shared.clone(), boots),
            roles,
            chaos: Chaos::new(&shared),
            phase: Phase::Chaos,
            stopped: false,
            now_ns: 0,
            shared,
        }
    }

    /// Runs the world to its end.
    ///
    /// # Errors
    /// [`DriverError`] when something of the simulator's own panicked, or turmoil failed. The world
    /// is leaked then, because nothing is known of its state.
    pub fn drive(mut self) -> Result<Ended, DriverError> {
        let ended = self.run();
        self.shared.recorder.borrow_mut().close();
        match ended {
            Ok(_) => self.carrier.power_off_all(),
            Err(_) => core::mem::forget(self),
        }
        ended
    }

    fn run(&mut self) -> Result<Ended, DriverError> {
        loop {
            // First: what a run finds after it left its record is another failure.
            if let Some(step) = self.departed() {
                return Ok(Ended::Departed(step));
            }
            if self.shared.stopping_run() {
                return Ok(Ended::Found);
            }
            if self.phase == Phase::Chaos && self.all_finished(Role::Client) {
                self.calm();
            }
            if self.all_finished(Role::Client) {
                self.stop_servers();
                if self.all_finished(Role::Server) {
                    return Ok(Ended::Done);
                }
            }
            self.advance()?;
        }
    }

    /// One step, or one thing that happens between steps.
    fn advance(&mut self) -> Result<(), DriverError> {
        let due_ns = self.carrier.earliest_due().min(self.chaos.next_restart());
        let script_ns = match self.phase {
            Phase::Chaos => self.chaos.next(&self.shared).min(self.shared.settings.limits.chaos_ns),
            Phase::Liveness { deadline_ns } => deadline_ns,
        };
        // A heal may let a machine go on that waits for nothing but packets: it holds none.
        if due_ns == NEVER {
            match self.phase {
                Phase::Chaos => self.calm(),
                Phase::Liveness { .. } => self.report_stuck("nothing is left that could wake it"),
            }
            return Ok(());
        }
        if script_ns <= due_ns {
            self.now_ns = self.now_ns.max(script_ns);
            match self.phase {
                Phase::Chaos if script_ns >= self.shared.settings.limits.chaos_ns => self.calm(),
                Phase::Chaos => self.strike(),
                Phase::Liveness { .. } => self.report_stuck("it had all the time it may take"),
            }
            return Ok(());
        }
        self.now_ns = self.now_ns.max(due_ns);
        if self.chaos.next_restart() <= self.now_ns {
            self.restart_due();
        }
        self.carrier.step(self.now_ns, script_ns)?;
        for machine in self.shared.directory.ids() {
            if self.carrier.crash_requested(machine) {
                self.crash(machine);
            }
        }
        Ok(())
    }

    fn strike(&mut self) {
        for machine in self.shared.directory.ids() {
            let spared = self.carrier.is_down(machine) || self.carrier.finished(machine);
            self.chaos.spare(machine, spared);
        }
        while let Some(strike) = self.chaos.pop(&self.shared, self.now_ns) {
            match strike {
                Strike::Cut(a, b) => self.set_link(a, b, true),
                Strike::Heal(a, b) => self.set_link(a, b, false),
                Strike::Crash(machine) => self.crash(machine),
            }
        }
    }

    fn set_link(&mut self, a: MachineId, b: MachineId, cut: bool) {
        self.shared.record(self.at(a), What::Partition(a, b, cut));
        self.shared.set_cut(a, b, cut);
        self.carrier.set_link(a, b, cut);
    }

    fn crash(&mut self, machine: MachineId) {
        let at = self.at(machine);
        self.shared.record(at, What::Crash);
        self.carrier.crash(machine);
        self.tell(at, |oracles| oracles.machine_crashed(at, machine));
        self.chaos.plan_restart(&self.shared, machine, at.time_ns);
    }

    fn restart_due(&mut self) {
        while let Some(machine) = self.chaos.pop_restart(self.now_ns) {
            self.restart(machine);
        }
    }

    fn restart(&mut self, machine: MachineId) {
        self.shared.record(self.at(machine), What::Restart);
        self.carrier.restart(machine, self.now_ns);
    }

    /// Ends the chaos: faults off, links healed, machines on.
    fn calm(&mut self) {
        let at = self.at(MachineId(0));
        self.shared.faults.borrow_mut().calm();
        self.shared.record(at, What::Calm);
        while let Some((a, b)) = self.chaos.pop_cut() {
            self.set_link(a, b, false);
        }
        while let Some(machine) = self.chaos.pop_restart(NEVER) {
            self.restart(machine);
        }
        self.tell(at, |oracles| oracles.calm(at));
        let deadline_ns = at.time_ns + self.shared.settings.limits.liveness_ns;
        self.phase = Phase::Liveness { deadline_ns };
    }

    fn stop_servers(&mut self) {
        if !self.stopped {
            self.stopped = true;
            for machine in self.shared.directory.ids() {
                if self.roles[usize::from(machine.0)] == Role::Server {
                    self.carrier.stop(machine);
                }
            }
        }
    }

    fn all_finished(&self, role: Role) -> bool {
        let mut machines = self.shared.directory.ids().zip(&self.roles);
        machines.all(|(machine, r)| *r != role || self.carrier.finished(machine))
    }

    /// Whether a replay left its record, and by which step. Choices beyond the end of the record
    /// are no departure: the failure may be gone, and the run then ends in its own way.
    fn departed(&self) -> Option<u64> {
        let choices = self.shared.choices.borrow();
        let recorder = self.shared.recorder.borrow();
        let recorded = choices.recorded().len() as u64;
        match choices.departure() {
            Some(departure) if departure.choice < recorded => Some(recorder.steps()),
            _ => recorder.departed(),
        }
    }

    fn report_stuck(&mut self, why: &str) {
        let at = self.at(MachineId(0));
        self.tell(at, |oracles| oracles.stuck());
        if self.shared.stopping_run() {
            return;
        }
        let mut message = format!("the run does not end: {why}");
        for machine in self.shared.directory.ids().filter(|m| !self.carrier.finished(*m)) {
            let name = self.shared.directory.name(machine);
            message.push_str(&format!("\n{name}:\n"));
            self.carrier.describe(machine, &mut message);
            self.shared.oracles.borrow_mut().describe_owed(machine, &mut message);
        }
        let message = message.trim_end().to_owned();
        self.shared.report(at, Violation { oracle: "liveness", clause: "SYN-4", message });
    }

    fn tell(&self, at: At, tell: impl FnOnce(&mut Oracles) -> Result<(), Violation>) {
        let judged = tell(&mut self.shared.oracles.borrow_mut());
        self.shared.check(at, judged);
    }

    /// Here, and now as this machine knows it: it may be ahead of the others.
    fn at(&self, machine: MachineId) -> At {
        let time_ns = self.now_ns.max(self.carrier.ran_until(machine));
        At { time_ns, machine, thread: None }
    }
}

#[cfg(test)]
mod tests;
