//! A provider's procedure table as the trait that cases call.

use core::ffi::c_void;
use core::ptr::{with_exposed_provenance as at, with_exposed_provenance_mut as at_mut};

use provider_core::{
    ConditionRoutine, ConnectArgs, EventHandle, OverlappedArgs, Routine, ServiceProvider,
    SocketHandle, UserPtr, WindowHandle, Work, WsaError,
};
use windows_sys::Win32::Networking::WinSock as ws;

use crate::provider::Provider;
use crate::ws2::{hooks, strict};

/// The table, and the provider that gave it.
pub(crate) struct TableSpi {
    provider: Provider,
    table: ws::WSPPROC_TABLE,
}

impl TableSpi {
    pub(crate) fn new(provider: Provider, table: ws::WSPPROC_TABLE) -> Self {
        Self { provider, table }
    }
}

fn routine_of(routine: Routine) -> ws::LPWSAOVERLAPPED_COMPLETION_ROUTINE {
    // SAFETY: null is none; else a function of this program's, which only the provider calls.
    unsafe { core::mem::transmute(routine.0) }
}

fn condition_of(condition: ConditionRoutine) -> ws::LPCONDITIONPROC {
    // SAFETY: as above.
    unsafe { core::mem::transmute(condition.0) }
}

/// Calls an entry of the table. What a case passes is passed on as it is: that is the test.
macro_rules! call {
    ($spi:expr, $entry:ident, $missing:expr, $($argument:expr),* $(,)?) => {{
        let Some(entry) = $spi.table.$entry else { return $missing };
        // SAFETY: the provider's entry; it answers for every pointer but those of code.
        let result = unsafe { entry($($argument),*) };
        if strict::is_on() {
            strict::scribble_stack();
        }
        result
    }};
}

const FAILED: i32 = ws::SOCKET_ERROR;

impl ServiceProvider for TableSpi {
    fn wsp_startup(&self, version_requested: u16) -> Result<u16, WsaError> {
        self.provider.start(version_requested).map(|(_, version)| version).map_err(WsaError)
    }

    fn wsp_cleanup(&self, errno: UserPtr) -> i32 {
        call!(self, lpWSPCleanup, FAILED, at_mut(errno.0))
    }

    fn wsp_socket(
        &self,
        af: i32,
        kind: i32,
        protocol: i32,
        protocol_info: UserPtr,
        group: u32,
        flags: u32,
        errno: UserPtr,
    ) -> SocketHandle {
        let none = SocketHandle(ws::INVALID_SOCKET);
        SocketHandle(call!(
            self,
            lpWSPSocket,
            none,
            af,
            kind,
            protocol,
            at(protocol_info.0),
            group,
            flags,
            at_mut(errno.0),
        ))
    }

    fn wsp_bind(&self, s: SocketHandle, name: UserPtr, namelen: i32, errno: UserPtr) -> i32 {
        call!(self, lpWSPBind, FAILED, s.0, at(name.0), namelen, at_mut(errno.0))
    }

    fn wsp_connect(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: i32,
        connect: ConnectArgs,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPConnect,
            FAILED,
            s.0,
            at(name.0),
            namelen,
            at(connect.caller_data.0),
            at_mut(connect.callee_data.0),
            at(connect.sqos.0),
            at(connect.gqos.0),
            at_mut(errno.0),
        )
    }

    fn wsp_join_leaf(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: i32,
        connect: ConnectArgs,
        flags: u32,
        errno: UserPtr,
    ) -> SocketHandle {
        let none = SocketHandle(ws::INVALID_SOCKET);
        SocketHandle(call!(
            self,
            lpWSPJoinLeaf,
            none,
            s.0,
            at(name.0),
            namelen,
            at(connect.caller_data.0),
            at_mut(connect.callee_data.0),
            at(connect.sqos.0),
            at(connect.gqos.0),
            flags,
            at_mut(errno.0),
        ))
    }

    fn wsp_listen(&self, s: SocketHandle, backlog: i32, errno: UserPtr) -> i32 {
        call!(self, lpWSPListen, FAILED, s.0, backlog, at_mut(errno.0))
    }

    fn wsp_accept(
        &self,
        s: SocketHandle,
        addr: UserPtr,
        addrlen: UserPtr,
        condition: ConditionRoutine,
        callback_data: usize,
        errno: UserPtr,
    ) -> SocketHandle {
        let none = SocketHandle(ws::INVALID_SOCKET);
        SocketHandle(call!(
            self,
            lpWSPAccept,
            none,
            s.0,
            at_mut(addr.0),
            at_mut(addrlen.0),
            condition_of(condition),
            callback_data,
            at_mut(errno.0),
        ))
    }

    fn wsp_close_socket(&self, s: SocketHandle, errno: UserPtr) -> i32 {
        call!(self, lpWSPCloseSocket, FAILED, s.0, at_mut(errno.0))
    }

    fn wsp_shutdown(&self, s: SocketHandle, how: i32, errno: UserPtr) -> i32 {
        call!(self, lpWSPShutdown, FAILED, s.0, how, at_mut(errno.0))
    }

    fn wsp_send_disconnect(&self, s: SocketHandle, data: UserPtr, errno: UserPtr) -> i32 {
        call!(self, lpWSPSendDisconnect, FAILED, s.0, at(data.0), at_mut(errno.0))
    }

    fn wsp_recv_disconnect(&self, s: SocketHandle, data: UserPtr, errno: UserPtr) -> i32 {
        call!(self, lpWSPRecvDisconnect, FAILED, s.0, at(data.0), at_mut(errno.0))
    }

    fn wsp_duplicate_socket(
        &self,
        s: SocketHandle,
        process_id: u32,
        protocol_info: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPDuplicateSocket,
            FAILED,
            s.0,
            process_id,
            at_mut(protocol_info.0),
            at_mut(errno.0),
        )
    }

    fn wsp_get_sock_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPGetSockName,
            FAILED,
            s.0,
            at_mut(name.0),
            at_mut(namelen.0),
            at_mut(errno.0),
        )
    }

    fn wsp_get_peer_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPGetPeerName,
            FAILED,
            s.0,
            at_mut(name.0),
            at_mut(namelen.0),
            at_mut(errno.0),
        )
    }

    fn wsp_set_sock_opt(
        &self,
        s: SocketHandle,
        level: i32,
        optname: i32,
        optval: UserPtr,
        optlen: i32,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPSetSockOpt,
            FAILED,
            s.0,
            level,
            optname,
            at(optval.0),
            optlen,
            at_mut(errno.0),
        )
    }

    fn wsp_get_sock_opt(
        &self,
        s: SocketHandle,
        level: i32,
        optname: i32,
        optval: UserPtr,
        optlen: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPGetSockOpt,
            FAILED,
            s.0,
            level,
            optname,
            at_mut(optval.0),
            at_mut(optlen.0),
            at_mut(errno.0),
        )
    }

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
    ) -> i32 {
        call!(
            self,
            lpWSPIoctl,
            FAILED,
            s.0,
            code,
            at::<c_void>(in_buffer.0),
            in_len,
            at_mut::<c_void>(out_buffer.0),
            out_len,
            at_mut(bytes_returned.0),
            at_mut(overlapped.overlapped.0),
            routine_of(overlapped.routine),
            at(overlapped.thread_id.0),
            at_mut(errno.0),
        )
    }

    fn wsp_send(
        &self,
        s: SocketHandle,
        buffers: UserPtr,
        buffer_count: u32,
        bytes_sent: UserPtr,
        flags: u32,
        overlapped: OverlappedArgs,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPSend,
            FAILED,
            s.0,
            at(buffers.0),
            buffer_count,
            at_mut(bytes_sent.0),
            flags,
            at_mut(overlapped.overlapped.0),
            routine_of(overlapped.routine),
            at(overlapped.thread_id.0),
            at_mut(errno.0),
        )
    }

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
    ) -> i32 {
        call!(
            self,
            lpWSPSendTo,
            FAILED,
            s.0,
            at(buffers.0),
            buffer_count,
            at_mut(bytes_sent.0),
            flags,
            at(to.0),
            tolen,
            at_mut(overlapped.overlapped.0),
            routine_of(overlapped.routine),
            at(overlapped.thread_id.0),
            at_mut(errno.0),
        )
    }

    fn wsp_recv(
        &self,
        s: SocketHandle,
        buffers: UserPtr,
        buffer_count: u32,
        bytes_received: UserPtr,
        flags: UserPtr,
        overlapped: OverlappedArgs,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPRecv,
            FAILED,
            s.0,
            at(buffers.0),
            buffer_count,
            at_mut(bytes_received.0),
            at_mut(flags.0),
            at_mut(overlapped.overlapped.0),
            routine_of(overlapped.routine),
            at(overlapped.thread_id.0),
            at_mut::<i32>(errno.0).cast_const(),
        )
    }

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
    ) -> i32 {
        call!(
            self,
            lpWSPRecvFrom,
            FAILED,
            s.0,
            at(buffers.0),
            buffer_count,
            at_mut(bytes_received.0),
            at_mut(flags.0),
            at_mut(from.0),
            at_mut(fromlen.0),
            at_mut(overlapped.overlapped.0),
            routine_of(overlapped.routine),
            at(overlapped.thread_id.0),
            at_mut(errno.0),
        )
    }

    fn wsp_get_overlapped_result(
        &self,
        s: SocketHandle,
        overlapped: UserPtr,
        bytes_transferred: UserPtr,
        wait: bool,
        flags: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPGetOverlappedResult,
            0,
            s.0,
            at(overlapped.0),
            at_mut(bytes_transferred.0),
            i32::from(wait),
            at_mut(flags.0),
            at_mut(errno.0),
        )
    }

    fn wsp_select(
        &self,
        nfds: i32,
        readfds: UserPtr,
        writefds: UserPtr,
        exceptfds: UserPtr,
        timeout: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPSelect,
            FAILED,
            nfds,
            at_mut(readfds.0),
            at_mut(writefds.0),
            at_mut(exceptfds.0),
            at(timeout.0),
            at_mut(errno.0),
        )
    }

    fn wsp_event_select(
        &self,
        s: SocketHandle,
        event: EventHandle,
        network_events: i32,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPEventSelect,
            FAILED,
            s.0,
            event.0 as ws::WSAEVENT,
            network_events,
            at_mut(errno.0),
        )
    }

    fn wsp_enum_network_events(
        &self,
        s: SocketHandle,
        event: EventHandle,
        network_events: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPEnumNetworkEvents,
            FAILED,
            s.0,
            at_mut::<c_void>(event.0),
            at_mut(network_events.0),
            at_mut(errno.0),
        )
    }

    fn wsp_async_select(
        &self,
        s: SocketHandle,
        window: WindowHandle,
        message: u32,
        network_events: i32,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPAsyncSelect,
            FAILED,
            s.0,
            at_mut::<c_void>(window.0),
            message,
            network_events,
            at_mut(errno.0),
        )
    }

    fn wsp_address_to_string(
        &self,
        address: UserPtr,
        address_len: u32,
        protocol_info: UserPtr,
        string: UserPtr,
        string_len: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPAddressToString,
            FAILED,
            at(address.0),
            address_len,
            at(protocol_info.0),
            at_mut(string.0),
            at_mut(string_len.0),
            at_mut(errno.0),
        )
    }

    fn wsp_string_to_address(
        &self,
        string: UserPtr,
        family: i32,
        protocol_info: UserPtr,
        address: UserPtr,
        address_len: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        call!(
            self,
            lpWSPStringToAddress,
            FAILED,
            at(string.0),
            family,
            at(protocol_info.0),
            at_mut(address.0),
            at_mut(address_len.0),
            at_mut(errno.0),
        )
    }

    fn wsp_get_qos_by_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        qos: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        call!(self, lpWSPGetQOSByName, 0, s.0, at(name.0), at_mut(qos.0), at_mut(errno.0))
    }

    fn wsp_cancel_blocking_call(&self, errno: UserPtr) -> i32 {
        let result = call!(self, lpWSPCancelBlockingCall, FAILED, at_mut(errno.0));
        if result == 0 {
            hooks::cancelled();
        }
        result
    }

    fn run_apc(&self, _: usize) {
        unreachable!("the provider queues its own APC function");
    }

    fn service(&self, _: Work) {
        unreachable!("the provider has a worker of its own");
    }
}
