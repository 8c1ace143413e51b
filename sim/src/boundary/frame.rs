//! One call through the boundary: what is lent for it, and what is checked when it leaves.

use provider_core::layout::network_events as layout;
use provider_core::spi::{SOCKET_ERROR, WSS_OPERATION_IN_PROGRESS};
use provider_core::{SocketHandle, UserPtr, WsaError};

use super::watch::Watch;
use crate::event::{Function, What};
use crate::memory::{Held, Lent, LoanId, Pattern};
use crate::oracle::{Call, CallId, Outcome, Received, RecordFacts, Violation};

/// Something to scribble over once the call has returned.
pub(super) type Transient = (UserPtr, usize, Pattern);

/// A call that has entered. Dropped without [`Self::leave`] (the thread ended inside), it takes
/// back what was lent for the call.
pub(super) struct Frame<'w> {
    watch: &'w Watch,
    function: Function,
    socket: SocketHandle,
    overlapped: UserPtr,
    id: CallId,
    loan: LoanId,
    errno: UserPtr,
    /// Whether a code can be left there, or needs no `lpErrno`.
    reports: bool,
    /// The count's word and what it held.
    count: Option<(UserPtr, u32)>,
    /// The serial of what the operation holds.
    operation: Option<u64>,
    /// Low word of `Internal` at entry.
    status_before: Option<u32>,
    transients: [Option<Transient>; 3],
    /// Where a synchronous receive puts its bytes and its sender.
    room: Option<(Vec<(UserPtr, u32)>, UserPtr)>,
    /// What WSPEnumNetworkEvents gave.
    record: Option<RecordFacts>,
    /// What WSPDuplicateSocket gave.
    info: Option<u64>,
}

impl<'w> Frame<'w> {
    /// Tells that `call` enters and lends `lpErrno`. `len` is for the trace.
    pub(super) fn enter(watch: &'w Watch, call: Call, len: u32, errno: UserPtr) -> Self {
        let at = watch.around.at();
        let (function, socket, overlapped) = (call.function, call.socket, call.overlapped);
        watch.around.record(
            at,
            What::Enter { function, socket: socket.0 as u64, overlapped: overlapped.0 as u64, len },
        );
        let id = watch.around.oracles().borrow_mut().call_enter(at, watch.process, call);
        let loan = watch.arena.open_loan();
        let mut frame = Self {
            watch,
            function,
            socket,
            overlapped,
            id,
            loan,
            errno,
            reports: true,
            count: None,
            operation: None,
            status_before: None,
            transients: [None; 3],
            room: None,
            record: None,
            info: None,
        };
        frame.lend(errno, 4, Lent::Output);
        frame.reports =
            function == Function::WSPStartup || watch.arena.probe_write(errno, 4).is_ok();
        frame
    }

    /// Lends for the call. Null pointers are not lent.
    pub(super) fn lend(&self, at: UserPtr, len: usize, lent: Lent) {
        if !at.is_null() {
            self.watch.arena.lend(self.loan, at, len, lent, Held::ForCall);
        }
    }

    /// Lends the count's word and remembers what it holds.
    pub(super) fn lend_count(&mut self, count: UserPtr) {
        if count.is_null() {
            return;
        }
        self.lend(count, 4, Lent::Output);
        let mut word = [0; 4];
        // A count inside the OVERLAPPED changes with it.
        let inside =
            count.0.wrapping_sub(self.overlapped.0) < provider_core::layout::overlapped::SIZE;
        if (self.overlapped.is_null() || !inside) && self.watch.arena.peek(count, &mut word) {
            self.count = Some((count, u32::from_le_bytes(word)));
        }
    }

    /// Lends something that is scribbled over once the call has returned, however it ended: it may
    /// live on the caller's stack (BUF-2, APC-5, DST-6).
    pub(super) fn lend_transient(&mut self, at: UserPtr, len: usize, lent: Lent, mark: Pattern) {
        if at.is_null() || len == 0 {
            return;
        }
        self.lend(at, len, lent);
        if let Some(slot) = self.transients.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some((at, len, mark));
        }
    }

    /// Lends what an overlapped operation holds until it ends.
    pub(super) fn lend_operation(
        &mut self,
        segments: Vec<(UserPtr, u32)>,
        lent: Lent,
        from: (UserPtr, usize, UserPtr),
    ) {
        let watch = self.watch;
        if watch.is_lent(self.overlapped) {
            watch.around.report(
                watch.around.at(),
                Violation::new(
                    "client-misuse",
                    "OVL-11",
                    format!(
                        "{:?} on socket {:#x} was given the OVERLAPPED at {:#x}, which an \
                         operation in progress uses",
                        self.function, self.socket.0, self.overlapped.0
                    ),
                ),
            );
        }
        let loan = watch.arena.open_loan();
        let lend = |at: UserPtr, len: usize, lent: Lent| {
            if !at.is_null() {
                watch.arena.lend(loan, at, len, lent, Held::ForOperation);
            }
        };
        for (at, len) in &segments {
            lend(*at, *len as usize, lent);
        }
        lend(self.overlapped, provider_core::layout::overlapped::SIZE, Lent::Overlapped);
        let (address, len, length) = from;
        lend(address, len, Lent::FromAddress);
        lend(length, 4, Lent::FromAddress);
        let mut room = segments;
        if lent == Lent::SendBuffer {
            room.clear();
        }
        self.status_before = watch.word_at(self.overlapped);
        self.operation = Some(watch.add_lending(self.overlapped, loan, room, address));
    }

    /// Remembers where a synchronous receive puts its bytes.
    pub(super) fn receives_into(&mut self, room: Vec<(UserPtr, u32)>, from: UserPtr) {
        self.room = Some((room, from));
    }

    /// Remembers the WSAPROTOCOL_INFOW that the call has filled.
    pub(super) fn gave_info(&mut self, at: UserPtr) {
        self.info = self.watch.info_at(at);
    }

    /// Remembers the WSANETWORKEVENTS that the call has filled.
    pub(super) fn gave_record(&mut self, at: UserPtr) {
        let mut bytes = [0; layout::SIZE];
        if self.watch.arena.peek(at, &mut bytes) {
            let (words, _) = bytes.as_chunks::<4>();
            let mut words = words.iter().map(|word| i32::from_le_bytes(*word));
            let events = words.next().unwrap_or(0);
            let errors = core::array::from_fn(|_| words.next().unwrap_or(0));
            self.record = Some(RecordFacts { events, errors });
        }
    }

    /// Reports what is wrong with what the call gave.
    pub(super) fn object(&self, clause: &'static str, message: String) {
        let around = &self.watch.around;
        around.report(around.at(), Violation::new("notification", clause, message));
    }

    /// Takes back what the call was lent, scribbles, and tells the oracles.
    pub(super) fn leave(mut self, value: i64) {
        let watch = self.watch;
        let arena = &watch.arena;
        let word = |at: UserPtr| {
            let mut word = [0; 4];
            (!at.is_null() && arena.peek(at, &mut word)).then(|| u32::from_le_bytes(word))
        };
        // Where there is nowhere to leave a code, a failure can be of one kind only (RESULT-3).
        let errno = word(self.errno)
            .filter(|_| self.reports)
            .map_or(WsaError::WSAEFAULT.0, |code| code as i32);
        let failed = match self.function {
            Function::WSPGetOverlappedResult | Function::WSPGetQOSByName => value == 0,
            _ => value == i64::from(SOCKET_ERROR),
        };
        let pending = failed && errno == WsaError::WSA_IO_PENDING.0;
        if failed && !pending {
            self.refused(errno);
        }
        let count_now = self.count.and_then(|(at, _)| word(at));
        let at = watch.around.at();
        watch.around.record(
            at,
            What::Leave {
                function: self.function,
                value,
                errno: if failed { errno } else { 0 },
                count: if failed { 0 } else { count_now.unwrap_or(0) },
            },
        );
        self.check_count(value, errno, count_now);
        // Only these are judged by what the OVERLAPPED has when they leave.
        let overlapped = if pending || self.function == Function::WSPGetOverlappedResult {
            watch.overlapped_facts(self.overlapped)
        } else {
            None
        };
        let (room, record, info) = (self.room.take(), self.record, self.info);
        {
            let mut bytes = watch.scratch.borrow_mut();
            bytes.clear();
            let mut received = None;
            if let Some((room, from)) = &room {
                let truncated = failed && errno == WsaError::WSAEMSGSIZE.0;
                if truncated || !failed {
                    let got = if truncated { u64::MAX } else { u64::from(count_now.unwrap_or(0)) };
                    watch.gather_room(room, got, &mut bytes);
                    received = Some(Received { bytes: &bytes, from: watch.address_at(*from) });
                }
            }
            let (count, reports) = (count_now, self.reports);
            let outcome =
                Outcome { value, errno, reports, count, received, info, overlapped, record };
            let verdict = watch.around.oracles().borrow_mut().call_leave(
                at,
                watch.process,
                self.id,
                &outcome,
            );
            if let Err(violation) = verdict {
                watch.around.report(at, violation);
            }
        }
        if let Some((room, _)) = room {
            watch.give_room(room);
        }
        let transients = core::mem::take(&mut self.transients);
        let (function, socket) = (self.function, self.socket);
        drop(self);
        for (start, len, mark) in transients.into_iter().flatten() {
            arena.scribble_unlent(start, len, mark);
        }
        watch.around.left(function, socket);
    }

    /// A refused call holds nothing, and leaves an OVERLAPPED that nobody waits on for ever.
    fn refused(&mut self, errno: i32) {
        let Some(serial) = self.operation.take() else { return };
        let watch = self.watch;
        let Some(lending) = watch.take_lending(self.overlapped, Some(serial)) else { return };
        watch.end_lending(lending);
        let now = watch.word_at(self.overlapped);
        if now == Some(WSS_OPERATION_IN_PROGRESS)
            && self.status_before != Some(WSS_OPERATION_IN_PROGRESS)
        {
            watch.around.report(
                watch.around.at(),
                Violation::new(
                    "ledger",
                    "OVL-6c",
                    format!(
                        "{:?} on socket {:#x} was refused with {:?} but left \
                         WSS_OPERATION_IN_PROGRESS in the OVERLAPPED at {:#x}: who polls it waits \
                         for ever",
                        self.function,
                        self.socket.0,
                        WsaError(errno),
                        self.overlapped.0
                    ),
                ),
            );
        }
    }

    /// RET-8, RET-9: a call that did not succeed leaves the count alone.
    fn check_count(&self, value: i64, errno: i32, now: Option<u32>) {
        let (Some((at, before)), Some(now)) = (self.count, now) else { return };
        let get_result = self.function == Function::WSPGetOverlappedResult;
        let failed = if get_result { value == 0 } else { value == i64::from(SOCKET_ERROR) };
        let receives = matches!(self.function, Function::WSPRecv | Function::WSPRecvFrom);
        let truncated = errno == WsaError::WSAEMSGSIZE.0 && (receives || get_result);
        if failed && before != now && !truncated {
            let pending = errno == WsaError::WSA_IO_PENDING.0;
            self.watch.around.report(
                self.watch.around.at(),
                Violation::new(
                    "ledger",
                    if pending { "RET-8" } else { "RET-9" },
                    format!(
                        "{:?} on socket {:#x} gave {:?} but changed the count at {:#x} from {before} \
                         to {now}",
                        self.function,
                        self.socket.0,
                        WsaError(errno),
                        at.0
                    ),
                ),
            );
        }
    }
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        self.watch.arena.take_back(self.loan);
    }
}
