//! Counts, and what is still missing.

use serde_json::{Map, Value, json};

use super::spec::{FUNCTIONS, Spec};
use super::standing::Standing;

/// How many clauses there are, have code and have tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) clauses: usize,
    pub(crate) implemented: usize,
    pub(crate) tested: usize,
    pub(crate) excused: usize,
}

/// Counts the clauses that `chosen` picks.
pub(crate) fn count(standings: &[Standing<'_>], chosen: impl Fn(&Standing<'_>) -> bool) -> Counts {
    let mut counts = Counts::default();
    for standing in standings.iter().filter(|standing| chosen(standing)) {
        counts.clauses += 1;
        counts.implemented += usize::from(standing.is_implemented());
        counts.tested += usize::from(standing.is_tested());
        counts.excused += usize::from(!standing.exceptions.is_empty());
    }
    counts
}

/// One line for people.
pub(crate) fn line(standings: &[Standing<'_>]) -> String {
    let Counts { clauses, implemented, tested, excused } = count(standings, |_| true);
    format!("{clauses} clauses: {implemented} implemented, {tested} tested, {excused} exceptions")
}

/// One line for programs.
pub(crate) fn json(spec: &Spec, standings: &[Standing<'_>]) -> String {
    let all = count(standings, |_| true);
    let exceptions: Vec<Value> = standings
        .iter()
        .flat_map(|standing| {
            let id = &standing.clause.id;
            standing.exceptions.iter().map(move |why| json!({ "clause": id, "reason": why }))
        })
        .collect();
    let functions: Map<String, Value> = sections(spec)
        .into_iter()
        // WSPStartup gives the table and has no entry in it.
        .filter(|name| FUNCTIONS.contains(name) && *name != "WSPStartup")
        .map(|name| {
            let own = count(standings, |standing| standing.clause.function == name);
            let value = json!({
                "clauses": own.clauses,
                "implemented": own.implemented,
                "tested": own.tested,
            });
            (name.to_owned(), value)
        })
        .collect();
    json!({
        "clauses": all.clauses,
        "implemented": all.implemented,
        "tested": all.tested,
        "exceptions": exceptions,
        "functions": functions,
    })
    .to_string()
}

/// What has clauses of its own: the functions in the table's order, then what is about none of them.
pub(crate) fn sections(spec: &Spec) -> Vec<&str> {
    let mut names: Vec<&str> = FUNCTIONS.to_vec();
    for clause in &spec.clauses {
        if !names.contains(&clause.function.as_str()) {
            names.push(&clause.function);
        }
    }
    names
}

/// Each sentence that lacks code or a test, a line each.
pub(crate) fn missing(standings: &[Standing<'_>]) -> Vec<String> {
    standings
        .iter()
        .flat_map(|standing| {
            let id = &standing.clause.id;
            standing.lacks().into_iter().map(move |(words, lack)| format!("{id}: {lack}: {words}"))
        })
        .collect()
}
