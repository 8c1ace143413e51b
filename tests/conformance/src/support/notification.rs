//! WSPEventSelect, WSPEnumNetworkEvents, WSPAsyncSelect and WSPSelect with sentinels and guards.

use provider_core::layout::{POINTER, fd_set, network_events as layout, timeval};
use provider_core::spi::{FD_MAX_EVENTS, SOCKET_ERROR};
use provider_core::{EventHandle, SocketHandle, UserPtr, WindowHandle, WsaError};

use super::scratch::Errno;
use super::{COUNT_SENTINEL, Guarded, until};
use crate::{CaseResult, Failure, Posted, TestBed, Waited, check};

/// WSPEventSelect.
///
/// # Errors
/// What it left in `lpErrno`; so for all of these.
pub fn event_select(
    bed: &dyn TestBed,
    s: SocketHandle,
    event: EventHandle,
    events: i32,
) -> Result<(), WsaError> {
    let errno = Errno::new(bed);
    match bed.spi().wsp_event_select(s, event, events, errno.at()) {
        0 => Ok(()),
        _ => Err(errno.error(bed)),
    }
}

/// WSPAsyncSelect.
///
/// # Errors
/// As [`event_select`].
pub fn async_select(
    bed: &dyn TestBed,
    s: SocketHandle,
    window: WindowHandle,
    message: u32,
    events: i32,
) -> Result<(), WsaError> {
    let errno = Errno::new(bed);
    match bed.spi().wsp_async_select(s, window, message, events, errno.at()) {
        0 => Ok(()),
        _ => Err(errno.error(bed)),
    }
}

/// A WSANETWORKEVENTS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Recorded {
    /// `lNetworkEvents`.
    pub events: i32,
    errors: [i32; FD_MAX_EVENTS],
}

impl Recorded {
    /// The entry of `iErrorCode` for an event; 0 for one that is not recorded.
    pub fn error(&self, event: i32) -> WsaError {
        WsaError(self.errors.get(event.trailing_zeros() as usize).copied().unwrap_or(0))
    }

    fn and(self, more: Self) -> Self {
        let errors = core::array::from_fn(|place| self.errors[place] | more.errors[place]);
        Self { events: self.events | more.events, errors }
    }
}

/// WSPEnumNetworkEvents; resets `event` if it is given. What it does not have to write it must
/// leave alone: entries of events that are not set, and all of it when it fails (ENUMEVENTS-5).
///
/// # Errors
/// The call broke its own contract; its error is inside of `Ok`.
#[track_caller]
pub fn enum_network_events(
    bed: &dyn TestBed,
    s: SocketHandle,
    event: Option<EventHandle>,
) -> CaseResult<Result<Recorded, WsaError>> {
    let sentinels = COUNT_SENTINEL.to_le_bytes().repeat(layout::SIZE / 4);
    let out = Guarded::holding(bed, &sentinels);
    let errno = Errno::new(bed);
    let event = event.unwrap_or(EventHandle(0));
    let value = bed.spi().wsp_enum_network_events(s, event, out.at(), errno.at());
    out.check(bed, "lpNetworkEvents")?;
    errno.check(bed)?;
    let bytes = out.bytes(bed);
    if value == SOCKET_ERROR {
        check::equal("lpNetworkEvents after a failure", bytes, sentinels)?;
        return Ok(Err(errno.error(bed)));
    }
    check::equal("the value returned", value, 0)?;
    let (words, _) = bytes.as_chunks::<4>();
    let word = |place: usize| words.get(place).map_or(0, |word| i32::from_le_bytes(*word));
    let mut recorded = Recorded { events: word(0), errors: [0; FD_MAX_EVENTS] };
    for (place, error) in recorded.errors.iter_mut().enumerate() {
        let entry = word(1 + place);
        if recorded.events & 1 << place != 0 {
            *error = entry;
        } else {
            let what = format!("the entry of event {:#x}, which is not set", 1 << place);
            check::equal(&what, entry as u32, COUNT_SENTINEL)?;
        }
    }
    Ok(Ok(recorded))
}

/// What is recorded now, taken out.
///
/// # Errors
/// WSPEnumNetworkEvents fails.
#[track_caller]
pub fn take_recorded(bed: &dyn TestBed, s: SocketHandle) -> CaseResult<Recorded> {
    check::works("WSPEnumNetworkEvents", enum_network_events(bed, s, None)?)
}

/// Waits for `event` and takes the record, as often as it needs until all of `wanted` was recorded.
/// Gives what was recorded in all.
///
/// # Errors
/// It never was.
#[track_caller]
pub fn told(
    bed: &dyn TestBed,
    s: SocketHandle,
    event: EventHandle,
    wanted: i32,
) -> CaseResult<Recorded> {
    let mut all = Recorded::default();
    while all.events & wanted != wanted {
        if bed.wait(event, false) != Waited::Signalled {
            let got = all.events;
            return Err(Failure::new(format!("of the events {wanted:#x} only {got:#x} came")));
        }
        let recorded = enum_network_events(bed, s, Some(event))?;
        all = all.and(check::works("WSPEnumNetworkEvents", recorded)?);
    }
    Ok(all)
}

/// The same, and nothing else was recorded.
///
/// # Errors
/// Something was, or `wanted` never was.
#[track_caller]
pub fn told_only(
    bed: &dyn TestBed,
    s: SocketHandle,
    event: EventHandle,
    wanted: i32,
) -> CaseResult<Recorded> {
    let recorded = told(bed, s, event, wanted)?;
    check::equal("the events recorded", recorded.events, wanted)?;
    Ok(recorded)
}

/// Nothing more is recorded.
///
/// # Errors
/// Something is.
#[track_caller]
pub fn nothing_recorded(bed: &dyn TestBed, s: SocketHandle) -> CaseResult {
    bed.grace(false);
    check::equal("the events recorded", take_recorded(bed, s)?.events, 0)
}

/// Waits for the next message of a window.
///
/// # Errors
/// None came.
#[track_caller]
pub fn next_message(bed: &dyn TestBed, window: WindowHandle) -> CaseResult<Posted> {
    let mut next = None;
    until(bed, false, "a message", || {
        next = bed.take_message(window);
        next.is_some()
    })?;
    next.ok_or_else(|| Failure::new("no message"))
}

/// No message comes any more.
///
/// # Errors
/// One does.
#[track_caller]
pub fn no_message(bed: &dyn TestBed, window: WindowHandle) -> CaseResult {
    bed.grace(false);
    check::equal("a message", bed.take_message(window), None)
}

/// The three sets of WSPSelect.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Sets {
    /// `readfds`.
    pub read: Vec<SocketHandle>,
    /// `writefds`.
    pub write: Vec<SocketHandle>,
    /// `exceptfds`.
    pub except: Vec<SocketHandle>,
}

impl Sets {
    /// One socket in `readfds`.
    pub fn reading(s: SocketHandle) -> Self {
        Self { read: vec![s], ..Self::default() }
    }

    /// One socket in `writefds`.
    pub fn writing(s: SocketHandle) -> Self {
        Self { write: vec![s], ..Self::default() }
    }

    /// One socket in `exceptfds`.
    pub fn excepting(s: SocketHandle) -> Self {
        Self { except: vec![s], ..Self::default() }
    }

    /// One socket in all three.
    pub fn all(s: SocketHandle) -> Self {
        Self { read: vec![s], write: vec![s], except: vec![s] }
    }

    fn len(&self) -> usize {
        self.read.len() + self.write.len() + self.except.len()
    }
}

/// The bytes of an fd_set.
pub fn encode_set(sockets: &[SocketHandle]) -> Vec<u8> {
    let mut bytes = vec![0; fd_set::ARRAY];
    bytes[..4].copy_from_slice(&(sockets.len() as u32).to_le_bytes());
    bytes.extend(sockets.iter().flat_map(|s| s.0.to_le_bytes()));
    bytes
}

fn decode_set(bytes: &[u8]) -> Vec<SocketHandle> {
    let (head, array) = bytes.split_at(fd_set::ARRAY);
    let count = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
    let (words, _) = array.as_chunks::<POINTER>();
    words.iter().take(count).map(|word| SocketHandle(usize::from_le_bytes(*word))).collect()
}

/// The bytes of a timeval.
pub fn encode_time(seconds: i32, microseconds: i32) -> [u8; timeval::SIZE] {
    let mut bytes = [0; timeval::SIZE];
    bytes[..timeval::MICROSECONDS].copy_from_slice(&seconds.to_le_bytes());
    bytes[timeval::MICROSECONDS..].copy_from_slice(&microseconds.to_le_bytes());
    bytes
}

/// WSPSelect with these sets and this timeval, both empty ones and none as null pointers. Gives the
/// sets that it left, whose sockets are as many as it returned. A failure leaves the sets as they
/// were, and `timeout` is never written (SELECT-12).
///
/// # Errors
/// The call broke its own contract; its error is inside of `Ok`.
#[track_caller]
pub fn select(
    bed: &dyn TestBed,
    sets: &Sets,
    timeout: Option<(i32, i32)>,
) -> CaseResult<Result<Sets, WsaError>> {
    let given = [&sets.read, &sets.write, &sets.except]
        .map(|sockets| (!sockets.is_empty()).then(|| Guarded::holding(bed, &encode_set(sockets))));
    let time = timeout.map(|(s, us)| Guarded::holding(bed, &encode_time(s, us)));
    let errno = Errno::new(bed);
    let at = |memory: Option<Guarded>| memory.map_or(UserPtr::NULL, |memory| memory.at());
    let [read, write, except] = given.map(at);
    let ignored = 77;
    let value = bed.spi().wsp_select(ignored, read, write, except, at(time), errno.at());
    errno.check(bed)?;
    if let (Some(memory), Some((s, us))) = (time, timeout) {
        memory.check(bed, "timeout")?;
        check::equal("timeout", memory.bytes(bed), encode_time(s, us).to_vec())?;
    }
    let mut left = given.map(|_| Vec::new());
    for (left, memory) in left.iter_mut().zip(given) {
        if let Some(memory) = memory {
            memory.check(bed, "a set")?;
            *left = decode_set(&memory.bytes(bed));
        }
    }
    let [read, write, except] = left;
    let left = Sets { read, write, except };
    if value == SOCKET_ERROR {
        check::equal("the sets after a failure", &left, sets)?;
        return Ok(Err(errno.error(bed)));
    }
    check::equal("the value returned", value as usize, left.len())?;
    Ok(Ok(left))
}

/// What of `sets` is ready now.
///
/// # Errors
/// WSPSelect fails.
#[track_caller]
pub fn ready_now(bed: &dyn TestBed, sets: &Sets) -> CaseResult<Sets> {
    check::works("WSPSelect", select(bed, sets, Some((0, 0)))?)
}

/// Waits until something of `sets` is ready, and gives that.
///
/// # Errors
/// WSPSelect fails, or nothing gets ready.
#[track_caller]
pub fn ready(bed: &dyn TestBed, sets: &Sets) -> CaseResult<Sets> {
    let ready = check::works("WSPSelect", select(bed, sets, Some((60, 0)))?)?;
    check::holds("something is ready", ready.len() > 0)?;
    Ok(ready)
}
