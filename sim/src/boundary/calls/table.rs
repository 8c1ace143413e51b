//! The procedure table, watched: what each function's arguments lend.

use provider_core::layout::{protocol_info, qos, wsabuf};
use provider_core::spi::{FROM_PROTOCOL_INFO, SOCK_STREAM, WSA_FLAG_OVERLAPPED};
use provider_core::{
    ConditionRoutine, ConnectArgs, EventHandle, OverlappedArgs, ServiceProvider, SocketHandle,
    UserPtr, WindowHandle, Work, WsaError,
};

use super::transfers::{IoctlArgs, RecvArgs, ResultArgs, SendArgs};
use super::{Boundary, NO_SOCKET, len_of};
use crate::boundary::frame::Frame;
use crate::event::Function;
use crate::memory::Lent;
use crate::oracle::{Call, Special};

/// What WSPConnect and WSPJoinLeaf lend.
fn connect_lends(name: UserPtr, namelen: i32, connect: ConnectArgs) -> [(UserPtr, usize, Lent); 5] {
    [
        (name, len_of(namelen), Lent::Address),
        (connect.caller_data, wsabuf::SIZE, Lent::Input),
        (connect.callee_data, wsabuf::SIZE, Lent::Output),
        (connect.sqos, qos::SIZE, Lent::Input),
        (connect.gqos, qos::SIZE, Lent::Input),
    ]
}

impl ServiceProvider for Boundary {
    fn wsp_startup(&self, version_requested: u16) -> Result<u16, WsaError> {
        let function = Function::WSPStartup;
        self.watch.around.entering(function, NO_SOCKET);
        let call = Call::plain(function, NO_SOCKET, Special::None);
        let frame = Frame::enter(&self.watch, call, 0, UserPtr::NULL);
        let result = self.provider.wsp_startup(version_requested);
        frame.leave(match result {
            Ok(_) => 0,
            Err(error) => i64::from(error.0),
        });
        result
    }

    fn wsp_cleanup(&self, errno: UserPtr) -> i32 {
        self.plain(Function::WSPCleanup, NO_SOCKET, Special::None, &[], errno, |p| {
            p.wsp_cleanup(errno)
        })
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
        let function = Function::WSPSocket;
        self.watch.around.entering(function, NO_SOCKET);
        let told = self.watch.word_at(protocol_info.offset(protocol_info::SOCKET_TYPE));
        let kind_told = match kind {
            0 | FROM_PROTOCOL_INFO if !protocol_info.is_null() => told.unwrap_or(0) as i32,
            kind => kind,
        };
        let special = Special::Socket {
            stream: kind_told == SOCK_STREAM,
            overlapped: flags & WSA_FLAG_OVERLAPPED != 0,
            info: self.watch.info_at(protocol_info),
        };
        let call = Call::plain(function, NO_SOCKET, special);
        let frame = Frame::enter(&self.watch, call, 0, errno);
        frame.lend(protocol_info, protocol_info::SIZE, Lent::Input);
        let socket =
            self.provider.wsp_socket(af, kind, protocol, protocol_info, group, flags, errno);
        frame.leave(socket.0 as i64);
        socket
    }

    fn wsp_bind(&self, s: SocketHandle, name: UserPtr, namelen: i32, errno: UserPtr) -> i32 {
        let lends = [(name, len_of(namelen), Lent::Address)];
        self.plain(Function::WSPBind, s, Special::None, &lends, errno, |p| {
            p.wsp_bind(s, name, namelen, errno)
        })
    }

    fn wsp_connect(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: i32,
        connect: ConnectArgs,
        errno: UserPtr,
    ) -> i32 {
        let lends = connect_lends(name, namelen, connect);
        self.plain(Function::WSPConnect, s, Special::None, &lends, errno, |p| {
            p.wsp_connect(s, name, namelen, connect, errno)
        })
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
        let function = Function::WSPJoinLeaf;
        self.watch.around.entering(function, s);
        let frame = Frame::enter(&self.watch, Call::plain(function, s, Special::None), 0, errno);
        for (at, len, lent) in connect_lends(name, namelen, connect) {
            frame.lend(at, len, lent);
        }
        let socket = self.provider.wsp_join_leaf(s, name, namelen, connect, flags, errno);
        frame.leave(socket.0 as i64);
        socket
    }

    fn wsp_listen(&self, s: SocketHandle, backlog: i32, errno: UserPtr) -> i32 {
        self.plain(Function::WSPListen, s, Special::None, &[], errno, |p| {
            p.wsp_listen(s, backlog, errno)
        })
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
        let function = Function::WSPAccept;
        self.watch.around.entering(function, s);
        let special = Special::Accept { condition: !condition.is_null() };
        let frame = Frame::enter(&self.watch, Call::plain(function, s, special), 0, errno);
        frame.lend(addr, self.len_at(addrlen), Lent::Output);
        frame.lend(addrlen, 4, Lent::Output);
        let socket = self.provider.wsp_accept(s, addr, addrlen, condition, callback_data, errno);
        frame.leave(socket.0 as i64);
        socket
    }

    fn wsp_close_socket(&self, s: SocketHandle, errno: UserPtr) -> i32 {
        self.plain(Function::WSPCloseSocket, s, Special::None, &[], errno, |p| {
            p.wsp_close_socket(s, errno)
        })
    }

    fn wsp_shutdown(&self, s: SocketHandle, how: i32, errno: UserPtr) -> i32 {
        self.plain(Function::WSPShutdown, s, Special::Shutdown(how), &[], errno, |p| {
            p.wsp_shutdown(s, how, errno)
        })
    }

    fn wsp_send_disconnect(&self, s: SocketHandle, data: UserPtr, errno: UserPtr) -> i32 {
        let lends = [(data, wsabuf::SIZE, Lent::Input)];
        self.plain(Function::WSPSendDisconnect, s, Special::None, &lends, errno, |p| {
            p.wsp_send_disconnect(s, data, errno)
        })
    }

    fn wsp_recv_disconnect(&self, s: SocketHandle, data: UserPtr, errno: UserPtr) -> i32 {
        let lends = [(data, wsabuf::SIZE, Lent::Output)];
        self.plain(Function::WSPRecvDisconnect, s, Special::None, &lends, errno, |p| {
            p.wsp_recv_disconnect(s, data, errno)
        })
    }

    fn wsp_duplicate_socket(
        &self,
        s: SocketHandle,
        process_id: u32,
        protocol_info: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        let function = Function::WSPDuplicateSocket;
        self.watch.around.entering(function, s);
        let call = Call::plain(function, s, Special::Duplicate);
        let mut frame = Frame::enter(&self.watch, call, 0, errno);
        frame.lend(protocol_info, protocol_info::SIZE, Lent::Output);
        let value = self.provider.wsp_duplicate_socket(s, process_id, protocol_info, errno);
        frame.gave_info(protocol_info);
        frame.leave(i64::from(value));
        value
    }

    fn wsp_get_sock_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        let lends = [(name, self.len_at(namelen), Lent::Output), (namelen, 4, Lent::Output)];
        self.plain(Function::WSPGetSockName, s, Special::None, &lends, errno, |p| {
            p.wsp_get_sock_name(s, name, namelen, errno)
        })
    }

    fn wsp_get_peer_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        let lends = [(name, self.len_at(namelen), Lent::Output), (namelen, 4, Lent::Output)];
        self.plain(Function::WSPGetPeerName, s, Special::None, &lends, errno, |p| {
            p.wsp_get_peer_name(s, name, namelen, errno)
        })
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
        let lends = [(optval, len_of(optlen), Lent::Input)];
        let special =
            Special::SetOption { level, name: optname, value: self.watch.word_at(optval) };
        self.plain(Function::WSPSetSockOpt, s, special, &lends, errno, |p| {
            p.wsp_set_sock_opt(s, level, optname, optval, optlen, errno)
        })
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
        let lends = [(optval, self.len_at(optlen), Lent::Output), (optlen, 4, Lent::Output)];
        self.plain(Function::WSPGetSockOpt, s, Special::None, &lends, errno, |p| {
            p.wsp_get_sock_opt(s, level, optname, optval, optlen, errno)
        })
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
        let args = IoctlArgs {
            s,
            code,
            in_buffer,
            in_len,
            out_buffer,
            out_len,
            bytes_returned,
            overlapped,
            errno,
        };
        self.ioctl(&args)
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
        let args = SendArgs {
            s,
            buffers,
            buffer_count,
            bytes_sent,
            flags,
            to: UserPtr::NULL,
            tolen: 0,
            overlapped,
            errno,
        };
        self.send(Function::WSPSend, &args, |p| {
            p.wsp_send(s, buffers, buffer_count, bytes_sent, flags, overlapped, errno)
        })
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
        let args =
            SendArgs { s, buffers, buffer_count, bytes_sent, flags, to, tolen, overlapped, errno };
        self.send(Function::WSPSendTo, &args, |p| {
            p.wsp_send_to(s, buffers, buffer_count, bytes_sent, flags, to, tolen, overlapped, errno)
        })
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
        let args = RecvArgs {
            s,
            buffers,
            buffer_count,
            bytes_received,
            flags,
            from: UserPtr::NULL,
            fromlen: UserPtr::NULL,
            overlapped,
            errno,
        };
        self.recv(Function::WSPRecv, &args, |p| {
            p.wsp_recv(s, buffers, buffer_count, bytes_received, flags, overlapped, errno)
        })
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
        let args = RecvArgs {
            s,
            buffers,
            buffer_count,
            bytes_received,
            flags,
            from,
            fromlen,
            overlapped,
            errno,
        };
        self.recv(Function::WSPRecvFrom, &args, |p| {
            p.wsp_recv_from(
                s,
                buffers,
                buffer_count,
                bytes_received,
                flags,
                from,
                fromlen,
                overlapped,
                errno,
            )
        })
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
        let args = ResultArgs { s, overlapped, bytes_transferred, wait, flags, errno };
        self.overlapped_result(&args)
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
        self.select(nfds, [readfds, writefds, exceptfds], timeout, errno)
    }

    fn wsp_event_select(
        &self,
        s: SocketHandle,
        event: EventHandle,
        network_events: i32,
        errno: UserPtr,
    ) -> i32 {
        let special = Special::EventSelect { event, events: network_events };
        self.plain(Function::WSPEventSelect, s, special, &[], errno, |p| {
            p.wsp_event_select(s, event, network_events, errno)
        })
    }

    fn wsp_enum_network_events(
        &self,
        s: SocketHandle,
        event: EventHandle,
        network_events: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        self.enum_network_events(s, event, network_events, errno)
    }

    fn wsp_async_select(
        &self,
        s: SocketHandle,
        window: WindowHandle,
        message: u32,
        network_events: i32,
        errno: UserPtr,
    ) -> i32 {
        let special = Special::AsyncSelect { window, message, events: network_events };
        self.plain(Function::WSPAsyncSelect, s, special, &[], errno, |p| {
            p.wsp_async_select(s, window, message, network_events, errno)
        })
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
        let words = self.watch.word_at(string_len).unwrap_or(0) as usize;
        let lends = [
            (address, address_len as usize, Lent::Input),
            (protocol_info, protocol_info::SIZE, Lent::Input),
            (string, words.saturating_mul(2), Lent::Output),
            (string_len, 4, Lent::Output),
        ];
        self.plain(Function::WSPAddressToString, NO_SOCKET, Special::None, &lends, errno, |p| {
            p.wsp_address_to_string(address, address_len, protocol_info, string, string_len, errno)
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
        let [(string, len), (behind, rest)] = self.watch.string(string);
        let lends = [
            (string, len, Lent::Input),
            (behind, rest, Lent::Input),
            (protocol_info, protocol_info::SIZE, Lent::Input),
            (address, self.len_at(address_len), Lent::Output),
            (address_len, 4, Lent::Output),
        ];
        self.plain(Function::WSPStringToAddress, NO_SOCKET, Special::None, &lends, errno, |p| {
            p.wsp_string_to_address(string, family, protocol_info, address, address_len, errno)
        })
    }

    fn wsp_get_qos_by_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        qos: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        let text = self.watch.segments(name, 1).list.first().copied();
        let (text, len) = text.unwrap_or((UserPtr::NULL, 0));
        let lends = [
            (name, wsabuf::SIZE, Lent::Input),
            (text, len as usize, Lent::Input),
            (qos, qos::SIZE, Lent::Output),
        ];
        self.plain(Function::WSPGetQOSByName, s, Special::None, &lends, errno, |p| {
            p.wsp_get_qos_by_name(s, name, qos, errno)
        })
    }

    fn wsp_cancel_blocking_call(&self, errno: UserPtr) -> i32 {
        self.plain(Function::WSPCancelBlockingCall, NO_SOCKET, Special::None, &[], errno, |p| {
            p.wsp_cancel_blocking_call(errno)
        })
    }

    fn run_apc(&self, context: usize) {
        self.watch.tell(|oracles, at, process| oracles.apc_enter(at, process, context));
        self.provider.run_apc(context);
        self.watch.tell(|oracles, at, process| oracles.apc_leave(at, process, context));
    }

    fn service(&self, work: Work) {
        self.watch.serving(true);
        self.provider.service(work);
        self.watch.serving(false);
    }
}
