//! Reading and writing a stream in every style, as a program does that has to live with faults.

use provider_core::spi::{FIONBIO, MSG_OOB};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;

use super::codes::is_transient;
use super::draw::{between, pick};
use super::operations::Operations;
use super::slot::{Slot, Style, pause, wait_for_any};

/// Sets an option, unless the socket is in no state for it any more.
pub(crate) fn set(os: &Os, s: SocketHandle, option: i32, value: u32) {
    match os.setsockopt(s, option, value) {
        Ok(()) | Err(E::WSAENOTSOCK | E::WSAENOTCONN | E::WSAENETRESET) => {}
        Err(error) => super::unexpected(os, "setsockopt", error),
    }
}

/// Makes a socket nonblocking, or blocking again.
pub(crate) fn set_nonblocking(os: &Os, s: SocketHandle, on: bool) {
    match os.ioctlsocket(s, FIONBIO, u32::from(on)) {
        Ok(()) | Err(E::WSAENOTSOCK) => {}
        Err(error) => super::unexpected(os, "FIONBIO", error),
    }
}

/// Sends all of `bytes` with plain calls, blocking or not, retrying what was refused. Gives up
/// `within_ms` after the last progress with WSAETIMEDOUT.
///
/// # Errors
/// The connection's fate: how much went out is unknown then.
pub(crate) fn send_all(os: &Os, s: SocketHandle, bytes: &[u8], within_ms: u32) -> Result<(), E> {
    send_flagged(os, s, bytes, 0, within_ms)
}

/// The same with flags for each call: what MSG_OOB is about stays the last byte.
fn send_flagged(
    os: &Os,
    s: SocketHandle,
    bytes: &[u8],
    flags: u32,
    within_ms: u32,
) -> Result<(), E> {
    let mut sent = 0;
    let mut deadline_ns = after_ms(os, within_ms);
    while sent < bytes.len() {
        match os.send(s, &bytes[sent..], flags) {
            Ok(0) => os.fail("send took nothing of a nonempty buffer, and calls it a success"),
            Ok(count) => {
                sent += count;
                deadline_ns = after_ms(os, within_ms);
                continue;
            }
            // Nothing of this call went out.
            Err(E::WSAEWOULDBLOCK | E::WSAENOBUFS | E::WSAEINPROGRESS) => {}
            Err(error) => return Err(error),
        }
        if os.now_ns() > deadline_ns {
            return Err(E::WSAETIMEDOUT);
        }
        pause(os, 5);
    }
    Ok(())
}

fn after_ms(os: &Os, ms: u32) -> u64 {
    os.now_ns() + u64::from(ms) * 1_000_000
}

/// How a thread writes to a stream. It writes in order, and waits for the end of what it wrote.
pub(crate) enum Writer {
    /// send, blocking or not, as the socket is.
    Plain,
    /// WSASend with several operations out.
    Overlapped(Vec<Slot>),
}

impl Writer {
    /// One of any style, with chunks of at most `most` bytes. Sets the socket's mode.
    pub(crate) fn draw(os: &Os, operations: &Operations, s: SocketHandle, most: usize) -> Self {
        match os.random_below(6) {
            0 => Self::Plain,
            1 => {
                set_nonblocking(os, s, true);
                Self::Plain
            }
            _ => {
                let style = Style::draw(os);
                let depth = between(os, 1..=6);
                Self::Overlapped(
                    (0..depth).map(|_| Slot::new(os, operations, style, most)).collect(),
                )
            }
        }
    }

    /// Writes `bytes`. Gives up `within_ms` after the last progress.
    ///
    /// # Errors
    /// The connection's fate: how much went out is unknown then.
    pub(crate) fn write(
        &self,
        os: &Os,
        s: SocketHandle,
        bytes: &[u8],
        within_ms: u32,
    ) -> Result<(), E> {
        self.write_flagged(os, s, bytes, 0, within_ms)
    }

    /// Writes `bytes`, of which the last one is urgent.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(crate) fn write_urgent(
        &self,
        os: &Os,
        s: SocketHandle,
        bytes: &[u8],
        within_ms: u32,
    ) -> Result<(), E> {
        self.write_flagged(os, s, bytes, MSG_OOB, within_ms)
    }

    /// `last_flags` are for the call that writes the last byte.
    fn write_flagged(
        &self,
        os: &Os,
        s: SocketHandle,
        bytes: &[u8],
        last_flags: u32,
        within_ms: u32,
    ) -> Result<(), E> {
        let Self::Overlapped(slots) = self else {
            return send_flagged(os, s, bytes, last_flags, within_ms);
        };
        let mut deadline_ns = after_ms(os, within_ms);
        let mut rest = bytes;
        while !rest.is_empty() {
            collect(os, slots)?;
            let Some(slot) = slots.iter().find(|slot| !slot.is_busy()) else {
                if os.now_ns() > deadline_ns {
                    return Err(E::WSAETIMEDOUT);
                }
                wait_for_any(os, slots, within_ms);
                continue;
            };
            let len = rest.len().min(slot.buffer.len());
            slot.buffer.write(0, &rest[..len]);
            let flags = if len == rest.len() { last_flags } else { 0 };
            // What was refused is tried again before anything else: the order is the program's.
            while let Err(error) = slot.send_flagged(os, s, len, flags) {
                if !is_transient(error) {
                    return Err(error);
                }
                if os.now_ns() > deadline_ns {
                    return Err(E::WSAETIMEDOUT);
                }
                pause(os, 3);
            }
            slot.expect_bytes(len as u32);
            rest = &rest[len..];
            deadline_ns = after_ms(os, within_ms);
        }
        Ok(())
    }

    /// Waits for the end of everything written.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(crate) fn finish(&self, os: &Os, within_ms: u32) -> Result<(), E> {
        let deadline_ns = after_ms(os, within_ms);
        loop {
            collect(os, self.slots())?;
            if self.slots().iter().all(|slot| !slot.is_busy()) {
                return Ok(());
            }
            if os.now_ns() > deadline_ns {
                return Err(E::WSAETIMEDOUT);
            }
            wait_for_any(os, self.slots(), within_ms);
        }
    }

    /// Its operations, to settle them once their socket is closed.
    pub(crate) fn slots(&self) -> &[Slot] {
        match self {
            Self::Plain => &[],
            Self::Overlapped(slots) => slots,
        }
    }
}

/// Takes the ends of stream sends; one that went short or failed ends it all.
fn collect(os: &Os, slots: &[Slot]) -> Result<(), E> {
    for slot in slots {
        if let Some(ended) = slot.take_end(os) {
            let bytes = ended.result()?;
            if bytes != slot.expected_bytes() {
                os.fail(&format!(
                    "an overlapped stream send of {} bytes succeeded with {bytes}",
                    slot.expected_bytes()
                ));
            }
        }
    }
    Ok(())
}

/// How a thread reads from a stream.
pub(crate) enum Reader {
    /// recv, blocking (with SO_RCVTIMEO) or not, as the socket is.
    Plain,
    /// WSARecv.
    Overlapped(Box<Slot>),
}

impl Reader {
    /// One of any style, with room for `room` bytes at a time.
    pub(crate) fn draw(os: &Os, operations: &Operations, room: usize) -> Self {
        if pick(os, &[true, false, false]) {
            return Self::Plain;
        }
        let style = Style::draw(os);
        Self::Overlapped(Box::new(Slot::new(os, operations, style, room)))
    }

    /// Reads what comes next into `into`, whose length is at most the room; 0 is the end. Gives
    /// up with WSAETIMEDOUT after `within_ms`, or earlier when `enough` says so; an operation may
    /// still be out then, and the socket is good for closing only.
    ///
    /// # Errors
    /// WSAETIMEDOUT, or the connection's fate.
    pub(crate) fn read(
        &self,
        os: &Os,
        s: SocketHandle,
        into: &mut [u8],
        within_ms: u32,
        enough: impl Fn() -> bool,
    ) -> Result<usize, E> {
        let deadline_ns = after_ms(os, within_ms);
        let is_over = || os.now_ns() > deadline_ns || enough();
        loop {
            let result = match self {
                Self::Plain => os.recv(s, into, 0),
                Self::Overlapped(slot) => read_overlapped(os, s, slot, into, &is_over),
            };
            match result {
                Err(E::WSAEWOULDBLOCK | E::WSAENETDOWN | E::WSAETIMEDOUT | E::WSAEINPROGRESS)
                    if !is_over() =>
                {
                    pause(os, 4)
                }
                Err(E::WSAEWOULDBLOCK | E::WSAEINPROGRESS) => return Err(E::WSAETIMEDOUT),
                result => return result,
            }
        }
    }

    /// Its operation, to settle it once its socket is closed.
    pub(crate) fn slots(&self) -> &[Slot] {
        match self {
            Self::Plain => &[],
            Self::Overlapped(slot) => core::slice::from_ref(slot),
        }
    }
}

fn read_overlapped(
    os: &Os,
    s: SocketHandle,
    slot: &Slot,
    into: &mut [u8],
    is_over: &impl Fn() -> bool,
) -> Result<usize, E> {
    if !slot.is_busy() {
        slot.recv(os, s, into.len())?;
    }
    loop {
        if let Some(ended) = slot.take_end(os) {
            let bytes = ended.result()? as usize;
            if bytes > into.len() {
                os.fail(&format!("a receive of {} bytes gave {bytes}", into.len()));
            }
            let given = bytes.min(into.len());
            slot.buffer.read_into(0, &mut into[..given]);
            return Ok(given);
        }
        if is_over() {
            return Err(E::WSAETIMEDOUT);
        }
        wait_for_any(os, [slot], 500);
    }
}
