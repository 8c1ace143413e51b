//! Where the urgent byte of a stream lies, as far as Winsock lets one know: FD_OOB says that it has
//! arrived, and with it all that is before it; a receive below ends at the mark by itself.

/// The mark of one stream.
#[derive(Default)]
pub(crate) struct UrgentMark {
    place: Place,
    /// An urgent byte beside the stream was not received yet.
    unread: bool,
    /// SO_OOBINLINE.
    inline: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Nowhere,
    /// In front of what is received next.
    Ahead,
    /// Just here.
    Here,
    /// Just behind: the urgent byte was the last one received, in line.
    Passed,
}

impl UrgentMark {
    pub(crate) const fn set_inline(&mut self, inline: bool) {
        self.inline = inline;
    }

    /// FD_OOB.
    pub(crate) const fn announced(&mut self) {
        self.place = Place::Ahead;
        self.unread = true;
    }

    /// The urgent byte beside the stream was received, or there turned out to be none.
    pub(crate) const fn read(&mut self) {
        self.unread = false;
    }

    /// Whether an urgent byte waits beside the stream, as far as was heard.
    pub(crate) const fn is_unread(&self) -> bool {
        self.unread && !self.inline
    }

    /// Whether an urgent byte waits in line.
    pub(crate) const fn waits_in_line(&self) -> bool {
        self.inline && matches!(self.place, Place::Ahead | Place::Here)
    }

    /// How much of `room` a receive may take: an urgent byte in line is given alone.
    pub(crate) const fn limit(&self, room: usize) -> usize {
        if self.inline && matches!(self.place, Place::Here) && room > 1 { 1 } else { room }
    }

    /// A receive has given `got` bytes, with room for `room`.
    pub(crate) const fn received(&mut self, got: usize, room: usize) {
        self.place = match self.place {
            place if got == 0 => place,
            // All before the mark was there, so it is the mark that cut it.
            Place::Ahead if got < room => Place::Here,
            Place::Ahead => Place::Ahead,
            Place::Here if self.inline => Place::Passed,
            _ => Place::Nowhere,
        };
    }

    /// Whether the mark is between what was received last and what is next. Nothing `available`
    /// before it means that it is. While an urgent byte is left unread, FD_OOB tells of no other, and
    /// `is_told` asks the provider below.
    pub(crate) fn is_here(
        &mut self,
        available: impl FnOnce() -> usize,
        is_told: impl FnOnce() -> bool,
    ) -> bool {
        let here = match self.place {
            Place::Ahead => available() == 0,
            Place::Nowhere => self.is_unread() && is_told(),
            Place::Here | Place::Passed => return true,
        };
        if here {
            self.place = Place::Here;
        }
        here
    }
}

#[cfg(test)]
mod tests {
    use super::UrgentMark;

    #[test]
    fn beside_the_stream_a_receive_ends_at_the_mark_once() {
        let mut mark = UrgentMark::default();
        assert!(!mark.is_here(|| 0, || false), "nothing was announced");
        mark.announced();
        assert!(mark.is_unread() && !mark.is_here(|| 4, || false));
        mark.received(2, 2);
        assert!(!mark.is_here(|| 2, || false), "there is more before it");
        mark.received(2, 10);
        assert!(mark.is_here(|| 7, || false), "a short receive was cut by it");
        assert_eq!(mark.limit(10), 10);
        mark.received(3, 10);
        assert!(!mark.is_here(|| 0, || false), "it is behind");
        assert!(mark.is_unread(), "the byte itself is not part of the stream");
        assert!(mark.is_here(|| 0, || true), "another may be there, of which nobody tells");
        mark.read();
        mark.received(3, 10);
        assert!(!mark.is_unread() && !mark.is_here(|| 0, || true));
    }

    #[test]
    fn all_before_the_mark_may_have_been_received_when_it_is_announced() {
        let mut mark = UrgentMark::default();
        mark.received(2, 10);
        mark.announced();
        assert!(mark.is_here(|| 0, || false));
    }

    #[test]
    fn in_line_the_urgent_byte_is_given_alone() {
        let mut mark = UrgentMark::default();
        mark.set_inline(true);
        mark.announced();
        assert!(mark.waits_in_line() && !mark.is_unread());
        mark.received(2, 10);
        assert!(mark.is_here(|| 3, || false) && mark.waits_in_line());
        assert_eq!(mark.limit(10), 1);
        mark.received(1, 1);
        assert!(
            mark.is_here(|| 2, || false) && !mark.waits_in_line(),
            "what comes next is apart from it"
        );
        assert_eq!(mark.limit(10), 10);
        mark.received(2, 10);
        assert!(!mark.is_here(|| 0, || false));
    }
}
