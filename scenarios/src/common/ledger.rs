//! What was sent and what arrived, over all machines of a run: the programs' own bookkeeping.

use core::cell::RefCell;
use std::collections::BTreeMap;

use wspsim::api::Os;

use super::tagged::front_tag;

#[derive(Clone, Copy, Default)]
struct Datagram {
    arrived: bool,
    /// Its send was refused, or ended without success.
    not_sent: bool,
}

#[derive(Default)]
struct Stream {
    sent: Option<Vec<u8>>,
    /// And whether it ended gracefully.
    received: Option<(Vec<u8>, bool)>,
}

/// Shared by the programs of a scenario.
#[derive(Default)]
pub(crate) struct Ledger {
    datagrams: RefCell<BTreeMap<u64, Datagram>>,
    streams: RefCell<BTreeMap<u64, Stream>>,
}

impl Ledger {
    /// A datagram is about to be sent.
    pub(crate) fn sending(&self, tag: u64) {
        self.datagrams.borrow_mut().insert(tag, Datagram::default());
    }

    /// Its send was refused, aborted, or failed: it must not be on the network (RET-4, CXL-8).
    pub(crate) fn not_sent(&self, os: &Os, tag: u64) {
        let arrived = self.datagrams.borrow_mut().get_mut(&tag).is_some_and(|datagram| {
            datagram.not_sent = true;
            datagram.arrived
        });
        os.check(!arrived, "a datagram arrived whose send did not succeed");
    }

    /// A datagram arrived.
    pub(crate) fn arrived(&self, os: &Os, tag: u64) {
        let known = self.datagrams.borrow_mut().get_mut(&tag).map(|datagram| {
            datagram.arrived = true;
            datagram.not_sent
        });
        match known {
            None => os.fail("a datagram arrived that nobody sent"),
            Some(true) => os.fail("a datagram arrived after its send ended without success"),
            Some(false) => {}
        }
    }

    /// Whether the datagram arrived.
    pub(crate) fn has_arrived(&self, tag: u64) -> bool {
        self.datagrams.borrow().get(&tag).is_some_and(|datagram| datagram.arrived)
    }

    /// All that was ever sent on the stream that begins with `tag`: exactly what was reported.
    fn stream_sent(&self, os: &Os, tag: u64, bytes: Vec<u8>) {
        self.streams.borrow_mut().entry(tag).or_default().sent = Some(bytes);
        self.compare(os, tag);
    }

    /// The same of a stream that is over, where it is known what was sent. With `waits`, whether all
    /// of it arrives and ends gracefully, for as long as a stack goes on with what is left.
    pub(crate) fn stream_over(&self, os: &Os, sent: Option<Vec<u8>>, waits: bool) -> bool {
        const LOOK_MS: u32 = 100;
        const LOOKS: u32 = 1300;
        let Some(sent) = sent else { return false };
        let Some(tag) = front_tag(&sent) else { return false };
        self.stream_sent(os, tag, sent);
        for _ in 0..if waits { LOOKS } else { 0 } {
            if let Some(whole) = self.stream_ended(tag) {
                return whole;
            }
            os.sleep(LOOK_MS);
        }
        false
    }

    /// All that arrived of it, and whether it ended gracefully.
    pub(crate) fn stream_received(&self, os: &Os, tag: u64, bytes: Vec<u8>, graceful: bool) {
        self.streams.borrow_mut().entry(tag).or_default().received = Some((bytes, graceful));
        self.compare(os, tag);
    }

    /// Whether the stream arrived whole and ended gracefully; `None` while its receiver has not
    /// told.
    fn stream_ended(&self, tag: u64) -> Option<bool> {
        let streams = self.streams.borrow();
        streams.get(&tag)?.received.as_ref().map(|(_, graceful)| *graceful)
    }

    fn compare(&self, os: &Os, tag: u64) {
        let streams = self.streams.borrow();
        let Some(Stream { sent: Some(sent), received: Some((received, graceful)) }) =
            streams.get(&tag)
        else {
            return;
        };
        let wrong = if !sent.starts_with(received) {
            let at = sent.iter().zip(received).take_while(|(a, b)| a == b).count();
            Some(format!("from byte {at} on it is not what was sent"))
        } else if *graceful && received.len() != sent.len() {
            Some("it ended gracefully all the same".to_owned())
        } else {
            None
        };
        let message = wrong.map(|wrong| {
            format!("a stream of {} bytes arrived as {}: {wrong}", sent.len(), received.len())
        });
        drop(streams);
        if let Some(message) = message {
            os.fail(&message);
        }
    }
}
