//! WSPIoctl.

use crate::operation::{Mode, Owner, Started};
use crate::socket::{Phase, Socket, SocketState};
use crate::spi::{FIONBIO, FIONREAD, SIO_FLUSH, SIO_UDP_CONNRESET, SIO_UDP_NETRESET, SIOCATMARK};
use crate::{Host, Kind, Memory, OverlappedArgs, SocketHandle, Transport, UserPtr, WsaError};

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
        let Shape { takes, gives } = shape(args.code, socket.kind)?;
        if takes && args.in_len < WORD || gives && args.out_len < WORD {
            return Err(WsaError::WSAEFAULT);
        }
        let input = if takes { self.take_u32(args.in_buffer)? } else { 0 };
        if gives {
            let room = self.host.memory().probe_write(args.out_buffer, WORD as usize);
            room.map_err(|_| WsaError::WSAEFAULT)?;
        }
        let mut state = self.lock_open(&socket)?;
        let output = match args.code {
            FIONREAD => self.readable(&socket, &mut state)?,
            SIOCATMARK => u32::from(
                state.phase != Phase::Connected
                    || self.host.transport().at_urgent_mark(state.transport),
            ),
            code => {
                self.control(&socket, &mut state, code, input);
                0
            }
        };
        let bytes = if gives { WORD } else { 0 };
        if gives {
            self.put_probed(args.out_buffer, output);
        }
        let mode = overlapped.map_or(Mode::Nonblocking, Mode::Overlapped);
        let done = Ok(Started::Now(bytes, 0));
        self.deliver_started(&socket, state, mode, self.host.current_thread(), done);
        self.put_probed(args.bytes_returned, bytes);
        Ok(())
    }

    /// Commands that give nothing back.
    fn control(&self, socket: &Socket<H>, state: &mut SocketState<H>, code: u32, input: u32) {
        match code {
            FIONBIO => state.options.nonblocking = input != 0,
            SIO_UDP_CONNRESET => state.options.udp_connreset = input != 0,
            SIO_UDP_NETRESET => state.options.udp_netreset = input != 0,
            SIO_FLUSH => {
                flush(state);
                // What was queued behind them may be able to go now.
                self.drain_sends(socket, state);
            }
            _ => {}
        }
    }
}

/// Bytes of a BOOL and of a DWORD, which is all that commands take and give.
const WORD: u32 = 4;

/// What a command takes and gives.
struct Shape {
    takes: bool,
    gives: bool,
}

/// What the command takes and gives on a socket of `kind`.
///
/// # Errors
/// WSAEOPNOTSUPP for one that it does not have.
fn shape(code: u32, kind: Kind) -> Result<Shape, WsaError> {
    let (takes, gives) = match (code, kind) {
        (FIONBIO, _) | (SIO_UDP_CONNRESET | SIO_UDP_NETRESET, Kind::Datagram) => (true, false),
        (FIONREAD, _) | (SIOCATMARK, Kind::Stream) => (false, true),
        (SIO_FLUSH, _) => (false, false),
        _ => return Err(WsaError::WSAEOPNOTSUPP),
    };
    Ok(Shape { takes, gives })
}

/// SIO_FLUSH: the queued overlapped sends end with WSA_OPERATION_ABORTED. What was consumed stays,
/// and so do blocked sends: nothing but a cancellation makes them give up (CXL-3).
fn flush<H: Host>(state: &mut SocketState<H>) {
    state.end_sends(WsaError::WSA_OPERATION_ABORTED, false, |op| {
        matches!(op.owner, Owner::Overlapped(_))
    });
}
