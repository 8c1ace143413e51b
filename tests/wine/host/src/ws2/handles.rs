//! SOCKETs: the handles that a non-IFS provider gets for its contexts. The value of a closed one is
//! given out again at once.

use windows_sys::Win32::Networking::WinSock as ws;

use super::strict::{self, Upcall};
use super::{Locked, fail, give, ports};

/// Where the values begin: no handle of the system's is so large.
const BASE: usize = 0x7a00_0000;

struct Handles {
    contexts: Vec<Option<usize>>,
    free: Vec<usize>,
}

static HANDLES: Locked<Handles> = Locked::new(Handles { contexts: Vec::new(), free: Vec::new() });

fn place(socket: ws::SOCKET) -> Option<usize> {
    socket.checked_sub(BASE).filter(|distance| distance % 4 == 0).map(|distance| distance / 4)
}

/// Whether a SOCKET is open.
pub(crate) fn is_open(socket: ws::SOCKET) -> bool {
    let handles = HANDLES.lock();
    place(socket).is_some_and(|place| matches!(handles.contexts.get(place), Some(Some(_))))
}

/// How many are open.
pub(crate) fn open_count() -> usize {
    let handles = HANDLES.lock();
    handles.contexts.iter().flatten().count()
}

pub(crate) unsafe extern "system" fn create_socket_handle(
    _entry: u32,
    context: usize,
    errno: *mut i32,
) -> ws::SOCKET {
    if let Some(error) = strict::refuses(Upcall::CreateSocketHandle) {
        // SAFETY: the provider's lpErrno.
        unsafe { fail(errno, error) };
        return ws::INVALID_SOCKET;
    }
    let mut handles = HANDLES.lock();
    let place = match handles.free.pop() {
        Some(place) => {
            handles.contexts[place] = Some(context);
            place
        }
        None => {
            handles.contexts.push(Some(context));
            handles.contexts.len() - 1
        }
    };
    BASE + 4 * place
}

fn close(socket: ws::SOCKET) -> Result<(), i32> {
    {
        let mut handles = HANDLES.lock();
        let place = place(socket).ok_or(ws::WSAENOTSOCK)?;
        let context = handles.contexts.get_mut(place).ok_or(ws::WSAENOTSOCK)?;
        context.take().ok_or(ws::WSAENOTSOCK)?;
        // Before the value can be given out again.
        ports::dissociate(socket);
        handles.free.push(place);
    }
    Ok(())
}

pub(crate) unsafe extern "system" fn close_socket_handle(s: ws::SOCKET, errno: *mut i32) -> i32 {
    let result = strict::refuses(Upcall::CloseSocketHandle).map_or_else(|| close(s), Err);
    // SAFETY: the provider's lpErrno.
    unsafe { give(result, errno) }
}

pub(crate) unsafe extern "system" fn query_socket_handle_context(
    s: ws::SOCKET,
    context: *mut usize,
    errno: *mut i32,
) -> i32 {
    let refused = strict::refuses(Upcall::QuerySocketHandleContext);
    let found = {
        let handles = HANDLES.lock();
        place(s).and_then(|place| handles.contexts.get(place).copied().flatten())
    };
    // SAFETY: the provider's context and lpErrno.
    unsafe {
        match (refused, found) {
            (None, Some(found)) => {
                *context = found;
                0
            }
            (refused, _) => give(Err(refused.unwrap_or(ws::WSAENOTSOCK)), errno),
        }
    }
}

pub(crate) unsafe extern "system" fn modify_ifs_handle(
    _entry: u32,
    _proposed: ws::SOCKET,
    errno: *mut i32,
) -> ws::SOCKET {
    // It is for providers of IFS handles.
    let error = strict::refuses(Upcall::ModifyIfsHandle).unwrap_or(ws::WSAEINVAL);
    // SAFETY: the provider's lpErrno.
    unsafe { fail(errno, error) };
    ws::INVALID_SOCKET
}

pub(crate) unsafe extern "system" fn fd_is_set(s: ws::SOCKET, set: *const ws::FD_SET) -> i32 {
    let _ = strict::refuses(Upcall::FdIsSet);
    // SAFETY: the provider's set, which has as many members as it says.
    unsafe {
        let count = (*set).fd_count as usize;
        let members = core::slice::from_raw_parts((&raw const (*set).fd_array).cast(), count);
        i32::from(members.contains(&s))
    }
}
