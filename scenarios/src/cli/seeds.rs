//! Seeds and ranges of seeds, as the command line spells them.

/// A range of seeds, `start` in and `end` out. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seeds {
    start: u64,
    end: u64,
}

impl Seeds {
    /// What a hunt takes when nothing is said: 0 to 499.
    pub(super) const DEFAULT: Self = Self { start: 0, end: 500 };

    /// How many.
    pub(super) fn count(self) -> u64 {
        self.end - self.start
    }

    /// The seed at `index`, from 0; `None` past the end.
    pub(super) fn at(self, index: u64) -> Option<u64> {
        (index < self.count()).then(|| self.start + index)
    }
}

impl core::fmt::Display for Seeds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// Reads one seed.
///
/// # Errors
/// A sentence that says what a seed is.
pub(super) fn parse_seed(text: &str) -> Result<u64, String> {
    digits(text).ok_or_else(|| {
        format!("a seed is a whole number from 0 to {}, such as `--seed 17`", u64::MAX)
    })
}

/// Reads `A..B`.
///
/// # Errors
/// A sentence that says what would be right.
pub(super) fn parse_seeds(text: &str) -> Result<Seeds, String> {
    let Some((start, end)) = text.split_once("..") else {
        return Err(match digits(text).and_then(|seed| seed.checked_add(1)) {
            Some(next) => format!("a range has two ends; for this one seed write `{text}..{next}`"),
            None => FORM.to_owned(),
        });
    };
    if let Some(last) = end.strip_prefix('=') {
        return Err(match (digits(start), digits(last).and_then(|last| last.checked_add(1))) {
            (Some(start), Some(end)) if start < end => {
                format!("`A..B` leaves out B; to include the last seed write `{start}..{end}`")
            }
            _ => FORM.to_owned(),
        });
    }
    let start = end_of_range(start)?;
    let end = end_of_range(end)?;
    match start.cmp(&end) {
        core::cmp::Ordering::Less => Ok(Seeds { start, end }),
        core::cmp::Ordering::Equal => Err(match start.checked_add(1) {
            Some(next) => format!(
                "the range is empty, because `A..B` leaves out B; for this one seed write \
                 `{start}..{next}`"
            ),
            None => "the range is empty, because `A..B` leaves out B".to_owned(),
        }),
        core::cmp::Ordering::Greater => {
            Err(format!("the range is reversed; write the smaller seed first, `{end}..{start}`"))
        }
    }
}

const FORM: &str = "seeds are written `A..B`, two whole numbers with A below B (B is left out), \
                    such as `--seeds 0..500`";

fn end_of_range(text: &str) -> Result<u64, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits(text)
            .ok_or_else(|| format!("`{text}` is too large; a seed is at most {}", u64::MAX));
    }
    Err(FORM.to_owned())
}

/// A number of plain digits: no sign, no space.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ranges() {
        let seeds = parse_seeds("3..6").unwrap();
        assert_eq!(seeds.count(), 3);
        assert_eq!([seeds.at(0), seeds.at(2), seeds.at(3)], [Some(3), Some(5), None]);
        let top = parse_seeds("18446744073709551614..18446744073709551615").unwrap();
        assert_eq!(top.at(0), Some(u64::MAX - 1));
        assert_eq!(parse_seeds("0..18446744073709551615").unwrap().count(), u64::MAX);
    }

    #[test]
    fn says_what_would_be_right() {
        for (text, right) in [
            ("5..5", "`5..6`"),
            ("9..2", "`2..9`"),
            ("7", "`7..8`"),
            ("1..=4", "`1..5`"),
            ("0..18446744073709551616", "at most 18446744073709551615"),
            ("18446744073709551615..18446744073709551615", "empty"),
            ("", "`A..B`"),
            ("..", "`A..B`"),
            ("..5", "`A..B`"),
            ("5..", "`A..B`"),
            ("-1..5", "`A..B`"),
            ("+1..5", "`A..B`"),
            ("1 .. 5", "`A..B`"),
            ("0x10..0x20", "`A..B`"),
            ("1..2..3", "`A..B`"),
            ("9..=2", "`A..B`"),
            ("a..b", "`A..B`"),
        ] {
            let sentence = parse_seeds(text).unwrap_err();
            assert!(sentence.contains(right), "{text:?}: {sentence}");
        }
    }

    #[test]
    fn reads_seeds() {
        assert_eq!(parse_seed("0"), Ok(0));
        assert_eq!(parse_seed("18446744073709551615"), Ok(u64::MAX));
        for text in ["", "-1", "1.5", "18446744073709551616", "ten", "+3"] {
            assert!(parse_seed(text).unwrap_err().contains("whole number"), "{text:?}");
        }
    }
}
