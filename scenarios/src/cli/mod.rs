//! The command line.
//!
//! [`main`] is the program; [`enter`] is the same inside a process, for tests, with other
//! scenarios or another provider if wanted.

mod args;
mod clock;
mod console;
mod error;
mod faults;
mod guard;
mod hunt;
mod json;
mod list;
mod out_dir;
mod progress;
mod replay;
mod run;
mod seeds;
mod select;
mod show;
mod suggest;
mod summary;
mod table;
mod tally;
mod watchdog;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;
use std::rc::Rc;

use clap::Parser;
use clap::error::ErrorKind;
use wspsim::run::ProviderFactory;
use wspsim::scenario::Scenario;

use args::{Cli, Command};
pub use console::{Captured, Console, Stream, Style};
use error::{CLEAN, Error, OwnError};

/// What the command line works with.
#[derive(Clone, Copy)]
pub struct House<'a> {
    /// What starts the command line, in the commands that it prints.
    pub program: &'a str,
    /// The scenarios, by the names they give themselves.
    pub scenarios: &'a [&'static dyn Scenario],
    /// Makes for each run what makes its providers; the provider core if `None`.
    pub provider: Option<&'a (dyn Fn() -> Rc<ProviderFactory> + Sync)>,
}

impl House<'static> {
    /// The scenarios of the registry and the provider core.
    pub fn registered() -> Self {
        Self { program: "cargo run --release --", scenarios: crate::all(), provider: None }
    }
}

/// The program `wspsim`: arguments and streams are the process's own.
#[allow(
    clippy::disallowed_methods,
    reason = "arguments are how a user speaks to us, and no run can see them"
)]
pub fn main() -> ExitCode {
    main_of(House::registered(), std::env::args_os())
}

/// A program of its own around the command line, for those who hunt in a provider of theirs or
/// with scenarios of theirs. `args` begins with the program's name.
pub fn main_of(
    house: House<'_>,
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> ExitCode {
    guard::silence_panics();
    ExitCode::from(enter(house, args, &mut Console::standard()))
}

/// Whether the command line takes `args` (the program's name first), which are not acted on.
///
/// # Errors
/// What it would say.
pub fn accepts(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<(), String> {
    Cli::try_parse_from(args).map(drop).map_err(|error| error.render().to_string())
}

/// Does what `args` (the program's name first) ask for, and gives the exit code: 0 nothing found,
/// 1 findings, 2 bad input, 3 our own failure. Never panics.
pub fn enter(
    house: House<'_>,
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    console: &mut Console,
) -> u8 {
    let entered = guard::catch(|| {
        let cli = match Cli::try_parse_from(args) {
            Ok(cli) => cli,
            Err(error) => return Ok(tell_usage(&error, console)),
        };
        dispatch(&house, &cli.command, console)
    });
    let error = match entered {
        Ok(Ok(code)) => return code,
        Ok(Err(error)) => error,
        Err(panic) => OwnError::Panic(panic).into(),
    };
    let head = console.err.styled(Style::Bad, "error:");
    // With standard error gone as well, the exit code is all there is left to say.
    let _ = console.err.line(&format!("{head} {error}"));
    error.exit_code()
}

fn dispatch(house: &House<'_>, command: &Command, console: &mut Console) -> Result<u8, Error> {
    match command {
        Command::List(args) => {
            output(list::list(house.scenarios, args, console))?;
            Ok(CLEAN)
        }
        Command::Run(args) => run::run(house, args, console),
        Command::Hunt(args) => hunt::hunt(house, args, console),
        Command::Replay(args) => replay::replay(house, args, console),
    }
}

/// Help and version go to standard output and are no error; the rest is bad input.
fn tell_usage(error: &clap::Error, console: &mut Console) -> u8 {
    let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let (stream, code) =
        if asked_for { (&mut console.out, CLEAN) } else { (&mut console.err, error::BAD_INPUT) };
    let text = error.render();
    let text = if stream.has_colour() { text.ansi().to_string() } else { text.to_string() };
    match stream.line(text.trim_end()) {
        Ok(()) => code,
        Err(_) => error::OWN_FAILURE,
    }
}

/// A failure to write to our own output.
fn output<R>(written: io::Result<R>) -> Result<R, Error> {
    written.map_err(|error| OwnError::Output(error).into())
}
