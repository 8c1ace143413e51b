//! What a receive gives the client is what the transport gave the provider: streams byte for byte
//! in order, datagrams whole and once.
//!
//! Several receives may be in progress on a socket; a content that does not fit yet waits until the
//! earlier ones have ended.

mod urgent;

use std::collections::VecDeque;

use xxhash_rust::xxh3::xxh3_64;

use self::urgent::Urgent;

use super::book::{ActiveCall, Book, SocketId};
use super::facts::{CallId, Received, Special};
use super::hash::Map;
use super::transports::Tsock;
use super::violation::{Verdict, Violation};

const NAME: &str = "receive";
/// Datagrams remembered that nobody took yet.
const UNDELIVERED_MAX: usize = 4096;
/// Datagrams remembered that were looked at.
const PEEKED_MAX: usize = 256;

struct Datagram {
    hash: u64,
    /// What the provider got of it.
    len: usize,
    from: Option<core::net::SocketAddr>,
}

/// What came in on one transport socket.
#[derive(Default)]
struct Inbox {
    bytes: Vec<u8>,
    /// How many of them were delivered.
    taken: usize,
    datagrams: Vec<Datagram>,
    /// What was looked at and left there. A look may be told of after another receive took it.
    peeked: VecDeque<Datagram>,
}

/// A receive in progress.
struct Open {
    call: CallId,
    /// Its entry and its exit, on the socket's own count.
    entered: u64,
    left: u64,
    /// It leaves what it gives (MSG_PEEK).
    peeks: bool,
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    /// Contents that do not fit yet.
    waiting: Vec<(u64, Vec<u8>)>,
    clock: u64,
    unsure: bool,
}

/// The oracle.
#[derive(Default)]
pub(super) struct ReceiveOracle {
    urgent: Urgent,
    inboxes: Map<Tsock, Inbox>,
    readers: Vec<Reader>,
}

impl ReceiveOracle {
    fn reader(&mut self, id: SocketId) -> &mut Reader {
        let index = id.0 as usize;
        if self.readers.len() <= index {
            self.readers.resize_with(index + 1, Reader::default);
        }
        &mut self.readers[index]
    }

    /// The transport gave bytes of a stream.
    pub(super) fn bytes_arrived(&mut self, tsock: Tsock, data: &[u8]) {
        let inbox = self.inboxes.entry(tsock).or_default();
        if inbox.taken > 1 << 16 && inbox.taken * 2 > inbox.bytes.len() {
            inbox.bytes.drain(..inbox.taken);
            inbox.taken = 0;
        }
        inbox.bytes.extend_from_slice(data);
    }

    /// The transport gave a datagram: the xxh3 and the length of what the provider got of it.
    pub(super) fn datagram_arrived(
        &mut self,
        tsock: Tsock,
        hash: u64,
        len: usize,
        from: Option<core::net::SocketAddr>,
    ) {
        let inbox = self.inboxes.entry(tsock).or_default();
        if inbox.datagrams.len() >= UNDELIVERED_MAX {
            inbox.datagrams.remove(0);
        }
        inbox.datagrams.push(Datagram { hash, len, from });
    }

    /// The transport gave a datagram and kept it.
    pub(super) fn datagram_peeked(
        &mut self,
        tsock: Tsock,
        hash: u64,
        len: usize,
        from: Option<core::net::SocketAddr>,
    ) {
        let peeked = &mut self.inboxes.entry(tsock).or_default().peeked;
        if peeked.len() >= PEEKED_MAX {
            peeked.pop_front();
        }
        peeked.push_back(Datagram { hash, len, from });
    }

    pub(super) fn enter(&mut self, call: &ActiveCall) {
        let Some(id) = call.socket else { return };
        let reader = self.reader(id);
        reader.clock += 1;
        let peeks = matches!(call.call.special, Special::Receive { peek: true, .. });
        let (call, entered) = (call.id, reader.clock);
        reader.open.push(Open { call, entered, left: u64::MAX, peeks });
    }

    /// The call left; an overlapped one goes on.
    pub(super) fn leave(&mut self, id: SocketId, call: CallId, goes_on: bool) {
        let reader = self.reader(id);
        reader.clock += 1;
        let now = reader.clock;
        if goes_on {
            if let Some(open) = reader.open.iter_mut().find(|open| open.call == call) {
                open.left = now;
            }
        } else {
            reader.open.retain(|open| open.call != call);
        }
    }

    /// Nobody can tell any more what this socket's receives should give.
    pub(super) fn give_up(&mut self, id: SocketId) {
        let reader = self.reader(id);
        reader.unsure = true;
        reader.waiting.clear();
    }

    /// A receive ended with content (empty where it failed). `words` are for a message.
    #[allow(clippy::too_many_arguments, reason = "what a receive had and gave")]
    pub(super) fn delivered(
        &mut self,
        book: &Book,
        id: SocketId,
        tsock: Option<Tsock>,
        call: CallId,
        received: Option<Received<'_>>,
        how: Delivery,
        words: impl Fn() -> String,
    ) -> Verdict {
        let reader = self.reader(id);
        let open = reader.open.iter().find(|open| open.call == call);
        let (entered, peeks) = open.map_or((0, false), |open| (open.entered, open.peeks));
        reader.open.retain(|open| open.call != call);
        let idle = reader.open.iter().all(|open| open.peeks);
        if reader.unsure {
            return Ok(());
        }
        let Some(tsock) = tsock else { return Ok(()) };
        if book.socket(id).facts.stream {
            if peeks {
                return Ok(());
            }
            let bytes = received.map_or(&[][..], |received| received.bytes);
            return self.stream(id, tsock, entered, bytes, idle, &words);
        }
        match received {
            Some(received) => self.datagram(tsock, received, how, peeks, &words),
            None => Ok(()),
        }
    }

    fn stream(
        &mut self,
        id: SocketId,
        tsock: Tsock,
        entered: u64,
        bytes: &[u8],
        idle: bool,
        words: &impl Fn() -> String,
    ) -> Verdict {
        let inbox = self.inboxes.entry(tsock).or_default();
        let reader = &mut self.readers[id.0 as usize];
        let fits = |inbox: &Inbox, bytes: &[u8]| inbox.bytes[inbox.taken..].starts_with(bytes);
        let may_go = |reader: &Reader, entered: u64| {
            reader.open.iter().all(|open| open.peeks || open.left > entered)
        };
        if reader.waiting.is_empty() && may_go(reader, entered) && fits(inbox, bytes) {
            inbox.taken += bytes.len();
            return Ok(());
        }
        if !bytes.is_empty() {
            reader.waiting.push((entered, bytes.to_vec()));
        }
        loop {
            let next = reader
                .waiting
                .iter()
                .position(|(entered, bytes)| may_go(reader, *entered) && fits(inbox, bytes));
            let Some(next) = next else { break };
            inbox.taken += reader.waiting.remove(next).1.len();
        }
        let stuck = idle && !reader.waiting.is_empty();
        if !stuck {
            return Ok(());
        }
        let (_, odd) = &reader.waiting[0];
        let due = &inbox.bytes[inbox.taken..];
        let same = odd.iter().zip(due).take_while(|(a, b)| a == b).count();
        let message = format!(
            "{} gave bytes that are not the next ones that the transport gave: {} bytes, of which \
             the first {same} agree; {} bytes of the transport's were due{}",
            words(),
            odd.len(),
            due.len(),
            crate::memory::Pattern::recognise(&odd[same..])
                .map_or_else(String::new, |mark| format!("; it gave the mark of {mark}"))
        );
        reader.unsure = true;
        Err(Violation::new(NAME, "ORD-2", message))
    }

    fn datagram(
        &mut self,
        tsock: Tsock,
        received: Received<'_>,
        how: Delivery,
        peeks: bool,
        words: &impl Fn() -> String,
    ) -> Verdict {
        let inbox = self.inboxes.entry(tsock).or_default();
        let hash = xxh3_64(received.bytes);
        let from_fits = |datagram: &Datagram| match (received.from, datagram.from) {
            (Some(a), Some(b)) => a.port() == b.port() && a.ip() == b.ip(),
            _ => true,
        };
        let is_it = |datagram: &Datagram| {
            from_fits(datagram)
                && if how == Delivery::Truncated && datagram.len > received.bytes.len() {
                    true
                } else {
                    datagram.hash == hash && datagram.len == received.bytes.len()
                }
        };
        if peeks && inbox.peeked.iter().chain(&inbox.datagrams).any(is_it) {
            return Ok(());
        }
        match inbox.datagrams.iter().position(is_it).filter(|_| !peeks) {
            Some(index) => {
                inbox.datagrams.remove(index);
                Ok(())
            }
            None => Err(Violation::new(
                NAME,
                "RET-14",
                format!(
                    "{} gave a datagram of {} bytes{} that the transport did not give, or gave only \
                     once before",
                    words(),
                    received.bytes.len(),
                    received.from.map_or_else(String::new, |from| format!(" from {from}"))
                ),
            )),
        }
    }
}

/// How a receive took what it gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Whole,
    Truncated,
}

#[cfg(test)]
mod tests;
