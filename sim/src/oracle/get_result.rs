//! WSPGetOverlappedResult tells the truth (OVL-12).

use provider_core::WsaError;

use super::book::ActiveCall;
use super::facts::{Outcome, Special};
use super::ledger::is_final;
use super::violation::{Verdict, Violation};

/// Compares what WSPGetOverlappedResult gave with the OVERLAPPED before and after.
pub(super) struct GetResultOracle;

/// Codes that speak of the call, not of the operation.
const OF_THE_CALL: &[WsaError] = &[
    WsaError::WSAENOTSOCK,
    WsaError::WSANOTINITIALISED,
    WsaError::WSAENETDOWN,
    WsaError::WSAEINPROGRESS,
    WsaError::WSAEFAULT,
    WsaError::WSAEINVAL,
    WsaError::WSA_INVALID_HANDLE,
];

impl GetResultOracle {
    pub(super) fn left(call: &ActiveCall, outcome: &Outcome<'_>) -> Verdict {
        let Special::GetResult { before, .. } = &call.call.special else { return Ok(()) };
        let (Some(before), Some(after)) = (before, outcome.overlapped) else { return Ok(()) };
        let object = |message: String| {
            Err(Violation::new("get-result", "OVL-12", format!("{} {message}", call.words())))
        };
        let error = WsaError(outcome.errno);
        if outcome.value != 0 {
            if !is_final(after.status) {
                return object("returned TRUE while the operation is in progress".into());
            }
            if after.error != 0 {
                return object(format!(
                    "returned TRUE, but the operation ended with {:?}",
                    WsaError(after.error as i32)
                ));
            }
            let count = outcome.count.map_or(after.bytes, u64::from);
            if count != after.bytes {
                return object(format!("gave {count} bytes, but InternalHigh is {}", after.bytes));
            }
            return Ok(());
        }
        if error == WsaError::WSA_IO_INCOMPLETE {
            if is_final(before.status) && is_final(after.status) && before == &after {
                return object("gave WSA_IO_INCOMPLETE though the operation has ended".into());
            }
            return Ok(());
        }
        if OF_THE_CALL.contains(&error) && i64::from(error.0) != i64::from(after.error) {
            return Ok(());
        }
        if !is_final(after.status) {
            return object(format!("gave {error:?} while the operation is in progress"));
        }
        if i64::from(error.0) != i64::from(after.error) {
            return object(format!(
                "gave {error:?}, but the operation ended with {:?}",
                WsaError(after.error as i32)
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
