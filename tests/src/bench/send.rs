//! WSPSend and WSPSendTo, with the arguments that a [`Send`] describes laid out in memory.

use provider_core::layout::{self, WsaBuf, overlapped as offsets};
use provider_core::{
    EventHandle, Family, OverlappedArgs, Routine, ServiceProvider, UserPtr, WsaError,
};

use crate::model::{Act, Answer, Buffers, Event, Peer, Pointer, Send, Status, Thread, To, pattern};

use super::host::thread_id;
use super::memory::{ENDLESS, NOWHERE};
use super::{Bench, Entry, SENTINEL};

/// A family that nobody knows.
const UNKNOWN_FAMILY: u16 = 99;

/// The completion routine that acts so.
pub(super) const fn routine(act: Act) -> Routine {
    Routine(0x9000 + act as usize)
}

/// The arguments of one call: memory that is the provider's only while the call lasts.
#[derive(Default)]
struct Transient(Vec<(UserPtr, usize)>);

impl Bench {
    /// The call, by `thread`, which runs.
    pub(super) fn send(&self, thread: Thread, send: &Send) -> Answer {
        let memory = &self.host.0.memory;
        let number = self.sends.replace(self.sends.get() + 1);
        let mut transient = Transient::default();
        let mut lent = Vec::new();
        let (array, count) = self.buffers(number, &send.buffers, &mut transient, &mut lent);
        let (overlapped, event) = self.overlapped(send);
        let args = OverlappedArgs {
            overlapped,
            routine: send.overlapped.routine.map_or(Routine::NULL, routine),
            thread_id: match send.overlapped.thread_id {
                Pointer::Good => self.transient(&thread_id(thread).encode(), &mut transient),
                Pointer::Null => UserPtr::NULL,
                Pointer::Bad => NOWHERE,
            },
        };
        let operation = self.operations.borrow().len();
        if send.overlapped.pointer == Pointer::Good {
            let routine = send.overlapped.routine;
            let lent = Vec::new();
            let entry = Entry { overlapped, event, routine, lent, shown: None };
            self.operations.borrow_mut().push(entry);
        }
        let sent = if send.count { memory.place(&[SENTINEL; 4]) } else { UserPtr::NULL };
        let errno = memory.place(&[SENTINEL; 4]);
        let provider = &self.provider;
        let result = match send.to {
            None => provider.wsp_send(self.socket, array, count, sent, send.flags, args, errno),
            Some(to) => {
                let (to, tolen) = self.address(to, &mut transient);
                provider.wsp_send_to(
                    self.socket,
                    array,
                    count,
                    sent,
                    send.flags,
                    to,
                    tolen,
                    args,
                    errno,
                )
            }
        };
        for (at, len) in transient.0 {
            memory.revoke(at, len);
        }
        match self.operations.borrow_mut().get_mut(operation) {
            // The system's until the operation has ended.
            Some(entry) if self.status(entry.overlapped) == Status::Pending => entry.lent = lent,
            _ => lent.into_iter().for_each(|(at, len)| memory.revoke(at, len)),
        }
        let count = self.written(sent);
        Answer { count, ..self.answer(result == 0, errno) }
    }

    /// What is at a place for a 32-bit number; none when nothing was written there.
    pub(super) fn written(&self, at: UserPtr) -> Option<u32> {
        if at.is_null() {
            return None;
        }
        let bytes = self.host.0.memory.peek(at);
        (bytes != [SENTINEL; 4]).then(|| u32::from_le_bytes(bytes))
    }

    /// What `lpErrno` says about a call that succeeded or not.
    pub(super) fn answer(&self, succeeded: bool, errno: UserPtr) -> Answer {
        match (succeeded, self.written(errno)) {
            (true, Some(0)) => Answer::done(None),
            (false, Some(code)) if code != 0 => Answer::refused(WsaError(code as i32)),
            (_, code) => {
                self.host.0.object(format!("*lpErrno is {code:?} (RET-11, RET-12)"));
                Answer::done(None)
            }
        }
    }

    fn transient(&self, bytes: &[u8], transient: &mut Transient) -> UserPtr {
        let at = self.host.0.memory.place(bytes);
        transient.0.push((at, bytes.len()));
        at
    }

    /// `lpBuffers` and `dwBufferCount`.
    fn buffers(
        &self,
        number: usize,
        buffers: &Buffers,
        transient: &mut Transient,
        lent: &mut Vec<(UserPtr, usize)>,
    ) -> (UserPtr, u32) {
        let mut lend = |bytes: &[u8]| {
            let buf = self.host.0.memory.place(bytes);
            lent.push((buf, bytes.len()));
            WsaBuf { len: bytes.len() as u32, buf }
        };
        let entries: Vec<WsaBuf> = match buffers {
            Buffers::Lengths(lengths) => {
                let contents = buffers.contents(number);
                let mut rest = contents.as_slice();
                let mut take = |length: usize| {
                    let (head, tail) = rest.split_at(length);
                    rest = tail;
                    match length {
                        0 => WsaBuf { len: 0, buf: UserPtr::NULL },
                        _ => lend(head),
                    }
                };
                lengths.iter().map(|length| take(*length)).collect()
            }
            Buffers::Aliased(length, times) => vec![lend(&pattern(number, *length)); *times],
            Buffers::NoArray(Pointer::Bad) => return (NOWHERE, 1),
            Buffers::NoArray(_) => return (UserPtr::NULL, 1),
            Buffers::BadEntry(pointer) => {
                let buf = if *pointer == Pointer::Bad { NOWHERE } else { UserPtr::NULL };
                vec![lend(&pattern(number, 5)), WsaBuf { len: 7, buf }]
            }
            Buffers::Overflow => {
                [0x8000_0000, 0x8000_0004].map(|len| WsaBuf { len, buf: ENDLESS }).to_vec()
            }
        };
        let array: Vec<u8> = entries.iter().flat_map(|entry| entry.encode()).collect();
        (self.transient(&array, transient), entries.len() as u32)
    }

    /// `lpOverlapped` and its valid event.
    fn overlapped(&self, send: &Send) -> (UserPtr, Option<EventHandle>) {
        match send.overlapped.pointer {
            Pointer::Good => {}
            Pointer::Null => return (UserPtr::NULL, None),
            Pointer::Bad => return (NOWHERE, None),
        }
        let (event, handle) = match send.overlapped.event {
            Event::None => (None, 0),
            Event::Invalid => (None, 0x33),
            Event::Valid { set, low_bit } => {
                let event = self.host.0.create_event(set);
                (Some(event), event.0 | usize::from(low_bit))
            }
        };
        let mut bytes = [SENTINEL; offsets::SIZE];
        bytes[offsets::EVENT..].copy_from_slice(&handle.to_le_bytes());
        (self.host.0.memory.place(&bytes), event)
    }

    /// `lpTo` and `iTolen`.
    fn address(&self, to: To, transient: &mut Transient) -> (UserPtr, i32) {
        let family = self.setup.family;
        let mut peer = Peer::First.address(family);
        let mut tolen = None;
        match to {
            To::Null => return (UserPtr::NULL, 0),
            To::NullWithLength => return (UserPtr::NULL, 16),
            To::Bad => return (NOWHERE, layout::SOCKADDR_IN6 as i32),
            To::Peer(other) => peer = other.address(family),
            To::Any => peer.set_ip(Peer::Nobody.address(family).ip()),
            To::PortZero => peer.set_port(0),
            To::OtherFamily => peer = Peer::First.address(other(family)),
            To::Long => tolen = Some(128),
            To::Small(len) => tolen = Some(len),
            To::UnknownFamily => {}
        }
        let (mut bytes, length) = layout::encode_sockaddr(&peer);
        if to == To::UnknownFamily {
            bytes[..2].copy_from_slice(&UNKNOWN_FAMILY.to_le_bytes());
        }
        let tolen = tolen.unwrap_or(length as i32);
        let mut all = bytes.to_vec();
        all.resize(tolen.max(0) as usize, 0);
        (self.transient(&all, transient), tolen)
    }
}

const fn other(family: Family) -> Family {
    match family {
        Family::V4 => Family::V6,
        Family::V6 => Family::V4,
    }
}
