//! A program that loops without any call into the simulator: no virtual time passes.

use core::hint::spin_loop;

use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, NetworkRange};
use wspsim::world::WorldBuilder;

use super::{QUIET, SHORT};

pub(super) struct Endless;

impl Scenario for Endless {
    fn name(&self) -> &'static str {
        "test-endless"
    }

    fn about(&self) -> &'static str {
        "A program loops without a call that the simulator sees."
    }

    fn network(&self) -> NetworkRange {
        QUIET
    }

    fn limits(&self) -> Limits {
        SHORT
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.client("client", |_| {
            loop {
                spin_loop();
            }
        });
    }
}
