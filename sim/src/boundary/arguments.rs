//! What a call passes, read from the client's memory as the call enters.

use provider_core::layout::{WsaBuf, protocol_info, thread_id, wsabuf};
use provider_core::spi::MSG_OOB;
use provider_core::{EventHandle, OverlappedArgs, Routine, SocketHandle, ThreadId, UserPtr};
use xxhash_rust::xxh3::xxh3_64;

use super::watch::Watch;
use crate::event::{Function, Tid};
use crate::oracle::{Call, Sending, SocketFacts, Special};

/// The most WSABUFs that are looked at; a longer array is not taken down whole.
const ARRAY_MAX: u32 = 1 << 16;

/// A WSABUF array as it is when the call enters.
pub(super) struct Segments {
    pub(super) list: Vec<(UserPtr, u32)>,
    pub(super) total: u64,
    /// Every entry could be read.
    pub(super) whole: bool,
}

impl Call {
    /// A call with nothing but a socket.
    pub(super) fn plain(function: Function, socket: SocketHandle, special: Special) -> Self {
        Self {
            function,
            socket,
            overlapped: UserPtr::NULL,
            routine: Routine::NULL,
            event: EventHandle(0),
            no_packet: false,
            apc_thread: None,
            special,
        }
    }
}

impl Watch {
    /// Reads a WSABUF array.
    pub(super) fn segments(&self, array: UserPtr, count: u32) -> Segments {
        let mut segments = Segments { list: self.new_room(), total: 0, whole: true };
        let mut entry = [0; wsabuf::SIZE];
        for index in 0..count {
            let at = array.offset(index as usize * wsabuf::SIZE);
            if array.is_null() || index >= ARRAY_MAX || !self.arena.peek(at, &mut entry) {
                segments.whole = false;
                break;
            }
            let buffer = WsaBuf::decode(&entry);
            segments.total += u64::from(buffer.len);
            segments.list.push((buffer.buf, buffer.len));
        }
        segments
    }

    /// Takes down what is sent.
    pub(super) fn sending(
        &self,
        segments: &Segments,
        to: UserPtr,
        flags: u32,
        facts: Option<SocketFacts>,
    ) -> Sending {
        let mut bytes = self.scratch.borrow_mut();
        bytes.clear();
        // What cannot be sent is not worth gigabytes.
        let whole = segments.whole
            && segments.total <= u64::from(u32::MAX)
            && segments
                .list
                .iter()
                .all(|(at, len)| self.arena.peek_append(*at, *len as usize, &mut bytes));
        Sending {
            hash: xxh3_64(&bytes),
            whole,
            total: segments.total,
            to: self.address_at(to),
            urgent: flags & MSG_OOB != 0,
            bytes: if facts.is_some_and(|f| f.stream) { bytes.clone() } else { Vec::new() },
        }
    }

    /// The thread that a WSATHREADID in memory names.
    pub(super) fn thread_at(&self, at: UserPtr) -> Option<Tid> {
        let mut bytes = [0; thread_id::SIZE];
        if at.is_null() || !self.arena.peek(at, &mut bytes) {
            return None;
        }
        self.around.thread_named(&ThreadId::decode(&bytes))
    }

    /// Adds the overlapped arguments to a call.
    pub(super) fn with_overlapped(&self, mut call: Call, args: OverlappedArgs) -> Call {
        call.overlapped = args.overlapped;
        call.routine = args.routine;
        (call.event, call.no_packet) = self.event_of(args.overlapped);
        if !args.routine.is_null() {
            call.apc_thread = self.thread_at(args.thread_id);
        }
        call
    }

    /// A string of UTF-16 words: the bytes up to and with its zero, or as far as it can be read, and
    /// the word behind, which whoever looks for the zero finds unreadable.
    pub(super) fn string(&self, at: UserPtr) -> [(UserPtr, usize); 2] {
        const WORDS_MAX: usize = 1024;
        let mut word = [0; 2];
        for index in 0..WORDS_MAX {
            if !self.arena.peek(at.offset(2 * index), &mut word) {
                return [(at, 2 * index), (at.offset(2 * index), 2)];
            }
            if word == [0; 2] {
                return [(at, 2 * (index + 1)), (UserPtr::NULL, 0)];
            }
        }
        [(at, 2 * WORDS_MAX), (UserPtr::NULL, 0)]
    }

    /// xxh3 of a WSAPROTOCOL_INFOW in memory.
    pub(super) fn info_at(&self, at: UserPtr) -> Option<u64> {
        let mut bytes = [0; protocol_info::SIZE];
        (!at.is_null() && self.arena.peek(at, &mut bytes)).then(|| xxh3_64(&bytes))
    }

    /// A 32-bit word in memory.
    pub(super) fn word_at(&self, at: UserPtr) -> Option<u32> {
        let mut word = [0; 4];
        (!at.is_null() && self.arena.peek(at, &mut word)).then(|| u32::from_le_bytes(word))
    }
}
