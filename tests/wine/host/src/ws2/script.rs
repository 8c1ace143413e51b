//! What the next upcalls answer, where a case says so.

use windows_sys::Win32::Networking::WinSock as ws;

use super::Locked;
use super::strict::Upcall;

static LINES: Locked<Vec<(Upcall, i32)>> = Locked::new(Vec::new());

/// The next call of an upcall that has no answer yet fails with `error`.
pub(crate) fn refuse(upcall: Upcall, error: i32) {
    LINES.lock().push((upcall, error));
}

/// Forgets the answers of an upcall.
pub(crate) fn forget(upcall: Upcall) {
    LINES.lock().retain(|(of, _)| *of != upcall);
}

/// Forgets all of them.
pub(crate) fn forget_all() {
    LINES.lock().clear();
}

/// The answer of this call.
pub(crate) fn next(upcall: Upcall) -> Option<i32> {
    let mut lines = LINES.lock();
    let place = lines.iter().position(|(of, _)| *of == upcall)?;
    let (_, error) = lines.remove(place);
    Some(if error == 0 { ws::WSAEINVAL } else { error })
}
