use provider_core::{Profile, WsaError};

use super::*;
use crate::event::Function;
use crate::oracle::testing::{Play, breaks, outcome, plain, refused};

fn accept(condition: bool) -> crate::oracle::Call {
    plain(Function::WSPAccept, 0x100, Special::Accept { condition })
}

/// A WSPAccept whose condition function says `verdicts` and that ends with `end`.
fn play(condition: bool, verdicts: &[i32], end: Outcome<'_>) -> Verdict {
    let mut play = Play::new(Profile::Windows);
    play.start();
    play.socket(0x100, true, 1);
    let id = play.enter(1, accept(condition));
    for verdict in verdicts {
        let at = play.at(1);
        play.oracles.condition_leave(at, *verdict)?;
    }
    play.leave(1, id, end)
}

#[test]
fn what_the_condition_function_says_is_done() {
    for (verdicts, end) in [
        (&[CF_ACCEPT][..], outcome(0x104, 0, None)),
        (&[CF_REJECT], refused(WsaError::WSAECONNREFUSED)),
        (&[CF_DEFER], refused(WsaError::WSATRY_AGAIN)),
        (&[7], refused(WsaError::WSAEINVAL)),
        (&[], refused(WsaError::WSAECONNRESET)),
        (&[CF_ACCEPT], refused(WsaError::WSAENOBUFS)),
    ] {
        assert_eq!(play(true, verdicts, end), Ok(()), "{verdicts:?}");
    }
    assert_eq!(play(false, &[], outcome(0x104, 0, None)), Ok(()));
}

#[test]
fn anything_else_is_not() {
    for (condition, verdicts, end) in [
        (true, &[][..], outcome(0x104, 0, None)),
        (true, &[CF_REJECT], outcome(0x104, 0, None)),
        (true, &[CF_DEFER], outcome(0x104, 0, None)),
        (true, &[CF_ACCEPT], refused(WsaError::WSATRY_AGAIN)),
        (true, &[CF_DEFER], refused(WsaError::WSAECONNREFUSED)),
        (false, &[], refused(WsaError::WSATRY_AGAIN)),
        (false, &[], refused(WsaError::WSAECONNREFUSED)),
        (true, &[CF_DEFER, CF_ACCEPT], outcome(0x104, 0, None)),
        (false, &[CF_ACCEPT], outcome(0x104, 0, None)),
    ] {
        breaks(play(condition, verdicts, end), "WSPAccept");
    }
}
