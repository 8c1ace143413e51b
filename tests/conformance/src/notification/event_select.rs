//! WSPEventSelect: what is selected, and when it is recorded.

use provider_core::spi::{
    AF_INET, FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_READ, FD_WRITE, SD_SEND, SOCK_DGRAM, SOCK_STREAM,
};
use provider_core::{EventHandle, SocketHandle, WsaError};

use super::{FD_ALL_EVENTS, receive, send};
use crate::support::{
    LOOPBACK_V4, accept, async_select, bind, close, close_hard, connect, datagram_pair,
    event_select, listener, no_message, nothing_recorded, receive_ready, set_nonblocking, shutdown,
    socket, stream_pair, take_recorded, told, told_only, until,
};
use crate::{Case, CaseResult, Seam, TestBed, check};

/// The cases of this function.
pub(super) const CASES: &[Case] = &[
    Case::both("eventselect-1-recorded-and-set", &["EVENTSELECT-1"], recorded),
    Case::both("eventselect-1-only-what-is-selected", &["EVENTSELECT-1"], only_selected),
    Case::both("eventselect-2-nonblocking", &["EVENTSELECT-2", "IOCTL-2"], nonblocking),
    Case::both("eventselect-3-replaces", &["EVENTSELECT-3"], replaces),
    Case::both("eventselect-3-replaces-messages", &["EVENTSELECT-3"], replaces_messages),
    Case::both("eventselect-4-mask-0-cancels", &["EVENTSELECT-4"], cancels),
    Case::both("close-1-nobody-is-told-any-more", &["CLOSE-1"], closing),
    Case::both("eventselect-5-invalid", &["EVENTSELECT-5"], invalid),
    Case::both("result-5-event-select-on-no-socket", &["RESULT-5"], no_socket),
    Case::both("eventselect-6-data-that-waits", &["EVENTSELECT-6"], data_waits),
    Case::both("eventselect-6-connected", &["EVENTSELECT-6"], connected_already),
    Case::both("eventselect-6-ended", &["EVENTSELECT-6", "EVENTSELECT-13"], ended_already),
    Case::both("eventselect-6-bound-datagram-socket", &["EVENTSELECT-6"], bound),
    Case::both("eventselect-8-connected", &["EVENTSELECT-8", "EVENTSELECT-12"], connects),
    Case::both("eventselect-8-accepted", &["EVENTSELECT-8", "EVENTSELECT-11", "ACCEPT-5"], accepts),
    Case::both("eventselect-12-refused", &["EVENTSELECT-12"], refused),
    Case::both("eventselect-12-datagram-socket", &["EVENTSELECT-12"], connects_datagram),
    Case::both("eventselect-12-again-after-a-failure", &["EVENTSELECT-12"], connects_again),
    Case::both("eventselect-13-graceful-end", &["EVENTSELECT-13"], graceful),
    Case::both("eventselect-13-behind-the-data", &["EVENTSELECT-13"], behind_the_data),
    Case::both("eventselect-13-reset", &["EVENTSELECT-13"], reset),
    Case::both("eventselect-13-reset-behind-the-data", &["EVENTSELECT-13"], reset_behind_data),
    Case::both("eventselect-13-own-shutdown", &["EVENTSELECT-13"], own_shutdown),
];

/// Selects `events` of `s` for an event of its own.
#[track_caller]
pub(super) fn selected(bed: &dyn TestBed, s: SocketHandle, events: i32) -> CaseResult<EventHandle> {
    let event = bed.create_event(true, false);
    check::works("WSPEventSelect", event_select(bed, s, event, events))?;
    Ok(event)
}

/// An address where nobody listens.
#[track_caller]
fn nobody(bed: &dyn TestBed) -> CaseResult<core::net::SocketAddr> {
    let (listener, at) = listener(bed)?;
    check::works("closing", close(bed, listener))?;
    Ok(at)
}

#[track_caller]
fn begin_connect(bed: &dyn TestBed, s: SocketHandle, to: core::net::SocketAddr) -> CaseResult {
    match connect(bed, s, to) {
        Ok(()) | Err(WsaError::WSAEWOULDBLOCK) => Ok(()),
        result => check::works("WSPConnect", result),
    }
}

fn recorded(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    for manual in [true, false] {
        let event = bed.create_event(manual, false);
        check::works("WSPEventSelect", event_select(bed, pair.b, event, FD_READ))?;
        nothing_recorded(bed, pair.b)?;
        check::works("connecting", connect(bed, pair.a, pair.at_b))?;
        send(bed, pair.a, b"x")?;
        let recorded = told_only(bed, pair.b, event, FD_READ)?;
        check::equal("its error", recorded.error(FD_READ), WsaError(0))?;
        check::equal("what came", receive(bed, pair.b, 9)?, b"x".to_vec())?;
    }
    Ok(())
}

fn only_selected(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let event = selected(bed, pair.b, FD_CLOSE)?;
    send(bed, pair.a, b"x")?;
    nothing_recorded(bed, pair.b)?;
    check::holds("the event is not set", !bed.is_set(event))?;
    check::works("closing", close(bed, pair.a))?;
    check::equal("what came", receive(bed, pair.b, 9)?, b"x".to_vec())?;
    told_only(bed, pair.b, event, FD_CLOSE).map(drop)
}

fn nonblocking(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    for events in [0, FD_READ] {
        check::works("FIONBIO", set_nonblocking(bed, pair.b, false))?;
        selected(bed, pair.b, events)?;
        let nothing = receive_ready(bed, pair.b, 9);
        check::fails("a receive", nothing, WsaError::WSAEWOULDBLOCK)?;
    }
    let blocking = set_nonblocking(bed, pair.b, false);
    check::fails("FIONBIO to blocking", blocking, WsaError::WSAEINVAL)?;
    check::works("FIONBIO to nonblocking", set_nonblocking(bed, pair.b, true))?;
    // Cancelled, it stays nonblocking until that is changed.
    selected(bed, pair.b, 0)?;
    let nothing = receive_ready(bed, pair.b, 9);
    check::fails("a receive", nothing, WsaError::WSAEWOULDBLOCK)?;
    check::works("FIONBIO to blocking", set_nonblocking(bed, pair.b, false))
}

fn replaces(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let first = selected(bed, pair.b, FD_READ | FD_WRITE)?;
    send(bed, pair.a, b"x")?;
    told(bed, pair.b, first, FD_READ)?;
    send(bed, pair.a, b"y")?;
    // Recorded for the first, and cleared with it.
    receive(bed, pair.b, 1)?;
    let second = selected(bed, pair.b, FD_CLOSE)?;
    bed.reset_event(first);
    nothing_recorded(bed, pair.b)?;
    send(bed, pair.a, b"z")?;
    receive(bed, pair.b, 1)?;
    check::works("closing", close(bed, pair.a))?;
    until(bed, false, "the end", || {
        receive_ready(bed, pair.b, 9).is_ok_and(|(bytes, _)| bytes.is_empty())
    })?;
    told_only(bed, pair.b, second, FD_CLOSE)?;
    check::holds("the first event is left alone", !bed.is_set(first))
}

fn replaces_messages(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let window = bed.create_window();
    check::works("WSPAsyncSelect", async_select(bed, pair.b, window, 0x401, FD_READ))?;
    let event = selected(bed, pair.b, FD_READ)?;
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    send(bed, pair.a, b"x")?;
    told_only(bed, pair.b, event, FD_READ)?;
    no_message(bed, window)
}

fn cancels(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    for handle in [EventHandle(0), bed.no_event()] {
        let event = selected(bed, pair.b, FD_READ)?;
        check::works("a mask of 0", event_select(bed, pair.b, handle, 0))?;
        send(bed, pair.a, b"x")?;
        nothing_recorded(bed, pair.b)?;
        check::holds("the event is not set", !bed.is_set(event))?;
        receive(bed, pair.b, 9)?;
    }
    // A good event in the call that cancels is ignored as well.
    let (event, ignored) = (selected(bed, pair.b, FD_READ)?, bed.create_event(true, false));
    check::works("a mask of 0", event_select(bed, pair.b, ignored, 0))?;
    send(bed, pair.a, b"x")?;
    nothing_recorded(bed, pair.b)?;
    check::equal("events set", [event, ignored].map(|event| bed.is_set(event)), [false; 2])
}

fn closing(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let event = selected(bed, pair.b, FD_READ | FD_CLOSE)?;
    check::works("closing", close(bed, pair.b))?;
    bed.reset_event(event);
    check::works("closing", close(bed, pair.a))?;
    bed.grace(false);
    check::holds("the event is not set", !bed.is_set(event))
}

fn invalid(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let event = selected(bed, pair.b, FD_READ)?;
    for events in [FD_ALL_EVENTS + 1, -1, i32::MIN, FD_READ | 1 << 20] {
        let result = event_select(bed, pair.b, event, events);
        check::fails(&format!("the mask {events:#x}"), result, WsaError::WSAEINVAL)?;
    }
    for one in [FD_READ, FD_WRITE, FD_READ | FD_CLOSE, FD_ALL_EVENTS] {
        let none = event_select(bed, pair.b, EventHandle(0), one);
        check::fails("no event object", none, WsaError::WSAEINVAL)?;
    }
    // What was selected before still is.
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    send(bed, pair.a, b"x")?;
    told_only(bed, pair.b, event, FD_READ)?;
    check::works("all events", event_select(bed, pair.b, event, FD_ALL_EVENTS))
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    let event = bed.create_event(true, false);
    let pair = datagram_pair(bed)?;
    check::works("closing", close(bed, pair.b))?;
    for s in [bed.no_socket(), pair.b] {
        let result = event_select(bed, s, event, FD_READ);
        check::fails("WSPEventSelect", result, WsaError::WSAENOTSOCK)?;
    }
    Ok(())
}

fn data_waits(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let datagrams = datagram_pair(bed)?;
    check::works("connecting", connect(bed, datagrams.a, datagrams.at_b))?;
    for (from, to) in [(pair.a, pair.b), (datagrams.a, datagrams.b)] {
        send(bed, from, b"x")?;
        bed.grace(false);
        let event = selected(bed, to, FD_READ)?;
        told_only(bed, to, event, FD_READ)?;
        // Recorded for good: the same again for another registration.
        let event = selected(bed, to, FD_READ)?;
        told_only(bed, to, event, FD_READ)?;
    }
    Ok(())
}

fn connected_already(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let event = selected(bed, pair.a, FD_CONNECT | FD_WRITE | FD_READ | FD_CLOSE)?;
    told_only(bed, pair.a, event, FD_CONNECT | FD_WRITE).map(drop)
}

fn ended_already(bed: &dyn TestBed) -> CaseResult {
    for hard in [false, true] {
        let pair = stream_pair(bed)?;
        let closed = if hard { close_hard(bed, pair.a) } else { close(bed, pair.a) };
        check::works("closing", closed)?;
        bed.grace(false);
        let event = selected(bed, pair.b, FD_READ | FD_CLOSE)?;
        let recorded = told_only(bed, pair.b, event, FD_CLOSE)?;
        let error = if hard { WsaError::WSAECONNRESET } else { WsaError(0) };
        check::equal("its error", recorded.error(FD_CLOSE), error)?;
    }
    Ok(())
}

fn bound(bed: &dyn TestBed) -> CaseResult {
    let s = check::works("a socket", socket(bed, AF_INET, SOCK_DGRAM, 0))?;
    let event = selected(bed, s, FD_WRITE | FD_READ)?;
    check::works("binding", bind(bed, s, LOOPBACK_V4))?;
    told_only(bed, s, event, FD_WRITE).map(drop)
}

fn connects(bed: &dyn TestBed) -> CaseResult {
    let (listener, at) = listener(bed)?;
    let s = check::works("a socket", socket(bed, AF_INET, SOCK_STREAM, 0))?;
    let event = selected(bed, s, FD_CONNECT | FD_WRITE | FD_READ | FD_CLOSE)?;
    bed.lower().hold(Seam::Connect);
    let begun = connect(bed, s, at);
    check::fails("a connect under way", begun, WsaError::WSAEWOULDBLOCK)?;
    nothing_recorded(bed, s)?;
    bed.lower().release(Seam::Connect);
    let recorded = told_only(bed, s, event, FD_CONNECT | FD_WRITE)?;
    check::equal("its error", recorded.error(FD_CONNECT), WsaError(0))?;
    send(bed, s, b"x")?;
    let other = check::works("WSPAccept", accept(bed, listener))?;
    check::equal("what came", receive(bed, other, 9)?, b"x".to_vec())
}

fn accepts(bed: &dyn TestBed) -> CaseResult {
    let (listener, at) = listener(bed)?;
    let event = selected(bed, listener, FD_ACCEPT | FD_WRITE | FD_READ)?;
    nothing_recorded(bed, listener)?;
    let clients: [_; 2] = core::array::from_fn(|_| socket(bed, AF_INET, SOCK_STREAM, 0));
    for client in clients {
        check::works("connecting", client.and_then(|client| connect(bed, client, at)))?;
    }
    for _ in 0..clients.len() {
        told_only(bed, listener, event, FD_ACCEPT)?;
        // Not before it is accepted, though there is another.
        nothing_recorded(bed, listener)?;
        let accepted = check::works("WSPAccept", accept(bed, listener))?;
        // It has what its listener has: mode, events and event object.
        let nothing = receive_ready(bed, accepted, 9);
        check::fails("a receive", nothing, WsaError::WSAEWOULDBLOCK)?;
        check::holds("the event is set", bed.is_set(event))?;
        check::equal("what is recorded", take_recorded(bed, accepted)?.events, FD_WRITE)?;
    }
    bed.reset_event(event);
    nothing_recorded(bed, listener)
}

fn refused(bed: &dyn TestBed) -> CaseResult {
    let s = check::works("a socket", socket(bed, AF_INET, SOCK_STREAM, 0))?;
    let event = selected(bed, s, FD_CONNECT | FD_WRITE | FD_CLOSE)?;
    begin_connect(bed, s, nobody(bed)?)?;
    let recorded = told_only(bed, s, event, FD_CONNECT)?;
    check::equal("its error", recorded.error(FD_CONNECT), WsaError::WSAECONNREFUSED)
}

fn connects_datagram(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let event = selected(bed, pair.a, FD_CONNECT)?;
    nothing_recorded(bed, pair.a)?;
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    told_only(bed, pair.a, event, FD_CONNECT).map(drop)
}

fn connects_again(bed: &dyn TestBed) -> CaseResult {
    let s = check::works("a socket", socket(bed, AF_INET, SOCK_STREAM, 0))?;
    let event = selected(bed, s, FD_CONNECT | FD_WRITE)?;
    begin_connect(bed, s, nobody(bed)?)?;
    told_only(bed, s, event, FD_CONNECT)?;
    let (_, at) = listener(bed)?;
    begin_connect(bed, s, at)?;
    let recorded = told_only(bed, s, event, FD_CONNECT | FD_WRITE)?;
    check::equal("its error", recorded.error(FD_CONNECT), WsaError(0))
}

fn graceful(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let event = selected(bed, pair.b, FD_READ | FD_CLOSE)?;
    check::works("WSPShutdown", shutdown(bed, pair.a, SD_SEND))?;
    let recorded = told_only(bed, pair.b, event, FD_CLOSE)?;
    check::equal("its error", recorded.error(FD_CLOSE), WsaError(0))?;
    // Once.
    check::equal("the end", receive(bed, pair.b, 9)?, Vec::new())?;
    nothing_recorded(bed, pair.b)
}

fn behind_the_data(bed: &dyn TestBed) -> CaseResult {
    for events in [FD_READ | FD_CLOSE, FD_CLOSE] {
        let pair = stream_pair(bed)?;
        let event = selected(bed, pair.b, events)?;
        send(bed, pair.a, b"last")?;
        check::works("closing", close(bed, pair.a))?;
        bed.grace(false);
        check::equal("what is recorded", take_recorded(bed, pair.b)?.events, events & FD_READ)?;
        check::equal("some", receive(bed, pair.b, 2)?, b"la".to_vec())?;
        bed.grace(false);
        check::equal("what is recorded", take_recorded(bed, pair.b)?.events, events & FD_READ)?;
        bed.reset_event(event);
        check::equal("the rest", receive(bed, pair.b, 2)?, b"st".to_vec())?;
        told_only(bed, pair.b, event, FD_CLOSE)?;
    }
    Ok(())
}

fn reset(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let event = selected(bed, pair.b, FD_READ | FD_CLOSE)?;
    check::works("closing", close_hard(bed, pair.a))?;
    let recorded = told_only(bed, pair.b, event, FD_CLOSE)?;
    check::equal("its error", recorded.error(FD_CLOSE), WsaError::WSAECONNRESET)
}

fn reset_behind_data(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let event = selected(bed, pair.b, FD_READ | FD_CLOSE)?;
    send(bed, pair.a, b"unread")?;
    told_only(bed, pair.b, event, FD_READ)?;
    check::works("closing", close_hard(bed, pair.a))?;
    let recorded = told_only(bed, pair.b, event, FD_CLOSE)?;
    check::equal("its error", recorded.error(FD_CLOSE), WsaError::WSAECONNRESET)
}

fn own_shutdown(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let event = selected(bed, pair.b, FD_CLOSE)?;
    check::works("WSPShutdown", shutdown(bed, pair.b, SD_SEND))?;
    nothing_recorded(bed, pair.b)?;
    // The peer answers.
    check::works("WSPShutdown", shutdown(bed, pair.a, SD_SEND))?;
    told_only(bed, pair.b, event, FD_CLOSE).map(drop)
}
