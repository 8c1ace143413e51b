//! Citations in source: `//=` lines with the clause and what the citation is, `//#` lines with its
//! words.

use super::problem::Problem;
use super::spec::one_line;

/// What a citation says about the code that it stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It obeys.
    Code,
    /// It proves.
    Test,
    /// It cannot be otherwise.
    Implication,
    /// It does not obey, or cannot be tested.
    Exception,
}

/// A citation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Citation {
    /// Its first line and its last.
    pub(crate) line: usize,
    pub(crate) last: usize,
    /// The page's path and the anchor in it.
    pub(crate) page: String,
    pub(crate) anchor: String,
    pub(crate) kind: Kind,
    pub(crate) reason: String,
    /// The words of the clause, in one line.
    pub(crate) quote: String,
}

/// One being read.
#[derive(Default)]
struct Draft {
    line: usize,
    last: usize,
    target: String,
    kind: Option<String>,
    reasons: Vec<String>,
    quote: Vec<String>,
}

/// The citations of a source file.
pub(crate) fn parse(file: &str, source: &str) -> (Vec<Citation>, Vec<Problem>) {
    let (mut citations, mut problems) = (Vec::new(), Vec::new());
    let mut draft: Option<Draft> = None;
    for (line, text) in (1..).zip(source.lines()) {
        let text = text.trim_start();
        let (meta, words) = (text.strip_prefix("//="), text.strip_prefix("//#"));
        let ends = match &draft {
            Some(draft) => {
                (meta, words) == (None, None) || meta.is_some() && !draft.quote.is_empty()
            }
            None => false,
        };
        if ends && let Some(draft) = draft.take() {
            finish(file, draft, &mut citations, &mut problems);
        }
        if let Some(meta) = meta {
            let draft = draft.get_or_insert_with(|| Draft { line, ..Draft::default() });
            draft.last = line;
            match meta.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
                None => draft.target = meta.trim().to_owned(),
                Some(("type", value)) => draft.kind = Some(value.to_owned()),
                Some(("reason", value)) => draft.reasons.push(value.to_owned()),
                Some((key, _)) => {
                    let what = format!("`{key}=` means nothing in a citation");
                    problems.push(Problem::new(file, line, what));
                }
            }
        } else if let Some(words) = words {
            match &mut draft {
                Some(draft) => {
                    draft.last = line;
                    draft.quote.push(words.to_owned());
                }
                None => {
                    let what = "a quote of what? A line `//= docs/spec/PAGE.md#ID` goes before it";
                    problems.push(Problem::new(file, line, what.into()));
                }
            }
        }
    }
    if let Some(draft) = draft {
        finish(file, draft, &mut citations, &mut problems);
    }
    (citations, problems)
}

fn finish(file: &str, draft: Draft, citations: &mut Vec<Citation>, problems: &mut Vec<Problem>) {
    let mut wrong = |what: String| problems.push(Problem::new(file, draft.line, what));
    let kind = match draft.kind.as_deref() {
        None => Kind::Code,
        Some("test") => Kind::Test,
        Some("implication") => Kind::Implication,
        Some("exception") => Kind::Exception,
        Some(other) => {
            return wrong(format!(
                "`type={other}`: it is `test`, `implication` or `exception`, or left out"
            ));
        }
    };
    let reason = one_line(&draft.reasons.join(" "));
    if reason.is_empty() && matches!(kind, Kind::Implication | Kind::Exception) {
        return wrong("has no reason: add `//= reason=` and why".into());
    }
    let Some((page, anchor)) = draft.target.split_once('#') else {
        return wrong(format!(
            "cites `{}`: a clause is cited as `docs/spec/PAGE.md#ID`",
            draft.target
        ));
    };
    let quote = one_line(&draft.quote.join(" "));
    if quote.is_empty() {
        return wrong("quotes nothing: add `//# ` and words of the clause".into());
    }
    citations.push(Citation {
        line: draft.line,
        last: draft.last,
        page: page.to_owned(),
        anchor: anchor.to_owned(),
        kind,
        reason,
        quote,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_part() {
        let source = "\
fn f() {
    //= docs/spec/x.md#ret-1
    //# It MUST
    //# do this.
    //= docs/spec/x.md#ret-2
    //= type=exception
    //= reason=It cannot
    //= reason=be done.
    //# Never.
    go();

    //= docs/spec/x.md#ret-3
    //= type = test
    //# Again.
}
";
        let (citations, problems) = parse("a.rs", source);
        assert_eq!(problems, []);
        let [first, second, third] = citations.as_slice() else { panic!("{citations:?}") };
        assert_eq!((first.line, first.last), (2, 4));
        assert_eq!((first.page.as_str(), first.anchor.as_str()), ("docs/spec/x.md", "ret-1"));
        assert_eq!((first.kind, first.quote.as_str()), (Kind::Code, "It MUST do this."));
        assert_eq!((second.kind, second.reason.as_str()), (Kind::Exception, "It cannot be done."));
        assert_eq!((third.kind, third.line), (Kind::Test, 12));
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (source, expected) in [
            ("\n//# It MUST.", "a.rs:2: a quote of what?"),
            ("//= docs/spec/x.md\n//# It.", "a.rs:1: cites `docs/spec/x.md`"),
            ("//= x#y\n//= type=todo\n//# It.", "a.rs:1: `type=todo`"),
            ("//= x#y\n//= level=MUST\n//# It.", "a.rs:2: `level=` means nothing"),
            ("//= x#y\nlet a = 1;", "a.rs:1: quotes nothing"),
            ("//= x#y\n//= type=exception\n//# It.", "a.rs:1: has no reason"),
        ] {
            let problems = parse("a.rs", source).1;
            assert_eq!(problems.len(), 1, "{source}");
            assert!(problems[0].to_string().contains(expected), "{}", problems[0]);
        }
    }
}
