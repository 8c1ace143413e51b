use std::collections::BTreeSet;

use crate::api::Os;

use super::bed::{Bed, Log};

fn busy(os: &Os) {
    let threads = [(); 4].map(|()| {
        os.create_thread("busy", false, |os| {
            for _ in 0..20 {
                os.now_ns();
            }
        })
    });
    threads.into_iter().for_each(|thread| os.join(thread));
}

#[test]
fn a_seed_gives_one_schedule_and_another_seed_another_one() {
    let digests: Vec<u128> = (0..20).map(|seed| Bed::new(seed).passes(busy).digest).collect();
    let again: Vec<u128> = (0..20).map(|seed| Bed::new(seed).passes(busy).digest).collect();
    assert_eq!(digests, again);
    assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), 20);
}

#[test]
fn stickiness_switches_less() {
    let switches = |stickiness| {
        let mut bed = Bed::new(5);
        bed.settings.stickiness = stickiness;
        bed.passes(busy).switches
    };
    assert!(switches(240) * 3 < switches(0), "{} {}", switches(240), switches(0));
}

#[test]
fn a_lonely_thread_makes_no_choices() {
    let bed = Bed::new(1);
    let shared = bed.shared();
    let machine = bed.machine(&shared, |os| {
        for _ in 0..1000 {
            os.now_ns();
        }
    });
    let before = shared.choices.borrow().count();
    crate::world::Node::run(&machine, 0, 10_000_000);
    assert!(crate::world::Node::finished(&machine));
    assert_eq!(shared.choices.borrow().count(), before);
    drop(machine);
    bed.probe.host.replace(None);
}

#[test]
fn a_spinning_thread_lets_time_pass_and_others_run() {
    let log = Log::default();
    let seen = log.clone();
    Bed::new(7).passes(move |os| {
        let event = os.create_event(true, false);
        os.create_thread("sets", false, move |os| {
            os.sleep(3);
            os.set_event(event).unwrap();
        });
        while os.wait_for_single_object(event, 0) != 0 {}
        seen.add(u32::try_from(os.now_ns() / 1_000_000).unwrap());
    });
    assert_eq!(log.get(), [3]);
}
