//! What a program of the simulator needs besides Windows: time, choices, names, marks.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use provider_core::Profile;

use crate::event::{MachineId, Point, What};
use crate::world::Directory;

use super::Os;

impl Os {
    /// Virtual nanoseconds since the run began.
    pub fn now_ns(&self) -> u64 {
        self.kernel().point(Point::Client);
        self.kernel().now_ns()
    }

    /// A number in `0..n`, drawn from the seed for this machine's programs.
    pub fn random_below(&self, n: u32) -> u32 {
        self.kernel().shared.below(self.kernel().program, n)
    }

    /// Fills `bytes` from the seed.
    pub fn random_bytes(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(4) {
            let word = self.kernel().shared.word(self.kernel().program).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    /// The reading of the contract that the run's providers follow.
    pub fn profile(&self) -> Profile {
        self.kernel().shared.settings.profile
    }

    /// This machine.
    pub fn machine(&self) -> MachineId {
        self.kernel().id
    }

    /// The IPv4 address of the machine of that name. An unknown name is a mistake in the scenario,
    /// and a finding; the address is then nobody's.
    pub fn address_of(&self, name: &str) -> IpAddr {
        self.named(name).map_or(Ipv4Addr::new(10, 255, 255, 254), Directory::v4).into()
    }

    /// The IPv6 address of the machine of that name; see [`Self::address_of`].
    pub fn address_of_v6(&self, name: &str) -> IpAddr {
        let nobody = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0xfffe);
        self.named(name).map_or(nobody, Directory::v6).into()
    }

    fn named(&self, name: &str) -> Option<MachineId> {
        let machine = self.kernel().shared.directory.find(name);
        if machine.is_none() {
            self.fail(&format!("the scenario knows no machine named {name:?}"));
        }
        machine
    }

    /// Whether faults are off for good: what does not work now never will.
    pub fn is_calm(&self) -> bool {
        self.kernel().point(Point::Client);
        self.kernel().shared.faults.borrow().is_calm()
    }

    /// Puts a mark into the trace and the digest.
    pub fn mark(&self, mark: u64) {
        self.kernel().record(What::Mark(mark));
    }

    /// The program found something wrong: a finding, which ends the run.
    pub fn fail(&self, message: &str) {
        self.report("scenario", "what the program expects", message.to_owned());
        self.kernel().point(Point::Client);
    }

    /// [Fails](Self::fail) with `message` unless `holds`.
    pub fn check(&self, holds: bool, message: &str) {
        if !holds {
            self.fail(message);
        }
    }

    /// Takes the machine's power away at the end of this step, as the crash fault does.
    pub fn lose_power(&self) {
        self.kernel().crash_wanted.set(true);
        self.sleep(super::INFINITE);
    }
}
