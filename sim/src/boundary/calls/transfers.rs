//! The calls that transfer data or have to do with overlapped operations: what they lend, and until
//! when.

use provider_core::layout::{overlapped as layout_overlapped, thread_id, wsabuf};
use provider_core::spi::{MSG_OOB, MSG_PEEK};
use provider_core::{OverlappedArgs, ServiceProvider, SocketHandle, UserPtr};

use super::Boundary;
use crate::boundary::frame::Frame;
use crate::event::Function;
use crate::memory::{Lent, Pattern};
use crate::oracle::{Call, Special};

/// The arguments that WSPSend and WSPSendTo have in common.
pub(super) struct SendArgs {
    pub(super) s: SocketHandle,
    pub(super) buffers: UserPtr,
    pub(super) buffer_count: u32,
    pub(super) bytes_sent: UserPtr,
    pub(super) flags: u32,
    pub(super) to: UserPtr,
    pub(super) tolen: i32,
    pub(super) overlapped: OverlappedArgs,
    pub(super) errno: UserPtr,
}

/// The arguments that WSPRecv and WSPRecvFrom have in common.
pub(super) struct RecvArgs {
    pub(super) s: SocketHandle,
    pub(super) buffers: UserPtr,
    pub(super) buffer_count: u32,
    pub(super) bytes_received: UserPtr,
    pub(super) flags: UserPtr,
    pub(super) from: UserPtr,
    pub(super) fromlen: UserPtr,
    pub(super) overlapped: OverlappedArgs,
    pub(super) errno: UserPtr,
}

/// The arguments of WSPIoctl.
pub(super) struct IoctlArgs {
    pub(super) s: SocketHandle,
    pub(super) code: u32,
    pub(super) in_buffer: UserPtr,
    pub(super) in_len: u32,
    pub(super) out_buffer: UserPtr,
    pub(super) out_len: u32,
    pub(super) bytes_returned: UserPtr,
    pub(super) overlapped: OverlappedArgs,
    pub(super) errno: UserPtr,
}

/// The arguments of WSPGetOverlappedResult.
pub(super) struct ResultArgs {
    pub(super) s: SocketHandle,
    pub(super) overlapped: UserPtr,
    pub(super) bytes_transferred: UserPtr,
    pub(super) wait: bool,
    pub(super) flags: UserPtr,
    pub(super) errno: UserPtr,
}

impl Boundary {
    pub(super) fn send(
        &self,
        function: Function,
        args: &SendArgs,
        run: impl FnOnce(&dyn ServiceProvider) -> i32,
    ) -> i32 {
        let watch = &*self.watch;
        watch.around.entering(function, args.s);
        let overlapped = self.is_overlapped(args.s, args.overlapped);
        let segments = watch.segments(args.buffers, args.buffer_count);
        let sending = watch.sending(&segments, args.to, args.flags, watch.socket_facts(args.s));
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

    pub(super) fn recv(
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
        let has = |flag| watch.word_at(args.flags).is_some_and(|flags| flags & flag != 0);
        let (peek, urgent) = (has(MSG_PEEK), has(MSG_OOB));
        let special = Special::Receive { room: segments.total, peek, urgent };
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

    pub(super) fn ioctl(&self, args: &IoctlArgs) -> i32 {
        let &IoctlArgs {
            s,
            code,
            in_buffer,
            in_len,
            out_buffer,
            out_len,
            bytes_returned,
            overlapped,
            errno,
        } = args;
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

    pub(super) fn overlapped_result(&self, args: &ResultArgs) -> i32 {
        let &ResultArgs { s, overlapped, bytes_transferred, wait, flags, errno } = args;
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
}
