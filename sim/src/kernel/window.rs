//! Windows of a process, as far as they receive messages: a queue each.

use core::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use provider_core::WindowHandle;

use super::{EventObject, Kernel};

/// Where window handles begin.
const WINDOW_BASE: usize = 0x0001_0000;
/// Between two of them.
const WINDOW_STEP: usize = 2;
/// How many messages a queue holds, as on Windows.
const QUEUE_MAX: usize = 10_000;

/// A message that was posted to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// `message`.
    pub message: u32,
    /// `wParam`.
    pub wparam: usize,
    /// `lParam`.
    pub lparam: usize,
}

struct Window {
    queue: VecDeque<Message>,
    /// Set while there is something in the queue, and for good once the window is destroyed.
    posted: Rc<EventObject>,
}

/// The windows of a process; `None` where one was destroyed.
#[derive(Default)]
pub(crate) struct Windows(RefCell<Vec<Option<Window>>>);

/// What a look into a window's queue found.
pub(crate) enum Look {
    /// The first message, taken out.
    Message(Message),
    /// None: the event is set when there is one.
    Empty(Rc<EventObject>),
}

fn place(window: WindowHandle) -> Option<usize> {
    let distance = window.0.checked_sub(WINDOW_BASE)?;
    (distance % WINDOW_STEP == 0).then_some(distance / WINDOW_STEP)
}

impl Windows {
    pub(crate) fn create(&self, kernel: &Kernel) -> WindowHandle {
        let mut windows = self.0.borrow_mut();
        let posted = kernel.new_event(true, false);
        windows.push(Some(Window { queue: VecDeque::new(), posted }));
        WindowHandle(WINDOW_BASE + WINDOW_STEP * (windows.len() - 1))
    }

    /// False when there is no such window. Its messages are lost, and who waits for one is told.
    pub(crate) fn destroy(&self, kernel: &Kernel, window: WindowHandle) -> bool {
        let place = place(window);
        let destroyed =
            place.and_then(|place| self.0.borrow_mut().get_mut(place).and_then(Option::take));
        if let Some(window) = &destroyed {
            kernel.set_event(&window.posted);
        }
        destroyed.is_some()
    }

    /// Puts a message into the window's queue; false when there is no such window or no room.
    pub(crate) fn post(&self, kernel: &Kernel, window: WindowHandle, message: Message) -> bool {
        let posted = {
            let mut windows = self.0.borrow_mut();
            let found = place(window).and_then(|place| windows.get_mut(place)?.as_mut());
            let Some(window) = found.filter(|window| window.queue.len() < QUEUE_MAX) else {
                return false;
            };
            window.queue.push_back(message);
            Rc::clone(&window.posted)
        };
        kernel.set_event(&posted);
        true
    }

    /// The window's first message; `None` when there is no such window.
    pub(crate) fn take(&self, kernel: &Kernel, window: WindowHandle) -> Option<Look> {
        let mut windows = self.0.borrow_mut();
        let window = windows.get_mut(place(window)?)?.as_mut()?;
        let message = window.queue.pop_front();
        if window.queue.is_empty() {
            kernel.reset_event(&window.posted);
        }
        Some(message.map_or_else(|| Look::Empty(Rc::clone(&window.posted)), Look::Message))
    }
}
