//! How a client hears of network events: by an event object or by a window's messages.

use provider_core::spi::{FD_CONNECT, FD_CONNECT_BIT};
use provider_core::{EventHandle, SocketHandle, WindowHandle, WsaError as E};
use wspsim::api::{Message, Os, WAIT_OBJECT_0};

use crate::common::chance;

/// What has happened.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    /// The FD_ bits.
    pub(super) events: i32,
    /// What the connect came to, with FD_CONNECT.
    pub(super) connect: Option<E>,
}

impl Told {
    pub(super) const fn has(self, event: i32) -> bool {
        self.events & event != 0
    }
}

/// Hears of one socket's events.
pub(super) enum Bell {
    Event(EventHandle),
    /// With the message that is this socket's: nobody else's are mistaken for its own.
    Window(WindowHandle, u32),
}

impl Bell {
    pub(super) fn draw(os: &Os) -> Self {
        if chance(os, 40) {
            Self::Window(os.create_window(), 0x400 + os.random_below(0x1000))
        } else {
            Self::Event(os.create_event(chance(os, 50), false))
        }
    }

    /// Selects `events`, 0 for none any more.
    pub(super) fn select(&self, os: &Os, s: SocketHandle, events: i32) -> Result<(), E> {
        match *self {
            Self::Event(event) => os.wsa_event_select(s, event, events),
            Self::Window(window, message) => os.wsa_async_select(s, window, message, events),
        }
    }

    /// Waits until something has happened, or `ms` have passed. It may be woken for nothing.
    pub(super) fn wait(&self, os: &Os, s: SocketHandle, ms: u32) -> Result<Told, E> {
        match *self {
            Self::Event(event) => {
                if os.wait_for_single_object(event, ms) != WAIT_OBJECT_0 {
                    return Ok(Told::default());
                }
                let told = os.wsa_enum_network_events(s, Some(event)).inspect_err(|_| {
                    // The record is as it was (ENUMEVENTS-4), and the wait may have reset the event.
                    let _ = os.set_event(event);
                })?;
                Ok(Told { events: told.events, connect: told.error(FD_CONNECT_BIT) })
            }
            Self::Window(window, expected) => {
                let mut told = Told::default();
                let mut next = os.get_message(window, ms)?;
                while let Some(Message { message, wparam, lparam }) = next {
                    os.check(
                        (message, wparam) == (expected, s.0),
                        "a message came of another socket, or another message",
                    );
                    let (event, error) = ((lparam & 0xffff) as i32, E((lparam >> 16) as i32));
                    told.events |= event;
                    if event == FD_CONNECT && error.0 != 0 {
                        told.connect = Some(error);
                    }
                    next = os.peek_message(window)?;
                }
                Ok(told)
            }
        }
    }

    /// Takes the bell down, once its socket is closed or nothing is selected any more: what was
    /// under way then comes soon, and nothing after that.
    pub(super) fn take_down(self, os: &Os) {
        const SOON_MS: u32 = 5;
        os.sleep(SOON_MS);
        let gone = match self {
            Self::Event(event) => {
                let quiet = os.reset_event(event).is_ok() && {
                    os.sleep(SOON_MS);
                    os.wait_for_single_object(event, 0) != WAIT_OBJECT_0
                };
                os.check(quiet, "an event is set though nothing is selected");
                os.close_handle(event)
            }
            Self::Window(window, _) => {
                while let Ok(Some(_)) = os.peek_message(window) {}
                os.sleep(SOON_MS);
                let quiet = matches!(os.peek_message(window), Ok(None));
                os.check(quiet, "a message is posted though nothing is selected");
                os.destroy_window(window)
            }
        };
        os.check(gone.is_ok(), "an event or a window is gone");
    }
}
