//! What a client and a transport can see of one step: what the model predicts and the core does.

use core::net::SocketAddr;

use provider_core::WsaError;

use super::call::Thread;
use super::net::Taken;

/// What one step showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What the call returned; none for a step that is no call, and for one that blocks.
    pub answer: Option<Answer>,
    /// The call blocks its thread; what it returns is told later.
    pub blocks: bool,
    /// The operations whose OVERLAPPED or event is another than before, by number.
    pub operations: Vec<(usize, Operation)>,
    /// The completion routines that ran, in order.
    pub routines: Vec<RoutineRun>,
    /// What the transport took.
    pub taken: Taken,
    /// Promises of the seams that were broken. The model breaks none.
    pub broken: Vec<String>,
}

/// What a call returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `*lpErrno` of a call that returned its failure value; none when it succeeded (and then
    /// `*lpErrno` is 0).
    pub error: Option<WsaError>,
    /// What was written to `lpNumberOfBytesSent`, `lpcbTransfer`; none when it is untouched.
    pub count: Option<u32>,
    /// The address that was given.
    pub name: Option<SocketAddr>,
}

impl Answer {
    /// Success, with this count.
    pub const fn done(count: Option<u32>) -> Self {
        Self { error: None, count, name: None }
    }

    /// A failure; a count is not written.
    pub const fn refused(error: WsaError) -> Self {
        Self { error: Some(error), count: None, name: None }
    }
}

impl From<Result<(), WsaError>> for Answer {
    fn from(result: Result<(), WsaError>) -> Self {
        match result {
            Ok(()) => Self::done(None),
            Err(error) => Self::refused(error),
        }
    }
}

/// An operation as its client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What the OVERLAPPED says.
    pub status: Status,
    /// Whether its event is set; none when it has no valid one.
    pub event: Option<bool>,
}

/// What an OVERLAPPED says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It holds what the client left there.
    Untouched,
    /// WSS_OPERATION_IN_PROGRESS.
    Pending,
    /// The operation ended: its Winsock error (0 for success) and its bytes.
    Ended(i32, u32),
}

/// A completion routine that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoutineRun {
    /// In which thread.
    pub thread: Thread,
    /// Of which operation.
    pub operation: usize,
    /// `dwError` and `cbTransferred`.
    pub end: (i32, u32),
    /// What the call that it made returned.
    pub called: Option<Answer>,
}
