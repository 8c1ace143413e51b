//! WSPAsyncSelect.

use provider_core::spi::{
    AF_INET, FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_READ, FD_WRITE, SO_SNDBUF, SOCK_STREAM,
};
use provider_core::{SocketHandle, UserPtr, WindowHandle, WsaError};

use super::calls::receive_into;
use super::event_select::selected;
use super::{FD_ALL_EVENTS, fill, receive, send};
use crate::support::{
    accept, async_select, close, close_hard, connect, datagram_pair, hold_sends, listener,
    next_message, no_message, nothing_recorded, receive_ready, release_sends, set_nonblocking,
    set_option, socket, stream_pair,
};
use crate::{Case, CaseResult, Posted, TestBed, check};

/// The cases of this function.
pub(super) const CASES: &[Case] = &[
    Case::both("asyncselect-1-posted", &["ASYNCSELECT-1"], posted),
    Case::both("asyncselect-1-with-its-error", &["ASYNCSELECT-1"], with_error),
    Case::both("asyncselect-1-accepted-sockets-too", &["ASYNCSELECT-1", "ACCEPT-5"], accepted),
    Case::both("asyncselect-1-the-end-behind-the-data", &["ASYNCSELECT-1"], in_order),
    Case::both("asyncselect-2-nonblocking", &["ASYNCSELECT-2", "IOCTL-2"], nonblocking),
    Case::both("asyncselect-3-replaces", &["ASYNCSELECT-3"], replaces),
    Case::both("asyncselect-4-cancelled", &["ASYNCSELECT-4"], cancelled),
    Case::both("asyncselect-5-once", &["ASYNCSELECT-5", "ASYNCSELECT-8"], once),
    Case::both("asyncselect-6-what-holds-already", &["ASYNCSELECT-6"], holds_already),
    Case::both("asyncselect-7-invalid", &["ASYNCSELECT-7"], invalid),
    Case::both("asyncselect-8-write-after-a-refusal", &["ASYNCSELECT-8"], write_again),
    Case::both("asyncselect-8-also-when-they-fail", &["ASYNCSELECT-8"], failing_receive),
    Case::both("asyncselect-1-a-window-that-is-gone", &["ASYNCSELECT-1"], window_gone),
];

const MESSAGE: u32 = 0x0401;

#[track_caller]
fn messages_of(bed: &dyn TestBed, s: SocketHandle, events: i32) -> CaseResult<WindowHandle> {
    let window = bed.create_window();
    check::works("WSPAsyncSelect", async_select(bed, s, window, MESSAGE, events))?;
    Ok(window)
}

/// The next message is this.
#[track_caller]
fn message(
    bed: &dyn TestBed,
    window: WindowHandle,
    s: SocketHandle,
    event: i32,
    error: WsaError,
) -> CaseResult {
    let lparam = event as usize | (error.0 as usize) << 16;
    let want = Posted { message: MESSAGE, wparam: s.0, lparam };
    check::equal("the message", next_message(bed, window)?, want)
}

fn posted(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let window = messages_of(bed, pair.b, FD_READ)?;
    no_message(bed, window)?;
    send(bed, pair.a, b"x")?;
    message(bed, window, pair.b, FD_READ, WsaError(0))?;
    no_message(bed, window)
}

fn with_error(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let window = messages_of(bed, pair.b, FD_CLOSE)?;
    check::works("closing", close_hard(bed, pair.a))?;
    message(bed, window, pair.b, FD_CLOSE, WsaError::WSAECONNRESET)
}

fn accepted(bed: &dyn TestBed) -> CaseResult {
    let (listener, at) = listener(bed)?;
    let window = messages_of(bed, listener, FD_ACCEPT | FD_WRITE)?;
    let client = check::works("a socket", socket(bed, AF_INET, SOCK_STREAM, 0))?;
    check::works("connecting", connect(bed, client, at))?;
    message(bed, window, listener, FD_ACCEPT, WsaError(0))?;
    let accepted = check::works("WSPAccept", accept(bed, listener))?;
    message(bed, window, accepted, FD_WRITE, WsaError(0))?;
    no_message(bed, window)
}

fn in_order(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let window = messages_of(bed, pair.b, FD_READ | FD_CLOSE)?;
    send(bed, pair.a, b"last")?;
    check::works("closing", close(bed, pair.a))?;
    message(bed, window, pair.b, FD_READ, WsaError(0))?;
    check::equal("what came", receive(bed, pair.b, 9)?, b"last".to_vec())?;
    message(bed, window, pair.b, FD_CLOSE, WsaError(0))?;
    no_message(bed, window)
}

fn nonblocking(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    for events in [0, FD_READ] {
        check::works("FIONBIO", set_nonblocking(bed, pair.b, false))?;
        messages_of(bed, pair.b, events)?;
        let nothing = receive_ready(bed, pair.b, 9);
        check::fails("a receive", nothing, WsaError::WSAEWOULDBLOCK)?;
    }
    let blocking = set_nonblocking(bed, pair.b, false);
    check::fails("FIONBIO to blocking", blocking, WsaError::WSAEINVAL)?;
    messages_of(bed, pair.b, 0)?;
    check::works("FIONBIO to blocking", set_nonblocking(bed, pair.b, false))
}

fn replaces(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    // The record of events is cleared, and nothing more is recorded.
    let event = selected(bed, pair.b, FD_READ | FD_WRITE)?;
    let first = messages_of(bed, pair.b, FD_READ)?;
    bed.reset_event(event);
    nothing_recorded(bed, pair.b)?;
    // So with messages: another window, another message, other events.
    let second = messages_of(bed, pair.b, FD_CLOSE)?;
    send(bed, pair.a, b"x")?;
    check::works("closing", close(bed, pair.a))?;
    bed.grace(false);
    check::equal("what came", receive(bed, pair.b, 9)?, b"x".to_vec())?;
    message(bed, second, pair.b, FD_CLOSE, WsaError(0))?;
    no_message(bed, first)?;
    nothing_recorded(bed, pair.b)?;
    check::holds("the event is left alone", !bed.is_set(event))
}

fn cancelled(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    let window = messages_of(bed, pair.b, FD_READ)?;
    check::works("no window", async_select(bed, pair.b, WindowHandle(0), 0, 0))?;
    send(bed, pair.a, b"x")?;
    no_message(bed, window)?;
    // Closing ends it too.
    let window = messages_of(bed, pair.b, FD_READ)?;
    message(bed, window, pair.b, FD_READ, WsaError(0))?;
    check::works("closing", close(bed, pair.b))?;
    send(bed, pair.a, b"y")?;
    no_message(bed, window)
}

fn once(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    let window = messages_of(bed, pair.b, FD_READ)?;
    for _ in 0..3 {
        send(bed, pair.a, b"x")?;
    }
    bed.grace(false);
    for _ in 0..3 {
        message(bed, window, pair.b, FD_READ, WsaError(0))?;
        no_message(bed, window)?;
        check::equal("what came", receive(bed, pair.b, 9)?, b"x".to_vec())?;
    }
    no_message(bed, window)
}

fn holds_already(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    send(bed, pair.a, b"x")?;
    bed.grace(false);
    let window = messages_of(bed, pair.b, FD_READ | FD_WRITE | FD_CONNECT)?;
    let mut events = 0;
    for _ in 0..3 {
        let posted = next_message(bed, window)?;
        check::equal("the socket", posted.wparam, pair.b.0)?;
        events |= posted.lparam as i32;
    }
    check::equal("the events", events, FD_READ | FD_WRITE | FD_CONNECT)?;
    no_message(bed, window)
}

fn invalid(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let window = messages_of(bed, pair.b, FD_READ)?;
    for events in [FD_ALL_EVENTS + 1, -1, i32::MIN] {
        let result = async_select(bed, pair.b, window, MESSAGE, events);
        check::fails(&format!("the mask {events:#x}"), result, WsaError::WSAEINVAL)?;
    }
    let none = async_select(bed, pair.b, WindowHandle(0), MESSAGE, FD_READ);
    check::fails("no window", none, WsaError::WSAEINVAL)?;
    let no_socket = async_select(bed, bed.no_socket(), window, MESSAGE, FD_READ);
    check::fails("no socket", no_socket, WsaError::WSAENOTSOCK)?;
    // What was selected before still is.
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    send(bed, pair.a, b"x")?;
    message(bed, window, pair.b, FD_READ, WsaError(0))
}

fn write_again(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("SO_SNDBUF", set_option(bed, pair.a, SO_SNDBUF, 3_000))?;
    let window = messages_of(bed, pair.a, FD_WRITE)?;
    for _ in 0..2 {
        message(bed, window, pair.a, FD_WRITE, WsaError(0))?;
        hold_sends(bed);
        fill(bed, pair.a, 1_000)?;
        no_message(bed, window)?;
        release_sends(bed);
    }
    message(bed, window, pair.a, FD_WRITE, WsaError(0))?;
    no_message(bed, window)
}

fn failing_receive(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let window = messages_of(bed, pair.b, FD_READ)?;
    send(bed, pair.a, b"x")?;
    message(bed, window, pair.b, FD_READ, WsaError(0))?;
    no_message(bed, window)?;
    let fault = receive_into(bed, pair.b, UserPtr(0x10), 1, 0);
    check::fails("a receive", fault, WsaError::WSAEFAULT)?;
    message(bed, window, pair.b, FD_READ, WsaError(0))
}

/// What cannot be posted harms nobody, and a new registration is not disturbed by it.
fn window_gone(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let gone = messages_of(bed, pair.b, FD_READ | FD_CLOSE)?;
    bed.destroy_window(gone);
    send(bed, pair.a, b"x")?;
    bed.grace(false);
    let window = messages_of(bed, pair.b, FD_READ)?;
    message(bed, window, pair.b, FD_READ, WsaError(0))?;
    no_message(bed, window)
}
