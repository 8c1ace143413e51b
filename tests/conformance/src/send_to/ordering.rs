//! In which order sends go out (ORD). What counts is the order in which the transport takes them.

use provider_core::spi::SO_SNDBUF;
use provider_core::{SocketHandle, WsaError};

use crate::support::{
    Op, SendCall, connect, datagram_pair, ends, hold_sends, nothing_arrives, receive_datagram,
    receive_exactly, release_sends, set_nonblocking, set_option, stream_pair, unbuffered, until,
};
use crate::{Answer, Case, CaseResult, Seam, Shared, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("ord-1-each-routine-its-own-result", &["ORD-1"], own_result),
    Case::both("ord-2-datagrams-in-posted-order", &["ORD-2", "ORD-6"], datagrams),
    Case::both("ord-2-stream-bytes-in-posted-order", &["ORD-2"], stream_bytes),
    Case::both("ord-2-whatever-the-transport-does", &["ORD-2", "ERR-NOBUFS"], disturbed),
    Case::both("ord-3-nothing-overtakes-pended-sends", &["ORD-3"], no_overtaking),
    Case::both("ord-3-nonblocking-behind-pended", &["ORD-3", "SYN-3"], nonblocking_waits),
    Case::both("ord-3-blocking-behind-pended", &["ORD-3", "SYN-4"], blocking_waits),
    Case::both("ord-3-buffered-and-pended", &["ORD-3", "OVL-14"], buffered_first),
    Case::both("ord-4-a-refused-send-leaves-no-hole", &["ORD-4", "RET-4"], no_hole),
    Case::both("ord-5-racing-threads-keep-their-own-order", &["ORD-5"], racing),
    Case::both("ord-5-racing-threads-on-a-stream", &["ORD-5", "SYN-4"], racing_on_a_stream),
];

/// Overlapped sends of these, each of which has to pend.
fn post(
    bed: &dyn TestBed,
    s: SocketHandle,
    to: core::net::SocketAddr,
    texts: &[&[u8]],
) -> CaseResult<Vec<Op>> {
    let mut ops = Vec::new();
    for text in texts {
        let op = Op::new(bed);
        SendCall::send_to(bed, s).bytes(text).to(to).overlapped(&op).call().pending()?;
        ops.push(op);
    }
    Ok(ops)
}

/// What the transport took on sockets of one kind since its log was cleared.
fn taken(bed: &dyn TestBed, streams: bool) -> Vec<Vec<u8>> {
    let taken = bed.lower().taken().into_iter();
    taken.filter(|taken| taken.to.is_none() == streams).map(|taken| taken.bytes).collect()
}

fn own_result(bed: &dyn TestBed) -> CaseResult {
    // Two sockets: which of them is told first is open; what each is told is not.
    let (first, second) = (datagram_pair(bed)?, datagram_pair(bed)?);
    let seen = crate::support::completions(bed);
    hold_sends(bed);
    let mut ops = Vec::new();
    for (pair, len) in [(first, 3), (second, 7), (first, 5)] {
        unbuffered(bed, pair.a)?;
        let op = Op::new(bed);
        let call = SendCall::send_to(bed, pair.a).bytes(&vec![0; len]).to(pair.at_b);
        call.overlapped(&op).routine(seen.routine()).call().pending()?;
        ops.push((op, len));
    }
    release_sends(bed);
    seen.reach(bed, 3)?;
    for (op, len) in ops {
        let calls = seen.calls();
        let own = calls.iter().filter(|(_, call)| call.overlapped == op.at());
        let own: Vec<_> = own.map(|(_, call)| call.bytes as usize).collect();
        check::equal("the routine's count", own, vec![len])?;
    }
    Ok(())
}

const TEXTS: [&[u8]; 6] = [b"one", b"", b"three", b"four", b"fifth and longest", b"6"];

fn datagrams(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let ops = post(bed, pair.a, pair.at_b, &TEXTS)?;
    bed.lower().clear_taken();
    release_sends(bed);
    until(bed, false, "the end of the sends", || ops.iter().all(|op| !op.is_pending(bed)))?;
    check::equal("what the transport took", taken(bed, false), TEXTS.map(<[u8]>::to_vec).to_vec())
}

fn stream_bytes(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let texts = [TEXTS[0], TEXTS[2], TEXTS[3], TEXTS[4], TEXTS[5]];
    let ops = post(bed, pair.a, pair.at_b, &texts)?;
    release_sends(bed);
    let want = texts.concat();
    check::equal("what arrived", receive_exactly(bed, pair.b, want.len())?, want)?;
    for (op, text) in ops.iter().zip(texts) {
        until(bed, false, "the end of the sends", || !op.is_pending(bed))?;
        op.sent(bed, text.len())?;
    }
    Ok(())
}

fn disturbed(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let ops = post(bed, pair.a, pair.at_b, &[b"first, ", b"second, ", b"third"])?;
    // A byte at a time, with failures that pass in between.
    for error in [WsaError::WSAEWOULDBLOCK, WsaError::WSAENOBUFS, WsaError::WSAENETDOWN] {
        bed.lower().answer(Seam::Send, Answer::Take(1));
        bed.lower().answer(Seam::Send, Answer::Take(4));
        bed.lower().answer(Seam::Send, Answer::Refuse(error));
    }
    release_sends(bed);
    let want = b"first, second, third".to_vec();
    check::equal("what arrived", receive_exactly(bed, pair.b, want.len())?, want)?;
    for (op, len) in ops.iter().zip([7, 8, 5]) {
        until(bed, false, "the end of the sends", || !op.is_pending(bed))?;
        op.sent(bed, len)?;
    }
    nothing_arrives(bed, pair.b)
}

fn no_overtaking(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        hold_sends(bed);
        let ops = [Op::new(bed), Op::new(bed), Op::new(bed), Op::new(bed)];
        SendCall::send_to(bed, s).bytes(b"a").to(pair.at_b).overlapped(&ops[0]).call().pending()?;
        SendCall::send(bed, s).bytes(b"b").overlapped(&ops[1]).call().pending()?;
        bed.lower().clear_taken();
        release_sends(bed);
        // The transport has room; whether it was noticed already is open.
        let call = SendCall::send(bed, s).bytes(b"c").overlapped(&ops[2]).call();
        call.accepted()?;
        let call = SendCall::send_to(bed, s).bytes(b"d").to(pair.at_b).overlapped(&ops[3]).call();
        call.accepted()?;
        until(bed, false, "the end of the sends", || ops.iter().all(|op| !op.is_pending(bed)))?;
        check::equal("the order", taken(bed, s == stream.a).concat(), b"abcd".to_vec())?;
    }
    Ok(())
}

fn nonblocking_waits(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        check::works("FIONBIO", set_nonblocking(bed, s, true))?;
        hold_sends(bed);
        let ops = post(bed, s, pair.at_b, &[b"pended"])?;
        let call = || SendCall::send_to(bed, s).bytes(b"behind").to(pair.at_b);
        call().call().refused(WsaError::WSAEWOULDBLOCK)?;
        bed.lower().clear_taken();
        release_sends(bed);
        until(bed, false, "the end of the send", || !ops[0].is_pending(bed))?;
        call().call().done(6)?;
        check::equal("the order", taken(bed, s == stream.a).concat(), b"pendedbehind".to_vec())?;
    }
    Ok(())
}

fn blocking_waits(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        hold_sends(bed);
        post(bed, s, pair.at_b, &[b"pended"])?;
        let returned = Shared::new(false);
        let done = returned.clone();
        let thread = bed.spawn(
            "sender",
            Box::new(move |bed| {
                SendCall::send_to(bed, s).bytes(b"behind").to(pair.at_b).call().done(6)?;
                done.set(true);
                Ok(())
            }),
        );
        bed.grace(false);
        check::holds("it has not returned", !returned.get())?;
        let last = post(bed, s, pair.at_b, &[b"last"])?;
        bed.lower().clear_taken();
        release_sends(bed);
        ends(bed, thread)?;
        until(bed, false, "the end of the sends", || !last[0].is_pending(bed))?;
        let order = taken(bed, s == stream.a).concat();
        check::equal("the order", order, b"pendedbehindlast".to_vec())?;
    }
    Ok(())
}

fn buffered_first(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        check::works("SO_SNDBUF", set_option(bed, s, SO_SNDBUF, 10))?;
        hold_sends(bed);
        let mut pended = Vec::new();
        let mut buffered = 0;
        for n in 0..6_u8 {
            let op = Op::new(bed);
            let call = SendCall::send_to(bed, s).bytes(&[b'a' + n; 4]).to(pair.at_b);
            if call.overlapped(&op).call().accepted()? {
                pended.push(op);
            } else {
                check::equal("pended before it", pended.len(), 0)?;
                buffered += 1;
            }
        }
        check::holds("some are buffered, some pend", buffered > 0 && !pended.is_empty())?;
        bed.lower().clear_taken();
        release_sends(bed);
        until(bed, false, "the end of the sends", || {
            taken(bed, s == stream.a).concat().len() == 24
        })?;
        let order = taken(bed, s == stream.a).concat();
        check::equal("the order", order, b"aaaabbbbccccddddeeeeffff".to_vec())?;
    }
    Ok(())
}

fn no_hole(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        hold_sends(bed);
        post(bed, s, pair.at_b, &[b"one, "])?;
        let op = Op::new(bed);
        let call = || SendCall::send_to(bed, s).to(pair.at_b).overlapped(&op);
        call().bytes(b"never").flags(0x8000).call().refused(WsaError::WSAEOPNOTSUPP)?;
        call()
            .bytes(b"never")
            .buffer(provider_core::UserPtr(0x10), 4)
            .call()
            .refused(WsaError::WSAEFAULT)?;
        let last = post(bed, s, pair.at_b, &[b"two"])?;
        bed.lower().clear_taken();
        release_sends(bed);
        until(bed, false, "the end of the sends", || !last[0].is_pending(bed))?;
        op.untouched(bed)?;
        check::equal("the order", taken(bed, s == stream.a).concat(), b"one, two".to_vec())?;
    }
    Ok(())
}

const RACERS: u8 = 3;
const EACH: u8 = 4;

fn racing(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("SO_SNDBUF", set_option(bed, pair.a, SO_SNDBUF, 4))?;
    // Some block, some pend, some go at once.
    for _ in 0..6 {
        bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAEWOULDBLOCK));
    }
    let threads: Vec<_> = (0..RACERS)
        .map(|racer| {
            bed.spawn(
                "racer",
                Box::new(move |bed| {
                    for number in 0..EACH {
                        let op = Op::new(bed);
                        let call = SendCall::send_to(bed, pair.a).bytes(&[racer, number]);
                        let call = call.to(pair.at_b);
                        if number % 2 == 0 {
                            call.overlapped(&op).call().accepted()?;
                            until(bed, true, "the end of the send", || !op.is_pending(bed))?;
                        } else {
                            call.call().done(2)?;
                        }
                    }
                    Ok(())
                }),
            )
        })
        .collect();
    for thread in threads {
        ends(bed, thread)?;
    }
    let mut next = [0; RACERS as usize];
    for _ in 0..RACERS * EACH {
        let (bytes, _) = receive_datagram(bed, pair.b)?;
        let racer = bytes.first().copied().unwrap_or(0) as usize % RACERS as usize;
        check::equal("a racer's next datagram", bytes, vec![racer as u8, next[racer]])?;
        next[racer] += 1;
    }
    nothing_arrives(bed, pair.b)
}

fn racing_on_a_stream(bed: &dyn TestBed) -> CaseResult {
    const LEN: usize = 3_000;
    let pair = stream_pair(bed)?;
    unbuffered(bed, pair.a)?;
    for most in [700, 1, 2_000] {
        bed.lower().answer(Seam::Send, Answer::Take(most));
        bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAEWOULDBLOCK));
    }
    let threads: Vec<_> = (1..=RACERS)
        .map(|racer| {
            bed.spawn(
                "racer",
                Box::new(move |bed| {
                    SendCall::send(bed, pair.a).bytes(&[racer; LEN]).call().done(LEN)
                }),
            )
        })
        .collect();
    let bytes = receive_exactly(bed, pair.b, LEN * RACERS as usize)?;
    for thread in threads {
        ends(bed, thread)?;
    }
    // Each call's bytes lie together, whoever came first.
    let mut racers: Vec<u8> = bytes.chunks(LEN).filter_map(|part| part.first().copied()).collect();
    let together = bytes.chunks(LEN).all(|part| part.iter().all(|byte| *byte == part[0]));
    check::holds("no send goes between two parts of another", together)?;
    racers.sort_unstable();
    check::equal("the racers", racers, (1..=RACERS).collect::<Vec<u8>>())
}
