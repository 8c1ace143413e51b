//! The command line.

use core::str::FromStr;
use std::path::PathBuf;

use provider_core::Profile;

use crate::provider::Files;

/// What was asked for.
pub(crate) struct Arguments {
    pub(crate) files: Files,
    pub(crate) json: bool,
    pub(crate) profile: Option<Profile>,
    pub(crate) only: Option<String>,
    pub(crate) jobs: usize,
    /// Ports of the peer of the smoke test.
    pub(crate) udp: Option<u16>,
    pub(crate) tcp: Option<u16>,
    /// How long a soak takes.
    pub(crate) minutes: u64,
}

/// A profile's name, as the command line and the environment have it.
pub(crate) const fn profile_name(profile: Profile) -> &'static str {
    match profile {
        Profile::Documented => "documented",
        Profile::Windows => "windows",
    }
}

impl Arguments {
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut arguments = Self {
            files: Files::beside()?,
            json: false,
            profile: None,
            only: None,
            jobs,
            udp: None,
            tcp: None,
            minutes: 30,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--json" => arguments.json = true,
                "--only" => arguments.only = Some(value()?),
                "--provider" => arguments.files.provider = PathBuf::from(value()?),
                "--lower" => arguments.files.lower = PathBuf::from(value()?),
                "--jobs" => arguments.jobs = number(&value()?)?,
                "--udp" => arguments.udp = Some(number(&value()?)?),
                "--tcp" => arguments.tcp = Some(number(&value()?)?),
                "--minutes" => arguments.minutes = number(&value()?)?,
                "--profile" => {
                    let name = value()?;
                    let all = [Profile::Documented, Profile::Windows];
                    let named = all.into_iter().find(|profile| profile_name(*profile) == name);
                    let known = named.ok_or_else(|| format!("there is no profile `{name}`"))?;
                    arguments.profile = Some(known);
                }
                other => return Err(format!("`{other}` is not understood")),
            }
        }
        Ok(arguments)
    }
}

fn number<T: FromStr + Default + PartialEq>(text: &str) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| *number != T::default());
    number.ok_or_else(|| format!("`{text}` is no number above 0, or too large a one"))
}
