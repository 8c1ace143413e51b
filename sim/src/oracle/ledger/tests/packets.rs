use provider_core::{EventHandle, SocketHandle, WsaError as E};

use super::super::super::testing::*;
use super::super::super::{LeakFacts, Special};
use super::{cleanup, play};
use crate::event::Function;

fn sent(play: &mut Play) {
    play.took(1, b"abc", 3).unwrap();
    play.stored(9, OV, ended(0, 3)).unwrap();
}

/// A pending send on socket 4, which has a port, whose call has returned.
fn pending_on_port(no_packet: bool) -> Play {
    let mut play = play();
    play.oracles.port_associated(CLIENT, SocketHandle(4)).unwrap();
    let mut call = overlapped(send(4, b"abc"), OV, false);
    (call.event, call.no_packet) = (EventHandle(0), no_packet);
    let id = play.send(1, call);
    play.leave(1, id, pending()).unwrap();
    play
}

#[test]
fn one_packet_after_the_status_is_fine_and_a_second_is_caught() {
    let mut play = pending_on_port(false);
    sent(&mut play);
    play.packet().unwrap();
    breaks(play.packet(), "RET-3");
    cleanup(&mut play).unwrap();
}

#[test]
fn a_packet_before_the_status_is_caught() {
    breaks(pending_on_port(false).packet(), "OVL-7");
}

#[test]
fn a_lost_packet_is_caught_at_cleanup() {
    let mut play = pending_on_port(false);
    sent(&mut play);
    let mut owed = String::new();
    play.oracles.describe_owed(CLIENT.machine, &mut owed);
    assert!(owed.ends_with("ended, and its packet was not posted\n"), "{owed}");
    breaks(cleanup(&mut play), "RET-3");
}

/// EVT-9: with the low bit set in `hEvent` there is none, and none is missed.
#[test]
fn a_packet_that_was_not_wanted_is_caught() {
    let mut play = pending_on_port(true);
    sent(&mut play);
    cleanup(&mut play).unwrap();
    let mut play = super::play();
    play.oracles.port_associated(CLIENT, SocketHandle(4)).unwrap();
    let mut call = overlapped(send(4, b"abc"), OV, false);
    call.no_packet = true;
    play.send(1, call);
    play.stored(1, OV, ended(0, 3)).unwrap();
    breaks(play.packet(), "EVT-9");
    let mut play = super::play();
    play.oracles.port_associated(CLIENT, SocketHandle(4)).unwrap();
    play.send(1, overlapped(send(4, b"abc"), OV, true));
    play.stored(1, OV, ended(0, 3)).unwrap();
    breaks(play.packet(), "RET-3");
}

#[test]
fn a_packet_after_a_refusal_is_caught() {
    let mut play = play();
    play.oracles.port_associated(CLIENT, SocketHandle(4)).unwrap();
    let mut call = overlapped(send(4, b"abc"), OV, false);
    call.event = EventHandle(0);
    let id = play.send(1, call);
    play.stored(1, OV, ended(E::WSAENOBUFS.0, 0)).unwrap();
    play.packet().unwrap();
    breaks(play.leave(1, id, refused(E::WSAENOBUFS)), "RET-4");
    breaks(play.packet(), "RET-3");
}

/// CXL-7: what WSPCleanup cancels has no packet, and none is missed.
#[test]
fn a_packet_from_cleanup_is_caught() {
    for posts in [false, true] {
        let mut play = pending_on_port(false);
        let id = play.enter(1, plain(Function::WSPCleanup, 0, Special::None));
        play.stored(1, OV, ended(E::WSA_OPERATION_ABORTED.0, 0)).unwrap();
        if posts {
            breaks(play.packet_on(1), "CXL-7");
        }
        play.leave(1, id, outcome(0, 0, None)).unwrap();
        let at = play.at(1);
        play.oracles.cleanup_done(at, CLIENT, LeakFacts::default()).unwrap();
    }
}
