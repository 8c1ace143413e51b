use core::net::SocketAddr;

use provider_core::Profile;

use super::super::testing::*;
use super::super::{Call, Outcome, Received, Special, Verdict};
use crate::event::Function;

fn receive() -> Call {
    plain(Function::WSPRecvFrom, 4, Special::Receive { room: 64, peek: false, urgent: false })
}

fn play(stream: bool) -> Play {
    let mut play = Play::new(Profile::Windows);
    play.start();
    play.socket(4, stream, 1);
    play
}

fn gives(play: &mut Play, bytes: &[u8], from: Option<SocketAddr>) -> Verdict {
    let at = play.at(9);
    play.oracles.transport_received(at, CLIENT, 1, bytes, from, Ok(bytes.len()), false)
}

fn got(bytes: &[u8], from: Option<SocketAddr>) -> Outcome<'_> {
    Outcome { received: Some(Received { bytes, from }), ..outcome(0, 0, Some(bytes.len() as u32)) }
}

#[test]
fn stream_in_order() {
    let mut play = play(true);
    gives(&mut play, b"hello", None).unwrap();
    play.call(receive(), got(b"hel", None)).unwrap();
    play.call(receive(), got(b"lo", None)).unwrap();
    breaks(play.call(receive(), got(b"lo", None)), "ORD-2");
}

#[test]
fn lost_and_altered_bytes_are_caught() {
    for bad in [&b"ello"[..], b"hexlo", b"\xcd\xcd\xcd\xcd\xcd"] {
        let mut play = play(true);
        gives(&mut play, b"hello", None).unwrap();
        breaks(play.call(receive(), got(bad, None)), "ORD-2");
    }
}

/// Two posted receives; the second's end is seen first.
#[test]
fn overlapped_receives_may_end_in_any_order() {
    let mut play = play(true);
    for ov in [OV, OV2] {
        let id = play.enter(1, overlapped(receive(), ov, false));
        play.leave(1, id, pending()).unwrap();
    }
    gives(&mut play, b"hello", None).unwrap();
    for (ov, bytes) in [(OV2, &b"lo"[..]), (OV, b"hel")] {
        let at = play.at(9);
        let facts = ended(0, bytes.len() as u64);
        let received = Some(Received { bytes, from: None });
        play.oracles.status_stored(at, CLIENT, ov, facts, received, &|_| false).unwrap();
    }
    play.call(receive(), got(b"", None)).unwrap();
}

#[test]
fn datagrams_whole_and_once() {
    let from: SocketAddr = "10.0.0.2:7".parse().unwrap();
    let other: SocketAddr = "10.0.0.2:8".parse().unwrap();
    let mut play = play(false);
    let at = play.at(1);
    play.oracles
        .wire
        .bound(super::Tsock { machine: CLIENT.machine, number: 1 }, "10.0.0.1:9".parse().unwrap());
    for bytes in [&b"one"[..], b"two", b""] {
        let hash = super::xxh3_64(bytes);
        play.oracles.wire.bound(super::Tsock { machine: SERVER.machine, number: 1 }, from);
        let (to, by) =
            ("10.0.0.1:9".parse().unwrap(), super::Tsock { machine: SERVER.machine, number: 1 });
        play.oracles.wire.datagram_sent(by, hash, to);
        play.oracles
            .transport_received(at, CLIENT, 1, bytes, Some(from), Ok(bytes.len()), false)
            .unwrap();
    }
    play.call(receive(), got(b"two", Some(from))).unwrap();
    play.call(receive(), got(b"one", None)).unwrap();
    play.call(receive(), got(b"", Some(from))).unwrap();
    breaks(play.call(receive(), got(b"one", Some(from))), "RET-14");
    breaks(play.call(receive(), got(b"on", Some(from))), "RET-14");
    breaks(play.call(receive(), got(b"", Some(other))), "RET-14");
}

/// MSG_PEEK gives what the transport showed, as often as it is asked, and takes nothing.
#[test]
fn looks_leave_datagrams_there() {
    let look = || {
        plain(Function::WSPRecvFrom, 4, Special::Receive { room: 64, peek: true, urgent: false })
    };
    let from: SocketAddr = "10.0.0.2:7".parse().unwrap();
    let mut play = play(false);
    let at = play.at(1);
    play.oracles.transport_received(at, CLIENT, 1, b"one", Some(from), Ok(3), true).unwrap();
    for _ in 0..2 {
        play.call(look(), got(b"one", Some(from))).unwrap();
    }
    breaks(play.call(look(), got(b"two", Some(from))), "RET-14");
    breaks(play.call(receive(), got(b"one", Some(from))), "RET-14");
}

/// A receive of urgent data gives what the transport gave as such, once; a look as often as it likes.
#[test]
fn urgent_bytes_are_given_once() {
    let urgent =
        |peek| plain(Function::WSPRecv, 4, Special::Receive { room: 64, peek, urgent: true });
    let arrives = |play: &mut Play, byte, peek| {
        play.oracles.transport_received_urgent(CLIENT, 1, Ok(byte), peek)
    };
    let mut play = play(true);
    gives(&mut play, b"hello", None).unwrap();
    breaks(play.call(urgent(false), got(b"h", None)), "RECV-22");
    arrives(&mut play, b'!', true).unwrap();
    for _ in 0..2 {
        play.call(urgent(true), got(b"!", None)).unwrap();
    }
    breaks(play.call(urgent(false), got(b"!", None)), "RECV-22");
    // An overlapped one that is under way leaves the stream's receives alone.
    let id = play.enter(1, overlapped(urgent(false), OV, false));
    play.leave(1, id, pending()).unwrap();
    arrives(&mut play, b'!', false).unwrap();
    play.call(receive(), got(b"hello", None)).unwrap();
    let at = play.at(9);
    let received = Some(Received { bytes: b"!", from: None });
    play.oracles.status_stored(at, CLIENT, OV, ended(0, 1), received, &|_| false).unwrap();
    breaks(play.call(urgent(false), got(b"!", None)), "RECV-22");
    arrives(&mut play, b'?', false).unwrap();
    breaks(play.call(receive(), got(b"?", None)), "ORD-2");
    breaks(play.call(urgent(false), got(b"?!", None)), "RECV-22");
}
