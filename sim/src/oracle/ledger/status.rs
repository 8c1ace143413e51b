//! How an operation's status is stored, by the provider or through its host.

use provider_core::{SocketHandle, UserPtr, WsaError};

use super::op::{Op, is_final};
use super::{Ledger, object};
use crate::event::At;
use crate::oracle::book::{Book, place};
use crate::oracle::codes::may_end_with;
use crate::oracle::facts::{OverlappedFacts, ProcessKey};
use crate::oracle::violation::Verdict;

/// How long a thread's operations may outlive it: a provider hears of the end on a worker thread,
/// which has to get its turn first.
const CANCELLED_WITHIN_NS: u64 = 1_000_000_000;

impl Ledger {
    /// WPUCompleteOverlappedRequest was called.
    pub(in crate::oracle) fn completing(
        &self,
        at: At,
        process: ProcessKey,
        handle: SocketHandle,
        address: UserPtr,
        error: u32,
    ) -> Verdict {
        let open = |op: &&Op| op.process == process && op.address == address && op.stored.is_none();
        if let Some(op) = self.ops.iter().rev().find(open) {
            if op.handle == handle {
                return Ok(());
            }
            return object(
                "CXL-9",
                format!(
                    "WPUCompleteOverlappedRequest was told of socket {:#x} for {}",
                    handle.0,
                    op.words()
                ),
            );
        }
        object(
            "RET-3",
            format!(
                "WPUCompleteOverlappedRequest with {:?} for the OVERLAPPED at {:#x} at {} ns on \
                 machine {}, where no operation is in progress",
                WsaError(error as i32),
                address.0,
                at.time_ns,
                process.machine.0
            ),
        )
    }

    /// A status word was stored.
    pub(in crate::oracle) fn stored(
        &mut self,
        book: &Book,
        at: At,
        process: ProcessKey,
        address: UserPtr,
        now: OverlappedFacts,
        on_port: &dyn Fn(SocketHandle) -> bool,
    ) -> Verdict {
        let life = self.lifetime(process);
        let (in_cleanup, clean) = (life.cleaning > 0, life.clean);
        let mine = |op: &&mut Op| op.process == process && op.address == address;
        let Some(op) = self.ops.iter_mut().rev().filter(mine).find(|op| op.stored.is_none()) else {
            if !is_final(now.status) {
                return Ok(());
            }
            let last =
                self.ops.iter().rev().find(|op| op.process == process && op.address == address);
            return match last {
                Some(op) => object(
                    "RET-3",
                    format!("{} got a second final status at {} ns", op.words(), at.time_ns),
                ),
                None => object(
                    "OVL-10",
                    format!(
                        "a final status ({:#x}) was stored at {:#x} at {} ns on machine {}, where no \
                         operation is in progress",
                        now.status, address.0, at.time_ns, process.machine.0
                    ),
                ),
            };
        };
        if !is_final(now.status) {
            return Ok(());
        }
        op.stored = Some(now);
        op.stored_by = Some(place(at));
        op.stored_in_cleanup = in_cleanup || clean;
        if !op.has_routine() && !op.no_packet {
            // A SOCKET that was given back too early was associated all the same.
            let was = |socket| book.socket(socket).on_port.contains(&op.handle);
            op.packet_owed = on_port(op.handle) || op.socket.is_some_and(was);
        }
        self.ended += 1;
        if let Some(gone) = op.starter_gone_ns
            && at.time_ns > gone + CANCELLED_WITHIN_NS
        {
            let words = op.words();
            let message = format!(
                "{words}: the thread that started it ended at {gone} ns, and it was not cancelled: \
                 it ended only at {} ns",
                at.time_ns
            );
            return object("CXL-5", message);
        }
        let error = WsaError(now.error as i32);
        if (now.status == 0) != (now.error == 0) {
            return object(
                "OVL-7",
                format!(
                    "{} ended with status {:#x} in Internal but error {} in OffsetHigh",
                    op.words(),
                    now.status,
                    now.error
                ),
            );
        }
        if error == WsaError::WSA_OPERATION_ABORTED
            && !(op.may_abort || op.stored_in_cleanup || op.starter_gone_ns.is_some())
        {
            return object(
                "ERR-ABORTED",
                format!(
                    "{} was aborted, but nobody closed its descriptor or flushed its socket, and its \
                     thread goes on",
                    op.words()
                ),
            );
        }
        if !may_end_with(op.function, error) {
            return object(
                "RET-2",
                format!("{} ended with {error:?}, which its clauses do not allow", op.words()),
            );
        }
        let index = self.ops.iter().rposition(|op| op.process == process && op.address == address);
        if let Some(index) = index {
            self.settle(index);
        }
        Ok(())
    }
}
