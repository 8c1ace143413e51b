//! What of a connection the server has heard, and whether it can be.

use super::{ALARM, ordinary};

/// Where an alarm was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Stream,
    Beside,
}

/// What one connection gave so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// SO_OOBINLINE is set.
    pub(super) in_line: bool,
    /// What its first byte says: the client waits for the answer to each alarm.
    patient: Option<bool>,
    /// Ordinary bytes behind that one.
    pub(super) ordinary: u64,
    /// The alarms heard, by their numbers.
    alarms: u64,
    /// The number after the latest of the stream's, and of those beside it.
    next: [u8; 2],
}

impl Heard {
    pub(super) fn new(in_line: bool) -> Self {
        Self { in_line, ..Self::default() }
    }

    /// Takes bytes of the stream, and gives the alarms among them.
    ///
    /// # Errors
    /// Why they cannot be.
    pub(super) fn stream(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut alarms = Vec::new();
        for byte in bytes {
            if byte & ALARM != 0 {
                self.alarm(*byte, Place::Stream)?;
                alarms.push(*byte);
            } else if self.patient.is_none() {
                self.patient = Some(*byte != 0);
            } else if ordinary(self.ordinary, 1) == [*byte] {
                self.ordinary += 1;
            } else {
                return Err(format!("{byte:#04x} is not ordinary byte {}", self.ordinary));
            }
        }
        // One that a later one followed at once is as ordinary as the bytes around it.
        if !alarms.is_empty() && bytes.len() > 1 && self.in_line && self.patient == Some(true) {
            return Err(format!("alarms {alarms:02x?} came with ordinary bytes (RECV-33)"));
        }
        Ok(alarms)
    }

    /// An alarm was heard.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(super) fn alarm(&mut self, byte: u8, place: Place) -> Result<(), String> {
        let number = byte & !ALARM;
        let next = &mut self.next[place as usize];
        let odd = if byte & ALARM == 0 || u32::from(number) >= u64::BITS {
            "it is no alarm"
        } else if self.alarms & 1 << number != 0 {
            "it was heard before"
        } else if number < *next {
            "a later one was heard there before"
        } else if place == Place::Beside && self.in_line {
            "it should be in line (SETOPTION-12)"
        } else if place == Place::Stream && !self.in_line && self.patient == Some(true) {
            "no later one took its place"
        } else {
            *next = number + 1;
            self.alarms |= 1 << number;
            return Ok(());
        };
        Err(format!("{byte:#04x} came in the {place:?}: {odd}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(in_line: bool, bytes: &[u8]) -> Heard {
        let mut heard = Heard::new(in_line);
        heard.stream(bytes).unwrap();
        heard
    }

    #[test]
    fn the_stream_counts_up() {
        assert_eq!(heard(false, &[0, 0, 1, 2]).ordinary, 3);
        assert!(heard(false, &[0, 0, 1]).stream(&[3]).is_err());
    }

    #[test]
    fn alarms_are_heard_once_and_in_order() {
        let mut all = heard(false, &[0]);
        all.alarm(0x83, Place::Beside).unwrap();
        assert_eq!(all.stream(&[0, 0x81, 1]).unwrap(), [0x81]);
        assert!(all.alarm(0x81, Place::Beside).is_err());
        assert!(all.alarm(0x82, Place::Beside).is_err());
        assert!(all.stream(&[0x80]).is_err());
        assert!(all.alarm(0x05, Place::Beside).is_err());
    }

    #[test]
    fn alarms_are_where_they_belong() {
        assert!(heard(false, &[1]).stream(&[0x80]).is_err(), "nothing took its place");
        assert!(heard(true, &[1]).alarm(0x80, Place::Beside).is_err(), "it is in line");
        let mut in_line = heard(true, &[1]);
        assert_eq!(in_line.stream(&[0x80]).unwrap(), [0x80]);
        assert!(in_line.stream(&[0, 0x81]).is_err(), "it comes alone");
    }
}
