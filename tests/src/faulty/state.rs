//! What the layers of one flawed provider share.

use core::cell::{Cell, RefCell};
use core::net::SocketAddr;

use provider_core::{
    EventHandle, Host, OverlappedArgs, SocketHandle, ThreadId, ThreadKey, Transport, UserPtr,
};
use wspsim::host::SimHost;

use super::Flaw;

/// A lock as the provider core has them: one that the scheduler and the oracles know of.
pub(super) type Lock = lock_api::Mutex<<SimHost as Host>::RawMutex, ()>;

/// A socket of the transport.
pub(super) type Socket = <<SimHost as Host>::Transport as Transport>::Socket;

/// A datagram that a flaw keeps.
pub(super) struct Datagram {
    pub(super) socket: Socket,
    pub(super) bytes: Vec<u8>,
    /// Where it goes, or came from.
    pub(super) address: SocketAddr,
}

/// The arguments of a send, as pointers that a careful provider would not keep.
#[derive(Clone, Copy)]
pub(super) struct SendPointers {
    pub(super) array: UserPtr,
    pub(super) thread_id: UserPtr,
    pub(super) to: UserPtr,
}

/// A refused send whose completion routine is to run all the same.
#[derive(Clone, Copy)]
pub(super) struct Ghost {
    pub(super) args: OverlappedArgs,
    pub(super) thread: ThreadId,
}

/// The state. Nobody holds a borrow across a call into the host or the core.
pub(super) struct State {
    flaw: Option<Flaw>,
    pub(super) lock: Lock,
    /// The threads that are inside of `run_apc`, once for each time.
    pub(super) apc_threads: RefCell<Vec<ThreadKey>>,
    /// The thread that is inside of `service`.
    pub(super) worker: Cell<Option<ThreadKey>>,
    /// The last WSPCleanup is under way.
    pub(super) cleaning: Cell<bool>,
    /// WSPCloseSocket is under way.
    pub(super) closing: Cell<bool>,
    /// A program set SO_SNDBUF to 0: its next datagram is to be held back.
    pub(super) armed: Cell<bool>,
    /// A plain send was made.
    pub(super) sends: Cell<bool>,
    /// A send is under way in the core.
    pub(super) sending: Cell<bool>,
    /// Contexts of APCs to run somewhere else.
    pub(super) contexts: RefCell<Vec<usize>>,
    pub(super) ghost: Cell<Option<Ghost>>,
    pub(super) pointers: Cell<Option<SendPointers>>,
    /// Receives without a routine: the OVERLAPPED and the first buffer.
    pub(super) receives: RefCell<Vec<(UserPtr, UserPtr)>>,
    /// Receives without a routine: the OVERLAPPED and the socket.
    pub(super) sockets: RefCell<Vec<(UserPtr, SocketHandle)>>,
    /// Status words to store later.
    pub(super) statuses: RefCell<Vec<(UserPtr, u32)>>,
    pub(super) held: RefCell<Option<Datagram>>,
    pub(super) last: RefCell<Option<Datagram>>,
    /// The event of a selection that was taken back.
    pub(super) cancelled: Cell<Option<EventHandle>>,
    /// The flaw that strikes once has struck.
    struck: Cell<bool>,
}

impl State {
    pub(super) fn new(flaw: Option<Flaw>) -> Self {
        Self {
            flaw,
            lock: Lock::new(()),
            apc_threads: RefCell::default(),
            worker: Cell::new(None),
            cleaning: Cell::new(false),
            closing: Cell::new(false),
            armed: Cell::new(false),
            sends: Cell::new(false),
            sending: Cell::new(false),
            contexts: RefCell::default(),
            ghost: Cell::new(None),
            pointers: Cell::new(None),
            receives: RefCell::default(),
            sockets: RefCell::default(),
            statuses: RefCell::default(),
            held: RefCell::default(),
            last: RefCell::default(),
            cancelled: Cell::new(None),
            struck: Cell::new(false),
        }
    }

    /// Whether the provider has no flaw.
    pub(super) fn is_sound(&self) -> bool {
        self.flaw.is_none()
    }

    /// Whether the provider has this flaw.
    pub(super) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// How deep a thread is inside of `run_apc`.
    pub(super) fn apc_depth(&self, thread: ThreadKey) -> u64 {
        self.apc_threads.borrow().iter().filter(|inside| **inside == thread).count() as u64
    }

    /// Whether the provider has this flaw, which shows only now, once.
    pub(super) fn has_once(&self, flaw: Flaw) -> bool {
        self.has(flaw) && !self.struck.replace(true)
    }
}
