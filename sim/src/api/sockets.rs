//! Sockets as ws2_32 offers them, nonoverlapped calls.

use core::net::SocketAddr;

use provider_core::spi::{WINSOCK_VERSION, WSA_FLAG_OVERLAPPED};
use provider_core::{
    ConnectArgs, OverlappedArgs, ServiceProvider, SocketHandle, UserPtr, WsaError,
};

use super::Os;
use super::args::Args;

impl Os {
    /// WSAStartup(2.2).
    ///
    /// # Errors
    /// What the provider says.
    pub fn wsa_startup(&self) -> Result<u16, WsaError> {
        let (_, spi) = self.reach()?;
        let version = spi.wsp_startup(WINSOCK_VERSION)?;
        self.process.startups.set(self.process.startups.get() + 1);
        Ok(version)
    }

    /// WSACleanup. After the last one nothing of the provider's may be left.
    ///
    /// # Errors
    /// WSANOTINITIALISED and what else the provider says.
    pub fn wsa_cleanup(&self) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        args.done(args.spi.wsp_cleanup(args.errno()))?;
        let startups = self.process.startups.get().saturating_sub(1);
        self.process.startups.set(startups);
        if startups == 0 {
            let left = self.process.leak_facts();
            self.process.watch(|watch| watch.cleanup_done(left));
        }
        Ok(())
    }

    /// socket: an overlapped one, as ws2_32 makes them.
    ///
    /// # Errors
    /// As WSPSocket.
    pub fn socket(&self, af: i32, kind: i32, protocol: i32) -> Result<SocketHandle, WsaError> {
        self.wsa_socket(af, kind, protocol, WSA_FLAG_OVERLAPPED)
    }

    /// WSASocket.
    ///
    /// # Errors
    /// As WSPSocket.
    pub fn wsa_socket(
        &self,
        af: i32,
        kind: i32,
        protocol: i32,
        flags: u32,
    ) -> Result<SocketHandle, WsaError> {
        let args = Args::new(self)?;
        let socket = args.spi.wsp_socket(af, kind, protocol, UserPtr::NULL, 0, flags, args.errno());
        args.socket(socket)
    }

    /// bind.
    ///
    /// # Errors
    /// As WSPBind.
    pub fn bind(&self, s: SocketHandle, address: SocketAddr) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        let (name, len) = args.address(address);
        args.done(args.spi.wsp_bind(s, name, len, args.errno()))
    }

    /// connect.
    ///
    /// # Errors
    /// As WSPConnect.
    pub fn connect(&self, s: SocketHandle, address: SocketAddr) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        let (name, len) = args.address(address);
        args.done(args.spi.wsp_connect(s, name, len, ConnectArgs::NONE, args.errno()))
    }

    /// listen.
    ///
    /// # Errors
    /// As WSPListen.
    pub fn listen(&self, s: SocketHandle, backlog: i32) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        args.done(args.spi.wsp_listen(s, backlog, args.errno()))
    }

    /// closesocket.
    ///
    /// # Errors
    /// As WSPCloseSocket.
    pub fn closesocket(&self, s: SocketHandle) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        args.done(args.spi.wsp_close_socket(s, args.errno()))
    }

    /// shutdown.
    ///
    /// # Errors
    /// As WSPShutdown.
    pub fn shutdown(&self, s: SocketHandle, how: i32) -> Result<(), WsaError> {
        let args = Args::new(self)?;
        args.done(args.spi.wsp_shutdown(s, how, args.errno()))
    }

    /// getsockname.
    ///
    /// # Errors
    /// As WSPGetSockName.
    pub fn getsockname(&self, s: SocketHandle) -> Result<SocketAddr, WsaError> {
        let args = Args::new(self)?;
        let (name, len) = args.address_room();
        args.done(args.spi.wsp_get_sock_name(s, name, len, args.errno()))?;
        args.address_value()
    }

    /// getpeername.
    ///
    /// # Errors
    /// As WSPGetPeerName.
    pub fn getpeername(&self, s: SocketHandle) -> Result<SocketAddr, WsaError> {
        let args = Args::new(self)?;
        let (name, len) = args.address_room();
        args.done(args.spi.wsp_get_peer_name(s, name, len, args.errno()))?;
        args.address_value()
    }

    /// send. Gives the bytes sent.
    ///
    /// # Errors
    /// As WSPSend.
    pub fn send(&self, s: SocketHandle, bytes: &[u8], flags: u32) -> Result<usize, WsaError> {
        let mut args = Args::new(self)?;
        let staged = args.staged(bytes);
        let (array, count) = args.buffers(&[staged]);
        let (sent, errno) = (args.count(), args.errno());
        args.done(args.spi.wsp_send(s, array, count, sent, flags, OverlappedArgs::NONE, errno))?;
        Ok(args.count_value() as usize)
    }

    /// sendto. Gives the bytes sent.
    ///
    /// # Errors
    /// As WSPSendTo.
    pub fn sendto(
        &self,
        s: SocketHandle,
        bytes: &[u8],
        flags: u32,
        to: SocketAddr,
    ) -> Result<usize, WsaError> {
        let mut args = Args::new(self)?;
        let staged = args.staged(bytes);
        let (array, count) = args.buffers(&[staged]);
        let (name, len) = args.address(to);
        let (sent, errno) = (args.count(), args.errno());
        let none = OverlappedArgs::NONE;
        args.done(args.spi.wsp_send_to(s, array, count, sent, flags, name, len, none, errno))?;
        Ok(args.count_value() as usize)
    }

    /// recv. Gives the bytes received; 0 means that the peer ended its half.
    ///
    /// # Errors
    /// As WSPRecv.
    pub fn recv(&self, s: SocketHandle, into: &mut [u8], flags: u32) -> Result<usize, WsaError> {
        let mut args = Args::new(self)?;
        let room = args.room(into.len());
        let (array, count) = args.buffers(&[room]);
        let (received, flags, errno) = (args.count(), args.flags(flags), args.errno());
        let none = OverlappedArgs::NONE;
        let value = args.spi.wsp_recv(s, array, count, received, flags, none, errno);
        args.done(value)?;
        Ok(self.take_received(room.buf, args.count_value(), into))
    }

    /// recvfrom. Gives the bytes received and their sender.
    ///
    /// # Errors
    /// As WSPRecvFrom.
    pub fn recvfrom(
        &self,
        s: SocketHandle,
        into: &mut [u8],
        flags: u32,
    ) -> Result<(usize, SocketAddr), WsaError> {
        let mut args = Args::new(self)?;
        let room = args.room(into.len());
        let (array, count) = args.buffers(&[room]);
        let (name, len) = args.address_room();
        let (received, flags, errno) = (args.count(), args.flags(flags), args.errno());
        let none = OverlappedArgs::NONE;
        let value =
            args.spi.wsp_recv_from(s, array, count, received, flags, name, len, none, errno);
        args.done(value)?;
        let given = self.take_received(room.buf, args.count_value(), into);
        Ok((given, args.address_value()?))
    }

    fn take_received(&self, from: UserPtr, bytes: u32, into: &mut [u8]) -> usize {
        let given = (bytes as usize).min(into.len());
        self.read_user(from, &mut into[..given]);
        given
    }
}
