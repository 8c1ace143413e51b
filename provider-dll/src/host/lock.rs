//! The core's lock: an SRW lock.

use core::cell::UnsafeCell;

use windows_sys::Win32::System::Threading::{
    AcquireSRWLockExclusive, ReleaseSRWLockExclusive, SRWLOCK, SRWLOCK_INIT,
    TryAcquireSRWLockExclusive,
};

/// A slim reader/writer lock, held exclusively.
pub(crate) struct SrwLock(UnsafeCell<SRWLOCK>);

// SAFETY: the system's lock is made to be used by any thread.
unsafe impl Send for SrwLock {}
// SAFETY: as above.
unsafe impl Sync for SrwLock {}

// SAFETY: exclusive acquisition excludes every other holder until it is released.
unsafe impl lock_api::RawMutex for SrwLock {
    #[allow(clippy::declare_interior_mutable_const, reason = "lock_api asks for it")]
    const INIT: Self = Self(UnsafeCell::new(SRWLOCK_INIT));
    type GuardMarker = lock_api::GuardNoSend;

    fn lock(&self) {
        // SAFETY: initialised by INIT, and never moved while it is held.
        unsafe { AcquireSRWLockExclusive(self.0.get()) }
    }

    fn try_lock(&self) -> bool {
        // SAFETY: as above.
        unsafe { TryAcquireSRWLockExclusive(self.0.get()) }
    }

    unsafe fn unlock(&self) {
        // SAFETY: the caller holds it.
        unsafe { ReleaseSRWLockExclusive(self.0.get()) }
    }
}

/// A value behind such a lock.
pub(crate) type Locked<T> = lock_api::Mutex<SrwLock, T>;
