//! How the program that runs the tests scripts this DLL: a table of functions, by one export.

use core::ffi::c_void;
use core::slice;

use windows_sys::Win32::Networking::WinSock as ws;

use crate::address::{Address, ROOM};
use crate::script::{self, Answer, Seam};
use crate::{sockets, world};

/// The name of the export: a function without arguments that gives a [`Control`].
pub const EXPORT: &core::ffi::CStr = c"wsplower_control";

/// What is told of something that a send took: the context, the address of a datagram or null, and
/// the bytes.
pub type Told = unsafe extern "system" fn(*mut c_void, *const u8, *const u8, usize);

/// The functions. A seam is one of the `SEAM_` numbers.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Control {
    /// The next call of a seam that has no answer yet fails with this error.
    pub refuse: extern "system" fn(u32, i32),
    /// It takes so many bytes at the most: a send on a stream.
    pub take: extern "system" fn(u32, usize),
    /// It waits for so many milliseconds first.
    pub delay: extern "system" fn(u32, u32),
    /// Forgets the answers that wait.
    pub forget: extern "system" fn(u32),
    /// Calls of the seam give WSAEWOULDBLOCK from now on.
    pub hold: extern "system" fn(u32),
    /// Ends that, and tells whom it refused.
    pub release: extern "system" fn(u32),
    /// Whether all peers are in this process: groups, broadcasts and unreachable ports are made up.
    pub closed_world: extern "system" fn(bool),
    /// Tells of all that sends took since the log was cleared.
    pub taken: unsafe extern "system" fn(Told, *mut c_void),
    /// Empties that log.
    pub clear_taken: extern "system" fn(),
    /// How many sockets are open.
    pub open_sockets: extern "system" fn() -> usize,
}

/// WSPSocket.
pub const SEAM_OPEN: u32 = Seam::Open as u32;
/// WSPBind.
pub const SEAM_BIND: u32 = Seam::Bind as u32;
/// WSPConnect.
pub const SEAM_CONNECT: u32 = Seam::Connect as u32;
/// WSPListen.
pub const SEAM_LISTEN: u32 = Seam::Listen as u32;
/// WSPAccept.
pub const SEAM_ACCEPT: u32 = Seam::Accept as u32;
/// WSPSend and WSPSendTo.
pub const SEAM_SEND: u32 = Seam::Send as u32;
/// WSPRecv and WSPRecvFrom.
pub const SEAM_RECEIVE: u32 = Seam::Receive as u32;

extern "system" fn refuse(seam: u32, error: i32) {
    script::answer(seam, Answer::Refuse(error));
}

extern "system" fn take(seam: u32, most: usize) {
    script::answer(seam, Answer::Take(most));
}

extern "system" fn delay(seam: u32, milliseconds: u32) {
    script::answer(seam, Answer::Delay(milliseconds));
}

extern "system" fn forget(seam: u32) {
    script::forget(seam);
}

extern "system" fn hold(seam: u32) {
    script::hold(seam);
}

extern "system" fn release(seam: u32) {
    let Some(seam) = Seam::of(seam) else { return };
    for socket in script::release(seam) {
        sockets::tell_released(socket, seam);
    }
}

extern "system" fn closed_world(closed: bool) {
    world::close(closed);
}

unsafe extern "system" fn taken(told: Told, context: *mut c_void) {
    for taken in script::taken() {
        let address: Option<([u8; ROOM], i32)> = taken.to.map(Address::bytes);
        let at = address.as_ref().map_or(core::ptr::null(), |(bytes, _)| bytes.as_ptr());
        // SAFETY: the caller's own function with its own context; the bytes outlive the call.
        unsafe { told(context, at, taken.bytes.as_ptr(), taken.bytes.len()) };
    }
}

extern "system" fn clear_taken() {
    script::clear_taken();
}

extern "system" fn open_sockets() -> usize {
    sockets::count()
}

static CONTROL: Control = Control {
    refuse,
    take,
    delay,
    forget,
    hold,
    release,
    closed_world,
    taken,
    clear_taken,
    open_sockets,
};

/// Gives the table; it lives as long as the DLL.
#[unsafe(no_mangle)]
pub extern "system" fn wsplower_control() -> *const Control {
    &raw const CONTROL
}

/// A WSABUF array as slices.
///
/// # Safety
/// The array and its buffers are readable, and stay so for as long as the slices are used.
pub(crate) unsafe fn buffers<'a>(array: *const ws::WSABUF, count: u32) -> &'a [ws::WSABUF] {
    if array.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: as the caller says.
    unsafe { slice::from_raw_parts(array, count as usize) }
}
