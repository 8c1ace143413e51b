//! Threads and APCs.

use std::rc::Rc;

use provider_core::{EventHandle, WsaError};

use crate::event::{Point, Tid};
use crate::kernel::{ApcCall, Duty, Thread, tid_of_handle};

use super::Os;

/// A thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadHandle(pub usize);

/// Something to wait for, or to close. A completion port is only for the latter: its packets are
/// taken, not waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(pub usize);

impl From<ThreadHandle> for Handle {
    fn from(thread: ThreadHandle) -> Self {
        Self(thread.0)
    }
}

impl From<EventHandle> for Handle {
    fn from(event: EventHandle) -> Self {
        Self(event.0)
    }
}

impl Os {
    /// CreateThread. The adversary may end a `mortal` thread at any of its calls, or terminate it
    /// while it blocks.
    pub fn create_thread(
        &self,
        name: &str,
        mortal: bool,
        body: impl FnOnce(&Self) + 'static,
    ) -> ThreadHandle {
        let kernel = self.kernel();
        kernel.point(Point::Client);
        let thread = kernel.create_thread(&self.process, name, Duty::Program, mortal, body);
        kernel.point(Point::Client);
        ThreadHandle(thread.handle())
    }

    /// ExitThread: never returns, runs no more code of the thread.
    pub fn exit_thread(&self) -> ! {
        self.kernel().point(Point::Client);
        match self.me() {
            Some(me) => self.kernel().exit_thread(&me),
            // Torn down already: this only ends a destructor early.
            None => std::panic::resume_unwind(Box::new("ExitThread in a destructor")),
        }
    }

    /// TerminateThread on another thread. Where that thread is inside of the provider, and not
    /// blocked, Windows would lose locks, and no provider could pass: then nothing happens.
    ///
    /// # Errors
    /// WSA_INVALID_HANDLE; WSAEINVAL where it would be unfair.
    pub fn terminate_thread(&self, thread: ThreadHandle) -> Result<(), WsaError> {
        self.kernel().point(Point::Client);
        let victim = self.thread_object(thread)?;
        let me = self.me().ok_or(WsaError::WSAENETDOWN)?;
        if victim.tid == me.tid {
            self.kernel().exit_thread(&me);
        }
        if victim.is_killable() {
            self.kernel().terminate_thread(&victim);
            Ok(())
        } else {
            Err(WsaError::WSAEINVAL)
        }
    }

    /// GetCurrentThreadId.
    pub fn get_current_thread_id(&self) -> u32 {
        self.kernel().current_tid().map_or(u32::MAX, |Tid(number)| number)
    }

    /// The calling thread's own handle (GetCurrentThread, made real).
    pub fn current_thread(&self) -> ThreadHandle {
        ThreadHandle(self.me().map_or(0, |me| me.handle()))
    }

    /// QueueUserAPC.
    ///
    /// # Errors
    /// WSA_INVALID_HANDLE, also when the thread has ended.
    pub fn queue_user_apc(
        &self,
        thread: ThreadHandle,
        apc: impl FnOnce(&Self) + 'static,
    ) -> Result<(), WsaError> {
        self.kernel().point(Point::Client);
        let target = self.thread_object(thread)?;
        let queued = self.kernel().queue_apc(&target, ApcCall::Program(Box::new(apc)), 0);
        if queued { Ok(()) } else { Err(self.invalid_handle()) }
    }

    pub(super) fn thread_object(&self, thread: ThreadHandle) -> Result<Rc<Thread>, WsaError> {
        let found = tid_of_handle(thread.0).and_then(|tid| self.kernel().thread(tid));
        found.ok_or_else(|| self.invalid_handle())
    }
}
