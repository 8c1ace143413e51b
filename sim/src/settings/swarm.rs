//! The swarm draw: which faults exist in a run, how often they strike, and on what network.

use provider_core::Profile;

use crate::choice::{Choices, Purpose, Rate, Stream};
use crate::fault::{Fault, FaultPlan, Kind};

use super::{Bounds, MS, Network, NetworkRange, Settings};

/// Every draw takes the same number of words in the same order, whatever it gives, so that a fault
/// added at the end of the catalogue moves nothing before it.
struct Draw {
    choices: Choices,
    stream: Stream,
}

impl Draw {
    fn below(&mut self, bound: u32) -> u32 {
        debug_assert!(bound > 1, "a draw of one value takes no word");
        self.choices.below(self.stream, bound)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        // A whole word, so that a list of one value takes one too.
        part_of(from, self.choices.word(self.stream))
    }
}

fn part_of<T: Copy>(from: &[T], word: u32) -> T {
    from[((u64::from(word) * from.len() as u64) >> 32) as usize]
}

pub(super) fn draw(seed: u64, bounds: Bounds) -> Settings {
    let mut choices = Choices::from_seed(seed);
    let stream = choices.stream(Purpose::Settings, 0);
    let mut draw = Draw { choices, stream };

    let profile = draw.pick(&[Profile::Documented, Profile::Windows]);
    let network = network(&mut draw, bounds.network);
    let reuse_handles = draw.below(2) == 1;
    let stickiness = draw.pick(&[0, 0, 128, 192, 230, 250]);
    let plan = plan(&mut draw, bounds);
    // Another thread's close of a handle that is already somebody else's socket is the program's
    // own mistake: no provider could tell.
    let reuse_handles = reuse_handles && !plan.has(Fault::Close);

    Settings { profile, network, plan, limits: bounds.limits, reuse_handles, stickiness }
}

fn network(draw: &mut Draw, range: NetworkRange) -> Network {
    // In thirty-seconds of the range: mostly short, sometimes up to its whole width.
    let min = u64::from(draw.pick(&[0u32, 0, 0, 1, 2, 8]));
    let width = u64::from(draw.pick(&[0u32, 1, 2, 4, 8, 16, 32]));
    let in_order = draw.below(4) != 0;
    let mtu_part = draw.choices.word(draw.stream);
    let mtu_small = draw.pick(&[576, 1280, 1000]);
    let bytes_per_second = draw.pick(&[20_000, 100_000, 1_000_000, 10_000_000]);
    let extra_delay_ns = draw.pick(&[20, 200, 1_000, 5_000]) * MS;
    match range {
        NetworkRange::Fixed(network) => network,
        NetworkRange::Drawn { least_delay_ns, most_delay_ns, mtus } => {
            let spread = most_delay_ns.saturating_sub(least_delay_ns);
            let min_delay_ns = (least_delay_ns + spread / 32 * min).max(1);
            Network {
                min_delay_ns,
                max_delay_ns: (min_delay_ns + spread / 32 * width).min(most_delay_ns),
                delay_step_ns: 0,
                in_order,
                loss: Rate::NEVER,
                mtu: part_of(mtus, mtu_part),
                mtu_small,
                bytes_per_second,
                extra_delay_ns,
            }
        }
    }
}

fn plan(draw: &mut Draw, bounds: Bounds) -> FaultPlan {
    let mut plan = FaultPlan::none();
    let quiet = draw.below(8) == 0;
    for fault in Fault::ALL.iter().copied() {
        let chosen = draw.below(3) == 0;
        let rate = draw.pick(rates(fault));
        let lived_with = fault.kind() == Kind::Environment || bounds.adversaries.contains(&fault);
        if chosen && lived_with && !quiet {
            plan.set_rate(fault, Rate::from_millionths(rate));
        }
    }
    plan
}

/// The rates to choose from, in millionths: suited to how many chances a run has.
fn rates(fault: Fault) -> &'static [u64] {
    match fault {
        // A chance at every call into the transport or the host.
        Fault::Enobufs | Fault::WouldBlock | Fault::ShortRoom | Fault::ApcLate => {
            &[300_000, 100_000, 30_000, 10_000]
        }
        Fault::ApcRefused => &[30_000, 10_000, 3_000],
        Fault::Reset | Fault::Abort | Fault::KeepAlive | Fault::NetDown | Fault::Unreachable => {
            &[20_000, 5_000, 1_000]
        }
        // A chance at every packet.
        Fault::Drop | Fault::Corrupt => &[100_000, 30_000, 10_000, 3_000],
        Fault::Delay | Fault::Duplicate | Fault::Reorder => &[200_000, 50_000, 10_000],
        Fault::Mtu => &[100_000, 20_000],
        Fault::Bandwidth => &[1_000_000, 300_000],
        // A chance every 50 virtual milliseconds.
        Fault::Partition => &[100_000, 30_000, 10_000],
        Fault::Crash => &[30_000, 10_000],
        // A chance at every call of the SPI with a socket, or of the client's.
        Fault::Shutdown | Fault::Close | Fault::Flush => &[50_000, 10_000, 2_000],
        Fault::ThreadExit | Fault::Terminate => &[20_000, 5_000, 1_000],
        Fault::CancelBlocking => &[100_000, 20_000],
    }
}
