//! What a socket has selected, since when and until when, and how often each event was told.

use provider_core::EventHandle;
use provider_core::spi::FD_MAX_EVENTS;

use super::owed::Owed;
use super::{NotificationOracle, object, places};
use crate::event::At;
use crate::oracle::book::{ActiveCall, SocketId};
use crate::oracle::facts::{CallId, ProcessKey};
use crate::oracle::violation::Verdict;

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sink {
    Event(EventHandle),
    Window { window: usize, message: u32 },
}

/// Selections that are kept before old ones are thrown away.
const KEPT: usize = 128;
/// How old an ended one is then, in nanoseconds: nobody has anything of it under way any more.
const OLD_NS: u64 = 60_000_000_000;

pub(super) struct Selection {
    pub(super) process: ProcessKey,
    pub(super) socket: SocketId,
    pub(super) handle: usize,
    pub(super) sink: Sink,
    pub(super) events: i32,
    /// The call that makes it and, once it has, when it left.
    call: CallId,
    made_ns: Option<u64>,
    /// When the call that ended it left.
    until_ns: Option<u64>,
    /// A call that makes another selection overlapped with its own: which of the two the socket has
    /// is unknown, until a third ends both.
    raced: bool,
    /// How often each event was told, and how often it was enabled again.
    told: [u32; FD_MAX_EVENTS],
    enabled: [u32; FD_MAX_EVENTS],
    /// When anything was told last.
    pub(super) told_ns: u64,
    pub(super) owed: Option<Owed>,
}

impl Selection {
    fn new(call: &ActiveCall, socket: SocketId, handle: usize, sink: Sink, events: i32) -> Self {
        Self {
            process: call.process,
            socket,
            handle,
            sink,
            events,
            call: call.id,
            made_ns: None,
            until_ns: None,
            raced: false,
            told: [0; FD_MAX_EVENTS],
            enabled: [0; FD_MAX_EVENTS],
            told_ns: 0,
            owed: None,
        }
    }

    /// Whether a thread that is in the provider since `began_ns` may tell it.
    pub(super) fn may_be_told(&self, began_ns: u64) -> bool {
        self.until_ns.is_none_or(|until_ns| began_ns <= until_ns)
    }

    /// Whether it is what the socket has, and no other comes or goes.
    pub(super) fn is_sole(&self) -> bool {
        self.until_ns.is_none() && self.made_ns.is_some() && !self.raced
    }

    /// The same, all through a call that entered at `entered_ns`.
    pub(super) fn is_sole_since(&self, entered_ns: u64) -> bool {
        self.is_sole() && self.made_ns.is_some_and(|made_ns| made_ns <= entered_ns)
    }

    pub(super) fn end(&mut self, at_ns: u64) {
        self.until_ns.get_or_insert(at_ns);
        self.owed = None;
    }

    /// Whether what is told names this descriptor.
    pub(super) fn names(&self, handle: usize) -> bool {
        matches!(self.sink, Sink::Window { .. }) && self.handle == handle
    }

    pub(super) fn enable(&mut self, events: i32) {
        places(events).for_each(|place| self.enabled[place] += 1);
    }

    /// One event was told: once, and once more for each time that it was enabled.
    pub(super) fn report(&mut self, event: i32, clause: &'static str, words: &str) -> Verdict {
        for place in places(event) {
            self.told[place] += 1;
            let (told, enabled) = (self.told[place], self.enabled[place]);
            if told > enabled + 1 {
                return object(
                    clause,
                    format!(
                        "{words}; the event was told {told} times, and enabled again {enabled} times"
                    ),
                );
            }
        }
        Ok(())
    }
}

impl NotificationOracle {
    /// A call that selects has entered: from now on its selection may be told of.
    pub(super) fn selecting(
        &mut self,
        call: &ActiveCall,
        socket: SocketId,
        sink: Sink,
        events: i32,
    ) {
        if self.selections.len() > KEPT {
            let now_ns = call.entered_ns;
            let is_old = |s: &Selection| s.until_ns.is_some_and(|at_ns| at_ns + OLD_NS < now_ns);
            self.selections.retain(|selection| !is_old(selection));
        }
        let mut new = Selection::new(call, socket, call.call.socket.0, sink, events);
        for other in self.of(socket).filter(|other| other.made_ns.is_none()) {
            other.raced = true;
            new.raced = true;
        }
        self.selections.push(new);
    }

    /// It has left: what was selected before it entered is gone.
    pub(super) fn selected(&mut self, at: At, call: &ActiveCall, socket: SocketId, ok: bool) {
        let Some(own) = self.of(socket).find(|selection| selection.call == call.id) else { return };
        own.made_ns = Some(at.time_ns);
        // A mask of 0 selects nothing.
        if !ok || own.events == 0 {
            own.end(at.time_ns);
        }
        let before =
            |s: &&mut Selection| s.made_ns.is_some_and(|made_ns| made_ns < call.entered_ns);
        if ok {
            self.of(socket).filter(before).for_each(|other| other.end(at.time_ns));
        }
    }

    /// A connection was accepted: it has what its listener had selected meanwhile.
    pub(super) fn inherit(
        &mut self,
        call: &ActiveCall,
        listener: SocketId,
        made: SocketId,
        handle: usize,
    ) {
        let had: Vec<(Sink, i32, bool)> = self
            .of(listener)
            .filter(|s| s.events != 0 && s.may_be_told(call.entered_ns))
            .map(|s| (s.sink, s.events, s.is_sole_since(call.entered_ns)))
            .collect();
        let raced = had.len() != 1;
        for (sink, events, clear) in had {
            let mut own = Selection::new(call, made, handle, sink, events);
            own.made_ns = Some(call.entered_ns);
            own.raced = raced || !clear;
            self.selections.push(own);
        }
    }
}
