//! [`TestBed`] on the simulator.

use std::rc::Rc;

use provider_core::spi::{CF_REJECT, INVALID_SOCKET};
use provider_core::{
    ConditionRoutine, EventHandle, Profile, Routine, ServiceProvider, SocketHandle, ThreadId,
    UserPtr, WindowHandle,
};
use wspsim::api::{
    self, Message, NotQueued, Os, PortHandle, ThreadHandle, WAIT_IO_COMPLETION, WAIT_OBJECT_0,
};
use wspsim_conformance::{
    BadPointer, BedPort, BedThread, Caller, Completion, ConditionBody, Failure, HookBody, Lower,
    Packet, Posted, RoutineBody, TestBed, ThreadBody, Waited,
};

/// The bed's limit, in virtual time.
const LIMIT_MS: u32 = 60_000;
/// Long enough for all that a quiet machine does by itself.
const GRACE_NS: u64 = 1_000_000_000;

/// A case's view of its simulated process, in one thread of it.
pub(super) struct SimBed {
    os: Os,
    spi: Rc<dyn ServiceProvider>,
}

impl SimBed {
    /// The bed of the running thread; `None` once the machine is off.
    pub(super) fn new(os: &Os) -> Option<Self> {
        Some(Self { os: os.clone(), spi: os.spi()? })
    }

    pub(super) fn os(&self) -> &Os {
        &self.os
    }
}

/// Runs a piece of a case in the running thread.
fn run_body(os: &Os, body: ThreadBody) {
    if let Some(bed) = SimBed::new(os)
        && let Err(failure) = body(&bed)
    {
        bed.fail(failure);
    }
}

impl TestBed for SimBed {
    fn profile(&self) -> Profile {
        self.os.profile()
    }

    fn spi(&self) -> &dyn ServiceProvider {
        &*self.spi
    }

    fn lower(&self) -> &dyn Lower {
        self
    }

    fn fail(&self, failure: Failure) {
        self.os.fail(&failure.to_string());
    }

    fn alloc(&self, len: usize) -> UserPtr {
        self.os.alloc_raw(len)
    }

    fn free(&self, at: UserPtr) {
        self.os.free_raw(at);
    }

    fn read(&self, from: UserPtr, into: &mut [u8]) {
        self.os.read_raw(from, into);
    }

    fn write(&self, to: UserPtr, bytes: &[u8]) {
        self.os.write_raw(to, bytes);
    }

    fn status(&self, overlapped: UserPtr) -> u32 {
        self.os.status_raw(overlapped)
    }

    fn bad_pointers(&self) -> Vec<BadPointer> {
        let freed = self.os.alloc_raw(256);
        self.os.free_raw(freed);
        vec![
            BadPointer { what: "null", at: UserPtr::NULL },
            BadPointer { what: "low", at: UserPtr(0x10) },
            BadPointer { what: "high", at: UserPtr(0x7fff_ffff_0000) },
            BadPointer { what: "freed", at: freed },
            BadPointer { what: "wrapping", at: UserPtr(usize::MAX - 7) },
        ]
    }

    fn process_id(&self) -> u32 {
        self.os.get_current_process_id()
    }

    fn thread_id(&self) -> ThreadId {
        self.os.thread_id()
    }

    fn current_thread(&self) -> BedThread {
        BedThread(self.os.current_thread().0)
    }

    fn spawn(&self, name: &'static str, body: ThreadBody) -> BedThread {
        let thread = self.os.create_thread(name, false, move |os| run_body(os, body));
        BedThread(thread.0)
    }

    fn join(&self, thread: BedThread) -> bool {
        self.os.wait_for_single_object(ThreadHandle(thread.0), LIMIT_MS) == WAIT_OBJECT_0
    }

    fn exit_thread(&self) -> ! {
        self.os.exit_thread()
    }

    fn queue_apc(&self, thread: BedThread, apc: ThreadBody) -> bool {
        self.os.queue_user_apc(ThreadHandle(thread.0), move |os| run_body(os, apc)).is_ok()
    }

    fn routine(&self, body: RoutineBody) -> Routine {
        self.os.routine(move |os, error, bytes, overlapped, flags| {
            if let Some(bed) = Self::new(os)
                && let Err(failure) = body(&bed, Completion { error, bytes, overlapped, flags })
            {
                bed.fail(failure);
            }
        })
    }

    fn condition(&self, body: ConditionBody) -> ConditionRoutine {
        self.os.condition(move |os, caller| {
            let api::Caller { caller, callee, callback_data } = caller;
            Self::new(os)
                .map_or(CF_REJECT, |bed| body(&bed, Caller { caller, callee, callback_data }))
        })
    }

    fn set_blocking_hook(&self, hook: Option<HookBody>) {
        let Some(hook) = hook else { return self.os.wsa_unhook_blocking_hook() };
        self.os.wsa_set_blocking_hook(move |os| match Self::new(os).map(|bed| (hook(&bed), bed)) {
            Some((Ok(again), _)) => again,
            Some((Err(failure), bed)) => {
                bed.fail(failure);
                false
            }
            None => false,
        });
    }

    fn create_port(&self) -> BedPort {
        let port = self.os.create_io_completion_port(INVALID_SOCKET, None, 0, 0);
        BedPort(port.map_or(0, |port| port.0))
    }

    fn associate(&self, port: BedPort, socket: SocketHandle, key: usize) -> bool {
        self.os.create_io_completion_port(socket, Some(PortHandle(port.0)), key, 0).is_ok()
    }

    fn next_packet(&self, port: BedPort, wait: bool) -> Option<Packet> {
        let limit_ms = if wait { LIMIT_MS } else { 0 };
        let (packet, failed) =
            match self.os.get_queued_completion_status(PortHandle(port.0), limit_ms) {
                Ok(packet) => (packet, false),
                Err(NotQueued::Failed(packet, _)) => (packet, true),
                Err(NotQueued::Nothing(_)) => return None,
            };
        let api::Packet { key, overlapped, bytes } = packet;
        Some(Packet { key, overlapped, bytes, failed })
    }

    fn create_event(&self, manual_reset: bool, initially_set: bool) -> EventHandle {
        self.os.create_event(manual_reset, initially_set)
    }

    fn close_event(&self, event: EventHandle) {
        self.os.check(self.os.close_handle(event).is_ok(), "the case closes what is no event");
    }

    fn set_event(&self, event: EventHandle) {
        self.os.check(self.os.set_event(event).is_ok(), "the case sets what is no event");
    }

    fn reset_event(&self, event: EventHandle) {
        self.os.check(self.os.reset_event(event).is_ok(), "the case resets what is no event");
    }

    fn is_set(&self, event: EventHandle) -> bool {
        self.os.wait_for_single_object(event, 0) == WAIT_OBJECT_0
    }

    fn wait(&self, event: EventHandle, alertable: bool) -> Waited {
        match self.os.wait_for_single_object_ex(event, LIMIT_MS, alertable) {
            WAIT_OBJECT_0 => Waited::Signalled,
            WAIT_IO_COMPLETION => Waited::ApcsRan,
            _ => Waited::TimedOut,
        }
    }

    fn create_window(&self) -> WindowHandle {
        self.os.create_window()
    }

    fn destroy_window(&self, window: WindowHandle) {
        self.os.check(self.os.destroy_window(window).is_ok(), "the case destroys no window");
    }

    fn take_message(&self, window: WindowHandle) -> Option<Posted> {
        match self.os.peek_message(window) {
            Ok(message) => message.map(|Message { message, wparam, lparam }| Posted {
                message,
                wparam,
                lparam,
            }),
            Err(_) => {
                self.os.fail("the case asks for messages of what is no window");
                None
            }
        }
    }

    fn pause(&self, alertable: bool) -> bool {
        self.os.sleep_ex(1, alertable) == WAIT_IO_COMPLETION
    }

    fn run_apcs(&self) -> bool {
        self.os.sleep_ex(0, true) == WAIT_IO_COMPLETION
    }

    fn patience(&self) -> u32 {
        LIMIT_MS
    }

    fn grace(&self, alertable: bool) {
        let until_ns = self.os.now_ns() + GRACE_NS;
        while self.os.now_ns() < until_ns {
            let left_ms = (until_ns - self.os.now_ns().min(until_ns)) / 1_000_000;
            self.os.sleep_ex(left_ms as u32 + 1, alertable);
        }
    }

    fn no_socket(&self) -> SocketHandle {
        SocketHandle(0xbad0)
    }

    fn no_event(&self) -> EventHandle {
        EventHandle(0xbad0)
    }
}
