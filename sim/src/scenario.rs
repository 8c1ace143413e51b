//! What a program to hunt with is.

use provider_core::Profile;

use crate::fault::Fault;
use crate::settings::{Bounds, Limits, NetworkRange};
use crate::world::WorldBuilder;

/// A scenario: which machines there are, what runs on them, and what they live with.
pub trait Scenario: Sync {
    /// Its name on the command line and in files.
    fn name(&self) -> &'static str;

    /// One sentence: what it is after.
    fn about(&self) -> &'static str;

    /// The adversary faults that its programs live with. The environment's they all do.
    fn adversaries(&self) -> &'static [Fault] {
        &[]
    }

    /// The one profile that it is for, unless it is for all of them.
    fn profile(&self) -> Option<Profile> {
        None
    }

    /// What its network may be.
    fn network(&self) -> NetworkRange {
        NetworkRange::default()
    }

    /// How long it may take, in virtual time.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// Puts its machines into a world.
    fn build(&self, world: &mut WorldBuilder);
}

/// What a run of `scenario` may draw.
pub(crate) fn bounds(scenario: &dyn Scenario) -> Bounds {
    Bounds {
        adversaries: scenario.adversaries(),
        profile: scenario.profile(),
        network: scenario.network(),
        limits: scenario.limits(),
    }
}
