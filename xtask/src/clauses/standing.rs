//! How each clause stands: where code cites it, what proves it, what excuses it.

use std::collections::BTreeSet;
use std::path::Path;

use super::case::{self, Case, Hosts};
use super::citation::{self, Citation, Kind};
use super::lexer::tokens;
use super::mention;
use super::outline::Outline;
use super::problem::Problem;
use super::spec::{Clause, FOLDER, Spec};
use super::tree::{self, CODE, Source, TESTS, WINDOWS_TESTS};

/// Where the conformance suite runs. A host that runs it joins here, and fills its column.
const RUN_BY: [Hosts; 2] = [Hosts::Simulator, Hosts::Process];

/// A file and an item in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) item: String,
}

/// A test that fails when its clause is not obeyed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Proof {
    pub(crate) place: Place,
    pub(crate) simulator: bool,
    pub(crate) wine: bool,
}

/// What is known of one sentence.
#[derive(Clone, Copy, Debug, Default)]
struct Sentence {
    code: bool,
    test: bool,
    excused: bool,
}

/// How a clause stands.
pub(crate) struct Standing<'a> {
    pub(crate) clause: &'a Clause,
    pub(crate) code: BTreeSet<Place>,
    pub(crate) proofs: BTreeSet<Proof>,
    /// Why it cannot be otherwise.
    pub(crate) implications: Vec<String>,
    /// Why it is not obeyed or not tested.
    pub(crate) exceptions: Vec<String>,
    sentences: Vec<Sentence>,
}

impl<'a> Standing<'a> {
    fn new(clause: &'a Clause) -> Self {
        Self {
            clause,
            code: BTreeSet::new(),
            proofs: BTreeSet::new(),
            implications: Vec::new(),
            exceptions: Vec::new(),
            sentences: vec![Sentence::default(); clause.sentences().len()],
        }
    }

    /// Code cites every sentence.
    pub(crate) fn is_implemented(&self) -> bool {
        self.sentences.iter().all(|sentence| sentence.code)
    }

    /// A test cites every sentence.
    pub(crate) fn is_tested(&self) -> bool {
        self.sentences.iter().all(|sentence| sentence.test)
    }

    /// The sentences that lack code, a test, or both, with what they lack.
    pub(crate) fn lacks(&self) -> Vec<(&str, &'static str)> {
        let ranges = self.clause.sentences();
        let lack = |sentence: &Sentence| match (sentence.code, sentence.test) {
            _ if sentence.excused => None,
            (true, true) => None,
            (true, false) => Some("no test"),
            (false, true) => Some("no code"),
            (false, false) => Some("no code, no test"),
        };
        ranges
            .into_iter()
            .zip(&self.sentences)
            .filter_map(|(range, sentence)| Some((&self.clause.text[range], lack(sentence)?)))
            .collect()
    }

    fn mark(&mut self, chosen: impl Fn(usize) -> bool, mark: impl Fn(&mut Sentence)) {
        let chosen = |at: &usize| chosen(*at);
        (0..self.sentences.len()).filter(chosen).for_each(|at| mark(&mut self.sentences[at]));
    }
}

/// Reads the sources and holds them against the clauses.
pub(crate) fn survey<'a>(
    root: &Path,
    spec: &'a Spec,
) -> Result<(Vec<Standing<'a>>, Vec<Problem>), String> {
    let code = tree::sources(root, &CODE, &["rs"])?;
    let tests = tree::sources(root, &TESTS, &["rs"])?;
    let (standings, mut problems) = judge(spec, &code, &tests);
    let pages = tree::sources(root, &["docs", "tests"], &["md", "plant", "mutant"])?;
    for sources in [&code, &tests, &pages] {
        problems.extend(mention::unknown(spec, sources));
    }
    Ok((standings, problems))
}

/// Holds sources against the clauses.
pub(crate) fn judge<'a>(
    spec: &'a Spec,
    code: &[Source],
    tests: &[Source],
) -> (Vec<Standing<'a>>, Vec<Problem>) {
    let mut judge = Judge {
        spec,
        standings: spec.clauses.iter().map(Standing::new).collect(),
        problems: Vec::new(),
    };
    code.iter().for_each(|source| judge.read(source, true));
    tests.iter().for_each(|source| judge.read(source, false));
    (judge.standings, judge.problems)
}

struct Judge<'a> {
    spec: &'a Spec,
    standings: Vec<Standing<'a>>,
    problems: Vec<Problem>,
}

impl<'a> Judge<'a> {
    fn read(&mut self, source: &Source, is_code: bool) {
        let (citations, problems) = citation::parse(&source.path, &source.text);
        self.problems.extend(problems);
        let may_have_cases = source.text.contains("Case::");
        if citations.is_empty() && !may_have_cases {
            return;
        }
        let tokens = tokens(&source.text);
        let cases = case::parse(&tokens);
        let outline = Outline::of(&tokens);
        for citation in &citations {
            if let Err(what) = self.cite(source, is_code, citation, &outline, &cases) {
                self.problems.push(Problem::new(&source.path, citation.line, what));
            }
        }
        for case in &cases {
            self.enter(source, case);
        }
    }

    /// Books a citation.
    ///
    /// # Errors
    /// What is wrong with it and what to do.
    fn cite(
        &mut self,
        source: &Source,
        is_code: bool,
        citation: &Citation,
        outline: &Outline,
        cases: &[Case],
    ) -> Result<(), String> {
        let (at, quoted) = self.find(citation)?;
        let around = outline.below(citation.last);
        let item =
            around.first().map_or_else(|| "top of the file".into(), |item| item.name.clone());
        let place = Place { file: source.path.clone(), item };
        let standing = &mut self.standings[at];
        let ranges = standing.clause.sentences();
        let chosen = |at: usize| quoted.start < ranges[at].end && ranges[at].start < quoted.end;
        match citation.kind {
            Kind::Code if !is_code => {
                return Err(format!(
                    "code outside of {} obeys no clause: a test says `//= type=test`",
                    CODE[0]
                ));
            }
            Kind::Code => {
                standing.code.insert(place);
                standing.mark(chosen, |sentence| sentence.code = true);
            }
            Kind::Test => {
                let is_case = |name: &str| cases.iter().any(|case| case.function == name);
                if !around
                    .iter()
                    .any(|item| item.is_test || item.is_function && is_case(&item.name))
                {
                    return Err(format!(
                        "`{}` is neither a `#[test]` nor in a table of cases, so it proves nothing",
                        place.item
                    ));
                }
                let wine = source.path.starts_with(WINDOWS_TESTS);
                let simulator = !is_code && !wine;
                standing.proofs.insert(Proof { place, simulator, wine });
                standing.mark(chosen, |sentence| sentence.test = true);
            }
            Kind::Implication => {
                standing.code.insert(place);
                standing.implications.push(citation.reason.clone());
                standing.mark(chosen, |sentence| (sentence.code, sentence.test) = (true, true));
            }
            Kind::Exception => {
                standing.exceptions.push(citation.reason.clone());
                standing.mark(chosen, |sentence| sentence.excused = true);
            }
        }
        Ok(())
    }

    /// The clause that is cited, and which part of it.
    fn find(&self, citation: &Citation) -> Result<(usize, core::ops::Range<usize>), String> {
        let Citation { page, anchor, quote, .. } = citation;
        let found = self.spec.clauses.iter().position(|clause| clause.anchor() == *anchor);
        let Some(at) = found else {
            let known = self
                .spec
                .find(anchor)
                .map(|clause| format!("; the anchor is written `#{}`", clause.anchor()));
            let hint = known.unwrap_or_else(|| format!("; the ids are headings in {FOLDER}"));
            return Err(format!("cites `{page}#{anchor}`, which is no clause{hint}"));
        };
        let clause = &self.spec.clauses[at];
        if clause.file() != *page {
            return Err(format!(
                "cites {} in `{page}`, and it stands in {}: correct the path",
                clause.id,
                clause.file()
            ));
        }
        let start = clause.text.find(quote.as_str()).ok_or_else(|| {
            format!(
                "quotes \"{quote}\", which {} does not say: it says \"{}\"; quote it, and look \
                 whether the code still obeys",
                clause.id, clause.text
            )
        })?;
        Ok((at, start..start + quote.len()))
    }

    /// Books what a case says that it shows.
    fn enter(&mut self, source: &Source, case: &Case) {
        let runs_on = |host: Hosts| {
            RUN_BY.contains(&host) && (case.hosts == Hosts::Both || case.hosts == host)
        };
        let place = Place { file: source.path.clone(), item: case.name.clone() };
        let proof =
            Proof { place, simulator: runs_on(Hosts::Simulator), wine: runs_on(Hosts::Process) };
        // What no host runs cannot fail.
        let runs = proof.simulator || proof.wine;
        for id in &case.clauses {
            let found = self.spec.clauses.iter().position(|clause| clause.id == *id);
            let Some(at) = found else {
                let what = format!(
                    "the case `{}` shows {id}, which is no clause; the ids are headings in {FOLDER}",
                    case.name
                );
                self.problems.push(Problem::new(&source.path, case.line, what));
                continue;
            };
            if !runs {
                continue;
            }
            let standing = &mut self.standings[at];
            let clause = standing.clause;
            let ranges = clause.sentences();
            // A case for one profile says nothing of a sentence on the other alone.
            let chosen = |at: usize| {
                let sentence = &clause.text[ranges[at].clone()];
                let has_profile = |name: &str| sentence.contains(name);
                case.profile.is_none_or(|own| {
                    has_profile(own) || !(has_profile("`Documented`") || has_profile("`Windows`"))
                })
            };
            standing.mark(chosen, |sentence| sentence.test = true);
            standing.proofs.insert(proof.clone());
        }
    }
}
