//! The random walk: each runnable thread is as likely as the others, save that the running one may
//! be kept more often.

use crate::event::Tid;

use super::Scheduler;

/// A random walk.
#[derive(Clone, Copy, Debug)]
pub struct RandomWalk {
    stickiness: u32,
}

impl RandomWalk {
    /// Stays with the running thread `stickiness` times in 256 before any choice is made.
    pub fn new(stickiness: u8) -> Self {
        Self { stickiness: u32::from(stickiness) }
    }
}

impl Scheduler for RandomWalk {
    fn pick(
        &mut self,
        runnable: &[Tid],
        current: Option<Tid>,
        draw: &mut dyn FnMut(u32) -> u32,
    ) -> usize {
        let count = runnable.len() as u32;
        let here = current.and_then(|tid| runnable.iter().position(|other| *other == tid));
        let Some(here) = here.filter(|_| self.stickiness > 0) else {
            return draw(count) as usize;
        };
        // One choice decides both whether to stay and where to go.
        let drawn = draw(count * 256);
        let stay = self.stickiness * count;
        if drawn < stay { here } else { ((drawn - stay) / (256 - self.stickiness)) as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picks(stickiness: u8, current: Option<Tid>) -> [u32; 3] {
        let mut walk = RandomWalk::new(stickiness);
        let runnable = [Tid(4), Tid(7), Tid(9)];
        let mut counts = [0; 3];
        for step in 0..768 {
            // Every value of the choice, evenly.
            let mut draw = |n: u32| step % n;
            counts[walk.pick(&runnable, current, &mut draw)] += 1;
        }
        counts
    }

    #[test]
    fn without_stickiness_all_are_as_likely() {
        assert_eq!(picks(0, Some(Tid(7))), [256; 3]);
        assert_eq!(picks(128, None), [256; 3]);
        assert_eq!(picks(128, Some(Tid(1))), [256; 3]);
    }

    #[test]
    fn stickiness_keeps_the_running_thread() {
        // Half stays; the other half is shared by all three.
        assert_eq!(picks(128, Some(Tid(7))), [128, 512, 128]);
        assert_eq!(picks(255, Some(Tid(9))), [1, 1, 766]);
    }
}
