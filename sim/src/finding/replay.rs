//! Feeding a finding back.

use std::io;
use std::rc::Rc;

use crate::run::{ProviderFactory, RunError, RunOptions, RunReport, run};
use crate::scenario::Scenario;
use crate::world::Ended;

use super::FindingFile;

/// What came of a replay.
#[derive(Clone, Debug)]
pub enum Replay {
    /// The same failure at the same step.
    Reproduced(Box<RunReport>),
    /// The run followed the file, went on, and found nothing.
    Clean(Box<RunReport>),
    /// The run went another way, at the latest by this step: the provider, the scenario or wspsim
    /// is another one than when the file was written.
    Departed {
        /// The step.
        step: u64,
        /// What the run was until there.
        report: Box<RunReport>,
    },
}

/// Runs `scenario` with the settings and choices of a file. `trace` takes a line for each event;
/// `provider` is as in [`RunOptions::provider`].
///
/// # Errors
/// [`RunError`] when the simulator itself failed.
pub fn replay(
    scenario: &dyn Scenario,
    file: &FindingFile,
    trace: Option<Box<dyn io::Write + Send>>,
    provider: Option<Rc<ProviderFactory>>,
) -> Result<Replay, RunError> {
    let report = run(
        scenario,
        RunOptions {
            settings: Some(file.settings.clone()),
            replay: Some(file.choices.clone()),
            checkpoints: file.checkpoints.clone(),
            trace,
            provider,
            ..RunOptions::seed(file.seed)
        },
    )?;
    let report = Box::new(report);
    if let Ended::Departed(step) = report.ended {
        return Ok(Replay::Departed { step, report });
    }
    Ok(match &report.finding {
        None => Replay::Clean(report),
        Some(finding) if is_same(file, finding) => Replay::Reproduced(report),
        Some(finding) => Replay::Departed { step: finding.step.min(file.broken.step), report },
    })
}

fn is_same(file: &FindingFile, finding: &crate::world::Finding) -> bool {
    let broken = &file.broken;
    finding.step == broken.step
        && finding.at.time_ns == broken.time_ns
        && finding.violation.oracle == broken.oracle
        && finding.violation.clause == broken.clause
}
