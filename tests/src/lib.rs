//! What the cross-crate tests share: a provider that is wrong on purpose and the small scenarios
//! that show it, and a model of the send side with a bench to hold the core against it.

pub mod bench;
pub mod duel;
pub mod faulty;
pub mod model;
pub mod scene;
pub mod sim_bed;
