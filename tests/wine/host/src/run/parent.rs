//! Runs all cases, each in a process that it shares with those before it only as long as they held.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use provider_core::Profile;
use wspsim_conformance::{Case, Hosts};

use super::arguments::{Arguments, profile_name};
use super::child;
use super::report::Report;

/// A case under a profile.
#[derive(Clone, Copy)]
pub(super) struct Job {
    pub(super) case: &'static Case,
    pub(super) profile: Profile,
}

/// All that run here, profile by profile.
fn jobs(arguments: &Arguments, cases: &[&'static Case]) -> VecDeque<Job> {
    let wanted = |case: &&&'static Case| {
        !matches!(case.hosts, Hosts::Simulator(_))
            && arguments.only.as_ref().is_none_or(|text| case.name.contains(text.as_str()))
    };
    [Profile::Documented, Profile::Windows]
        .into_iter()
        .filter(|profile| arguments.profile.is_none_or(|only| only == *profile))
        .flat_map(|profile| {
            let under = cases.iter().filter(wanted);
            let under = under.filter(move |case| case.profiles.list().contains(&profile));
            under.map(move |case| Job { case, profile })
        })
        .collect()
}

/// A process that runs cases of one profile.
struct Runner {
    profile: Profile,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Runner {
    fn start(arguments: &Arguments, profile: Profile) -> Result<Self, String> {
        let said = |error: std::io::Error| format!("a process for cases: {error}");
        let exe = std::env::current_exe().map_err(said)?;
        let files = &arguments.files;
        let mut process = Command::new(exe)
            .args([child::TASK, "--profile", profile_name(profile)])
            .arg("--provider")
            .arg(&files.provider)
            .arg("--lower")
            .arg(&files.lower)
            .envs(files.environment())
            .env("WSPPROVIDER_PROFILE", profile_name(profile))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(said)?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let (Some(input), Some(output)) = (input, output) else {
            return Err("a process for cases has no pipes".to_owned());
        };
        Ok(Self { profile, process, input, output: BufReader::new(output) })
    }

    /// Runs a case. `Err` with how it failed; the process is then of no more use.
    fn run(&mut self, case: &Case) -> Result<(), String> {
        let mut answer = String::new();
        let asked = writeln!(self.input, "{}", case.name).and_then(|()| self.input.flush());
        let read = asked.and_then(|()| self.output.read_line(&mut answer));
        match (read, answer.trim_end()) {
            (Ok(_), child::OK) => Ok(()),
            (Ok(1..), other) => match other.strip_prefix(child::FAILED) {
                Some(why) => Err(why.to_owned()),
                None => Err(format!("the process says `{other}`")),
            },
            _ => Err(self.end()),
        }
    }

    /// How a process ended that no longer answers.
    fn end(&mut self) -> String {
        match self.process.wait() {
            Ok(status) if status.code() == Some(child::TOO_LONG as i32) => {
                format!("it took longer than {} s", child::CASE_LIMIT_S)
            }
            Ok(status) => format!("the process ended with {status}"),
            Err(error) => format!("the process is gone: {error}"),
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Takes jobs until there are none.
fn work(arguments: &Arguments, jobs: &Mutex<VecDeque<Job>>, report: &Mutex<Report>) {
    let mut runner: Option<Runner> = None;
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(job) = job else { return };
        let fits = runner.take().filter(|runner| runner.profile == job.profile);
        let started = fits.map_or_else(|| Runner::start(arguments, job.profile), Ok);
        let result = started.and_then(|mut started| {
            let result = started.run(job.case);
            if result.is_ok() {
                runner = Some(started);
            }
            result
        });
        report.lock().unwrap_or_else(PoisonError::into_inner).add(job, result);
    }
}

pub(super) fn conformance(arguments: &Arguments) -> Result<bool, String> {
    for file in [&arguments.files.provider, &arguments.files.lower] {
        if !file.exists() {
            return Err(format!("{} is not there: `cargo xtask dll` builds it", file.display()));
        }
    }
    let cases = wspsim_conformance::all();
    let jobs = Mutex::new(jobs(arguments, &cases));
    let report = Mutex::new(Report::new(&cases, arguments.json));
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs {
            scope.spawn(|| work(arguments, &jobs, &report));
        }
    });
    let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(report.finish())
}
