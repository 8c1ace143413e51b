//! Virtual threads as stackful coroutines, and the lock that providers get. The only file of the
//! simulator with unsafe code: it keeps a pointer to the running coroutine's yielder, a scoped
//! pointer to the machine that runs, and it implements the unsafe trait `RawMutex`.

use core::cell::{Cell, RefCell};
use core::ptr;
use std::rc::Rc;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

use super::Kernel;
use super::lock::LockState;

/// Bytes of a thread's stack. Pages are only backed once they are touched; debug builds that format
/// deep inside a provider need about a fifth of it.
const STACK_BYTES: usize = 256 * 1024;

/// How many idle stacks an OS thread keeps.
const POOL_MAX: usize = 64;

thread_local! {
    static POOL: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
    /// The machine whose threads run right now, or null: set around resumes, for locks, which
    /// have no handle of their host's.
    static CURRENT: Cell<*const Kernel> = const { Cell::new(ptr::null()) };
}

fn take_stack() -> DefaultStack {
    let pooled = POOL.try_with(|pool| pool.borrow_mut().pop()).ok().flatten();
    match pooled {
        Some(stack) => stack,
        None => match DefaultStack::new(STACK_BYTES) {
            Ok(stack) => stack,
            Err(error) => panic!("no memory for the stack of a virtual thread: {error}"),
        },
    }
}

fn give_stack(stack: DefaultStack) {
    // An OS thread that ends may have dropped its pool already: the stack is then freed.
    let _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.len() < POOL_MAX {
            pool.push(stack);
        }
    });
}

/// Says whose threads are resumed; restores [`CURRENT`] when dropped.
pub(super) struct Scope(*const Kernel);

impl Scope {
    /// From now on it is `kernel`'s threads that run. The scope must end before the kernel does:
    /// both are locals of the main loop, or of whoever takes the power off.
    pub(super) fn enter(kernel: &Kernel) -> Self {
        Self(CURRENT.with(|current| current.replace(kernel)))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        CURRENT.with(|current| current.set(self.0));
    }
}

/// The stack and the saved registers of one virtual thread.
pub(crate) struct Fiber {
    /// Borrowed while the thread runs, and by nobody else then.
    coroutine: RefCell<Option<Coroutine<(), (), ()>>>,
    yielder: Rc<Cell<*const Yielder<(), ()>>>,
}

impl Fiber {
    /// A fiber that runs `body` when it is first resumed.
    pub(super) fn new(body: impl FnOnce() + 'static) -> Self {
        let yielder = Rc::new(Cell::new(ptr::null()));
        let own = Rc::clone(&yielder);
        let coroutine = Coroutine::with_stack(take_stack(), move |yielder, ()| {
            own.set(ptr::from_ref(yielder));
            body();
        });
        Self { coroutine: RefCell::new(Some(coroutine)), yielder }
    }

    /// Whether there is anything left to run or to unwind.
    pub(super) fn is_alive(&self) -> bool {
        self.coroutine.try_borrow().map_or(true, |coroutine| coroutine.is_some())
    }

    /// Runs the thread until it suspends or ends. Must not be called from the thread itself, and
    /// only inside of a [`Scope`].
    pub(super) fn resume(&self) {
        let mut slot = self.coroutine.borrow_mut();
        let Some(coroutine) = slot.as_mut() else { return };
        if matches!(coroutine.resume(()), CoroutineResult::Return(()))
            && let Some(coroutine) = slot.take()
        {
            give_stack(coroutine.into_stack());
        }
    }

    /// Goes back to whoever resumed this thread. Must be called on this thread, and never while it
    /// unwinds.
    pub(super) fn suspend(&self) {
        let yielder = self.yielder.get();
        assert!(!yielder.is_null(), "a thread that never ran suspends");
        // SAFETY: the pointer was taken from the reference that the coroutine's body got, which is
        // valid for as long as the body runs; only code on this very coroutine calls suspend.
        unsafe { (*yielder).suspend(()) };
    }

    /// Unwinds what is on the stack, so that all of it is dropped; false when the thread runs or
    /// is being unwound right now.
    pub(super) fn unwind(&self, kernel: &Kernel) -> bool {
        let Ok(mut slot) = self.coroutine.try_borrow_mut() else { return false };
        if let Some(coroutine) = slot.as_mut() {
            {
                let _scope = Scope::enter(kernel);
                coroutine.force_unwind();
            }
            if let Some(coroutine) = slot.take() {
                give_stack(coroutine.into_stack());
            }
        }
        true
    }
}

/// Calls `f` with the machine whose thread runs right now.
fn with_current<R>(f: impl FnOnce(Option<&Kernel>) -> R) -> R {
    let current = CURRENT.try_with(Cell::get).unwrap_or(ptr::null());
    // SAFETY: non-null only while a Scope lives, which was made from a reference to the kernel
    // by a function that holds the kernel until after it has dropped the Scope.
    f(unsafe { current.as_ref() })
}

/// The lock that a provider builds its mutexes on: taking and releasing it are scheduling points,
/// and a thread that finds it taken waits in the virtual kernel.
pub struct SimRawMutex(LockState);

// SAFETY: LockState lets one holder in at a time: it is taken only while it is free, and freed only
// by unlock. It is not Sync, so one OS thread is all that ever sees it.
unsafe impl lock_api::RawMutex for SimRawMutex {
    #[allow(clippy::declare_interior_mutable_const, reason = "the trait asks for it")]
    const INIT: Self = Self(LockState::NEW);

    type GuardMarker = lock_api::GuardNoSend;

    fn lock(&self) {
        with_current(|kernel| match kernel {
            Some(kernel) => kernel.lock(&self.0),
            None => self.0.take_outside(),
        });
    }

    fn try_lock(&self) -> bool {
        with_current(|kernel| match kernel {
            Some(kernel) => kernel.try_lock(&self.0),
            None => self.0.try_take_outside(),
        })
    }

    unsafe fn unlock(&self) {
        with_current(|kernel| match kernel {
            Some(kernel) => kernel.unlock(&self.0),
            None => self.0.free(),
        });
    }
}
