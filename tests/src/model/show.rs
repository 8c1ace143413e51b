//! Steps and what they showed, in words that fit on a line.

use core::fmt;

use super::call::{Buffers, Call, Event, Overlapped, Pointer, Send, Setup};
use super::net::Taken;
use super::seen::{Answer, Operation, RoutineRun, Seen, Status};

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let overlapped = if self.overlapped { "overlapped" } else { "nonoverlapped" };
        write!(
            f,
            "{overlapped} {:?} socket, {:?}, Profile::{:?}",
            self.kind, self.family, self.profile
        )
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(thread, send) => write!(f, "{thread:?}: {send}"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl fmt::Display for Send {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            None => write!(f, "WSPSend(")?,
            Some(to) => write!(f, "WSPSendTo({to:?}, ")?,
        }
        match &self.buffers {
            Buffers::Lengths(lengths) => write!(f, "{lengths:?}")?,
            other => write!(f, "{other:?}")?,
        }
        if self.flags != 0 {
            write!(f, ", flags {:#x}", self.flags)?;
        }
        if !self.count {
            write!(f, ", no lpNumberOfBytesSent")?;
        }
        write!(f, "{})", self.overlapped)
    }
}

impl fmt::Display for Overlapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer {
            Pointer::Null => {}
            Pointer::Bad => write!(f, ", bad lpOverlapped")?,
            Pointer::Good => match self.event {
                Event::None => write!(f, ", overlapped")?,
                Event::Invalid => write!(f, ", overlapped with a bad event")?,
                Event::Valid { set, low_bit } => {
                    let set = if set { "set" } else { "unset" };
                    write!(
                        f,
                        ", overlapped with an {set} event{}",
                        if low_bit { "|1" } else { "" }
                    )?;
                }
            },
        }
        if let Some(act) = self.routine {
            write!(f, ", routine that does {act:?}")?;
        }
        if self.routine.is_some() && self.thread_id != Pointer::Good {
            write!(f, ", {:?} lpThreadId", self.thread_id)?;
        }
        Ok(())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error {
            None => write!(f, "0")?,
            Some(error) => write!(f, "{error:?}")?,
        }
        if let Some(count) = self.count {
            write!(f, " count {count}")?;
        }
        if let Some(name) = self.name {
            write!(f, " {name}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Status::Untouched => write!(f, "untouched")?,
            Status::Pending => write!(f, "pending")?,
            Status::Ended(0, bytes) => write!(f, "ended, {bytes} bytes")?,
            Status::Ended(error, bytes) => {
                write!(f, "ended with {:?}, {bytes} bytes", provider_core::WsaError(error))?;
            }
        }
        match self.event {
            None => Ok(()),
            Some(true) => write!(f, ", event set"),
            Some(false) => write!(f, ", event not set"),
        }
    }
}

impl fmt::Display for RoutineRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (error, bytes) = self.end;
        write!(f, "{:?} runs #{}'s routine({error}, {bytes})", self.thread, self.operation)?;
        self.called.map_or(Ok(()), |answer| write!(f, ", its call: {answer}"))
    }
}

/// Bytes, shortly: how many, and the first of them.
fn bytes(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    const SHOWN: usize = 6;
    write!(f, "{} bytes", bytes.len())?;
    for byte in bytes.iter().take(SHOWN) {
        write!(f, " {byte:02x}")?;
    }
    if bytes.len() > SHOWN { write!(f, " …") } else { Ok(()) }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.bytes.is_empty() {
            write!(f, " sent ")?;
            bytes(f, &self.bytes)?;
        }
        for (to, datagram) in &self.datagrams {
            write!(f, " sent {to} ")?;
            bytes(f, datagram)?;
        }
        if self.fin {
            write!(f, " FIN")?;
        }
        match self.closed {
            None => {}
            Some(abort) => write!(f, " given back{}", if abort { " with a reset" } else { "" })?,
        }
        if self.late { write!(f, " SENT AFTER ITS END") } else { Ok(()) }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.answer {
            None if self.blocks => write!(f, "blocks")?,
            None => write!(f, "-")?,
            Some(answer) => write!(f, "{answer}")?,
        }
        for (number, operation) in &self.operations {
            write!(f, "; #{number} {operation}")?;
        }
        for run in &self.routines {
            write!(f, "; {run}")?;
        }
        if !self.taken.is_nothing() {
            write!(f, ";{}", self.taken)?;
        }
        for broken in &self.broken {
            write!(f, "; BROKEN: {broken}")?;
        }
        Ok(())
    }
}
