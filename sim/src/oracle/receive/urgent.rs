//! Urgent data that a receive gives the client is what the transport gave the provider, once.

use super::super::facts::{CallId, Received};
use super::super::hash::Map;
use super::super::transports::Tsock;
use super::super::violation::{Verdict, Violation};
use super::{NAME, ReceiveOracle};

/// Peeked bytes remembered.
const PEEKED_MAX: usize = 64;

/// Urgent bytes of all streams.
#[derive(Default)]
pub(super) struct Urgent {
    /// The calls that asked for one and are in progress, and whether they only look (MSG_PEEK).
    calls: Vec<(CallId, bool)>,
    /// What the transport gave and no client got yet.
    given: Map<Tsock, Vec<u8>>,
    /// What it let be seen, lately.
    seen: Map<Tsock, Vec<u8>>,
}

impl ReceiveOracle {
    /// The transport gave an urgent byte, or let it be seen.
    pub(in super::super) fn urgent_arrived(&mut self, tsock: Tsock, byte: u8, peek: bool) {
        let urgent = &mut self.urgent;
        let bytes = if peek { &mut urgent.seen } else { &mut urgent.given };
        let bytes = bytes.entry(tsock).or_default();
        if peek && bytes.len() == PEEKED_MAX {
            bytes.remove(0);
        }
        bytes.push(byte);
    }

    /// A receive of urgent data entered.
    pub(in super::super) fn urgent_entered(&mut self, call: CallId, peek: bool) {
        self.urgent.calls.push((call, peek));
    }

    /// Whether this receive is one of urgent data.
    pub(in super::super) fn is_urgent(&self, call: CallId) -> bool {
        self.urgent.calls.iter().any(|(known, _)| *known == call)
    }

    /// It ended, with content where it did not fail.
    pub(in super::super) fn urgent_delivered(
        &mut self,
        tsock: Option<Tsock>,
        call: CallId,
        received: Option<Received<'_>>,
        words: impl Fn() -> String,
    ) -> Verdict {
        let calls = &mut self.urgent.calls;
        let Some(open) = calls.iter().position(|(known, _)| *known == call) else { return Ok(()) };
        let (_, peek) = calls.swap_remove(open);
        let (Some(tsock), Some(received)) = (tsock, received) else { return Ok(()) };
        let odd = match received.bytes {
            [] => return Ok(()),
            [byte] => {
                let known = if peek { &mut self.urgent.seen } else { &mut self.urgent.given };
                let known = known.entry(tsock).or_default();
                match known.iter().position(|given| given == byte) {
                    Some(_) if peek => return Ok(()),
                    Some(at) => {
                        known.remove(at);
                        return Ok(());
                    }
                    None => format!("{byte:#04x}, which the transport did not give as such"),
                }
            }
            bytes => format!("{} bytes, where there is one at a time", bytes.len()),
        };
        Err(Violation::new(NAME, "RECV-22", format!("{} gave the urgent data {odd}", words())))
    }
}
