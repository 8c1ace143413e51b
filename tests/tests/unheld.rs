//! What a provider has to bear though no program of the simulator may do it, or does it so often:
//! on the bench, which has no oracle.

use std::rc::Rc;

use provider_core::layout::WsaBuf;
use provider_core::{Family, Kind, Profile, UserPtr, WsaError};
use wspsim_tests::bench::Bench;
use wspsim_tests::model::{Call, Peer, Setup, Status};

const PENDING: WsaError = WsaError::WSA_IO_PENDING;
const DONE: Status = Status::Ended(0, 5);

/// A connected socket of the bench whose transport has no room, under each profile.
fn each(kinds: &[Kind], test: impl Fn(&Bench, Kind)) {
    for profile in [Profile::Documented, Profile::Windows] {
        for kind in kinds {
            let setup = Setup { profile, family: Family::V4, kind: *kind, overlapped: true };
            let bench: Rc<Bench> = Bench::new(setup);
            for call in [Call::Bind, Call::Connect(Peer::First), Call::SendBuffer(0)] {
                let answer = bench.perform(&call);
                assert!(answer.is_some_and(|answer| answer.error.is_none()), "{call:?}");
            }
            test(&bench, *kind);
            assert_eq!(bench.show(None, false).broken, Vec::<String>::new());
        }
    }
}

fn buffer(bench: &Bench, bytes: &[u8]) -> WsaBuf {
    WsaBuf { len: bytes.len() as u32, buf: bench.place(bytes) }
}

/// Posts operations until one is refused: those that were started, and the one that was not.
fn fill(post: impl Fn(UserPtr) -> WsaError, bench: &Bench) -> (Vec<UserPtr>, UserPtr) {
    /// More than any provider would hold.
    const BEYOND: usize = 1 << 20;
    let mut started = Vec::new();
    loop {
        let next = bench.place_overlapped();
        let error = post(next);
        if error != PENDING {
            assert_eq!(error, WsaError::WSAEWOULDBLOCK, "after {}", started.len());
            assert_eq!(bench.status_of(next), Status::Untouched);
            return (started, next);
        }
        started.push(next);
        assert!(started.len() < BEYOND, "no number is too many");
    }
}

//= docs/spec/wspsendto.md#err-wouldblock-1
//= type=test
//# An overlapped send beyond the number that may be outstanding on a socket MUST fail with
//# WSAEWOULDBLOCK and not be started.
#[test]
fn too_many_sends_are_refused() {
    each(&[Kind::Datagram, Kind::Stream], |bench, kind| {
        let text = buffer(bench, b"first");
        let post = |overlapped| bench.post_send(text, overlapped);
        let (started, refused) = fill(post, bench);
        // Once one has gone there is room for another.
        bench.perform(&Call::Room(if kind == Kind::Stream { 5 } else { 64 }));
        assert_eq!(bench.status_of(started[0]), DONE);
        assert_eq!(bench.status_of(refused), Status::Untouched);
        assert_eq!(post(refused), PENDING);
        assert_eq!(post(bench.place_overlapped()), WsaError::WSAEWOULDBLOCK);
    });
}

//= docs/spec/receiving.md#recv-28
//= type=test
//# An overlapped receive beyond the number that may be outstanding on a socket MUST fail with
//# WSAEWOULDBLOCK.
#[test]
fn too_many_receives_are_refused() {
    each(&[Kind::Datagram, Kind::Stream], |bench, _| {
        let room = buffer(bench, b"room.");
        let post = |overlapped| bench.post_receive(room, overlapped);
        let (started, refused) = fill(post, bench);
        assert_eq!(post(refused), WsaError::WSAEWOULDBLOCK);
        assert!(started.iter().all(|at| bench.status_of(*at) == Status::Pending));
        bench.perform(&Call::Close);
        let aborted = Status::Ended(WsaError::WSA_OPERATION_ABORTED.0, 0);
        assert!(started.iter().all(|at| bench.status_of(*at) == aborted));
        assert_eq!(bench.status_of(refused), Status::Untouched);
    });
}

//= docs/spec/wspsendto.md#buf-5
//= type=test
//# A client that changes its data before completion MUST NOT change how many bytes are sent or
//# counted.
#[test]
fn data_that_changes_keeps_its_length() {
    each(&[Kind::Datagram, Kind::Stream], |bench, kind| {
        let (text, overlapped) = (buffer(bench, b"first"), bench.place_overlapped());
        assert_eq!(bench.post_send(text, overlapped), PENDING);
        bench.scribble(text.buf, text.len as usize);
        bench.perform(&Call::Room(100));
        assert_eq!(bench.status_of(overlapped), DONE);
        let taken = bench.show(None, false).taken;
        let lengths: Vec<usize> = match kind {
            Kind::Stream => vec![taken.bytes.len()],
            Kind::Datagram => taken.datagrams.iter().map(|(_, bytes)| bytes.len()).collect(),
        };
        assert_eq!(lengths, [5]);
    });
}

//= docs/spec/wspsendto.md#ovl-11
//= type=test
//# A client that uses one OVERLAPPED for two operations at once MUST NOT disturb anything but these
//# two.
#[test]
fn one_overlapped_for_two_disturbs_nobody_else() {
    each(&[Kind::Datagram], |bench, _| {
        let (twice, others) =
            (bench.place_overlapped(), [(); 3].map(|()| bench.place_overlapped()));
        let posted = [others[0], twice, others[1], twice, others[2]];
        for (text, overlapped) in [b"one", b"two", b"thr", b"fou", b"fiv"].into_iter().zip(posted) {
            assert_eq!(bench.post_send(buffer(bench, text), overlapped), PENDING);
        }
        for (index, overlapped) in posted.into_iter().enumerate() {
            bench.perform(&Call::Room(64));
            let taken = bench.show(None, false).taken.datagrams;
            assert_eq!(taken.len(), 1, "datagram {index}");
            let ended = |at: UserPtr| bench.status_of(at) == Status::Ended(0, 3);
            assert!(ended(overlapped), "operation {index}");
            // Who has had no turn yet is as it was.
            let later = others.iter().filter(|at| posted[index + 1..].contains(at));
            assert!(later.into_iter().all(|at| bench.status_of(*at) == Status::Pending));
        }
    });
}
