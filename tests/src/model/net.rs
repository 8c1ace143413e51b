//! The transport below the socket, as a script: how much it has room for and what it says when it
//! has none. It is the environment, not a prediction: the model's transport and the core's are the
//! same lines.

use core::net::SocketAddr;

use provider_core::{Kind, WsaError};

use super::call::{Call, DATAGRAM_MAX};

/// Room for a datagram stands for this many bytes in [`Call::Room`].
const SLOT: usize = 64;

/// Whether this is the end of a connection.
pub(super) const fn is_fate(code: WsaError) -> bool {
    matches!(code, WsaError::WSAECONNRESET | WsaError::WSAECONNABORTED | WsaError::WSAENETRESET)
}

/// What the transport took in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Bytes of the stream.
    pub bytes: Vec<u8>,
    /// Datagrams and where they go.
    pub datagrams: Vec<(SocketAddr, Vec<u8>)>,
    /// The send half was ended.
    pub fin: bool,
    /// The socket was given back, and whether with a reset.
    pub closed: Option<bool>,
    /// Something was sent after the send half's end.
    pub late: bool,
}

impl Taken {
    /// Whether the transport heard nothing.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// The transport's half of one socket.
#[derive(Clone, Debug)]
pub struct Net {
    room: usize,
    /// The most that it takes of a stream at a time.
    most: usize,
    full: WsaError,
    fault: Option<(WsaError, u32)>,
    fate: Option<WsaError>,
    /// Whether a send was told to wait for readiness.
    waited_for: bool,
    /// What it took since it was last asked.
    taken: Taken,
    ended: bool,
    /// A port unreachable has come and was not reported.
    unreachable: bool,
}

impl Default for Net {
    fn default() -> Self {
        Self {
            room: 0,
            most: usize::MAX,
            full: WsaError::WSAEWOULDBLOCK,
            fault: None,
            fate: None,
            waited_for: false,
            taken: Taken::default(),
            ended: false,
            unreachable: false,
        }
    }
}

impl Net {
    /// The transport's part of a step, and whether readiness is told after it; none for a step
    /// that is not the transport's.
    pub fn play(&mut self, call: &Call, kind: Kind) -> Option<bool> {
        let told = match call {
            Call::Room(bytes) => {
                self.room += match kind {
                    Kind::Stream => *bytes,
                    Kind::Datagram => bytes.div_ceil(SLOT),
                };
                core::mem::take(&mut self.waited_for)
            }
            Call::Short(bytes) => {
                self.most = *bytes;
                false
            }
            Call::NoRoom => {
                self.room = 0;
                false
            }
            // A send that was told to wait for readiness is told that there is another answer.
            Call::Full(code) => {
                self.full = *code;
                *code != WsaError::WSAEWOULDBLOCK && core::mem::take(&mut self.waited_for)
            }
            Call::Fault(code, times) => {
                self.fault = Some((*code, *times));
                false
            }
            Call::Die(code) => {
                self.fate.get_or_insert(*code);
                core::mem::take(&mut self.waited_for)
            }
            Call::Unreachable => {
                self.unreachable = true;
                false
            }
            Call::Ready => {
                self.waited_for = false;
                true
            }
            _ => return None,
        };
        Some(told)
    }

    /// What was taken since this was last called.
    pub fn take_log(&mut self) -> Taken {
        core::mem::take(&mut self.taken)
    }

    fn admit(&mut self) -> Result<(), WsaError> {
        self.taken.late |= self.ended;
        if let Some(fate) = self.fate {
            return Err(fate);
        }
        if let Some((code, times)) = self.fault {
            self.fault = (times > 1).then_some((code, times - 1));
            return Err(code);
        }
        if self.room == 0 {
            self.waited_for |= self.full == WsaError::WSAEWOULDBLOCK;
            if is_fate(self.full) {
                self.fate = Some(self.full);
            }
            return Err(self.full);
        }
        Ok(())
    }

    /// [`Transport::try_send`](provider_core::Transport::try_send).
    pub fn try_send(&mut self, bytes: &[u8]) -> Result<usize, WsaError> {
        self.admit()?;
        let taken = bytes.len().min(self.room).min(self.most);
        self.room -= taken;
        self.taken.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// [`Transport::try_send_to`](provider_core::Transport::try_send_to).
    pub fn try_send_to(&mut self, datagram: &[u8], to: SocketAddr) -> Result<(), WsaError> {
        if datagram.len() > DATAGRAM_MAX {
            return Err(WsaError::WSAEMSGSIZE);
        }
        self.admit()?;
        self.room -= 1;
        self.taken.datagrams.push((to, datagram.to_vec()));
        Ok(())
    }

    /// [`Transport::take_reset`](provider_core::Transport::take_reset).
    pub const fn take_reset(&mut self) -> bool {
        core::mem::replace(&mut self.unreachable, false)
    }

    /// Whether a port unreachable was not reported.
    pub const fn is_unreachable(&self) -> bool {
        self.unreachable
    }

    /// The send half ends.
    pub const fn finish(&mut self) {
        self.ended = true;
        self.taken.fin = true;
    }

    /// The socket is given back, which ends the send half as well.
    pub const fn close(&mut self, abort: bool) {
        self.ended = true;
        self.taken.fin = false;
        self.taken.closed = Some(abort);
    }
}
