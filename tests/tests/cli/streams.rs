//! What goes to which stream, and what happens when nobody reads it.

use std::process::{Command, Stdio};

use crate::program::{finish, process, wspsim};

fn a_scenario() -> &'static str {
    wspsim_scenarios::all()[0].name()
}

#[test]
fn help_and_version_are_answers() {
    for args in [&["--help"][..], &["--version"], &["hunt", "--help"], &["help", "run"]] {
        let done = wspsim(args);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{args:?}");
        assert!(!done.out.is_empty(), "{args:?}");
    }
}

#[test]
fn the_version_names_the_provider_core() {
    let done = wspsim(&["--version"]);
    let core = format!("provider core {}", provider_core::SOURCE_DIGEST);
    assert_eq!(done.out.lines().nth(1), Some(core.as_str()));
}

#[test]
fn no_colour_when_piped() {
    for args in [
        &["--help"][..],
        &["list"],
        &["run", a_scenario(), "--seed", "1"],
        &["hunt", a_scenario(), "--seeds", "0..2"],
        &["hunt", "--seeds", "9..2"],
        &["run", "no-such-scenario", "--seed", "1"],
    ] {
        let mut command = process(args);
        // Not even where somebody forces it: the streams are pipes.
        let done = finish(command.env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR"));
        assert!(!done.out.contains('\x1b') && !done.err.contains('\x1b'), "{args:?}: {done:?}");
    }
}

/// The process answers as the library does.
#[test]
fn exit_codes_of_the_process() {
    assert_eq!(finish(&mut process(&["list"])).code, 0);
    assert_eq!(finish(&mut process(&["run", "no-such-scenario", "--seed", "1"])).code, 2);
    assert_eq!(finish(&mut process(&["hunt", "--seeds", "9..2"])).code, 2);
    let args = ["run", a_scenario(), "--seed", "1", "--no-faults", "--json"];
    let done = finish(&mut process(&args));
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{done:?}");
}

/// A reader that goes away (`| head -1`) ends the output, and nothing else.
#[test]
fn a_closed_pipe_is_no_failure() {
    for args in [
        &["list"][..],
        &["--help"],
        &["run", a_scenario(), "--seed", "1", "--no-faults", "--trace", "-"],
    ] {
        let done = closed(process(args).stderr(Stdio::piped()), |child| drop(child.stdout.take()));
        assert_eq!((done.0, done.1.as_str()), (0, ""), "{args:?}");
    }
    let done =
        closed(process(&["run", "no-such", "--seed", "1"]).stderr(Stdio::piped()), |child| {
            drop(child.stderr.take());
        });
    assert_eq!(done.0, 2);
}

/// Starts, closes an end, and gives exit code and what was still read of standard error.
fn closed(command: &mut Command, close: impl FnOnce(&mut std::process::Child)) -> (i32, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the built binary starts");
    close(&mut child);
    let output = child.wait_with_output().expect("the process ends");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The trace has standard output to itself up to the summary, and has lines.
#[test]
fn a_trace_on_standard_output() {
    let plain = wspsim(&["run", a_scenario(), "--seed", "1", "--no-faults"]);
    let traced = wspsim(&["run", a_scenario(), "--seed", "1", "--no-faults", "--trace", "-"]);
    assert_eq!(traced.code, 0, "{}", traced.err);
    assert!(traced.out.lines().count() > 100 + plain.out.lines().count());
    // Digest and all: a trace changes nothing.
    assert!(traced.out.ends_with(&plain.out));
}
