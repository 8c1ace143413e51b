//! What makes a network event be recorded again.

use provider_core::spi::{AF_INET, FD_ACCEPT, FD_READ, FD_WRITE, MSG_PEEK, SO_SNDBUF, SOCK_STREAM};
use provider_core::{SocketHandle, UserPtr, WsaError};

use super::calls::{accept_into, receive_into};
use super::event_select::selected;
use super::{fill, receive, send};
use crate::support::{
    DatagramPair, SendCall, accept, close, connect, datagram_pair, hold_sends, listener,
    nothing_recorded, receive_ready, release_sends, set_option, socket, stream_pair, take_recorded,
    told_only, unbuffered,
};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("eventselect-7-once-until-a-receive", &["EVENTSELECT-7"], once),
    Case::both("eventselect-7-by-a-failing-receive", &["EVENTSELECT-7"], by_failure),
    Case::both("eventselect-7-by-a-look", &["EVENTSELECT-7"], by_look),
    Case::both("eventselect-7-a-reset-is-data", &["EVENTSELECT-7"], report_is_data),
    Case::both("eventselect-9-stream", &["EVENTSELECT-9"], stream),
    Case::both("eventselect-9-datagrams", &["EVENTSELECT-9"], datagrams),
    Case::both("eventselect-9-without-a-buffer", &["EVENTSELECT-9"], without_buffer),
    Case::both("eventselect-10-a-send-takes-nothing-back", &["EVENTSELECT-10"], stays),
    Case::both("eventselect-11-by-a-failing-accept", &["EVENTSELECT-11"], by_failing_accept),
];

#[track_caller]
fn connected_datagrams(bed: &dyn TestBed) -> CaseResult<DatagramPair> {
    let pair = datagram_pair(bed)?;
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    Ok(pair)
}

/// Two connected sockets of each kind: what is sent to the second is received there.
#[track_caller]
fn both_kinds(bed: &dyn TestBed) -> CaseResult<[(SocketHandle, SocketHandle); 2]> {
    let (datagrams, stream) = (connected_datagrams(bed)?, stream_pair(bed)?);
    Ok([(datagrams.a, datagrams.b), (stream.a, stream.b)])
}

fn once(bed: &dyn TestBed) -> CaseResult {
    for (from, to) in both_kinds(bed)? {
        let event = selected(bed, to, FD_READ)?;
        send(bed, from, b"1")?;
        told_only(bed, to, event, FD_READ)?;
        send(bed, from, b"2")?;
        nothing_recorded(bed, to)?;
        check::holds("the event is not set", !bed.is_set(event))?;
        // One is left after this one, and none after that one.
        check::equal("the first", receive(bed, to, 1)?, b"1".to_vec())?;
        told_only(bed, to, event, FD_READ)?;
        check::equal("the second", receive(bed, to, 1)?, b"2".to_vec())?;
        nothing_recorded(bed, to)?;
        send(bed, from, b"3")?;
        told_only(bed, to, event, FD_READ)?;
    }
    Ok(())
}

fn by_failure(bed: &dyn TestBed) -> CaseResult {
    for (from, to) in both_kinds(bed)? {
        let event = selected(bed, to, FD_READ)?;
        send(bed, from, b"x")?;
        told_only(bed, to, event, FD_READ)?;
        for pointer in bed.bad_pointers().into_iter().filter(|bad| !bad.at.is_null()) {
            let result = receive_into(bed, to, pointer.at, 1, 0);
            check::fails(pointer.what, result, WsaError::WSAEFAULT)?;
            told_only(bed, to, event, FD_READ)?;
        }
        receive(bed, to, 9)?;
        let nothing = receive_ready(bed, to, 9);
        check::fails("a receive", nothing, WsaError::WSAEWOULDBLOCK)?;
        nothing_recorded(bed, to)?;
        send(bed, from, b"y")?;
        told_only(bed, to, event, FD_READ)?;
    }
    Ok(())
}

fn by_look(bed: &dyn TestBed) -> CaseResult {
    for (from, to) in both_kinds(bed)? {
        let event = selected(bed, to, FD_READ)?;
        send(bed, from, b"x")?;
        let room = bed.alloc(9);
        for _ in 0..3 {
            told_only(bed, to, event, FD_READ)?;
            let look = receive_into(bed, to, room, 9, MSG_PEEK);
            check::equal("a look", look, Ok(1))?;
        }
        told_only(bed, to, event, FD_READ)?;
        check::equal("what came", receive(bed, to, 9)?, b"x".to_vec())?;
    }
    Ok(())
}

fn report_is_data(bed: &dyn TestBed) -> CaseResult {
    let pair = connected_datagrams(bed)?;
    check::works("closing", close(bed, pair.b))?;
    let event = selected(bed, pair.a, FD_READ)?;
    send(bed, pair.a, b"x")?;
    told_only(bed, pair.a, event, FD_READ)?;
    // That it was looked at has not used it up.
    let report = receive_ready(bed, pair.a, 9);
    check::fails("a receive", report, WsaError::WSAECONNRESET)?;
    nothing_recorded(bed, pair.a)
}

/// Fills `s`, and sees FD_WRITE come once, when there is room.
#[track_caller]
fn write_comes_once(bed: &dyn TestBed, s: SocketHandle, piece: usize) -> CaseResult {
    let event = selected(bed, s, FD_WRITE)?;
    told_only(bed, s, event, FD_WRITE)?;
    hold_sends(bed);
    fill(bed, s, piece)?;
    nothing_recorded(bed, s)?;
    release_sends(bed);
    told_only(bed, s, event, FD_WRITE)?;
    nothing_recorded(bed, s)?;
    // The first sends find room, and none of them brings it again.
    send(bed, s, &vec![7; piece])?;
    nothing_recorded(bed, s)?;
    // A second time.
    hold_sends(bed);
    fill(bed, s, piece)?;
    release_sends(bed);
    told_only(bed, s, event, FD_WRITE).map(drop)
}

fn stream(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("SO_SNDBUF", set_option(bed, pair.a, SO_SNDBUF, 3_000))?;
    write_comes_once(bed, pair.a, 1_000)
}

fn datagrams(bed: &dyn TestBed) -> CaseResult {
    let pair = connected_datagrams(bed)?;
    check::works("SO_SNDBUF", set_option(bed, pair.a, SO_SNDBUF, 3_000))?;
    write_comes_once(bed, pair.a, 1_000)
}

fn without_buffer(bed: &dyn TestBed) -> CaseResult {
    let (stream, datagrams) = (stream_pair(bed)?, connected_datagrams(bed)?);
    for s in [stream.a, datagrams.a] {
        unbuffered(bed, s)?;
        write_comes_once(bed, s, 100)?;
    }
    Ok(())
}

fn stays(bed: &dyn TestBed) -> CaseResult {
    for (from, _) in both_kinds(bed)? {
        selected(bed, from, FD_WRITE)?;
        send(bed, from, b"x")?;
        check::equal("what is recorded", take_recorded(bed, from)?.events, FD_WRITE)?;
        // Nor does it bring another.
        send(bed, from, b"y")?;
        nothing_recorded(bed, from)?;
        // A send that is refused for what it is given is no reason either.
        let bad = SendCall::send(bed, from).buffer(UserPtr(0x10), 1).call();
        bad.refused(WsaError::WSAEFAULT)?;
        nothing_recorded(bed, from)?;
    }
    Ok(())
}

fn by_failing_accept(bed: &dyn TestBed) -> CaseResult {
    let (listener, at) = listener(bed)?;
    let event = selected(bed, listener, FD_ACCEPT)?;
    let client = check::works("a socket", socket(bed, AF_INET, SOCK_STREAM, 0))?;
    check::works("connecting", connect(bed, client, at))?;
    told_only(bed, listener, event, FD_ACCEPT)?;
    let room = accept_into(bed, listener, UserPtr(0x10));
    check::fails("room that is not there", room, WsaError::WSAEFAULT)?;
    told_only(bed, listener, event, FD_ACCEPT)?;
    check::works("WSPAccept", accept(bed, listener))?;
    let none = accept(bed, listener);
    check::fails("another", none, WsaError::WSAEWOULDBLOCK)?;
    nothing_recorded(bed, listener)
}
