use provider_core::{Profile, WsaError};

use super::*;
use crate::oracle::testing::{
    OV, Play, breaks, ended, outcome, overlapped, pending, plain, refused, send,
};

const INTR: WsaError = WsaError::WSAEINTR;

fn started() -> Play {
    let mut play = Play::new(Profile::Documented);
    play.start();
    play.socket(0x100, true, 1);
    play.socket(0x200, true, 2);
    play
}

fn flush(handle: usize) -> crate::oracle::Call {
    plain(Function::WSPIoctl, handle, Special::Ioctl { code: SIO_FLUSH, input: None })
}

#[test]
fn a_call_that_nobody_interrupts_does_not_say_so() {
    let mut play = started();
    let id = play.enter(1, send(0x100, b"ab"));
    breaks(play.leave(1, id, refused(INTR)), "ERR-INTR");
}

#[test]
fn an_open_descriptor_is_a_socket() {
    for (handle, counts) in [(0x100, false), (0x300, true)] {
        let mut play = started();
        let id = play.enter(1, send(handle, b"ab"));
        let verdict = play.leave(1, id, refused(WsaError::WSAENOTSOCK));
        assert_eq!(verdict.is_ok(), counts, "{verdict:?}");
    }
}

#[test]
fn whatever_may_have_interrupted_a_call_is_a_cause() {
    let close = |handle| plain(Function::WSPCloseSocket, handle, Special::None);
    let cleanup = || plain(Function::WSPCleanup, 0, Special::None);
    let cancel = || plain(Function::WSPCancelBlockingCall, 0, Special::None);
    // By whom, when, and whether it counts.
    for (thread, cause, counts) in [
        (2, close(0x100), true),
        (2, close(0x200), false),
        (2, cleanup(), true),
        (1, cancel(), true),
        (2, cancel(), false),
        (2, flush(0x100), false),
    ] {
        for before in [false, true] {
            if before && thread == 1 {
                continue;
            }
            let words = format!("{cause:?}, before: {before}");
            let mut play = started();
            let first = before.then(|| play.enter(thread, cause.clone()));
            let id = play.enter(1, send(0x100, b"ab"));
            let other = first.unwrap_or_else(|| play.enter(thread, cause.clone()));
            let _ = play.leave(thread, other, outcome(0, 0, None));
            let verdict = play.leave(1, id, refused(INTR));
            assert_eq!(verdict.is_ok(), counts, "{words}: {verdict:?}");
        }
    }
}

#[test]
fn an_operation_is_aborted_by_what_aborts_it() {
    let close = |handle| plain(Function::WSPCloseSocket, handle, Special::None);
    for (cause, counts) in
        [(close(0x100), true), (close(0x200), false), (flush(0x100), true), (flush(0x200), false)]
    {
        for before in [false, true] {
            let words = format!("{cause:?}, before: {before}");
            let mut play = started();
            let first = before.then(|| play.enter(2, cause.clone()));
            let id = play.enter(1, overlapped(send(0x100, b"ab"), OV, false));
            play.leave(1, id, pending()).unwrap();
            let other = first.unwrap_or_else(|| play.enter(2, cause.clone()));
            let _ = play.leave(2, other, outcome(0, 0, None));
            let verdict = play.stored(9, OV, ended(WsaError::WSA_OPERATION_ABORTED.0, 0));
            assert_eq!(verdict.is_ok(), counts, "{words}: {verdict:?}");
        }
    }
}

#[test]
fn the_end_of_its_thread_aborts_an_operation() {
    for ends in [false, true] {
        let mut play = started();
        let id = play.enter(1, overlapped(send(0x100, b"ab"), OV, false));
        play.leave(1, id, pending()).unwrap();
        if ends {
            let at = play.at(1);
            let how = crate::event::ThreadEnd::Returned;
            play.oracles.thread_ended(at, play.process, crate::event::Tid(1), how).unwrap();
        }
        let verdict = play.stored(9, OV, ended(WsaError::WSA_OPERATION_ABORTED.0, 0));
        assert_eq!(verdict.is_ok(), ends, "{verdict:?}");
    }
}

#[test]
fn what_did_nothing_is_no_cause() {
    let close = || plain(Function::WSPCloseSocket, 0x100, Special::None);
    let cleanup = || plain(Function::WSPCleanup, 0, Special::None);
    let would_block = || refused(WsaError::WSAEWOULDBLOCK);
    let lingered = || refused(INTR);
    // How it ends, after how many starts, and whether it counts.
    for (cause, end, starts, counts) in [
        (close(), would_block(), 1, false),
        (close(), refused(WsaError::WSAENOTSOCK), 1, false),
        (cleanup(), refused(WsaError::WSANOTINITIALISED), 1, false),
        (cleanup(), outcome(0, 0, None), 1, true),
        (cleanup(), outcome(0, 0, None), 2, false),
    ] {
        let words = format!("{cause:?} after {starts} starts: {end:?}");
        let mut play = started();
        (1..starts).for_each(|_| play.start());
        let id = play.enter(1, send(0x100, b"ab"));
        let other = play.enter(2, cause);
        let _ = play.leave(2, other, end);
        let verdict = play.leave(1, id, lingered());
        assert_eq!(verdict.is_ok(), counts, "{words}: {verdict:?}");
    }
}

#[test]
fn the_last_of_several_ends_counts() {
    let cleanup = || plain(Function::WSPCleanup, 0, Special::None);
    let mut play = started();
    play.start();
    play.call(cleanup(), outcome(0, 0, None)).unwrap();
    let id = play.enter(1, send(0x100, b"ab"));
    let last = play.enter(2, cleanup());
    play.leave(2, last, outcome(0, 0, None)).unwrap();
    play.leave(1, id, refused(INTR)).unwrap();
}
