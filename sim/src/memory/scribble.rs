//! Bytes that tell where they came from.

/// What a range is filled with, so that a provider that uses it can be recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Pattern {
    /// Allocated and not yet written.
    Fresh = 0xcd,
    /// Freed.
    Freed = 0xdd,
    /// A WSABUF array after the call.
    WsabufArray = 0xb1,
    /// A WSATHREADID after the call.
    ThreadId = 0xb2,
    /// A socket address after the call.
    Address = 0xb3,
}

impl Pattern {
    /// The byte.
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// What a run of one byte value is the mark of, where it is one of ours.
    pub fn recognise(bytes: &[u8]) -> Option<&'static str> {
        let first = *bytes.first()?;
        if bytes.len() < 4 || bytes.iter().any(|b| *b != first) {
            return None;
        }
        match first {
            0xcd => Some("memory never written"),
            0xdd => Some("freed memory"),
            0xb1 => Some("a WSABUF array read after its call returned"),
            0xb2 => Some("a WSATHREADID read after its call returned"),
            0xb3 => Some("a socket address read after its call returned"),
            _ => None,
        }
    }
}
