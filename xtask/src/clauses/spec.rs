//! The clauses, as the pages of docs/spec have them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::problem::Problem;

/// Where the pages are.
pub(crate) const FOLDER: &str = "docs/spec";

/// The procedure table in its order, and WSPStartup, which gives it.
pub(crate) const FUNCTIONS: [&str; 31] = [
    "WSPAccept",
    "WSPAddressToString",
    "WSPAsyncSelect",
    "WSPBind",
    "WSPCancelBlockingCall",
    "WSPCleanup",
    "WSPCloseSocket",
    "WSPConnect",
    "WSPDuplicateSocket",
    "WSPEnumNetworkEvents",
    "WSPEventSelect",
    "WSPGetOverlappedResult",
    "WSPGetPeerName",
    "WSPGetSockName",
    "WSPGetSockOpt",
    "WSPGetQOSByName",
    "WSPIoctl",
    "WSPJoinLeaf",
    "WSPListen",
    "WSPRecv",
    "WSPRecvDisconnect",
    "WSPRecvFrom",
    "WSPSelect",
    "WSPSend",
    "WSPSendDisconnect",
    "WSPSendTo",
    "WSPSetSockOpt",
    "WSPShutdown",
    "WSPSocket",
    "WSPStringToAddress",
    "WSPStartup",
];

/// What says how binding a sentence is.
const KEYWORDS: [&str; 3] = ["MUST", "SHOULD", "MAY"];

/// One clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) id: String,
    /// The name of its page.
    pub(crate) page: String,
    /// Where its heading stands.
    pub(crate) line: usize,
    /// The function that it is about, or what the page says instead.
    pub(crate) function: String,
    /// Its words in one line, without tags.
    pub(crate) text: String,
}

impl Clause {
    /// What its heading is linked by.
    pub(crate) fn anchor(&self) -> String {
        self.id.to_ascii_lowercase()
    }

    /// The file that it stands in.
    pub(crate) fn file(&self) -> String {
        format!("{FOLDER}/{}", self.page)
    }

    /// Its sentences, as ranges of its text.
    pub(crate) fn sentences(&self) -> Vec<core::ops::Range<usize>> {
        let mut start = 0;
        let mut ranges = Vec::new();
        for (at, end) in self.text.match_indices(". ") {
            ranges.push(start..at + 1);
            start = at + end.len();
        }
        ranges.push(start..self.text.len());
        ranges
    }
}

/// All clauses, in the order of the pages' names and of the pages.
#[derive(Debug, Default)]
pub(crate) struct Spec {
    pub(crate) clauses: Vec<Clause>,
}

impl Spec {
    /// Reads the pages, with what is wrong with them.
    pub(crate) fn read(root: &Path) -> Result<(Self, Vec<Problem>), String> {
        let folder = root.join(FOLDER);
        let entries =
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut pages = BTreeMap::new();
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                pages.insert(name, text);
            }
        }
        Ok(Self::parse(&pages))
    }

    /// The clauses of pages given by name and text.
    pub(crate) fn parse(pages: &BTreeMap<String, String>) -> (Self, Vec<Problem>) {
        let (mut spec, mut problems) = (Self::default(), Vec::new());
        for (name, text) in pages {
            parse_page(name, text, &mut spec.clauses, &mut problems);
        }
        let mut seen: BTreeMap<String, &Clause> = BTreeMap::new();
        for clause in &spec.clauses {
            if let Some(first) = seen.insert(clause.anchor(), clause) {
                let what = format!(
                    "{} is defined a second time: it stands at {}:{} already",
                    clause.id,
                    first.file(),
                    first.line
                );
                problems.push(Problem::new(&clause.file(), clause.line, what));
            }
        }
        (spec, problems)
    }

    /// The clause of that id or anchor.
    pub(crate) fn find(&self, id: &str) -> Option<&Clause> {
        self.clauses.iter().find(|clause| clause.id.eq_ignore_ascii_case(id))
    }
}

fn parse_page(page: &str, text: &str, clauses: &mut Vec<Clause>, problems: &mut Vec<Problem>) {
    let file = format!("{FOLDER}/{page}");
    let (mut title, mut section) = ("", "");
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        at += 1;
        if let Some(heading) = line.strip_prefix("# ") {
            title = heading.trim();
        } else if let Some(heading) = line.strip_prefix("## ") {
            section = heading.trim();
        } else if let Some(id) = line.strip_prefix("### ") {
            let heading_line = at;
            while lines.get(at).is_some_and(|line| line.trim().is_empty()) {
                at += 1;
            }
            let from = at;
            while lines.get(at).is_some_and(|line| !line.trim().is_empty()) {
                at += 1;
            }
            let paragraph = one_line(&lines[from..at].join(" "));
            let (words, tags) = split_tags(&paragraph);
            let named = |name: &str| FUNCTIONS.contains(&name);
            let function = if named(section) || !named(title) { section } else { title };
            let clause = Clause {
                id: id.trim().to_owned(),
                page: page.to_owned(),
                line: heading_line,
                function: function.to_owned(),
                text: words.to_owned(),
            };
            let mut wrong = |what: &str| {
                let what = format!("{}: {what}", clause.id);
                problems.push(Problem::new(&file, heading_line, what));
            };
            if !is_id(&clause.id) {
                wrong("an id is a word in capitals, `-`, and numbers or words in capitals");
            }
            if tags == 0 {
                wrong("says not on what it rests: end it with a tag such as [page] or [docs]");
            }
            for range in clause.sentences() {
                let sentence = &clause.text[range];
                if !KEYWORDS.iter().any(|word| sentence.contains(word)) {
                    wrong(&format!("a sentence without MUST binds nobody: \"{sentence}\""));
                }
            }
            clauses.push(clause);
        }
    }
}

/// `RET-1`, `OVL-6b`, `ERR-FAULT-3`.
pub(crate) fn is_id(word: &str) -> bool {
    let mut parts = word.split('-');
    let capital = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit())
            && part.bytes().all(|c| c.is_ascii_alphanumeric())
    };
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    first.len() > 1
        && first.bytes().all(|c| c.is_ascii_uppercase())
        && !rest.is_empty()
        && rest.iter().all(|part| capital(part))
}

/// Words with one space between them.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Takes the tags off the end; gives how many there were.
fn split_tags(paragraph: &str) -> (&str, usize) {
    let (mut words, mut tags) = (paragraph.trim_end(), 0);
    while let Some(open) = words.strip_suffix(']').and_then(|inner| inner.rfind('[')) {
        words = words[..open].trim_end();
        tags += 1;
    }
    (words, tags)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The spec of one page and what is wrong with it.
    pub(crate) fn page(name: &str, text: &str) -> (Spec, Vec<Problem>) {
        Spec::parse(&BTreeMap::from([(name.to_owned(), text.to_owned())]))
    }

    #[test]
    fn a_clause_is_its_first_paragraph_without_tags() {
        let text = "# Sockets\n\n## WSPBind\n\nBefore.\n\n### BIND-1\n\nIt MUST bind\nthe socket. It \
                    MAY\nwait. [page]\n[Wine tests]\n\nA reason.\n\n## Other\n\n### OTHER-2b\n\nIt \
                    MUST. [docs]\n";
        let (spec, problems) = page("x.md", text);
        assert_eq!(problems, []);
        let [bind, other] = spec.clauses.as_slice() else { panic!("{spec:?}") };
        assert_eq!(bind.text, "It MUST bind the socket. It MAY wait.");
        assert_eq!(bind.sentences().len(), 2);
        assert_eq!((bind.function.as_str(), bind.line), ("WSPBind", 7));
        assert_eq!(bind.anchor(), "bind-1");
        assert_eq!(other.function, "Other");
        assert_eq!(other.sentences().len(), 1);
    }

    #[test]
    fn the_title_names_the_function_where_no_section_does() {
        let (spec, _) = page("x.md", "# WSPSendTo\n\n## Result\n\n### RET-1\n\nIt MUST. [page]\n");
        assert_eq!(spec.clauses[0].function, "WSPSendTo");
    }

    #[test]
    fn what_is_wrong_with_a_page_is_told_with_its_line() {
        let twice = "### RET-1\n\nIt MUST. [page]\n\n### RET-1\n\nIt MUST. [page]\n";
        let told: Vec<String> =
            page("x.md", twice).1.iter().map(|problem| problem.to_string()).collect();
        assert_eq!(
            told,
            ["  docs/spec/x.md:5: RET-1 is defined a second time: it stands at docs/spec/x.md:1 \
              already"]
        );
        for (text, line) in [
            ("### RET-1\n\nIt MUST.\n", "x.md:1: RET-1: says not on what it rests"),
            ("\n### RET-1\n\nIt does. [page]\n", "x.md:2: RET-1: a sentence without MUST"),
            ("### ret one\n\nIt MUST. [page]\n", "x.md:1: ret one: an id is"),
        ] {
            let problems = page("x.md", text).1;
            assert_eq!(problems.len(), 1, "{text}");
            assert!(problems[0].to_string().contains(line), "{}", problems[0]);
        }
    }

    #[test]
    fn ids() {
        for id in ["RET-1", "OVL-6b", "ERR-FAULT-3", "ERR-PRECEDENCE"] {
            assert!(is_id(id), "{id}");
        }
        for word in ["RET", "ret-1", "R-1", "RET-", "RET-x", "SYN_1"] {
            assert!(!is_id(word), "{word}");
        }
    }
}
