//! What a run is made of besides its scenario and its seed: profile, network, faults, limits.
//!
//! Either given, or drawn from the seed (swarm testing: a run first draws which faults exist at
//! all, then, while it runs, when they strike).

mod swarm;

use provider_core::Profile;

use crate::choice::Rate;
use crate::fault::{Fault, FaultPlan};

/// One millisecond in nanoseconds.
pub const MS: u64 = 1_000_000;
/// One second in nanoseconds.
pub const SECOND: u64 = 1_000 * MS;

/// The network of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The least time that a packet takes. Also the quantum of the run, so never 0.
    pub min_delay_ns: u64,
    /// The most time that a packet takes, faults apart.
    pub max_delay_ns: u64,
    /// Of the time beyond the least, only multiples of this are taken; 0 for any.
    pub delay_step_ns: u64,
    /// Whether a packet waits for those before it on its link, faults apart.
    pub in_order: bool,
    /// The share of packets that is lost, faults apart.
    pub loss: Rate,
    /// The largest IP packet in bytes, as the machines know it.
    pub mtu: u32,
    /// The largest packet that passes a link struck by [`Fault::Mtu`].
    pub mtu_small: u32,
    /// What a link carries while [`Fault::Bandwidth`] strikes.
    pub bytes_per_second: u64,
    /// How much longer than `max_delay_ns` [`Fault::Delay`] can hold a packet.
    pub extra_delay_ns: u64,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            min_delay_ns: MS,
            max_delay_ns: 10 * MS,
            delay_step_ns: 0,
            in_order: true,
            loss: Rate::NEVER,
            mtu: 1500,
            mtu_small: 576,
            bytes_per_second: 1_000_000,
            extra_delay_ns: 500 * MS,
        }
    }
}

/// What a scenario allows its network to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkRange {
    /// A run draws its network within these bounds.
    Drawn {
        /// The least `min_delay_ns`.
        least_delay_ns: u64,
        /// The greatest `max_delay_ns`.
        most_delay_ns: u64,
        /// The MTUs to choose from, at least one.
        mtus: &'static [u32],
    },
    /// It is exactly this one.
    Fixed(Network),
}

impl Default for NetworkRange {
    fn default() -> Self {
        Self::Drawn {
            least_delay_ns: MS / 5,
            most_delay_ns: 100 * MS,
            mtus: &[1500, 1500, 1500, 1280, 9000],
        }
    }
}

/// How long a run may take, in virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// When faults stop at the latest.
    pub chaos_ns: u64,
    /// How long after that everything pending has to end.
    pub liveness_ns: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { chaos_ns: 20 * SECOND, liveness_ns: 600 * SECOND }
    }
}

/// Everything that a run drew, or was given, before it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What the provider follows where the contract's page and Windows disagree.
    pub profile: Profile,
    /// The network.
    pub network: Network,
    /// Which faults can strike.
    pub plan: FaultPlan,
    /// How long the run may take.
    pub limits: Limits,
    /// Whether a socket handle's value is used again at once.
    pub reuse_handles: bool,
    /// How much the scheduler stays with the running thread: at a scheduling point it goes on
    /// without a choice this many times in 256.
    pub stickiness: u8,
}

impl Default for Settings {
    /// No faults, the documented profile, every scheduling point a choice.
    fn default() -> Self {
        Self {
            profile: Profile::Documented,
            network: Network::default(),
            plan: FaultPlan::none(),
            limits: Limits::default(),
            reuse_handles: false,
            stickiness: 0,
        }
    }
}

/// Where the faults of a run come from.
#[allow(clippy::large_enum_variant, reason = "there is one for each run")]
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum FaultChoice {
    /// From the seed.
    #[default]
    Drawn,
    /// There are none.
    None,
    /// Exactly these.
    Given(FaultPlan),
}

/// What a scenario lets a run draw.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The adversary faults that it lives with.
    pub adversaries: &'static [Fault],
    /// The one profile that it is for, if it is not for all.
    pub profile: Option<Profile>,
    /// Its network.
    pub network: NetworkRange,
    /// Its limits.
    pub limits: Limits,
}

impl Settings {
    /// Draws the settings of a run from its seed. A pinned `profile` or plan changes nothing else
    /// of what the seed draws.
    pub fn draw(seed: u64, bounds: Bounds, profile: Option<Profile>, faults: &FaultChoice) -> Self {
        let mut settings = swarm::draw(seed, bounds);
        if let Some(profile) = profile.or(bounds.profile) {
            settings.profile = profile;
        }
        match faults {
            FaultChoice::Drawn => {}
            FaultChoice::None => settings.plan = FaultPlan::none(),
            FaultChoice::Given(plan) => settings.plan = plan.clone(),
        }
        settings
    }
}

#[cfg(test)]
mod tests;
