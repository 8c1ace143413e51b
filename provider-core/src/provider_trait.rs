//! The SPI's shape: what a provider under test offers, whoever wrote it.

use crate::{
    ConditionRoutine, EventHandle, Routine, SocketHandle, UserPtr, WindowHandle, Work, WsaError,
};

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

/// The arguments that WSPConnect and WSPJoinLeaf share for protocols that exchange data or quality
/// of service while they connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectArgs {
    /// `lpCallerData`: a WSABUF.
    pub caller_data: UserPtr,
    /// `lpCalleeData`: a WSABUF.
    pub callee_data: UserPtr,
    /// `lpSQOS`: a QOS.
    pub sqos: UserPtr,
    /// `lpGQOS`: a QOS.
    pub gqos: UserPtr,
}

impl ConnectArgs {
    /// All null: nothing but the connection.
    pub const NONE: Self = Self {
        caller_data: UserPtr::NULL,
        callee_data: UserPtr::NULL,
        sqos: UserPtr::NULL,
        gqos: UserPtr::NULL,
    };
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
    /// WSPSocket. `protocol_info` is null, or a WSAPROTOCOL_INFOW from WSPDuplicateSocket.
    fn wsp_socket(
        &self,
        af: i32,
        kind: i32,
        protocol: i32,
        protocol_info: UserPtr,
        group: u32,
        flags: u32,
        errno: UserPtr,
    ) -> SocketHandle;
    /// WSPBind.
    fn wsp_bind(&self, s: SocketHandle, name: UserPtr, namelen: i32, errno: UserPtr) -> i32;
    /// WSPConnect.
    fn wsp_connect(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: i32,
        connect: ConnectArgs,
        errno: UserPtr,
    ) -> i32;
    /// WSPJoinLeaf.
    fn wsp_join_leaf(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: i32,
        connect: ConnectArgs,
        flags: u32,
        errno: UserPtr,
    ) -> SocketHandle;
    /// WSPListen.
    fn wsp_listen(&self, s: SocketHandle, backlog: i32, errno: UserPtr) -> i32;
    /// WSPAccept. `condition` may be null.
    fn wsp_accept(
        &self,
        s: SocketHandle,
        addr: UserPtr,
        addrlen: UserPtr,
        condition: ConditionRoutine,
        callback_data: usize,
        errno: UserPtr,
    ) -> SocketHandle;
    /// WSPCloseSocket.
    fn wsp_close_socket(&self, s: SocketHandle, errno: UserPtr) -> i32;
    /// WSPShutdown.
    fn wsp_shutdown(&self, s: SocketHandle, how: i32, errno: UserPtr) -> i32;
    /// WSPSendDisconnect. `data` is null, or a WSABUF of disconnect data.
    fn wsp_send_disconnect(&self, s: SocketHandle, data: UserPtr, errno: UserPtr) -> i32;
    /// WSPRecvDisconnect. `data` is null, or a WSABUF for disconnect data.
    fn wsp_recv_disconnect(&self, s: SocketHandle, data: UserPtr, errno: UserPtr) -> i32;
    /// WSPDuplicateSocket. `protocol_info` points to a WSAPROTOCOL_INFOW to fill.
    fn wsp_duplicate_socket(
        &self,
        s: SocketHandle,
        process_id: u32,
        protocol_info: UserPtr,
        errno: UserPtr,
    ) -> i32;
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
    /// WSPSelect. The sets are `fd_set`s or null, `timeout` a `timeval` or null. Gives how many
    /// sockets are ready.
    fn wsp_select(
        &self,
        nfds: i32,
        readfds: UserPtr,
        writefds: UserPtr,
        exceptfds: UserPtr,
        timeout: UserPtr,
        errno: UserPtr,
    ) -> i32;
    /// WSPEventSelect. `network_events` is a set of `FD_` bits.
    fn wsp_event_select(
        &self,
        s: SocketHandle,
        event: EventHandle,
        network_events: i32,
        errno: UserPtr,
    ) -> i32;
    /// WSPEnumNetworkEvents. `event` may be null; `network_events` points to a WSANETWORKEVENTS.
    fn wsp_enum_network_events(
        &self,
        s: SocketHandle,
        event: EventHandle,
        network_events: UserPtr,
        errno: UserPtr,
    ) -> i32;
    /// WSPAsyncSelect. `network_events` is a set of `FD_` bits.
    fn wsp_async_select(
        &self,
        s: SocketHandle,
        window: WindowHandle,
        message: u32,
        network_events: i32,
        errno: UserPtr,
    ) -> i32;
    /// WSPAddressToString. `string` points to UTF-16 words, `string_len` to their number: in and
    /// out.
    fn wsp_address_to_string(
        &self,
        address: UserPtr,
        address_len: u32,
        protocol_info: UserPtr,
        string: UserPtr,
        string_len: UserPtr,
        errno: UserPtr,
    ) -> i32;
    /// WSPStringToAddress. `string` points to UTF-16 words that end with a zero, `address_len` to a
    /// number of bytes: in and out.
    fn wsp_string_to_address(
        &self,
        string: UserPtr,
        family: i32,
        protocol_info: UserPtr,
        address: UserPtr,
        address_len: UserPtr,
        errno: UserPtr,
    ) -> i32;
    /// WSPGetQOSByName: nonzero when it succeeded. `name` points to a WSABUF, `qos` to a QOS.
    fn wsp_get_qos_by_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        qos: UserPtr,
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
