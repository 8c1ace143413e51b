//! `replay`: a finding's file, run again.

use core::time::Duration;

use wspsim::finding::{self, FindingFile, Replay as Replayed};

use super::args::Replay;
use super::console::{Console, Style};
use super::error::{CLEAN, Error, FOUND, InputError, OWN_FAILURE, OwnError};
use super::run::open_trace;
use super::watchdog::Watchdog;
use super::{House, output, select, show};

/// Runs the file again, and tells whether it fails as it did.
///
/// # Errors
/// [`Error`].
pub(super) fn replay(house: &House<'_>, args: &Replay, console: &mut Console) -> Result<u8, Error> {
    let file = FindingFile::read(&args.file).map_err(InputError::from)?;
    let scenario = select::scenario(house.scenarios, &file.scenario).map_err(|unknown| {
        InputError::ReplayScenario { path: args.file.clone(), unknown: Box::new(unknown) }
    })?;
    let provider = house.provider.map(|make| make());
    let trace = match &args.trace {
        Some(path) => Some(open_trace(path, false, console)?),
        None => None,
    };
    let limit = Duration::from_secs(args.patience.stall);
    let watchdog = Watchdog::start(console.err.clone(), limit);
    let mut replayed = watchdog
        .during(show::replay_command(house.program, &args.file), || {
            finding::replay(scenario, &file, trace, provider)
        })
        .map_err(OwnError::Simulator)?;
    let (Replayed::Reproduced(report)
    | Replayed::Clean(report)
    | Replayed::Departed { report, .. }) = &mut replayed;
    if let Some(why) = report.trace_error.take() {
        return Err(OwnError::WriteTrace(why).into());
    }

    let out = &mut console.out;
    let place = format!("{}, seed {}", file.scenario, file.seed);
    let broken = &file.broken;
    match replayed {
        Replayed::Reproduced(report) => {
            let head = out.styled(Style::Bad, "reproduced");
            let when = show::span(Duration::from_nanos(broken.time_ns));
            let message = report
                .finding
                .as_ref()
                .map_or(&broken.message, |finding| &finding.violation.message);
            output(out.line(&format!(
                "{head} in {place}, step {}, {when} of virtual time: {} ({}): {message}",
                broken.step, broken.oracle, broken.clause,
            )))?;
            Ok(FOUND)
        }
        Replayed::Clean(report) => {
            let head = out.styled(Style::Good, "clean");
            output(out.line(&format!(
                "{head} in {place}, {} steps: {} ({}) holds now",
                report.steps, broken.oracle, broken.clause,
            )))?;
            Ok(CLEAN)
        }
        Replayed::Departed { step, report } => {
            let head = out.styled(Style::Bad, "departed");
            let instead = report.finding.as_ref().map_or_else(String::new, |finding| {
                let violation = &finding.violation;
                format!(
                    "; it broke something else, at step {}: {} ({}): {}",
                    finding.step, violation.oracle, violation.clause, violation.message
                )
            });
            output(out.line(&format!(
                "{head} in {place}: at step {step} the run is not the one of the file{instead}"
            )))?;
            output(console.err.line(&format!(
                "the provider, the scenario or wspsim itself has changed since version {} wrote \
                 the file; the seed alone may still show it: {}",
                file.version,
                show::run_command(house.program, &file.scenario, file.seed, ""),
            )))?;
            Ok(OWN_FAILURE)
        }
    }
}
