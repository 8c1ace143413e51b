//! WSPEventSelect and WSPAsyncSelect: what is selected from now on.

use crate::socket::{ALL_EVENTS, Opened, Phase, Selection, Sink};
use crate::spi::FD_CONNECT;
use crate::{EventHandle, Host, Kind, SocketHandle, WindowHandle, WsaError};

use super::super::Provider;

impl<H: Host> Provider<H> {
    /// WSPEventSelect.
    pub(in super::super) fn event_select(
        &self,
        handle: SocketHandle,
        event: EventHandle,
        events: i32,
    ) -> Result<(), WsaError> {
        self.register(handle, events, (event.0 != 0).then_some(Sink::Event(event)))
    }

    /// WSPAsyncSelect.
    pub(in super::super) fn async_select(
        &self,
        handle: SocketHandle,
        window: WindowHandle,
        message: u32,
        events: i32,
    ) -> Result<(), WsaError> {
        let sink = Sink::Window { window, message, socket: handle };
        self.register(handle, events, (window.0 != 0).then_some(sink))
    }

    /// Either cancels the other and what was selected before, and leaves the socket nonblocking; a
    /// mask of 0 does no more than that, and needs nobody to tell.
    fn register(
        &self,
        handle: SocketHandle,
        events: i32,
        sink: Option<Sink>,
    ) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        let selection = match sink {
            //= docs/spec/notification.md#eventselect-5
            //# Network events that the provider does not have, or no event object for those it has,
            //# MUST fail with WSAEINVAL.
            //= docs/spec/notification.md#asyncselect-7
            //# Network events that the provider does not have, or no window for those it has, MUST
            //# fail with WSAEINVAL.
            _ if events & !ALL_EVENTS != 0 => return Err(WsaError::WSAEINVAL),
            //= docs/spec/notification.md#eventselect-4
            //# An `lNetworkEvents` of 0 MUST cancel the registration, with `hEventObject` ignored.
            //= docs/spec/notification.md#asyncselect-4
            //# An `lEvent` of 0 MUST cancel the registration.
            _ if events == 0 => None,
            None => return Err(WsaError::WSAEINVAL),
            Some(sink) => Some(Selection { sink, events }),
        };
        let mut state = self.lock_open(&socket)?;
        //= docs/spec/notification.md#eventselect-2
        //# The call MUST make the socket nonblocking, whatever `lNetworkEvents` is.
        //= docs/spec/notification.md#asyncselect-2
        //# The call MUST make the socket nonblocking, whatever `lEvent` is.
        state.options.nonblocking = true;
        match selection {
            None => state.events.cancel(),
            Some(selection) => {
                //= docs/spec/notification.md#eventselect-3
                //# The call MUST replace what WSPEventSelect or WSPAsyncSelect registered before,
                //# and clear the record.
                //= docs/spec/notification.md#asyncselect-3
                //# The call MUST replace what WSPAsyncSelect or WSPEventSelect registered before,
                //# and clear the record of network events.
                //= docs/spec/sockets.md#duplicate-7
                //# A registration for network events through one descriptor MUST replace one made
                //# through another.
                state.events.select(selection);
                let connected = match socket.kind {
                    Kind::Stream => state.phase == Phase::Connected,
                    Kind::Datagram => state.peer.is_some(),
                };
                if connected {
                    state.events.happened(FD_CONNECT, None);
                }
            }
        }
        self.deliver(&socket, state);
        Ok(())
    }

    /// An accepted connection begins with what is selected for its listener.
    pub(in super::super) fn begin_selection(&self, socket: &Opened<H>, selection: Selection) {
        // Closed by a WSPCleanup meanwhile, it has nothing to tell.
        if let Ok(mut state) = self.lock_open(socket) {
            //= docs/spec/connecting.md#accept-5
            //# The new socket MUST have the registration for network events of the listening one.
            state.events.select(selection.inherited(socket.descriptor.handle));
            self.deliver(socket, state);
        }
    }
}
