//! Event objects, and closing handles.

use provider_core::{EventHandle, WsaError};

use crate::event::{Point, What};

use super::{Handle, Os, PortHandle, ThreadHandle};

impl Os {
    /// CreateEvent.
    pub fn create_event(&self, manual_reset: bool, initial_state: bool) -> EventHandle {
        self.kernel().point(Point::Client);
        let event = self.kernel().new_event(manual_reset, initial_state);
        self.process.handles.borrow_mut().open_event(event)
    }

    /// SetEvent.
    ///
    /// # Errors
    /// WSA_INVALID_HANDLE.
    pub fn set_event(&self, event: EventHandle) -> Result<(), WsaError> {
        let object = self.event_object(event)?;
        self.kernel().record(What::EventObject { event: event.0 as u64, set: true });
        self.kernel().set_event(&object);
        Ok(())
    }

    /// ResetEvent.
    ///
    /// # Errors
    /// WSA_INVALID_HANDLE.
    pub fn reset_event(&self, event: EventHandle) -> Result<(), WsaError> {
        let object = self.event_object(event)?;
        self.kernel().record(What::EventObject { event: event.0 as u64, set: false });
        self.kernel().reset_event(&object);
        Ok(())
    }

    /// CloseHandle of an event, of a completion port, or of a thread: that handle stays good.
    ///
    /// # Errors
    /// WSA_INVALID_HANDLE.
    pub fn close_handle(&self, handle: impl Into<Handle>) -> Result<(), WsaError> {
        self.kernel().point(Point::Client);
        let Handle(handle) = handle.into();
        if self.process.handles.borrow_mut().close_event(EventHandle(handle)) {
            return Ok(());
        }
        let port = self.process.handles.borrow_mut().close_port(PortHandle(handle));
        if let Some(port) = port {
            self.kernel().close_port(&port);
            return Ok(());
        }
        self.thread_object(ThreadHandle(handle)).map(drop)
    }

    /// An event that is set when the program is to end: a server's main function returns then.
    /// Each call gives a handle of its own.
    pub fn stop_event(&self) -> EventHandle {
        let event = self.kernel().stop_event.clone();
        self.process.handles.borrow_mut().open_event(event)
    }

    /// Whether the stop event is set.
    pub fn is_stopping(&self) -> bool {
        self.kernel().point(Point::Client);
        self.kernel().stop_event.is_set()
    }

    fn event_object(
        &self,
        event: EventHandle,
    ) -> Result<std::rc::Rc<crate::kernel::EventObject>, WsaError> {
        self.kernel().point(Point::Client);
        let object = self.process.handles.borrow().event(event);
        object.ok_or_else(|| self.invalid_handle())
    }

    pub(super) fn invalid_handle(&self) -> WsaError {
        self.wsa_set_last_error(WsaError::WSA_INVALID_HANDLE);
        WsaError::WSA_INVALID_HANDLE
    }
}
