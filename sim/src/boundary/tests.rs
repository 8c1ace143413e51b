//! The boundary in front of a provider that does what a test says.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use provider_core::layout::{WsaBuf, overlapped as offsets, thread_id};
use provider_core::spi::{AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED};
use provider_core::{
    ConditionRoutine, ConnectArgs, EventHandle, OverlappedArgs, Profile, Routine, ServiceProvider,
    SocketHandle, ThreadId, UserPtr, WindowHandle, Work, WsaError,
};

use super::*;
use crate::event::{At, Function, MachineId, ProcessId, Tid, What};
use crate::memory::{AccessError, Arena, Pattern};
use crate::oracle::{Oracles, ProcessKey, Violation};

const PENDING: u32 = 0x103;

struct Around {
    oracles: RefCell<Oracles>,
    found: RefCell<Vec<Violation>>,
    time_ns: Cell<u64>,
}

impl Surroundings for Around {
    fn at(&self) -> At {
        self.time_ns.set(self.time_ns.get() + 1);
        At { time_ns: self.time_ns.get(), machine: MachineId(0), thread: Some(Tid(1)) }
    }
    fn record(&self, _at: At, _what: What) {}
    fn oracles(&self) -> &RefCell<Oracles> {
        &self.oracles
    }
    fn report(&self, _at: At, violation: Violation) {
        self.found.borrow_mut().push(violation);
    }
    fn thread_named(&self, id: &ThreadId) -> Option<Tid> {
        u32::try_from(id.handle).ok().map(Tid)
    }
    fn is_event(&self, event: EventHandle) -> bool {
        event.0 != 0
    }
    fn is_on_port(&self, _socket: SocketHandle) -> bool {
        false
    }
    fn entering(&self, _function: Function, _socket: SocketHandle) {}
    fn left(&self, _function: Function, _socket: SocketHandle) {}
}

type Step = dyn FnMut(&Watch) -> i32;

/// A provider whose transfers do what `step` says; sockets are 4.
struct Puppet {
    watch: Rc<Watch>,
    step: RefCell<Box<Step>>,
}

impl Puppet {
    fn run(&self) -> i32 {
        let mut step = self.step.replace(Box::new(|_| 0));
        step(&self.watch)
    }
}

#[rustfmt::skip]
impl ServiceProvider for Puppet {
    fn wsp_startup(&self, v: u16) -> Result<u16, WsaError> { Ok(v) }
    fn wsp_cleanup(&self, _: UserPtr) -> i32 { 0 }
    fn wsp_socket(&self, _: i32, _: i32, _: i32, _: UserPtr, _: u32, _: u32, _: UserPtr) -> SocketHandle { SocketHandle(4) }
    fn wsp_bind(&self, _: SocketHandle, _: UserPtr, _: i32, _: UserPtr) -> i32 { self.run() }
    fn wsp_connect(&self, _: SocketHandle, _: UserPtr, _: i32, _: ConnectArgs, _: UserPtr) -> i32 { self.run() }
    fn wsp_join_leaf(&self, _: SocketHandle, _: UserPtr, _: i32, _: ConnectArgs, _: u32, _: UserPtr) -> SocketHandle { SocketHandle(4) }
    fn wsp_listen(&self, _: SocketHandle, _: i32, _: UserPtr) -> i32 { 0 }
    fn wsp_accept(&self, _: SocketHandle, _: UserPtr, _: UserPtr, _: ConditionRoutine, _: usize, _: UserPtr) -> SocketHandle { SocketHandle(8) }
    fn wsp_close_socket(&self, _: SocketHandle, _: UserPtr) -> i32 { 0 }
    fn wsp_shutdown(&self, _: SocketHandle, _: i32, _: UserPtr) -> i32 { 0 }
    fn wsp_get_sock_name(&self, _: SocketHandle, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_get_peer_name(&self, _: SocketHandle, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_set_sock_opt(&self, _: SocketHandle, _: i32, _: i32, _: UserPtr, _: i32, _: UserPtr) -> i32 { 0 }
    fn wsp_get_sock_opt(&self, _: SocketHandle, _: i32, _: i32, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_ioctl(&self, _: SocketHandle, _: u32, _: UserPtr, _: u32, _: UserPtr, _: u32, _: UserPtr, _: OverlappedArgs, _: UserPtr) -> i32 { 0 }
    fn wsp_send(&self, _: SocketHandle, _: UserPtr, _: u32, _: UserPtr, _: u32, _: OverlappedArgs, _: UserPtr) -> i32 { self.run() }
    fn wsp_send_to(&self, _: SocketHandle, _: UserPtr, _: u32, _: UserPtr, _: u32, _: UserPtr, _: i32, _: OverlappedArgs, _: UserPtr) -> i32 { self.run() }
    fn wsp_recv(&self, _: SocketHandle, _: UserPtr, _: u32, _: UserPtr, _: UserPtr, _: OverlappedArgs, _: UserPtr) -> i32 { self.run() }
    fn wsp_recv_from(&self, _: SocketHandle, _: UserPtr, _: u32, _: UserPtr, _: UserPtr, _: UserPtr, _: UserPtr, _: OverlappedArgs, _: UserPtr) -> i32 { self.run() }
    fn wsp_get_overlapped_result(&self, _: SocketHandle, _: UserPtr, _: UserPtr, _: bool, _: UserPtr, _: UserPtr) -> i32 { self.run() }
    fn wsp_send_disconnect(&self, _: SocketHandle, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_recv_disconnect(&self, _: SocketHandle, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_duplicate_socket(&self, _: SocketHandle, _: u32, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_select(&self, _: i32, _: UserPtr, _: UserPtr, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_event_select(&self, _: SocketHandle, _: EventHandle, _: i32, _: UserPtr) -> i32 { 0 }
    fn wsp_enum_network_events(&self, _: SocketHandle, _: EventHandle, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_async_select(&self, _: SocketHandle, _: WindowHandle, _: u32, _: i32, _: UserPtr) -> i32 { 0 }
    fn wsp_address_to_string(&self, _: UserPtr, _: u32, _: UserPtr, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_string_to_address(&self, _: UserPtr, _: i32, _: UserPtr, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_get_qos_by_name(&self, _: SocketHandle, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_cancel_blocking_call(&self, _: UserPtr) -> i32 { 0 }
    fn run_apc(&self, _: usize) {}
    fn service(&self, _: Work) {}
}

/// A process with one datagram socket, and memory for one send.
struct Bed {
    around: Rc<Around>,
    arena: Rc<Arena>,
    boundary: Boundary,
    puppet: Rc<Puppet>,
    errno: UserPtr,
    count: UserPtr,
    array: UserPtr,
    data: UserPtr,
    to: UserPtr,
    thread: UserPtr,
    overlapped: UserPtr,
}

impl Bed {
    fn new(flags: u32) -> Self {
        let around = Rc::new(Around {
            oracles: RefCell::new(Oracles::new(Profile::Windows)),
            found: RefCell::default(),
            time_ns: Cell::new(0),
        });
        let arena = Rc::new(Arena::new());
        let key = ProcessKey { machine: MachineId(0), process: ProcessId(0) };
        let surroundings: Rc<dyn Surroundings> = Rc::<Around>::clone(&around);
        let watch = Rc::new(Watch::new(surroundings, key, Rc::clone(&arena)));
        let step: Box<Step> = Box::new(|_| 0);
        let puppet = Rc::new(Puppet { watch: Rc::clone(&watch), step: RefCell::new(step) });
        let provider: Rc<dyn ServiceProvider> = Rc::<Puppet>::clone(&puppet);
        let bed = Self {
            errno: arena.alloc(4),
            count: arena.alloc(4),
            array: arena.alloc(16),
            data: arena.alloc(3),
            to: arena.alloc(16),
            thread: arena.alloc(thread_id::SIZE),
            overlapped: arena.alloc(offsets::SIZE),
            boundary: Boundary::new(watch, provider),
            around,
            arena,
            puppet,
        };
        bed.arena.client_write(bed.data, b"abc").unwrap();
        bed.arena.client_write(bed.overlapped, &[0; offsets::SIZE]).unwrap();
        bed.boundary.wsp_startup(0x202).unwrap();
        bed.boundary.wsp_socket(AF_INET, SOCK_DGRAM, 0, UserPtr::NULL, 0, flags, bed.errno);
        bed
    }

    fn step(&self, step: impl FnMut(&Watch) -> i32 + 'static) {
        drop(self.puppet.step.replace(Box::new(step)));
    }

    fn args(&self) -> OverlappedArgs {
        OverlappedArgs {
            overlapped: self.overlapped,
            routine: Routine(0x7ff0),
            thread_id: self.thread,
        }
    }

    /// What the last call's scribbling took.
    fn fill_transients(&self) {
        let entry = WsaBuf { len: 3, buf: self.data }.encode();
        self.arena.client_write(self.array, &entry).unwrap();
        let id = ThreadId { handle: 1, reserved: 0 }.encode();
        self.arena.client_write(self.thread, &id).unwrap();
    }

    fn send_to(&self, overlapped: OverlappedArgs) -> i32 {
        self.fill_transients();
        let (s, zero) = (SocketHandle(4), 0);
        self.boundary
            .wsp_send_to(s, self.array, 1, self.count, zero, self.to, 16, overlapped, self.errno)
    }

    fn recv(&self, overlapped: OverlappedArgs, flags: UserPtr) -> i32 {
        self.fill_transients();
        let s = SocketHandle(4);
        self.boundary.wsp_recv(s, self.array, 1, self.count, flags, overlapped, self.errno)
    }

    fn clauses(&self) -> Vec<&'static str> {
        self.around.found.borrow().iter().map(|violation| violation.clause).collect()
    }
}

fn refuse(watch: &Watch, errno: UserPtr, error: WsaError) -> i32 {
    watch.arena().provider_write(errno, &error.0.to_le_bytes()).unwrap();
    -1
}

/// As a provider that leaves the operation pending.
fn pend(watch: &Watch, overlapped: UserPtr, errno: UserPtr) -> i32 {
    watch.arena().store_status(overlapped, PENDING).unwrap();
    watch.status_stored(overlapped, PENDING);
    refuse(watch, errno, WsaError::WSA_IO_PENDING)
}

fn is_violation<T>(result: Result<T, AccessError>) -> bool {
    matches!(result, Err(AccessError::Violation(_)))
}

#[test]
fn pending_send_is_scribbled_and_keeps_its_buffers() {
    let bed = Bed::new(WSA_FLAG_OVERLAPPED);
    let (errno, overlapped) = (bed.errno, bed.overlapped);
    let (array, to, thread) = (bed.array, bed.to, bed.thread);
    bed.step(move |watch| {
        for at in [array, to, thread] {
            watch.arena().provider_read(at, &mut [0; 16]).unwrap();
        }
        pend(watch, overlapped, errno)
    });
    assert_eq!(bed.send_to(bed.args()), -1);
    for (at, mark) in
        [(array, Pattern::WsabufArray), (to, Pattern::Address), (thread, Pattern::ThreadId)]
    {
        let mut bytes = [0; 16];
        bed.arena.client_read(at, &mut bytes).unwrap();
        assert_eq!(bytes, [mark.byte(); 16]);
        assert!(is_violation(bed.arena.provider_read(at, &mut bytes)));
    }
    assert_eq!(bed.arena.operation_bytes(), 3 + offsets::SIZE);
    assert!(bed.arena.client_read(bed.data, &mut [0; 3]).is_err());
    bed.arena.provider_read(bed.data, &mut [0; 3]).unwrap();
    // The final status gives everything back.
    bed.arena.store_status(overlapped, 0).unwrap();
    let count = overlapped.offset(offsets::INTERNAL_HIGH);
    bed.arena.provider_write(count, &3_usize.to_le_bytes()).unwrap();
    bed.boundary.watch().status_stored(overlapped, 0);
    assert_eq!(bed.arena.operation_bytes(), 0);
    assert!(is_violation(bed.arena.provider_read(bed.data, &mut [0; 3])));
    assert!(is_violation(bed.arena.store_status(overlapped, 0)));
    assert_eq!(bed.clauses(), [""; 0]);
}

#[test]
fn refused_send_holds_nothing() {
    let bed = Bed::new(WSA_FLAG_OVERLAPPED);
    let errno = bed.errno;
    bed.step(move |watch| refuse(watch, errno, WsaError::WSAENOBUFS));
    bed.send_to(bed.args());
    assert_eq!(bed.arena.operation_bytes(), 0);
    // The array goes with the caller's stack frame, whatever the call gave.
    let mut bytes = [0; 16];
    bed.arena.client_read(bed.array, &mut bytes).unwrap();
    assert_eq!(bytes, [Pattern::WsabufArray.byte(); 16]);
    assert_eq!(bed.clauses(), [""; 0]);
}

#[test]
fn touched_counts_and_overlapped_are_caught() {
    let bed = Bed::new(WSA_FLAG_OVERLAPPED);
    let (errno, count, overlapped) = (bed.errno, bed.count, bed.overlapped);
    bed.step(move |watch| {
        watch.arena().provider_write(count, &7_u32.to_le_bytes()).unwrap();
        refuse(watch, errno, WsaError::WSAENOBUFS)
    });
    bed.send_to(bed.args());
    bed.step(move |watch| {
        watch.arena().store_status(overlapped, PENDING).unwrap();
        watch.status_stored(overlapped, PENDING);
        refuse(watch, errno, WsaError::WSAENOBUFS)
    });
    bed.send_to(bed.args());
    bed.arena.client_write(overlapped, &[0; 8]).unwrap();
    bed.step(move |watch| {
        watch.arena().provider_write(count, &8_u32.to_le_bytes()).unwrap();
        pend(watch, overlapped, errno)
    });
    bed.send_to(bed.args());
    assert_eq!(bed.clauses(), ["RET-9", "OVL-6c", "RET-8"]);
}

/// OVL-4, OVL-5: on a nonoverlapped socket the OVERLAPPED is nobody's.
#[test]
fn nonoverlapped_socket_ignores_overlapped() {
    let bed = Bed::new(0);
    let (overlapped, thread) = (bed.overlapped, bed.thread);
    bed.step(move |watch| {
        assert!(is_violation(watch.arena().store_status(overlapped, PENDING)));
        assert!(is_violation(watch.arena().provider_read(thread, &mut [0; 16])));
        0
    });
    bed.arena.client_write(bed.count, &3_u32.to_le_bytes()).unwrap();
    bed.send_to(bed.args());
    assert_eq!(bed.arena.operation_bytes(), 0);
    assert_eq!(bed.clauses(), [""; 0]);
}

#[test]
fn double_use_of_an_overlapped_is_the_clients() {
    let bed = Bed::new(WSA_FLAG_OVERLAPPED);
    let (errno, overlapped) = (bed.errno, bed.overlapped);
    for _ in 0..2 {
        bed.step(move |watch| pend(watch, overlapped, errno));
        bed.send_to(bed.args());
    }
    let found = bed.around.found.borrow();
    assert_eq!((found[0].oracle, found[0].clause), ("client-misuse", "OVL-11"));
}

/// Bad pointers are faults, whatever they are.
#[test]
fn bad_arguments_are_faults() {
    let bed = Bed::new(WSA_FLAG_OVERLAPPED);
    let errno = bed.errno;
    for (array, count) in [(UserPtr(0x10), 1), (UserPtr(usize::MAX - 3), 2), (bed.array, u32::MAX)]
    {
        bed.step(move |watch| {
            let result = watch.arena().provider_read(array, &mut [0; 32]);
            assert_eq!(result, Err(AccessError::Fault));
            refuse(watch, errno, WsaError::WSAEFAULT)
        });
        let (s, none) = (SocketHandle(4), OverlappedArgs::NONE);
        bed.boundary.wsp_send(s, array, count, bed.count, 0, none, errno);
    }
    bed.step(|_| -1);
    bed.boundary.wsp_connect(SocketHandle(4), UserPtr(8), -1, ConnectArgs::NONE, UserPtr(3));
    assert_eq!(bed.clauses(), [""; 0], "lpErrno is nowhere, so nothing is missing in it");
}

/// A receive may write its buffers, a send may not.
#[test]
fn only_receives_write_buffers() {
    let bed = Bed::new(WSA_FLAG_OVERLAPPED);
    let (errno, data, count) = (bed.errno, bed.data, bed.count);
    let flags = bed.arena.alloc(4);
    bed.arena.client_write(flags, &[0; 4]).unwrap();
    bed.step(move |watch| {
        watch.arena().provider_write(data, b"xyz").unwrap();
        watch.arena().provider_write(count, &0_u32.to_le_bytes()).unwrap();
        0
    });
    bed.recv(OverlappedArgs::NONE, flags);
    bed.step(move |watch| {
        assert!(is_violation(watch.arena().provider_write(data, b"xyz")));
        refuse(watch, errno, WsaError::WSAENOBUFS)
    });
    bed.send_to(OverlappedArgs::NONE);
    assert_eq!(bed.clauses(), [""; 0]);
}

/// A thread that ends inside a call gives back what the call was lent.
#[test]
fn unwinding_takes_back() {
    let bed = Bed::new(WSA_FLAG_OVERLAPPED);
    bed.step(|_| std::panic::resume_unwind(Box::new(())));
    let call = core::panic::AssertUnwindSafe(|| bed.send_to(OverlappedArgs::NONE));
    assert!(std::panic::catch_unwind(call).is_err());
    assert!(is_violation(bed.arena.provider_read(bed.data, &mut [0; 3])));
}
