//! Where output goes: the real streams, or memory in a test.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Both output streams and what they are attached to. Cheap to clone; all clones write in turn.
#[derive(Clone)]
pub struct Console {
    /// Standard output: what was asked for.
    pub out: Stream,
    /// Standard error: messages and progress.
    pub err: Stream,
}

impl Console {
    /// The process's own streams. Colour is off where `NO_COLOR` is set to anything.
    #[allow(
        clippy::disallowed_methods,
        reason = "NO_COLOR is the convention for this, and no run can see it"
    )]
    pub fn standard() -> Self {
        let colour_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            out: Stream::new(Box::new(io::stdout()), io::stdout().is_terminal(), colour_wanted),
            err: Stream::new(Box::new(io::stderr()), io::stderr().is_terminal(), colour_wanted),
        }
    }

    /// Streams into memory, neither a terminal. Gives the memory of out and err.
    pub fn captured() -> (Self, Captured, Captured) {
        let (out, err) = (Captured::default(), Captured::default());
        let console = Self {
            out: Stream::new(Box::new(out.clone()), false, false),
            err: Stream::new(Box::new(err.clone()), false, false),
        };
        (console, out, err)
    }
}

/// One output stream. A reader that went away is not an error: what is written then is dropped.
#[derive(Clone)]
pub struct Stream {
    inner: Arc<Mutex<Inner>>,
    is_terminal: bool,
    colour: bool,
}

struct Inner {
    to: Box<dyn Write + Send>,
    reader_gone: bool,
}

impl Stream {
    fn new(to: Box<dyn Write + Send>, is_terminal: bool, colour_wanted: bool) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner { to, reader_gone: false })),
            is_terminal,
            colour: is_terminal && colour_wanted,
        }
    }

    /// Whether a person looks at it.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Whether it may be coloured.
    pub fn has_colour(&self) -> bool {
        self.colour
    }

    /// `text` in a style where colour is on, else as it is.
    pub fn styled(&self, style: Style, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match style {
            Style::Strong => "1",
            Style::Good => "32",
            Style::Bad => "1;31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// Writes a line.
    ///
    /// # Errors
    /// What the stream says, except that its reader went away.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.write_all(format!("{text}\n").as_bytes())?;
        self.flush()
    }

    fn with(&self, act: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.reader_gone {
            return Ok(());
        }
        match act(&mut *inner.to) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                inner.reader_gone = true;
                Ok(())
            }
            other => other,
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|to| to.write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(|to| to.flush())
    }
}

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A heading.
    Strong,
    /// All is well.
    Good,
    /// A finding or an error.
    Bad,
}

/// What was written to a captured stream.
#[derive(Clone, Debug, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// All of it so far.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let mut stream = Stream::new(Box::new(Gone), true, true);
        stream.line("one").unwrap();
        stream.line("two").unwrap();
    }

    #[test]
    fn colour_only_where_it_is_seen_and_wanted() {
        let styled = |terminal, wanted| {
            Stream::new(Box::new(io::sink()), terminal, wanted).styled(Style::Bad, "x")
        };
        assert_eq!(styled(false, true), "x");
        assert_eq!(styled(true, false), "x");
        assert!(styled(true, true).contains("\x1b["));
    }
}
