use std::rc::Rc;
use std::thread;

use super::*;
use crate::choice::{Choices, Rate};
use crate::event::Event;
use crate::fault::{Fault, FaultPlan};
use crate::recorder::Recorder;
use crate::settings::{Limits, MS, Network, SECOND, Settings};
use crate::world::{Directory, Finding, Node};

use echo::{Echo, Work};

mod echo;

const WORK: Work = Work { count: 200, window: 8, retry_ns: 50 * MS, rounds: 1, pause_ns: 0 };

fn lossy() -> Settings {
    let network =
        Network { in_order: false, loss: Rate::from_millionths(20_000), ..Network::default() };
    Settings { network, ..Settings::default() }
}

fn with(rates: &[(Fault, u64)]) -> Settings {
    let mut plan = FaultPlan::none();
    for (fault, millionths) in rates {
        plan.set_rate(*fault, Rate::from_millionths(*millionths));
    }
    Settings { plan, ..lossy() }
}

struct Outcome {
    ended: Result<Ended, DriverError>,
    digest: u128,
    steps: u64,
    virtual_ns: u64,
    faults: [u64; Fault::ALL.len()],
    finding: Option<Finding>,
    tail: Vec<Event>,
}

/// One server and two clients.
fn drive(seed: u64, settings: Settings, work: Work) -> Outcome {
    let oracles = Oracles::new(settings.profile);
    let directory = Directory::new(vec!["server".into(), "one".into(), "two".into()]);
    let choices = Choices::from_seed(seed);
    let shared = Rc::new(Shared::new(choices, Recorder::new(), oracles, settings, directory));
    let host = |id: u16, role, work| {
        let shared = shared.clone();
        let boot = move |incarnation, now_ns| -> Rc<dyn Node> {
            Echo::boot(&shared, MachineId(id), MachineId(0), work, incarnation, now_ns)
        };
        Host { role, boot: Box::new(boot) }
    };
    let hosts = vec![
        host(0, Role::Server, None),
        host(1, Role::Client, Some(work)),
        host(2, Role::Client, Some(work)),
    ];
    let ended = Driver::new(shared.clone(), hosts).drive();
    let mut recorder = shared.recorder.borrow_mut();
    assert!(ended.is_err() || Rc::strong_count(&shared) == 1, "nothing of a run stays behind");
    Outcome {
        ended,
        digest: recorder.digest(),
        steps: recorder.steps(),
        virtual_ns: recorder.last_ns(),
        faults: *shared.faults.borrow().counts(),
        finding: shared.finding(),
        tail: recorder.tail(),
    }
}

#[test]
fn datagrams_are_echoed_over_loss() {
    let outcome = drive(1, lossy(), WORK);
    assert_eq!(outcome.ended, Ok(Ended::Done));
    // 400 there, 400 back, each sent and received, and some lost.
    assert!((1600..2000).contains(&outcome.steps), "{}", outcome.steps);
    assert!((100 * MS..SECOND).contains(&outcome.virtual_ns), "{}", outcome.virtual_ns);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "whole runs beside one another")]
fn one_seed_is_one_run() {
    for settings in [lossy(), with(&[(Fault::Partition, 100_000), (Fault::Crash, 50_000)])] {
        let work = Work { rounds: 3, pause_ns: SECOND, ..WORK };
        let first = drive(7, settings.clone(), work);
        let again = drive(7, settings.clone(), work);
        let other = drive(8, settings.clone(), work);
        assert_eq!((first.digest, first.steps), (again.digest, again.steps));
        assert_ne!(first.digest, other.digest);
        // And in threads beside one another, several runs each.
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let settings = settings.clone();
                thread::spawn(move || {
                    [7, 8, 7].map(|seed| drive(seed, settings.clone(), work).digest)
                })
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), [first.digest, other.digest, first.digest]);
        }
    }
}

#[test]
fn idle_time_costs_nothing() {
    // Ten rounds with six idle minutes after each: an hour. Step by step it would take seconds.
    let work = Work { count: 8, rounds: 10, pause_ns: 360 * SECOND, ..WORK };
    let limits = Limits { chaos_ns: 5_000 * SECOND, liveness_ns: SECOND };
    let outcome = drive(1, Settings { limits, ..lossy() }, work);
    assert_eq!(outcome.ended, Ok(Ended::Done));
    assert!(outcome.virtual_ns >= 9 * 360 * SECOND);
    assert!(outcome.steps < 1_000);
}

#[test]
fn crashes_and_restarts_are_survived() {
    let work = Work { rounds: 20, pause_ns: 300 * MS, ..WORK };
    let mut crashes = 0;
    for seed in 0..8 {
        let outcome = drive(seed, with(&[(Fault::Crash, 50_000)]), work);
        assert_eq!(outcome.ended, Ok(Ended::Done), "seed {seed}");
        crashes += outcome.faults[Fault::Crash as usize];
    }
    assert!(crashes > 10, "{crashes}");
}

#[test]
fn partitions_and_heals_are_survived() {
    let mut cuts = 0;
    for seed in 0..8 {
        let work = Work { rounds: 20, pause_ns: 300 * MS, ..WORK };
        let outcome = drive(seed, with(&[(Fault::Partition, 50_000)]), work);
        assert_eq!(outcome.ended, Ok(Ended::Done), "seed {seed}");
        cuts += outcome.faults[Fault::Partition as usize];
    }
    assert!(cuts > 10, "{cuts}");
}

#[test]
fn chaos_ends_and_the_rest_is_calm() {
    // Every link is cut again as soon as it heals; only the calm lets anything through for long.
    let limits = Limits { chaos_ns: 2 * SECOND, liveness_ns: 60 * SECOND };
    let work = Work { rounds: 10, pause_ns: 500 * MS, ..WORK };
    let outcome = drive(3, Settings { limits, ..with(&[(Fault::Partition, 900_000)]) }, work);
    assert_eq!(outcome.ended, Ok(Ended::Done));
    let faults_after: Vec<_> = outcome
        .tail
        .iter()
        .filter(|event| matches!(event.what, What::Partition(_, _, true) | What::Fault(_)))
        .collect();
    assert!(faults_after.is_empty(), "{faults_after:?}");
}

#[test]
fn what_never_ends_is_a_finding() {
    let limits = Limits { chaos_ns: SECOND, liveness_ns: 5 * SECOND };
    let network = Network { loss: Rate::ALWAYS, ..Network::default() };
    let outcome = drive(1, Settings { limits, network, ..Settings::default() }, WORK);
    assert_eq!(outcome.ended, Ok(Ended::Found));
    let finding = outcome.finding.unwrap();
    assert_eq!(finding.violation.oracle, "liveness");
    assert!(finding.violation.message.contains("one:\n  main: waits for 8 echoes"), "{finding:?}");
    assert_eq!(finding.at.time_ns, 6 * SECOND);
}

#[test]
fn what_waits_for_nothing_is_a_finding_at_once() {
    let network = Network { loss: Rate::ALWAYS, ..Network::default() };
    let work = Work { retry_ns: u64::MAX / 4, ..WORK };
    let outcome = drive(1, Settings { network, ..Settings::default() }, work);
    assert_eq!(outcome.ended, Ok(Ended::Found));
    assert!(outcome.finding.is_some());
}

/// A node that does one thing wrong.
struct Bad(fn());

impl Node for Bad {
    fn receive(&self, _: crate::world::WirePacket) {}
    fn run(&self, _: u64, _: u64) {
        (self.0)();
    }
    fn next_due(&self) -> Option<u64> {
        None
    }
    fn take_sent(&self, _: &mut Vec<crate::world::Outgoing>) {}
    fn crash_requested(&self) -> bool {
        false
    }
    fn finished(&self) -> bool {
        false
    }
    fn stop(&self) {}
    fn power_off(&self) {}
    fn describe(&self, into: &mut String) {
        into.push_str("  main: waits for ever\n");
    }
}

fn drive_bad(act: fn()) -> (Result<Ended, DriverError>, Option<Finding>) {
    let settings = Settings::default();
    let oracles = Oracles::new(settings.profile);
    let directory = Directory::new(vec!["bad".into()]);
    let choices = Choices::from_seed(1);
    let shared = Rc::new(Shared::new(choices, Recorder::new(), oracles, settings, directory));
    let host = Host { role: Role::Client, boot: Box::new(move |_, _| Rc::new(Bad(act))) };
    let ended = Driver::new(shared.clone(), vec![host]).drive();
    (ended, shared.finding())
}

#[test]
fn a_deadlock_is_a_finding_that_names_who_waits() {
    let (ended, finding) = drive_bad(|| {});
    assert_eq!(ended, Ok(Ended::Found));
    let violation = finding.unwrap().violation;
    assert_eq!(
        violation.message,
        "the run does not end: nothing is left that could wake it\nbad:\n  main: waits for ever"
    );
}

#[test]
fn a_panic_of_the_simulator_is_an_error() {
    let (ended, finding) = drive_bad(|| panic!("the sky fell"));
    assert_eq!(ended, Err(DriverError("the sky fell".to_owned())));
    assert_eq!(finding, None);
    // And the thread is as good as before.
    assert_eq!(drive(1, lossy(), WORK).ended, Ok(Ended::Done));
}
