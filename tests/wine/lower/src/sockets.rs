//! The open sockets, and the network events that are made up for them. A provider knows them by
//! numbers of ours: what is behind one can be closed before its owner closes it.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::Threading::{SetEvent, Sleep};

use crate::address::Address;
use crate::result::Outcome;
use crate::script::{self, Seam};
use crate::urgent::Urgent;
use crate::world;

/// How long after a scripted WSAEWOULDBLOCK the socket is ready again, in milliseconds.
const READY_AFTER: u32 = 2;

/// A datagram that was made up to arrive.
pub(crate) struct Arrived {
    pub(crate) from: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// What is known of a socket beside what Winsock knows.
pub(crate) struct Socket {
    /// Winsock's; none once the script ended its connection.
    pub(crate) real: Option<ws::SOCKET>,
    pub(crate) is_stream: bool,
    /// Where it is bound, and the how manieth bind that was.
    pub(crate) bound: Option<SocketAddr>,
    pub(crate) turn: u64,
    /// Whom it lets bind there too.
    pub(crate) usage: Use,
    /// A stream's peer.
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) is_listener: bool,
    /// Whether its send half was ended.
    pub(crate) has_finished: bool,
    /// SO_LINGER with no time: its close is a reset.
    pub(crate) closes_hard: bool,
    /// Whether its peer, in this process, reset the connection.
    pub(crate) was_reset: bool,
    /// The event of WSPEventSelect.
    event: usize,
    /// Network events to report beside the real ones, with their error codes.
    noted: u32,
    errors: [i32; 10],
    /// The end that the script gave its connection.
    pub(crate) dead: Option<i32>,
    /// Datagrams that met an unreachable port.
    pub(crate) resets: u32,
    pub(crate) inbox: VecDeque<Arrived>,
    /// Multicast groups that it is in, where the world is closed.
    pub(crate) groups: Vec<IpAddr>,
    pub(crate) urgent: Urgent,
    /// Whether it hears what its own machine sends to them: the receiver's choice in Winsock.
    pub(crate) hears_own: bool,
}

/// Whom a socket lets bind to its address too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Own,
    /// SO_REUSEADDR.
    Shared,
    /// SO_EXCLUSIVEADDRUSE.
    Exclusive,
}

/// A `SOCKET` that the provider above knows.
pub(crate) type Number = ws::SOCKET;

struct Table {
    next: Number,
    sockets: BTreeMap<Number, Socket>,
}

static TABLE: Mutex<Table> = Mutex::new(Table { next: 0x2_0000, sockets: BTreeMap::new() });

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn count() -> usize {
    table().sockets.len()
}

pub(crate) fn enter(real: ws::SOCKET, is_stream: bool) -> Number {
    let socket = Socket {
        real: Some(real),
        is_stream,
        bound: None,
        turn: 0,
        usage: Use::Own,
        remote: None,
        is_listener: false,
        has_finished: false,
        closes_hard: false,
        was_reset: false,
        event: 0,
        noted: 0,
        errors: [0; 10],
        dead: None,
        resets: 0,
        inbox: VecDeque::new(),
        groups: Vec::new(),
        urgent: Urgent::default(),
        hears_own: true,
    };
    let mut table = table();
    let number = table.next;
    table.next += 4;
    table.sockets.insert(number, socket);
    number
}

/// Forgets a socket.
pub(crate) fn remove(socket: Number) -> Outcome<Socket> {
    table().sockets.remove(&socket).ok_or(ws::WSAENOTSOCK)
}

/// Forgets all.
pub(crate) fn take_all() -> Vec<ws::SOCKET> {
    let all = core::mem::take(&mut table().sockets);
    all.into_values().filter_map(|entry| entry.real).collect()
}

/// Looks at a socket, or changes it.
pub(crate) fn with<R>(socket: Number, f: impl FnOnce(&mut Socket) -> R) -> Outcome<R> {
    table().sockets.get_mut(&socket).map(f).ok_or(ws::WSAENOTSOCK)
}

/// Looks at all of them.
pub(crate) fn each(f: impl FnMut(&mut Socket)) {
    table().sockets.values_mut().for_each(f);
}

/// Winsock's socket, or how its connection ended.
pub(crate) fn real(socket: Number) -> Outcome<ws::SOCKET> {
    with(socket, |entry| match entry.dead {
        Some(error) => Err(error),
        None => entry.real.ok_or(ws::WSAENOTSOCK),
    })?
}

impl Socket {
    /// Whether it is the end at `remote` of the connection whose other end is at `own`.
    pub(crate) fn is_peer(&self, own: SocketAddr, remote: SocketAddr) -> bool {
        self.is_stream
            && self.remote == Some(own)
            && self.real.and_then(Address::of) == Some(remote)
    }

    /// Notes network events, and sets the event of the socket.
    pub(crate) fn note(&mut self, events: u32, error: i32) {
        self.noted |= events;
        for (place, code) in self.errors.iter_mut().enumerate() {
            if events & (1 << place) != 0 {
                *code = error;
            }
        }
        if self.event != 0 {
            // SAFETY: the caller of WSPEventSelect keeps its event while it is selected.
            unsafe { SetEvent(self.event as HANDLE) };
        }
    }
}

/// WSPEventSelect was called.
pub(crate) fn selected(socket: Number, event: usize) -> Outcome {
    with(socket, |entry| {
        entry.event = event;
        if entry.noted != 0 {
            entry.note(0, 0);
        }
    })
}

/// What is to be reported with the real events, which are changed where they are kept back.
pub(crate) fn collect(socket: Number, events: &mut ws::WSANETWORKEVENTS) -> Outcome {
    let real = events.lNetworkEvents as u32;
    if real & ws::FD_CONNECT != 0 && script::keeps_back(Seam::Connect, socket) {
        let error = events.iErrorCode[ws::FD_CONNECT_BIT as usize];
        events.lNetworkEvents &= !((ws::FD_CONNECT | ws::FD_WRITE) as i32);
        // Told at the release: without the event now.
        with(socket, |entry| entry.errors[ws::FD_CONNECT_BIT as usize] = error)?;
    }
    with(socket, |entry| {
        if entry.dead.is_some() {
            events.lNetworkEvents = 0;
        }
        if entry.was_reset && events.lNetworkEvents & ws::FD_CLOSE as i32 != 0 {
            events.iErrorCode[ws::FD_CLOSE_BIT as usize] = ws::WSAECONNRESET;
        }
        for (place, code) in entry.errors.iter().enumerate() {
            if entry.noted & (1 << place) != 0 {
                events.iErrorCode[place] = *code;
            }
        }
        events.lNetworkEvents |= entry.noted as i32;
        entry.noted = 0;
    })
}

/// A hold has ended that refused this socket.
pub(crate) fn tell_released(socket: Number, seam: Seam) {
    // It may be closed meanwhile.
    let _ = with(socket, |entry| {
        if seam == Seam::Connect {
            let error = entry.errors[ws::FD_CONNECT_BIT as usize];
            entry.note(ws::FD_CONNECT, error);
            if error == 0 {
                entry.note(ws::FD_WRITE, 0);
            }
        } else {
            entry.note(seam.event(), 0);
        }
    });
}

/// What a scripted refusal leaves behind: a connection that has ended, or readiness to come.
pub(crate) fn refused(socket: Number, seam: Seam, error: i32) {
    match error {
        ws::WSAEWOULDBLOCK => {
            std::thread::spawn(move || {
                // SAFETY: waits, and nothing else.
                unsafe { Sleep(READY_AFTER) };
                let _ = with(socket, |entry| entry.note(seam.event(), 0));
            });
        }
        ws::WSAECONNRESET | ws::WSAECONNABORTED | ws::WSAENETRESET => {
            let ended = with(socket, |entry| {
                if !entry.is_stream || entry.dead.is_some() {
                    return None;
                }
                entry.dead = Some(error);
                entry.note(ws::FD_CLOSE, error);
                entry.real.take()
            });
            if let Ok(Some(real)) = ended {
                world::reset_peer_of(socket, real);
                close(real, true);
            }
        }
        _ => {}
    }
}

/// Closes a socket of Winsock's; with `hard` its peer sees a reset.
pub(crate) fn close(real: ws::SOCKET, hard: bool) {
    let linger = ws::LINGER { l_onoff: 1, l_linger: 0 };
    // SAFETY: a socket of ours, whose owner forgot it; the option is as long as is said.
    unsafe {
        if hard {
            let len = size_of::<ws::LINGER>() as i32;
            let at = (&raw const linger).cast();
            ws::setsockopt(real, ws::SOL_SOCKET, ws::SO_LINGER, at, len);
        }
        ws::closesocket(real);
    }
}
