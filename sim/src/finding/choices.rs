//! Choices as text: short, because most of them repeat.
//!
//! Runs of equal choices become three numbers, stream, value and how many more of the same follow,
//! each as LEB128 bytes, all of it in hexadecimal digits.

use crate::choice::Choice;

/// No run has more choices than this; a file that says so would only exhaust the memory.
const CHOICES_MAX: u64 = 1 << 30;

pub(super) fn to_text(choices: &[Choice]) -> String {
    let mut text = String::with_capacity(choices.len() * 4);
    for run in choices.chunk_by(PartialEq::eq) {
        put(u64::from(run[0].stream), &mut text);
        put(u64::from(run[0].value), &mut text);
        put(run.len() as u64 - 1, &mut text);
    }
    text
}

/// The choices, or `None` where the text cannot have been written by [`to_text`].
pub(super) fn from_text(text: &str) -> Option<Vec<Choice>> {
    let mut digits = text.as_bytes();
    let mut choices = Vec::new();
    while !digits.is_empty() {
        let stream = u16::try_from(take(&mut digits)?).ok()?;
        let value = u32::try_from(take(&mut digits)?).ok()?;
        let count = take(&mut digits)?.checked_add(1)?;
        if choices.len() as u64 + count > CHOICES_MAX {
            return None;
        }
        choices.extend((0..count).map(|_| Choice { stream, value }));
    }
    Some(choices)
}

fn put(mut number: u64, text: &mut String) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        let byte = if number == 0 { low } else { low | 0x80 };
        for nibble in [byte >> 4, byte & 0xf] {
            text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
        if number == 0 {
            return;
        }
    }
}

fn take(digits: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..63).step_by(7) {
        let (pair, rest) = digits.split_first_chunk::<2>()?;
        *digits = rest;
        let byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|nibble| nibble as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_comes_back() {
        let choice = |stream, value| Choice { stream, value };
        let lists = [
            vec![],
            vec![choice(0, 0)],
            vec![choice(u16::MAX, u32::MAX); 3],
            (0..5000).map(|n| choice(n % 7, u32::from(n) * 77_777)).collect(),
            [vec![choice(3, 0); 100_000], vec![choice(3, 1)], vec![choice(3, 0); 127]].concat(),
        ];
        for list in lists {
            assert_eq!(from_text(&to_text(&list)), Some(list));
        }
    }

    #[test]
    fn repetition_costs_nothing() {
        assert!(to_text(&vec![Choice { stream: 1, value: 0 }; 1 << 20]).len() < 16);
    }

    #[test]
    fn damage_is_refused() {
        let whole = to_text(&[Choice { stream: 300, value: 70_000 }]);
        for len in 1..whole.len() {
            assert_eq!(from_text(&whole[..len]), None, "cut at {len}");
        }
        // No digit, half a character, too large a stream, far too many, a number without end.
        for text in
            ["0g0000", "\u{e4}0", "ffff7f0000", "0000ffffffffff7f", "ffffffffffffffffffffff"]
        {
            assert_eq!(from_text(text), None, "{text}");
        }
    }
}
