//! Windows that messages are posted to: queues of the host's own, so that no display is needed.

use std::collections::{BTreeMap, VecDeque};

use windows_sys::Win32::Foundation::{HWND, LPARAM, WPARAM};
use windows_sys::core::BOOL;

use super::Locked;
use super::strict::{self, Upcall};

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) message: u32,
    pub(crate) wparam: usize,
    pub(crate) lparam: usize,
}

struct Windows {
    next: usize,
    queues: BTreeMap<usize, VecDeque<Message>>,
}

static WINDOWS: Locked<Windows> = Locked::new(Windows { next: 0x6_0000, queues: BTreeMap::new() });

/// What a window takes before it takes nothing more, as in Windows.
const MOST: usize = 10_000;

pub(crate) fn create() -> usize {
    let mut windows = WINDOWS.lock();
    windows.next += 2;
    let window = windows.next;
    windows.queues.insert(window, VecDeque::new());
    window
}

/// Whether there was one.
pub(crate) fn destroy(window: usize) -> bool {
    WINDOWS.lock().queues.remove(&window).is_some()
}

/// The first message, if there is one; `Err` for what is no window.
pub(crate) fn take(window: usize) -> Result<Option<Message>, ()> {
    WINDOWS.lock().queues.get_mut(&window).map(VecDeque::pop_front).ok_or(())
}

pub(crate) fn destroy_all() {
    WINDOWS.lock().queues.clear();
}

pub(crate) unsafe extern "system" fn post_message(
    window: HWND,
    message: u32,
    wparam: WPARAM,
    lparam: LPARAM,
) -> BOOL {
    if strict::refuses(Upcall::PostMessage).is_some() {
        return 0;
    }
    let mut windows = WINDOWS.lock();
    let Some(queue) = windows.queues.get_mut(&(window as usize)) else { return 0 };
    if queue.len() >= MOST {
        return 0;
    }
    queue.push_back(Message { message, wparam, lparam: lparam as usize });
    1
}
