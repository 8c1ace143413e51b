//! Options and ioctls.

use provider_core::spi::{
    FIONREAD, SIO_FLUSH, SIO_UDP_CONNRESET, SIO_UDP_NETRESET, SIOCATMARK, SO_LINGER, SOL_SOCKET,
};
use provider_core::{OverlappedArgs, ServiceProvider, SocketHandle, UserPtr, WsaError};

use super::Os;
use super::args::Args;

impl Os {
    /// setsockopt(SOL_SOCKET) of an option with a 32-bit value.
    ///
    /// # Errors
    /// As WSPSetSockOpt.
    pub fn setsockopt(&self, s: SocketHandle, option: i32, value: u32) -> Result<(), WsaError> {
        self.setsockopt_at(s, SOL_SOCKET, option, value)
    }

    /// setsockopt at a level, of an option with a 32-bit value.
    ///
    /// # Errors
    /// As WSPSetSockOpt.
    pub fn setsockopt_at(
        &self,
        s: SocketHandle,
        level: i32,
        option: i32,
        value: u32,
    ) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        let (value, errno) = (args.value(value), args.errno());
        args.done(args.spi.wsp_set_sock_opt(s, level, option, value, 4, errno))
    }

    /// setsockopt(SO_LINGER): seconds to linger, or `None` to close at once and gracefully.
    ///
    /// # Errors
    /// As WSPSetSockOpt.
    pub fn set_linger(&self, s: SocketHandle, seconds: Option<u16>) -> Result<(), WsaError> {
        let on = u32::from(seconds.is_some());
        self.setsockopt(s, SO_LINGER, on | u32::from(seconds.unwrap_or(0)) << 16)
    }

    /// getsockopt(SOL_SOCKET) of an option with a 32-bit value.
    ///
    /// # Errors
    /// As WSPGetSockOpt.
    pub fn getsockopt(&self, s: SocketHandle, option: i32) -> Result<u32, WsaError> {
        self.getsockopt_at(s, SOL_SOCKET, option)
    }

    /// getsockopt at a level, of an option with a 32-bit value.
    ///
    /// # Errors
    /// As WSPGetSockOpt.
    pub fn getsockopt_at(&self, s: SocketHandle, level: i32, option: i32) -> Result<u32, WsaError> {
        let args = Args::new(self)?;
        let (value, len, errno) = (args.value(0), args.length(4), args.errno());
        args.done(args.spi.wsp_get_sock_opt(s, level, option, value, len, errno))?;
        Ok(args.value_read())
    }

    /// ioctlsocket with a 32-bit value in (FIONBIO).
    ///
    /// # Errors
    /// As WSPIoctl.
    pub fn ioctlsocket(&self, s: SocketHandle, code: u32, value: u32) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        let value = args.value(value);
        self.ioctl(&args, s, code, (value, 4), (UserPtr::NULL, 0))
    }

    /// FIONREAD: bytes that a receive gives at once.
    ///
    /// # Errors
    /// As WSPIoctl.
    pub fn fionread(&self, s: SocketHandle) -> Result<u32, WsaError> {
        let args = Args::new(self)?;
        let value = args.value(0);
        self.ioctl(&args, s, FIONREAD, (UserPtr::NULL, 0), (value, 4))?;
        Ok(args.value_read())
    }

    /// SIOCATMARK: whether no urgent data lies ahead of the next byte.
    ///
    /// # Errors
    /// As WSPIoctl.
    pub fn siocatmark(&self, s: SocketHandle) -> Result<bool, WsaError> {
        let args = Args::new(self)?;
        let value = args.value(0);
        self.ioctl(&args, s, SIOCATMARK, (UserPtr::NULL, 0), (value, 4))?;
        Ok(args.value_read() != 0)
    }

    /// SIO_FLUSH: discards what the socket has queued to send.
    ///
    /// # Errors
    /// As WSPIoctl.
    pub fn sio_flush(&self, s: SocketHandle) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        self.ioctl(&args, s, SIO_FLUSH, (UserPtr::NULL, 0), (UserPtr::NULL, 0))
    }

    /// SIO_UDP_CONNRESET: whether unreachable ports are reported.
    ///
    /// # Errors
    /// As WSPIoctl.
    pub fn udp_connreset(&self, s: SocketHandle, on: bool) -> Result<(), WsaError> {
        self.ioctlsocket(s, SIO_UDP_CONNRESET, u32::from(on))
    }

    /// SIO_UDP_NETRESET: whether datagrams whose time to live ran out are reported.
    ///
    /// # Errors
    /// As WSPIoctl.
    pub fn udp_netreset(&self, s: SocketHandle, on: bool) -> Result<(), WsaError> {
        self.ioctlsocket(s, SIO_UDP_NETRESET, u32::from(on))
    }

    fn ioctl(
        &self,
        args: &Args<'_>,
        s: SocketHandle,
        code: u32,
        (input, in_len): (UserPtr, u32),
        (output, out_len): (UserPtr, u32),
    ) -> Result<(), WsaError> {
        let (count, errno) = (args.count(), args.errno());
        let none = OverlappedArgs::NONE;
        args.done(args.spi.wsp_ioctl(s, code, input, in_len, output, out_len, count, none, errno))
    }
}
