//! Completion routines that wait alertably themselves (APC-10 to APC-12).

use provider_core::WsaError;

use crate::support::{Op, SendCall, completions, datagram_pair, ends, until};
use crate::{Case, CaseResult, Shared, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("apc-10-no-nesting-on-one-socket", &["APC-10", "APC-11"], no_nesting),
    Case::both("apc-10-no-nesting-of-sends-in-routines", &["APC-10"], no_nesting_of_sends),
    Case::both("apc-10-another-thread-is-free", &["APC-10", "APC-1"], another_thread),
    Case::both("apc-12-sockets-nest", &["APC-12"], sockets_nest),
];

/// How deep routines are nested now, and were at most.
#[derive(Clone, Copy, Default)]
struct Depth {
    now: usize,
    most: usize,
    calls: usize,
}

impl Shared<Depth> {
    fn enter(&self) {
        self.with(|depth| {
            depth.now += 1;
            depth.calls += 1;
            depth.most = depth.most.max(depth.now);
        });
    }

    fn leave(&self) {
        self.with(|depth| depth.now -= 1);
    }
}

fn no_nesting(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let depth = Shared::new(Depth::default());
    let inner = depth.clone();
    let routine = bed.routine(Box::new(move |bed, _| {
        inner.enter();
        // The APCs of the other operations are waiting: none of them may run its routine here.
        bed.run_apcs();
        inner.leave();
        Ok(())
    }));
    for _ in 0..4 {
        let op = Op::new(bed);
        let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
        call.routine(routine).call().done_overlapped(1)?;
    }
    check::holds("an alertable wait runs them", bed.run_apcs())?;
    let Depth { most, calls, .. } = depth.get();
    check::equal("how deep they were nested", most, 1)?;
    check::equal("calls in that one wait", calls, 4)?;
    bed.grace(true);
    check::equal("calls in all", depth.get().calls, 4)
}

fn no_nesting_of_sends(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let depth = Shared::new(Depth::default());
    let inner = depth.clone();
    let own = Shared::new(provider_core::Routine::NULL);
    let itself = own.clone();
    let routine = bed.routine(Box::new(move |bed, _| {
        inner.enter();
        if inner.get().calls < 4 {
            let op = Op::new(bed);
            let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
            call.routine(itself.get()).call().done_overlapped(1)?;
            bed.run_apcs();
        }
        inner.leave();
        Ok(())
    }));
    own.set(routine);
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
    call.routine(routine).call().done_overlapped(1)?;
    until(bed, true, "the routines", || depth.get().calls == 4)?;
    check::equal("how deep they were nested", depth.get().most, 1)
}

fn another_thread(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let (inside, release) = (bed.create_event(true, false), bed.create_event(true, false));
    let waiting = bed.routine(Box::new(move |bed, _| {
        bed.set_event(inside);
        check::equal("the wait", bed.wait(release, false), crate::Waited::Signalled)
    }));
    let thread = bed.spawn(
        "first",
        Box::new(move |bed| {
            let op = Op::new(bed);
            let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op);
            call.routine(waiting).call().done_overlapped(1)?;
            bed.run_apcs();
            Ok(())
        }),
    );
    check::equal("the wait", bed.wait(inside, false), crate::Waited::Signalled)?;
    // A routine of the socket is running in that thread; here one runs all the same.
    let seen = completions(bed);
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"yy").to(pair.at_b).overlapped(&op);
    call.routine(seen.routine()).call().done_overlapped(2)?;
    seen.one(bed, &op, WsaError(0), 2)?;
    bed.set_event(release);
    ends(bed, thread)
}

fn sockets_nest(bed: &dyn TestBed) -> CaseResult {
    let (first, second) = (datagram_pair(bed)?, datagram_pair(bed)?);
    let seen = completions(bed);
    let op_inside = Op::new(bed);
    let (inside, ran) = (seen.clone(), Shared::new(0));
    let counted = ran.clone();
    let outer = bed.routine(Box::new(move |bed, _| {
        let call = SendCall::send_to(bed, second.a).bytes(b"inner").to(second.at_b);
        call.overlapped(&op_inside).routine(inside.routine()).call().done_overlapped(5)?;
        bed.run_apcs();
        counted.set(inside.count());
        Ok(())
    }));
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, first.a).bytes(b"outer").to(first.at_b).overlapped(&op);
    call.routine(outer).call().done_overlapped(5)?;
    check::holds("an alertable wait runs it", bed.run_apcs())?;
    check::equal("routines that ran inside", ran.get(), 1)?;
    seen.called(bed, 0, &op_inside, WsaError(0), 5)
}
