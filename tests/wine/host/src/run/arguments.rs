//! The command line.

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
        let mut arguments =
            Self { files: Files::beside()?, json: false, profile: None, only: None, jobs };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--json" => arguments.json = true,
                "--only" => arguments.only = Some(value()?),
                "--provider" => arguments.files.provider = PathBuf::from(value()?),
                "--lower" => arguments.files.lower = PathBuf::from(value()?),
                "--jobs" => arguments.jobs = number(&value()?)?,
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

fn number(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("`{text}` is no number above 0"))
}
