use provider_core::spi::{FD_CLOSE, FD_READ, FD_WRITE};
use provider_core::{EventHandle, Profile, WindowHandle, WsaError};

use super::*;
use crate::oracle::Call;
use crate::oracle::testing::{Play, breaks, outcome, plain, refused, send};

const S: usize = 0x100;
const E: EventHandle = EventHandle(0x4000_0000);
const WINDOW: WindowHandle = WindowHandle(0x1_0000);
const MESSAGE: u32 = 0x401;
const DONE: Outcome<'static> = Outcome {
    value: 0,
    errno: 0,
    reports: true,
    count: None,
    received: None,
    info: None,
    overlapped: None,
    record: None,
};

fn play() -> Play {
    let mut play = Play::new(Profile::Documented);
    play.start();
    play.socket(S, true, 1);
    play
}

fn event_select(events: i32) -> Call {
    plain(Function::WSPEventSelect, S, Special::EventSelect { event: E, events })
}

fn async_select(events: i32) -> Call {
    let special = Special::AsyncSelect { window: WINDOW, message: MESSAGE, events };
    plain(Function::WSPAsyncSelect, S, special)
}

fn recv() -> Call {
    plain(Function::WSPRecv, S, Special::Receive { room: 9, peek: true, urgent: false })
}

impl Play {
    fn signal(&mut self, thread: u32) -> Verdict {
        let at = self.at(thread);
        self.oracles.event_set(at, self.process, E)
    }

    fn post(&mut self, event: i32) -> Verdict {
        self.post_with(event, 0)
    }

    fn post_with(&mut self, event: i32, error: i32) -> Verdict {
        let at = self.at(9);
        let lparam = (error << 16 | event) as usize;
        let post = Post { window: WINDOW.0, message: MESSAGE, wparam: S, lparam };
        self.oracles.message_posted(at, self.process, post, true)
    }

    fn enumerate(&mut self, events: i32, error: i32) -> Verdict {
        let call = plain(Function::WSPEnumNetworkEvents, S, Special::None);
        let record = Some(RecordFacts { events, errors: [error; FD_MAX_EVENTS] });
        self.call(call, Outcome { record, ..DONE })
    }

    fn would_block(&mut self) {
        self.call(send(S, b"refused"), refused(WsaError::WSAEWOULDBLOCK)).unwrap();
    }
}

#[test]
fn what_was_selected_may_be_told_and_given_out() {
    let mut play = play();
    play.call(event_select(FD_READ | FD_CLOSE), DONE).unwrap();
    play.signal(9).unwrap();
    play.enumerate(FD_READ, 0).unwrap();
    play.call(recv(), refused(WsaError::WSAEWOULDBLOCK)).unwrap();
    play.signal(9).unwrap();
    play.enumerate(FD_READ | FD_CLOSE, WsaError::WSAENETDOWN.0).unwrap();
}

#[test]
fn what_was_not_selected_may_not() {
    let mut play = play();
    play.call(event_select(FD_READ), DONE).unwrap();
    breaks(play.enumerate(FD_READ | FD_WRITE, 0), "EVENTSELECT-1");
}

#[test]
fn an_event_is_told_once_until_it_is_enabled() {
    let mut play = play();
    play.call(event_select(FD_READ), DONE).unwrap();
    play.enumerate(FD_READ, 0).unwrap();
    breaks(play.enumerate(FD_READ, 0), "EVENTSELECT-7");
}

#[test]
fn an_event_has_its_own_errors() {
    let mut play = play();
    play.call(event_select(FD_CLOSE), DONE).unwrap();
    breaks(play.enumerate(FD_CLOSE, WsaError::WSAEINTR.0), "EVENTSELECT-13");
}

#[test]
fn nothing_is_told_once_nothing_is_selected() {
    let mut play = play();
    play.call(event_select(FD_READ), DONE).unwrap();
    // In the provider before the selection ended: it may have this under way.
    let early = play.enter(9, recv());
    play.call(event_select(0), DONE).unwrap();
    play.signal(9).unwrap();
    play.leave(9, early, outcome(0, 0, None)).unwrap();
    breaks(play.signal(8), "EVENTSELECT-4");
    breaks(play.enumerate(FD_READ, 0), "EVENTSELECT-4");
}

#[test]
fn a_closed_socket_tells_nothing() {
    let mut play = play();
    play.call(event_select(FD_READ | FD_CLOSE), DONE).unwrap();
    play.call(plain(Function::WSPCloseSocket, S, Special::None), DONE).unwrap();
    breaks(play.signal(9), "EVENTSELECT-4");
}

#[test]
fn a_selection_that_failed_changes_nothing() {
    let mut play = play();
    play.call(event_select(FD_READ), DONE).unwrap();
    play.call(event_select(0), refused(WsaError::WSAEINVAL)).unwrap();
    play.enumerate(FD_READ, 0).unwrap();
}

#[test]
fn of_selections_that_overlap_either_may_hold() {
    let mut play = play();
    let first = play.enter(1, event_select(FD_READ));
    let second = play.enter(2, event_select(0));
    play.leave(2, second, DONE).unwrap();
    play.leave(1, first, DONE).unwrap();
    play.signal(9).unwrap();
    play.enumerate(FD_READ, 0).unwrap();
    // A third makes it clear again.
    play.call(event_select(FD_CLOSE), DONE).unwrap();
    breaks(play.enumerate(FD_READ, 0), "EVENTSELECT-1");
}

#[test]
fn messages_are_of_one_selected_event_each_and_come_once() {
    let mut play = play();
    play.call(async_select(FD_READ | FD_WRITE), DONE).unwrap();
    play.post(FD_READ).unwrap();
    play.call(recv(), DONE).unwrap();
    play.post(FD_READ).unwrap();
    breaks(play.post(FD_READ), "ASYNCSELECT-5");
    breaks(play.post(FD_CLOSE), "ASYNCSELECT-1");
    breaks(play.post(FD_READ | FD_WRITE), "ASYNCSELECT-1");
    play.call(async_select(0), DONE).unwrap();
    breaks(play.post(FD_WRITE), "ASYNCSELECT-4");
}

#[test]
fn an_accepted_socket_has_what_its_listener_has() {
    let mut play = play();
    play.call(event_select(FD_READ | FD_ACCEPT), DONE).unwrap();
    let accept = play.enter(1, plain(Function::WSPAccept, S, Special::None));
    play.signal(9).unwrap();
    play.leave(1, accept, outcome(0x104, 0, None)).unwrap();
    let close = plain(Function::WSPCloseSocket, S, Special::None);
    play.call(close, DONE).unwrap();
    play.signal(9).unwrap();
    let close = plain(Function::WSPCloseSocket, 0x104, Special::None);
    play.call(close, DONE).unwrap();
    breaks(play.signal(9), "EVENTSELECT-4");
}

#[test]
fn a_refused_send_is_owed_fd_write_while_there_is_room() {
    let mut play = play();
    play.call(event_select(FD_WRITE), DONE).unwrap();
    play.signal(9).unwrap();
    play.enumerate(FD_WRITE, 0).unwrap();
    play.would_block();
    let at = play.at(9);
    let full = Err(WsaError::WSAEWOULDBLOCK);
    play.oracles.transport_sent(at, play.process, 1, b"x", None, full).unwrap();
    play.oracles.stuck().unwrap();
    play.oracles.transport_ready(play.process, 1, provider_core::Readiness::SEND);
    breaks(play.oracles.stuck(), "EVENTSELECT-9");
    // A record without it, of a signal for something else, is not it.
    play.signal(9).unwrap();
    play.oracles.stuck().unwrap();
    play.enumerate(0, 0).unwrap();
    breaks(play.oracles.stuck(), "EVENTSELECT-9");
    play.enumerate(FD_WRITE, 0).unwrap();
    play.oracles.stuck().unwrap();
}

#[test]
fn a_send_that_succeeds_is_owed_nothing() {
    let mut play = play();
    play.call(event_select(FD_WRITE), DONE).unwrap();
    play.would_block();
    breaks(play.oracles.stuck(), "EVENTSELECT-9");
    let id = play.enter(1, send(S, b"goes"));
    play.took(1, b"goes", 4).unwrap();
    play.leave(1, id, outcome(0, 0, Some(4))).unwrap();
    play.oracles.stuck().unwrap();
}

#[test]
fn a_message_has_an_error_that_its_event_comes_with() {
    let mut play = play();
    play.call(async_select(FD_READ | FD_CLOSE), DONE).unwrap();
    breaks(play.post_with(FD_READ, WsaError::WSAECONNRESET.0), "ASYNCSELECT-1");
    play.post_with(FD_READ, WsaError::WSAENETDOWN.0).unwrap();
    breaks(play.post_with(FD_CLOSE, WsaError::WSAEINTR.0), "ASYNCSELECT-1");
    play.post_with(FD_CLOSE, WsaError::WSAECONNRESET.0).unwrap();
}
