//! Clauses that comments, pages and tables name by their ids alone.

use std::collections::BTreeSet;

use super::problem::Problem;
use super::spec::{Spec, is_id};
use super::tree::Source;

/// Ids that no page defines, where they look like those of a family that the pages have.
pub(crate) fn unknown(spec: &Spec, sources: &[Source]) -> Vec<Problem> {
    let families: BTreeSet<&str> =
        spec.clauses.iter().filter_map(|clause| clause.id.split('-').next()).collect();
    let mut problems = Vec::new();
    for source in sources {
        for (line, text) in (1..).zip(source.text.lines()) {
            for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
                let word = word.trim_matches('-');
                if is_id(word) && is_ours(word, &families) && !is_known(word, spec) {
                    let what = format!("names {word}, and no page has such a clause");
                    problems.push(Problem::new(&source.path, line, what));
                }
            }
        }
    }
    problems
}

/// A clause, or several by what their ids begin with: `ERR-FAULT`.
fn is_known(word: &str, spec: &Spec) -> bool {
    let begins = |id: &str| id.strip_prefix(word).is_some_and(|rest| rest.starts_with('-'));
    spec.find(word).is_some() || spec.clauses.iter().any(|clause| begins(&clause.id))
}

/// `SYN-7` is an id of a family, `SYN-ACK` is not; `ERR-` goes with names.
fn is_ours(word: &str, families: &BTreeSet<&str>) -> bool {
    word.split_once('-').is_some_and(|(family, rest)| {
        families.contains(family)
            && (family == "ERR" || rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::spec::tests::page;
    use super::*;

    #[test]
    fn only_ids_of_known_families_are_looked_up() {
        let (spec, _) =
            page("x.md", "### SYN-1\n\nIt MUST. [page]\n\n### ERR-X-1\n\nIt MUST. [page]\n");
        let text = "// obeys (SYN-1, ERR-X)\n// SYN-ACK, RFC-1, SYN-*\n// and SYN-2, ERR-Y.\n";
        let source = Source { path: "a.rs".to_owned(), text: text.to_owned() };
        let told: Vec<String> =
            unknown(&spec, &[source]).iter().map(|problem| problem.to_string()).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("a.rs:3: names SYN-2"), "{}", told[0]);
        assert!(told[1].contains("a.rs:3: names ERR-Y"), "{}", told[1]);
    }
}
