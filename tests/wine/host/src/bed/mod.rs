//! [`TestBed`] on a real process: real threads, APCs, events and ports.

mod lower;
mod memory;
mod routines;

use core::sync::atomic::{AtomicU32, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use provider_core::{
    ConditionRoutine, EventHandle, Profile, Routine, ServiceProvider, SocketHandle, ThreadId,
    UserPtr, WindowHandle,
};
use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, WAIT_IO_COMPLETION, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{
    CreateEventW, ExitThread, GetCurrentProcessId, ResetEvent, SetEvent, SleepEx,
    WaitForSingleObject, WaitForSingleObjectEx,
};
use wsplower::control::Control;
use wspsim_conformance::{
    BadPointer, BedPort, BedThread, ConditionBody, Failure, HookBody, Lower, Packet, Posted,
    RoutineBody, TestBed, ThreadBody, Waited,
};

use crate::spi::TableSpi;
use crate::ws2::{Locked, hooks, ports, threads, windows};
use memory::Arena;

/// The bed's limit, in milliseconds.
const LIMIT_MS: u32 = 60_000;
/// How long what is under way has to happen, on a machine that has other things to do too.
const GRACE: Duration = Duration::from_millis(60);

/// What all threads of a case share.
pub(crate) struct Shared {
    profile: Profile,
    spi: TableSpi,
    lower: &'static Control,
    arena: Arena,
    failure: Locked<Option<Failure>>,
    ports: Locked<Vec<usize>>,
}

// SAFETY: a procedure table is code of the process's, and may be called by any thread.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// A case's view of its process. Clones are the same process.
#[derive(Clone)]
pub(crate) struct RealBed(Arc<Shared>);

impl RealBed {
    pub(crate) fn new(profile: Profile, spi: TableSpi, lower: &'static Control) -> Self {
        Self(Arc::new(Shared {
            profile,
            spi,
            lower,
            arena: Arena::new(),
            failure: Locked::new(None),
            ports: Locked::new(Vec::new()),
        }))
    }

    /// The first failure, if there was one.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.0.failure.lock().clone()
    }

    /// Waits until every thread of the case but this one has ended.
    pub(crate) fn threads_ended(&self) -> bool {
        let mine = threads::current();
        (0..threads::count()).all(|thread| thread == mine || threads::join(thread, LIMIT_MS))
    }

    /// Gives back what the case had. Its threads have ended.
    pub(crate) fn clear(&self) {
        hooks::set(None);
        routines::clear();
        windows::destroy_all();
        self.0.ports.lock().drain(..).for_each(ports::close);
        self.0.arena.clear();
    }

    /// Runs a piece of a case; nothing of it leaves by unwinding.
    fn guard<R>(&self, piece: impl FnOnce() -> Result<R, Failure>) -> Option<R> {
        match catch_unwind(AssertUnwindSafe(piece)) {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(failure)) => self.fail(failure),
            Err(_) => self.fail(Failure::new("a piece of the case panicked")),
        }
        None
    }
}

unsafe extern "system" fn run_apc(context: usize) {
    // SAFETY: what `queue_apc` gave, once.
    let apc = unsafe { Box::from_raw(ptr::with_exposed_provenance_mut::<Apc>(context)) };
    let Apc { bed, body } = *apc;
    bed.guard(|| body(&bed));
}

struct Apc {
    bed: RealBed,
    body: ThreadBody,
}

impl TestBed for RealBed {
    fn profile(&self) -> Profile {
        self.0.profile
    }

    fn spi(&self) -> &dyn ServiceProvider {
        &self.0.spi
    }

    fn lower(&self) -> &dyn Lower {
        self
    }

    fn fail(&self, failure: Failure) {
        self.0.failure.lock().get_or_insert(failure);
    }

    fn alloc(&self, len: usize) -> UserPtr {
        UserPtr(self.0.arena.alloc(len))
    }

    fn free(&self, at: UserPtr) {
        self.0.arena.free(at.0);
    }

    fn read(&self, from: UserPtr, into: &mut [u8]) {
        // SAFETY: the case's own memory, or the case is at fault and dies.
        unsafe {
            let from: *const u8 = ptr::with_exposed_provenance(from.0);
            from.copy_to_nonoverlapping(into.as_mut_ptr(), into.len());
        }
    }

    fn write(&self, to: UserPtr, bytes: &[u8]) {
        // SAFETY: as above.
        unsafe {
            let to: *mut u8 = ptr::with_exposed_provenance_mut(to.0);
            to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }

    fn status(&self, overlapped: UserPtr) -> u32 {
        let internal: *mut u32 = ptr::with_exposed_provenance_mut(overlapped.0);
        if !internal.is_aligned() {
            // SAFETY: as above.
            return unsafe { internal.read_unaligned() };
        }
        // SAFETY: as above, and aligned.
        unsafe { AtomicU32::from_ptr(internal) }.load(Ordering::Acquire)
    }

    fn bad_pointers(&self) -> Vec<BadPointer> {
        let freed = self.0.arena.alloc(256);
        self.0.arena.free(freed);
        vec![
            BadPointer { what: "null", at: UserPtr::NULL },
            BadPointer { what: "low", at: UserPtr(0x10) },
            BadPointer { what: "high", at: UserPtr(0x7fff_ffff_0000) },
            BadPointer { what: "freed", at: UserPtr(freed) },
            BadPointer { what: "wrapping", at: UserPtr(usize::MAX - 7) },
        ]
    }

    fn process_id(&self) -> u32 {
        // SAFETY: it has no preconditions.
        unsafe { GetCurrentProcessId() }
    }

    fn thread_id(&self) -> ThreadId {
        let identity = threads::identity();
        ThreadId { handle: identity.ThreadHandle as usize, reserved: identity.Reserved }
    }

    fn current_thread(&self) -> BedThread {
        BedThread(threads::current())
    }

    fn spawn(&self, _name: &'static str, body: ThreadBody) -> BedThread {
        let bed = self.clone();
        BedThread(threads::spawn(Box::new(move || {
            bed.guard(|| body(&bed));
        })))
    }

    fn join(&self, thread: BedThread) -> bool {
        threads::join(thread.0, LIMIT_MS)
    }

    fn exit_thread(&self) -> ! {
        // SAFETY: ends the running thread; nothing of its stack is used by another one.
        unsafe { ExitThread(0) }
    }

    fn queue_apc(&self, thread: BedThread, apc: ThreadBody) -> bool {
        let apc = Box::into_raw(Box::new(Apc { bed: self.clone(), body: apc }));
        let queued = threads::queue(thread.0, run_apc, apc.expose_provenance());
        if !queued {
            // SAFETY: it was not given away.
            drop(unsafe { Box::from_raw(apc) });
        }
        queued
    }

    fn routine(&self, body: RoutineBody) -> Routine {
        routines::routine(self.clone(), body)
    }

    fn condition(&self, body: ConditionBody) -> ConditionRoutine {
        routines::condition(self.clone(), body)
    }

    fn set_blocking_hook(&self, hook: Option<HookBody>) {
        hooks::set(hook.map(|hook| {
            let bed = self.clone();
            let hook: hooks::Hook = Rc::new(move || bed.guard(|| hook(&bed)).unwrap_or(false));
            hook
        }));
    }

    fn create_port(&self) -> BedPort {
        let port = ports::create();
        self.0.ports.lock().push(port);
        BedPort(port)
    }

    fn associate(&self, port: BedPort, socket: SocketHandle, key: usize) -> bool {
        ports::associate(port.0, socket.0, key)
    }

    fn next_packet(&self, port: BedPort, wait: bool) -> Option<Packet> {
        let ports::Packet { key, overlapped, bytes, failed } =
            ports::next(port.0, if wait { LIMIT_MS } else { 0 })?;
        Some(Packet { key, overlapped, bytes, failed })
    }

    fn create_event(&self, manual_reset: bool, initially_set: bool) -> EventHandle {
        let (manual, set) = (i32::from(manual_reset), i32::from(initially_set));
        // SAFETY: no name, no attributes.
        EventHandle(unsafe { CreateEventW(ptr::null(), manual, set, ptr::null()) } as usize)
    }

    #[track_caller]
    fn close_event(&self, event: EventHandle) {
        // SAFETY: what is no handle is refused.
        if unsafe { CloseHandle(event.0 as HANDLE) } == 0 {
            self.fail(Failure::new("the case closes what is no event"));
        }
    }

    #[track_caller]
    fn set_event(&self, event: EventHandle) {
        // SAFETY: as above.
        if unsafe { SetEvent(event.0 as HANDLE) } == 0 {
            self.fail(Failure::new("the case sets what is no event"));
        }
    }

    #[track_caller]
    fn reset_event(&self, event: EventHandle) {
        // SAFETY: as above.
        if unsafe { ResetEvent(event.0 as HANDLE) } == 0 {
            self.fail(Failure::new("the case resets what is no event"));
        }
    }

    fn is_set(&self, event: EventHandle) -> bool {
        // SAFETY: as above.
        unsafe { WaitForSingleObject(event.0 as HANDLE, 0) == WAIT_OBJECT_0 }
    }

    fn wait(&self, event: EventHandle, alertable: bool) -> Waited {
        let alertable = i32::from(alertable);
        // SAFETY: as above.
        match unsafe { WaitForSingleObjectEx(event.0 as HANDLE, LIMIT_MS, alertable) } {
            WAIT_OBJECT_0 => Waited::Signalled,
            WAIT_IO_COMPLETION => Waited::ApcsRan,
            _ => Waited::TimedOut,
        }
    }

    fn create_window(&self) -> WindowHandle {
        WindowHandle(windows::create())
    }

    #[track_caller]
    fn destroy_window(&self, window: WindowHandle) {
        if !windows::destroy(window.0) {
            self.fail(Failure::new("the case destroys no window"));
        }
    }

    #[track_caller]
    fn take_message(&self, window: WindowHandle) -> Option<Posted> {
        let Ok(taken) = windows::take(window.0) else {
            self.fail(Failure::new("the case asks for messages of what is no window"));
            return None;
        };
        taken.map(|windows::Message { message, wparam, lparam }| Posted { message, wparam, lparam })
    }

    fn pause(&self, alertable: bool) -> bool {
        // SAFETY: waits, and nothing else.
        unsafe { SleepEx(1, i32::from(alertable)) == WAIT_IO_COMPLETION }
    }

    fn run_apcs(&self) -> bool {
        // SAFETY: as above.
        unsafe { SleepEx(0, 1) == WAIT_IO_COMPLETION }
    }

    fn patience(&self) -> u32 {
        // A pause is one to two milliseconds long.
        LIMIT_MS / 2
    }

    fn grace(&self, alertable: bool) {
        let until = Instant::now() + GRACE;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            // SAFETY: as above.
            unsafe { SleepEx(left.as_millis() as u32 + 1, i32::from(alertable)) };
        }
    }

    fn no_socket(&self) -> SocketHandle {
        SocketHandle(0xbad0)
    }

    fn no_event(&self) -> EventHandle {
        EventHandle(0xbad0)
    }
}
