//! `cargo xtask clauses`: holds the clauses of docs/spec, the code that cites them and the tests
//! that prove them against each other, and writes docs/conformance.md.

mod case;
mod citation;
mod lexer;
mod mention;
mod outline;
mod page;
mod problem;
mod spec;
mod standing;
mod summary;
mod tree;

use std::fs;
use std::path::Path;

use crate::step::{Outcome, root};

use problem::Problem;
use spec::Spec;

/// Where the page is, from the workspace's folder.
const PAGE: &str = "docs/conformance.md";

/// What to do with what was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    /// Write the page.
    Write,
    /// Compare the page with what would be written.
    Check,
    /// One line of JSON.
    Json,
    /// What lacks code or test.
    Missing,
}

/// The task that `words` name.
fn task(words: &[&str]) -> Option<Task> {
    match words {
        [] => Some(Task::Write),
        ["--check"] => Some(Task::Check),
        ["--json"] => Some(Task::Json),
        ["--missing"] => Some(Task::Missing),
        _ => None,
    }
}

/// Whether [`run`] takes these words.
pub(crate) fn accepts(words: &[&str]) -> bool {
    task(words).is_some()
}

/// The task, on the workspace's own tree.
pub(crate) fn run(words: &[&str]) -> Outcome {
    perform(&root(), task(words).unwrap_or(Task::Write))
}

/// A step of `cargo xtask test`.
pub(crate) fn check() -> Outcome {
    perform(&root(), Task::Check)
}

fn perform(root: &Path, task: Task) -> Outcome {
    let (spec, mut problems) = Spec::read(root)?;
    let (standings, found) = standing::survey(root, &spec)?;
    problems.extend(found);
    match task {
        Task::Json => println!("{}", summary::json(&spec, &standings)),
        Task::Missing => summary::missing(&standings).iter().for_each(|line| println!("{line}")),
        Task::Write => write(root, &page::render(&spec, &standings))?,
        Task::Check => {
            let missing = summary::missing(&standings);
            problems.extend(missing.into_iter().map(|what| Problem::new("docs/spec", 0, what)));
            problems.extend(out_of_date(root, &page::render(&spec, &standings)));
        }
    }
    if task != Task::Json {
        println!("{}", summary::line(&standings));
    }
    if problems.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = problems.iter().map(Problem::to_string).collect();
    Err(format!("{} problems:\n{}", told.len(), told.join("\n")))
}

fn write(root: &Path, text: &str) -> Outcome {
    fs::write(root.join(PAGE), text).map_err(|error| format!("{PAGE}: {error}"))
}

fn out_of_date(root: &Path, text: &str) -> Option<Problem> {
    let written = fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    let line = written.lines().zip(text.lines()).take_while(|(a, b)| a == b).count() + 1;
    (written != text).then(|| {
        Problem::new(PAGE, line, "is out of date: run `cargo xtask clauses` and commit it".into())
    })
}

#[cfg(test)]
mod tests;
