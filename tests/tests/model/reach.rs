//! That the sequences get where it matters: a test that never meets a state proves nothing of it.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use provider_core::{Kind, WsaError};
use wspsim_tests::model::{Answer, Call, Model, Seen, Send, Setup, Status};

use super::{config, strategy};

/// Sequences that are looked at.
const SEQUENCES: usize = 6000;
/// How often each outcome is met at least.
const TIMES: usize = 5;

/// What a send returns, each of them.
const SEND_CODES: [WsaError; 21] = [
    WsaError::WSA_IO_PENDING,
    WsaError::WSAEACCES,
    WsaError::WSAEFAULT,
    WsaError::WSAEINVAL,
    WsaError::WSAEWOULDBLOCK,
    WsaError::WSAENOTSOCK,
    WsaError::WSAEDESTADDRREQ,
    WsaError::WSAEMSGSIZE,
    WsaError::WSAEOPNOTSUPP,
    WsaError::WSAEAFNOSUPPORT,
    WsaError::WSAEADDRNOTAVAIL,
    WsaError::WSAENETDOWN,
    WsaError::WSAENETRESET,
    WsaError::WSAECONNABORTED,
    WsaError::WSAECONNRESET,
    WsaError::WSAENOBUFS,
    WsaError::WSAENOTCONN,
    WsaError::WSAESHUTDOWN,
    WsaError::WSAEINPROGRESS,
    WsaError::WSAENETUNREACH,
    WsaError::WSAEHOSTUNREACH,
];

/// What a pended operation ends with.
const END_CODES: [i32; 7] = [
    0,
    WsaError::WSA_OPERATION_ABORTED.0,
    WsaError::WSAENOBUFS.0,
    WsaError::WSAENETDOWN.0,
    WsaError::WSAENETRESET.0,
    WsaError::WSAECONNABORTED.0,
    WsaError::WSAECONNRESET.0,
];

/// What a blocked send returns.
const BLOCKED_CODES: [Option<WsaError>; 7] = [
    None,
    Some(WsaError::WSAEINTR),
    Some(WsaError::WSAETIMEDOUT),
    Some(WsaError::WSAENOBUFS),
    Some(WsaError::WSAENETDOWN),
    Some(WsaError::WSAECONNRESET),
    Some(WsaError::WSAECONNABORTED),
];

/// The rest, by name.
const OTHERS: [&str; 9] = [
    "a part of a stream send is told",
    "an aborted operation tells a part",
    "an overlapped send dies half way",
    "a routine runs",
    "a routine calls",
    "an event is set at an end",
    "the FIN follows what was queued",
    "what was sent goes out after the close",
    "a send completes while others are still queued",
];

#[test]
fn the_sequences_reach_every_outcome() {
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    let mut runner = TestRunner::new(config());
    let sequences = strategy::sequence();
    for _ in 0..SEQUENCES {
        let drawn = sequences.new_tree(&mut runner).map(|tree| tree.current());
        let (setup, calls) = drawn.unwrap_or_else(|why| panic!("{why}"));
        let mut model = Model::new(setup);
        let mut pending = Vec::new();
        for call in &calls {
            let Some(seen) = model.step(call) else { continue };
            let mut told = outcomes(setup, call, &seen, &mut pending);
            if let Some(seen) = model.returned() {
                told.push(returned(&seen));
            }
            told.into_iter().for_each(|outcome| *met.entry(outcome).or_default() += 1);
        }
    }
    let codes = SEND_CODES.iter().map(|code| sent(*code));
    let ends = END_CODES.iter().map(|code| ended(*code));
    let blocked = BLOCKED_CODES.iter().map(|code| blocked(*code));
    let wanted = codes.chain(ends).chain(blocked).chain(OTHERS.map(str::to_owned));
    let rare: Vec<String> =
        wanted.filter(|name| met.get(name).is_none_or(|times| *times < TIMES)).collect();
    assert!(rare.is_empty(), "hardly met: {rare:?}\nof {met:#?}");
}

fn sent(code: WsaError) -> String {
    format!("a send returns {code:?}")
}

fn ended(code: i32) -> String {
    format!("a pended operation ends with {:?}", WsaError(code))
}

fn blocked(code: Option<WsaError>) -> String {
    format!("a blocked send returns {code:?}")
}

fn returned(seen: &Seen) -> String {
    blocked(seen.answer.and_then(|answer| answer.error))
}

/// What is worth counting of one step. `pending` holds the operations that pend.
fn outcomes(setup: Setup, call: &Call, seen: &Seen, pending: &mut Vec<usize>) -> Vec<String> {
    let mut all = Vec::new();
    let mut note = |name: &str| all.push(name.to_owned());
    for (number, operation) in &seen.operations {
        match operation.status {
            Status::Ended(_, bytes) if operation.event == Some(true) && bytes > 0 => {
                note("an event is set at an end");
            }
            _ => {}
        }
        match operation.status {
            Status::Pending => pending.push(*number),
            Status::Ended(error, _) if error != 0 && !pending.contains(number) => {
                note("an overlapped send dies half way");
            }
            Status::Ended(error, bytes) if pending.contains(number) => {
                pending.retain(|other| other != number);
                note(&ended(error));
                if error != 0 && bytes > 0 {
                    note("an aborted operation tells a part");
                }
                if error == 0 && !pending.is_empty() {
                    note("a send completes while others are still queued");
                }
            }
            _ => {}
        }
    }
    if seen.taken.fin && !matches!(call, Call::Shutdown(_)) {
        note("the FIN follows what was queued");
    }
    if seen.taken.closed.is_some() && !matches!(call, Call::Close | Call::Cleanup) {
        note("what was sent goes out after the close");
    }
    for run in &seen.routines {
        note(if run.called.is_some() { "a routine calls" } else { "a routine runs" });
        if let Some(Answer { error: Some(code), .. }) = run.called {
            note(&sent(code));
        }
    }
    match (call, seen.answer) {
        (Call::Send(..), Some(Answer { error: Some(code), .. })) => note(&sent(code)),
        (Call::Send(_, Send { buffers, .. }), Some(Answer { count: Some(count), .. }))
            if setup.kind == Kind::Stream && u64::from(count) < buffers.total() =>
        {
            note("a part of a stream send is told");
        }
        _ => {}
    }
    all
}
