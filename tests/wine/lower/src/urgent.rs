//! Urgent data in a closed world: a byte beside the stream, or in line where its receiver wants it
//! so. Wine leaves it in the stream whatever was asked for.

use std::collections::VecDeque;

use windows_sys::Win32::Networking::WinSock as ws;

use crate::address::Address;
use crate::result::Outcome;
use crate::sockets::{self, Number, Socket};

/// What a stream knows of urgent data.
#[derive(Default)]
pub(crate) struct Urgent {
    /// Bytes of the stream that were sent, and that were received.
    pub(crate) sent: u64,
    pub(crate) got: u64,
    /// Urgent bytes that arrived, each with its place in the stream.
    marks: VecDeque<(u64, u8)>,
    /// The one that may be received beside the stream.
    waiting: Option<u8>,
    /// SO_OOBINLINE.
    pub(crate) in_line: bool,
}

/// What a receive of the stream comes to.
pub(crate) enum Next {
    /// So many bytes at the most.
    Stream(usize),
    /// The urgent byte, which is in line.
    Byte(u8),
}

impl Urgent {
    /// What comes next in the stream.
    pub(crate) fn next(&mut self, peek: bool) -> Next {
        while let Some((at, byte)) = self.marks.front().copied() {
            if at > self.got {
                return Next::Stream(usize::try_from(at - self.got).unwrap_or(usize::MAX));
            }
            if self.in_line {
                if !peek {
                    self.marks.pop_front();
                }
                return Next::Byte(byte);
            }
            self.marks.pop_front();
        }
        Next::Stream(usize::MAX)
    }

    /// SIOCATMARK: nothing urgent is ahead.
    pub(crate) fn is_at_mark(&self) -> bool {
        if self.in_line { self.marks.is_empty() } else { self.waiting.is_none() }
    }
}

/// A byte arrives at its peer as urgent data.
pub(crate) fn send(socket: Number, byte: u8) -> Outcome {
    let real = sockets::real(socket)?;
    let (remote, at) = sockets::with(socket, |entry| (entry.remote, entry.urgent.sent))?;
    let (Some(own), Some(remote)) = (Address::of(real), remote) else {
        return Err(ws::WSAENOTCONN);
    };
    sockets::each(|entry| {
        if entry.is_peer(own, remote) {
            entry.urgent.marks.push_back((at, byte));
            if entry.urgent.in_line {
                entry.note(ws::FD_READ, 0);
            } else {
                entry.urgent.waiting = Some(byte);
                entry.note(ws::FD_OOB, 0);
            }
        }
    });
    Ok(())
}

/// Receives it beside the stream.
pub(crate) fn receive(socket: Number, peek: bool) -> Outcome<u8> {
    sockets::with(socket, |entry: &mut Socket| {
        let urgent = &mut entry.urgent;
        let byte = urgent.waiting.filter(|_| !urgent.in_line).ok_or(ws::WSAEINVAL)?;
        if !peek {
            urgent.waiting = None;
        }
        Ok(byte)
    })?
}
