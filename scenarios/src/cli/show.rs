//! How times, counts and commands are written for people.

use core::time::Duration;
use std::path::Path;

use wspsim::fault::Fault;

/// A span of time: `0.120 s`, `12.345 s`, `2m 05s`, `3h 00m 05s`.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}.{:03} s", span.subsec_millis()),
        (0, _) => format!("{minutes}m {:02}s", seconds % 60),
        _ => format!("{hours}h {minutes:02}m {:02}s", seconds % 60),
    }
}

/// What a line on a run says of its faults: `drop 40, reset 2`, or `none`.
pub(super) fn strikes(faults: &[u64; Fault::ALL.len()]) -> String {
    let struck: Vec<String> = Fault::ALL
        .iter()
        .zip(faults)
        .filter(|(_, count)| **count > 0)
        .map(|(fault, count)| format!("{} {count}", fault.name()))
        .collect();
    if struck.is_empty() { "none".to_owned() } else { struck.join(", ") }
}

/// `one thing`, `2 things`.
pub(super) fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// The command that runs a seed again, where `program` starts the command line. `pinned` is empty or
/// starts with a space.
pub(super) fn run_command(program: &str, scenario: &str, seed: u64, pinned: &str) -> String {
    format!("{program} run {scenario} --seed {seed}{pinned}")
}

/// The command that replays a file.
pub(super) fn replay_command(program: &str, file: &Path) -> String {
    format!("{program} replay {}", quoted(&file.display().to_string()))
}

/// `word` as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('-') {
        return word.to_owned();
    }
    // A leading dash would be taken for an option, quoted or not.
    let dash = if word.starts_with('-') { "./" } else { "" };
    format!("'{dash}{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        assert_eq!(span(Duration::from_millis(120)), "0.120 s");
        assert_eq!(span(Duration::from_secs(125)), "2m 05s");
        assert_eq!(span(Duration::from_secs(10_805)), "3h 00m 05s");
    }

    #[test]
    fn commands_survive_a_shell() {
        let replay = |file| replay_command("cargo run --", Path::new(file));
        assert_eq!(replay("findings/a-1.json"), "cargo run -- replay findings/a-1.json");
        assert!(replay("my dir/it's.json").ends_with(r"'my dir/it'\''s.json'"));
        assert!(replay("-x.json").ends_with("'./-x.json'"));
        assert_eq!(
            run_command("cargo run --", "a", 3, " --no-faults"),
            "cargo run -- run a --seed 3 --no-faults"
        );
    }
}
