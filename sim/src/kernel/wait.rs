//! Waiting: SleepEx, WaitForSingleObjectEx, WaitForMultipleObjectsEx, and the waits of a provider.
//!
//! As on Windows a wait is satisfied by whoever changes the object, at that moment: an event that
//! is set and at once reset again still lets its waiters through.

use core::fmt;
use std::rc::Rc;

use crate::event::{Point, Tid};

use super::thread::State;
use super::{EventObject, Kernel, PortObject, Thread};

/// What WaitForSingleObjectEx gives for a signalled object; plus the object's place for
/// WaitForMultipleObjectsEx.
pub const WAIT_OBJECT_0: u32 = 0;
/// APCs ran.
pub const WAIT_IO_COMPLETION: u32 = 0xc0;
/// The time-out passed.
pub const WAIT_TIMEOUT: u32 = 258;
/// An argument is invalid.
pub const WAIT_FAILED: u32 = u32::MAX;
/// A time-out that never passes.
pub const INFINITE: u32 = u32::MAX;
/// The most objects that one wait takes.
pub const MAXIMUM_WAIT_OBJECTS: usize = 64;

/// An object that can be waited on.
#[derive(Clone)]
pub(crate) enum Waitable {
    /// An event.
    Event(Rc<EventObject>),
    /// A thread: signalled once it has ended.
    Thread(Rc<Thread>),
}

impl Waitable {
    fn is_signalled(&self) -> bool {
        match self {
            Self::Event(event) => event.is_set(),
            Self::Thread(thread) => thread.has_ended(),
        }
    }

    fn consume(&self) {
        if let Self::Event(event) = self {
            event.consume();
        }
    }
}

impl fmt::Display for Waitable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => write!(f, "event {}", event.number),
            Self::Thread(thread) => write!(f, "thread {}", thread.tid.0),
        }
    }
}

/// The objects of one wait.
#[derive(Clone)]
pub(crate) enum Objects {
    /// None: a sleep.
    None,
    /// One.
    One(Waitable),
    /// Several; with `all`, every one of them has to be signalled at the same time.
    Several(Vec<Waitable>, bool),
}

impl Objects {
    /// The place of the object that satisfies the wait now, consumed; `None` if none does.
    fn take(&self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::One(object) => object.is_signalled().then(|| {
                object.consume();
                0
            }),
            Self::Several(objects, true) => objects.iter().all(Waitable::is_signalled).then(|| {
                objects.iter().for_each(Waitable::consume);
                0
            }),
            Self::Several(objects, false) => {
                let place = objects.iter().position(Waitable::is_signalled)?;
                objects[place].consume();
                Some(place)
            }
        }
    }
}

/// Why a thread does not run.
#[derive(Clone)]
pub(crate) enum WaitFor {
    /// A wait of the program's; alertable or not.
    Program(Objects, bool),
    /// [`Host::wait`](provider_core::Host::wait): always alertable.
    Host(Objects),
    /// [`Host::wait_event`](provider_core::Host::wait_event).
    HostEvent(Objects),
    /// A packet from a completion port; alertable or not.
    Port(Rc<PortObject>, bool),
    /// A provider's lock.
    Lock(u32),
    /// A worker or an adversary without work.
    Work(Objects),
}

impl WaitFor {
    pub(super) fn is_alertable(&self) -> bool {
        matches!(self, Self::Program(_, true) | Self::Port(_, true) | Self::Host(_))
    }

    fn objects(&self) -> &Objects {
        match self {
            Self::Program(objects, _)
            | Self::Host(objects)
            | Self::HostEvent(objects)
            | Self::Work(objects) => objects,
            Self::Port(..) | Self::Lock(_) => &Objects::None,
        }
    }
}

impl fmt::Display for WaitFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(..) | Self::Port(..) => f.write_str("waits")?,
            Self::Host(_) => f.write_str("is blocked inside the provider")?,
            Self::HostEvent(_) => {
                f.write_str("waits for the client's event inside the provider")?
            }
            Self::Lock(number) => return write!(f, "waits for the provider's lock {number}"),
            Self::Work(_) => return f.write_str("has no work"),
        }
        if self.is_alertable() {
            f.write_str(" alertably")?;
        }
        if let Self::Port(port, _) = self {
            return write!(f, " for {port}");
        }
        match self.objects() {
            Objects::None => f.write_str(" for time to pass"),
            Objects::One(object) => write!(f, " for {object}"),
            Objects::Several(objects, all) => {
                f.write_str(if *all { " for all of" } else { " for any of" })?;
                objects.iter().try_for_each(|object| write!(f, " {object},"))
            }
        }
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// By the object at that place.
    Object(usize),
    /// By its deadline.
    TimedOut,
    /// By APCs, which have run by the time that [`Kernel::wait`] returns.
    Apcs,
}

impl Woken {
    /// As Win32 has it.
    pub(crate) const fn result(self) -> u32 {
        match self {
            Self::Object(place) => WAIT_OBJECT_0 + place as u32,
            Self::TimedOut => WAIT_TIMEOUT,
            Self::Apcs => WAIT_IO_COMPLETION,
        }
    }
}

impl Kernel {
    /// Waits in the running thread. An object that is signalled already satisfies the wait and
    /// leaves APCs queued; else an alertable wait runs what is queued; else the thread blocks until
    /// something of this happens or `deadline_ns` passes.
    pub(crate) fn wait(&self, wait_for: WaitFor, deadline_ns: Option<u64>) -> Woken {
        self.point(Point::Wait);
        let Some(me) = self.current() else { return Woken::TimedOut };
        if self.unwinding() {
            return Woken::TimedOut;
        }
        if let Some(place) = wait_for.objects().take() {
            return Woken::Object(place);
        }
        if let WaitFor::Port(port, _) = &wait_for
            && self.turn_to_port(&me, port)
        {
            return Woken::Object(0);
        }
        let alertable = wait_for.is_alertable();
        let mut woken = if alertable && self.has_deliverable_apc(&me) {
            Woken::Apcs
        } else if deadline_ns.is_some_and(|deadline_ns| deadline_ns <= self.now_ns()) {
            Woken::TimedOut
        } else {
            self.block(&me, wait_for, deadline_ns)
        };
        if woken == Woken::Apcs && !self.run_apcs(&me) {
            // Only when the machine goes down while the thread is on its way.
            woken = Woken::TimedOut;
        }
        woken
    }

    /// Takes the running thread off the processor until somebody wakes it.
    pub(super) fn block(
        &self,
        me: &Rc<Thread>,
        wait_for: WaitFor,
        deadline_ns: Option<u64>,
    ) -> Woken {
        if self.unwinding() {
            return Woken::TimedOut;
        }
        let number = me.wait_number.get() + 1;
        me.wait_number.set(number);
        let alertable = wait_for.is_alertable();
        me.wait.replace(Some(wait_for));
        me.state.set(State::Waiting);
        self.waiting.borrow_mut().push(Rc::clone(me));
        self.leave_ready(me.tid);
        self.port_thread_blocks(me);
        if let Some(deadline_ns) = deadline_ns {
            self.set_timer(deadline_ns, super::TimerKind::WaitDeadline(me.tid, number));
        }
        if alertable {
            self.expect_late_apc(me);
        }
        self.suspend(me);
        me.woken.get()
    }

    /// Ends the wait of a blocked thread, which then is in no list of waiting threads any more;
    /// nothing more when it is not blocked.
    pub(super) fn wake(&self, thread: &Rc<Thread>, woken: Woken) {
        self.forget_waiter(thread.tid);
        if thread.state.get() != State::Waiting {
            return;
        }
        thread.woken.set(woken);
        thread.wait.replace(None);
        thread.wait_number.set(thread.wait_number.get() + 1);
        thread.state.set(State::Ready);
        self.port_thread_wakes(thread);
        self.join_ready(thread.tid);
    }

    /// Ends the waits that are satisfied now, in the order in which they began, as long as
    /// `any_left` says that there is something to be satisfied by.
    pub(super) fn satisfy_waiters(&self, any_left: impl Fn() -> bool) {
        let mut place = 0;
        while any_left() {
            let Some(thread) = self.waiting.borrow().get(place).cloned() else { return };
            let taken = thread.wait.borrow().as_ref().and_then(|wait| wait.objects().take());
            match taken {
                Some(object) => self.wake(&thread, Woken::Object(object)),
                None => place += 1,
            }
        }
    }

    /// A lock was released: all who wait for it try again.
    pub(super) fn wake_lock_waiters(&self, number: u32) {
        let mut place = 0;
        loop {
            let Some(thread) = self.waiting.borrow().get(place).cloned() else { return };
            let waits = matches!(*thread.wait.borrow(), Some(WaitFor::Lock(n)) if n == number);
            if waits {
                self.wake(&thread, Woken::Object(0));
            } else {
                place += 1;
            }
        }
    }

    pub(super) fn forget_waiter(&self, tid: Tid) {
        self.waiting.borrow_mut().retain(|other| other.tid != tid);
    }
}
