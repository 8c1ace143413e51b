use core::cell::Cell;
use std::rc::Rc;

use provider_core::{Host, WaitEnd, Work, WsaError};

use crate::api::{INFINITE, WAIT_OBJECT_0};
use crate::choice::Rate;
use crate::fault::{Fault, FaultPlan};

use super::bed::{Bed, Log, under_all};

#[test]
fn a_thread_is_signalled_once_it_has_ended() {
    under_all(|os| {
        let log = Log::default();
        let entry = log.clone();
        let thread = os.create_thread("short", false, move |os| {
            os.sleep(2);
            entry.add(1);
        });
        assert_eq!(os.wait_for_single_object(thread, INFINITE), WAIT_OBJECT_0);
        assert_eq!(log.get(), [1]);
        assert_eq!(os.wait_for_single_object(thread, 0), WAIT_OBJECT_0);
    });
}

struct SetOnDrop(Rc<Cell<bool>>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

#[test]
fn exit_thread_ends_it_with_apcs_queued_and_drops_its_stack() {
    under_all(|os| {
        let log = Log::default();
        let dropped = Rc::new(Cell::new(false));
        let (late, guard) = (log.clone(), SetOnDrop(Rc::clone(&dropped)));
        let thread = os.create_thread("exits", false, move |os| {
            let _guard = guard;
            let apc = late.clone();
            os.queue_user_apc(os.current_thread(), move |_| apc.add(1)).unwrap();
            os.exit_thread();
        });
        os.join(thread);
        os.sleep(1);
        assert!(dropped.get());
        assert_eq!(log.get(), [0_u32; 0]);
    });
}

#[test]
fn exit_thread_inside_of_an_apc_ends_the_thread() {
    under_all(|os| {
        let log = Log::default();
        let entry = log.clone();
        let thread = os.create_thread("exits", false, move |os| {
            os.sleep_ex(INFINITE, true);
            entry.add(1);
        });
        os.queue_user_apc(thread, |os| os.exit_thread()).unwrap();
        os.join(thread);
        assert_eq!(log.get(), [0_u32; 0]);
    });
}

#[test]
fn termination_strikes_in_waits_and_not_inside_of_the_provider() {
    for seed in 0..30 {
        let bed = Bed::new(seed);
        let probe = bed.probe.clone();
        bed.passes(move |os| {
            let sleeper = os.create_thread("sleeper", false, |os| os.sleep(INFINITE));
            os.sleep(1);
            os.terminate_thread(sleeper).unwrap();
            assert_eq!(os.wait_for_single_object(sleeper, 0), WAIT_OBJECT_0);

            // The worker is in no program's code: nobody may terminate what it runs.
            let log = Log::default();
            let (host, seen) = (probe.host(), log.clone());
            probe.on_work(move |work| {
                if let Work::Timer(_) = work {
                    let signal = host.new_signal();
                    host.wait_event(provider_core::EventHandle(1), &signal).unwrap_err();
                    seen.add(1);
                }
            });
            probe.host().set_timer(provider_core::Token(1), os.now_ns() + 1000);
            os.sleep(1);
            assert_eq!(log.get(), [1]);
        });
    }
}

#[test]
fn the_worker_hears_of_ended_threads_and_of_timers_once() {
    for seed in 0..30 {
        let bed = Bed::new(seed);
        let probe = bed.probe.clone();
        bed.passes(move |os| {
            let works: Rc<Cell<Vec<Work>>> = Rc::default();
            let list = Rc::clone(&works);
            probe.on_work(move |work| {
                let mut all = list.take();
                all.push(work);
                list.set(all);
            });
            let keys: Rc<Cell<Option<provider_core::ThreadKey>>> = Rc::default();
            let (key, host) = (Rc::clone(&keys), probe.host());
            let thread =
                os.create_thread("short", false, move |_| key.set(Some(host.current_thread())));
            os.join(thread);
            let (token, now_ns) = (provider_core::Token(9), os.now_ns());
            let host = probe.host();
            host.set_timer(token, now_ns + 3_000_000);
            host.set_timer(token, now_ns + 5_000_000);
            host.set_timer(token, now_ns + 2_000_000);
            os.sleep(10);
            let ended = Work::ThreadExited(keys.get().unwrap());
            assert_eq!(works.take(), [ended, Work::Timer(token)]);
        });
    }
}

#[test]
fn a_signal_lets_one_wait_through_now_or_later() {
    for seed in 0..30 {
        let bed = Bed::new(seed);
        let probe = bed.probe.clone();
        bed.passes(move |os| {
            let host = probe.host();
            let signal = host.new_signal();
            host.signal(&signal);
            host.signal(&signal);
            assert_eq!(host.wait(&signal, None), WaitEnd::Signalled);
            let deadline_ns = os.now_ns() + 1_000_000;
            assert_eq!(host.wait(&signal, Some(deadline_ns)), WaitEnd::TimedOut);
            os.queue_user_apc(os.current_thread(), |_| ()).unwrap();
            assert_eq!(host.wait(&signal, None), WaitEnd::ApcsRan);
            let (other, set) = (probe.host(), signal.clone());
            os.create_thread("signals", false, move |os| {
                os.sleep(1);
                other.signal(&set);
            });
            assert_eq!(host.wait(&signal, None), WaitEnd::Signalled);
        });
    }
}

#[test]
fn the_adversary_ends_mortal_threads_only() {
    for fault in [Fault::ThreadExit, Fault::Terminate] {
        let mut plan = FaultPlan::none();
        plan.set_rate(fault, Rate::ALWAYS);
        let log = Log::default();
        let seen = log.clone();
        Bed::with_plan(3, plan).passes(move |os| {
            let (one, other) = (seen.clone(), seen.clone());
            let mortal = os.create_thread("mortal", true, move |os| {
                os.sleep(50);
                one.add(1);
            });
            let immortal = os.create_thread("immortal", false, move |os| {
                os.sleep(50);
                other.add(2);
            });
            os.join(mortal);
            os.join(immortal);
        });
        assert_eq!(log.get(), [2], "{}", fault.name());
    }
}

#[test]
fn a_blocking_call_is_cancelled_from_an_apc_in_its_wait() {
    let mut plan = FaultPlan::none();
    plan.set_rate(Fault::CancelBlocking, Rate::ALWAYS);
    let bed = Bed::with_plan(3, plan);
    let probe = bed.probe.clone();
    bed.passes(move |_| {
        let host = probe.host();
        assert_eq!(host.wait(&host.new_signal(), None), WaitEnd::ApcsRan);
    });
}

#[test]
fn a_panic_is_a_finding_with_its_message() {
    let ended = Bed::new(0).run(|os| {
        os.sleep(1);
        std::panic::resume_unwind(Box::new("the sky falls".to_owned()));
    });
    let violation = ended.finding.expect("a finding").violation;
    assert_eq!(violation.oracle, "panic");
    assert!(violation.message.contains("the sky falls"), "{}", violation.message);
}

#[test]
fn a_handle_of_nobody_is_refused() {
    under_all(|os| {
        let nobody = crate::api::ThreadHandle(12);
        assert_eq!(os.queue_user_apc(nobody, |_| ()), Err(WsaError::WSA_INVALID_HANDLE));
        assert_eq!(os.terminate_thread(nobody), Err(WsaError::WSA_INVALID_HANDLE));
    });
}
