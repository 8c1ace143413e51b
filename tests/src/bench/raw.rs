//! Overlapped calls in memory that whoever asks lays out: what a client must not do, or does more
//! often than a sequence is long.

use provider_core::layout::{WsaBuf, overlapped as offsets};
use provider_core::{OverlappedArgs, Routine, ServiceProvider, UserPtr, WsaError};

use crate::model::{Status, Thread};

use super::{Bench, SENTINEL};

impl Bench {
    /// Memory that holds these bytes.
    pub fn place(&self, bytes: &[u8]) -> UserPtr {
        self.host.0.memory.place(bytes)
    }

    /// An OVERLAPPED without an event.
    pub fn place_overlapped(&self) -> UserPtr {
        let mut bytes = [SENTINEL; offsets::SIZE];
        bytes[offsets::EVENT..].fill(0);
        self.place(&bytes)
    }

    /// The client takes these bytes for its own: they hold something else.
    pub fn scribble(&self, at: UserPtr, len: usize) {
        self.host.0.memory.scribble(at, len);
    }

    /// An overlapped WSPSend without a routine; what it left in `lpErrno`.
    pub fn post_send(&self, buffer: WsaBuf, overlapped: UserPtr) -> WsaError {
        self.post(buffer, overlapped, true)
    }

    /// An overlapped WSPRecv without a routine; what it left in `lpErrno`.
    pub fn post_receive(&self, buffer: WsaBuf, overlapped: UserPtr) -> WsaError {
        self.post(buffer, overlapped, false)
    }

    /// What an OVERLAPPED says.
    pub fn status_of(&self, overlapped: UserPtr) -> Status {
        self.status(overlapped)
    }

    fn post(&self, buffer: WsaBuf, overlapped: UserPtr, sends: bool) -> WsaError {
        self.host.0.running.set(Some(Thread::A));
        let errno = self.place(&[SENTINEL; 4]);
        let (array, flags) = (self.place(&buffer.encode()), self.place(&[0; 4]));
        let thread_id = UserPtr::NULL;
        let args = OverlappedArgs { overlapped, routine: Routine::NULL, thread_id };
        let (s, none) = (self.socket, UserPtr::NULL);
        if sends {
            self.provider.wsp_send(s, array, 1, none, 0, args, errno);
        } else {
            self.provider.wsp_recv(s, array, 1, none, flags, args, errno);
        }
        WsaError(i32::from_le_bytes(self.host.0.memory.peek(errno)))
    }
}
