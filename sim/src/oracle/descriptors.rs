//! Descriptors: what WSPDuplicateSocket offers is good for one more descriptor of its socket.

use super::book::{ActiveCall, SocketId, failed};
use super::facts::{Outcome, ProcessKey, Special};
use super::violation::{Verdict, Violation};
use crate::event::MachineId;

/// A WSAPROTOCOL_INFOW that WSPDuplicateSocket gave.
struct Offer {
    process: ProcessKey,
    /// xxh3 of it.
    info: u64,
    socket: SocketId,
    used: bool,
}

/// The oracle: the offers of the run.
#[derive(Default)]
pub(super) struct DescriptorOracle {
    offers: Vec<Offer>,
}

impl DescriptorOracle {
    /// WSPDuplicateSocket has left.
    pub(super) fn offered(&mut self, call: &ActiveCall, outcome: &Outcome<'_>) {
        let (Special::Duplicate, Some(info)) = (&call.call.special, outcome.info) else { return };
        if let Some(socket) = call.socket
            && !failed(call.call.function, outcome)
        {
            let process = call.process;
            // A provider may make a used one over again.
            self.offers.retain(|o| !(o.used && o.process == process && o.info == info));
            self.offers.push(Offer { process, info, socket, used: false });
        }
    }

    /// WSPSocket has left: the socket that it gave another descriptor of, if it did.
    pub(super) fn taken(
        &mut self,
        call: &ActiveCall,
        outcome: &Outcome<'_>,
    ) -> (Option<SocketId>, Verdict) {
        let Special::Socket { info: Some(info), .. } = call.call.special else {
            return (None, Ok(()));
        };
        if failed(call.call.function, outcome) {
            return (None, Ok(()));
        }
        let mine = |offer: &&mut Offer| offer.process == call.process && offer.info == info;
        let Some(offer) = self.offers.iter_mut().find(mine) else { return (None, Ok(())) };
        if !core::mem::replace(&mut offer.used, true) {
            return (Some(offer.socket), Ok(()));
        }
        let message = format!(
            "{} gave a second descriptor for one WSAPROTOCOL_INFOW of WSPDuplicateSocket's",
            call.words()
        );
        (Some(offer.socket), Err(Violation::new("error-code", "DUPLICATE-2", message)))
    }

    pub(super) fn forget_process(&mut self, process: ProcessKey) {
        self.offers.retain(|offer| offer.process != process);
    }

    pub(super) fn forget_machine(&mut self, machine: MachineId) {
        self.offers.retain(|offer| offer.process.machine != machine);
    }
}

#[cfg(test)]
mod tests;
