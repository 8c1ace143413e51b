//! Loans: what the system, and so the provider, may do to a range of a process's memory.

/// What a range was lent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Lent {
    /// The WSABUF array: for the call.
    WsabufArray,
    /// A buffer to send from: read only, until the operation ends.
    SendBuffer,
    /// A buffer to receive into, until the operation ends.
    ReceiveBuffer,
    /// The WSAOVERLAPPED, until the operation ends.
    Overlapped,
    /// The WSAOVERLAPPED of an operation that may have ended, to read: for the call.
    OverlappedToRead,
    /// The WSATHREADID: for the call.
    ThreadId,
    /// A socket address to read: for the call.
    Address,
    /// WSPRecvFrom's `lpFrom` and `lpFromlen`, until the operation ends.
    FromAddress,
    /// An argument to read: for the call.
    Input,
    /// An out parameter: for the call.
    Output,
}

impl Lent {
    /// Whether the provider may write.
    pub const fn is_writable(self) -> bool {
        matches!(self, Self::ReceiveBuffer | Self::Overlapped | Self::FromAddress | Self::Output)
    }

    /// The clause that says when the loan ends.
    pub const fn clause(self) -> &'static str {
        match self {
            Self::WsabufArray => "BUF-2",
            Self::SendBuffer | Self::ReceiveBuffer => "BUF-4",
            Self::Overlapped | Self::OverlappedToRead => "OVL-10",
            Self::ThreadId => "APC-5",
            Self::Address => "DST-6",
            Self::FromAddress | Self::Input | Self::Output => "RET-4",
        }
    }

    /// In words, for a message.
    pub const fn words(self) -> &'static str {
        match self {
            Self::WsabufArray => "the WSABUF array",
            Self::SendBuffer => "a send buffer",
            Self::ReceiveBuffer => "a receive buffer",
            Self::Overlapped | Self::OverlappedToRead => "the WSAOVERLAPPED",
            Self::ThreadId => "the WSATHREADID",
            Self::Address => "a socket address argument",
            Self::FromAddress => "lpFrom or lpFromlen",
            Self::Input => "an input argument",
            Self::Output => "an out parameter",
        }
    }
}

/// How long a loan lasts, which says what the client may do meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// As long as the call: other threads of the client may go on reading.
    ForCall,
    /// As long as the overlapped operation: the client may not access it.
    ForOperation,
}

/// A group of loans that end together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LoanId(pub(super) u32);

/// One lent range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loan {
    /// First address.
    pub start: usize,
    /// Address after the last.
    pub end: usize,
    /// As what.
    pub lent: Lent,
    /// For how long.
    pub held: Held,
    pub(super) id: LoanId,
}

/// How many ended loans a block remembers.
const ENDED_MAX: usize = 6;

/// What a block was lent as, by range: only to name what a provider touches too late.
#[derive(Clone, Copy, Default)]
pub(super) struct Ended {
    ranges: [(u32, u32, Option<Lent>); ENDED_MAX],
    next: u8,
}

impl Ended {
    /// The loan of `len` bytes at `offset` of the block is over.
    pub(super) fn note(&mut self, offset: usize, len: usize, lent: Lent) {
        let range = (offset as u32, len as u32, Some(lent));
        let known = self.ranges.iter_mut().find(|old| old.2.is_some() && old.0 == range.0);
        match known {
            Some(old) => *old = range,
            None => {
                self.ranges[usize::from(self.next)] = range;
                self.next = (self.next + 1) % ENDED_MAX as u8;
            }
        }
    }

    /// As what `len` bytes at `offset` were lent.
    pub(super) fn was(&self, offset: usize, len: usize) -> Option<Lent> {
        let (start, end) = (offset as u64, offset as u64 + len as u64);
        let touches = |(at, len, _): &&(u32, u32, Option<Lent>)| {
            u64::from(*at) < end && start < u64::from(*at) + u64::from(*len)
        };
        self.ranges.iter().find(touches).and_then(|range| range.2)
    }
}
