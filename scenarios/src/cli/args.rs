//! What the command line takes.

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum};
use provider_core::Profile;

use super::faults::{FaultArg, parse_fault};
use super::seeds::{Seeds, parse_seed, parse_seeds};

/// The version, and which provider core this is: a DLL that holds the same one exports this digest.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    format!("{}\nprovider core {}", env!("CARGO_PKG_VERSION"), provider_core::SOURCE_DIGEST)
});

/// Hunts bugs in a Winsock service provider by seed, and replays what it finds.
#[derive(Debug, Parser)]
#[command(
    name = "wspsim",
    version = VERSION.as_str(),
    arg_required_else_help = true,
    after_help = "Exit codes: 0 nothing found, 1 findings, 2 bad input, 3 a failure of wspsim itself \
                  (for replay: the run departed from the file)."
)]
pub(super) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Shows the scenarios and the faults
    List(List),
    /// Runs one scenario with one seed
    Run(Run),
    /// Runs scenarios with many seeds on all cores, and writes what it finds
    Hunt(Hunt),
    /// Runs what a finding's file recorded: exit code 1 when it fails again, 0 when it runs clean,
    /// 3 when it departs from the file
    Replay(Replay),
}

/// `list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Which scenario (`list` shows them)
    #[arg(value_name = "SCENARIO")]
    pub scenario: String,
    /// The seed that decides everything
    #[arg(long, value_name = "N", value_parser = parse_seed, allow_hyphen_values = true)]
    pub seed: u64,
    /// Write every event of the run to this file, `-` for standard output
    #[arg(long, value_name = "FILE|-")]
    pub trace: Option<PathBuf>,
    /// What to pin.
    #[command(flatten)]
    pub pinned: Pinned,
    /// When to give a run up.
    #[command(flatten)]
    pub patience: Patience,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `hunt`.
#[derive(Debug, Args)]
pub(super) struct Hunt {
    /// Which scenarios; all when none is named
    #[arg(value_name = "SCENARIO")]
    pub scenarios: Vec<String>,
    /// Which seeds: from A up to, not including, B
    #[arg(long, value_name = "A..B", value_parser = parse_seeds, default_value_t = Seeds::DEFAULT,
        allow_hyphen_values = true)]
    pub seeds: Seeds,
    /// How many runs at once; all cores when not given
    #[arg(long, value_name = "N", value_parser = parse_jobs, allow_hyphen_values = true)]
    pub jobs: Option<usize>,
    /// Start no new run after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, allow_hyphen_values = true)]
    pub time: Option<u64>,
    /// Where findings are written
    #[arg(long, value_name = "DIR", default_value = "findings")]
    pub out: PathBuf,
    /// What to pin.
    #[command(flatten)]
    pub pinned: Pinned,
    /// When to give a run up.
    #[command(flatten)]
    pub patience: Patience,
    /// Print one JSON object on standard output; progress and messages go to standard error
    #[arg(long)]
    pub json: bool,
}

/// `replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// A file that `hunt` wrote
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Write every event of the run to this file, `-` for standard output
    #[arg(long, value_name = "FILE|-")]
    pub trace: Option<PathBuf>,
    /// When to give a run up.
    #[command(flatten)]
    pub patience: Patience,
}

/// When a run counts as one that hangs.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Patience {
    /// End with exit code 3 when one run takes this many seconds of real time
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value_t = 120,
        allow_hyphen_values = true)]
    pub stall: u64,
}

/// What a run draws from its seed when it is not given.
#[derive(Clone, Debug, Args)]
pub(super) struct Pinned {
    /// Which reading of the contract the provider follows; drawn from the seed when not given
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<ProfileArg>,
    /// A fault: NAME=RATE (drop=0.02, drop=1/50), or NAME@N for the Nth chance. May be repeated;
    /// no other faults strike. Drawn from the seed when not given
    #[arg(long = "fault", value_name = "NAME=RATE|NAME@N", value_parser = parse_fault,
        allow_hyphen_values = true)]
    pub faults: Vec<FaultArg>,
    /// No faults at all
    #[arg(long, conflicts_with = "faults")]
    pub no_faults: bool,
}

impl Pinned {
    /// The options that pin the same again, each with a space before it.
    pub(super) fn as_options(&self) -> String {
        let mut options = String::new();
        if let Some(profile) = self.profile {
            options.push_str(" --profile ");
            options.push_str(profile.name());
        }
        for fault in &self.faults {
            options.push_str(" --fault ");
            options.push_str(&fault.to_string());
        }
        if self.no_faults {
            options.push_str(" --no-faults");
        }
        options
    }
}

/// A [`Profile`], by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ProfileArg {
    /// The contract page, to the letter
    Documented,
    /// What Windows and its other pages do
    Windows,
}

impl ProfileArg {
    /// The profile.
    pub(super) fn profile(self) -> Profile {
        match self {
            Self::Documented => Profile::Documented,
            Self::Windows => Profile::Windows,
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        profile_name(self.profile())
    }
}

/// The name of a profile, as the command line spells it.
pub(super) fn profile_name(profile: Profile) -> &'static str {
    match profile {
        Profile::Documented => "documented",
        Profile::Windows => "windows",
    }
}

/// More threads than any machine has cores would only cost memory.
const JOBS_MAX: usize = 1024;

fn parse_jobs(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(jobs) if (1..=JOBS_MAX).contains(&jobs) => Ok(jobs),
        _ => Err(format!("jobs are a whole number from 1 to {JOBS_MAX}, such as `--jobs 2`")),
    }
}

fn parse_seconds(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(seconds) if seconds > 0 => Ok(seconds),
        _ => Err("time is a whole number of seconds from 1, such as `--time 60`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn pinned_options_read_back() {
        let line = [
            "wspsim",
            "run",
            "x",
            "--seed",
            "1",
            "--profile",
            "windows",
            "--fault",
            "drop=1/50",
            "--fault",
            "reset@2",
        ];
        let Command::Run(run) = Cli::parse_from(line).command else { panic!("not run") };
        assert_eq!(run.pinned.as_options(), " --profile windows --fault drop=0.02 --fault reset@2");
    }
}
