use std::rc::Rc;

use lock_api::Mutex;
use provider_core::Host;

use crate::api::INFINITE;
use crate::kernel::SimRawMutex;
use crate::world::Node;

use super::LIVE;
use super::bed::Bed;

#[test]
fn a_thousand_runs_leave_nothing_behind() {
    let before = LIVE.with(|live| live.get());
    for seed in 0..1000 {
        let bed = Bed::new(seed);
        let shared = bed.shared();
        let probe = bed.probe.clone();
        let machine = bed.machine(&shared, move |os| {
            // Everything that can hold something of the machine, in every state.
            let buffer = os.alloc(64);
            let clone = os.clone();
            os.routine(move |_, _, _, _, _| drop(clone.clone()));
            let lock: Rc<Mutex<SimRawMutex, ()>> = Rc::default();
            let (held, host) = (Rc::clone(&lock), probe.host());
            os.create_thread("holds", false, move |os| {
                let _guard = held.lock();
                os.sleep(INFINITE);
            });
            os.create_thread("wants", false, move |_| drop(lock.lock()));
            os.create_thread("blocked", false, move |_| {
                host.wait(&host.new_signal(), None);
            });
            let apc = os.clone();
            os.queue_user_apc(os.current_thread(), move |_| drop(apc)).unwrap();
            os.create_thread("exits", false, |os| os.exit_thread());
            probe.host().set_timer(provider_core::Token(1), INFINITE.into());
            os.sleep(INFINITE);
            drop(buffer);
        });
        // Cut off anywhere, also before it ran at all.
        machine.run(0, seed * 20);
        drop(machine);
        bed.probe.host.replace(None);
    }
    assert_eq!(LIVE.with(|live| live.get()), before);
}

#[test]
fn destructors_that_lock_and_call_are_safe_when_power_goes() {
    struct Calls {
        os: crate::api::Os,
        lock: Rc<Mutex<SimRawMutex, u32>>,
    }
    impl Drop for Calls {
        fn drop(&mut self) {
            *self.lock.lock() += 1;
            self.os.sleep(5);
            let _ = self.os.wsa_startup();
            self.os.create_event(true, true);
        }
    }
    for seed in 0..100 {
        let bed = Bed::new(seed);
        let shared = bed.shared();
        let machine = bed.machine(&shared, |os| {
            let lock: Rc<Mutex<SimRawMutex, u32>> = Rc::default();
            for _ in 0..3 {
                let (calls, lock) =
                    (Calls { os: os.clone(), lock: Rc::clone(&lock) }, Rc::clone(&lock));
                os.create_thread("calls", false, move |os| {
                    let _calls = calls;
                    let _guard = lock.lock();
                    os.sleep(1);
                });
            }
            os.sleep(INFINITE);
        });
        machine.run(0, 1000 + seed * 10);
        machine.power_off();
        assert_eq!(machine.next_due(), None);
        machine.run(0, 1_000_000);
        drop(machine);
        bed.probe.host.replace(None);
    }
}

#[test]
fn a_lost_machine_asks_to_be_crashed_and_runs_no_further() {
    let bed = Bed::new(1);
    let shared = bed.shared();
    let machine = bed.machine(&shared, |os| {
        os.lose_power();
        os.fail("there is no power");
    });
    machine.run(0, 1_000_000);
    assert!(machine.crash_requested());
    machine.run(1_000_000, 2_000_000);
    assert!(!machine.finished());
    drop(machine);
    bed.probe.host.replace(None);
    assert_eq!(shared.finding(), None);
}

#[test]
fn memory_given_back_too_early_goes_when_it_can() {
    Bed::new(1).passes(|os| {
        let before = os.alloc(1);
        let first = os.alloc_with(b"abc");
        assert_eq!(first.read(0, 3), b"abc");
        assert_eq!(first.part(1..9).len, 2);
        drop(first);
        assert_eq!(before.read(0, 1), [0]);
    });
}
