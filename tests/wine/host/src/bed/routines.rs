//! Addresses for what a case passes as code: a fixed number of functions, each with a place for what
//! it runs.

use std::sync::Arc;

use provider_core::layout::{SOCKADDR_IN, SOCKADDR_IN6, decode_sockaddr_in, decode_sockaddr_in6};
use provider_core::spi::CF_REJECT;
use provider_core::{ConditionRoutine, Routine, UserPtr};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::IO::OVERLAPPED;
use wspsim_conformance::{Caller, Completion, ConditionBody, Failure, RoutineBody, TestBed};

use super::RealBed;
use crate::ws2::Locked;

type Placed<T> = Locked<Vec<(RealBed, Arc<T>)>>;

static ROUTINES: Placed<RoutineBody> = Locked::new(Vec::new());
static CONDITIONS: Placed<ConditionBody> = Locked::new(Vec::new());

type RoutineCode = unsafe extern "system" fn(u32, u32, *mut OVERLAPPED, u32);

unsafe extern "system" fn run_routine<const PLACE: usize>(
    error: u32,
    bytes: u32,
    overlapped: *mut OVERLAPPED,
    flags: u32,
) {
    let placed = ROUTINES.lock().get(PLACE).cloned();
    let Some((bed, body)) = placed else {
        eprintln!("a completion routine is called after its case has ended");
        std::process::abort();
    };
    let completion = Completion { error, bytes, overlapped: UserPtr(overlapped as usize), flags };
    bed.guard(|| body(&bed, completion));
}

/// The address in an `lpCallerId` or `lpCalleeId`.
unsafe fn address(id: *const ws::WSABUF) -> Option<core::net::SocketAddr> {
    // SAFETY: the provider's, readable while the condition function runs.
    let bytes = unsafe {
        let id = id.as_ref()?;
        core::slice::from_raw_parts(id.buf, id.len as usize)
    };
    match bytes.len() {
        SOCKADDR_IN => Some(decode_sockaddr_in(bytes.first_chunk()?)),
        SOCKADDR_IN6 => Some(decode_sockaddr_in6(bytes.first_chunk()?)),
        _ => None,
    }
}

#[allow(clippy::too_many_arguments, reason = "ws2_32 calls it so")]
unsafe extern "system" fn run_condition<const PLACE: usize>(
    caller: *mut ws::WSABUF,
    _caller_data: *mut ws::WSABUF,
    _sqos: *mut ws::QOS,
    _gqos: *mut ws::QOS,
    callee: *mut ws::WSABUF,
    _callee_data: *mut ws::WSABUF,
    _group: *mut u32,
    callback_data: usize,
) -> i32 {
    let Some((bed, body)) = CONDITIONS.lock().get(PLACE).cloned() else { return CF_REJECT };
    // SAFETY: as the provider calls it.
    let (caller, callee) = unsafe { (address(caller), address(callee)) };
    let (Some(caller), Some(callee)) = (caller, callee) else {
        bed.fail(Failure::new("a condition function is called without addresses"));
        return CF_REJECT;
    };
    let verdict = bed.guard(|| Ok(body(&bed, Caller { caller, callee, callback_data })));
    verdict.unwrap_or(CF_REJECT)
}

macro_rules! places {
    ($code:ident, $kind:ty, $($place:literal)*) => { [$($code::<$place> as $kind),*] };
}

const ROUTINE_CODE: [RoutineCode; 32] = places!(run_routine, RoutineCode,
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);

type ConditionCode = unsafe extern "system" fn(
    *mut ws::WSABUF,
    *mut ws::WSABUF,
    *mut ws::QOS,
    *mut ws::QOS,
    *mut ws::WSABUF,
    *mut ws::WSABUF,
    *mut u32,
    usize,
) -> i32;

const CONDITION_CODE: [ConditionCode; 4] = places!(run_condition, ConditionCode, 0 1 2 3);

fn place<T>(places: &Placed<T>, bed: RealBed, body: T, room: usize) -> usize {
    let mut places = places.lock();
    assert!(places.len() < room, "a case has room for {room} of these");
    places.push((bed, Arc::new(body)));
    places.len() - 1
}

/// An address for a completion routine.
pub(super) fn routine(bed: RealBed, body: RoutineBody) -> Routine {
    let place = place(&ROUTINES, bed, body, ROUTINE_CODE.len());
    Routine(ROUTINE_CODE[place] as usize)
}

/// An address for a condition function.
pub(super) fn condition(bed: RealBed, body: ConditionBody) -> ConditionRoutine {
    let place = place(&CONDITIONS, bed, body, CONDITION_CODE.len());
    ConditionRoutine(CONDITION_CODE[place] as usize)
}

/// Takes all of them away.
pub(super) fn clear() {
    let routines = core::mem::take(&mut *ROUTINES.lock());
    let conditions = core::mem::take(&mut *CONDITIONS.lock());
    drop((routines, conditions));
}
