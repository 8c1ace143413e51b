//! Network events (WSPEventSelect, WSPAsyncSelect): which are selected, which are recorded, and
//! what is still to be told. Plain state: nothing here calls anybody.

use alloc::collections::VecDeque;

use crate::spi::{FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_MAX_EVENTS, FD_OOB, FD_READ, FD_WRITE};
use crate::{EventHandle, SocketHandle, WindowHandle, WsaError};

/// Whom the selected events are told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sink {
    /// WSPEventSelect: the event is recorded, and this event object set.
    Event(EventHandle),
    /// WSPAsyncSelect: a message is posted that names the socket.
    Window { window: WindowHandle, message: u32, socket: SocketHandle },
}

/// What was selected for a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) sink: Sink,
    /// The FD_ bits.
    pub(crate) events: i32,
}

impl Selection {
    /// Whether what is told names this descriptor.
    pub(crate) fn names(&self, handle: SocketHandle) -> bool {
        matches!(self.sink, Sink::Window { socket, .. } if socket == handle)
    }

    /// The same for a connection accepted from the socket, which is another socket.
    pub(crate) fn inherited(self, socket: SocketHandle) -> Self {
        let sink = match self.sink {
            Sink::Event(event) => Sink::Event(event),
            Sink::Window { window, message, .. } => Sink::Window { window, message, socket },
        };
        Self { sink, ..self }
    }
}

/// One upcall that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// WPUSetEvent.
    Set(EventHandle),
    /// WPUPostMessage.
    Post { window: WindowHandle, message: u32, wparam: usize, lparam: usize },
}

/// What WSPEnumNetworkEvents gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Record {
    /// The FD_ bits.
    pub(crate) events: i32,
    /// By place; only those of set bits mean something.
    pub(crate) errors: [i32; FD_MAX_EVENTS],
}

/// The network events of one socket.
///
/// An event is recorded once; the next of its kind only after the function that re-enables it was
/// called (or a registration, which begins anew).
pub(crate) struct NetworkEvents {
    selection: Option<Selection>,
    /// The selected FD_ bits that may be recorded.
    enabled: i32,
    record: Record,
    /// What arrives has to be looked at before the lock is let go.
    look: bool,
    /// FD_WRITE is to be recorded as soon as a send is possible.
    write_due: bool,
    notices: VecDeque<Notice>,
    /// A thread is telling a notice: the others leave theirs to it, so that messages keep their
    /// order.
    telling: bool,
    /// The first message could not be posted: a timer tries it again.
    stalled: bool,
}

/// Every event that there is (FD_ALL_EVENTS).
pub(crate) const ALL_EVENTS: i32 = (1 << FD_MAX_EVENTS) - 1;

/// The events that a condition brings about which can be looked for.
const LEVELS: i32 = FD_READ | FD_OOB | FD_ACCEPT | FD_CLOSE;

impl NetworkEvents {
    pub(crate) const fn new() -> Self {
        Self {
            selection: None,
            enabled: 0,
            record: Record { events: 0, errors: [0; FD_MAX_EVENTS] },
            look: false,
            write_due: false,
            notices: VecDeque::new(),
            telling: false,
            stalled: false,
        }
    }

    /// Selects `events` and begins anew: the record is empty, what was not told yet never is, and
    /// conditions that hold already are recorded.
    pub(crate) fn select(&mut self, selection: Selection) {
        self.cancel();
        self.selection = Some(selection);
        self.enabled = selection.events;
        self.write_due = true;
        self.look = true;
    }

    /// Selects nothing (a mask of 0, or the socket is closed).
    pub(crate) fn cancel(&mut self) {
        let telling = self.telling;
        *self = Self { telling, ..Self::new() };
    }

    /// Whether anything is selected: the socket has to stay nonblocking then.
    pub(crate) fn is_active(&self) -> bool {
        self.selection.is_some()
    }

    /// What is selected.
    pub(crate) fn selection(&self) -> Option<Selection> {
        self.selection
    }

    /// A function that re-enables `events` was called, however it ends.
    pub(crate) fn reenable(&mut self, events: i32) {
        self.enabled |= self.selection.map_or(0, |selection| selection.events & events);
        self.look |= events & LEVELS != 0;
    }

    /// Something may have arrived, or ended.
    pub(crate) fn stir(&mut self) {
        self.look = true;
    }

    /// The socket was connected, or a send was refused with WSAEWOULDBLOCK: FD_WRITE tells when
    /// the next one may go (B17).
    pub(crate) fn await_room(&mut self) {
        //= docs/spec/notification.md#eventselect-8
        //# FD_WRITE MUST be recorded when a connection is established or accepted.
        self.reenable(FD_WRITE);
        self.write_due = true;
    }

    /// Whether any of `events` is to be recorded when its condition holds.
    pub(crate) fn wants(&self, events: i32) -> bool {
        self.enabled & events != 0
    }

    /// Whether something has to be looked at now.
    pub(crate) fn take_look(&mut self) -> bool {
        core::mem::take(&mut self.look) && self.enabled & LEVELS != 0
    }

    /// Whether FD_WRITE waits for nothing but room.
    pub(crate) fn wants_room(&self) -> bool {
        self.write_due && self.wants(FD_WRITE)
    }

    /// An event that happened: recorded and to be told, unless it is not selected or was recorded
    /// already.
    pub(crate) fn happened(&mut self, event: i32, error: Option<WsaError>) {
        debug_assert!(event.count_ones() == 1 && event & ALL_EVENTS != 0);
        if !self.wants(event) {
            return;
        }
        //= docs/spec/notification.md#eventselect-10
        //# A send that succeeds MUST NOT take a recorded FD_WRITE back.
        //= docs/spec/notification.md#asyncselect-5
        //# One message MUST be posted for a network event until the function that enables it again
        //# is called.
        self.enabled &= !event;
        if event == FD_WRITE {
            self.write_due = false;
        }
        let code = error.map_or(0, |error| error.0);
        match self.selection.map(|selection| selection.sink) {
            Some(Sink::Event(object)) => {
                self.record.events |= event;
                self.record.errors[event.trailing_zeros() as usize] = code;
                self.set_again(object);
            }
            Some(Sink::Window { window, message, socket }) => {
                // WSAMAKESELECTREPLY: the event below, its error above.
                let lparam = (code as u32 as usize & 0xffff) << 16 | event as usize;
                self.notices.push_back(Notice::Post { window, message, wparam: socket.0, lparam });
            }
            None => {}
        }
    }

    /// A connect ended: both of the events that tell of it.
    pub(crate) fn connected(&mut self) {
        //= docs/spec/notification.md#eventselect-12
        //# FD_CONNECT MUST be recorded when a connect has ended, with its error code.
        self.happened(FD_CONNECT, None);
        self.await_room();
        self.look = true;
    }

    /// What is recorded.
    pub(crate) fn record(&self) -> Record {
        self.record
    }

    /// The record was given out.
    pub(crate) fn clear_record(&mut self) {
        self.record = Record::default();
    }

    /// The event object was reset though the record was not given out.
    pub(crate) fn keep_record(&mut self) {
        if let Some(Selection { sink: Sink::Event(object), .. }) = self.selection
            && self.record.events != 0
        {
            self.set_again(object);
        }
    }

    fn set_again(&mut self, object: EventHandle) {
        let notice = Notice::Set(object);
        if self.notices.back() != Some(&notice) {
            self.notices.push_back(notice);
        }
    }

    /// Whether a thread makes an upcall just now.
    pub(crate) fn is_telling(&self) -> bool {
        self.telling
    }

    /// The next upcall to make, with the lock let go; [`Self::told`] follows.
    pub(crate) fn next_notice(&mut self) -> Option<Notice> {
        if self.telling || self.stalled {
            return None;
        }
        let notice = self.notices.pop_front()?;
        self.telling = true;
        Some(notice)
    }

    /// The upcall was made.
    pub(crate) fn told(&mut self) {
        self.telling = false;
    }

    /// A message could not be posted: it goes first when [`Self::try_again`] says so. False when
    /// it is of a selection that is gone.
    pub(crate) fn not_posted(&mut self, notice: Notice) -> bool {
        self.telling = false;
        let Notice::Post { window, message, .. } = notice else { return false };
        let stands = self.selection.is_some_and(|selection| {
            matches!(selection.sink, Sink::Window { window: w, message: m, .. }
                if (w, m) == (window, message))
        });
        if stands {
            self.notices.push_front(notice);
            self.stalled = true;
        }
        stands
    }

    /// Some time has passed.
    pub(crate) fn try_again(&mut self) {
        self.stalled = false;
        self.look = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const EVENT: EventHandle = EventHandle(0x40);
    const SOCKET: SocketHandle = SocketHandle(0x100);
    const WINDOW: Sink = Sink::Window { window: WindowHandle(7), message: 0x401, socket: SOCKET };

    fn selected(sink: Sink, events: i32) -> NetworkEvents {
        let mut selected = NetworkEvents::new();
        selected.select(Selection { sink, events });
        selected
    }

    fn told(events: &mut NetworkEvents) -> Vec<Notice> {
        let mut notices = Vec::new();
        while let Some(notice) = events.next_notice() {
            events.told();
            notices.push(notice);
        }
        notices
    }

    //= docs/spec/notification.md#eventselect-7
    //= type=test
    //# After FD_READ a receive MUST enable it again: it is recorded again when data is left or
    //# arrives.
    #[test]
    fn an_event_is_recorded_once_until_its_function_is_called() {
        let mut events = selected(Sink::Event(EVENT), FD_READ | FD_CLOSE);
        assert!(events.take_look());
        events.happened(FD_READ, None);
        events.happened(FD_READ, None);
        assert_eq!(told(&mut events), [Notice::Set(EVENT)]);
        assert_eq!(events.record().events, FD_READ);
        events.clear_record();
        events.happened(FD_READ, None);
        assert_eq!(events.record().events, 0);
        events.reenable(FD_READ);
        assert!(events.take_look());
        events.happened(FD_READ, None);
        assert_eq!((events.record().events, told(&mut events).len()), (FD_READ, 1));
    }

    #[test]
    fn what_is_not_selected_is_not_recorded() {
        let mut events = selected(Sink::Event(EVENT), FD_READ);
        for event in [FD_WRITE, FD_CONNECT, FD_CLOSE] {
            events.reenable(event);
            events.happened(event, None);
        }
        assert_eq!((events.record(), told(&mut events).len()), (Record::default(), 0));
    }

    #[test]
    fn an_error_stands_at_the_place_of_its_event() {
        let mut events = selected(Sink::Event(EVENT), FD_CONNECT | FD_CLOSE);
        events.happened(FD_CONNECT, Some(WsaError::WSAECONNREFUSED));
        let record = events.record();
        assert_eq!(record.events, FD_CONNECT);
        assert_eq!(record.errors[crate::spi::FD_CONNECT_BIT], WsaError::WSAECONNREFUSED.0);
    }

    //= docs/spec/notification.md#asyncselect-1
    //= type=test
    //# MUST be posted to `hWnd` with WPUPostMessage: the socket in wParam, the network event and
    //# its error code in lParam.
    #[test]
    fn a_message_names_socket_event_and_error() {
        let mut events = selected(WINDOW, FD_CLOSE);
        events.happened(FD_CLOSE, Some(WsaError::WSAECONNRESET));
        let expected = Notice::Post {
            window: WindowHandle(7),
            message: 0x401,
            wparam: SOCKET.0,
            lparam: (10_054 << 16) | 0x20,
        };
        assert_eq!(told(&mut events), [expected]);
        assert_eq!(events.record(), Record::default());
    }

    #[test]
    fn a_refused_send_makes_fd_write_due_once() {
        let mut events = selected(Sink::Event(EVENT), FD_WRITE);
        assert!(events.wants_room());
        events.happened(FD_WRITE, None);
        assert!(!events.wants_room());
        events.reenable(FD_WRITE);
        assert!(!events.wants_room(), "a send that succeeds brings no FD_WRITE");
        events.await_room();
        assert!(events.wants_room());
    }

    #[test]
    fn a_selection_begins_anew_and_drops_what_was_not_told() {
        let mut events = selected(Sink::Event(EVENT), FD_READ | FD_CLOSE);
        events.happened(FD_READ, None);
        events.select(Selection { sink: WINDOW, events: FD_CLOSE });
        assert_eq!((events.record(), told(&mut events).len()), (Record::default(), 0));
        events.happened(FD_CLOSE, None);
        events.cancel();
        assert!(!events.is_active() && told(&mut events).is_empty());
        events.happened(FD_CLOSE, None);
        assert!(told(&mut events).is_empty());
    }

    #[test]
    fn one_thread_tells_at_a_time_and_in_order() {
        let mut events = selected(WINDOW, FD_READ | FD_CLOSE);
        events.happened(FD_READ, None);
        events.happened(FD_CLOSE, None);
        let first = events.next_notice();
        assert!(first.is_some() && events.next_notice().is_none());
        events.select(Selection { sink: WINDOW, events: FD_CLOSE });
        assert!(events.next_notice().is_none(), "the upcall of the old selection is under way");
        events.told();
        events.happened(FD_CLOSE, None);
        assert_eq!(told(&mut events).len(), 1);
    }

    #[test]
    fn a_message_that_cannot_be_posted_keeps_its_place() {
        let mut events = selected(WINDOW, FD_READ | FD_CLOSE);
        events.happened(FD_READ, None);
        events.happened(FD_CLOSE, None);
        let first = events.next_notice();
        assert!(first.is_some_and(|notice| events.not_posted(notice)));
        assert!(events.next_notice().is_none());
        events.try_again();
        let again = told(&mut events);
        assert_eq!((again.first().copied(), again.len()), (first, 2));
        assert!(!events.not_posted(Notice::Set(EVENT)));
    }

    #[test]
    fn an_accepted_socket_tells_the_same_of_itself() {
        let listener = selected(WINDOW, FD_READ | FD_WRITE).selection();
        let mut events = NetworkEvents::new();
        events.select(listener.expect("selected").inherited(SocketHandle(0x104)));
        assert!(events.is_active() && events.wants_room() && events.take_look());
        events.happened(FD_WRITE, None);
        let notices = told(&mut events);
        assert!(matches!(notices[..], [Notice::Post { wparam: 0x104, .. }]), "{notices:?}");
    }

    #[test]
    fn a_record_that_was_not_given_out_is_told_again() {
        let mut events = selected(Sink::Event(EVENT), FD_READ);
        events.keep_record();
        assert!(told(&mut events).is_empty());
        events.happened(FD_READ, None);
        assert_eq!(told(&mut events).len(), 1);
        events.keep_record();
        assert_eq!(told(&mut events), [Notice::Set(EVENT)]);
    }
}
