//! What happened, for people: one line for each event.

mod line;

use std::io;
use std::rc::Rc;

use tracing::Dispatch;
use tracing::dispatcher::with_default;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::event::Event;

pub use line::Line;

mod sink;

use sink::{Failure, Sink};

/// The `tracing` target of a run's events.
pub const TARGET: &str = "wspsim";

/// Renders the events of a run through `tracing` into a writer.
///
/// The subscriber is set only around each event, never left in a thread: runs beside this one, and
/// whatever subscriber the caller has, see nothing of it.
pub struct Trace {
    names: Rc<[Rc<str>]>,
    dispatch: Dispatch,
    failure: Failure,
}

impl Trace {
    /// A trace into `writer` of a run on machines of these `names`, by id.
    pub fn new(writer: Box<dyn io::Write + Send>, names: Rc<[Rc<str>]>) -> Self {
        let (sink, failure) = Sink::new(writer);
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(sink)
            .without_time()
            .with_level(false)
            .with_target(false)
            .with_ansi(false)
            .with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO));
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
        Self { names, dispatch, failure }
    }

    /// Renders an event.
    pub(crate) fn event(&mut self, event: &Event) {
        let line = Line { event, names: &self.names };
        with_default(&self.dispatch, || tracing::info!(target: TARGET, "{line}"));
    }

    /// Writes what is still held back; tells what went wrong on the way, if anything did.
    pub(crate) fn finish(self) -> Option<String> {
        // The subscriber owns the writer: dropping it writes the rest.
        drop(self.dispatch);
        self.failure.take()
    }
}

#[cfg(test)]
mod tests;
