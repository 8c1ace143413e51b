//! The faults of the transport: decided in front of the stack, at each call, by the program's
//! script or by chance.

use provider_core::{Kind, Readiness, WsaError};

use crate::event::What;
use crate::fault::{Answer, Fault, Seam, Word};
use crate::kernel::TimerKind;
use crate::net::stack::StackSocket;

use super::transport::SimTransport;

/// How long after an injected WSAEWOULDBLOCK the socket is ready, at the latest, in nanoseconds.
const READY_WITHIN_NS: u32 = 2_000_000;

/// What becomes of a stream send.
pub(super) enum Verdict {
    /// Nothing is taken.
    Refuse(WsaError),
    /// The stack is offered this many bytes.
    Take(usize),
}

impl SimTransport {
    /// What the program's script says to this call.
    fn scripted(&self, seam: Seam, socket: Option<StackSocket>) -> Option<Answer> {
        let kernel = self.kernel();
        if !kernel.script.borrow().is_used() || kernel.unwinding() {
            return None;
        }
        let word = kernel.script.borrow_mut().ask(seam, socket);
        let answer = match word {
            Word::None => return None,
            Word::Held => return Some(Answer::Refuse(WsaError::WSAEWOULDBLOCK)),
            Word::Answer(answer) => answer,
        };
        let result = match answer {
            Answer::Refuse(error) => Err(error),
            Answer::Take(most) => Ok(most as u32),
        };
        let number = socket.map_or(u32::MAX, |socket| self.number(socket));
        kernel.record(What::Scripted { seam, socket: number, result });
        if let (Answer::Refuse(error), Some(socket)) = (answer, socket) {
            self.refused_by_script(seam, socket, error);
        }
        Some(answer)
    }

    /// What a refusal leaves behind: a connection that has ended, or readiness to come.
    fn refused_by_script(&self, seam: Seam, socket: StackSocket, error: WsaError) {
        let entry = self.kernel().transports.borrow().get(socket).cloned();
        let Some(entry) = entry else { return };
        match error {
            WsaError::WSAEWOULDBLOCK if entry.begin_late(seam.readiness()) => {
                let at_ns = self.kernel().now_ns() + u64::from(READY_WITHIN_NS);
                let kind = TimerKind::Ready(entry, seam.readiness());
                self.kernel().set_timer(at_ns, kind);
            }
            WsaError::WSAECONNRESET | WsaError::WSAECONNABORTED | WsaError::WSAENETRESET
                if entry.kind == Kind::Stream =>
            {
                self.call(|stack| stack.fail(socket, error));
            }
            _ => {}
        }
    }

    /// The script's refusal of a call that nothing else disturbs.
    pub(super) fn refuse_by_script(
        &self,
        seam: Seam,
        socket: Option<StackSocket>,
    ) -> Result<(), WsaError> {
        match self.scripted(seam, socket) {
            Some(Answer::Refuse(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn strikes(&self, fault: Fault, socket: Option<StackSocket>) -> bool {
        let kernel = self.kernel();
        if !kernel.shared.can_strike(fault) || kernel.unwinding() {
            return false;
        }
        let number = socket.map(|socket| self.number(socket));
        kernel.shared.strikes(fault, kernel.at(), number)
    }

    fn below(&self, fault: Fault, bound: u32) -> u32 {
        let kernel = self.kernel();
        let stream = kernel.shared.detail(fault, kernel.id);
        kernel.shared.below(stream, bound)
    }

    /// WSAENETDOWN for this one call.
    pub(super) fn refuse_perhaps(&self, socket: Option<StackSocket>) -> Result<(), WsaError> {
        if self.strikes(Fault::NetDown, socket) { Err(WsaError::WSAENETDOWN) } else { Ok(()) }
    }

    /// WSAEWOULDBLOCK for this one call, and readiness a little later.
    pub(super) fn delay_perhaps(
        &self,
        socket: StackSocket,
        readiness: Readiness,
    ) -> Result<(), WsaError> {
        if !self.strikes(Fault::WouldBlock, Some(socket)) {
            return Ok(());
        }
        let entry = self.kernel().transports.borrow().get(socket).cloned();
        if let Some(entry) = entry.filter(|entry| entry.begin_late(readiness)) {
            let late_ns = u64::from(self.below(Fault::WouldBlock, READY_WITHIN_NS)) + 1;
            let kind = TimerKind::Ready(entry, readiness);
            self.kernel().set_timer(self.kernel().now_ns() + late_ns, kind);
        }
        Err(WsaError::WSAEWOULDBLOCK)
    }

    /// Faults that end a connection, or tell a datagram socket of an unreachable port. What the
    /// caller then sees is what the stack says of the socket from now on.
    fn break_perhaps(&self, socket: StackSocket) {
        if !self.can_break() {
            return;
        }
        let entry = self.kernel().transports.borrow().get(socket).cloned();
        let Some(entry) = entry else { return };
        if entry.kind == Kind::Datagram {
            if self.strikes(Fault::Reset, Some(socket)) {
                self.call(|stack| stack.inject_unreachable(socket));
            }
            return;
        }
        if self.strikes(Fault::Reset, Some(socket)) {
            self.call(|stack| stack.fail(socket, WsaError::WSAECONNRESET));
        } else if self.strikes(Fault::Abort, Some(socket)) {
            self.call(|stack| stack.fail(socket, WsaError::WSAECONNABORTED));
        } else if entry.keep_alive && self.strikes(Fault::KeepAlive, Some(socket)) {
            self.call(|stack| stack.fail(socket, WsaError::WSAENETRESET));
        }
    }

    /// Whether any fault may end a connection: a cheap test before work for one.
    fn can_break(&self) -> bool {
        let shared = &self.kernel().shared;
        [Fault::Reset, Fault::Abort, Fault::KeepAlive].into_iter().any(|f| shared.can_strike(f))
    }

    /// What becomes of a stream send of `len` bytes.
    pub(super) fn judge_send(&self, socket: StackSocket, len: usize) -> Verdict {
        match self.scripted(Seam::Send, Some(socket)) {
            Some(Answer::Refuse(error)) => return Verdict::Refuse(error),
            Some(Answer::Take(most)) => return Verdict::Take(len.min(most.max(1))),
            None => {}
        }
        if let Some(error) = self.judge_any_send(socket) {
            return Verdict::Refuse(error);
        }
        if len > 1 && self.strikes(Fault::ShortRoom, Some(socket)) {
            let most = u32::try_from(len - 1).unwrap_or(u32::MAX);
            return Verdict::Take(1 + self.below(Fault::ShortRoom, most) as usize);
        }
        Verdict::Take(len)
    }

    /// Why a datagram is not taken, if it is not.
    pub(super) fn judge_datagram(&self, socket: StackSocket) -> Option<WsaError> {
        if let Err(error) = self.refuse_by_script(Seam::Send, Some(socket)) {
            return Some(error);
        }
        if let Some(error) = self.judge_any_send(socket) {
            return Some(error);
        }
        self.strikes(Fault::Unreachable, Some(socket)).then_some(WsaError::WSAENETUNREACH)
    }

    fn judge_any_send(&self, socket: StackSocket) -> Option<WsaError> {
        self.break_perhaps(socket);
        if self.strikes(Fault::NetDown, Some(socket)) {
            return Some(WsaError::WSAENETDOWN);
        }
        if self.strikes(Fault::Enobufs, Some(socket)) {
            return Some(WsaError::WSAENOBUFS);
        }
        self.delay_perhaps(socket, Readiness::SEND).err()
    }

    /// Why a receive, whose readiness is this, gives nothing, if a fault says so.
    pub(super) fn judge_receive(
        &self,
        socket: StackSocket,
        readiness: Readiness,
    ) -> Option<WsaError> {
        if let Err(error) = self.refuse_by_script(Seam::Receive, Some(socket)) {
            return Some(error);
        }
        self.break_perhaps(socket);
        if self.strikes(Fault::NetDown, Some(socket)) {
            return Some(WsaError::WSAENETDOWN);
        }
        self.delay_perhaps(socket, readiness).err()
    }
}
