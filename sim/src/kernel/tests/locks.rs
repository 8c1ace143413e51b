use std::collections::BTreeSet;
use std::rc::Rc;

use lock_api::Mutex;

use crate::kernel::SimRawMutex;

use super::bed::{Bed, Log};

type Lock<T> = Rc<Mutex<SimRawMutex, T>>;

#[test]
fn both_orders_of_a_contended_lock_are_seen_and_nobody_gets_in_between() {
    let mut orders = BTreeSet::new();
    for seed in 0..100 {
        let log = Log::default();
        let seen = log.clone();
        Bed::new(seed).passes(move |os| {
            let lock: Lock<()> = Rc::new(Mutex::new(()));
            let threads = [1, 2].map(|entry| {
                let (lock, log) = (Rc::clone(&lock), seen.clone());
                os.create_thread("locks", false, move |os| {
                    let _guard = lock.lock();
                    log.add(entry);
                    for _ in 0..5 {
                        os.now_ns();
                    }
                    log.add(entry + 10);
                })
            });
            threads.into_iter().for_each(|thread| os.join(thread));
        });
        orders.insert(log.get());
    }
    assert_eq!(orders, BTreeSet::from([vec![1, 11, 2, 12], vec![2, 12, 1, 11]]));
}

#[test]
fn an_unlocked_counter_loses_updates_under_some_schedule() {
    let lost = (0..50).any(|seed| {
        let log = Log::default();
        let seen = log.clone();
        Bed::new(seed).passes(move |os| {
            let lock: Lock<u32> = Rc::new(Mutex::new(0));
            let threads = [(); 2].map(|()| {
                let lock = Rc::clone(&lock);
                os.create_thread("counts", false, move |_| {
                    let read = *lock.lock();
                    *lock.lock() = read + 1;
                })
            });
            threads.into_iter().for_each(|thread| os.join(thread));
            seen.add(*lock.lock());
        });
        log.get() == [1]
    });
    assert!(lost);
}

#[test]
fn try_lock_never_waits() {
    for seed in 0..50 {
        Bed::new(seed).passes(|os| {
            let lock: Lock<()> = Rc::new(Mutex::new(()));
            let guard = lock.lock();
            let other = Rc::clone(&lock);
            let thread =
                os.create_thread("tries", false, move |_| assert!(other.try_lock().is_none()));
            os.join(thread);
            drop(guard);
            assert!(lock.try_lock().is_some());
        });
    }
}

#[test]
fn a_lock_taken_twice_is_a_finding() {
    let ended = Bed::new(0).run(|_| {
        let lock: Lock<()> = Rc::new(Mutex::new(()));
        let _guard = lock.lock();
        drop(lock.lock());
    });
    assert_eq!(ended.finding.expect("a finding").violation.oracle, "deadlock");
}

#[test]
fn a_deadlock_leaves_both_threads_blocked_and_described() {
    let stuck = (0..50).find_map(|seed| {
        let ended = Bed::new(seed).run(|os| {
            let locks: [Lock<()>; 2] = [(); 2].map(|()| Rc::new(Mutex::new(())));
            let threads = [[0, 1], [1, 0]].map(|order| {
                let locks = locks.clone();
                os.create_thread("crosses", false, move |os| {
                    let _first = locks[order[0]].lock();
                    os.now_ns();
                    let _second = locks[order[1]].lock();
                })
            });
            threads.into_iter().for_each(|thread| os.join(thread));
        });
        (!ended.finished).then_some(ended.describe)
    });
    let describe = stuck.expect("some schedule deadlocks");
    assert_eq!(describe.matches("waits for the provider's lock").count(), 2, "{describe}");
}
