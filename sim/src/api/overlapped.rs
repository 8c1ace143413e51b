//! Overlapped calls as ws2_32 offers them.

use core::net::SocketAddr;
use std::rc::Rc;

use provider_core::layout::WsaBuf;
use provider_core::{Routine, ServiceProvider, SocketHandle, UserPtr, WsaError};

use super::args::Args;
use super::{AddressBuffer, Os, Overlapped};

impl Os {
    /// Makes a completion routine of `code`: error, bytes transferred, the OVERLAPPED, flags.
    pub fn routine(&self, code: impl Fn(&Self, u32, u32, UserPtr, u32) + 'static) -> Routine {
        self.process.add_routine(Rc::new(code))
    }

    /// WSASend. Gives the bytes sent when it succeeded at once.
    ///
    /// # Errors
    /// WSA_IO_PENDING when it will complete later; else nothing was started.
    pub fn wsa_send(
        &self,
        s: SocketHandle,
        buffers: &[WsaBuf],
        flags: u32,
        overlapped: Option<&Overlapped>,
        routine: Routine,
    ) -> Result<u32, WsaError> {
        let mut args = Args::new(self)?;
        let (array, count) = args.buffers(buffers);
        let over = args.overlapped(s, overlapped, routine)?;
        let (sent, errno) = (args.count(), args.errno());
        args.done(args.spi.wsp_send(s, array, count, sent, flags, over, errno))?;
        Ok(args.count_value())
    }

    /// WSASendTo. Gives the bytes sent when it succeeded at once.
    ///
    /// # Errors
    /// WSA_IO_PENDING when it will complete later; else nothing was started.
    pub fn wsa_send_to(
        &self,
        s: SocketHandle,
        buffers: &[WsaBuf],
        flags: u32,
        to: Option<SocketAddr>,
        overlapped: Option<&Overlapped>,
        routine: Routine,
    ) -> Result<u32, WsaError> {
        let mut args = Args::new(self)?;
        let (array, count) = args.buffers(buffers);
        let (name, len) = to.map_or((UserPtr::NULL, 0), |to| args.address(to));
        let over = args.overlapped(s, overlapped, routine)?;
        let (sent, errno) = (args.count(), args.errno());
        args.done(args.spi.wsp_send_to(s, array, count, sent, flags, name, len, over, errno))?;
        Ok(args.count_value())
    }

    /// WSARecv. Gives the bytes received when it succeeded at once.
    ///
    /// # Errors
    /// WSA_IO_PENDING when it will complete later; else nothing was started.
    pub fn wsa_recv(
        &self,
        s: SocketHandle,
        buffers: &[WsaBuf],
        flags: u32,
        overlapped: Option<&Overlapped>,
        routine: Routine,
    ) -> Result<u32, WsaError> {
        let mut args = Args::new(self)?;
        let (array, count) = args.buffers(buffers);
        let over = args.overlapped(s, overlapped, routine)?;
        let (received, flags, errno) = (args.count(), args.flags(flags), args.errno());
        args.done(args.spi.wsp_recv(s, array, count, received, flags, over, errno))?;
        Ok(args.count_value())
    }

    /// WSARecvFrom. Gives the bytes received when it succeeded at once; the sender is in `from`
    /// once it has completed.
    ///
    /// # Errors
    /// WSA_IO_PENDING when it will complete later; else nothing was started.
    pub fn wsa_recv_from(
        &self,
        s: SocketHandle,
        buffers: &[WsaBuf],
        flags: u32,
        from: Option<&AddressBuffer>,
        overlapped: Option<&Overlapped>,
        routine: Routine,
    ) -> Result<u32, WsaError> {
        let mut args = Args::new(self)?;
        let (array, count) = args.buffers(buffers);
        let (name, len) =
            from.map_or((UserPtr::NULL, UserPtr::NULL), |from| (from.ptr(), from.len_ptr()));
        let over = args.overlapped(s, overlapped, routine)?;
        let (received, flags, errno) = (args.count(), args.flags(flags), args.errno());
        args.done(
            args.spi.wsp_recv_from(s, array, count, received, flags, name, len, over, errno),
        )?;
        Ok(args.count_value())
    }

    /// WSAGetOverlappedResult. Gives the bytes transferred and the flags.
    ///
    /// # Errors
    /// WSA_IO_INCOMPLETE while it is pending (without `wait`); else how it failed.
    pub fn wsa_get_overlapped_result(
        &self,
        s: SocketHandle,
        overlapped: &Overlapped,
        wait: bool,
    ) -> Result<(u32, u32), WsaError> {
        let args = Args::new(self)?;
        let (count, flags, errno) = (args.count(), args.flags(0), args.errno());
        let ptr = overlapped.ptr();
        let well = args.spi.wsp_get_overlapped_result(s, ptr, count, wait, flags, errno) != 0;
        if well { Ok((args.count_value(), args.flags_value())) } else { Err(args.failed()) }
    }

    /// WSACancelBlockingCall: ends the blocking call that this very thread is inside of.
    ///
    /// # Errors
    /// WSAEINVAL when there is none.
    pub fn wsa_cancel_blocking_call(&self) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        args.done(args.spi.wsp_cancel_blocking_call(args.errno()))?;
        // The hook says so too when it returns.
        args.thread.hook_cancelled.set(args.thread.in_hook.get() > 0);
        Ok(())
    }

    /// WSAGetLastError of the calling thread.
    pub fn wsa_get_last_error(&self) -> WsaError {
        WsaError(self.me().map_or(0, |me| me.last_error.get()))
    }

    /// WSASetLastError of the calling thread.
    pub fn wsa_set_last_error(&self, error: WsaError) {
        if let Some(me) = self.me() {
            me.last_error.set(error.0);
        }
    }
}
