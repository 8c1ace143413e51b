//! Which scenarios a command means, and which faults they get.

use provider_core::Profile;
use wspsim::fault::{Fault, FaultPlan, Kind};
use wspsim::scenario::Scenario;
use wspsim::settings::FaultChoice;

use super::args::{Pinned, profile_name};
use super::error::InputError;
use super::faults;
use super::suggest::nearest;
use super::summary::Pins;

/// A scenario of the house.
pub(super) type Entry = &'static dyn Scenario;

/// The scenario of that name.
///
/// # Errors
/// [`InputError::UnknownScenario`].
pub(super) fn scenario(all: &[Entry], name: &str) -> Result<Entry, InputError> {
    all.iter().copied().find(|scenario| scenario.name() == name).ok_or_else(|| {
        let names = || all.iter().map(|scenario| scenario.name());
        InputError::UnknownScenario {
            name: name.to_owned(),
            nearest: nearest(name, names()),
            known: names().collect::<Vec<_>>().join(", "),
        }
    })
}

/// Where the faults of the runs come from.
///
/// # Errors
/// [`InputError::TwoRates`].
pub(super) fn fault_choice(pinned: &Pinned) -> Result<FaultChoice, InputError> {
    if pinned.no_faults {
        return Ok(FaultChoice::None);
    }
    if pinned.faults.is_empty() {
        return Ok(FaultChoice::Drawn);
    }
    faults::plan(&pinned.faults).map(FaultChoice::Given)
}

/// The scenarios named, each once; if none is named, all those that live with the faults pinned
/// and are for the profile pinned.
///
/// # Errors
/// [`InputError::UnknownScenario`]; [`InputError::NotLivedWith`] when a named scenario does not
/// live with a fault given, [`InputError::NobodyLivesWith`] when no scenario does;
/// [`InputError::OtherProfile`] when a named scenario is for another profile.
pub(super) fn scenarios(
    all: &[Entry],
    names: &[String],
    pins: &Pins,
) -> Result<Vec<Entry>, InputError> {
    let faults = &pins.faults;
    if names.is_empty() {
        let is_meant = |scenario: &Entry| {
            stranger(*scenario, faults).is_none() && check_is_for(*scenario, pins.profile).is_ok()
        };
        let living: Vec<Entry> = all.iter().copied().filter(is_meant).collect();
        if living.is_empty()
            && let FaultChoice::Given(plan) = faults
        {
            return Err(InputError::NobodyLivesWith { faults: names_of(adversaries(plan)) });
        }
        return Ok(living);
    }
    let mut chosen: Vec<Entry> = Vec::new();
    for name in names {
        let found = scenario(all, name)?;
        check_lives_with(all, found, faults)?;
        check_is_for(found, pins.profile)?;
        if !chosen.iter().any(|scenario| scenario.name() == found.name()) {
            chosen.push(found);
        }
    }
    Ok(chosen)
}

/// Whether the scenario lives with the faults given.
///
/// # Errors
/// [`InputError::NotLivedWith`].
pub(super) fn check_lives_with(
    all: &[Entry],
    scenario: Entry,
    faults: &FaultChoice,
) -> Result<(), InputError> {
    let Some(fault) = stranger(scenario, faults) else { return Ok(()) };
    let do_live: Vec<&str> = all
        .iter()
        .filter(|other| other.adversaries().contains(&fault))
        .map(|other| other.name())
        .collect();
    Err(InputError::NotLivedWith {
        scenario: scenario.name(),
        fault: fault.name(),
        those_that_do: if do_live.is_empty() {
            "no scenario does".to_owned()
        } else {
            format!("these do: {}", do_live.join(", "))
        },
    })
}

/// Whether the scenario is for the profile that is pinned.
///
/// # Errors
/// [`InputError::OtherProfile`].
pub(super) fn check_is_for(scenario: Entry, profile: Option<Profile>) -> Result<(), InputError> {
    match scenario.profile() {
        Some(own) if profile.is_some_and(|profile| profile != own) => {
            Err(InputError::OtherProfile { scenario: scenario.name(), profile: profile_name(own) })
        }
        _ => Ok(()),
    }
}

/// A fault of the plan that the scenario does not live with.
fn stranger(scenario: Entry, faults: &FaultChoice) -> Option<Fault> {
    let FaultChoice::Given(plan) = faults else { return None };
    adversaries(plan).find(|fault| !scenario.adversaries().contains(fault))
}

fn adversaries(plan: &FaultPlan) -> impl Iterator<Item = Fault> {
    Fault::ALL.iter().copied().filter(|fault| fault.kind() == Kind::Adversary && plan.has(*fault))
}

fn names_of(faults: impl Iterator<Item = Fault>) -> String {
    faults.map(Fault::name).collect::<Vec<_>>().join(", ")
}
