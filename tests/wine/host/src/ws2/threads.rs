//! Threads, their identities for a provider, and WPUQueueApc.

use core::cell::Cell;
use core::ptr;

use windows_sys::Win32::Foundation::{
    CloseHandle, DUPLICATE_SAME_ACCESS, DuplicateHandle, HANDLE, WAIT_OBJECT_0,
};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::Threading::{
    CreateThread, GetCurrentProcess, GetCurrentThread, QueueUserAPC, WaitForSingleObject,
};

use super::strict::{self, Upcall};
use super::{Locked, fail, give};

/// What `Reserved` of a WSATHREADID holds beside the thread's number: other values were never given
/// out.
const MARK: usize = 0x7468;
const MARK_BITS: u32 = 16;

/// A thread: its handle, and how many APCs for it strictness refused.
struct Thread(HANDLE, usize);

// SAFETY: a handle may be used by any thread.
unsafe impl Send for Thread {}

static THREADS: Locked<Vec<Thread>> = Locked::new(Vec::new());

thread_local! {
    static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
}

fn own_handle() -> HANDLE {
    let mut handle = ptr::null_mut();
    // SAFETY: the pseudo handles of the running thread, and room for a handle.
    unsafe {
        let process = GetCurrentProcess();
        DuplicateHandle(
            process,
            GetCurrentThread(),
            process,
            &raw mut handle,
            0,
            0,
            DUPLICATE_SAME_ACCESS,
        );
    }
    handle
}

fn enter(handle: HANDLE) -> usize {
    let mut threads = THREADS.lock();
    threads.push(Thread(handle, 0));
    threads.len() - 1
}

/// The number of the running thread.
pub(crate) fn current() -> usize {
    NUMBER.with(|number| {
        number.get().unwrap_or_else(|| {
            let own = enter(own_handle());
            number.set(Some(own));
            own
        })
    })
}

fn handle_of(number: usize) -> HANDLE {
    THREADS.lock().get(number).map_or(ptr::null_mut(), |thread| thread.0)
}

/// The identity of the running thread; it is valid until [`forget`].
pub(crate) fn identity() -> ws::WSATHREADID {
    let number = current();
    ws::WSATHREADID { ThreadHandle: handle_of(number), Reserved: number << MARK_BITS | MARK }
}

struct Start {
    number: usize,
    body: Box<dyn FnOnce() + Send>,
}

unsafe extern "system" fn thread_main(start: *mut core::ffi::c_void) -> u32 {
    // SAFETY: what `spawn` gave, once.
    let start = unsafe { Box::from_raw(start.cast::<Start>()) };
    NUMBER.with(|own| own.set(Some(start.number)));
    (start.body)();
    0
}

/// Starts a thread. ExitThread ends it without an unwinding, so it is none of the library's.
pub(crate) fn spawn(body: Box<dyn FnOnce() + Send>) -> usize {
    let number = enter(ptr::null_mut());
    let start = Box::into_raw(Box::new(Start { number, body }));
    // The thread may ask for its handle at once.
    let mut threads = THREADS.lock();
    // SAFETY: the argument is the thread's to take.
    let handle = unsafe {
        CreateThread(ptr::null(), 0, Some(thread_main), start.cast(), 0, ptr::null_mut())
    };
    threads[number].0 = handle;
    number
}

/// Waits for the end of a thread. One that was forgotten has ended.
pub(crate) fn join(number: usize, milliseconds: u32) -> bool {
    let handle = handle_of(number);
    // SAFETY: a handle that is open until `forget`.
    handle.is_null() || unsafe { WaitForSingleObject(handle, milliseconds) } == WAIT_OBJECT_0
}

/// How many APCs for a thread strictness refused.
pub(crate) fn refusals(number: usize) -> usize {
    THREADS.lock().get(number).map_or(0, |thread| thread.1)
}

/// Closes the identity of a thread that has ended.
pub(crate) fn close(number: usize) {
    if let Some(thread) = THREADS.lock().get_mut(number)
        && !thread.0.is_null()
    {
        // SAFETY: ours, and closed once.
        unsafe { CloseHandle(thread.0) };
        thread.0 = ptr::null_mut();
    }
}

/// How many threads were entered.
pub(crate) fn count() -> usize {
    THREADS.lock().len()
}

/// Queues an APC of the host's to a thread.
pub(crate) fn queue(number: usize, apc: unsafe extern "system" fn(usize), context: usize) -> bool {
    let handle = handle_of(number);
    // SAFETY: a handle that is open until `forget`.
    !handle.is_null() && unsafe { QueueUserAPC(Some(apc), handle, context) } != 0
}

/// Closes the identities of all threads but this one, which have to have ended.
pub(crate) fn forget() {
    let mine = current();
    (0..count()).filter(|number| *number != mine).for_each(close);
}

pub(crate) unsafe extern "system" fn queue_apc(
    thread: *const ws::WSATHREADID,
    apc: ws::LPWSAUSERAPC,
    context: usize,
    errno: *mut i32,
) -> i32 {
    if let Some(error) = strict::refuses(Upcall::QueueApc) {
        // SAFETY: the provider's copy of an identity, and its lpErrno.
        return unsafe {
            if let Some(thread) = THREADS.lock().get_mut((*thread).Reserved >> MARK_BITS) {
                thread.1 += 1;
            }
            give(Err(error), errno)
        };
    }
    // SAFETY: the provider's copy of an identity; a handle that is none is refused.
    unsafe {
        let identity = *thread;
        let known = identity.Reserved & ((1 << MARK_BITS) - 1) == MARK;
        let queued = known && QueueUserAPC(apc, identity.ThreadHandle, context) != 0;
        give(if queued { Ok(()) } else { Err(ws::WSAEFAULT) }, errno)
    }
}

pub(crate) unsafe extern "system" fn open_current_thread(
    thread: *mut ws::WSATHREADID,
    errno: *mut i32,
) -> i32 {
    let refused = strict::refuses(Upcall::OpenCurrentThread);
    // SAFETY: the provider's identity and lpErrno.
    unsafe {
        if let Some(error) = refused {
            return give(Err(error), errno);
        }
        *thread =
            ws::WSATHREADID { ThreadHandle: own_handle(), Reserved: current() << MARK_BITS | MARK };
    }
    0
}

pub(crate) unsafe extern "system" fn close_thread(
    thread: *const ws::WSATHREADID,
    errno: *mut i32,
) -> i32 {
    let refused = strict::refuses(Upcall::CloseThread);
    // SAFETY: the provider's identity, which WPUOpenCurrentThread gave, and lpErrno.
    unsafe {
        if refused.is_none() && CloseHandle((*thread).ThreadHandle) != 0 {
            return 0;
        }
        fail(errno, refused.unwrap_or(ws::WSANOTINITIALISED));
    }
    ws::SOCKET_ERROR
}
