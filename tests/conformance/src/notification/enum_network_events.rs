//! WSPEnumNetworkEvents. That it writes no more than it has to is checked by every call.

use provider_core::layout::network_events;
use provider_core::spi::{FD_CLOSE, FD_CONNECT, FD_READ, FD_WRITE};
use provider_core::{EventHandle, SocketHandle, WsaError};

use super::calls::enum_into;
use super::event_select::selected;
use super::{receive, send};
use crate::support::{
    async_select, close, close_hard, connect, datagram_pair, enum_network_events, nothing_recorded,
    receive_ready, stream_pair, take_recorded, told, until,
};
use crate::{BedThread, Case, CaseResult, Shared, TestBed, Waited, check};

/// The cases of this function.
pub(super) const CASES: &[Case] = &[
    Case::both("enumevents-1-given-and-cleared", &["ENUMEVENTS-1"], given),
    Case::both("enumevents-1-several-with-errors", &["ENUMEVENTS-1", "ENUMEVENTS-5"], several),
    Case::both("enumevents-1-nothing-selected", &["ENUMEVENTS-1"], nothing_selected),
    Case::both("enumevents-2-resets-the-event", &["ENUMEVENTS-2"], resets),
    Case::both("enumevents-3-nothing-is-lost", &["ENUMEVENTS-3"], nothing_lost),
    Case::both("enumevents-4-failure-clears-nothing", &["ENUMEVENTS-4"], failure),
    Case::both("enumevents-6-bad-arguments", &["ENUMEVENTS-6"], bad_arguments),
];

fn given(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    selected(bed, pair.b, FD_READ | FD_WRITE)?;
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    send(bed, pair.a, b"x")?;
    bed.grace(false);
    let recorded = take_recorded(bed, pair.b)?;
    check::equal("what is recorded", recorded.events, FD_READ | FD_WRITE)?;
    check::equal("its error", recorded.error(FD_READ), WsaError(0))?;
    nothing_recorded(bed, pair.b)
}

fn several(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("closing", close_hard(bed, pair.a))?;
    bed.grace(false);
    let event = selected(bed, pair.b, FD_CONNECT | FD_READ | FD_CLOSE)?;
    let recorded = told(bed, pair.b, event, FD_CLOSE)?;
    check::equal("its error", recorded.error(FD_CLOSE), WsaError::WSAECONNRESET)?;
    nothing_recorded(bed, pair.b)
}

fn nothing_selected(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let event = bed.create_event(true, true);
    let recorded = enum_network_events(bed, pair.a, Some(event))?;
    check::equal("what is recorded", check::works("the call", recorded)?.events, 0)?;
    check::holds("the event was reset", !bed.is_set(event))?;
    // Messages leave no record.
    let window = bed.create_window();
    check::works("WSPAsyncSelect", async_select(bed, pair.a, window, 0x401, FD_WRITE))?;
    nothing_recorded(bed, pair.a)
}

fn resets(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    for manual in [true, false] {
        let event = bed.create_event(manual, false);
        check::works("WSPEventSelect", crate::support::event_select(bed, pair.a, event, FD_WRITE))?;
        // Without an event it resets none.
        check::equal("what is recorded", take_recorded(bed, pair.a)?.events, FD_WRITE)?;
        if manual {
            check::holds("the event is still set", bed.is_set(event))?;
        }
        let recorded = enum_network_events(bed, pair.a, Some(event))?;
        check::equal("what is recorded", check::works("the call", recorded)?.events, 0)?;
        check::holds("the event was reset", !bed.is_set(event))?;
    }
    Ok(())
}

/// Datagrams come while another thread enumerates: each time that it finds nothing more to receive
/// and waits, it is told of the next.
fn nothing_lost(bed: &dyn TestBed) -> CaseResult {
    const DATAGRAMS: usize = 20;
    let pair = datagram_pair(bed)?;
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    for manual in [true, false] {
        let event = bed.create_event(manual, false);
        check::works("WSPEventSelect", crate::support::event_select(bed, pair.b, event, FD_READ))?;
        let got = Shared::new(0);
        let reader = spawn_reader(bed, pair.b, event, got.clone(), DATAGRAMS);
        for number in 0..DATAGRAMS {
            send(bed, pair.a, b"x")?;
            // Each is there before the next goes: none is dropped for want of room.
            until(bed, false, "the next datagram", || got.get() > number)?;
        }
        crate::support::ends(bed, reader)?;
    }
    Ok(())
}

fn spawn_reader(
    bed: &dyn TestBed,
    s: SocketHandle,
    event: EventHandle,
    got: Shared<usize>,
    most: usize,
) -> BedThread {
    let body = move |bed: &dyn TestBed| {
        while got.get() < most {
            check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
            check::works("the call", enum_network_events(bed, s, Some(event))?)?;
            while let Ok((bytes, _)) = receive_ready(bed, s, 9) {
                check::equal("a datagram", bytes, b"x".to_vec())?;
                got.with(|got| *got += 1);
            }
        }
        Ok(())
    };
    bed.spawn("reader", Box::new(body))
}

fn failure(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let event = selected(bed, pair.b, FD_READ)?;
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    send(bed, pair.a, b"x")?;
    check::equal("the wait", bed.wait(event, false), Waited::Signalled)?;
    for pointer in bed.bad_pointers() {
        let result = enum_into(bed, pair.b, event, pointer.at);
        check::fails(pointer.what, result, WsaError::WSAEFAULT)?;
        check::holds("the event is still set", bed.is_set(event))?;
    }
    let no_event = enum_network_events(bed, pair.b, Some(bed.no_event()))?;
    check::fails("no event", no_event, WsaError::WSAEINVAL)?;
    let recorded = enum_network_events(bed, pair.b, Some(event))?;
    check::equal("what is recorded", check::works("the call", recorded)?.events, FD_READ)?;
    check::equal("what came", receive(bed, pair.b, 9)?, b"x".to_vec())
}

fn bad_arguments(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    for pointer in bed.bad_pointers() {
        let result = enum_into(bed, pair.a, EventHandle(0), pointer.at);
        check::fails(pointer.what, result, WsaError::WSAEFAULT)?;
    }
    // The last word is not there.
    let short = bed.alloc(network_events::SIZE - 4);
    let result = enum_into(bed, pair.a, EventHandle(0), short);
    check::fails("too short", result, WsaError::WSAEFAULT)?;
    let event = bed.create_event(true, false);
    bed.close_event(event);
    for none in [bed.no_event(), event] {
        let result = enum_network_events(bed, pair.a, Some(none))?;
        check::fails("no event", result, WsaError::WSAEINVAL)?;
    }
    check::works("closing", close(bed, pair.a))?;
    for s in [pair.a, bed.no_socket()] {
        let result = enum_network_events(bed, s, None)?;
        check::fails("no socket", result, WsaError::WSAENOTSOCK)?;
    }
    Ok(())
}
