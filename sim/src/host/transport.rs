//! The transport that a provider sees: the machine's stack behind the fault injector.

use core::net::SocketAddr;
use std::rc::Rc;

use provider_core::{
    Family, Group, GroupInterface, Half, Kind, Readiness, Token, Transport, TransportOption,
    WsaError,
};

use crate::event::{Point, What};
use crate::fault::Seam;
use crate::kernel::Kernel;
use crate::net::stack::{Stack, StackSocket};
use crate::process::Process;

use super::transport_faults::Verdict;

/// The transport of a process's provider.
#[derive(Clone)]
pub struct SimTransport {
    pub(super) process: Rc<Process>,
}

impl SimTransport {
    pub(super) fn new(process: &Rc<Process>) -> Self {
        Self { process: Rc::clone(process) }
    }

    pub(super) fn kernel(&self) -> &Kernel {
        &self.process.kernel
    }

    /// A call that may change what the stack has to send.
    pub(super) fn call<R>(&self, f: impl FnOnce(&mut Stack) -> R) -> R {
        let result = f(&mut self.kernel().stack.borrow_mut());
        self.kernel().stack_touched();
        result
    }

    fn look<R>(&self, f: impl FnOnce(&mut Stack) -> R) -> R {
        f(&mut self.kernel().stack.borrow_mut())
    }

    fn point(&self) {
        self.kernel().point(Point::Transport);
    }

    /// The socket's number in its machine, for events, oracles and scripts.
    pub(super) fn number(&self, socket: StackSocket) -> u32 {
        self.kernel().transports.borrow().get(socket).map_or(u32::MAX, |entry| entry.number)
    }

    fn enter(&self, socket: StackSocket, token: Token, kind: Kind) -> u32 {
        let number = self.kernel().counters.next_transport();
        self.kernel().transports.borrow_mut().open(socket, &self.process, token, number, kind);
        number
    }

    fn sent(
        &self,
        socket: StackSocket,
        offered: &[u8],
        to: Option<SocketAddr>,
        result: Result<usize, WsaError>,
    ) {
        self.note_sent(socket, offered, to, result);
        let number = self.number(socket);
        self.process.watch(|watch| watch.transport_sent(number, offered, to, result));
    }

    fn note_sent(
        &self,
        socket: StackSocket,
        offered: &[u8],
        to: Option<SocketAddr>,
        result: Result<usize, WsaError>,
    ) {
        if let Ok(taken) = result {
            let taken = &offered[..taken.min(offered.len())];
            self.kernel().script.borrow_mut().note_taken(taken, to);
        }
        self.kernel().record(What::TransportSend {
            socket: self.number(socket),
            offered: offered.len() as u32,
            result: result.map(|taken| taken as u32),
        });
    }

    fn received(
        &self,
        socket: StackSocket,
        data: &[u8],
        from: Option<SocketAddr>,
        result: Result<usize, WsaError>,
        peek: bool,
    ) {
        let number = self.number(socket);
        self.kernel().record(What::TransportReceive {
            socket: number,
            result: result.map(|given| given as u32),
        });
        self.process.watch(|watch| watch.transport_received(number, data, from, result, peek));
    }

    fn connected(&self, socket: StackSocket) {
        let local = self.look(|stack| stack.local_address(socket));
        let entry = self.kernel().transports.borrow().get(socket).cloned();
        if let Some((number, peer)) = entry.and_then(|entry| Some((entry.number, entry.peer?))) {
            self.process.watch(|watch| watch.transport_connected(number, local, peer));
        }
    }
}

impl Transport for SimTransport {
    type Socket = StackSocket;

    fn open(&self, family: Family, kind: Kind, token: Token) -> Result<StackSocket, WsaError> {
        self.point();
        self.refuse_by_script(Seam::Open, None)?;
        self.refuse_perhaps(None)?;
        let socket = self.look(|stack| stack.open(family, kind))?;
        let number = self.enter(socket, token, kind);
        self.process.watch(|watch| watch.transport_opened(number, family, kind));
        Ok(socket)
    }

    fn bind(&self, socket: StackSocket, address: SocketAddr) -> Result<SocketAddr, WsaError> {
        self.point();
        self.refuse_by_script(Seam::Bind, Some(socket))?;
        let bound = self.look(|stack| stack.bind(socket, address))?;
        self.kernel().record(What::Bound(bound));
        let number = self.number(socket);
        self.process.watch(|watch| watch.transport_bound(number, bound));
        Ok(bound)
    }

    fn connect(&self, socket: StackSocket, peer: SocketAddr) -> Result<(), WsaError> {
        self.point();
        if !self.kernel().script.borrow().is_held(Seam::Connect) {
            self.refuse_by_script(Seam::Connect, Some(socket))?;
        }
        self.refuse_perhaps(Some(socket))?;
        let result = self.call(|stack| stack.connect(socket, peer));
        if let Some(entry) = self.kernel().transports.borrow_mut().get_mut(socket) {
            entry.peer = Some(peer);
        }
        if result.is_ok() {
            self.connected(socket);
        }
        result
    }

    fn connect_result(&self, socket: StackSocket) -> Result<(), WsaError> {
        self.point();
        if self.kernel().script.borrow().is_held(Seam::Connect) {
            self.refuse_by_script(Seam::Connect, Some(socket))?;
        }
        let result = self.look(|stack| stack.connect_result(socket));
        if result.is_ok() {
            self.connected(socket);
        }
        result
    }

    fn listen(&self, socket: StackSocket, backlog: usize) -> Result<(), WsaError> {
        self.point();
        self.refuse_by_script(Seam::Listen, Some(socket))?;
        self.look(|stack| stack.listen(socket, backlog))
    }

    fn accept(
        &self,
        listener: StackSocket,
        token: Token,
    ) -> Result<(StackSocket, SocketAddr), WsaError> {
        self.point();
        self.refuse_by_script(Seam::Accept, Some(listener))?;
        self.delay_perhaps(listener, Readiness::RECEIVE)?;
        let (socket, peer) = self.call(|stack| stack.accept(listener))?;
        let number = self.enter(socket, token, Kind::Stream);
        let from = self.number(listener);
        let local = self.look(|stack| stack.local_address(socket));
        self.process.watch(|watch| watch.transport_accepted(from, number, local, peer));
        Ok((socket, peer))
    }

    fn try_send(&self, socket: StackSocket, bytes: &[u8]) -> Result<usize, WsaError> {
        self.point();
        let result = match self.judge_send(socket, bytes.len()) {
            Verdict::Refuse(error) => Err(error),
            Verdict::Take(len) => self.call(|stack| stack.try_send(socket, &bytes[..len])),
        };
        self.sent(socket, bytes, None, result);
        result
    }

    fn has_urgent(&self) -> bool {
        !self.kernel().script.borrow().is_held(Seam::Urgent)
    }

    fn try_send_urgent(&self, socket: StackSocket, byte: u8) -> Result<(), WsaError> {
        self.point();
        let result = match self.judge_send(socket, 1) {
            Verdict::Refuse(error) => Err(error),
            Verdict::Take(_) => self.call(|stack| stack.try_send_urgent(socket, byte)),
        };
        self.note_sent(socket, &[byte], None, result.map(|()| 1));
        let number = self.number(socket);
        self.process.watch(|watch| watch.transport_sent_urgent(number, byte, result));
        result
    }

    fn try_recv_urgent(&self, socket: StackSocket, peek: bool) -> Result<u8, WsaError> {
        self.point();
        let result = match self.judge_receive(socket, Readiness::URGENT) {
            Some(error) => Err(error),
            None => self.look(|stack| stack.try_recv_urgent(socket, peek)),
        };
        let number = self.number(socket);
        self.kernel()
            .record(What::TransportReceive { socket: number, result: result.map(u32::from) });
        self.process.watch(|watch| watch.transport_received_urgent(number, result, peek));
        result
    }

    fn at_urgent_mark(&self, socket: StackSocket) -> bool {
        self.point();
        self.look(|stack| stack.at_urgent_mark(socket))
    }

    fn stopped_at_mark(&self, socket: StackSocket) -> bool {
        self.point();
        self.look(|stack| stack.stopped_at_mark(socket))
    }

    fn try_send_to(
        &self,
        socket: StackSocket,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Result<(), WsaError> {
        self.point();
        let result = match self.judge_datagram(socket) {
            Some(error) => Err(error),
            None => self.call(|stack| stack.try_send_to(socket, datagram, to)),
        };
        self.sent(socket, datagram, Some(to), result.map(|()| datagram.len()));
        result
    }

    fn try_recv(
        &self,
        socket: StackSocket,
        into: &mut [u8],
        peek: bool,
    ) -> Result<usize, WsaError> {
        self.point();
        let result = match self.judge_receive(socket, Readiness::RECEIVE) {
            Some(error) => Err(error),
            None => self.call(|stack| stack.try_recv(socket, into, peek)),
        };
        let given = result.map_or(0, |given| given.min(into.len()));
        self.received(socket, &into[..given], None, result, peek);
        result
    }

    fn try_recv_from(
        &self,
        socket: StackSocket,
        into: &mut [u8],
        peek: bool,
    ) -> Result<(usize, SocketAddr), WsaError> {
        self.point();
        let result = match self.judge_receive(socket, Readiness::RECEIVE) {
            Some(error) => Err(error),
            None => self.look(|stack| stack.try_recv_from(socket, into, peek)),
        };
        let given = result.map_or(0, |(len, _)| len.min(into.len()));
        let from = result.ok().map(|(_, from)| from);
        self.received(socket, &into[..given], from, result.map(|(len, _)| len), peek);
        result
    }

    fn take_reset(&self, socket: StackSocket) -> bool {
        self.point();
        self.look(|stack| stack.take_reset(socket))
    }

    fn available(&self, socket: StackSocket) -> usize {
        self.point();
        self.look(|stack| stack.available(socket))
    }

    fn datagram_max(&self, family: Family) -> usize {
        self.look(|stack| stack.datagram_max(family))
    }

    fn shutdown(&self, socket: StackSocket, half: Half) -> Result<(), WsaError> {
        self.point();
        let result = self.call(|stack| stack.shutdown(socket, half));
        let number = self.number(socket);
        self.process.watch(|watch| watch.transport_shutdown(number, half, result));
        result
    }

    fn is_drained(&self, socket: StackSocket) -> bool {
        self.point();
        self.look(|stack| stack.is_drained(socket))
    }

    fn close(&self, socket: StackSocket, abort: bool) {
        self.point();
        let entry = self.kernel().transports.borrow_mut().close(socket);
        self.call(|stack| stack.close(socket, abort));
        if let Some(entry) = entry {
            self.process.watch(|watch| watch.transport_closed(entry.number, abort));
        }
    }

    fn local_address(&self, socket: StackSocket) -> Option<SocketAddr> {
        self.point();
        self.look(|stack| stack.local_address(socket))
    }

    fn join(&self, socket: StackSocket, group: Group) -> Result<(), WsaError> {
        self.point();
        self.refuse_perhaps(Some(socket))?;
        self.look(|stack| stack.join(socket, group))?;
        let number = self.number(socket);
        self.process.watch(|watch| watch.transport_joined(number, group.address));
        Ok(())
    }

    fn leave(&self, socket: StackSocket, group: Group) -> Result<(), WsaError> {
        self.point();
        self.look(|stack| stack.leave(socket, group))
    }

    fn set_multicast_interface(
        &self,
        _: StackSocket,
        interface: Option<GroupInterface>,
    ) -> Result<u32, WsaError> {
        self.point();
        // There is one to leave by.
        self.look(|stack| stack.multicast_interface(interface))
    }

    fn set_option(&self, socket: StackSocket, option: TransportOption) {
        self.point();
        if let TransportOption::KeepAlive(on) = option
            && let Some(entry) = self.kernel().transports.borrow_mut().get_mut(socket)
        {
            entry.keep_alive = on;
        }
        self.call(|stack| stack.set_option(socket, option));
    }
}
