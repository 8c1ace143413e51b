//! WSPSelect. Its count, and that it writes neither beside its sets nor `timeout`, is checked by
//! every call.

use provider_core::spi::{
    AF_INET, FD_READ, FD_WRITE, SD_RECEIVE, SD_SEND, SO_SNDBUF, SOCK_DGRAM, SOCK_STREAM,
};
use provider_core::{SocketHandle, UserPtr, WsaError};

use super::calls::select_at;
use super::event_select::selected;
use super::{fill, receive, send};
use crate::support::{
    Guarded, LOOPBACK_V4, Sets, accept, bind, cancel_blocking_call, cleanup, close, close_hard,
    connect, datagram_pair, encode_set, encode_time, ends, hold_sends, listener,
    nonoverlapped_datagram_pair, ready, ready_now, receive_ready, release_sends, select,
    set_nonblocking, set_option, shutdown, socket, stream_pair, stream_pair_of, take_recorded,
    told_only, unbuffered,
};
use crate::{Case, CaseResult, Seam, Shared, TestBed, check};

/// The cases of this function.
pub(super) const CASES: &[Case] = &[
    Case::both("select-1-what-is-ready-stays", &["SELECT-1"], stays),
    Case::both("select-1-one-socket-in-all-sets", &["SELECT-1"], all_sets),
    Case::both("select-1-many-sockets", &["SELECT-1", "SELECT-5"], many),
    Case::both("select-2-data", &["SELECT-2"], data),
    Case::both("select-2-connections", &["SELECT-2"], connections),
    Case::both("select-2-ends", &["SELECT-2"], ends_are_readable),
    Case::both("select-2-a-report-is-not-used-up", &["SELECT-2"], report),
    Case::both("select-2-a-stranger-is-no-reason", &["SELECT-2"], stranger),
    Case::both("select-3-connected", &["SELECT-3"], connected),
    Case::both("select-3-room", &["SELECT-3"], room),
    Case::both("select-4-connect-failed", &["SELECT-4"], connect_failed),
    Case::both("select-5-waits", &["SELECT-5"], waits),
    Case::both("select-6-zero-does-not-wait", &["SELECT-6"], zero),
    Case::both("select-7-time-passes", &["SELECT-7"], time_passes),
    Case::both("select-8-no-sockets", &["SELECT-8"], no_sockets),
    Case::both("select-9-no-time", &["SELECT-9"], no_time),
    Case::both("select-10-no-socket", &["SELECT-10"], no_socket),
    Case::both("select-11-no-memory", &["SELECT-11"], no_memory),
    Case::both("select-12-arguments-are-left-alone", &["SELECT-12"], zero),
    Case::both("select-13-cancelled", &["SELECT-13", "CANCEL-5"], cancelled),
    Case::both("select-14-closed", &["SELECT-14"], closed),
    Case::both("select-14-cleaned-up", &["SELECT-14", "CLEANUP-3"], cleaned_up),
    Case::both("select-15-leaves-events-alone", &["SELECT-15"], leaves_events),
    Case::both("err-inprogress-select-in-a-routine", &["ERR-INPROGRESS"], in_a_blocking_call),
];

#[track_caller]
fn nothing_ready(bed: &dyn TestBed, sets: &Sets) -> CaseResult {
    bed.grace(false);
    check::equal("what is ready", ready_now(bed, sets)?, Sets::default())
}

fn stays(bed: &dyn TestBed) -> CaseResult {
    let (stream, datagrams) = (stream_pair(bed)?, nonoverlapped_datagram_pair(bed)?);
    send(bed, stream.a, b"x")?;
    let sets = Sets {
        read: vec![datagrams.a, stream.b, stream.a],
        write: vec![stream.b, datagrams.b],
        except: vec![stream.a],
    };
    let want = Sets { read: vec![stream.b], write: sets.write.clone(), except: Vec::new() };
    bed.grace(false);
    check::equal("what is ready", ready(bed, &sets)?, want)
}

fn all_sets(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    send(bed, pair.a, b"x")?;
    bed.grace(false);
    let want = Sets { except: Vec::new(), ..Sets::all(pair.b) };
    check::equal("what is ready", ready(bed, &Sets::all(pair.b))?, want)?;
    // Each entry counts, twice the same too.
    let twice = Sets { read: vec![pair.b, pair.b], ..Sets::default() };
    check::equal("what is ready", ready(bed, &twice)?, twice)
}

fn many(bed: &dyn TestBed) -> CaseResult {
    const SOCKETS: usize = 80;
    let bound = || {
        let s = socket(bed, AF_INET, SOCK_DGRAM, 0)?;
        bind(bed, s, LOOPBACK_V4)?;
        Ok(s)
    };
    let mut all = Vec::new();
    for _ in 0..SOCKETS {
        all.push(check::works("a datagram socket", bound())?);
    }
    let pair = datagram_pair(bed)?;
    all.insert(SOCKETS / 2, pair.b);
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    let sender = bed.spawn(
        "sender",
        Box::new(move |bed: &dyn TestBed| {
            bed.pause(false);
            send(bed, pair.a, b"x")
        }),
    );
    let sets = Sets { read: all, ..Sets::default() };
    let left = check::works("WSPSelect", select(bed, &sets, None)?)?;
    check::equal("what is ready", left, Sets::reading(pair.b))?;
    ends(bed, sender)
}

fn data(bed: &dyn TestBed) -> CaseResult {
    let (stream, datagrams) = (stream_pair(bed)?, datagram_pair(bed)?);
    check::works("connecting", connect(bed, datagrams.a, datagrams.at_b))?;
    for (from, to) in [(stream.a, stream.b), (datagrams.a, datagrams.b)] {
        let sets = Sets::reading(to);
        nothing_ready(bed, &sets)?;
        send(bed, from, b"x")?;
        check::equal("what is ready", ready(bed, &sets)?, sets.clone())?;
        // It has taken nothing away, not even from a blocking socket.
        check::equal("what is ready", ready_now(bed, &sets)?, sets.clone())?;
        check::equal("what came", receive(bed, to, 9)?, b"x".to_vec())?;
        nothing_ready(bed, &sets)?;
    }
    // An empty datagram is one.
    send(bed, datagrams.a, b"")?;
    check::equal("what came", ready(bed, &Sets::reading(datagrams.b))?.read, vec![datagrams.b])
}

fn connections(bed: &dyn TestBed) -> CaseResult {
    let (listener, at) = listener(bed)?;
    let sets = Sets::all(listener);
    nothing_ready(bed, &sets)?;
    let client = check::works("a socket", socket(bed, AF_INET, SOCK_STREAM, 0))?;
    check::works("connecting", connect(bed, client, at))?;
    for _ in 0..2 {
        check::equal("what is ready", ready(bed, &sets)?, Sets::reading(listener))?;
    }
    check::works("WSPAccept", accept(bed, listener))?;
    nothing_ready(bed, &sets)
}

fn ends_are_readable(bed: &dyn TestBed) -> CaseResult {
    let graceful = stream_pair(bed)?;
    check::works("WSPShutdown", shutdown(bed, graceful.a, SD_SEND))?;
    check::equal("the end", ready(bed, &Sets::reading(graceful.b))?.read, vec![graceful.b])?;
    check::equal("the end", receive(bed, graceful.b, 9)?, Vec::new())?;
    check::equal("the end", ready(bed, &Sets::reading(graceful.b))?.read, vec![graceful.b])?;

    let hard = stream_pair(bed)?;
    check::works("closing", close_hard(bed, hard.a))?;
    check::equal("the reset", ready(bed, &Sets::reading(hard.b))?.read, vec![hard.b])?;
    let reset = receive_ready(bed, hard.b, 9);
    check::fails("a receive", reset, WsaError::WSAECONNRESET)?;
    // Neither a receive nor a send blocks any more.
    let left = ready(bed, &Sets::all(hard.b))?;
    check::equal("what is ready", (left.read, left.write), (vec![hard.b], vec![hard.b]))?;

    let deaf = stream_pair(bed)?;
    check::works("WSPShutdown", shutdown(bed, deaf.b, SD_RECEIVE))?;
    check::equal("no more", ready(bed, &Sets::reading(deaf.b))?.read, vec![deaf.b])
}

fn report(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    check::works("closing", close(bed, pair.b))?;
    send(bed, pair.a, b"x")?;
    let sets = Sets::reading(pair.a);
    for _ in 0..2 {
        check::equal("what is ready", ready(bed, &sets)?, sets.clone())?;
    }
    let report = receive_ready(bed, pair.a, 9);
    check::fails("a receive", report, WsaError::WSAECONNRESET)?;
    nothing_ready(bed, &sets)
}

fn stranger(bed: &dyn TestBed) -> CaseResult {
    let (pair, others) = (datagram_pair(bed)?, datagram_pair(bed)?);
    check::works("connecting", connect(bed, pair.b, pair.at_a))?;
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    check::works("connecting", connect(bed, others.a, pair.at_b))?;
    let sets = Sets::reading(pair.b);
    send(bed, others.a, b"not for you")?;
    nothing_ready(bed, &sets)?;
    send(bed, others.a, b"nor this")?;
    send(bed, pair.a, b"x")?;
    check::equal("what is ready", ready(bed, &sets)?, sets)?;
    check::equal("what came", receive(bed, pair.b, 99)?, b"x".to_vec())
}

fn connected(bed: &dyn TestBed) -> CaseResult {
    let (_, at) = listener(bed)?;
    let s = check::works("a socket", socket(bed, AF_INET, SOCK_STREAM, 0))?;
    // Neither bound nor connected it is ready for nothing.
    nothing_ready(bed, &Sets::all(s))?;
    check::works("FIONBIO", set_nonblocking(bed, s, true))?;
    bed.lower().hold(Seam::Connect);
    let begun = connect(bed, s, at);
    check::fails("a connect under way", begun, WsaError::WSAEWOULDBLOCK)?;
    nothing_ready(bed, &Sets::all(s))?;
    bed.lower().release(Seam::Connect);
    check::equal("what is ready", ready(bed, &Sets::all(s))?, Sets::writing(s))
}

#[track_caller]
fn room_is_seen(bed: &dyn TestBed, s: SocketHandle, piece: usize) -> CaseResult {
    let sets = Sets::writing(s);
    check::equal("what is ready", ready(bed, &sets)?, sets.clone())?;
    hold_sends(bed);
    fill(bed, s, piece)?;
    nothing_ready(bed, &sets)?;
    let released = bed.spawn(
        "releases",
        Box::new(|bed: &dyn TestBed| {
            bed.pause(false);
            release_sends(bed);
            Ok(())
        }),
    );
    let left = check::works("WSPSelect", select(bed, &sets, None)?)?;
    check::equal("what is ready", left, sets)?;
    send(bed, s, &vec![7; piece])?;
    ends(bed, released)
}

fn room(bed: &dyn TestBed) -> CaseResult {
    let (stream, datagrams) = (stream_pair(bed)?, datagram_pair(bed)?);
    let plain = stream_pair_of(bed, AF_INET, 0)?;
    check::works("connecting", connect(bed, datagrams.a, datagrams.at_b))?;
    for s in [stream.a, plain.a, datagrams.a] {
        check::works("SO_SNDBUF", set_option(bed, s, SO_SNDBUF, 3_000))?;
        room_is_seen(bed, s, 1_000)?;
        unbuffered(bed, s)?;
        room_is_seen(bed, s, 100)?;
    }
    Ok(())
}

fn connect_failed(bed: &dyn TestBed) -> CaseResult {
    let (closed, at) = listener(bed)?;
    check::works("closing", close(bed, closed))?;
    let s = check::works("a socket", socket(bed, AF_INET, SOCK_STREAM, 0))?;
    check::works("FIONBIO", set_nonblocking(bed, s, true))?;
    let begun = connect(bed, s, at);
    check::fails("a connect under way", begun, WsaError::WSAEWOULDBLOCK)?;
    check::equal("what is ready", ready(bed, &Sets::all(s))?, Sets::excepting(s))
}

fn waits(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    for timeout in [None, Some((1_000_000, 999_999))] {
        let sender = bed.spawn(
            "sender",
            Box::new(move |bed: &dyn TestBed| {
                bed.grace(false);
                send(bed, pair.a, b"x")
            }),
        );
        let sets = Sets::reading(pair.b);
        let left = check::works("WSPSelect", select(bed, &sets, timeout)?)?;
        check::equal("what is ready", left, sets)?;
        check::equal("what came", receive(bed, pair.b, 9)?, b"x".to_vec())?;
        ends(bed, sender)?;
    }
    Ok(())
}

fn zero(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let left = check::works("WSPSelect", select(bed, &Sets::reading(pair.b), Some((0, 0)))?)?;
    check::equal("what is ready", left, Sets::default())
}

fn time_passes(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let sets = Sets { read: vec![pair.a], write: Vec::new(), except: vec![pair.b] };
    for timeout in [(0, 1), (0, 2_000), (1, 0)] {
        let left = check::works("WSPSelect", select(bed, &sets, Some(timeout))?)?;
        check::equal("what is ready", left, Sets::default())?;
    }
    Ok(())
}

fn no_sockets(bed: &dyn TestBed) -> CaseResult {
    let empty = Guarded::holding(bed, &encode_set(&[])).at();
    let time = Guarded::holding(bed, &encode_time(0, 0)).at();
    let null = UserPtr::NULL;
    for sets in [[null; 3], [empty, null, null], [empty, empty, empty]] {
        for timeout in [null, time] {
            let result = select_at(bed, sets, timeout);
            check::fails("WSPSelect", result, WsaError::WSAEINVAL)?;
        }
    }
    Ok(())
}

fn no_time(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    for timeout in [(-1, 0), (0, -1), (0, 1_000_000), (i32::MIN, i32::MAX)] {
        let result = select(bed, &Sets::writing(pair.a), Some(timeout))?;
        check::fails(&format!("{timeout:?}"), result, WsaError::WSAEINVAL)?;
    }
    Ok(())
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, datagram_pair(bed)?);
    check::works("closing", close(bed, other.a))?;
    for stranger in [bed.no_socket(), other.a, SocketHandle(0)] {
        let sets = [
            Sets { read: vec![pair.a, stranger], ..Sets::default() },
            Sets { read: vec![pair.a], write: vec![stranger, pair.b], ..Sets::default() },
            Sets { write: vec![pair.a], except: vec![stranger], ..Sets::default() },
        ];
        for sets in sets {
            // Though another is ready.
            let result = select(bed, &sets, None)?;
            check::fails("WSPSelect", result, WsaError::WSAENOTSOCK)?;
        }
    }
    Ok(())
}

fn no_memory(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let set = || Guarded::holding(bed, &encode_set(&[pair.a])).at();
    let (null, time) = (UserPtr::NULL, Guarded::holding(bed, &encode_time(0, 0)).at());
    // A set that says that it has one more than there is memory for.
    let mut long = encode_set(&[pair.a]);
    long[0] = 2;
    let cut = bed.alloc(long.len());
    bed.write(cut, &long);
    let bad: Vec<(&str, UserPtr)> = bed
        .bad_pointers()
        .into_iter()
        .filter(|bad| !bad.at.is_null())
        .map(|bad| (bad.what, bad.at))
        .collect();
    for (what, at) in bad.iter().copied().chain([("cut", cut)]) {
        for sets in [[at, null, null], [set(), at, null], [null, set(), at]] {
            let result = select_at(bed, sets, time);
            check::fails(what, result, WsaError::WSAEFAULT)?;
        }
    }
    for (what, at) in bad {
        check::fails(what, select_at(bed, [set(), null, null], at), WsaError::WSAEFAULT)?;
    }
    Ok(())
}

fn cancelled(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, stream_pair(bed)?);
    let queued = bed.queue_apc(
        bed.current_thread(),
        Box::new(|bed: &dyn TestBed| {
            check::works("WSPCancelBlockingCall", cancel_blocking_call(bed))
        }),
    );
    check::holds("the APC was queued", queued)?;
    let sets = Sets { read: vec![pair.a, other.b], ..Sets::default() };
    let result = select(bed, &sets, None)?;
    check::fails("WSPSelect", result, WsaError::WSAEINTR)?;
    // The sockets are as good as before.
    send(bed, other.a, b"x")?;
    check::equal("what is ready", ready(bed, &sets)?, Sets::reading(other.b))
}

/// Starts a thread that selects, and gives where its result will be.
fn selecting(
    bed: &dyn TestBed,
    sets: Sets,
) -> (crate::BedThread, Shared<Option<Result<Sets, WsaError>>>) {
    let result = Shared::new(None);
    let into = result.clone();
    let thread = bed.spawn(
        "selects",
        Box::new(move |bed: &dyn TestBed| {
            let result = select(bed, &sets, None)?;
            into.set(Some(result));
            Ok(())
        }),
    );
    (thread, result)
}

fn closed(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.b, other.b] {
        let sets = Sets { read: vec![pair.a, s], except: vec![other.a], ..Sets::default() };
        let (thread, result) = selecting(bed, sets);
        bed.grace(false);
        check::works("closing", close(bed, s))?;
        ends(bed, thread)?;
        check::equal("WSPSelect", result.get(), Some(Err(WsaError::WSAENOTSOCK)))?;
    }
    Ok(())
}

fn cleaned_up(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, stream_pair(bed)?);
    let sets = Sets { read: vec![pair.a, other.b], ..Sets::default() };
    let (thread, result) = selecting(bed, sets);
    bed.grace(false);
    check::works("WSPCleanup", cleanup(bed))?;
    ends(bed, thread)?;
    check::equal("WSPSelect", result.get(), Some(Err(WsaError::WSAEINTR)))?;
    // The case's own is behind it.
    check::works("WSPStartup", crate::support::startup(bed)).map(drop)
}

fn leaves_events(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let event = selected(bed, pair.b, FD_READ | FD_WRITE)?;
    told_only(bed, pair.b, event, FD_WRITE)?;
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    send(bed, pair.a, b"x")?;
    check::equal("what is ready", ready(bed, &Sets::reading(pair.b))?.read, vec![pair.b])?;
    ready(bed, &Sets::all(pair.b))?;
    told_only(bed, pair.b, event, FD_READ)?;
    // It is no receive: nothing is enabled again.
    ready(bed, &Sets::all(pair.b))?;
    bed.grace(false);
    check::equal("what is recorded", take_recorded(bed, pair.b)?.events, 0)
}

/// In an APC inside of a blocking call it may look, and not wait.
fn in_a_blocking_call(bed: &dyn TestBed) -> CaseResult {
    let (pair, idle) = (datagram_pair(bed)?, datagram_pair(bed)?);
    check::works("connecting", connect(bed, pair.a, pair.at_b))?;
    let queued = bed.queue_apc(
        bed.current_thread(),
        Box::new(move |bed: &dyn TestBed| {
            let sets = Sets::reading(idle.a);
            check::equal("a look", ready_now(bed, &sets)?, Sets::default())?;
            let waits = select(bed, &sets, None)?;
            check::fails("a wait", waits, WsaError::WSAEINPROGRESS)?;
            // What is ready needs no wait.
            let sets = Sets::writing(idle.a);
            let left = check::works("no wait", select(bed, &sets, None)?)?;
            check::equal("what is ready", left, sets)?;
            send(bed, pair.a, b"x")
        }),
    );
    check::holds("the APC was queued", queued)?;
    check::equal("what came", receive(bed, pair.b, 9)?, b"x".to_vec())
}
