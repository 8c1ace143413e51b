//! The cases of the conformance suite, as the tables in their files have them:
//! `Case::both("name", &["RET-1"], function)`, with `.on(Hosts::Simulator(..))` behind it or not.

use super::lexer::{Piece, Token};

/// Which hosts run a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    Both,
    Simulator,
    Process,
}

/// A line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) clauses: Vec<String>,
    /// What the case runs.
    pub(crate) function: String,
    /// The one profile that it is for, as the clauses write it.
    pub(crate) profile: Option<&'static str>,
    pub(crate) hosts: Hosts,
}

/// The cases in a file's tables.
pub(crate) fn parse(tokens: &[Token]) -> Vec<Case> {
    (0..tokens.len()).filter_map(|at| case(&tokens[at..])).collect()
}

fn case(tokens: &[Token]) -> Option<Case> {
    let [own, first, second, maker, open, name, comma, and, list, ..] = tokens else { return None };
    let punctuated =
        [(first, ':'), (second, ':'), (open, '('), (comma, ','), (and, '&'), (list, '[')]
            .into_iter()
            .all(|(token, mark)| token.is_mark(mark));
    let (Piece::Word(maker), Piece::Text(name)) = (&maker.piece, &name.piece) else { return None };
    if !own.is_word("Case") || !punctuated {
        return None;
    }
    let profile = match maker.as_str() {
        "documented" => Some("`Documented`"),
        "windows" => Some("`Windows`"),
        _ => None,
    };
    let rest = &tokens[9..];
    let end = rest.iter().position(|token| token.is_mark(']'))?;
    let clauses = rest[..end]
        .iter()
        .filter_map(|token| match &token.piece {
            Piece::Text(id) => Some(id.clone()),
            _ => None,
        })
        .collect();
    // A comma, then the path of a function: its last word counts.
    let after = &rest[end + 1..];
    let close = after.iter().position(|token| token.is_mark(')'))?;
    let function = after[..close].iter().rev().find_map(|token| match &token.piece {
        Piece::Word(word) => Some(word.clone()),
        _ => None,
    })?;
    let hosts = match &after[close + 1..] {
        [dot, on, _, hosts, _, _, which, ..]
            if dot.is_mark('.') && on.is_word("on") && hosts.is_word("Hosts") =>
        {
            match &which.piece {
                Piece::Word(word) if word == "Simulator" => Hosts::Simulator,
                Piece::Word(word) if word == "Process" => Hosts::Process,
                _ => Hosts::Both,
            }
        }
        _ => Hosts::Both,
    };
    Some(Case { line: own.line, name: name.clone(), clauses, function, profile, hosts })
}

#[cfg(test)]
mod tests {
    use super::super::lexer::tokens;
    use super::*;

    #[test]
    fn reads_a_table() {
        let source = r#"
pub const CASES: &[Case] = &[
    Case::both("ret-1-zero", &["RET-1", "RET-7"], zero),
    Case::documented(
        "dst-7-page",
        &[],
        module::unbound,
    )
    .on(Hosts::Simulator("no")),
    Case::windows("dst-7-windows", &["DST-7"], unbound).on(Hosts::Process("no")),
];
impl Case { fn f() { Case::both(name, &[], g) } }
"#;
        let cases = parse(&tokens(source));
        let [zero, page, windows] = cases.as_slice() else { panic!("{cases:?}") };
        assert_eq!((zero.line, zero.name.as_str(), zero.hosts), (3, "ret-1-zero", Hosts::Both));
        assert_eq!(zero.clauses, ["RET-1", "RET-7"]);
        assert_eq!((zero.function.as_str(), zero.profile), ("zero", None));
        assert_eq!((page.function.as_str(), page.profile), ("unbound", Some("`Documented`")));
        assert_eq!((page.hosts, page.clauses.len()), (Hosts::Simulator, 0));
        assert_eq!((windows.hosts, windows.profile), (Hosts::Process, Some("`Windows`")));
    }
}
