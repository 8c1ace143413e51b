//! The blocking hook of Winsock 1.1, which each thread has for itself.

use std::rc::Rc;

use crate::event::Point;

use super::Os;

impl Os {
    /// WSASetBlockingHook of the calling thread: while a blocking call waits, `hook` is called, again
    /// and again, until it gives `false` for nothing left to do; after a while it is called again. It
    /// may call WSACancelBlockingCall, and nothing else of Winsock.
    pub fn wsa_set_blocking_hook(&self, hook: impl Fn(&Self) -> bool + 'static) {
        self.kernel().point(Point::Client);
        if let Some(me) = self.me() {
            me.hook.replace(Some(Rc::new(hook)));
        }
    }

    /// WSAUnhookBlockingHook of the calling thread: blocking calls only wait again.
    pub fn wsa_unhook_blocking_hook(&self) {
        self.kernel().point(Point::Client);
        if let Some(me) = self.me() {
            me.hook.replace(None);
        }
    }
}
