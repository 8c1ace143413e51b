//! `run`: one scenario, one seed.

use core::time::Duration;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use wspsim::fault::{Fault, FaultPlan};
use wspsim::run::RunReport;

use super::args::{ProfileArg, Run, profile_name};
use super::console::{Console, Stream, Style};
use super::error::{CLEAN, Error, FOUND, InputError, OwnError};
use super::json;
use super::select;
use super::show;
use super::summary::{Pins, Summary, make, summarise};
use super::watchdog::Watchdog;
use super::{House, output};

/// Runs, and tells what came of it.
///
/// # Errors
/// [`Error`].
pub(super) fn run(house: &House<'_>, args: &Run, console: &mut Console) -> Result<u8, Error> {
    let scenario = select::scenario(house.scenarios, &args.scenario)?;
    let faults = select::fault_choice(&args.pinned)?;
    select::check_lives_with(house.scenarios, scenario, &faults)?;
    let pins = Pins { profile: args.pinned.profile.map(ProfileArg::profile), faults };
    select::check_is_for(scenario, pins.profile)?;
    let mut options = pins.options(house, args.seed);
    if let Some(path) = &args.trace {
        options.trace = Some(open_trace(path, args.json, console)?);
    }

    let limit = Duration::from_secs(args.patience.stall);
    let watchdog = Watchdog::start(console.err.clone(), limit);
    let (report, busy) = make(house, scenario, options, &watchdog, &args.pinned.as_options())?;
    let summary = summarise(&report, busy);
    if args.json {
        output(json::print(&mut console.out, &json::Run::of(&summary)))?;
    } else {
        output(tell(&mut console.out, &report, &summary))?;
    }
    if let Some(why) = report.trace_error {
        return Err(OwnError::WriteTrace(why).into());
    }
    if summary.found.is_none() {
        return Ok(CLEAN);
    }
    let again = format!(
        "to run it again: {}",
        show::run_command(house.program, summary.scenario, summary.seed, &args.pinned.as_options())
    );
    let stream = if args.json { &mut console.err } else { &mut console.out };
    output(stream.line(&again))?;
    Ok(FOUND)
}

fn tell(out: &mut Stream, report: &RunReport, summary: &Summary) -> io::Result<()> {
    let outcome = match &summary.found {
        None => out.styled(Style::Good, "clean"),
        Some(found) => {
            out.styled(Style::Bad, &format!("finding by {} ({})", found.oracle, found.clause))
        }
    };
    for (name, value) in [
        ("scenario", summary.scenario.to_owned()),
        ("seed", summary.seed.to_string()),
        ("outcome", outcome),
        ("digest", json::Digest(summary.digest).to_string()),
        ("steps", summary.steps.to_string()),
        ("virtual time", show::span(Duration::from_nanos(summary.virtual_ns))),
        ("sends", summary.sends.to_string()),
        ("completions", summary.completions.to_string()),
        ("profile", profile_name(report.settings.profile).to_owned()),
        ("fault rates", rates(&report.settings.plan)),
        ("faults struck", show::strikes(&summary.faults)),
    ] {
        out.line(&format!("{name:<14} {value}"))?;
    }
    if let Some(found) = &summary.found {
        let when = show::span(Duration::from_nanos(found.time_ns));
        out.line(&format!("broke at       step {}, {when} of virtual time", found.step))?;
        out.line(&format!("what broke     {}", found.message))?;
    }
    Ok(())
}

/// The plan as `--fault` options would spell it.
fn rates(plan: &FaultPlan) -> String {
    use super::faults::FaultArg;
    let rated =
        Fault::ALL.iter().filter(|fault| plan.rate(**fault).millionths() > 0).map(|fault| {
            let millionths = u32::try_from(plan.rate(*fault).millionths()).unwrap_or(u32::MAX);
            FaultArg::Rate(*fault, millionths).to_string()
        });
    let scripted =
        plan.scripts.iter().map(|script| FaultArg::Nth(script.fault, script.nth).to_string());
    let all: Vec<String> = rated.chain(scripted).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// What a trace is written to; the run buffers it.
pub(super) fn open_trace(
    path: &Path,
    json: bool,
    console: &Console,
) -> Result<Box<dyn Write + Send>, InputError> {
    if path == Path::new("-") {
        if json {
            return Err(InputError::TraceInJson);
        }
        return Ok(Box::new(console.out.clone()));
    }
    let file =
        File::create(path).map_err(|source| InputError::Trace { path: path.to_owned(), source })?;
    Ok(Box::new(file))
}
