use provider_core::{Profile, WsaError};

use super::*;
use crate::event::Function;
use crate::oracle::facts::Special;
use crate::oracle::testing::{Play, breaks, outcome, plain, refused};

/// A call of `function` while the hook runs, or after it, ends with `end`.
fn play(function: Function, inside: bool, end: Outcome<'_>) -> Verdict {
    let mut play = Play::new(Profile::Windows);
    play.start();
    play.socket(0x100, true, 1);
    let at = play.at(1);
    play.oracles.hook_enter(at);
    if !inside {
        play.oracles.hook_leave(at);
    }
    play.call(plain(function, 0x100, Special::None), end)
}

#[test]
fn a_call_in_the_hook_is_refused() {
    let done = || outcome(0, 0, None);
    let refused = || refused(WsaError::WSAEINPROGRESS);
    assert_eq!(play(Function::WSPListen, true, refused()), Ok(()));
    assert_eq!(play(Function::WSPListen, false, done()), Ok(()));
    assert_eq!(play(Function::WSPCancelBlockingCall, true, done()), Ok(()));
    breaks(play(Function::WSPListen, true, done()), "RESULT-7");
    let other = crate::oracle::testing::refused(WsaError::WSAEINVAL);
    breaks(play(Function::WSPListen, true, other), "RESULT-7");
}

#[test]
fn without_an_errno_no_code_is_asked_for() {
    let unreported = Outcome { reports: false, ..refused(WsaError::WSAEFAULT) };
    assert_eq!(play(Function::WSPListen, true, unreported), Ok(()));
    let done = Outcome { reports: false, ..outcome(0, 0, None) };
    breaks(play(Function::WSPListen, false, done), "RESULT-3");
}
