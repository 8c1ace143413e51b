mod packets;

use provider_core::{Profile, WsaError as E};

use super::super::testing::*;
use super::super::{LeakFacts, Special};
use crate::event::{Function, ThreadEnd, Tid};

fn play() -> Play {
    let mut play = Play::new(Profile::Windows);
    play.start();
    play.socket(4, false, 1);
    play
}

fn cleanup(play: &mut Play) -> super::super::Verdict {
    let call = plain(Function::WSPCleanup, 0, Special::None);
    play.call(call, outcome(0, 0, None)).unwrap();
    let at = play.at(1);
    play.oracles.cleanup_done(at, CLIENT, LeakFacts::default())
}

/// A send with a routine, pending, completed by another thread.
#[test]
fn pending_with_routine_is_fine() {
    let mut play = play();
    let id = play.send(1, overlapped(send(4, b"abc"), OV, true));
    play.stored(1, OV, ended(0x103, 0)).unwrap();
    play.leave(1, id, pending()).unwrap();
    play.took(1, b"abc", 3).unwrap();
    play.stored(9, OV, ended(0, 3)).unwrap();
    play.apc(1, true).unwrap();
    play.routine(1, OV, 0, 3).unwrap();
    cleanup(&mut play).unwrap();
}

/// The completion may come before the call has returned.
#[test]
fn completion_before_return_is_fine() {
    let mut play = play();
    let id = play.send(1, overlapped(send(4, b"abc"), OV, false));
    play.took(1, b"abc", 3).unwrap();
    play.stored(9, OV, ended(0, 3)).unwrap();
    play.event().unwrap();
    play.leave(1, id, pending()).unwrap();
    cleanup(&mut play).unwrap();
}

#[test]
fn second_routine_is_caught() {
    let mut play = play();
    let id = play.send(1, overlapped(send(4, b"abc"), OV, true));
    play.took(1, b"abc", 3).unwrap();
    play.stored(1, OV, ended(0, 3)).unwrap();
    play.apc(1, true).unwrap();
    play.leave(1, id, outcome(0, 0, Some(3))).unwrap();
    play.routine(1, OV, 0, 3).unwrap();
    breaks(play.routine(1, OV, 0, 3), "APC-9");
}

#[test]
fn second_event_and_second_status_are_caught() {
    let mut play = play();
    let id = play.send(1, overlapped(send(4, b"abc"), OV, false));
    play.took(1, b"abc", 3).unwrap();
    play.stored(1, OV, ended(0, 3)).unwrap();
    play.event().unwrap();
    breaks(play.stored(1, OV, ended(0, 3)), "RET-3");
    play.leave(1, id, outcome(0, 0, Some(3))).unwrap();
    breaks(play.event(), "EVT-7");
    breaks(play.stored(1, OV, ended(0, 3)), "OVL-10");
}

#[test]
fn lost_completion_is_caught_at_cleanup() {
    let mut play = play();
    let id = play.send(1, overlapped(send(4, b"abc"), OV, true));
    play.leave(1, id, pending()).unwrap();
    breaks(cleanup(&mut play), "RET-3");
}

#[test]
fn lost_routine_and_lost_event_are_caught_at_cleanup() {
    for (routine, clause) in [(true, "APC-9"), (false, "EVT-1")] {
        let mut play = play();
        let id = play.send(1, overlapped(send(4, b"abc"), OV, routine));
        play.leave(1, id, pending()).unwrap();
        play.took(1, b"abc", 3).unwrap();
        play.stored(9, OV, ended(0, 3)).unwrap();
        breaks(cleanup(&mut play), clause);
    }
}

/// CXL-7: status stored, no event, no routine.
#[test]
fn cleanup_cancels_silently() {
    for routine in [true, false] {
        let mut play = play();
        let id = play.send(1, overlapped(send(4, b"abc"), OV, routine));
        play.leave(1, id, pending()).unwrap();
        let id = play.enter(1, plain(Function::WSPCleanup, 0, Special::None));
        play.stored(1, OV, ended(E::WSA_OPERATION_ABORTED.0, 0)).unwrap();
        if !routine {
            let at = play.at(1);
            breaks(play.oracles.event_set(at, CLIENT, EVENT), "CXL-7");
        }
        play.leave(1, id, outcome(0, 0, None)).unwrap();
        if routine {
            breaks(play.routine(1, OV, 995, 0), "CXL-7");
        }
        let at = play.at(1);
        play.oracles.cleanup_done(at, CLIENT, LeakFacts::default()).unwrap();
    }
}

#[test]
fn indication_after_refusal_is_caught() {
    let mut play = play();
    let id = play.send(1, overlapped(send(4, b"abc"), OV, false));
    play.stored(1, OV, ended(E::WSAENOBUFS.0, 0)).unwrap();
    play.event().unwrap();
    breaks(play.leave(1, id, refused(E::WSAENOBUFS)), "RET-4");
    let id = play.send(1, overlapped(send(4, b"abc"), OV, true));
    play.leave(1, id, refused(E::WSAENOBUFS)).unwrap();
    breaks(play.routine(1, OV, E::WSAENOBUFS.0 as u32, 0), "APC-9");
}

#[test]
fn refused_apc_is_the_end() {
    let mut play = play();
    let id = play.send(1, overlapped(send(4, b"abc"), OV, true));
    play.took(1, b"abc", 3).unwrap();
    play.stored(1, OV, ended(0, 3)).unwrap();
    play.apc(1, false).unwrap();
    play.leave(1, id, outcome(0, 0, Some(3))).unwrap();
    // The structure may be used again.
    let id = play.send(1, overlapped(send(4, b"def"), OV, true));
    play.took(1, b"def", 3).unwrap();
    play.stored(1, OV, ended(0, 3)).unwrap();
    play.apc(1, false).unwrap();
    play.leave(1, id, outcome(0, 0, Some(3))).unwrap();
    breaks(play.routine(1, OV, 0, 3), "APC-14");
}

#[test]
fn immediate_success_stores_and_queues_first() {
    let mut play = play();
    let id = play.send(1, overlapped(send(4, b"abc"), OV, true));
    play.took(1, b"abc", 3).unwrap();
    breaks(play.leave(1, id, outcome(0, 0, Some(3))), "OVL-8");
    let mut play = self::play();
    let id = play.send(1, overlapped(send(4, b"abc"), OV, true));
    play.took(1, b"abc", 3).unwrap();
    play.stored(1, OV, ended(0, 3)).unwrap();
    breaks(play.leave(1, id, outcome(0, 0, Some(3))), "RET-5");
}

#[test]
fn signal_before_status_is_caught() {
    let mut play = play();
    let id = play.send(1, overlapped(send(4, b"abc"), OV, false));
    play.leave(1, id, pending()).unwrap();
    breaks(play.event(), "EVT-6");
    let id = play.send(1, overlapped(send(4, b"def"), OV2, true));
    play.leave(1, id, pending()).unwrap();
    breaks(play.apc(1, true), "OVL-7");
    breaks(play.routine(1, OV2, 0, 3), "OVL-7");
}

#[test]
fn wrong_thread_wait_and_arguments_are_caught() {
    let run = |thread: u32, error: u32, bytes: u32, alertable: bool| {
        let mut play = play();
        let id = play.send(1, overlapped(send(4, b"abc"), OV, true));
        play.took(1, b"abc", 3).unwrap();
        play.stored(1, OV, ended(0, 3)).unwrap();
        play.apc(1, true).unwrap();
        play.leave(1, id, outcome(0, 0, Some(3))).unwrap();
        let at = play.at(thread);
        play.oracles.routine_enter(at, CLIENT, ROUTINE, error, bytes, OV, 0, alertable)
    };
    run(1, 0, 3, true).unwrap();
    breaks(run(2, 0, 3, true), "APC-1");
    breaks(run(1, 0, 3, false), "APC-2");
    breaks(run(1, 0, 2, true), "APC-8");
    breaks(run(1, 995, 3, true), "APC-8");
}

#[test]
fn routine_inside_its_call_is_caught() {
    let mut play = play();
    play.send(1, overlapped(send(4, b"abc"), OV, true));
    play.took(1, b"abc", 3).unwrap();
    play.stored(1, OV, ended(0, 3)).unwrap();
    breaks(play.routine(1, OV, 0, 3), "APC-3");
}

#[test]
fn event_of_a_routine_is_ignored() {
    let mut play = play();
    let mut call = overlapped(send(4, b"abc"), OV, true);
    call.event = EVENT;
    let id = play.send(1, call);
    play.leave(1, id, pending()).unwrap();
    breaks(play.event(), "EVT-3");
}

/// CXL-5: the status is stored, the routine never runs.
#[test]
fn thread_exit_ends_its_operations() {
    let mut play = play();
    let id = play.send(2, overlapped(send(4, b"abc"), OV, true));
    play.leave(2, id, pending()).unwrap();
    let at = play.at(2);
    play.oracles.thread_ended(at, CLIENT, Tid(2), ThreadEnd::Exited).unwrap();
    play.stored(9, OV, ended(E::WSA_OPERATION_ABORTED.0, 0)).unwrap();
    cleanup(&mut play).unwrap();
}

#[test]
fn nesting_is_per_socket_and_thread() {
    let mut play = play();
    play.socket(8, false, 2);
    for (socket, tsock, ov) in [(4, 1, OV), (8, 2, OV2)] {
        let id = play.send(1, overlapped(send(socket, b"abc"), ov, true));
        play.took(tsock, b"abc", 3).unwrap();
        play.stored(1, ov, ended(0, 3)).unwrap();
        play.apc(1, true).unwrap();
        play.leave(1, id, outcome(0, 0, Some(3))).unwrap();
    }
    play.routine(1, OV, 0, 3).unwrap();
    play.routine(1, OV2, 0, 3).unwrap();
    let at = play.at(1);
    play.oracles.routine_leave(at, CLIENT).unwrap();
    let id = play.send(1, overlapped(send(4, b"def"), OV2, true));
    play.took(1, b"def", 3).unwrap();
    play.stored(1, OV2, ended(0, 3)).unwrap();
    play.apc(1, true).unwrap();
    play.leave(1, id, outcome(0, 0, Some(3))).unwrap();
    breaks(play.routine(1, OV2, 0, 3), "APC-10");
}

#[test]
fn locks_are_not_held_across_upcalls() {
    let mut play = play();
    let at = play.at(1);
    play.oracles.lock_acquired(at, 3);
    play.oracles.lock_released(at, 3);
    play.oracles.upcall(at, "WPUQueueApc").unwrap();
    play.oracles.lock_acquired(at, 3);
    breaks(play.oracles.upcall(at, "WPUQueueApc"), "REENT-2");
    let other = play.at(2);
    play.oracles.upcall(other, "WPUQueueApc").unwrap();
    play.oracles.lock_acquired(at, 4);
    play.oracles.lock_released(at, 3);
    breaks(play.oracles.upcall(at, "wait"), "REENT-2");
}

#[test]
fn leaks_are_caught() {
    let cases = [
        LeakFacts { lent_bytes: 1, ..LeakFacts::default() },
        LeakFacts { transport_sockets: 1, ..LeakFacts::default() },
        LeakFacts { socket_handles: 2, ..LeakFacts::default() },
    ];
    for left in cases {
        let mut play = play();
        let at = play.at(1);
        breaks(play.oracles.cleanup_done(at, CLIENT, left), "CXL-7");
    }
}

#[test]
fn codes_that_the_clause_does_not_allow_are_caught() {
    let judge = |call, errno: E| play().call(call, outcome(-1, errno.0, None));
    judge(send(4, b"a"), E::WSAENOBUFS).unwrap();
    breaks(judge(send(4, b"a"), E::WSAECONNREFUSED), "RET-2");
    breaks(judge(send(4, b"a"), E(0)), "RET-12");
    breaks(judge(send(4, b"a"), E::WSA_OPERATION_ABORTED), "ERR-ABORTED");
    breaks(judge(send(4, b"a"), E::WSA_IO_PENDING), "OVL-2");
    breaks(judge(send(4, b"a"), E::WSAEWOULDBLOCK), "ERR-WOULDBLOCK-2");
    breaks(judge(send(4, b"a"), E::WSAEDESTADDRREQ), "ERR-DESTADDRREQ");
    breaks(judge(overlapped(send(4, b"a"), OV, true), E::WSAEINTR), "ERR-INTR");
    breaks(play().call(send(4, b"a"), outcome(3, 0, Some(1))), "RET-2");
}
