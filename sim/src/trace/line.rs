//! An event as one line of text.

use core::fmt;

use provider_core::WsaError;
use provider_core::spi::{CF_ACCEPT, CF_DEFER, CF_REJECT};

use crate::event::{Event, MachineId, ThreadEnd, What};

/// Shows an event as one line: step, virtual time, machine, thread, what.
pub struct Line<'a, N> {
    /// The event.
    pub event: &'a Event,
    /// The machines' names, by id.
    pub names: &'a [N],
}

impl<N: AsRef<str>> Line<'_, N> {
    fn name(&self, machine: MachineId) -> &str {
        self.names.get(usize::from(machine.0)).map_or("?", AsRef::as_ref)
    }
}

impl<N: AsRef<str>> fmt::Display for Line<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { step, at, what } = self.event;
        let (seconds, nanos) = (at.time_ns / 1_000_000_000, at.time_ns % 1_000_000_000);
        write!(f, "{step:>7} {seconds:>4}.{nanos:09} {:<10} ", self.name(at.machine))?;
        match at.thread {
            Some(tid) => write!(f, "t{:<4} ", tid.0)?,
            None => write!(f, "{:<5} ", "-")?,
        }
        self.what(*what, f)
    }
}

impl<N: AsRef<str>> Line<'_, N> {
    fn what(&self, what: What, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match what {
            What::Switch(tid) => write!(f, "switch to t{}", tid.0),
            What::ThreadStart(tid) => write!(f, "thread t{} starts", tid.0),
            What::ThreadEnd(tid, how) => write!(f, "thread t{} {}", tid.0, thread_end(how)),
            What::Enter { function, socket, overlapped, len } => {
                write!(f, "-> {function:?}(")?;
                if socket != 0 {
                    write!(f, "s {socket:#x}, ")?;
                }
                if overlapped != 0 {
                    write!(f, "overlapped {overlapped:#x}, ")?;
                }
                write!(f, "{len} bytes)")
            }
            What::Leave { function, value, errno, count } => {
                write!(f, "<- {function:?} = {value}")?;
                match errno {
                    0 => write!(f, ", {count} bytes"),
                    code => write!(f, ", {:?}", WsaError(code)),
                }
            }
            What::ApcQueued { thread, context, accepted } => {
                let verb = if accepted { "queued to" } else { "refused for" };
                write!(f, "APC {context:#x} {verb} t{}", thread.0)
            }
            What::RoutineEnter { overlapped, error, bytes } => {
                write!(f, "routine(")?;
                status(error, f)?;
                write!(f, ", {bytes} bytes, overlapped {overlapped:#x})")
            }
            What::RoutineLeave => write!(f, "routine returns"),
            What::ConditionEnter { condition, data } => {
                write!(f, "condition function {condition:#x}(data {data:#x})")
            }
            What::ConditionLeave(verdict) => {
                write!(f, "condition function returns {}", condition_verdict(verdict))
            }
            What::HookEnter => write!(f, "blocking hook"),
            What::HookLeave(true) => write!(f, "blocking hook returns"),
            What::HookLeave(false) => write!(f, "blocking hook returns: the call is cancelled"),
            What::Completed { overlapped, error, bytes } => {
                write!(f, "completed overlapped {overlapped:#x}: ")?;
                status(error, f)?;
                write!(f, ", {bytes} bytes")
            }
            What::EventObject { event, set } => {
                write!(f, "event {event:#x} {}", if set { "set" } else { "reset" })
            }
            What::Posted { window, message, wparam, lparam, posted } => {
                let verb = if posted { "posted to" } else { "not posted to" };
                write!(
                    f,
                    "message {message:#x}({wparam:#x}, {lparam:#x}) {verb} window {window:#x}"
                )
            }
            What::WaitEnd(result) => write!(f, "wait ends: {}", wait_result(result)),
            What::TransportSend { socket, offered, result } => {
                write!(f, "transport {socket} send of {offered}: ")?;
                outcome(result, f)
            }
            What::TransportReceive { socket, result } => {
                write!(f, "transport {socket} receive: ")?;
                outcome(result, f)
            }
            What::PacketSent { to, len, due_ns } => {
                let later = due_ns.saturating_sub(self.event.at.time_ns) / 1_000;
                write!(f, "packet of {len} to {}, due in {later} us", self.name(to))
            }
            What::PacketReceived { len } => write!(f, "packet of {len} arrives"),
            What::PacketDropped { to, len } => {
                write!(f, "packet of {len} to {} is lost", self.name(to))
            }
            What::Fault(fault) => write!(f, "FAULT {}", fault.name()),
            What::Scripted { seam, socket, result } => {
                write!(f, "SCRIPT {}", seam.name())?;
                if socket != u32::MAX {
                    write!(f, " of transport {socket}")?;
                }
                match result {
                    Ok(bytes) => write!(f, " takes at most {bytes} bytes"),
                    Err(error) => write!(f, " gives {error:?}"),
                }
            }
            What::Held(seam, held) => {
                write!(f, "SCRIPT {} {}", seam.name(), if held { "held" } else { "released" })
            }
            What::Partition(a, b, cut) => {
                let verb = if cut { "cut" } else { "healed" };
                write!(f, "link {} - {} {verb}", self.name(a), self.name(b))
            }
            What::Crash => write!(f, "CRASH"),
            What::Restart => write!(f, "restarts"),
            What::Calm => write!(f, "CALM: faults are off, the network is healed"),
            What::Bound(address) => write!(f, "bound to {address}"),
            What::Mark(mark) => write!(f, "mark {mark}"),
            What::PortPacket { port, key, overlapped, error, bytes, taken } => {
                let verb = if taken { "taken from" } else { "posted to" };
                write!(f, "packet {verb} port {port}: key {key:#x}, ")?;
                write!(f, "overlapped {overlapped:#x}, ")?;
                status(error, f)?;
                write!(f, ", {bytes} bytes")
            }
        }
    }
}

const fn thread_end(how: ThreadEnd) -> &'static str {
    match how {
        ThreadEnd::Returned => "returns",
        ThreadEnd::Exited => "exits",
        ThreadEnd::Terminated => "is terminated",
        ThreadEnd::Crashed => "is gone with its machine",
        ThreadEnd::Panicked => "PANICS",
    }
}

/// What a condition function returns.
fn condition_verdict(verdict: i32) -> String {
    match verdict {
        CF_ACCEPT => "CF_ACCEPT".into(),
        CF_REJECT => "CF_REJECT".into(),
        CF_DEFER => "CF_DEFER".into(),
        other => other.to_string(),
    }
}

/// The Win32 result of a wait.
fn wait_result(result: u32) -> String {
    match result {
        0..=63 => format!("WAIT_OBJECT_0 + {result}"),
        0xC0 => "WAIT_IO_COMPLETION".into(),
        258 => "WAIT_TIMEOUT".into(),
        0xFFFF_FFFF => "WAIT_FAILED".into(),
        other => format!("{other:#x}"),
    }
}

/// The status of an operation: a Winsock code, or 0.
fn status(error: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error {
        0 => write!(f, "ok"),
        code => write!(f, "{:?}", WsaError(code as i32)),
    }
}

fn outcome(result: Result<u32, WsaError>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match result {
        Ok(bytes) => write!(f, "{bytes} bytes"),
        Err(error) => write!(f, "{error:?}"),
    }
}
