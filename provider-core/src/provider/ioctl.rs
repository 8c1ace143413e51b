//! WSPIoctl.

use crate::operation::{Done, Mode, Owner, Started};
use crate::socket::SocketState;
use crate::spi::{FIONBIO, FIONREAD, SIO_FLUSH, SIO_UDP_CONNRESET};
use crate::{Host, Kind, OverlappedArgs, SocketHandle, Transport, UserPtr, WsaError};

use super::Provider;

/// The arguments of WSPIoctl, as the caller gave them.
pub(super) struct IoctlArgs {
    pub(super) socket: SocketHandle,
    pub(super) code: u32,
    pub(super) in_buffer: UserPtr,
    pub(super) in_len: u32,
    pub(super) out_buffer: UserPtr,
    pub(super) out_len: u32,
    pub(super) bytes_returned: UserPtr,
    pub(super) overlapped: OverlappedArgs,
}

impl<H: Host> Provider<H> {
    /// Every command here is done at once; an overlapped one is indicated like any operation.
    pub(super) fn ioctl(&self, args: &IoctlArgs) -> Result<(), WsaError> {
        let socket = self.socket(args.socket)?;
        let overlapped = self.capture_overlapped(&socket, args.overlapped)?;
        self.check_count(args.bytes_returned, overlapped.is_some())?;
        let input = match args.code {
            FIONBIO | SIO_UDP_CONNRESET if args.in_len >= 4 => self.take_u32(args.in_buffer)?,
            FIONBIO | SIO_UDP_CONNRESET => return Err(WsaError::WSAEFAULT),
            _ => 0,
        };
        if args.code == FIONREAD {
            if args.out_len < 4 {
                return Err(WsaError::WSAEFAULT);
            }
            self.put_u32(args.out_buffer, 0)?;
        }
        if let Some(op) = &overlapped {
            self.reset_event_of(op);
        }
        let mut state = self.lock_open(&socket)?;
        let bytes = match args.code {
            FIONBIO => {
                state.options.nonblocking = input != 0;
                0
            }
            FIONREAD => {
                let available = match state.transport_closed {
                    true => 0,
                    false => self.host.transport().available(state.transport),
                };
                self.put_u32(args.out_buffer, u32::try_from(available).unwrap_or(u32::MAX))?;
                4
            }
            SIO_FLUSH => {
                flush(&mut state);
                // What was queued behind them may be able to go now.
                self.drain_sends(&socket, &mut state);
                0
            }
            SIO_UDP_CONNRESET if socket.kind == Kind::Datagram => {
                state.options.udp_connreset = input != 0;
                0
            }
            _ => return Err(WsaError::WSAEOPNOTSUPP),
        };
        let mode = overlapped.map_or(Mode::Nonblocking, Mode::Overlapped);
        let done = Ok(Started::Now(bytes, 0));
        let own = Done::at_once(mode, self.host.current_thread(), done);
        self.deliver_own(&socket, state, own);
        self.put_probed(args.bytes_returned, bytes);
        Ok(())
    }
}

/// SIO_FLUSH: the queued overlapped sends end with WSA_OPERATION_ABORTED. What was consumed stays,
/// and so do blocked sends: nothing but a cancellation makes them give up (CXL-3).
fn flush<H: Host>(state: &mut SocketState<H>) {
    state.end_sends(WsaError::WSA_OPERATION_ABORTED, false, |op| {
        matches!(op.owner, Owner::Overlapped(_))
    });
}
