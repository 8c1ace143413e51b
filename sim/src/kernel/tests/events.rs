use provider_core::{EventHandle, WsaError};

use crate::api::{Handle, INFINITE, WAIT_FAILED, WAIT_OBJECT_0, WAIT_TIMEOUT};

use super::bed::{Bed, Log, under_all};

#[test]
fn an_auto_reset_event_lets_one_waiter_through_a_manual_one_all() {
    for manual in [false, true] {
        under_all(move |os| {
            let log = Log::default();
            let event = os.create_event(manual, false);
            for entry in 0..3 {
                let log = log.clone();
                os.create_thread("waiter", false, move |os| {
                    os.wait_for_single_object(event, INFINITE);
                    log.add(entry);
                });
            }
            os.sleep(1);
            os.set_event(event).unwrap();
            os.sleep(1);
            assert_eq!(log.get().len(), if manual { 3 } else { 1 });
            assert_eq!(
                os.wait_for_single_object(event, 0),
                if manual { WAIT_OBJECT_0 } else { WAIT_TIMEOUT }
            );
        });
    }
}

#[test]
fn a_pulse_still_lets_those_through_who_waited() {
    under_all(|os| {
        let log = Log::default();
        let event = os.create_event(true, false);
        let entry = log.clone();
        let waiter = os.create_thread("waiter", false, move |os| {
            entry.add(os.wait_for_single_object(event, INFINITE));
        });
        os.sleep(1);
        os.set_event(event).unwrap();
        os.reset_event(event).unwrap();
        os.join(waiter);
        assert_eq!(log.get(), [WAIT_OBJECT_0]);
        assert_eq!(os.wait_for_single_object(event, 0), WAIT_TIMEOUT);
    });
}

#[test]
fn wait_any_gives_the_first_place_and_consumes_only_that() {
    under_all(|os| {
        let events = [false, true, true].map(|set| os.create_event(false, set));
        let wait = || os.wsa_wait_for_multiple_events(&events, false, 0, false);
        assert_eq!(wait(), WAIT_OBJECT_0 + 1);
        assert_eq!(wait(), WAIT_OBJECT_0 + 2);
        assert_eq!(wait(), WAIT_TIMEOUT);
    });
}

#[test]
fn wait_all_consumes_nothing_until_all_are_set() {
    under_all(|os| {
        let events = [os.create_event(false, false), os.create_event(false, false)];
        let waiter = os.create_thread("all", false, move |os| {
            os.wsa_wait_for_multiple_events(&events, true, INFINITE, false);
        });
        os.sleep(1);
        os.set_event(events[0]).unwrap();
        os.sleep(1);
        // Still there for somebody else.
        assert_eq!(os.wait_for_single_object(events[0], 0), WAIT_OBJECT_0);
        os.set_event(events[1]).unwrap();
        assert_eq!(os.wait_for_single_object(waiter, 5), WAIT_TIMEOUT);
        os.set_event(events[0]).unwrap();
        assert_eq!(os.wait_for_single_object(waiter, INFINITE), WAIT_OBJECT_0);
        assert_eq!(os.wait_for_single_object(events[1], 0), WAIT_TIMEOUT);
    });
}

#[test]
fn a_time_out_takes_its_time_and_no_more() {
    under_all(|os| {
        let event = os.create_event(false, false);
        let before = os.now_ns();
        assert_eq!(os.wait_for_single_object(event, 7), WAIT_TIMEOUT);
        let took = os.now_ns() - before;
        assert!((7_000_000..7_010_000).contains(&took), "{took}");
        assert_eq!(os.wait_for_single_object(event, 0), WAIT_TIMEOUT);
    });
}

#[test]
fn strange_handles_are_refused() {
    under_all(|os| {
        let event = os.create_event(false, true);
        os.close_handle(event).unwrap();
        assert_eq!(os.set_event(event), Err(WsaError::WSA_INVALID_HANDLE));
        assert_eq!(os.wait_for_single_object(event, 0), WAIT_FAILED);
        assert_eq!(os.wsa_get_last_error(), WsaError::WSA_INVALID_HANDLE);
        assert_eq!(os.wait_for_multiple_objects_ex(&[], false, 0, false), WAIT_FAILED);
        let many = [Handle::from(EventHandle(1)); 65];
        assert_eq!(os.wait_for_multiple_objects_ex(&many, false, 0, false), WAIT_FAILED);
    });
}

#[test]
fn a_blocked_thread_says_what_it_waits_for() {
    let ended = Bed::new(1).run(|os| {
        let event = os.create_event(false, false);
        os.wait_for_single_object_ex(event, INFINITE, true);
    });
    assert!(!ended.finished);
    assert_eq!(ended.describe, "alone: thread 0 (main) waits alertably for event 1\n");
}

#[test]
fn the_last_error_belongs_to_the_thread() {
    under_all(|os| {
        os.wsa_set_last_error(WsaError::WSAEINTR);
        let other = os.create_thread("other", false, |os| {
            assert_eq!(os.wsa_get_last_error(), WsaError(0));
            os.wsa_set_last_error(WsaError::WSAEFAULT);
        });
        os.join(other);
        assert_eq!(os.wsa_get_last_error(), WsaError::WSAEINTR);
    });
}
