//! The flaws of WSPSend and WSPSendTo: what happens before the core gets the call, and after.

use provider_core::layout::{WsaBuf, overlapped as layout, thread_id, wsabuf};
use provider_core::spi::{SOCKET_ERROR, WSS_OPERATION_IN_PROGRESS};
use provider_core::{Host, Memory, OverlappedArgs, SocketHandle, ThreadId, UserPtr, WsaError};

use super::Flaw;
use super::memory::event_of;
use super::provider::{FlawedProvider, WORKER_TOKEN};
use super::state::{Ghost, SendPointers};

/// The arguments that the flaws look at.
pub(super) struct SendArgs {
    pub(super) socket: SocketHandle,
    pub(super) buffers: UserPtr,
    pub(super) bytes_sent: UserPtr,
    pub(super) to: UserPtr,
    pub(super) overlapped: OverlappedArgs,
    pub(super) errno: UserPtr,
}

impl SendArgs {
    fn is_overlapped(&self) -> bool {
        !self.overlapped.overlapped.is_null()
    }

    fn has_routine(&self) -> bool {
        self.is_overlapped() && !self.overlapped.routine.is_null()
    }
}

impl FlawedProvider {
    /// Runs a send through the core, with the flaws of sends around it.
    pub(super) fn send(&self, args: &SendArgs, run: impl FnOnce() -> i32) -> i32 {
        if self.state.is_sound() {
            return run();
        }
        if self.has(Flaw::Panics) {
            panic!("a flaw of the provider's");
        }
        if self.has(Flaw::WritesSendBuffer)
            && let Some(buffer) = self.first_buffer(args.buffers)
        {
            let _ = self.host.memory().write(buffer.buf, &[0]);
        }
        if !args.is_overlapped() {
            self.state.sends.set(true);
        }
        if args.has_routine() {
            let pointers = SendPointers {
                array: args.buffers,
                thread_id: args.overlapped.thread_id,
                to: args.to,
            };
            self.state.pointers.set(Some(pointers));
        }
        if self.has(Flaw::MarkLeft) && args.is_overlapped() {
            let status = args.overlapped.overlapped.offset(layout::INTERNAL);
            let _ = self.host.memory().store_status(status, WSS_OPERATION_IN_PROGRESS);
        }
        let guard = self.has(Flaw::LockTwice).then(|| self.state.lock.lock());
        self.state.sending.set(true);
        let value = run();
        self.state.sending.set(false);
        drop(guard);
        let errno = WsaError(self.read_u32(args.errno) as i32);
        if value != SOCKET_ERROR {
            self.succeeded(args);
        } else {
            if self.has(Flaw::CountOnError) {
                let count = self.read_u32(args.bytes_sent);
                let _ = self.host.memory().write(args.bytes_sent, &(count + 1).to_le_bytes());
            }
            if errno != WsaError::WSA_IO_PENDING {
                self.refused(args, errno);
            }
        }
        value
    }

    fn succeeded(&self, args: &SendArgs) {
        let count = self.read_u32(args.bytes_sent);
        if self.has(Flaw::Inline) && args.has_routine() {
            let OverlappedArgs { overlapped, routine, .. } = args.overlapped;
            self.host.call_routine(routine, 0, count, overlapped, 0);
        }
        if self.has(Flaw::WrongCount) && !args.is_overlapped() {
            let _ = self.host.memory().write(args.bytes_sent, &(count + 1).to_le_bytes());
        }
    }

    fn refused(&self, args: &SendArgs, errno: WsaError) {
        let memory = self.host.memory();
        if self.has(Flaw::WrongCode) {
            let _ = memory.write(args.errno, &WsaError::WSAEALREADY.0.to_le_bytes());
        }
        if self.has(Flaw::ZeroCode) {
            let _ = memory.write(args.errno, &[0; 4]);
        }
        if self.has(Flaw::EventAfterRefusal) && args.is_overlapped() && !args.has_routine() {
            let overlapped = args.overlapped.overlapped;
            let error = errno.0 as u32;
            let _ = self.host.complete_overlapped(args.socket, overlapped, error, 0);
        }
        if self.has(Flaw::PacketAfterRefusal) && args.is_overlapped() && !args.has_routine() {
            let overlapped = args.overlapped.overlapped;
            // Without an event there is nothing to see but the packet.
            if event_of(self.host.memory(), overlapped).is_none() {
                let error = errno.0 as u32;
                let _ = self.host.complete_overlapped(args.socket, overlapped, error, 0);
            }
        }
        if self.has(Flaw::RoutineAfterRefusal) && args.has_routine() {
            let mut bytes = [0; thread_id::SIZE];
            if memory.read(args.overlapped.thread_id, &mut bytes).is_ok() {
                let thread = ThreadId::decode(&bytes);
                self.state.ghost.set(Some(Ghost { args: args.overlapped, thread }));
                self.host.set_timer(WORKER_TOKEN, self.host.now_ns());
            }
        }
    }

    /// Reads what a send that has returned was given.
    pub(super) fn read_late(&self) {
        let Some(pointers) = self.state.pointers.get() else { return };
        let from = if self.has(Flaw::ReadsArrayLate) {
            pointers.array
        } else if self.has(Flaw::ReadsThreadIdLate) {
            pointers.thread_id
        } else if self.has(Flaw::ReadsAddressLate) {
            pointers.to
        } else {
            return;
        };
        let _ = self.host.memory().read(from, &mut [0; 16]);
    }

    /// The first WSABUF of an array.
    pub(super) fn first_buffer(&self, array: UserPtr) -> Option<WsaBuf> {
        let mut entry = [0; wsabuf::SIZE];
        self.host.memory().read(array, &mut entry).ok()?;
        Some(WsaBuf::decode(&entry)).filter(|buffer| buffer.len > 0)
    }

    /// A word of the caller's; 0 where it cannot be read.
    fn read_u32(&self, from: UserPtr) -> u32 {
        let mut word = [0; 4];
        if self.host.memory().read(from, &mut word).is_err() {
            return 0;
        }
        u32::from_le_bytes(word)
    }
}
