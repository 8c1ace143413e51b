//! A machine as the world's driver holds it: one incarnation, from its start to its end or crash.

use std::rc::Rc;

use crate::event::MachineId;
use crate::kernel::{Counters, Duty, Kernel};
use crate::process::Process;
use crate::world::{MachineSpec, Node, Outgoing, Shared, WirePacket};

/// The owner of a machine's kernel. Dropping it takes the power off, which lets go of all the
/// machine's parts, whatever they hold of each other.
pub struct Machine {
    kernel: Rc<Kernel>,
    main: Rc<Process>,
}

impl Machine {
    /// Starts the machine of `spec`: one process, whose main thread runs the program. `counters`
    /// belong to the machine over all its incarnations.
    pub fn boot(
        shared: Rc<Shared>,
        spec: &Rc<MachineSpec>,
        counters: Rc<Counters>,
        incarnation: u32,
        now_ns: u64,
    ) -> Self {
        let kernel = Kernel::new(shared, spec.id, counters, incarnation, now_ns);
        let main = Process::new(&kernel, &*spec.provider);
        let program = Rc::clone(&spec.program);
        kernel.create_thread(&main, "main", Duty::Main, false, move |os| program(os));
        Self { kernel, main }
    }

    /// Which machine.
    pub fn id(&self) -> MachineId {
        self.kernel.id
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kernel.power_off();
    }
}

impl Node for Machine {
    fn receive(&self, packet: WirePacket) {
        self.kernel.hold(packet);
    }

    fn run(&self, now_ns: u64, until_ns: u64) {
        self.kernel.run(now_ns, until_ns);
    }

    fn next_due(&self) -> Option<u64> {
        self.kernel.next_due()
    }

    fn take_sent(&self, into: &mut Vec<Outgoing>) {
        self.kernel.take_sent(into);
    }

    fn crash_requested(&self) -> bool {
        self.kernel.crash_wanted.get()
    }

    fn finished(&self) -> bool {
        self.main.ended()
    }

    fn stop(&self) {
        let stop = Rc::clone(&self.kernel.stop_event);
        self.kernel.set_event(&stop);
    }

    fn power_off(&self) {
        self.kernel.power_off();
    }

    fn describe(&self, into: &mut String) {
        self.kernel.describe(into);
    }
}
