//! One run of a scenario, from its options to its report.

use core::panic::AssertUnwindSafe;
use std::io;
use std::panic::catch_unwind;
use std::rc::Rc;

use provider_core::{Profile, Provider, ServiceProvider};

use crate::choice::{Choice, Choices};
use crate::event::Event;
use crate::fault::Fault;
use crate::host::SimHost;
use crate::kernel::Counters;
use crate::machine::Machine;
use crate::oracle::Oracles;
use crate::recorder::Recorder;
use crate::scenario::{Scenario, bounds};
use crate::settings::{FaultChoice, Settings};
use crate::trace::{Line, Trace};
use crate::world::{
    Driver, DriverError, Ended, Finding, Host, MachineSpec, Node, Shared, WorldBuilder,
    panic_message,
};

/// Makes the provider of a process.
pub type ProviderFactory = dyn Fn(SimHost, Profile) -> Rc<dyn ServiceProvider>;

/// How a run is to be made. `RunOptions::seed(7)` draws everything from seed 7.
#[derive(Default)]
pub struct RunOptions {
    /// What the run draws from.
    pub seed: u64,
    /// Pins the profile.
    pub profile: Option<Profile>,
    /// Where the faults come from.
    pub faults: FaultChoice,
    /// Gives all settings, so that none is drawn and the two fields above do not matter.
    pub settings: Option<Settings>,
    /// Where one line for every event goes. Changes nothing in the run.
    pub trace: Option<Box<dyn io::Write + Send>>,
    /// Choices to feed back instead of drawing.
    pub replay: Option<Vec<Choice>>,
    /// What [`RunReport::checkpoints`] was in the run that is replayed: the run ends where it turns
    /// out to be another one. Empty to compare nothing.
    pub checkpoints: Vec<u64>,
    /// Makes the providers; the provider core if `None`.
    pub provider: Option<Rc<ProviderFactory>>,
}

impl RunOptions {
    /// A run that draws everything from `seed`.
    pub fn seed(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The scenario's name.
    pub scenario: &'static str,
    /// The seed.
    pub seed: u64,
    /// What the run drew or was given.
    pub settings: Settings,
    /// What was found, if anything was.
    pub finding: Option<Finding>,
    /// How it ended.
    pub ended: Ended,
    /// The digest over all events; printed as 32 hexadecimal digits.
    pub digest: u128,
    /// How many events there were.
    pub steps: u64,
    /// How much virtual time passed.
    pub virtual_ns: u64,
    /// How often WSPSend and WSPSendTo were entered.
    pub sends: u64,
    /// How many operations ended by a completion routine or through the host.
    pub completions: u64,
    /// How often each fault struck, by its place in the catalogue.
    pub faults: [u64; Fault::ALL.len()],
    /// The last events.
    pub tail: Vec<Event>,
    /// The names of the machines, by id.
    pub machines: Vec<String>,
    /// Every choice that was made.
    pub choices: Vec<Choice>,
    /// The digest after each full 1,024 events.
    pub checkpoints: Vec<u64>,
    /// Why the trace is not complete, if it is not.
    pub trace_error: Option<String>,
}

impl RunReport {
    /// The last events as lines of text, oldest first.
    pub fn tail_lines(&self) -> Vec<String> {
        let line = |event| Line { event, names: &self.machines }.to_string();
        self.tail.iter().map(line).collect()
    }
}

/// Why there is no report: our own failure, never the provider's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the simulator itself failed in {scenario}, seed {seed}: {message}; \
     this is a bug of wspsim, please report it with this line"
)]
pub struct RunError {
    /// The scenario.
    pub scenario: &'static str,
    /// The seed.
    pub seed: u64,
    /// What went wrong.
    pub message: String,
}

/// Runs `scenario` once.
///
/// Not to be called inside a tokio runtime: turmoil has its own.
///
/// # Errors
/// [`RunError`] when the simulator itself failed, be it by a panic; what a provider does wrong is in
/// the report.
pub fn run(scenario: &dyn Scenario, options: RunOptions) -> Result<RunReport, RunError> {
    let (name, seed) = (scenario.name(), options.seed);
    let failed = |message| RunError { scenario: name, seed, message };
    match catch_unwind(AssertUnwindSafe(|| run_caught(scenario, options))) {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(DriverError(message))) => Err(failed(message)),
        Err(payload) => Err(failed(panic_message(&*payload))),
    }
}

fn run_caught(scenario: &dyn Scenario, options: RunOptions) -> Result<RunReport, DriverError> {
    let RunOptions { seed, profile, faults, settings, trace, replay, checkpoints, provider } =
        options;
    let settings =
        settings.unwrap_or_else(|| Settings::draw(seed, bounds(scenario), profile, &faults));
    let mut builder = WorldBuilder::new(provider.unwrap_or_else(default_provider));
    scenario.build(&mut builder);
    let directory = builder.directory();
    let names = directory.names();
    let choices = match replay {
        Some(choices) => Choices::replaying(seed, choices),
        None => Choices::from_seed(seed),
    };
    let recorder = Recorder::new()
        .with_trace(trace.map(|writer| Trace::new(writer, names.clone())))
        .expecting(checkpoints);
    let oracles = Oracles::new(settings.profile);
    let shared = Rc::new(Shared::new(choices, recorder, oracles, settings, directory));

    let hosts = builder.into_machines().into_iter().map(|spec| host(&shared, spec)).collect();
    let ended = Driver::new(shared.clone(), hosts).drive()?;

    let mut recorder = shared.recorder.borrow_mut();
    let trace_error = recorder.take_trace().and_then(Trace::finish);
    let choices = shared.choices.borrow();
    Ok(RunReport {
        scenario: scenario.name(),
        seed,
        settings: shared.settings.clone(),
        finding: shared.finding(),
        ended,
        digest: recorder.digest(),
        steps: recorder.steps(),
        virtual_ns: recorder.last_ns(),
        sends: recorder.sends(),
        completions: recorder.completions(),
        faults: *shared.faults.borrow().counts(),
        tail: recorder.tail(),
        machines: names.iter().map(|name| (**name).to_owned()).collect(),
        choices: choices.recorded().to_vec(),
        checkpoints: recorder.checkpoints().to_vec(),
        trace_error,
    })
}

fn host(shared: &Rc<Shared>, spec: Rc<MachineSpec>) -> Host {
    let shared = shared.clone();
    let counters = Rc::new(Counters::default());
    let role = spec.role;
    let boot = move |incarnation, now_ns| -> Rc<dyn Node> {
        Rc::new(Machine::boot(shared.clone(), &spec, counters.clone(), incarnation, now_ns))
    };
    Host { role, boot: Box::new(boot) }
}

/// The provider core.
fn default_provider() -> Rc<ProviderFactory> {
    Rc::new(|host, profile| Rc::new(Provider::new(host, profile)))
}

#[cfg(test)]
mod tests;
