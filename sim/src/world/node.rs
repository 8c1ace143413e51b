//! What the driver asks of a machine: the seam between the world and the kernel.

use crate::event::MachineId;

/// A packet that a machine puts on the wire; the link layer decides what becomes of it.
#[derive(Debug)]
pub struct Outgoing {
    /// Where it goes.
    pub to: MachineId,
    /// When the sender's stack gave it out, in virtual nanoseconds.
    pub sent_ns: u64,
    /// The IP packet, in a buffer from [`Shared::buffer`](super::Shared::buffer) where possible:
    /// the driver gives it back to the pool.
    pub bytes: Vec<u8>,
}

/// A packet on the wire, on its way to a machine.
#[derive(Debug)]
pub struct WirePacket {
    /// When it reaches the machine, in virtual nanoseconds. Never before the step in which the
    /// machine gets to see it, so that the machine holds it until then.
    pub due_ns: u64,
    /// The sender.
    pub from: MachineId,
    /// The IP packet, in a buffer that goes back to
    /// [`Shared::recycle`](super::Shared::recycle) when it is used up.
    pub bytes: Vec<u8>,
}

/// One incarnation of a machine: from its start to its end or its crash.
///
/// The driver calls all of this from outside of the machine's threads. It never holds a borrow of
/// [`Shared`](super::Shared)'s cells across a call.
pub trait Node {
    /// Takes a packet to hold until it is due. Packets that are due at the same time are handled
    /// in the order of their senders' ids, and one sender's in the order given here. A packet whose
    /// link is cut when it is due ([`Shared::is_cut`](super::Shared::is_cut)) is dropped.
    fn receive(&self, packet: WirePacket);

    /// Runs everything that is due in `now_ns..until_ns`; threads run until they all wait or
    /// reach `until_ns`. Stops early when [`Shared::stopping_run`](super::Shared::stopping_run).
    fn run(&self, now_ns: u64, until_ns: u64);

    /// The earliest virtual time at which there is something to do, packets held included; a time
    /// in the past means at once, `None` never.
    fn next_due(&self) -> Option<u64>;

    /// Moves what was sent since the last call into `into`, in the order of sending.
    fn take_sent(&self, into: &mut Vec<Outgoing>);

    /// Whether the machine wants to lose power at the end of this step.
    fn crash_requested(&self) -> bool;

    /// Whether the program's main function returned and its process ended.
    fn finished(&self) -> bool;

    /// Sets the stop event that servers wait for. Called once, between steps.
    fn stop(&self);

    /// Loses power: threads are gone without another step of theirs, nothing is sent any more. The
    /// node is dropped soon after.
    fn power_off(&self);

    /// Writes one line for each thread that has not ended: its name and what it waits for.
    fn describe(&self, into: &mut String);
}
