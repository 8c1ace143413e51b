use core::cell::RefCell;
use std::io::Write;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use provider_core::spi::{AF_INET, SOCK_DGRAM};

use super::*;
use crate::api::Os;
use crate::finding::{FindingFile, Replay, replay};
use crate::settings::{Limits, SECOND};
use crate::world::WorldBuilder;

/// One client asks a server for echoes, blocking, again when one is late; what fails in it is up to
/// `bug`.
struct Ping {
    bug: fn(&Os, u32),
}

impl Scenario for Ping {
    fn name(&self) -> &'static str {
        "ping"
    }

    fn about(&self) -> &'static str {
        "The smallest thing that has everything."
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Crash]
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 5 * SECOND, ..Limits::default() }
    }

    fn build(&self, world: &mut WorldBuilder) {
        let bug = self.bug;
        world.server("server", |os| {
            let _ = os.wsa_startup();
            let Ok(s) = os.socket(AF_INET, SOCK_DGRAM, 0) else { return };
            let _ = os.bind(s, "0.0.0.0:7".parse().unwrap());
            let _ = os.setsockopt(s, provider_core::spi::SO_RCVTIMEO, 50);
            let mut bytes = [0; 64];
            while !os.is_stopping() {
                if let Ok((len, from)) = os.recvfrom(s, &mut bytes, 0) {
                    let _ = os.sendto(s, &bytes[..len], 0, from);
                }
            }
            let _ = os.closesocket(s);
            let _ = os.wsa_cleanup();
        });
        world.client("client", move |os| {
            let _ = os.wsa_startup();
            let Ok(s) = os.socket(AF_INET, SOCK_DGRAM, 0) else { return };
            let _ = os.bind(s, "0.0.0.0:0".parse().unwrap());
            let _ = os.setsockopt(s, provider_core::spi::SO_RCVTIMEO, 50);
            let server = (os.address_of("server"), 7).into();
            for n in 0..10u32 {
                let mut bytes = [0; 64];
                while !matches!(os.recvfrom(s, &mut bytes, 0), Ok((4, _)) if bytes[..4] == n.to_le_bytes()) {
                    let _ = os.sendto(s, &n.to_le_bytes(), 0, server);
                }
                bug(os, n);
            }
            let _ = os.closesocket(s);
            let _ = os.wsa_cleanup();
        });
    }
}

const SOUND: Ping = Ping { bug: |_, _| {} };

/// Wrong once in about thirty draws.
const RARELY_WRONG: Ping = Ping { bug: |os, _| os.check(os.random_below(30) != 0, "zero") };

fn ok(scenario: &Ping, options: RunOptions) -> RunReport {
    run(scenario, options).unwrap()
}

#[test]
fn a_sound_run_is_clean_and_the_same_each_time() {
    let first = ok(&SOUND, RunOptions::seed(3));
    assert_eq!(first.finding, None);
    assert_eq!(first.ended, Ended::Done);
    assert!(first.sends >= 20, "ten pings and ten echoes");
    let again = ok(&SOUND, RunOptions::seed(3));
    assert_eq!((first.digest, first.steps), (again.digest, again.steps));
    assert_ne!(first.digest, ok(&SOUND, RunOptions::seed(4)).digest);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "whole runs beside one another")]
fn runs_in_several_threads_are_the_same_runs() {
    let digests = || [1, 2, 3, 2].map(|seed| ok(&SOUND, RunOptions::seed(seed)).digest);
    let here = digests();
    let threads: Vec<_> = (0..3).map(|_| thread::spawn(digests)).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), here);
    }
}

#[test]
fn a_report_can_leave_its_thread() {
    fn is_send<T: Send>() {}
    is_send::<RunReport>();
    is_send::<RunError>();
    is_send::<FindingFile>();
}

struct Lines(Sender<Vec<u8>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_trace_has_a_line_for_each_event_and_changes_nothing() {
    let plain = ok(&SOUND, RunOptions::seed(5));
    let (sender, receiver) = channel();
    let options = RunOptions { trace: Some(Box::new(Lines(sender))), ..RunOptions::seed(5) };
    let traced = ok(&SOUND, options);
    assert_eq!((plain.digest, plain.steps), (traced.digest, traced.steps));
    assert_eq!(traced.trace_error, None);
    let text = String::from_utf8(receiver.try_iter().flatten().collect()).unwrap();
    assert_eq!(text.lines().count() as u64, traced.steps);
    let last: Vec<&str> = text.lines().skip(traced.steps.saturating_sub(200) as usize).collect();
    assert_eq!(last, traced.tail_lines());
}

#[test]
fn pinned_settings_are_what_the_run_has() {
    let options = RunOptions {
        profile: Some(Profile::Windows),
        faults: FaultChoice::None,
        ..RunOptions::seed(1)
    };
    let report = ok(&SOUND, options);
    assert_eq!(report.settings.profile, Profile::Windows);
    assert_eq!(report.faults, [0; Fault::ALL.len()]);
}

/// The file of the first seed that finds something.
fn found() -> (FindingFile, RunReport) {
    let mut reports = (0..200).map(|seed| ok(&RARELY_WRONG, RunOptions::seed(seed)));
    let report = reports.find(|report| report.finding.is_some()).expect("one in thirty");
    (FindingFile::of(&report).unwrap(), report)
}

#[test]
fn a_finding_is_reproduced_at_the_same_step_always() {
    for seed in 0..60 {
        let report = ok(&RARELY_WRONG, RunOptions::seed(seed));
        let Some(file) = FindingFile::of(&report) else { continue };
        for _ in 0..2 {
            match replay(&RARELY_WRONG, &file, None, None).unwrap() {
                Replay::Reproduced(again) => {
                    assert_eq!(again.finding, report.finding);
                    assert_eq!(again.digest, report.digest);
                }
                other => panic!("seed {seed}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_finding_is_reproduced_from_its_choices_alone() {
    let (mut file, report) = found();
    file.seed += 1;
    let again = replay(&RARELY_WRONG, &file, None, None).unwrap();
    assert!(matches!(&again, Replay::Reproduced(r) if r.finding == report.finding), "{again:?}");
}

#[test]
fn a_fixed_program_runs_clean() {
    // It draws as before, and finds nothing wrong with what it drew.
    let fixed = Ping { bug: |os, _| os.check(os.random_below(30) < 30, "zero") };
    let (file, report) = found();
    match replay(&fixed, &file, None, None).unwrap() {
        Replay::Clean(clean) => assert!(clean.steps > report.steps),
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_program_departs_and_the_step_is_told() {
    let (file, report) = found();
    let other = Ping {
        bug: |os, _| {
            os.random_below(30);
            os.sleep(1);
            os.random_below(7);
        },
    };
    match replay(&other, &file, None, None).unwrap() {
        Replay::Departed { step, .. } => assert!(step <= report.steps.max(4096), "{step}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_finding_that_is_another_one_departs() {
    let (mut file, report) = found();
    file.broken.clause = "something else".to_owned();
    match replay(&RARELY_WRONG, &file, None, None).unwrap() {
        Replay::Departed { step, .. } => assert_eq!(step, report.finding.unwrap().step),
        other => panic!("{other:?}"),
    }
}

struct Broken;

impl Scenario for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn about(&self) -> &'static str {
        "Panics before there is a world."
    }

    fn build(&self, _: &mut WorldBuilder) {
        panic!("no world today");
    }
}

#[test]
fn a_panic_of_ours_is_an_error_that_says_where() {
    let error = run(&Broken, RunOptions::seed(9)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the simulator itself failed in broken, seed 9: no world today; \
         this is a bug of wspsim, please report it with this line"
    );
}

#[test]
fn a_panic_of_a_program_is_a_finding() {
    let report = ok(&Ping { bug: |_, _| panic!("not my day") }, RunOptions::seed(1));
    let violation = report.finding.unwrap().violation;
    assert!(violation.message.contains("not my day"), "{violation:?}");
}

#[test]
fn nothing_of_a_run_stays_behind() {
    let made = Rc::new(());
    for scenario in [&SOUND, &RARELY_WRONG] {
        for seed in 0..8 {
            let token = made.clone();
            let providers = Rc::new(RefCell::new(Vec::new()));
            let list = providers.clone();
            let provider: Rc<ProviderFactory> = Rc::new(move |host, profile| {
                let _ = &token;
                let provider: Rc<dyn ServiceProvider> = Rc::new(Provider::new(host, profile));
                list.borrow_mut().push(Rc::downgrade(&provider));
                provider
            });
            ok(scenario, RunOptions { provider: Some(provider), ..RunOptions::seed(seed) });
            assert!(providers.borrow().len() >= 2);
            assert!(providers.borrow().iter().all(|provider| provider.upgrade().is_none()));
        }
    }
    assert_eq!(Rc::strong_count(&made), 1);
}
