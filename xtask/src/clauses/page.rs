//! docs/conformance.md.

use core::fmt::Write as _;

use super::spec::Spec;
use super::standing::{Place, Standing};
use super::summary::{count, sections};

const TOP: &str = "\
# Conformance

Which code obeys each clause of [the contract](spec/README.md), and which test proves it. Written by
`cargo xtask clauses` from the citations in the sources; `cargo xtask clauses --check` fails when it
is out of date. Places are files and the items in them, without line numbers, so that the page
changes only when what it says changes.

A test in the provider's own crate (unit) needs no host. The others run on the hosts whose columns
say yes.
";

/// The page.
pub(crate) fn render(spec: &Spec, standings: &[Standing<'_>]) -> String {
    let mut page = TOP.to_owned();
    page.push_str("\n| function | clauses | implemented | tested | exceptions |\n");
    page.push_str("|---|---|---|---|---|\n");
    for name in sections(spec) {
        let own = count(standings, |standing| standing.clause.function == name);
        let _ = writeln!(
            page,
            "| [{name}](#{}) | {} | {} | {} | {} |",
            anchor(name),
            own.clauses,
            own.implemented,
            own.tested,
            own.excused
        );
    }
    let all = count(standings, |_| true);
    let _ = writeln!(
        page,
        "| all | {} | {} | {} | {} |",
        all.clauses, all.implemented, all.tested, all.excused
    );
    for name in sections(spec) {
        let _ = writeln!(page, "\n## {name}\n");
        page.push_str("| clause | where | proven by | simulator | Wine |\n");
        page.push_str("|---|---|---|---|---|\n");
        for standing in standings.iter().filter(|standing| standing.clause.function == name) {
            page.push_str(&row(standing));
        }
    }
    page
}

fn row(standing: &Standing<'_>) -> String {
    let clause = standing.clause;
    let mut code: Vec<String> = standing.code.iter().map(link).collect();
    code.extend(standing.implications.iter().map(|why| format!("by construction: {why}")));
    let mut proofs: Vec<String> = standing
        .proofs
        .iter()
        .map(|proof| {
            let unit = if proof.simulator || proof.wine { "" } else { " (unit)" };
            format!("{}{unit}", link(&proof.place))
        })
        .collect();
    proofs.extend(standing.exceptions.iter().map(|why| format!("exception: {why}")));
    let yes = |is: bool| if is { "yes" } else { "-" };
    format!(
        "| [{}](spec/{}#{}) | {} | {} | {} | {} |\n",
        clause.id,
        clause.page,
        clause.anchor(),
        cell(&code),
        cell(&proofs),
        yes(standing.proofs.iter().any(|proof| proof.simulator)),
        yes(standing.proofs.iter().any(|proof| proof.wine)),
    )
}

fn cell(entries: &[String]) -> String {
    if entries.is_empty() { "-".to_owned() } else { entries.join("<br>") }
}

/// A link to a file, named after its last folder, itself and the item.
fn link(place: &Place) -> String {
    let mut parts: Vec<&str> = place.file.rsplit('/').take(2).collect();
    parts.reverse();
    let name = parts.join("/");
    format!("[{name}](../{}) `{}`", place.file, place.item)
}

/// What GitHub links a heading by.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-")
}
