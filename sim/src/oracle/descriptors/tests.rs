use provider_core::Profile;

use super::*;
use crate::event::Function;
use crate::oracle::testing::{
    OV, Play, breaks, ended, outcome, overlapped, pending, plain, refused, send,
};

const INFO: u64 = 77;

fn duplicate(play: &mut Play, handle: usize, info: u64) {
    let call = plain(Function::WSPDuplicateSocket, handle, Special::Duplicate);
    play.call(call, Outcome { info: Some(info), ..outcome(0, 0, None) }).unwrap();
}

/// A WSPSocket with `info` that gives `handle`.
fn take(play: &mut Play, info: u64, handle: i64) -> Verdict {
    let special = Special::Socket { stream: true, overlapped: true, info: Some(info) };
    play.call(plain(Function::WSPSocket, 0, special), outcome(handle, 0, None))
}

fn close(play: &mut Play, handle: usize) {
    let call = plain(Function::WSPCloseSocket, handle, Special::None);
    play.call(call, outcome(0, 0, None)).unwrap();
}

/// Socket 0x100 on transport 1, and its second descriptor 0x104.
fn shared() -> Play {
    let mut play = Play::new(Profile::Documented);
    play.start();
    play.socket(0x100, true, 1);
    duplicate(&mut play, 0x100, INFO);
    take(&mut play, INFO, 0x104).unwrap();
    play
}

/// A plain send of two bytes through `handle`, all of which the transport takes.
fn sends(play: &mut Play, handle: usize, bytes: &[u8]) -> Verdict {
    let id = play.send(1, send(handle, bytes));
    play.took(1, bytes, bytes.len())?;
    play.leave(1, id, outcome(0, 0, Some(bytes.len() as u32)))
}

#[test]
fn sends_through_all_descriptors_are_the_sends_of_one_socket() {
    let mut play = shared();
    sends(&mut play, 0x100, b"ab").unwrap();
    sends(&mut play, 0x104, b"cd").unwrap();
    for handle in [0x104, 0x100] {
        let id = play.send(1, send(handle, b"ef"));
        play.leave(1, id, outcome(0, 0, Some(2))).unwrap();
    }
    let id = play.send(1, send(0x100, b"gh"));
    breaks(play.took(1, b"gh", 2), "ORD-2");
    let _ = play.leave(1, id, outcome(0, 0, Some(2)));
}

#[test]
fn the_socket_goes_on_when_one_descriptor_is_closed() {
    for (closed, open) in [(0x100, 0x104), (0x104, 0x100)] {
        let mut play = shared();
        close(&mut play, closed);
        let id = play.send(1, send(open, b"ab"));
        breaks(play.took(1, b"xy", 2), "ORD-2");
        let _ = play.leave(1, id, outcome(0, 0, Some(2)));
    }
}

#[test]
fn a_socket_handle_used_again_for_the_same_socket_survives_the_close_that_freed_it() {
    let mut play = shared();
    duplicate(&mut play, 0x100, INFO + 1);
    // The provider gave 0x104 back, and out again, before its close left.
    let closing = play.enter(2, plain(Function::WSPCloseSocket, 0x104, Special::None));
    take(&mut play, INFO + 1, 0x104).unwrap();
    play.leave(2, closing, outcome(0, 0, None)).unwrap();
    let id = play.send(1, send(0x104, b"ab"));
    breaks(play.took(1, b"xy", 2), "ORD-2");
    let _ = play.leave(1, id, outcome(0, 0, Some(2)));
}

#[test]
fn what_was_offered_is_good_for_one() {
    let mut play = shared();
    breaks(take(&mut play, INFO, 0x108), "DUPLICATE-2");
    let mut play = shared();
    let special = Special::Socket { stream: true, overlapped: true, info: Some(INFO) };
    let again = refused(provider_core::WsaError::WSAEINVAL);
    play.call(plain(Function::WSPSocket, 0, special), again).unwrap();
    // Made over again it is another one.
    duplicate(&mut play, 0x100, INFO);
    take(&mut play, INFO, 0x108).unwrap();
}

#[test]
fn an_operation_is_completed_through_its_own_descriptor() {
    for (through, clause) in [(0x104, None), (0x100, Some("CXL-9"))] {
        let mut play = shared();
        let id = play.send(1, overlapped(send(0x104, b"ab"), OV, false));
        play.leave(1, id, pending()).unwrap();
        let at = play.at(9);
        let handle = provider_core::SocketHandle(through);
        let verdict = play.oracles.complete_overlapped(at, play.process, handle, OV, 0, 2);
        match clause {
            None => assert_eq!(verdict, Ok(())),
            Some(clause) => breaks(verdict, clause),
        }
    }
}

#[test]
fn closing_one_descriptor_aborts_what_was_started_through_it_only() {
    let aborted = ended(provider_core::WsaError::WSA_OPERATION_ABORTED.0, 0);
    for (closed, clause) in [(0x104, None), (0x100, Some("ERR-ABORTED"))] {
        let mut play = shared();
        let id = play.send(1, overlapped(send(0x104, b"ab"), OV, false));
        play.leave(1, id, pending()).unwrap();
        close(&mut play, closed);
        let verdict = play.stored(9, OV, aborted);
        match clause {
            None => assert_eq!(verdict, Ok(())),
            Some(clause) => breaks(verdict, clause),
        }
    }
}
