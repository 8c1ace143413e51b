//! Being told that sockets are ready.

use core::time::Duration;

use provider_core::layout::{POINTER, fd_set, network_events, timeval};
use provider_core::spi::{FD_MAX_EVENTS, SOCKET_ERROR};
use provider_core::{EventHandle, ServiceProvider, SocketHandle, UserPtr, WindowHandle, WsaError};

use super::Os;
use super::args::Args;

/// An fd_set.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FdSet {
    sockets: Vec<SocketHandle>,
}

impl FdSet {
    /// FD_ZERO.
    pub const fn new() -> Self {
        Self { sockets: Vec::new() }
    }

    /// FD_SET.
    pub fn insert(&mut self, s: SocketHandle) {
        if !self.contains(s) {
            self.sockets.push(s);
        }
    }

    /// FD_CLR.
    pub fn remove(&mut self, s: SocketHandle) {
        self.sockets.retain(|other| *other != s);
    }

    /// FD_ISSET.
    pub fn contains(&self, s: SocketHandle) -> bool {
        self.sockets.contains(&s)
    }

    /// Its sockets.
    pub fn sockets(&self) -> &[SocketHandle] {
        &self.sockets
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; fd_set::ARRAY];
        bytes[..4].copy_from_slice(&(self.sockets.len() as u32).to_le_bytes());
        bytes.extend(self.sockets.iter().flat_map(|s| s.0.to_le_bytes()));
        bytes
    }

    fn decode(bytes: &[u8]) -> Self {
        let (head, array) = bytes.split_at(fd_set::ARRAY);
        let count = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let (words, _) = array.as_chunks::<POINTER>();
        let sockets = words.iter().take(count).map(|w| SocketHandle(usize::from_le_bytes(*w)));
        Self { sockets: sockets.collect() }
    }
}

impl FromIterator<SocketHandle> for FdSet {
    fn from_iter<I: IntoIterator<Item = SocketHandle>>(sockets: I) -> Self {
        let mut set = Self::new();
        sockets.into_iter().for_each(|s| set.insert(s));
        set
    }
}

/// A WSANETWORKEVENTS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct NetworkEvents {
    /// `lNetworkEvents`.
    pub events: i32,
    /// `iErrorCode`: of the events that are set.
    pub errors: [i32; FD_MAX_EVENTS],
}

impl NetworkEvents {
    /// Whether `event` is set.
    pub const fn has(&self, event: i32) -> bool {
        self.events & event != 0
    }

    /// Why the event at `place` (FD_READ_BIT ...) came with an error, if it did.
    pub fn error(&self, place: usize) -> Option<WsaError> {
        Some(WsaError(self.errors[place])).filter(|error| error.0 != 0)
    }
}

impl Os {
    /// select: leaves in each set what is ready, and gives how many that are. `None` waits for
    /// ever.
    ///
    /// # Errors
    /// As WSPSelect; the sets are as they were then.
    pub fn select(
        &self,
        sets: [&mut FdSet; 3],
        timeout: Option<Duration>,
    ) -> Result<usize, WsaError> {
        let mut args = Args::new(self)?;
        let staged = [0, 1, 2].map(|place| match sets[place].sockets.is_empty() {
            true => args.room(0),
            false => args.staged(&sets[place].encode()),
        });
        let time = timeout.map(|timeout| {
            let mut bytes = [0; timeval::SIZE];
            let seconds = i32::try_from(timeout.as_secs()).unwrap_or(i32::MAX);
            bytes[..4].copy_from_slice(&seconds.to_le_bytes());
            bytes[timeval::MICROSECONDS..].copy_from_slice(&timeout.subsec_micros().to_le_bytes());
            args.staged(&bytes).buf
        });
        let [read, write, except] = staged.map(|staged| staged.buf);
        let (time, errno) = (time.unwrap_or(UserPtr::NULL), args.errno());
        let count = args.spi.wsp_select(0, read, write, except, time, errno);
        if count == SOCKET_ERROR {
            return Err(args.failed());
        }
        for (set, staged) in sets.into_iter().zip(staged).filter(|(_, staged)| staged.len > 0) {
            let mut bytes = vec![0; staged.len as usize];
            self.read_user(staged.buf, &mut bytes);
            *set = FdSet::decode(&bytes);
        }
        Ok(count as usize)
    }

    /// WSAEventSelect.
    ///
    /// # Errors
    /// As WSPEventSelect.
    pub fn wsa_event_select(
        &self,
        s: SocketHandle,
        event: EventHandle,
        events: i32,
    ) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        args.done(args.spi.wsp_event_select(s, event, events, args.errno()))
    }

    /// WSAEnumNetworkEvents; resets `event` if it is given.
    ///
    /// # Errors
    /// As WSPEnumNetworkEvents.
    pub fn wsa_enum_network_events(
        &self,
        s: SocketHandle,
        event: Option<EventHandle>,
    ) -> Result<NetworkEvents, WsaError> {
        let mut args = Args::new(self)?;
        let (out, event) =
            (args.staged(&[0; network_events::SIZE]), event.unwrap_or(EventHandle(0)));
        args.done(args.spi.wsp_enum_network_events(s, event, out.buf, args.errno()))?;
        let word = |at: usize| self.read_u32(out.buf.offset(at)) as i32;
        let errors = core::array::from_fn(|place| word(network_events::ERROR_CODES + 4 * place));
        Ok(NetworkEvents { events: word(0), errors })
    }

    /// WSAAsyncSelect.
    ///
    /// # Errors
    /// As WSPAsyncSelect.
    pub fn wsa_async_select(
        &self,
        s: SocketHandle,
        window: WindowHandle,
        message: u32,
        events: i32,
    ) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        args.done(args.spi.wsp_async_select(s, window, message, events, args.errno()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_survives_the_bytes_that_carry_it() {
        let mut set: FdSet = [4, 8, 8, 12].map(SocketHandle).into_iter().collect();
        assert_eq!(set.sockets().len(), 3);
        set.remove(SocketHandle(8));
        let mut bytes = set.encode();
        assert_eq!(FdSet::decode(&bytes), set);
        bytes[0] = 1;
        assert_eq!(FdSet::decode(&bytes).sockets(), [SocketHandle(4)]);
    }
}
