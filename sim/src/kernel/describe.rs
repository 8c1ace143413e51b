//! What the threads of a machine wait for: for findings of the liveness oracle.

use core::fmt::Write;

use super::Kernel;
use super::wait::WaitFor;

impl Kernel {
    /// One line for each thread that has not ended, but for workers without work.
    pub(crate) fn describe(&self, into: &mut String) {
        let machine = self.shared.directory.name(self.id);
        for thread in self.threads.borrow().iter().filter(|thread| !thread.has_ended()) {
            let wait = thread.wait.borrow();
            let apcs = thread.apcs.borrow().len();
            let _ = match &*wait {
                Some(WaitFor::Work(_)) => continue,
                Some(wait) => {
                    write!(into, "{machine}: thread {} ({}) {wait}", thread.tid.0, thread.name)
                }
                None => {
                    write!(into, "{machine}: thread {} ({}) can run", thread.tid.0, thread.name)
                }
            };
            if apcs > 0 {
                let _ = write!(into, ", {apcs} APC(s) queued");
            }
            into.push('\n');
        }
    }
}
