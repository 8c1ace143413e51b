use provider_core::{Host, ThreadId, WsaError};

use crate::api::{INFINITE, WAIT_IO_COMPLETION, WAIT_OBJECT_0};
use crate::choice::Rate;
use crate::fault::{Fault, FaultPlan};

use super::bed::{Bed, Log, under_all};

#[test]
fn apcs_run_in_order_and_only_in_an_alertable_wait() {
    under_all(|os| {
        let log = Log::default();
        for entry in 1..=3 {
            let log = log.clone();
            os.queue_user_apc(os.current_thread(), move |_| log.add(entry)).unwrap();
        }
        os.sleep(5);
        assert_eq!(os.sleep_ex(1, false), 0);
        assert_eq!(log.get(), [0_u32; 0]);
        assert_eq!(os.sleep_ex(1000, true), WAIT_IO_COMPLETION);
        assert_eq!(log.get(), [1, 2, 3]);
        assert_eq!(os.sleep_ex(1, true), 0);
    });
}

#[test]
fn an_apc_wakes_an_alertable_wait_from_another_thread() {
    under_all(|os| {
        let main = os.current_thread();
        os.create_thread("waker", false, move |os| {
            os.sleep(3);
            os.queue_user_apc(main, |os| os.mark(1)).unwrap();
        });
        let before = os.now_ns();
        assert_eq!(os.sleep_ex(INFINITE, true), WAIT_IO_COMPLETION);
        let after = os.now_ns() - before;
        assert!((3_000_000..3_100_000).contains(&after), "{after}");
    });
}

#[test]
fn a_signalled_object_is_returned_and_the_apc_stays_queued() {
    under_all(|os| {
        let log = Log::default();
        let event = os.create_event(true, true);
        let entry = log.clone();
        os.queue_user_apc(os.current_thread(), move |_| entry.add(1)).unwrap();
        assert_eq!(os.wait_for_single_object_ex(event, INFINITE, true), WAIT_OBJECT_0);
        assert_eq!(log.get(), [0_u32; 0]);
        os.reset_event(event).unwrap();
        assert_eq!(os.wait_for_single_object_ex(event, INFINITE, true), WAIT_IO_COMPLETION);
        assert_eq!(log.get(), [1]);
    });
}

#[test]
fn an_alertable_wait_inside_of_an_apc_runs_further_apcs() {
    under_all(|os| {
        let log = Log::default();
        let (outer, inner) = (log.clone(), log.clone());
        os.queue_user_apc(os.current_thread(), move |os| {
            outer.add(1);
            assert_eq!(os.sleep_ex(INFINITE, true), WAIT_IO_COMPLETION);
            outer.add(3);
        })
        .unwrap();
        os.queue_user_apc(os.current_thread(), move |_| inner.add(2)).unwrap();
        assert_eq!(os.sleep_ex(INFINITE, true), WAIT_IO_COMPLETION);
        assert_eq!(log.get(), [1, 2, 3]);
    });
}

#[test]
fn an_apc_that_queues_one_has_it_run_in_the_same_wait() {
    under_all(|os| {
        let log = Log::default();
        let first = log.clone();
        os.queue_user_apc(os.current_thread(), move |os| {
            let second = first.clone();
            first.add(1);
            os.queue_user_apc(os.current_thread(), move |_| second.add(2)).unwrap();
        })
        .unwrap();
        os.sleep_ex(0, true);
        assert_eq!(log.get(), [1, 2]);
    });
}

#[test]
fn an_apc_to_an_ended_thread_fails_and_one_queued_before_is_lost() {
    under_all(|os| {
        let log = Log::default();
        let go = os.create_event(true, false);
        let thread = os.create_thread("deaf", false, move |os| {
            os.wait_for_single_object(go, INFINITE);
        });
        let entry = log.clone();
        os.queue_user_apc(thread, move |_| entry.add(1)).unwrap();
        os.set_event(go).unwrap();
        os.join(thread);
        assert_eq!(os.queue_user_apc(thread, |_| ()), Err(WsaError::WSA_INVALID_HANDLE));
        assert_eq!(log.take(), [0_u32; 0]);
    });
}

#[test]
fn a_providers_apc_reaches_the_thread_that_its_id_names() {
    for seed in 0..20 {
        let bed = Bed::new(seed);
        let probe = bed.probe.clone();
        bed.passes(move |os| {
            let log = Log::default();
            let host = probe.host();
            let seen = log.clone();
            probe.on_apc(move |context| {
                let thread = probe_thread(&host);
                seen.add(context as u32);
                seen.add(thread);
            });
            let id = os.thread_id();
            let host = probe.host();
            os.create_thread("provider", false, move |_| {
                host.queue_apc(&id, 77).unwrap();
                let wrong = ThreadId { handle: id.handle, reserved: !id.reserved };
                assert_eq!(host.queue_apc(&wrong, 78), Err(WsaError::WSAEFAULT));
            });
            assert_eq!(os.sleep_ex(INFINITE, true), WAIT_IO_COMPLETION);
            assert_eq!(log.get(), [77, os.get_current_thread_id()]);
        });
    }
}

fn probe_thread(host: &crate::host::SimHost) -> u32 {
    host.current_thread().0 as u32
}

#[test]
fn a_refused_apc_never_runs_and_a_late_one_runs_later() {
    let mut plan = FaultPlan::none();
    plan.set_rate(Fault::ApcRefused, Rate::ALWAYS);
    let bed = Bed::with_plan(1, plan);
    let probe = bed.probe.clone();
    bed.passes(move |os| {
        probe.on_apc(|_| panic!("it was refused"));
        assert_eq!(probe.host().queue_apc(&os.thread_id(), 1), Err(WsaError::WSAEFAULT));
        assert_eq!(os.sleep_ex(100, true), 0);
    });

    let mut plan = FaultPlan::none();
    plan.set_rate(Fault::ApcLate, Rate::ALWAYS);
    let mut latest = 0;
    for seed in 0..10 {
        let bed = Bed::with_plan(seed, plan.clone());
        let probe = bed.probe.clone();
        let ended = bed.passes(move |os| {
            probe.host().queue_apc(&os.thread_id(), 1).unwrap();
            // A second one waits behind the first, and a wait that is not over begins anew.
            while os.sleep_ex(1, true) == 0 {}
        });
        latest = latest.max(ended.at_ns);
    }
    assert!(latest > 5_000_000, "{latest}");
}
