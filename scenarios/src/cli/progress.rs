//! How a hunt shows that it is alive: a bar on a terminal, else a plain line now and then.

use core::time::Duration;
use std::io;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::clock::{Clock, left, per_second};
use super::console::Stream;
use super::show;

/// How often a plain line is written.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// How often the bar moves at most.
const FRAMES_PER_SECOND: u8 = 10;

/// The progress of a hunt, on standard error.
pub(super) struct Progress {
    err: Stream,
    bar: Option<ProgressBar>,
    clock: Clock,
    total: u64,
    done: u64,
    findings: u64,
    lines: u64,
    /// The hunt's end by `--time`.
    limit: Option<Duration>,
}

impl Progress {
    /// Nothing done yet of `total` runs.
    pub(super) fn start(err: Stream, total: u64, limit: Option<Duration>) -> Self {
        let bar = err.is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(
                Some(total),
                ProgressDrawTarget::stderr_with_hz(FRAMES_PER_SECOND),
            );
            let colour = if err.has_colour() { ".cyan" } else { "" };
            let template = format!("{{bar:32{colour}}} {{pos}}/{{len}} {{msg}}");
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style);
            }
            bar
        });
        Self { err, bar, clock: Clock::start(), total, done: 0, findings: 0, lines: 0, limit }
    }

    /// Real time so far.
    pub(super) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// One more run is done.
    pub(super) fn advance(&mut self, found: bool) {
        self.done += 1;
        self.findings += u64::from(found);
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
        }
    }

    /// Shows how things stand, if it is time to.
    ///
    /// # Errors
    /// What the stream says.
    pub(super) fn show(&mut self) -> io::Result<()> {
        let elapsed = self.clock.elapsed();
        let state = format!(
            "{} runs/s, {}{}",
            per_second(self.done, elapsed, 1),
            show::counted(self.findings, "finding"),
            self.time_left(elapsed).map_or_else(String::new, |left| format!(", about {left} left")),
        );
        if let Some(bar) = &self.bar {
            bar.set_message(state);
        } else if elapsed.as_secs() / LINE_EVERY.as_secs() > self.lines {
            self.lines = elapsed.as_secs() / LINE_EVERY.as_secs();
            self.err.line(&format!("hunt: {} of {} runs, {state}", self.done, self.total))?;
        }
        Ok(())
    }

    /// Lets `print` write to a terminal without the bar in its way.
    pub(super) fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn time_left(&self, elapsed: Duration) -> Option<String> {
        let by_runs = left(self.done, self.total, elapsed);
        let by_time = self.limit.map(|limit| limit.saturating_sub(elapsed));
        let left = match (by_runs, by_time) {
            (Some(runs), Some(time)) => runs.min(time),
            (runs, time) => runs.or(time)?,
        };
        let seconds = left.as_secs();
        Some(if seconds < 60 {
            format!("{} s", seconds + 1)
        } else {
            show::span(Duration::from_secs(seconds))
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
