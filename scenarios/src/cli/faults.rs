//! Faults as the command line spells them: `NAME=RATE` and `NAME@N`.

use wspsim::choice::Rate;
use wspsim::fault::{Fault, FaultPlan, Script};

use super::error::InputError;
use super::suggest::nearest;

/// One `--fault`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultArg {
    /// `NAME=RATE`, the rate in millionths.
    Rate(Fault, u32),
    /// `NAME@N`, from 1.
    Nth(Fault, u64),
}

impl FaultArg {}

impl core::fmt::Display for FaultArg {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Rate(fault, millionths) => {
                write!(f, "{}={}", fault.name(), Millionths(*millionths))
            }
            Self::Nth(fault, nth) => write!(f, "{}@{nth}", fault.name()),
        }
    }
}

const MILLION: u64 = 1_000_000;

/// A rate as a decimal that reads back as itself.
struct Millionths(u32);

impl core::fmt::Display for Millionths {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let million = MILLION as u32;
        let digits = format!("{}.{:06}", self.0 / million, self.0 % million);
        f.write_str(digits.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Reads one `--fault`.
///
/// # Errors
/// A sentence that says what would be right.
pub(super) fn parse_fault(text: &str) -> Result<FaultArg, String> {
    let Some(at) = text.find(['=', '@']) else {
        return Err(match Fault::from_name(text) {
            Some(_) => format!(
                "say how often: `{text}=0.01` for a hundredth of its chances, `{text}@3` for the \
                 third chance"
            ),
            None => FORM.to_owned(),
        });
    };
    let (name, value) = (&text[..at], &text[at + 1..]);
    let fault = fault_named(name)?;
    if text.as_bytes()[at] == b'=' {
        rate(value).map(|millionths| FaultArg::Rate(fault, millionths))
    } else {
        nth(fault, value).map(|nth| FaultArg::Nth(fault, nth))
    }
}

/// The plan that the arguments ask for: these faults, and no others.
///
/// # Errors
/// [`InputError::TwoRates`].
pub(super) fn plan(arguments: &[FaultArg]) -> Result<FaultPlan, InputError> {
    let mut plan = FaultPlan::none();
    let mut rated: Vec<Fault> = Vec::new();
    for argument in arguments {
        match *argument {
            FaultArg::Rate(fault, millionths) => {
                if rated.contains(&fault) {
                    return Err(InputError::TwoRates { name: fault.name() });
                }
                rated.push(fault);
                plan.set_rate(fault, Rate::from_millionths(u64::from(millionths)));
            }
            FaultArg::Nth(fault, nth) => plan.scripts.push(Script::new(fault, nth)),
        }
    }
    Ok(plan)
}

const FORM: &str = "a fault is written `NAME=RATE` (`drop=0.02`, `drop=1/50`) or `NAME@N` \
                    (`drop@3`, the third chance); `list` shows the names";

fn fault_named(name: &str) -> Result<Fault, String> {
    Fault::from_name(name).ok_or_else(|| {
        let names = || Fault::ALL.iter().map(|fault| fault.name());
        let meant = nearest(name, names())
            .map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        let known = names().collect::<Vec<_>>().join(", ");
        format!("there is no fault `{name}`{meant}; the faults are: {known}")
    })
}

fn nth(fault: Fault, text: &str) -> Result<u64, String> {
    match unsigned(text) {
        Some(nth) if nth > 0 => Ok(nth),
        _ => Err(format!(
            "chances are counted from 1 in whole numbers: `{name}@1` is the first chance of \
             `{name}`",
            name = fault.name()
        )),
    }
}

/// A rate in millionths, from a decimal or a ratio between 0 and 1.
fn rate(text: &str) -> Result<u32, String> {
    let millionths = if let Some((part, whole)) = text.split_once('/') {
        ratio(part, whole)?
    } else {
        decimal(text)?
    };
    u32::try_from(millionths)
        .ok()
        .filter(|millionths| u64::from(*millionths) <= MILLION)
        .ok_or_else(|| format!("the rate `{text}` is above 1; {RATE}"))
}

const RATE: &str = "a rate is a decimal from 0 to 1 with at most six places (`0.02`), or a ratio \
                    (`1/50`)";

fn decimal(text: &str) -> Result<u64, String> {
    let refuse = || match text.strip_suffix('%').and_then(unsigned) {
        Some(hundredths) if hundredths <= 100 => {
            format!("write the percentage `{text}` as `{hundredths}/100`; {RATE}")
        }
        _ => format!("`{text}` is not a rate; {RATE}"),
    };
    let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
    let whole = unsigned(whole).ok_or_else(refuse)?;
    if places.is_empty() || !places.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refuse());
    }
    let places = places.trim_end_matches('0');
    if places.len() > 6 {
        return Err(format!("`{text}` is finer than a millionth; {RATE}"));
    }
    let part = format!("{places:0<6}").parse::<u64>().map_err(|_| refuse())?;
    Ok(whole.saturating_mul(MILLION).saturating_add(part))
}

fn ratio(part: &str, whole: &str) -> Result<u64, String> {
    let (Some(part), Some(whole)) = (unsigned(part), unsigned(whole)) else {
        return Err(format!("`{part}/{whole}` is not a ratio of whole numbers; {RATE}"));
    };
    if whole == 0 {
        return Err(format!("a ratio cannot have 0 below the line; {RATE}"));
    }
    // The nearest millionth: 1/3 has no exact one.
    let millionths =
        (u128::from(part) * u128::from(MILLION) + u128::from(whole) / 2) / u128::from(whole);
    if part > 0 && millionths == 0 {
        return Err(format!("`{part}/{whole}` is less than a millionth; {RATE}"));
    }
    Ok(u64::try_from(millionths).unwrap_or(u64::MAX))
}

fn unsigned(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rates_exactly() {
        for (text, millionths) in [
            ("drop=0", 0),
            ("drop=1", 1_000_000),
            ("drop=1.0", 1_000_000),
            ("drop=0.1", 100_000),
            ("drop=0.000001", 1),
            ("drop=0.0200000000", 20_000),
            ("drop=1/50", 20_000),
            ("drop=1/3", 333_333),
            ("drop=2/3", 666_667),
            ("drop=0/7", 0),
            ("drop=7/7", 1_000_000),
        ] {
            let read = parse_fault(text).unwrap();
            assert_eq!(read, FaultArg::Rate(Fault::Drop, millionths), "{text}");
            assert_eq!(parse_fault(&read.to_string()), Ok(read), "{text}");
        }
    }

    #[test]
    fn reads_scripts() {
        let read = parse_fault("would-block@3").unwrap();
        assert_eq!(read, FaultArg::Nth(Fault::WouldBlock, 3));
        assert_eq!(read.to_string(), "would-block@3");
    }

    #[test]
    fn says_what_would_be_right() {
        for (text, right) in [
            ("drop=1.5", "above 1"),
            ("drop=2", "above 1"),
            ("drop=99999999999999999999", "not a rate"),
            ("drop=18446744073709551615", "above 1"),
            ("drop=-0.1", "from 0 to 1"),
            ("drop=", "from 0 to 1"),
            ("drop=.5", "from 0 to 1"),
            ("drop=0.", "from 0 to 1"),
            ("drop=nan", "from 0 to 1"),
            ("drop=1e-3", "from 0 to 1"),
            ("drop=5%", "`5/100`"),
            ("drop=0.0000001", "finer than a millionth"),
            ("drop=1/0", "0 below the line"),
            ("drop=3/2", "above 1"),
            ("drop=1/9999999", "less than a millionth"),
            ("drop=a/b", "ratio"),
            ("drop@0", "`drop@1`"),
            ("drop@x", "`drop@1`"),
            ("drop@-1", "`drop@1`"),
            ("drop", "`drop=0.01`"),
            ("dorp=0.1", "did you mean `drop`?"),
            ("xyzzy=0.1", "the faults are: enobufs, "),
            ("xyzzy", "NAME=RATE"),
            ("", "NAME=RATE"),
            ("=0.1", "the faults are"),
        ] {
            let sentence = parse_fault(text).unwrap_err();
            assert!(sentence.contains(right), "{text:?}: {sentence}");
        }
    }

    #[test]
    fn plans() {
        let read = |texts: &[&str]| {
            plan(&texts.iter().map(|text| parse_fault(text).unwrap()).collect::<Vec<_>>())
        };
        let made = read(&["drop=0.5", "drop@3", "reset@1", "reset@2"]).unwrap();
        assert_eq!(made.rate(Fault::Drop).millionths(), 500_000);
        assert_eq!(made.scripts.len(), 3);
        assert!(!made.has(Fault::Crash));
        assert!(matches!(
            read(&["drop=0.5", "drop=0.6"]),
            Err(InputError::TwoRates { name: "drop" })
        ));
    }
}
