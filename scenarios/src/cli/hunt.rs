//! `hunt`: many seeds of many scenarios, as many at once as there are jobs.
//!
//! Runs are numbered seed by seed, all scenarios for one seed before the next seed. Workers take
//! the numbers in order and make the runs; this thread puts the results back in order and counts,
//! writes and tells, so that nothing but the speed depends on the number of jobs. What `--time`
//! cuts off is the end of the list.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};

use wspsim::run::RunReport;

use super::args::{Hunt, ProfileArg};
use super::clock::{Clock, cores, per_second};
use super::console::{Console, Stream, Style};
use super::error::{CLEAN, Error, FOUND, OwnError};
use super::json;
use super::out_dir::OutDir;
use super::progress::Progress;
use super::seeds::Seeds;
use super::select::{self, Entry};
use super::show;
use super::summary::{Found, Pins, Summary, make, summarise};
use super::table;
use super::tally::Tally;
use super::watchdog::Watchdog;
use super::{House, output};

/// How often progress is looked at while no run ends.
const TICK: Duration = Duration::from_millis(100);
/// Results that may wait for this thread.
const WAITING_MAX: usize = 256;
/// A run's program works on pooled stacks of its own; a worker's stack carries the rest.
const WORKER_STACK: usize = 8 << 20;

/// Hunts, and tells what was found.
///
/// # Errors
/// [`Error`].
pub(super) fn hunt(house: &House<'_>, args: &Hunt, console: &mut Console) -> Result<u8, Error> {
    let faults = select::fault_choice(&args.pinned)?;
    let pins = Pins { profile: args.pinned.profile.map(ProfileArg::profile), faults };
    let scenarios = select::scenarios(house.scenarios, &args.scenarios, &pins)?;
    if args.scenarios.is_empty() && scenarios.len() < house.scenarios.len() {
        let left_out = left_out(house.scenarios, &scenarios);
        output(console.err.line(&format!(
            "left out, as they are not for these faults or this profile: {left_out}"
        )))?;
    }
    let out = OutDir::prepare(&args.out)?;
    let jobs = args.jobs.unwrap_or_else(cores);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .stack_size(WORKER_STACK)
        .build()
        .map_err(|error| OwnError::Workers { jobs, message: error.to_string() })?;
    let limit = args.time.map(Duration::from_secs);
    let list = RunList::new(&scenarios, args.seeds, limit);

    let mut harvest = Harvest {
        program: house.program,
        tallies: scenarios.iter().map(|scenario| Tally::new(scenario.name())).collect(),
        findings: Vec::new(),
        progress: Progress::start(console.err.clone(), list.total(), limit),
        // The object on standard output stands alone.
        stories: if args.json { console.err.clone() } else { console.out.clone() },
        out,
        pinned: args.pinned.as_options(),
    };
    let watchdog = Watchdog::start(console.err.clone(), Duration::from_secs(args.patience.stall));
    let pinned = harvest.pinned.clone();
    let (results, received) = sync_channel(WAITING_MAX);
    pool.in_place_scope(|scope| {
        for _ in 0..jobs {
            let results = results.clone();
            let (list, pins, watchdog, pinned) = (&list, &pins, &watchdog, &*pinned);
            scope.spawn(move |_| {
                let make = |scenario: Entry, seed| {
                    make(house, scenario, pins.options(house, seed), watchdog, pinned)
                };
                work(list, make, &results);
            });
        }
        drop(results);
        let harvested = harvest.take_in(&received);
        list.stop();
        // Workers that wait to hand in a result see that nobody takes it.
        drop(received);
        harvested
    })?;
    let elapsed = harvest.progress.elapsed();
    harvest.progress.end();
    harvest.tell(console, args.json, jobs, elapsed)
}

fn left_out(all: &[Entry], chosen: &[Entry]) -> String {
    let chosen: Vec<&str> = chosen.iter().map(|scenario| scenario.name()).collect();
    let names = all.iter().map(|scenario| scenario.name());
    names.filter(|name| !chosen.contains(name)).collect::<Vec<_>>().join(", ")
}

/// The runs of a hunt, numbered from 0.
struct RunList<'a> {
    scenarios: &'a [Entry],
    seeds: Seeds,
    next: AtomicU64,
    stopped: AtomicBool,
    clock: Clock,
    limit: Option<Duration>,
}

impl<'a> RunList<'a> {
    fn new(scenarios: &'a [Entry], seeds: Seeds, limit: Option<Duration>) -> Self {
        Self {
            scenarios,
            seeds,
            next: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            clock: Clock::start(),
            limit,
        }
    }

    fn total(&self) -> u64 {
        self.seeds.count().saturating_mul(self.scenarios.len() as u64)
    }

    /// The next run to make. Whatever number was given out is made, so what was made has no gap.
    fn take(&self) -> Option<(u64, Entry, u64)> {
        let over = self.limit.is_some_and(|limit| self.clock.elapsed() >= limit);
        if over || self.stopped.load(Ordering::Relaxed) || self.scenarios.is_empty() {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.scenarios.len() as u64;
        let scenario = self.scenarios[(number % count) as usize];
        Some((number, scenario, self.seeds.at(number / count)?))
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

type Handed = (u64, Result<Summary, OwnError>);

fn work(
    list: &RunList<'_>,
    make: impl Fn(Entry, u64) -> Result<(RunReport, Duration), OwnError>,
    results: &SyncSender<Handed>,
) {
    while let Some((number, scenario, seed)) = list.take() {
        let summary = make(scenario, seed).map(|(report, busy)| summarise(&report, busy));
        if results.send((number, summary)).is_err() {
            return;
        }
    }
}

/// What came in so far.
struct Harvest<'a> {
    program: &'a str,
    tallies: Vec<Tally>,
    findings: Vec<json::Finding>,
    progress: Progress,
    stories: Stream,
    out: OutDir,
    pinned: String,
}

impl Harvest<'_> {
    /// Takes in results until all workers have ended.
    fn take_in(&mut self, received: &Receiver<Handed>) -> Result<(), Error> {
        let mut early: BTreeMap<u64, Result<Summary, OwnError>> = BTreeMap::new();
        let mut next = 0;
        loop {
            match received.recv_timeout(TICK) {
                Ok((number, summary)) => {
                    early.insert(number, summary);
                    while let Some(summary) = early.remove(&next) {
                        self.add(next, &summary?)?;
                        next += 1;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            output(self.progress.show())?;
        }
    }

    fn add(&mut self, number: u64, summary: &Summary) -> Result<(), Error> {
        let count = self.tallies.len() as u64;
        self.tallies[(number % count) as usize].add(summary);
        self.progress.advance(summary.found.is_some());
        if let Some(found) = &summary.found {
            self.keep(summary, found)?;
        }
        Ok(())
    }

    /// Writes a finding and tells of it.
    fn keep(&mut self, summary: &Summary, found: &Found) -> Result<(), Error> {
        let path = self.out.write(&found.file, &self.pinned)?;
        let finding = json::Finding::new(self.program, summary, found, &path, &self.pinned);
        let Self { stories, progress, .. } = self;
        let head = stories.styled(Style::Bad, "finding");
        let told = progress.aside(|| {
            stories.line(&format!(
                "{head} in {}, seed {}, step {}: {} ({}): {}\n  {}\n  {}",
                summary.scenario,
                summary.seed,
                found.step,
                found.oracle,
                found.clause,
                found.message,
                finding.replay(),
                finding.run(),
            ))
        });
        output(told)?;
        self.findings.push(finding);
        Ok(())
    }

    fn tell(
        &self,
        console: &mut Console,
        json: bool,
        jobs: usize,
        elapsed: Duration,
    ) -> Result<u8, Error> {
        let runs = self.tallies.iter().map(|tally| tally.runs).sum();
        let rate = per_second(runs, elapsed, 1);
        let out = &mut console.out;
        if json {
            let scenarios = self.tallies.iter().map(|tally| scenario(tally, jobs)).collect();
            let object =
                json::Hunt { runs, findings: &self.findings, seeds_per_second: rate, scenarios };
            output(json::print(out, &object))?;
        } else {
            for line in table::lines(out, &self.tallies, jobs) {
                output(out.line(&line))?;
            }
            let found = show::counted(self.findings.len() as u64, "finding");
            let found =
                out.styled(if self.findings.is_empty() { Style::Good } else { Style::Bad }, &found);
            output(out.line(&format!(
                "{} in {}, {rate} seeds a second: {found}",
                show::counted(runs, "run"),
                show::span(elapsed),
            )))?;
        }
        Ok(if self.findings.is_empty() { CLEAN } else { FOUND })
    }
}

fn scenario(tally: &Tally, jobs: usize) -> json::Scenario<'_> {
    json::Scenario {
        name: tally.name,
        runs: tally.runs,
        digest: json::Digest(tally.digest()),
        findings: tally.findings,
        seeds_per_second: tally.seeds_per_second(jobs),
        virtual_ms: tally.virtual_ns / json::NS_PER_MS,
        sends: tally.sends,
        completions: tally.completions,
        faults: json::Strikes(&tally.faults),
    }
}
