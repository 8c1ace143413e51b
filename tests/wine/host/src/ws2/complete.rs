//! WPUCompleteOverlappedRequest, which is an export of ws2_32 and no upcall: the provider finds it
//! as an export of this program.

use core::sync::atomic::{AtomicU32, Ordering, fence};

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::IO::OVERLAPPED;
use windows_sys::Win32::System::Threading::SetEvent;

use super::strict::{self, Upcall};
use super::{give, handles, ports};
use crate::run::soak::ledger;

/// Stores count, error and status, in this order; sets the event; posts the packet unless the low
/// bit of `hEvent` is set.
///
/// # Safety
/// `overlapped` is null or the OVERLAPPED of an operation that is under way, `errno` null or
/// writable.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "the name of the export")]
pub(crate) unsafe extern "system" fn HostCompleteOverlappedRequest(
    s: ws::SOCKET,
    overlapped: *mut OVERLAPPED,
    error: u32,
    bytes: u32,
    errno: *mut i32,
) -> i32 {
    ledger::completed(overlapped);
    if let Some(refused) = strict::refuses(Upcall::CompleteOverlapped) {
        // SAFETY: the provider's lpErrno.
        return unsafe { give(Err(refused), errno) };
    }
    if overlapped.is_null() || !handles::is_open(s) {
        // SAFETY: as above.
        return unsafe { give(Err(ws::WSAEINVAL), errno) };
    }
    let port = ports::of(s);
    // SAFETY: the operation is under way, so its OVERLAPPED is the system's, aligned or not. After
    // the status is stored it may be the client's again, and is not touched any more.
    let event = unsafe {
        let event = (&raw const (*overlapped).hEvent).read_unaligned() as usize;
        (&raw mut (*overlapped).InternalHigh).write_unaligned(bytes as usize);
        (&raw mut (*overlapped).Anonymous.Anonymous.OffsetHigh).write_unaligned(error);
        let status: *mut u32 = (&raw mut (*overlapped).Internal).cast();
        if status.is_aligned() {
            AtomicU32::from_ptr(status).store(error, Ordering::Release);
        } else {
            fence(Ordering::Release);
            status.write_unaligned(error);
        }
        event
    };
    const TAG: usize = 3;
    // SAFETY: what is no event's handle is refused.
    unsafe { SetEvent((event & !TAG) as HANDLE) };
    if let Some(port) = port
        && event & 1 == 0
    {
        ports::post(port, overlapped, error, bytes);
    }
    0
}
