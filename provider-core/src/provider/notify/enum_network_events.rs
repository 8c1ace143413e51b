//! WSPEnumNetworkEvents.

use crate::layout::network_events as layout;
use crate::socket::Record;
use crate::spi::FD_MAX_EVENTS;
use crate::{EventHandle, Host, Memory, MemoryFault, SocketHandle, UserPtr, WsaError};

use super::super::Provider;

impl<H: Host> Provider<H> {
    /// Gives the record out and clears it, and resets `event` unless that is null.
    ///
    /// The event is reset first: what is recorded between the two sets it again, which costs the
    /// client one look for nothing; the other way around it would never hear of it.
    ///
    /// # Errors
    /// Nothing is cleared: WSAEFAULT, WSAEINVAL for what is no event object.
    pub(in super::super) fn enum_network_events(
        &self,
        handle: SocketHandle,
        event: EventHandle,
        out: UserPtr,
    ) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        let memory = self.host.memory();
        //= docs/spec/notification.md#enumevents-6
        //# An `lpNetworkEvents` that is not writable memory MUST fail with WSAEFAULT, and an
        //# `hEventObject` that is no event with WSAEINVAL.
        //= docs/spec/notification.md#enumevents-4
        //# A call that fails MUST neither clear the record nor reset the event object.
        memory.probe_write(out, layout::SIZE).map_err(|_| WsaError::WSAEFAULT)?;
        if event.0 != 0 {
            //= docs/spec/notification.md#enumevents-2
            //# An `hEventObject` that is not null MUST be reset.
            //= docs/spec/notification.md#enumevents-3
            //# Copying, clearing and resetting MUST be one step: a network event that occurs after
            //# it sets the event object.
            self.host.reset_event(event).map_err(|_| WsaError::WSAEINVAL)?;
        }
        let mut state = self.lock_open(&socket)?;
        let written = give(memory, out, &state.events.record());
        match written {
            //= docs/spec/notification.md#enumevents-1
            //# The record and the error codes MUST be stored in `lpNetworkEvents`, and the record
            //# cleared.
            Ok(()) => state.events.clear_record(),
            // Unmapped since: the record stays, and so does the event that tells of it.
            Err(_) => state.events.keep_record(),
        }
        self.deliver(&socket, state);
        written.map_err(|_| WsaError::WSAEFAULT)
    }
}

/// Writes a WSANETWORKEVENTS: the events, and the error codes of those.
fn give<M: Memory>(memory: &M, out: UserPtr, record: &Record) -> Result<(), MemoryFault> {
    //= docs/spec/notification.md#enumevents-5
    //# Only those entries of `iErrorCode` MUST be written whose bits are set.
    for place in (0..FD_MAX_EVENTS).filter(|place| record.events & 1 << place != 0) {
        let to = out.offset(layout::ERROR_CODES + 4 * place);
        memory.write(to, &record.errors[place].to_le_bytes())?;
    }
    memory.write(out, &record.events.to_le_bytes())
}
