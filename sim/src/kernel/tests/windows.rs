use provider_core::{WindowHandle, WsaError};

use crate::api::{INFINITE, Message};

use super::bed::{Log, under_all};

const fn numbered(lparam: usize) -> Message {
    Message { message: 0x401, wparam: 7, lparam }
}

#[test]
fn messages_come_in_the_order_in_which_they_were_posted() {
    under_all(|os| {
        let window = os.create_window();
        assert_eq!(os.peek_message(window), Ok(None));
        for number in 0..3 {
            assert!(os.post_message(window, numbered(number)));
        }
        assert_eq!(os.peek_message(window), Ok(Some(numbered(0))));
        assert_eq!(os.get_message(window, INFINITE), Ok(Some(numbered(1))));
        assert_eq!(os.get_message(window, 0), Ok(Some(numbered(2))));
        let before_ns = os.now_ns();
        assert_eq!(os.get_message(window, 5), Ok(None));
        assert!(os.now_ns() - before_ns >= 5_000_000);
    });
}

#[test]
fn a_posted_message_wakes_who_waits_for_it() {
    under_all(|os| {
        let (window, log) = (os.create_window(), Log::default());
        let entry = log.clone();
        let reader = os.create_thread("reader", false, move |os| {
            while let Ok(Some(message)) = os.get_message(window, INFINITE) {
                entry.add(message.lparam as u32);
            }
        });
        for number in 0..4 {
            os.post_message(window, numbered(number));
            os.sleep(u32::from(number == 1));
        }
        os.sleep(1);
        assert_eq!(log.get(), [0, 1, 2, 3]);
        // The wait of a destroyed window ends too.
        os.destroy_window(window).unwrap();
        os.join(reader);
    });
}

#[test]
fn a_window_that_is_gone_or_full_takes_nothing() {
    super::bed::Bed::new(1).passes(|os| {
        let window = os.create_window();
        for number in 0..10_000 {
            assert!(os.post_message(window, numbered(number)));
        }
        assert!(!os.post_message(window, numbered(0)));
        os.destroy_window(window).unwrap();
        for gone in [window, WindowHandle(0), WindowHandle(window.0 + 2), WindowHandle(1)] {
            assert!(!os.post_message(gone, numbered(0)));
            assert_eq!(os.peek_message(gone), Err(WsaError::WSA_INVALID_HANDLE));
            assert_eq!(os.destroy_window(gone), Err(WsaError::WSA_INVALID_HANDLE));
        }
        assert_ne!(os.create_window(), window, "a handle is not used again");
    });
}
