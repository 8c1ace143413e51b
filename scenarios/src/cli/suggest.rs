//! The known name most like a mistyped one.

/// The name in `known` that takes the fewest edits, if that is few enough to be a slip.
pub(super) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let given = given.to_lowercase().replace('_', "-");
    known
        .into_iter()
        .map(|name| (edits(&given, name), name))
        .filter(|(edits, name)| *edits <= 1 + name.chars().count() / 4)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// How many insertions, deletions, substitutions and swaps of neighbours turn `a` into `b`.
fn edits(a: &str, b: &str) -> usize {
    // The command line can be any length; no name is near one so long.
    const LONGEST: usize = 64;
    let a: Vec<char> = a.chars().take(LONGEST).collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substituted = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = substituted.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["drop", "duplicate", "would-block"];

    #[test]
    fn finds_slips() {
        assert_eq!(nearest("dorp", KNOWN), Some("drop"));
        assert_eq!(nearest("Would_Block", KNOWN), Some("would-block"));
        assert_eq!(nearest("duplicat", KNOWN), Some("duplicate"));
    }

    #[test]
    fn leaves_strangers_alone() {
        assert_eq!(nearest("xyzzy", KNOWN), None);
        assert_eq!(nearest("", KNOWN), None);
        assert_eq!(nearest(&"d".repeat(100_000), KNOWN), None);
    }
}
