//! A wrapper around the SPI's functions that does more, less, or something else than the core.

use std::rc::Rc;

use provider_core::spi::{FD_OOB, SIO_FLUSH, SO_SNDBUF};
use provider_core::{
    ConditionRoutine, ConnectArgs, EventHandle, Host, Memory, OverlappedArgs, ServiceProvider,
    SocketHandle, Token, UserPtr, WindowHandle, Work, WsaError,
};
use wspsim::host::SimHost;

use super::Flaw;
use super::send::SendArgs;
use super::state::State;
use super::transport::FlawedTransport;

/// A timer of the wrapper's own: no socket of the core's has this token.
pub(super) const WORKER_TOKEN: Token = Token(u64::MAX);
/// The context of an APC of the wrapper's own.
const GHOST_CONTEXT: usize = usize::MAX;

/// The provider that a world is given.
pub struct FlawedProvider {
    inner: Rc<dyn ServiceProvider>,
    pub(super) host: SimHost,
    pub(super) state: Rc<State>,
    transport: FlawedTransport,
}

impl FlawedProvider {
    pub(super) fn new(inner: Rc<dyn ServiceProvider>, host: SimHost, state: Rc<State>) -> Self {
        let transport = FlawedTransport::new(&host, Rc::clone(&state));
        Self { inner, host, state, transport }
    }

    pub(super) fn has(&self, flaw: Flaw) -> bool {
        self.state.has(flaw)
    }

    /// Remembers where a receive without a routine puts its bytes, and whose it is.
    fn note_receive(&self, s: SocketHandle, buffers: UserPtr, args: OverlappedArgs) {
        if self.has(Flaw::PacketAtCleanup) {
            self.state.sockets.borrow_mut().push((args.overlapped, s));
        }
        if self.has(Flaw::WritesReceiveBufferLate)
            && args.routine.is_null()
            && !args.overlapped.is_null()
            && let Some(buffer) = self.first_buffer(buffers)
        {
            self.state.receives.borrow_mut().push((args.overlapped, buffer.buf));
        }
    }

    /// The worker's part of a flaw.
    fn work(&self) {
        if let Some(ghost) = self.state.ghost.get() {
            // Once: the APC takes the ghost.
            let _ = self.host.queue_apc(&ghost.thread, GHOST_CONTEXT);
        }
        if self.has(Flaw::WrongThread) {
            self.run_contexts();
        }
    }

    /// Runs the APCs that were kept from the host.
    fn run_contexts(&self) {
        let contexts = self.state.contexts.take();
        for context in contexts {
            self.inner.run_apc(context);
        }
    }
}

impl ServiceProvider for FlawedProvider {
    fn wsp_startup(&self, version_requested: u16) -> Result<u16, WsaError> {
        self.inner.wsp_startup(version_requested)
    }

    fn wsp_cleanup(&self, errno: UserPtr) -> i32 {
        self.state.cleaning.set(true);
        let value = self.inner.wsp_cleanup(errno);
        self.state.cleaning.set(false);
        value
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
        self.inner.wsp_socket(af, kind, protocol, protocol_info, group, flags, errno)
    }

    fn wsp_bind(&self, s: SocketHandle, name: UserPtr, namelen: i32, errno: UserPtr) -> i32 {
        self.inner.wsp_bind(s, name, namelen, errno)
    }

    fn wsp_connect(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: i32,
        connect: ConnectArgs,
        errno: UserPtr,
    ) -> i32 {
        self.inner.wsp_connect(s, name, namelen, connect, errno)
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
        self.inner.wsp_join_leaf(s, name, namelen, connect, flags, errno)
    }

    fn wsp_listen(&self, s: SocketHandle, backlog: i32, errno: UserPtr) -> i32 {
        self.inner.wsp_listen(s, backlog, errno)
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
        self.inner.wsp_accept(s, addr, addrlen, condition, callback_data, errno)
    }

    fn wsp_close_socket(&self, s: SocketHandle, errno: UserPtr) -> i32 {
        if self.has(Flaw::NotAlertable) {
            self.run_contexts();
        }
        if let Some(event) = self.state.cancelled.take() {
            let _ = self.host.set_event(event);
        }
        self.state.closing.set(true);
        let value = self.inner.wsp_close_socket(s, errno);
        self.state.closing.set(false);
        value
    }

    fn wsp_shutdown(&self, s: SocketHandle, how: i32, errno: UserPtr) -> i32 {
        self.inner.wsp_shutdown(s, how, errno)
    }

    fn wsp_send_disconnect(&self, s: SocketHandle, data: UserPtr, errno: UserPtr) -> i32 {
        self.inner.wsp_send_disconnect(s, data, errno)
    }

    fn wsp_recv_disconnect(&self, s: SocketHandle, data: UserPtr, errno: UserPtr) -> i32 {
        self.inner.wsp_recv_disconnect(s, data, errno)
    }

    fn wsp_duplicate_socket(
        &self,
        s: SocketHandle,
        process_id: u32,
        protocol_info: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        self.inner.wsp_duplicate_socket(s, process_id, protocol_info, errno)
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
        let ready = self.inner.wsp_select(nfds, readfds, writefds, exceptfds, timeout, errno);
        ready + i32::from(self.has(Flaw::WrongSelect) && ready > 0)
    }

    fn wsp_event_select(
        &self,
        s: SocketHandle,
        event: EventHandle,
        network_events: i32,
        errno: UserPtr,
    ) -> i32 {
        if self.has(Flaw::EventAfterCancel) && network_events == 0 {
            self.state.cancelled.set(Some(event));
        }
        self.inner.wsp_event_select(s, event, network_events, errno)
    }

    fn wsp_enum_network_events(
        &self,
        s: SocketHandle,
        event: EventHandle,
        network_events: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        let value = self.inner.wsp_enum_network_events(s, event, network_events, errno);
        if self.has(Flaw::NotSelected) {
            let _ = self.host.memory().write(network_events, &FD_OOB.to_le_bytes());
        }
        value
    }

    fn wsp_async_select(
        &self,
        s: SocketHandle,
        window: WindowHandle,
        message: u32,
        network_events: i32,
        errno: UserPtr,
    ) -> i32 {
        self.inner.wsp_async_select(s, window, message, network_events, errno)
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
        self.inner.wsp_address_to_string(
            address,
            address_len,
            protocol_info,
            string,
            string_len,
            errno,
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
        self.inner.wsp_string_to_address(string, family, protocol_info, address, address_len, errno)
    }

    fn wsp_get_qos_by_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        qos: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        self.inner.wsp_get_qos_by_name(s, name, qos, errno)
    }

    fn wsp_get_sock_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        self.inner.wsp_get_sock_name(s, name, namelen, errno)
    }

    fn wsp_get_peer_name(
        &self,
        s: SocketHandle,
        name: UserPtr,
        namelen: UserPtr,
        errno: UserPtr,
    ) -> i32 {
        self.inner.wsp_get_peer_name(s, name, namelen, errno)
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
        let value = self.inner.wsp_set_sock_opt(s, level, optname, optval, optlen, errno);
        if self.has(Flaw::AbortedButSent) && optname == SO_SNDBUF {
            self.state.armed.set(true);
        }
        value
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
        self.inner.wsp_get_sock_opt(s, level, optname, optval, optlen, errno)
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
        let value = self.inner.wsp_ioctl(
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
        if self.has(Flaw::AbortedButSent) && code == SIO_FLUSH {
            self.transport.send_held();
        }
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
        let args =
            SendArgs { socket: s, buffers, bytes_sent, to: UserPtr::NULL, overlapped, errno };
        self.send(&args, || {
            self.inner.wsp_send(s, buffers, buffer_count, bytes_sent, flags, overlapped, errno)
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
        let args = SendArgs { socket: s, buffers, bytes_sent, to, overlapped, errno };
        self.send(&args, || {
            self.inner.wsp_send_to(
                s,
                buffers,
                buffer_count,
                bytes_sent,
                flags,
                to,
                tolen,
                overlapped,
                errno,
            )
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
        self.note_receive(s, buffers, overlapped);
        self.inner.wsp_recv(s, buffers, buffer_count, bytes_received, flags, overlapped, errno)
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
        self.note_receive(s, buffers, overlapped);
        self.inner.wsp_recv_from(
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
        let ended = self.inner.wsp_get_overlapped_result(
            s,
            overlapped,
            bytes_transferred,
            wait,
            flags,
            errno,
        );
        if ended == 0 && self.has(Flaw::LyingResult) {
            return 1;
        }
        ended
    }

    fn wsp_cancel_blocking_call(&self, errno: UserPtr) -> i32 {
        self.inner.wsp_cancel_blocking_call(errno)
    }

    fn run_apc(&self, context: usize) {
        if context == GHOST_CONTEXT {
            if let Some(ghost) = self.state.ghost.take() {
                let OverlappedArgs { overlapped, routine, .. } = ghost.args;
                self.host.call_routine(routine, 0, 0, overlapped, 0);
            }
            return;
        }
        self.read_late();
        if !self.has(Flaw::Nested) {
            return self.inner.run_apc(context);
        }
        let thread = self.host.current_thread();
        self.state.apc_threads.borrow_mut().push(thread);
        self.inner.run_apc(context);
        let mut inside = self.state.apc_threads.borrow_mut();
        if let Some(at) = inside.iter().rposition(|other| *other == thread) {
            inside.remove(at);
        }
    }

    fn service(&self, work: Work) {
        if work == Work::Timer(WORKER_TOKEN) {
            return self.work();
        }
        let guard = self.has(Flaw::LockHeld).then(|| self.state.lock.lock());
        self.state.worker.set(Some(self.host.current_thread()));
        self.inner.service(work);
        drop(guard);
        self.work();
    }
}
