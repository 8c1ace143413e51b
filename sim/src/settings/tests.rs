use super::*;
use crate::fault::Kind;

fn bounds() -> Bounds {
    Bounds {
        adversaries: &[Fault::Crash, Fault::Close],
        profile: None,
        network: NetworkRange::default(),
        limits: Limits::default(),
    }
}

fn drawn(seed: u64) -> Settings {
    Settings::draw(seed, bounds(), None, &FaultChoice::Drawn)
}

#[test]
fn a_seed_draws_the_same_settings_each_time() {
    for seed in 0..50 {
        assert_eq!(drawn(seed), drawn(seed));
    }
    assert!((0..50).any(|seed| drawn(seed) != drawn(0)));
}

#[test]
fn what_is_pinned_changes_nothing_else() {
    for seed in 0..50 {
        let plain = drawn(seed);
        let profile = Settings::draw(seed, bounds(), Some(Profile::Windows), &FaultChoice::Drawn);
        assert_eq!(profile, Settings { profile: Profile::Windows, ..plain.clone() });
        let none = Settings::draw(seed, bounds(), None, &FaultChoice::None);
        assert_eq!(none, Settings { plan: FaultPlan::none(), ..plain });
    }
}

#[test]
fn over_many_seeds_everything_is_drawn_and_nothing_that_is_not_lived_with() {
    let all: Vec<Settings> = (0..2_000).map(drawn).collect();
    for fault in Fault::ALL {
        let seeds = all.iter().filter(|settings| settings.plan.has(*fault)).count();
        let lived_with = fault.kind() == Kind::Environment || bounds().adversaries.contains(fault);
        let expected = if lived_with { 450..720 } else { 0..1 };
        assert!(expected.contains(&seeds), "{}: {seeds}", fault.name());
    }
    let share = |holds: fn(&Settings) -> bool| all.iter().filter(|s| holds(s)).count();
    assert!((900..1100).contains(&share(|s| s.profile == Profile::Windows)));
    assert!((200..400).contains(&share(|s| s.plan == FaultPlan::none())));
    assert!(share(|s| s.reuse_handles) > 500);
    assert_eq!(share(|s| s.reuse_handles && s.plan.has(Fault::Close)), 0);
}

#[test]
fn a_drawn_network_stays_in_its_range() {
    for seed in 0..2_000 {
        let network = drawn(seed).network;
        assert!(network.min_delay_ns >= MS / 5);
        assert!(network.min_delay_ns <= network.max_delay_ns);
        assert!(network.max_delay_ns <= 100 * MS);
        assert!([1280, 1500, 9000].contains(&network.mtu));
    }
}

#[test]
fn a_fixed_network_is_taken_as_it_is() {
    let network = Network { mtu: 700, loss: Rate(9), ..Network::default() };
    let fixed = Bounds { network: NetworkRange::Fixed(network), ..bounds() };
    for seed in 0..20 {
        let settings = Settings::draw(seed, fixed, None, &FaultChoice::Drawn);
        assert_eq!(settings, Settings { network, ..drawn(seed) });
    }
}
