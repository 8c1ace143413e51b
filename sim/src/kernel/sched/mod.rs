//! Which thread runs next.

mod random;

use crate::event::Tid;

pub use random::RandomWalk;

/// Chooses among the threads that can run.
pub trait Scheduler {
    /// The place in `runnable` (two or more threads, in an order that depends on nothing but the
    /// run) of the thread that runs next. `current` is the thread that was running, if it still
    /// can. `draw(n)` gives a recorded choice in `0..n`.
    fn pick(
        &mut self,
        runnable: &[Tid],
        current: Option<Tid>,
        draw: &mut dyn FnMut(u32) -> u32,
    ) -> usize;
}
