use std::rc::Rc;

use super::*;
use crate::choice::Choices;
use crate::fault::{FaultPlan, Script};
use crate::oracle::Oracles;
use crate::recorder::Recorder;
use crate::settings::{MS, Network, SECOND, Settings};
use crate::world::Directory;

const A: MachineId = MachineId(0);
const B: MachineId = MachineId(1);

fn shared(network: Network, rates: &[(Fault, Rate)], scripts: &[Script]) -> Rc<Shared> {
    let mut plan = FaultPlan::none();
    for (fault, rate) in rates {
        plan.set_rate(*fault, *rate);
    }
    plan.scripts.extend_from_slice(scripts);
    let settings = Settings { network, plan, ..Settings::default() };
    let oracles = Oracles::new(settings.profile);
    let directory = Directory::new(vec!["a".into(), "b".into()]);
    Rc::new(Shared::new(Choices::from_seed(1), Recorder::new(), oracles, settings, directory))
}

/// Sends `count` packets of `len` zero bytes, one each `every_ns`; gives what comes out.
fn send(shared: &Shared, count: u64, every_ns: u64, len: usize) -> Vec<(u64, Vec<u8>)> {
    let mut links = Links::new(2);
    let mut out = Vec::new();
    for n in 0..count {
        let packet = Outgoing { to: B, sent_ns: n * every_ns, bytes: vec![0; len] };
        links.carry(shared, A, packet, |due_ns, bytes| out.push((due_ns, bytes.clone())));
    }
    out
}

fn dues(shared: &Shared, count: u64, every_ns: u64) -> Vec<u64> {
    send(shared, count, every_ns, 100).into_iter().map(|(due_ns, _)| due_ns).collect()
}

fn steady() -> Network {
    Network { max_delay_ns: MS, ..Network::default() }
}

fn always(fault: Fault) -> Rc<Shared> {
    shared(steady(), &[(fault, Rate::ALWAYS)], &[])
}

#[test]
fn without_faults_every_packet_comes_within_its_bounds() {
    let shared = shared(Network { in_order: false, ..Network::default() }, &[], &[]);
    let dues = dues(&shared, 1000, MS);
    assert_eq!(dues.len(), 1000);
    let late = |(n, due): (usize, &u64)| due - n as u64 * MS;
    assert!(dues.iter().enumerate().map(late).all(|late| (MS..=10 * MS).contains(&late)));
    assert!(!dues.is_sorted(), "delays differ, so some packet overtakes another");
}

#[test]
fn an_orderly_network_keeps_the_order() {
    let shared = shared(Network::default(), &[], &[]);
    assert!(dues(&shared, 1000, MS / 10).is_sorted());
}

#[test]
fn reorder_lets_later_packets_overtake() {
    let shared =
        shared(Network::default(), &[(Fault::Reorder, Rate::from_millionths(100_000))], &[]);
    let dues = dues(&shared, 1000, MS / 10);
    assert_eq!(dues.len(), 1000);
    let overtaken = dues.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!((50..150).contains(&overtaken), "{overtaken}");
}

#[test]
fn drop_loses_and_base_loss_does_too() {
    let all = always(Fault::Drop);
    assert!(dues(&all, 10, MS).is_empty());
    assert_eq!(all.recorder.borrow().steps(), 20, "a strike and a loss each");
    let network = Network { loss: Rate::from_millionths(20_000), ..steady() };
    let lossy = shared(network, &[], &[]);
    let arrived = dues(&lossy, 10_000, MS).len();
    assert!((9_700..9_900).contains(&arrived), "{arrived}");
}

#[test]
fn a_script_strikes_exactly_its_packet() {
    let shared = shared(steady(), &[], &[Script::new(Fault::Drop, 3)]);
    let expected: Vec<u64> = [0, 1, 3, 4].iter().map(|n| n * MS + MS).collect();
    assert_eq!(dues(&shared, 5, MS), expected);
}

#[test]
fn a_fault_does_not_shift_the_delays_of_later_packets() {
    let network = Network { in_order: false, ..Network::default() };
    let plain = dues(&shared(network, &[], &[]), 50, MS);
    let struck = dues(&shared(network, &[], &[Script::new(Fault::Drop, 7)]), 50, MS);
    assert_eq!(struck[..6], plain[..6]);
    assert_eq!(struck[6..], plain[7..]);
}

#[test]
fn corrupt_flips_exactly_one_bit() {
    let packets = send(&always(Fault::Corrupt), 200, MS, 64);
    assert_eq!(packets.len(), 200);
    for (_, bytes) in &packets {
        assert_eq!(bytes.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
    }
    let places: Vec<usize> =
        packets.iter().filter_map(|(_, b)| b.iter().position(|b| *b > 0)).collect();
    assert!(places.iter().any(|place| *place != places[0]), "not always the same bit");
}

#[test]
fn duplicate_delivers_twice_the_same() {
    let packets = send(&always(Fault::Duplicate), 100, MS, 64);
    assert_eq!(packets.len(), 200);
    for pair in packets.chunks(2) {
        assert!(pair[1].0 >= pair[0].0 && pair[0].1 == pair[1].1);
    }
}

#[test]
fn delay_holds_longer_but_not_for_ever() {
    let dues = dues(&always(Fault::Delay), 200, MS);
    let late: Vec<u64> = dues.iter().zip(0..).map(|(due, n)| due - n * MS).collect();
    assert!(late.iter().all(|late| (MS..MS + SECOND / 2).contains(late)));
    assert!(late.iter().any(|late| *late > 100 * MS));
}

#[test]
fn a_small_mtu_drops_what_is_larger_only() {
    let shared = always(Fault::Mtu);
    assert_eq!(send(&shared, 3, MS, 576).len(), 3);
    assert_eq!(send(&shared, 3, MS, 577).len(), 0);
}

#[test]
fn short_bandwidth_queues() {
    // 100 bytes at a million bytes a second take 100 us; sent every 10 us they queue up.
    let dues = dues(&always(Fault::Bandwidth), 50, 10_000);
    let expected: Vec<u64> = (1..=50).map(|n| n * 100_000 + MS).collect();
    assert_eq!(dues, expected);
}

#[test]
fn a_queue_for_short_bandwidth_has_an_end() {
    // 100 us each, sent at once: what would wait for more than 2 s is lost.
    let shared = always(Fault::Bandwidth);
    let all = dues(&shared, 25_000, 0);
    assert_eq!(all.len(), 20_000);
    assert_eq!(all.last(), Some(&(2_000 * MS + MS)));
}

#[test]
fn a_cut_link_drops_until_it_is_healed() {
    let shared = shared(steady(), &[], &[]);
    shared.set_cut(B, A, true);
    assert!(shared.is_cut(A, B) && shared.is_cut(B, A));
    assert!(dues(&shared, 3, MS).is_empty());
    shared.set_cut(A, B, false);
    assert_eq!(dues(&shared, 3, MS).len(), 3);
}

#[test]
fn no_fault_brings_a_packet_earlier_than_the_least_delay() {
    let link_faults = [
        Fault::Drop,
        Fault::Delay,
        Fault::Duplicate,
        Fault::Reorder,
        Fault::Corrupt,
        Fault::Mtu,
        Fault::Bandwidth,
    ];
    let rates: Vec<_> = link_faults.iter().map(|f| (*f, Rate::from_millionths(300_000))).collect();
    let shared = shared(Network::default(), &rates, &[]);
    let mut links = Links::new(2);
    for n in 0..5_000 {
        let sent_ns = n * MS / 7;
        let packet = Outgoing { to: B, sent_ns, bytes: vec![0; 700] };
        links.carry(&shared, A, packet, |due_ns, _| assert!(due_ns >= sent_ns + MS));
    }
    let counts = *shared.faults.borrow().counts();
    assert!(link_faults.iter().all(|fault| counts[*fault as usize] > 0));
}

#[test]
fn a_packet_to_nobody_is_lost_quietly() {
    let shared = shared(steady(), &[], &[]);
    let mut links = Links::new(2);
    for to in [MachineId(2), MachineId(u16::MAX)] {
        let packet = Outgoing { to, sent_ns: 0, bytes: vec![1] };
        links.carry(&shared, B, packet, |_, _| panic!("nobody is there"));
    }
}

/// The fragments of a datagram share one checksum, and two flipped bits could cancel out in it.
#[test]
fn corrupt_flips_a_bit_of_a_fragments_header_only() {
    let shared = always(Fault::Corrupt);
    let mut links = Links::new(2);
    // More fragments follow; the last one; not a fragment, but not to be cut.
    for (flags, is_fragment) in [([0x20, 0], true), ([0, 185], true), ([0x40, 0], false)] {
        let mut header_only = true;
        for n in 0..200 {
            let mut bytes = vec![0; 500];
            (bytes[0], bytes[6], bytes[7]) = (0x45, flags[0], flags[1]);
            let before = bytes.clone();
            let packet = Outgoing { to: B, sent_ns: n * MS, bytes };
            links.carry(&shared, A, packet, |_, bytes| {
                let flips = bytes.iter().zip(&before).map(|(is, was)| (is ^ was).count_ones());
                assert_eq!(flips.clone().sum::<u32>(), 1);
                header_only &= flips.take(20).sum::<u32>() == 1;
            });
        }
        assert_eq!(header_only, is_fragment, "{flags:?}");
    }
}
