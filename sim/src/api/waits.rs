//! Waiting.

use std::rc::Rc;

use provider_core::{EventHandle, WsaError};

use crate::event::What;
use crate::kernel::{
    INFINITE, MAXIMUM_WAIT_OBJECTS, Objects, WAIT_FAILED, WAIT_TIMEOUT, WaitFor, Waitable, Woken,
};

use super::{Handle, Os, ThreadHandle};

impl Os {
    /// Sleep.
    pub fn sleep(&self, milliseconds: u32) {
        self.sleep_ex(milliseconds, false);
    }

    /// SleepEx: 0, or WAIT_IO_COMPLETION when APCs ran.
    pub fn sleep_ex(&self, milliseconds: u32, alertable: bool) -> u32 {
        match self.wait(Objects::None, milliseconds, alertable) {
            WAIT_TIMEOUT => 0,
            result => result,
        }
    }

    /// WaitForSingleObjectEx.
    pub fn wait_for_single_object_ex(
        &self,
        handle: impl Into<Handle>,
        milliseconds: u32,
        alertable: bool,
    ) -> u32 {
        match self.waitable(handle.into()) {
            Some(object) => self.wait(Objects::One(object), milliseconds, alertable),
            None => self.wait_failed(WsaError::WSA_INVALID_HANDLE),
        }
    }

    /// WaitForSingleObject.
    pub fn wait_for_single_object(&self, handle: impl Into<Handle>, milliseconds: u32) -> u32 {
        self.wait_for_single_object_ex(handle, milliseconds, false)
    }

    /// WaitForMultipleObjectsEx: for all, or for any.
    pub fn wait_for_multiple_objects_ex(
        &self,
        handles: &[Handle],
        all: bool,
        milliseconds: u32,
        alertable: bool,
    ) -> u32 {
        if handles.is_empty() || handles.len() > MAXIMUM_WAIT_OBJECTS {
            return self.wait_failed(WsaError::WSAEINVAL);
        }
        // Not collected through Option, which would forget how many there are.
        let mut objects = Vec::with_capacity(handles.len());
        for handle in handles {
            match self.waitable(*handle) {
                Some(object) => objects.push(object),
                None => return self.wait_failed(WsaError::WSA_INVALID_HANDLE),
            }
        }
        self.wait(Objects::Several(objects, all), milliseconds, alertable)
    }

    /// WSAWaitForMultipleEvents.
    pub fn wsa_wait_for_multiple_events(
        &self,
        events: &[EventHandle],
        all: bool,
        milliseconds: u32,
        alertable: bool,
    ) -> u32 {
        let handles: Vec<Handle> = events.iter().map(|event| Handle::from(*event)).collect();
        self.wait_for_multiple_objects_ex(&handles, all, milliseconds, alertable)
    }

    /// Waits until a thread has ended.
    pub fn join(&self, thread: ThreadHandle) {
        self.wait_for_single_object(thread, INFINITE);
    }

    pub(super) fn wait(&self, objects: Objects, milliseconds: u32, alertable: bool) -> u32 {
        let wait_for = WaitFor::Program(objects, alertable);
        let Some(woken) = self.wait_perhaps_mortally(wait_for, milliseconds) else {
            return WAIT_FAILED;
        };
        self.kernel().record(What::WaitEnd(woken.result()));
        woken.result()
    }

    /// Waits, with the chance that the thread ends here. `None` while it is torn down.
    pub(super) fn wait_perhaps_mortally(
        &self,
        wait_for: WaitFor,
        milliseconds: u32,
    ) -> Option<Woken> {
        let me = self.me()?;
        me.exit_perhaps();
        me.die_perhaps();
        let now_ns = self.kernel().now_ns();
        let deadline_ns =
            (milliseconds != INFINITE).then(|| now_ns + u64::from(milliseconds) * 1_000_000);
        Some(self.kernel().wait(wait_for, deadline_ns))
    }

    fn waitable(&self, handle: Handle) -> Option<Waitable> {
        let event = self.process.handles.borrow().event(EventHandle(handle.0));
        match event {
            Some(event) => Some(Waitable::Event(event)),
            None => {
                let tid = crate::kernel::tid_of_handle(handle.0)?;
                self.kernel().thread(tid).map(|thread| Waitable::Thread(Rc::clone(&thread)))
            }
        }
    }

    fn wait_failed(&self, error: WsaError) -> u32 {
        self.wsa_set_last_error(error);
        WAIT_FAILED
    }
}
