//! What is printed of a run, plain in every place.

use std::collections::BTreeMap;

use serde_json::json;
use wspsim_conformance::{Case, Hosts};

use super::arguments::profile_name;
use super::parent::Job;

/// What came of the cases so far.
pub(super) struct Report {
    json: bool,
    all: Vec<&'static Case>,
    /// By the names of the cases that ran: whether each held under all its profiles.
    ran: BTreeMap<&'static str, bool>,
    failures: Vec<String>,
}

impl Report {
    pub(super) fn new(all: &[&'static Case], json: bool) -> Self {
        Self { json, all: all.to_vec(), ran: BTreeMap::new(), failures: Vec::new() }
    }

    pub(super) fn add(&mut self, job: Job, result: Result<(), String>) {
        let Job { case, profile } = job;
        let profile = profile_name(profile);
        *self.ran.entry(case.name).or_insert(true) &= result.is_ok();
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        self.say(&format!("case {} ({profile}) ... {verdict}", case.name));
        if let Err(why) = result {
            self.failures.push(format!("{} ({profile}): {why}", case.name));
        }
    }

    fn say(&self, line: &str) {
        if !self.json {
            println!("{line}");
        }
    }

    /// Prints the end of it; gives whether everything held.
    pub(super) fn finish(mut self) -> bool {
        let passed = self.ran.values().filter(|held| **held).count();
        let failed = self.ran.len() - passed;
        self.failures.sort();
        if self.json {
            let marked: Vec<_> = self.all.iter().filter_map(|case| marked(case)).collect();
            let both = self.all.iter().filter(|case| case.hosts == Hosts::Both).count();
            println!(
                "{}",
                json!({
                    "cases": self.all.len(),
                    "passed": passed,
                    "failed": failed,
                    "on_both_hosts": both,
                    "marked": marked,
                })
            );
            self.failures.iter().for_each(|failure| eprintln!("{failure}"));
        } else {
            if failed > 0 {
                println!("\nfailures:");
                self.failures.iter().for_each(|failure| println!("    {failure}"));
            }
            println!("\n{passed} passed, {failed} failed");
        }
        failed == 0 && passed > 0
    }
}

fn marked(case: &Case) -> Option<serde_json::Value> {
    match case.hosts {
        Hosts::Simulator(reason) => Some(json!({ "case": case.name, "reason": reason })),
        Hosts::Both | Hosts::Process(_) => None,
    }
}
