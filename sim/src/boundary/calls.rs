//! [`Boundary`]: a [`ServiceProvider`] in front of the provider under test.

use std::rc::Rc;

use provider_core::layout::{overlapped as layout_overlapped, thread_id, wsabuf};
use provider_core::spi::{MSG_PEEK, SOCK_STREAM, WSA_FLAG_OVERLAPPED};
use provider_core::{OverlappedArgs, ServiceProvider, SocketHandle, UserPtr, Work, WsaError};

use super::frame::Frame;
use super::watch::Watch;
use crate::event::Function;
use crate::memory::{Lent, Pattern};
use crate::oracle::{Call, Special};

const NO_SOCKET: SocketHandle = SocketHandle(0);

/// The SPI as programs of the simulator reach it: watched.
pub struct Boundary {
    watch: Rc<Watch>,
    provider: Rc<dyn ServiceProvider>,
}

/// The arguments that WSPSend and WSPSendTo have in common.
struct SendArgs {
    s: SocketHandle,
    buffers: UserPtr,
    buffer_count: u32,
    bytes_sent: UserPtr,
    to: UserPtr,
    tolen: i32,
    overlapped: OverlappedArgs,
    errno: UserPtr,
}

/// The arguments that WSPRecv and WSPRecvFrom have in common.
struct RecvArgs {
    s: SocketHandle,
    buffers: UserPtr,
    buffer_count: u32,
    bytes_received: UserPtr,
    flags: UserPtr,
    from: UserPtr,
    fromlen: UserPtr,
    overlapped: OverlappedArgs,
    errno: UserPtr,
}

impl Boundary {
    /// `provider`, watched by `watch`.
    pub fn new(watch: Rc<Watch>, provider: Rc<dyn ServiceProvider>) -> Self {
        Self { watch, provider }
    }

    /// The observer.
    pub fn watch(&self) -> &Rc<Watch> {
        &self.watch
    }

    /// The provider without the watch.
    pub fn provider(&self) -> &Rc<dyn ServiceProvider> {
        &self.provider
    }

    /// A call that lends a few ranges and returns an `int`.
    fn plain(
        &self,
        function: Function,
        s: SocketHandle,
        special: Special,
        lends: &[(UserPtr, usize, Lent)],
        errno: UserPtr,
        run: impl FnOnce(&dyn ServiceProvider) -> i32,
    ) -> i32 {
        self.watch.around.entering(function, s);
        let frame = Frame::enter(&self.watch, Call::plain(function, s, special), 0, errno);
        for (at, len, lent) in lends {
            frame.lend(*at, *len, *lent);
        }
        let value = run(&*self.provider);
        frame.leave(i64::from(value));
        value
    }

    /// Whether a call with this OVERLAPPED is overlapped I/O: not on a nonoverlapped socket
    /// (OVL-4), not without one (OVL-2, OVL-3).
    fn is_overlapped(&self, s: SocketHandle, args: OverlappedArgs) -> bool {
        !args.overlapped.is_null()
            && self.watch.socket_facts(s).is_none_or(|facts| facts.overlapped)
    }

    fn send(
        &self,
        function: Function,
        args: &SendArgs,
        run: impl FnOnce(&dyn ServiceProvider) -> i32,
    ) -> i32 {
        let watch = &*self.watch;
        watch.around.entering(function, args.s);
        let overlapped = self.is_overlapped(args.s, args.overlapped);
        let segments = watch.segments(args.buffers, args.buffer_count);
        let sending = watch.sending(&segments, args.to, watch.socket_facts(args.s));
        let len = u32::try_from(segments.total).unwrap_or(u32::MAX);
        let mut call = Call::plain(function, args.s, Special::Send(sending));
        if overlapped {
            call = watch.with_overlapped(call, args.overlapped);
        }
        let mut frame = Frame::enter(watch, call, len, args.errno);
        frame.lend_count(args.bytes_sent);
        frame.lend_transient(
            args.buffers,
            (args.buffer_count as usize).saturating_mul(wsabuf::SIZE),
            Lent::WsabufArray,
            Pattern::WsabufArray,
        );
        let tolen = usize::try_from(args.tolen).unwrap_or(0);
        frame.lend_transient(args.to, tolen, Lent::Address, Pattern::Address);
        if overlapped {
            if !args.overlapped.routine.is_null() {
                frame.lend_transient(
                    args.overlapped.thread_id,
                    thread_id::SIZE,
                    Lent::ThreadId,
                    Pattern::ThreadId,
                );
            }
            let none = (UserPtr::NULL, 0, UserPtr::NULL);
            frame.lend_operation(segments.list, Lent::SendBuffer, none);
        } else {
            for (at, len) in &segments.list {
                frame.lend(*at, *len as usize, Lent::SendBuffer);
            }
            watch.give_room(segments.list);
        }
        let value = run(&*self.provider);
        frame.leave(i64::from(value));
        value
    }

    fn recv(
        &self,
        function: Function,
        args: &RecvArgs,
        run: impl FnOnce(&dyn ServiceProvider) -> i32,
    ) -> i32 {
        let watch = &*self.watch;
        watch.around.entering(function, args.s);
        let overlapped = self.is_overlapped(args.s, args.overlapped);
        let segments = watch.segments(args.buffers, args.buffer_count);
        let len = u32::try_from(segments.total).unwrap_or(u32::MAX);
        let peek = watch.word_at(args.flags).is_some_and(|flags| flags & MSG_PEEK != 0);
        let special = Special::Receive { room: segments.total, peek };
        let mut call = Call::plain(function, args.s, special);
        if overlapped {
            call = watch.with_overlapped(call, args.overlapped);
        }
        let mut frame = Frame::enter(watch, call, len, args.errno);
        frame.lend_count(args.bytes_received);
        frame.lend_transient(
            args.buffers,
            (args.buffer_count as usize).saturating_mul(wsabuf::SIZE),
            Lent::WsabufArray,
            Pattern::WsabufArray,
        );
        frame.lend(args.flags, 4, Lent::Output);
        let fromlen = watch.word_at(args.fromlen).unwrap_or(0) as usize;
        if overlapped {
            if !args.overlapped.routine.is_null() {
                frame.lend_transient(
                    args.overlapped.thread_id,
                    thread_id::SIZE,
                    Lent::ThreadId,
                    Pattern::ThreadId,
                );
            }
            let from = (args.from, fromlen, args.fromlen);
            frame.lend_operation(segments.list, Lent::ReceiveBuffer, from);
        } else {
            for (at, len) in &segments.list {
                frame.lend(*at, *len as usize, Lent::ReceiveBuffer);
            }
            frame.lend(args.from, fromlen, Lent::FromAddress);
            frame.lend(args.fromlen, 4, Lent::FromAddress);
            frame.receives_into(segments.list, args.from);
        }
        let value = run(&*self.provider);
        frame.leave(i64::from(value));
        value
    }

    /// The length that a pointer to a length names.
    fn len_at(&self, at: UserPtr) -> usize {
        self.watch.word_at(at).map_or(0, |len| i32::try_from(len).unwrap_or(0) as usize)
    }
}

fn len_of(len: i32) -> usize {
    usize::try_from(len).unwrap_or(0)
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
        flags: u32,
        errno: UserPtr,
    ) -> SocketHandle {
        let function = Function::WSPSocket;
        self.watch.around.entering(function, NO_SOCKET);
        let special = Special::Socket {
            stream: kind == SOCK_STREAM,
            overlapped: flags & WSA_FLAG_OVERLAPPED != 0,
        };
        let call = Call::plain(function, NO_SOCKET, special);
        let frame = Frame::enter(&self.watch, call, 0, errno);
        let socket = self.provider.wsp_socket(af, kind, protocol, flags, errno);
        frame.leave(socket.0 as i64);
        socket
    }

    fn wsp_bind(&self, s: SocketHandle, name: UserPtr, namelen: i32, errno: UserPtr) -> i32 {
        let lends = [(name, len_of(namelen), Lent::Address)];
        self.plain(Function::WSPBind, s, Special::None, &lends, errno, |p| {
            p.wsp_bind(s, name, namelen, errno)
        })
    }

    fn wsp_connect(&self, s: SocketHandle, name: UserPtr, namelen: i32, errno: UserPtr) -> i32 {
        let lends = [(name, len_of(namelen), Lent::Address)];
        self.plain(Function::WSPConnect, s, Special::None, &lends, errno, |p| {
            p.wsp_connect(s, name, namelen, errno)
        })
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
        errno: UserPtr,
    ) -> SocketHandle {
        let function = Function::WSPAccept;
        self.watch.around.entering(function, s);
        let call = Call::plain(function, s, Special::None);
        let frame = Frame::enter(&self.watch, call, 0, errno);
        frame.lend(addr, self.len_at(addrlen), Lent::Output);
        frame.lend(addrlen, 4, Lent::Output);
        let socket = self.provider.wsp_accept(s, addr, addrlen, errno);
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
        let function = Function::WSPIoctl;
        let watch = &*self.watch;
        watch.around.entering(function, s);
        let is_overlapped = self.is_overlapped(s, overlapped);
        let input = if in_len >= 4 { watch.word_at(in_buffer) } else { None };
        let mut call = Call::plain(function, s, Special::Ioctl { code, input });
        if is_overlapped {
            call = watch.with_overlapped(call, overlapped);
        }
        let mut frame = Frame::enter(watch, call, in_len, errno);
        frame.lend_count(bytes_returned);
        frame.lend(in_buffer, in_len as usize, Lent::Input);
        if is_overlapped {
            if !overlapped.routine.is_null() {
                frame.lend_transient(
                    overlapped.thread_id,
                    thread_id::SIZE,
                    Lent::ThreadId,
                    Pattern::ThreadId,
                );
            }
            let mut room = watch.new_room();
            room.push((out_buffer, out_len));
            let none = (UserPtr::NULL, 0, UserPtr::NULL);
            frame.lend_operation(room, Lent::ReceiveBuffer, none);
        } else {
            frame.lend(out_buffer, out_len as usize, Lent::Output);
        }
        let value = self.provider.wsp_ioctl(
            s,
            code,
            in_buffer,
            in_len,
            out_buffer,
            out_len,
            bytes_returned,
            overlapped,
            errno,
        );
        frame.leave(i64::from(value));
        value
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
        let args = SendArgs { s, buffers, buffer_count, bytes_sent, to, tolen, overlapped, errno };
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
        let function = Function::WSPGetOverlappedResult;
        self.watch.around.entering(function, s);
        let before = self.watch.overlapped_facts(overlapped);
        let mut call = Call::plain(function, s, Special::GetResult { wait, before });
        call.overlapped = overlapped;
        let mut frame = Frame::enter(&self.watch, call, 0, errno);
        frame.lend(overlapped, layout_overlapped::SIZE, Lent::OverlappedToRead);
        frame.lend_count(bytes_transferred);
        frame.lend(flags, 4, Lent::Output);
        let value = self.provider.wsp_get_overlapped_result(
            s,
            overlapped,
            bytes_transferred,
            wait,
            flags,
            errno,
        );
        frame.leave(i64::from(value));
        value
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
        self.provider.service(work);
    }
}
