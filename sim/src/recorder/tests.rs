use core::net::SocketAddr;

use provider_core::WsaError;

use super::*;
use crate::event::{Function, MachineId, ThreadEnd, Tid};
use crate::fault::{Fault, Seam};

fn at(time_ns: u64, machine: u16, thread: Option<u32>) -> At {
    At { time_ns, machine: MachineId(machine), thread: thread.map(Tid) }
}

fn digest_of(events: &[(At, What)]) -> u128 {
    let mut recorder = Recorder::new();
    for (at, what) in events {
        recorder.record(*at, *what);
    }
    recorder.digest()
}

fn address(text: &str) -> What {
    What::Bound(text.parse::<SocketAddr>().unwrap())
}

/// Each row is one kind of event, varied in every field of it.
fn variants() -> Vec<What> {
    let (tid, other) = (Tid(1), Tid(2));
    let enter =
        |function, socket, overlapped, len| What::Enter { function, socket, overlapped, len };
    let leave = |function, value, errno, count| What::Leave { function, value, errno, count };
    let apc = |thread, context, accepted| What::ApcQueued { thread, context, accepted };
    let routine = |overlapped, error, bytes| What::RoutineEnter { overlapped, error, bytes };
    let completed = |overlapped, error, bytes| What::Completed { overlapped, error, bytes };
    let send = |socket, offered, result| What::TransportSend { socket, offered, result };
    let receive = |socket, result| What::TransportReceive { socket, result };
    let sent = |to, len, due_ns| What::PacketSent { to: MachineId(to), len, due_ns };
    let dropped = |to, len| What::PacketDropped { to: MachineId(to), len };
    let cut = |a, b, cut| What::Partition(MachineId(a), MachineId(b), cut);
    let object = |event, set| What::EventObject { event, set };
    let packet = |port, key, overlapped, error, bytes, taken| What::PortPacket {
        port,
        key,
        overlapped,
        error,
        bytes,
        taken,
    };
    let (f, g) = (Function::WSPSend, Function::WSPRecv);
    let gone = WsaError::WSAECONNRESET;
    vec![
        What::Switch(tid),
        What::Switch(other),
        What::ThreadStart(tid),
        What::ThreadStart(other),
        What::ThreadEnd(tid, ThreadEnd::Returned),
        What::ThreadEnd(other, ThreadEnd::Returned),
        What::ThreadEnd(tid, ThreadEnd::Exited),
        enter(f, 1, 2, 3),
        enter(g, 1, 2, 3),
        enter(f, 9, 2, 3),
        enter(f, 1, 9, 3),
        enter(f, 1, 2, 9),
        leave(f, 1, 2, 3),
        leave(g, 1, 2, 3),
        leave(f, -1, 2, 3),
        leave(f, 1, 9, 3),
        leave(f, 1, 2, 9),
        apc(tid, 1, true),
        apc(other, 1, true),
        apc(tid, 2, true),
        apc(tid, 1, false),
        routine(1, 2, 3),
        routine(9, 2, 3),
        routine(1, 9, 3),
        routine(1, 2, 9),
        What::RoutineLeave,
        What::ConditionEnter { condition: 1, data: 2 },
        What::ConditionEnter { condition: 9, data: 2 },
        What::ConditionEnter { condition: 1, data: 9 },
        What::ConditionLeave(0),
        What::ConditionLeave(-1),
        What::HookEnter,
        What::HookLeave(false),
        What::HookLeave(true),
        completed(1, 2, 3),
        completed(9, 2, 3),
        completed(1, 9, 3),
        completed(1, 2, 9),
        object(1, true),
        object(2, true),
        object(1, false),
        What::WaitEnd(0),
        What::WaitEnd(258),
        send(1, 2, Ok(3)),
        send(9, 2, Ok(3)),
        send(1, 9, Ok(3)),
        send(1, 2, Ok(9)),
        send(1, 2, Err(WsaError(3))),
        send(1, 2, Err(gone)),
        receive(1, Ok(3)),
        receive(9, Ok(3)),
        receive(1, Ok(9)),
        receive(1, Err(WsaError(3))),
        sent(1, 2, 3),
        sent(9, 2, 3),
        sent(1, 9, 3),
        sent(1, 2, 9),
        What::PacketReceived { len: 1 },
        What::PacketReceived { len: 2 },
        dropped(1, 2),
        dropped(9, 2),
        dropped(1, 9),
        What::Fault(Fault::Drop),
        What::Fault(Fault::Crash),
        cut(1, 2, true),
        cut(9, 2, true),
        cut(1, 9, true),
        cut(1, 2, false),
        What::Crash,
        What::Restart,
        What::Calm,
        address("10.0.0.1:1"),
        address("10.0.0.2:1"),
        address("10.0.0.1:2"),
        address("[fd00::1]:1"),
        address("[fd00::2]:1"),
        address("[fe00::1]:1"),
        address("[fd00::1]:2"),
        address("[fd00::1%7]:1"),
        What::Scripted { seam: Seam::Send, socket: 1, result: Ok(2) },
        What::Scripted { seam: Seam::Receive, socket: 1, result: Ok(2) },
        What::Scripted { seam: Seam::Send, socket: 2, result: Ok(2) },
        What::Scripted { seam: Seam::Send, socket: 1, result: Ok(3) },
        What::Scripted { seam: Seam::Send, socket: 1, result: Err(WsaError(2)) },
        What::Held(Seam::Send, true),
        What::Held(Seam::Send, false),
        What::Held(Seam::Receive, true),
        What::Mark(1),
        What::Mark(2),
        packet(1, 2, 3, 4, 5, true),
        packet(9, 2, 3, 4, 5, true),
        packet(1, 9, 3, 4, 5, true),
        packet(1, 2, 9, 4, 5, true),
        packet(1, 2, 3, 9, 5, true),
        packet(1, 2, 3, 4, 9, true),
        packet(1, 2, 3, 4, 5, false),
    ]
}

#[test]
fn every_field_of_every_event_changes_the_digest() {
    let mut digests: Vec<u128> =
        variants().iter().map(|what| digest_of(&[(at(5, 1, Some(1)), *what)])).collect();
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn every_field_of_a_place_changes_the_digest() {
    let places =
        [at(5, 1, None), at(6, 1, None), at(5, 2, None), at(5, 1, Some(0)), at(5, 1, Some(1))];
    let mut digests: Vec<u128> =
        places.iter().map(|place| digest_of(&[(*place, What::Calm)])).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), places.len());
}

#[test]
fn order_and_number_of_events_change_the_digest() {
    let (a, b) = ((at(1, 0, None), What::Mark(1)), (at(1, 0, None), What::Mark(2)));
    assert_ne!(digest_of(&[a, b]), digest_of(&[b, a]));
    assert_ne!(digest_of(&[a]), digest_of(&[a, a]));
}

#[test]
fn the_encoding_is_the_same_everywhere() {
    let events: Vec<_> = variants().into_iter().map(|what| (at(7, 3, Some(4)), what)).collect();
    assert_eq!(format!("{:032x}", digest_of(&events)), "6bfec6cfe229f08c11d77730b389fd57");
}

#[test]
fn reading_a_digest_does_not_change_it() {
    let mut plain = Recorder::new();
    let mut watched = Recorder::new();
    for n in 0..5000 {
        plain.record(at(n, 0, None), What::Mark(n));
        watched.record(at(n, 0, None), What::Mark(n));
        if n % 7 == 0 {
            watched.digest();
            watched.tail();
        }
    }
    assert_eq!(plain.digest(), watched.digest());
    assert_eq!(plain.checkpoints(), watched.checkpoints());
    assert_eq!(plain.checkpoints().len(), 4);
}

#[test]
fn the_tail_is_the_last_events_oldest_first() {
    for total in [0, 1, 199, 200, 201, 255, 256, 257, 1000] {
        let mut recorder = Recorder::new();
        for n in 0..total {
            recorder.record(at(n, 0, None), What::Mark(n));
        }
        let steps: Vec<u64> = recorder.tail().iter().map(|event| event.step).collect();
        let expected: Vec<u64> = (total.saturating_sub(TAIL as u64)..total).collect();
        assert_eq!(steps, expected);
        assert_eq!(recorder.last_ns(), total.saturating_sub(1));
    }
}

#[test]
fn counts_sends_and_ends_of_operations() {
    let mut recorder = Recorder::new();
    for what in variants() {
        recorder.record(at(0, 0, None), what);
    }
    // Of the five variants of an entry, one is a WSPRecv.
    assert_eq!((recorder.sends(), recorder.completions()), (4, 8));
}

#[test]
fn a_closed_record_stays_as_it_is() {
    let mut recorder = Recorder::new();
    recorder.record(at(0, 0, None), What::Calm);
    let digest = recorder.digest();
    recorder.close();
    recorder.record(at(9, 0, None), What::Crash);
    assert_eq!((recorder.digest(), recorder.steps(), recorder.last_ns()), (digest, 1, 0));
}

#[test]
fn a_replay_notices_at_the_first_checkpoint_that_differs() {
    let mut first = Recorder::new();
    for n in 0..5000 {
        first.record(at(n, 0, None), What::Mark(n));
    }
    let expected = first.checkpoints().to_vec();
    let mut same = Recorder::new().expecting(expected.clone());
    let mut other = Recorder::new().expecting(expected);
    for n in 0..6000 {
        same.record(at(n, 0, None), What::Mark(n));
        other.record(at(n, 0, None), What::Mark(if n == 2500 { 0 } else { n }));
    }
    assert_eq!(same.departed(), None);
    assert_eq!(other.departed(), Some(3072));
}
