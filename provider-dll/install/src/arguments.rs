//! What the command line takes.

/// The text of `wspinstall help`.
pub(crate) const HELP: &str = "\
wspinstall show                 the catalogue, in its order, with what is ours
wspinstall install              enters the provider over TCP and UDP, in front of all others
        --dll PATH              the DLL, if it is not wspprovider.dll beside this program
        --base ID               over the provider that has this entry only, if not over the first base
                                provider for each protocol
        --dry-run               says what it would do
wspinstall uninstall            takes it out
        --dry-run               says what it would do

Entering and taking out need an administrator. It concerns 64-bit programs that start afterwards.";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Says what there is to say.
    Help,
    /// Lists the catalogue.
    Show,
    /// Enters the provider.
    Install {
        /// The DLL.
        dll: Option<String>,
        /// An entry of the provider to be layered over.
        base: Option<u32>,
        /// Only tells.
        dry_run: bool,
    },
    /// Takes it out.
    Uninstall {
        /// Only tells.
        dry_run: bool,
    },
}

/// # Errors
/// What is wrong with the words, as a sentence.
pub(crate) fn parse(words: &[String]) -> Result<Command, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => Ok(Command::Help),
        ["show"] => Ok(Command::Show),
        ["uninstall"] => Ok(Command::Uninstall { dry_run: false }),
        ["uninstall", "--dry-run"] => Ok(Command::Uninstall { dry_run: true }),
        ["install", options @ ..] => install(options),
        [command @ ("show" | "uninstall"), ..] => Err(format!("`{command}` does not take that")),
        [other, ..] => Err(format!("there is no command `{other}`")),
    }
}

fn install(mut options: &[&str]) -> Result<Command, String> {
    let (mut dll, mut base, mut dry_run) = (None, None, false);
    loop {
        options = match options {
            [] => return Ok(Command::Install { dll, base, dry_run }),
            ["--dry-run", rest @ ..] => {
                dry_run = true;
                rest
            }
            ["--dll", path, rest @ ..] => {
                dll = Some((*path).to_owned());
                rest
            }
            ["--base", id, rest @ ..] => {
                let id =
                    id.parse().map_err(|_| format!("`{id}` is no catalogue entry's number"))?;
                base = Some(id);
                rest
            }
            [option @ ("--dll" | "--base")] => return Err(format!("`{option}` wants a value")),
            [other, ..] => return Err(format!("`install` does not take `{other}`")),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn words_become_commands() {
        let install = |dll: Option<&str>, base, dry_run| {
            Ok(Command::Install { dll: dll.map(str::to_owned), base, dry_run })
        };
        assert_eq!(parsed(""), Ok(Command::Help));
        assert_eq!(parsed("show"), Ok(Command::Show));
        assert_eq!(parsed("install"), install(None, None, false));
        assert_eq!(
            parsed("install --base 1001 --dry-run --dll c:\\x.dll"),
            install(Some("c:\\x.dll"), Some(1001), true)
        );
        assert_eq!(parsed("uninstall --dry-run"), Ok(Command::Uninstall { dry_run: true }));
        for bad in ["shew", "show all", "install --base", "install --base x", "uninstall --dll y"] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }
}
