//! The threads at the port.

use wspsim::api::{INFINITE, NotQueued, Os, Win32Error};

use crate::common::{between, chance, pick};

use super::server::Server;

/// Takes packets until it is told to end.
pub(super) fn work(os: &Os, server: &Server) {
    let wait_ms = pick(os, &[INFINITE, INFINITE, 5, 50]);
    let several = chance(os, 30).then(|| between(os, 1..=4) as usize);
    loop {
        let goes_on = match several {
            Some(count) => take_several(os, server, count, wait_ms),
            None => take_one(os, server, wait_ms),
        };
        if !goes_on {
            return;
        }
    }
}

/// Whether the worker goes on.
fn take_one(os: &Os, server: &Server, wait_ms: u32) -> bool {
    match os.get_queued_completion_status(server.port, wait_ms) {
        Ok(packet) => server.told(os, &packet, Win32Error::ERROR_SUCCESS),
        Err(NotQueued::Failed(packet, error)) => server.told(os, &packet, error),
        Err(NotQueued::Nothing(error)) => nothing(os, server, error),
    }
}

fn take_several(os: &Os, server: &Server, count: usize, wait_ms: u32) -> bool {
    match os.get_queued_completion_status_ex(server.port, count, wait_ms, chance(os, 50)) {
        Ok(entries) => {
            let mut goes_on = true;
            for entry in &entries {
                let error = Win32Error::of_operation(entry.internal);
                let quits = !server.told(os, &entry.packet, error);
                if quits && !goes_on {
                    // It was meant for somebody else.
                    server.quit_another(os);
                }
                goes_on &= !quits;
            }
            goes_on
        }
        Err(error) => nothing(os, server, error),
    }
}

fn nothing(os: &Os, server: &Server, error: Win32Error) -> bool {
    match error {
        Win32Error::WAIT_TIMEOUT | Win32Error::WAIT_IO_COMPLETION => true,
        // Closed while it waited, or before it came to wait.
        Win32Error::ERROR_ABANDONED_WAIT_0 | Win32Error::ERROR_INVALID_HANDLE
            if server.port_closed.get() =>
        {
            false
        }
        error => {
            os.fail(&format!("GetQueuedCompletionStatus: {error}"));
            false
        }
    }
}
