use wspsim_tests::faulty::Flaw;
use super::{flawed, told};
#[test]
fn table() {
    for flaw in Flaw::ALL.iter().copied() {
        let mut seen = std::collections::BTreeMap::<String, Vec<u64>>::new();
        let mut ex = String::new();
        for seed in 0..40 {
            let r = flawed(flaw, seed);
            let v = r.finding.as_ref().map_or("clean".into(), |f| format!("{}/{}", f.violation.oracle, f.violation.clause));
            if ex.is_empty() { ex = told(&r); }
            seen.entry(v).or_default().push(seed);
        }
        let s: Vec<String> = seen.iter().map(|(k, v)| format!("{k} x{} (first {})", v.len(), v[0])).collect();
        println!("{} => {} || {}", flaw.name(), s.join(", "), ex.chars().take(330).collect::<String>());
    }
}
