//! The SPI's shape: what a provider under test offers, whoever wrote it.

use crate::{Routine, SocketHandle, UserPtr, Work, WsaError};

/// The arguments that WSPSend and WSPSendTo, WSPRecv and WSPRecvFrom share for overlapped I/O.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverlappedArgs {
    /// `lpOverlapped`.
    pub overlapped: UserPtr,
    /// `lpCompletionRoutine`.
    pub routine: Routine,
    /// `lpThreadId`.
    pub thread_id: UserPtr,
}

impl OverlappedArgs {
    /// All null: a nonoverlapped call.
    pub const NONE: Self =
        Self { overlapped: UserPtr::NULL, routine: Routine::NULL, thread_id: UserPtr::NULL };
}

/// A Winsock service provider behind its procedure table.
///
/// Every function takes what the C function takes, `lpErrno` (an address in the caller's memory)
/// last, and may be called by any thread at any time. Names are the C names in Rust's spelling.
#[allow(clippy::too_many_arguments, reason = "the SPI has these arguments")]
pub trait ServiceProvider {
    /// Starts the provider, or counts one more start. Gives the version agreed on.
    ///
    /// # Errors
    /// WSAVERNOTSUPPORTED below 2.2.
    fn wsp_startup(&self, version_requested: u16) -> Result<u16, WsaError>;
    /// WSPCleanup.
    fn wsp_cleanup(&self, errno: UserPtr) -> i32;
    /// WSPSocket (without lpProtocolInfo and group).
    fn wsp_socket(
        &self,
        af: i32,
        kind: i32,
        protocol: i32,
        flags: u32,
        errno: UserPtr,
    ) -> SocketHandle;
    /// WSPBind.
    fn wsp_bind(&self, s: SocketHandle, name: UserPtr, namelen: i32, errno: UserPtr) -> i32;
    /// WSPConnect (caller data, callee data and QOS are not for these protocols).
    fn wsp_connect(&self, s: SocketHandle, name: UserPtr, namelen: i32, errno: UserPtr) -> i32;
    /// WSPListen.
    fn wsp_listen(&self, s: SocketHandle, backlog: i32, errno: UserPtr) -> i32;
    /// WSPAccept (without condition function).
    fn wsp_accept(
        &self,
        s: SocketHandle,
        addr: UserPtr,
        addrlen: UserPtr,
        errno: UserPtr,
    ) -> SocketHandle;
    /// WSPCloseSocket.
    fn wsp_close_socket(&self, s: SocketHandle, errno: UserPtr) -> i32;
    /// WSPShutdown.
    fn wsp_shutdown(&self, s: SocketHandle, how: i32, errno: UserPtr) -> i32;
    /// WSPGetSockName.
    fn wsp_get_sock_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: UserPtr,
        errno: UserPtr,
    ) -> i32;
    /// WSPGetPeerName.
    fn wsp_get_peer_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: UserPtr,
        errno: UserPtr,
    ) -> i32;
    /// WSPSetSockOpt.
    fn wsp_set_sock_opt(
        &self,
        s: SocketHandle,
        level: i32,
        optname: i32,
        optval: UserPtr,
        optlen: i32,
        errno: UserPtr,
    ) -> i32;
    /// WSPGetSockOpt.
    fn wsp_get_sock_opt(
        &self,
        s: SocketHandle,
        level: i32,
        optname: i32,
        optval: UserPtr,
        optlen: UserPtr,
        errno: UserPtr,
    ) -> i32;
    /// WSPIoctl.
    fn wsp_ioctl(
        &self,
        s: SocketHandle,
        code: u32,
        in_buffer: UserPtr,
        in_len: u32,
        out_buffer: UserPtr,
        out_len: u32,
        bytes_returned: UserPtr,
        overlapped: OverlappedArgs,
        errno: UserPtr,
    ) -> i32;
    /// WSPSend.
    fn wsp_send(
        &self,
        s: SocketHandle,
        buffers: UserPtr,
        buffer_count: u32,
        bytes_sent: UserPtr,
        flags: u32,
        overlapped: OverlappedArgs,
        errno: UserPtr,
    ) -> i32;
    /// WSPSendTo.
    fn wsp_send_to(
        &self,
        s: SocketHandle,
        buffers: UserPtr,
        buffer_count: u32,
        bytes_sent: UserPtr,
        flags: u32,
        to: UserPtr,
        tolen: i32,
        overlapped: OverlappedArgs,
        errno: UserPtr,
    ) -> i32;
    /// WSPRecv. `flags` points to the flags: in and out.
    fn wsp_recv(
        &self,
        s: SocketHandle,
        buffers: UserPtr,
        buffer_count: u32,
        bytes_received: UserPtr,
        flags: UserPtr,
        overlapped: OverlappedArgs,
        errno: UserPtr,
    ) -> i32;
    /// WSPRecvFrom. `flags` and `fromlen` point to values: in and out.
    fn wsp_recv_from(
        &self,
        s: SocketHandle,
        buffers: UserPtr,
        buffer_count: u32,
        bytes_received: UserPtr,
        flags: UserPtr,
        from: UserPtr,
        fromlen: UserPtr,
        overlapped: OverlappedArgs,
        errno: UserPtr,
    ) -> i32;
    /// WSPGetOverlappedResult: nonzero when the operation ended well.
    fn wsp_get_overlapped_result(
        &self,
        s: SocketHandle,
        overlapped: UserPtr,
        bytes_transferred: UserPtr,
        wait: bool,
        flags: UserPtr,
        errno: UserPtr,
    ) -> i32;
    /// WSPCancelBlockingCall.
    fn wsp_cancel_blocking_call(&self, errno: UserPtr) -> i32;

    /// The APC function: the host calls it in the thread that
    /// [`Host::queue_apc`](crate::Host::queue_apc) named, with the context given there.
    fn run_apc(&self, context: usize);

    /// Readiness, timers and thread exits, brought by a worker thread of the host's.
    fn service(&self, work: Work);
}
