//! What the cross-crate tests share: a provider that is wrong on purpose, and the small scenarios
//! that show it.

pub mod faulty;
pub mod scene;
pub mod sim_bed;
