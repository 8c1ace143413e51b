//! The task on small trees.

use std::fs;
use std::path::PathBuf;

use super::spec::Spec;
use super::spec::tests::page;
use super::standing::{Standing, judge};
use super::tree::Source;
use super::*;

const PAGE_TEXT: &str = "\
# WSPSendTo

### RET-1

It MUST return 0. [page]

### DST-7

Under `Documented` it MUST fail. Under `Windows` it MUST bind. [page]
";

fn spec() -> Spec {
    let (spec, problems) = page("wspsendto.md", PAGE_TEXT);
    assert_eq!(problems, []);
    spec
}

fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

fn code(text: &str) -> Source {
    source("provider-core/src/send.rs", text)
}

fn suite(text: &str) -> Source {
    source("tests/conformance/src/send_to.rs", text)
}

fn judged(code_text: &str, test_text: &str, look: impl Fn(&[Standing<'_>])) -> Vec<String> {
    let spec = spec();
    let (standings, problems) = judge(&spec, &[code(code_text)], &[suite(test_text)]);
    look(&standings);
    problems.iter().map(Problem::to_string).collect()
}

const OBEYS: &str = "\
fn send() {
    //= docs/spec/wspsendto.md#ret-1
    //# MUST return 0
    done();
}
";

const PROVES: &str = "\
#[test]
fn returns_zero() {
    //= docs/spec/wspsendto.md#ret-1
    //= type=test
    //# It MUST return 0.
    assert_eq!(send(), 0);
}
";

#[test]
fn code_and_test_make_a_clause_complete() {
    let problems = judged(OBEYS, PROVES, |standings| {
        let [ret, dst] = standings else { panic!("two clauses") };
        assert!(ret.is_implemented() && ret.is_tested() && ret.lacks().is_empty());
        assert_eq!(ret.code.first().map(|place| place.item.as_str()), Some("send"));
        let proof = ret.proofs.first().expect("a proof");
        assert!(proof.simulator && !proof.wine);
        assert_eq!(proof.place.item, "returns_zero");
        assert!(!dst.is_implemented());
        assert_eq!(
            summary::missing(standings),
            [
                "DST-7: no code, no test: Under `Documented` it MUST fail.",
                "DST-7: no code, no test: Under `Windows` it MUST bind.",
            ]
        );
    });
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn a_test_of_the_provider_itself_runs_on_no_host() {
    let spec = spec();
    let (standings, problems) = judge(&spec, &[code(PROVES)], &[]);
    assert_eq!(problems, []);
    let proof = standings[0].proofs.first().expect("a proof");
    assert!(!proof.simulator && !proof.wine && standings[0].is_tested());
}

#[test]
fn each_sentence_is_cited_for_itself() {
    let windows =
        "fn f() {\n//= docs/spec/wspsendto.md#dst-7\n//# `Windows` it MUST bind\ngo();\n}";
    judged(windows, "", |standings| {
        assert!(!standings[1].is_implemented());
        assert_eq!(
            standings[1].lacks(),
            [
                ("Under `Documented` it MUST fail.", "no code, no test"),
                ("Under `Windows` it MUST bind.", "no test"),
            ]
        );
    });
    let both = windows.replace("`Windows` it", "it MUST fail. Under `Windows` it");
    judged(&both, "", |standings| assert!(standings[1].is_implemented()));
}

#[test]
fn a_case_proves_what_its_table_names_for_its_profile() {
    let table = |maker: &str, hosts: &str| {
        format!("const CASES: &[Case] = &[Case::{maker}(\"a-case\", &[\"DST-7\"], run){hosts}];")
    };
    let problems = judged("", &table("both", ""), |standings| {
        assert!(standings[1].is_tested());
        let proof = standings[1].proofs.first().expect("a proof");
        assert!(proof.simulator && proof.wine && proof.place.item == "a-case");
    });
    assert_eq!(problems, Vec::<String>::new());
    judged("", &table("windows", ""), |standings| {
        assert_eq!(standings[1].lacks()[0].1, "no code, no test");
        assert_eq!(standings[1].lacks()[1].1, "no code");
    });
    judged("", &table("both", ".on(Hosts::Process(\"why\"))"), |standings| {
        let proof = standings[1].proofs.first().expect("a proof");
        assert!(!proof.simulator && proof.wine && standings[1].is_tested());
    });
    judged("", &table("both", ".on(Hosts::Simulator(\"why\"))"), |standings| {
        let proof = standings[1].proofs.first().expect("a proof");
        assert!(proof.simulator && !proof.wine && standings[1].is_tested());
    });
    let unknown = table("both", "").replace("DST-7", "DST-8");
    let problems = judged("", &unknown, |_| {});
    assert!(
        problems[0].contains("src/send_to.rs:1: the case `a-case` shows DST-8"),
        "{problems:?}"
    );
}

#[test]
fn stale_citations_are_told_with_what_to_do() {
    for (from, to, expected) in [
        ("ret-1", "ret-2", "send.rs:2: cites `docs/spec/wspsendto.md#ret-2`, which is no clause"),
        ("ret-1", "RET-1", "the anchor is written `#ret-1`"),
        ("wspsendto.md", "sending.md", "cites RET-1 in `docs/spec/sending.md`, and it stands in"),
        ("return 0", "return 1", "which RET-1 does not say: it says \"It MUST return 0.\""),
    ] {
        let problems = judged(&OBEYS.replace(from, to), "", |standings| {
            assert!(!standings[0].is_implemented());
        });
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(expected), "{problems:?}");
    }
}

#[test]
fn a_test_must_be_one() {
    let helper = PROVES.replace("#[test]\n", "");
    let problems = judged("", &helper, |standings| assert!(!standings[0].is_tested()));
    assert!(problems[0].contains("`returns_zero` is neither a `#[test]`"), "{problems:?}");
    let case = format!("{helper}const C: &[Case] = &[Case::both(\"x\", &[], returns_zero)];");
    assert_eq!(judged("", &case, |standings| assert!(standings[0].is_tested())), [""; 0]);
    let problems = judged("", OBEYS, |standings| assert!(!standings[0].is_implemented()));
    assert!(problems[0].contains("outside of provider-core/src obeys no clause"), "{problems:?}");
}

#[test]
fn exceptions_and_implications() {
    let exception = OBEYS.replace("#ret-1", "#ret-1\n//= type=exception\n//= reason=No ports.");
    let problems = judged(&exception, "", |standings| {
        assert!(standings[0].lacks().is_empty() && !standings[0].is_implemented());
        assert_eq!(standings[0].exceptions, ["No ports."]);
        let json = summary::json(&spec(), standings);
        assert!(
            json.contains(r#""exceptions":[{"clause":"RET-1","reason":"No ports."}]"#),
            "{json}"
        );
        assert!(json.contains(r#""WSPSendTo":{"clauses":2,"implemented":0,"tested":0}"#), "{json}");
        assert!(json.contains(r#""WSPBind":{"clauses":0"#) && !json.contains('\n'), "{json}");
    });
    assert_eq!(problems, Vec::<String>::new());
    let implication = exception.replace("exception", "implication");
    judged(&implication, "", |standings| {
        assert!(standings[0].is_implemented() && standings[0].is_tested());
    });
}

/// A tree of its own among what is built.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = root().join("target/clauses-tests").join(name);
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        }
        Self(root)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_page_is_written_and_held_against_the_tree() {
    let whole = PAGE_TEXT.split("### DST-7").next().unwrap_or_default();
    let tree = Tree::new(
        "page",
        &[
            ("docs/spec/wspsendto.md", whole),
            ("provider-core/src/a.rs", OBEYS),
            ("tests/a.rs", PROVES),
        ],
    );
    let old = perform(&tree.0, Task::Check).expect_err("there is no page");
    assert!(
        old.contains("docs/conformance.md:1: is out of date: run `cargo xtask clauses`"),
        "{old}"
    );
    assert_eq!(perform(&tree.0, Task::Write), Ok(()));
    assert_eq!(perform(&tree.0, Task::Check), Ok(()));
    let text = fs::read_to_string(tree.0.join(super::PAGE)).expect("the page");
    let row = "| [RET-1](spec/wspsendto.md#ret-1) | [src/a.rs](../provider-core/src/a.rs) `send` | \
               [tests/a.rs](../tests/a.rs) `returns_zero` | yes | - |";
    assert!(text.contains(row), "{text}");
    // Lines may move without making the page old; what is cited may not.
    let moved = format!("\n\n{OBEYS}");
    fs::write(tree.0.join("provider-core/src/a.rs"), moved).expect("a file can be written");
    assert_eq!(perform(&tree.0, Task::Check), Ok(()));
    let renamed = OBEYS.replace("fn send", "fn sends");
    fs::write(tree.0.join("provider-core/src/a.rs"), renamed).expect("a file can be written");
    let old = perform(&tree.0, Task::Check).expect_err("the item has another name");
    assert!(old.contains("is out of date"), "{old}");
}

#[test]
fn a_clause_without_code_fails_the_check_alone() {
    let tree = Tree::new("missing", &[("docs/spec/wspsendto.md", PAGE_TEXT)]);
    assert_eq!(perform(&tree.0, Task::Write), Ok(()));
    let missing = perform(&tree.0, Task::Check).expect_err("nothing is cited");
    assert!(missing.contains("RET-1: no code, no test: It MUST return 0."), "{missing}");
    assert_eq!(perform(&tree.0, Task::Missing), Ok(()));
}
