//! The list of choices of a run, written while it runs or read back in a replay.

/// One recorded choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Which stream, by order of first use.
    pub stream: u16,
    /// What was chosen.
    pub value: u32,
}

/// Where a replay left its record: the index of the first choice that did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Index of the choice.
    pub choice: u64,
}

/// Room for the choices of a usual run: growing would copy them several times.
const RUN_USUAL: usize = 16 * 1024;

/// The record of a run.
pub struct Record {
    choices: Vec<Choice>,
    /// In a replay, how many of `choices` were read; `None` while recording.
    read: Option<usize>,
    departure: Option<Departure>,
}

impl Record {
    pub(super) fn recording() -> Self {
        Self { choices: Vec::with_capacity(RUN_USUAL), read: None, departure: None }
    }

    pub(super) fn replaying(choices: Vec<Choice>) -> Self {
        Self { choices, read: Some(0), departure: None }
    }

    /// Passes a drawn value through: recorded, or replaced by what the record holds.
    #[inline]
    pub(super) fn pass(&mut self, stream: u16, drawn: u32, bound: u32) -> u32 {
        if self.read.is_none() {
            self.choices.push(Choice { stream, value: drawn });
            return drawn;
        }
        self.replayed(stream, drawn, bound)
    }

    #[cold]
    fn replayed(&mut self, stream: u16, drawn: u32, bound: u32) -> u32 {
        let Some(read) = self.read.as_mut() else { return drawn };
        let index = *read;
        *read += 1;
        if self.departure.is_some() {
            return drawn;
        }
        match self.choices.get(index) {
            Some(choice)
                if choice.stream == stream && (choice.value < bound || bound == u32::MAX) =>
            {
                choice.value
            }
            _ => {
                self.departure = Some(Departure { choice: index as u64 });
                drawn
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.read.unwrap_or(self.choices.len()) as u64
    }

    pub(super) fn departure(&self) -> Option<Departure> {
        self.departure
    }

    pub(super) fn choices(&self) -> &[Choice] {
        &self.choices
    }
}
