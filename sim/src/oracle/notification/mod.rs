//! Network events: told to whoever selected them, only what was selected, once until it is enabled
//! again, nothing after the selection is gone, and no FD_WRITE lost.
//!
//! What cannot be known from outside is not judged: where selections of a socket overlap in time,
//! and what a thread that was in the provider before a selection ended had under way then.

mod owed;
mod record;
mod selection;

use provider_core::spi::{
    FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_MAX_EVENTS, FD_OOB, FD_READ, FD_WRITE, SD_RECEIVE,
};
use provider_core::{EventHandle, WsaError};

use super::book::{ActiveCall, Book, Made, SocketId, failed};
use super::facts::{Outcome, ProcessKey, Special};
use super::violation::{Verdict, Violation};
use crate::event::{At, Function, MachineId};

pub use record::RecordFacts;
use record::may_come_with;
use selection::{Selection, Sink};

const NAME: &str = "notification";

fn object(clause: &'static str, message: String) -> Verdict {
    Err(Violation::new(NAME, clause, message))
}

/// Whether an error says that a connection is over.
const fn ends_connection(error: WsaError) -> bool {
    matches!(
        error,
        WsaError::WSAECONNRESET
            | WsaError::WSAECONNABORTED
            | WsaError::WSAENETRESET
            | WsaError::WSAETIMEDOUT
            | WsaError::WSAEDISCON
    )
}

/// What was selected, for all sockets of the run that are of interest yet.
#[derive(Default)]
pub(super) struct NotificationOracle {
    selections: Vec<Selection>,
}

/// A message that was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post {
    /// The window.
    pub window: usize,
    /// The message.
    pub message: u32,
    /// `wParam`.
    pub wparam: usize,
    /// `lParam`.
    pub lparam: usize,
}

/// What a call of `function` enables again.
const fn enabled_by(function: Function) -> i32 {
    match function {
        Function::WSPRecv | Function::WSPRecvFrom => FD_READ | FD_OOB,
        Function::WSPSend | Function::WSPSendTo => FD_WRITE,
        Function::WSPAccept => FD_ACCEPT,
        Function::WSPConnect | Function::WSPJoinLeaf => FD_CONNECT | FD_WRITE,
        // FD_WRITE may come after it or not.
        Function::WSPBind => FD_WRITE,
        _ => 0,
    }
}

/// The places of the set bits.
fn places(events: i32) -> impl Iterator<Item = usize> {
    (0..FD_MAX_EVENTS).filter(move |place| events & 1 << place != 0)
}

impl NotificationOracle {
    /// A call enters.
    pub(super) fn enter(&mut self, call: &ActiveCall) {
        let Some(socket) = call.socket else { return };
        let selects = match call.call.special {
            Special::EventSelect { event, events } => {
                Some((Sink::Event(EventHandle(event.0)), events))
            }
            Special::AsyncSelect { window, message, events } => {
                Some((Sink::Window { window: window.0, message }, events))
            }
            _ => None,
        };
        match selects {
            Some((sink, events)) => self.selecting(call, socket, sink, events),
            None => {
                let enabled = enabled_by(call.call.function);
                if enabled != 0 {
                    self.of(socket).for_each(|selection| selection.enable(enabled));
                }
            }
        }
    }

    /// A call has left; `made` is a descriptor that came to be.
    pub(super) fn leave(
        &mut self,
        book: &Book,
        at: At,
        call: &ActiveCall,
        outcome: &Outcome<'_>,
        made: Option<Made>,
    ) -> Verdict {
        let Some(socket) = call.socket else { return Ok(()) };
        let ok = !failed(call.call.function, outcome);
        match (call.call.function, &call.call.special) {
            (Function::WSPEventSelect | Function::WSPAsyncSelect, _) => {
                self.selected(at, call, socket, ok);
            }
            (Function::WSPAccept, _) => {
                if let Some(made) = made {
                    self.inherit(call, socket, made.socket, made.handle.0);
                }
            }
            (Function::WSPCloseSocket, _) if ok => {
                // Messages name the descriptor; an event is the socket's as long as it has one.
                let handle = call.call.socket.0;
                let last = !book.is_open(socket);
                self.of(socket)
                    .filter(|selection| last || selection.names(handle))
                    .for_each(|selection| selection.end(at.time_ns));
            }
            (Function::WSPEnumNetworkEvents, _) if ok => {
                return self.enumerated(call, socket, outcome.record);
            }
            (Function::WSPSend | Function::WSPSendTo, _) => self.sent(call, socket, outcome),
            (Function::WSPShutdown, Special::Shutdown(how)) if ok && *how != SD_RECEIVE => {
                self.of(socket).for_each(|selection| selection.owed = None);
            }
            (Function::WSPRecv | Function::WSPRecvFrom, _)
                if !ok && ends_connection(WsaError(outcome.errno)) =>
            {
                // FD_CLOSE tells of that.
                self.of(socket).for_each(|selection| selection.owed = None);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether `event` is or was a socket's.
    pub(super) fn knows(&self, process: ProcessKey, event: EventHandle) -> bool {
        self.selections.iter().any(|s| s.process == process && s.sink == Sink::Event(event))
    }

    /// The provider set an event that some socket has or had selected.
    pub(super) fn event_set(
        &mut self,
        book: &Book,
        at: At,
        process: ProcessKey,
        event: EventHandle,
    ) -> Verdict {
        let began_ns = book.in_provider_since(at);
        let mut live = false;
        for selection in &mut self.selections {
            if selection.process == process && selection.sink == Sink::Event(event) {
                live |= selection.may_be_told(began_ns);
                selection.told_ns = at.time_ns;
            }
        }
        if live {
            return Ok(());
        }
        object(
            "EVENTSELECT-4",
            format!(
                "event {:#x} was set at {} ns on machine {}, and no socket has it selected any more",
                event.0, at.time_ns, process.machine.0
            ),
        )
    }

    /// The provider posted a message, which got there.
    pub(super) fn posted(
        &mut self,
        book: &Book,
        at: At,
        process: ProcessKey,
        post: Post,
    ) -> Verdict {
        let began_ns = book.in_provider_since(at);
        let sink = Sink::Window { window: post.window, message: post.message };
        let event = (post.lparam & 0xffff) as i32;
        let words = format!(
            "message {:#x} for socket {:#x} with lParam {:#x} was posted at {} ns on machine {}",
            post.message, post.wparam, post.lparam, at.time_ns, process.machine.0
        );
        let mine = |s: &&mut Selection| s.process == process && s.sink == sink;
        let mut known = false;
        let mut live = 0;
        for selection in self.selections.iter_mut().filter(mine) {
            // The handle of a connection that is being accepted is not known yet.
            let of_it = selection.handle == post.wparam || selection.events & FD_ACCEPT != 0;
            known |= of_it;
            live |= if of_it && selection.may_be_told(began_ns) { selection.events } else { 0 };
        }
        if event.count_ones() != 1 || !known {
            return object("ASYNCSELECT-1", format!("{words}; nobody selected that"));
        }
        if live == 0 {
            return object("ASYNCSELECT-4", format!("{words}; its selection is gone"));
        }
        if live & event == 0 {
            return object("ASYNCSELECT-1", format!("{words}; the event is not selected"));
        }
        let error = (post.lparam >> 16 & 0xffff) as i32;
        if !may_come_with(event, error) {
            let error = WsaError(error);
            return object(
                "ASYNCSELECT-1",
                format!("{words}; {event:#x} does not come with {error:?}"),
            );
        }
        let mut current =
            self.selections.iter_mut().filter(|s| s.process == process && s.is_sole());
        let Some(selection) = current.find(|s| s.sink == sink && s.handle == post.wparam) else {
            return Ok(());
        };
        if event & (FD_WRITE | FD_CLOSE) != 0 {
            selection.told_ns = at.time_ns;
            selection.owed = None;
        }
        selection.report(event, "ASYNCSELECT-5", &words)
    }

    /// The provider of a process has nothing left.
    pub(super) fn forget_process(&mut self, process: ProcessKey) {
        self.selections.retain(|selection| selection.process != process);
    }

    pub(super) fn forget_machine(&mut self, machine: MachineId) {
        self.selections.retain(|selection| selection.process.machine != machine);
    }

    fn of(&mut self, socket: SocketId) -> impl Iterator<Item = &mut Selection> {
        self.selections.iter_mut().filter(move |selection| selection.socket == socket)
    }
}

#[cfg(test)]
mod tests;
