//! One seed, one digest, whatever the build profile, the number of jobs and the process.

use std::path::PathBuf;

use crate::step::{Outcome, cargo, run, shown};

/// Seeds of every scenario; a debug build makes these runs too.
const SEEDS: &str = "0..20";

/// A build of the command line.
struct Build {
    name: &'static str,
    flags: &'static [&'static str],
}

const DEBUG: Build = Build { name: "debug", flags: &[] };
const RELEASE: Build = Build { name: "release", flags: &["--release"] };

/// Hunts the same seeds in both builds, with one job and with two, and compares the digests.
pub(crate) fn check() -> Outcome {
    for build in [&DEBUG, &RELEASE] {
        let mut args = vec!["build", "--bin", "wspsim"];
        args.extend(build.flags);
        run(&mut cargo(&args))?;
    }
    let first = digests(&RELEASE, "1")?;
    if first.is_empty() {
        return Err("the hunt knows no scenarios".to_owned());
    }
    for (build, jobs) in [(&RELEASE, "1"), (&RELEASE, "2"), (&DEBUG, "1"), (&DEBUG, "2")] {
        let other = digests(build, jobs)?;
        if other != first {
            return Err(format!(
                "digests differ: release with 1 job gave {first:?}, {} with {jobs} gave {other:?}",
                build.name
            ));
        }
    }
    println!("the digests of {} scenarios agree", first.len());
    Ok(())
}

/// A hunt in a process of its own: the digest of each scenario.
fn digests(build: &Build, jobs: &str) -> Result<Vec<String>, String> {
    let mut args = vec!["run", "--quiet", "--bin", "wspsim"];
    args.extend(build.flags);
    let out = scratch();
    let out = out.to_string_lossy();
    args.extend(["--", "hunt", "--json", "--seeds", SEEDS, "--jobs", jobs, "--out", &out]);
    let mut command = cargo(&args);
    println!("$ {}", shown(&command));
    let output = command.output().map_err(|error| format!("cannot start cargo: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the hunt ended with {}:\n{errors}{text}", output.status));
    }
    Ok(values(&text, "digest"))
}

/// Findings of the check, if there are any, are kept beside what was built.
fn scratch() -> PathBuf {
    crate::step::root().join("target").join("xtask-findings")
}

/// The string values of every member `name` of a one-line JSON text. None of ours is escaped.
fn values(text: &str, name: &str) -> Vec<String> {
    let start = format!("\"{name}\":\"");
    let after = text.split(&start).skip(1);
    after.filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_members() {
        let text = r#"{"a":[{"digest":"00"},{"digest":"1f","x":2}]}"#;
        assert_eq!(values(text, "digest"), ["00", "1f"]);
    }
}
