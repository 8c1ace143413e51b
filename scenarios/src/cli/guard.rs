//! Panics of our own code, turned into sentences.

use core::any::Any;
use core::cell::RefCell;
use core::panic::AssertUnwindSafe;
use std::panic;

thread_local! {
    /// Where the last panic of this thread was, if the quiet hook saw it.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Lets no panic write to standard error by itself. What panics in a run is a finding, what
/// panics outside is told as a sentence by [`catch`]'s caller.
pub(super) fn silence_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
        // The thread may be ending, its locals gone.
        let _ = PLACE.try_with(|last| last.replace(place));
    }));
}

/// Runs `act`; a panic becomes its message and, where known, its place.
///
/// # Errors
/// The panic's message.
pub(super) fn catch<R>(act: impl FnOnce() -> R) -> Result<R, String> {
    PLACE.with(|last| last.take());
    panic::catch_unwind(AssertUnwindSafe(act)).map_err(|payload| {
        let message = message(&*payload);
        match PLACE.with(|last| last.take()) {
            Some(place) => format!("{message} ({place})"),
            None => message,
        }
    })
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(catch(|| 3), Ok(3));
        let caught = catch(|| panic::resume_unwind(Box::new("broken".to_owned()))).unwrap_err();
        assert!(caught.starts_with("broken"), "{caught}");
    }
}
