//! Windows and their messages.

use provider_core::{WindowHandle, WsaError};

use crate::event::Point;
use crate::kernel::{INFINITE, Look, Message, Objects, WAIT_OBJECT_0, Waitable};

use super::Os;

impl Os {
    /// A window that receives messages.
    pub fn create_window(&self) -> WindowHandle {
        self.kernel().point(Point::Client);
        self.process.windows.create(self.kernel())
    }

    /// DestroyWindow. What was posted to it and not taken is lost.
    ///
    /// # Errors
    /// WSA_INVALID_HANDLE.
    pub fn destroy_window(&self, window: WindowHandle) -> Result<(), WsaError> {
        self.kernel().point(Point::Client);
        let destroyed = self.process.windows.destroy(self.kernel(), window);
        if destroyed { Ok(()) } else { Err(self.invalid_handle()) }
    }

    /// PostMessage: false when the window is destroyed or its queue is full.
    pub fn post_message(&self, window: WindowHandle, message: Message) -> bool {
        self.kernel().point(Point::Client);
        self.process.windows.post(self.kernel(), window, message)
    }

    /// GetMessage for one window, which gives up after `milliseconds`.
    ///
    /// # Errors
    /// WSA_INVALID_HANDLE, also when the window is destroyed meanwhile.
    pub fn get_message(
        &self,
        window: WindowHandle,
        milliseconds: u32,
    ) -> Result<Option<Message>, WsaError> {
        let until_ns = self.now_ns() + u64::from(milliseconds) * 1_000_000;
        loop {
            let posted = match self.look(window)? {
                Look::Message(message) => return Ok(Some(message)),
                Look::Empty(posted) => posted,
            };
            let left_ms = match milliseconds {
                INFINITE => INFINITE,
                _ => until_ns.saturating_sub(self.now_ns()).div_ceil(1_000_000) as u32,
            };
            let waited = self.wait(Objects::One(Waitable::Event(posted)), left_ms, false);
            if waited != WAIT_OBJECT_0 {
                return Ok(None);
            }
        }
    }

    /// PeekMessage with PM_REMOVE for one window: never waits.
    ///
    /// # Errors
    /// WSA_INVALID_HANDLE.
    pub fn peek_message(&self, window: WindowHandle) -> Result<Option<Message>, WsaError> {
        match self.look(window)? {
            Look::Message(message) => Ok(Some(message)),
            Look::Empty(_) => Ok(None),
        }
    }

    fn look(&self, window: WindowHandle) -> Result<Look, WsaError> {
        self.kernel().point(Point::Client);
        let look = self.process.windows.take(self.kernel(), window);
        look.ok_or_else(|| self.invalid_handle())
    }
}
