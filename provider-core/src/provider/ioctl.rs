//! WSPIoctl.

use crate::operation::{Mode, Owner, Started};
use crate::socket::{Phase, Socket, SocketState};
use crate::spi::{
    FIONBIO, FIONREAD, SIO_FLUSH, SIO_MULTICAST_SCOPE, SIO_MULTIPOINT_LOOPBACK, SIO_UDP_CONNRESET,
    SIO_UDP_NETRESET, SIOCATMARK,
};
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
        //= docs/spec/options.md#ioctl-9
        //# A null `lpcbBytesReturned` MUST fail a nonoverlapped call with WSAEFAULT.
        self.check_count(args.bytes_returned, overlapped.is_some())?;
        let Shape { takes, gives } = shape(args.code, socket.kind)?;
        //= docs/spec/options.md#ioctl-8
        //# A buffer that is too small or not memory of the caller's MUST fail with WSAEFAULT.
        if takes && args.in_len < WORD || gives && args.out_len < WORD {
            return Err(WsaError::WSAEFAULT);
        }
        let input = if takes { self.take_u32(args.in_buffer)? } else { 0 };
        if gives {
            let room = self.host.memory().probe_write(args.out_buffer, WORD as usize);
            room.map_err(|_| WsaError::WSAEFAULT)?;
        }
        let mut state = self.lock_open(&socket)?;
        //= docs/spec/options.md#ioctl-2
        //# FIONBIO to blocking MUST fail with WSAEINVAL while network events are registered.
        if args.code == FIONBIO && input == 0 && state.events.is_active() {
            // WSPEventSelect and WSPAsyncSelect need it nonblocking.
            return Err(WsaError::WSAEINVAL);
        }
        let output = match args.code {
            //= docs/spec/options.md#ioctl-3
            //# FIONREAD MUST give how many bytes a receive would give at once.
            FIONREAD => self.readable(&socket, &mut state)?,
            //= docs/spec/options.md#ioctl-4
            //# SIOCATMARK MUST tell whether no urgent data lies ahead of the next byte.
            SIOCATMARK => u32::from(
                state.phase != Phase::Connected
                    || self.host.transport().at_urgent_mark(state.transport),
            ),
            code => {
                self.control(&socket, &mut state, code, input)?;
                0
            }
        };
        let bytes = if gives { WORD } else { 0 };
        if gives {
            self.put_probed(args.out_buffer, output);
        }
        let mode = overlapped.map_or(Mode::Nonblocking, Mode::Overlapped);
        //= docs/spec/options.md#ioctl-11
        //# An overlapped call MUST be completed as an overlapped send is: status, event, routine.
        let done = Ok(Started::Now(bytes, 0));
        self.deliver_started(&socket, state, mode, self.host.current_thread(), done);
        //= docs/spec/options.md#ioctl-10
        //# The number of bytes in the output buffer MUST be stored in `lpcbBytesReturned`.
        self.put_probed(args.bytes_returned, bytes);
        Ok(())
    }

    /// Commands that give nothing back.
    ///
    /// # Errors
    /// WSAEINVAL for an input that the command does not take.
    fn control(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
        code: u32,
        input: u32,
    ) -> Result<(), WsaError> {
        match code {
            //= docs/spec/options.md#ioctl-1
            //# FIONBIO MUST make the socket nonblocking, or blocking for a value of 0.
            FIONBIO => state.options.nonblocking = input != 0,
            //= docs/spec/options.md#ioctl-6
            //# SIO_UDP_CONNRESET MUST switch the reports of port unreachable, which are on by
            //# default.
            SIO_UDP_CONNRESET => state.options.udp_connreset = input != 0,
            //= docs/spec/options.md#ioctl-12
            //# SIO_UDP_NETRESET MUST switch the reports of datagrams whose time to live ran out,
            //# which are on by default.
            SIO_UDP_NETRESET => state.options.udp_netreset = input != 0,
            SIO_FLUSH => {
                flush(state);
                // What was queued behind them may be able to go now.
                self.drain_sends(socket, state);
            }
            //= docs/spec/options.md#ioctl-20
            //# SIO_MULTIPOINT_LOOPBACK MUST do what IP_MULTICAST_LOOP does, and SIO_MULTICAST_SCOPE
            //# what IP_MULTICAST_TTL does.
            SIO_MULTIPOINT_LOOPBACK => self.set_multicast_loop(state, input),
            SIO_MULTICAST_SCOPE => return self.set_multicast_ttl(state, input),
            _ => {}
        }
        Ok(())
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
        (FIONBIO, _) => (true, false),
        (SIO_UDP_CONNRESET | SIO_UDP_NETRESET, Kind::Datagram) => (true, false),
        (SIO_MULTIPOINT_LOOPBACK | SIO_MULTICAST_SCOPE, Kind::Datagram) => (true, false),
        (FIONREAD, _) | (SIOCATMARK, Kind::Stream) => (false, true),
        (SIO_FLUSH, _) => (false, false),
        //= docs/spec/options.md#ioctl-7
        //# A code that the provider does not have, or not for this type of socket, MUST fail with
        //# WSAEOPNOTSUPP.
        _ => return Err(WsaError::WSAEOPNOTSUPP),
    };
    Ok(Shape { takes, gives })
}

/// SIO_FLUSH: the queued overlapped sends end with WSA_OPERATION_ABORTED. What was consumed stays,
/// and so do blocked sends: nothing but a cancellation makes them give up.
fn flush<H: Host>(state: &mut SocketState<H>) {
    //= docs/spec/wspsendto.md#cxl-3
    //# SIO_FLUSH MUST end the socket's queued overlapped sends with WSA_OPERATION_ABORTED. What was
    //# consumed before, and sends that block, MUST NOT be affected.
    //= docs/spec/options.md#ioctl-5
    //# SIO_FLUSH MUST discard the sends that were queued before it, and none that came after it.
    state.end_sends(WsaError::WSA_OPERATION_ABORTED, false, |op| {
        matches!(op.owner, Owner::Overlapped(_))
    });
}
