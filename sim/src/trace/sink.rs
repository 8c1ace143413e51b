//! Where rendered lines go, and whether they got there.

// A subscriber must be Sync, and it gives writers out by shared reference.
#![allow(clippy::disallowed_types, reason = "tracing asks for a lock; no run waits for it")]

use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// The first error of a sink.
#[derive(Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<String>>>);

impl Failure {
    pub(super) fn take(&self) -> Option<String> {
        lock(&self.0).take()
    }

    fn note(&self, error: &io::Error) {
        lock(&self.0).get_or_insert_with(|| error.to_string());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A buffered writer that remembers its first error instead of giving it to a layer that would
/// ignore it.
pub(super) struct Sink {
    writer: Mutex<BufWriter<Box<dyn Write + Send>>>,
    failure: Failure,
}

impl Sink {
    pub(super) fn new(writer: Box<dyn Write + Send>) -> (Self, Failure) {
        let failure = Failure::default();
        let writer = Mutex::new(BufWriter::with_capacity(64 << 10, writer));
        (Self { writer, failure: failure.clone() }, failure)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Err(error) = lock(&self.writer).flush() {
            self.failure.note(&error);
        }
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = lock(&self.writer).write_all(bytes) {
            self.failure.note(&error);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
