//! The procedure table: every function of the SPI, in its frame.

use crate::spi::{INVALID_SOCKET, SOCKET_ERROR};
use crate::{
    ConditionRoutine, ConnectArgs, EventHandle, Host, OverlappedArgs, ServiceProvider,
    SocketHandle, UserPtr, WindowHandle, Work, WsaError,
};

use super::Provider;
use super::connection::{AcceptArgs, JoinArgs};
use super::ioctl::IoctlArgs;
use super::notify::SelectArgs;
use super::receive::{ReceiveArgs, Source};
use super::send::{Destination, SendArgs};
use super::socket::SocketArgs;

//= docs/spec/results.md#result-12
//# Every function MUST work in every thread, at the same time as every other.
//= docs/spec/results.md#result-13
//# No argument of a client's MUST be able to make the provider panic.
//= docs/spec/results.md#result-14
//# A function MUST NOT fail with a code that is not in its contract.
impl<H: Host> ServiceProvider for Provider<H> {
    fn wsp_startup(&self, version_requested: u16) -> Result<u16, WsaError> {
        //= docs/spec/startup.md#startup-5
        //# The error code MUST be the return value: there is no `lpErrno`.
        self.startup(version_requested)
    }

    fn wsp_cleanup(&self, errno: UserPtr) -> i32 {
        self.call(errno, || self.cleanup())
    }

    fn wsp_socket(
        &self,
        af: i32,
        kind: i32,
        protocol: i32,
        protocol_info: UserPtr,
        _group: u32,
        flags: u32,
        errno: UserPtr,
    ) -> SocketHandle {
        let args = SocketArgs { af, kind, protocol, protocol_info, flags };
        self.call_value(errno, INVALID_SOCKET, || self.open_socket(&args))
    }

    fn wsp_bind(&self, s: SocketHandle, name: UserPtr, namelen: i32, errno: UserPtr) -> i32 {
        self.call(errno, || self.bind(s, name, namelen))
    }

    fn wsp_connect(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: i32,
        connect: ConnectArgs,
        errno: UserPtr,
    ) -> i32 {
        self.call(errno, || self.connect(s, name, namelen, &connect))
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
        let args = JoinArgs { socket: s, name, namelen, connect, flags };
        self.call_value(errno, INVALID_SOCKET, || self.join_leaf(&args))
    }

    fn wsp_listen(&self, s: SocketHandle, backlog: i32, errno: UserPtr) -> i32 {
        self.call(errno, || self.listen(s, backlog))
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
        let args = AcceptArgs { socket: s, addr, addrlen, condition, callback_data };
        self.call_value(errno, INVALID_SOCKET, || self.accept(&args))
    }

    fn wsp_close_socket(&self, s: SocketHandle, errno: UserPtr) -> i32 {
        self.call(errno, || self.close_socket(s))
    }

    fn wsp_shutdown(&self, s: SocketHandle, how: i32, errno: UserPtr) -> i32 {
        self.call(errno, || self.shutdown(s, how))
    }

    fn wsp_send_disconnect(&self, s: SocketHandle, data: UserPtr, errno: UserPtr) -> i32 {
        self.call(errno, || self.send_disconnect(s, data))
    }

    fn wsp_recv_disconnect(&self, s: SocketHandle, data: UserPtr, errno: UserPtr) -> i32 {
        self.call(errno, || self.recv_disconnect(s, data))
    }

    fn wsp_duplicate_socket(
        &self,
        s: SocketHandle,
        process_id: u32,
        protocol_info: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        self.call(errno, || self.duplicate(s, process_id, protocol_info))
    }

    fn wsp_get_sock_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        self.call(errno, || self.sock_name(s, name, namelen))
    }

    fn wsp_get_peer_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        self.call(errno, || self.peer_name(s, name, namelen))
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
        self.call(errno, || self.set_option(s, level, optname, optval, optlen))
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
        self.call(errno, || self.option(s, level, optname, optval, optlen))
    }

    fn wsp_ioctl(
        &self,
        socket: SocketHandle,
        code: u32,
        in_buffer: UserPtr,
        in_len: u32,
        out_buffer: UserPtr,
        out_len: u32,
        bytes_returned: UserPtr,
        overlapped: OverlappedArgs,
        errno: UserPtr,
    ) -> i32 {
        let args = IoctlArgs {
            socket,
            code,
            in_buffer,
            in_len,
            out_buffer,
            out_len,
            bytes_returned,
            overlapped,
        };
        self.call(errno, || self.ioctl(&args))
    }

    fn wsp_send(
        &self,
        socket: SocketHandle,
        buffers: UserPtr,
        buffer_count: u32,
        bytes_sent: UserPtr,
        flags: u32,
        overlapped: OverlappedArgs,
        errno: UserPtr,
    ) -> i32 {
        let args = SendArgs { socket, buffers, buffer_count, bytes_sent, flags, overlapped };
        //= docs/spec/sending.md#send-4
        //# WSPSend and WSPSendTo MUST share one queue, one limit and one order on a socket.
        self.call(errno, || self.send(&args, None))
    }

    fn wsp_send_to(
        &self,
        socket: SocketHandle,
        buffers: UserPtr,
        buffer_count: u32,
        bytes_sent: UserPtr,
        flags: u32,
        to: UserPtr,
        tolen: i32,
        overlapped: OverlappedArgs,
        errno: UserPtr,
    ) -> i32 {
        let args = SendArgs { socket, buffers, buffer_count, bytes_sent, flags, overlapped };
        self.call(errno, || self.send(&args, Some(Destination { to, tolen })))
    }

    fn wsp_recv(
        &self,
        socket: SocketHandle,
        buffers: UserPtr,
        buffer_count: u32,
        bytes_received: UserPtr,
        flags: UserPtr,
        overlapped: OverlappedArgs,
        errno: UserPtr,
    ) -> i32 {
        let args = ReceiveArgs { socket, buffers, buffer_count, bytes_received, flags, overlapped };
        self.call(errno, || self.receive(&args, None))
    }

    fn wsp_recv_from(
        &self,
        socket: SocketHandle,
        buffers: UserPtr,
        buffer_count: u32,
        bytes_received: UserPtr,
        flags: UserPtr,
        from: UserPtr,
        fromlen: UserPtr,
        overlapped: OverlappedArgs,
        errno: UserPtr,
    ) -> i32 {
        let args = ReceiveArgs { socket, buffers, buffer_count, bytes_received, flags, overlapped };
        //= docs/spec/receiving.md#recvfrom-7
        //# All else MUST be as it is for WSPRecv.
        self.call(errno, || self.receive(&args, Some(Source { from, fromlen })))
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
        let result = self
            .call(errno, || self.overlapped_result(s, overlapped, bytes_transferred, wait, flags));
        i32::from(result != SOCKET_ERROR)
    }

    fn wsp_select(
        &self,
        _nfds: i32,
        readfds: UserPtr,
        writefds: UserPtr,
        exceptfds: UserPtr,
        timeout: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        let args = SelectArgs { sets: [readfds, writefds, exceptfds], timeout };
        self.call_value(errno, SOCKET_ERROR, || self.select(&args))
    }

    fn wsp_event_select(
        &self,
        s: SocketHandle,
        event: EventHandle,
        network_events: i32,
        errno: UserPtr,
    ) -> i32 {
        self.call(errno, || self.event_select(s, event, network_events))
    }

    fn wsp_enum_network_events(
        &self,
        s: SocketHandle,
        event: EventHandle,
        network_events: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        self.call(errno, || self.enum_network_events(s, event, network_events))
    }

    fn wsp_async_select(
        &self,
        s: SocketHandle,
        window: WindowHandle,
        message: u32,
        network_events: i32,
        errno: UserPtr,
    ) -> i32 {
        self.call(errno, || self.async_select(s, window, message, network_events))
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
        self.call(errno, || {
            self.address_to_string(address, address_len, protocol_info, string, string_len)
        })
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
        self.call(errno, || {
            self.string_to_address(string, family, protocol_info, address, address_len)
        })
    }

    fn wsp_get_qos_by_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        qos: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        self.call_value(errno, 0, || self.qos_by_name(s, name, qos))
    }

    fn wsp_cancel_blocking_call(&self, errno: UserPtr) -> i32 {
        self.frame(errno, SOCKET_ERROR, || self.cancel_blocking_call().map(|()| 0))
    }

    fn run_apc(&self, context: usize) {
        self.run_routines(context);
    }

    fn service(&self, work: Work) {
        self.serve(work);
    }
}
