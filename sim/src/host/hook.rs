//! The blocking hook: what WPUQueryBlockingCallback gives, and how ws2_32 calls it.

use provider_core::BlockingHook;

use crate::api::Os;
use crate::event::{Point, What};
use crate::fault::Fault;
use crate::world::Violation;

use super::SimHost;

/// The address of ws2_32's callback, which calls the hook that the thread has set.
const CALLBACK: usize = 0x7ff5_0000_1000;

impl SimHost {
    /// The hook of the running thread; its context is the thread's handle.
    pub(super) fn installed_hook(&self) -> Option<BlockingHook> {
        let me = self.kernel().current()?;
        let is_set = me.hook.borrow().is_some();
        is_set.then(|| BlockingHook { callback: CALLBACK, context: me.handle() })
    }

    /// Calls the hook until it has nothing left to do. `false` when WSACancelBlockingCall was called
    /// meanwhile.
    pub(super) fn run_hook(&self, hook: BlockingHook) -> bool {
        let kernel = self.kernel();
        let Some(me) = kernel.current() else { return true };
        let code = me.hook.borrow().clone().filter(|_| self.installed_hook() == Some(hook));
        let Some(code) = code else {
            kernel.report(Violation {
                oracle: "memory",
                clause: "SYN-5",
                message: format!(
                    "the provider calls a blocking hook at {:#x} with {:#x} on thread {}, which has \
                     none there",
                    hook.callback, hook.context, me.tid.0
                ),
            });
            return true;
        };
        kernel.record(What::HookEnter);
        self.process.watch(|watch| watch.hook_enter());
        me.in_hook.set(me.in_hook.get() + 1);
        let os = Os::new(me.clone());
        me.in_program(|| {
            if kernel.shared.strikes(Fault::CancelBlocking, kernel.at(), None) {
                let _ = os.wsa_cancel_blocking_call();
            }
            while code(&os) {
                kernel.point(Point::Hook);
            }
        });
        me.in_hook.set(me.in_hook.get() - 1);
        let goes_on = !me.hook_cancelled.take();
        self.process.watch(|watch| watch.hook_leave());
        kernel.record(What::HookLeave(goes_on));
        goes_on
    }
}
