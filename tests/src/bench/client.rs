//! The client's calls around the sends.

use provider_core::layout;
use provider_core::spi::{
    FIONBIO, SIO_FLUSH, SIO_UDP_CONNRESET, SO_BROADCAST, SO_SNDBUF, SO_SNDTIMEO, SOL_SOCKET,
};
use provider_core::{ConnectArgs, Family, OverlappedArgs, ServiceProvider, UserPtr};

use crate::model::{Answer, Call, Peer};

use super::{Bench, SENTINEL};

impl Bench {
    /// One of the calls that is no send.
    pub(super) fn call(&self, call: &Call) -> Answer {
        self.host.0.running.set(Some(self.caller()));
        let (s, provider, memory) = (self.socket, &self.provider, &self.host.0.memory);
        let errno = memory.place(&[SENTINEL; 4]);
        let result = match call {
            Call::Bind => {
                let (name, len) = self.name(Peer::Nobody);
                provider.wsp_bind(s, name, len, errno)
            }
            Call::Connect(peer) => {
                let (name, len) = self.name(*peer);
                provider.wsp_connect(s, name, len, ConnectArgs::NONE, errno)
            }
            Call::SendBuffer(bytes) => self.set(SO_SNDBUF, *bytes, errno),
            Call::SendTimeout(milliseconds) => self.set(SO_SNDTIMEO, *milliseconds, errno),
            Call::Broadcast(on) => self.set(SO_BROADCAST, u32::from(*on), errno),
            Call::Nonblocking(on) => self.ioctl(FIONBIO, &u32::from(*on).to_le_bytes(), errno),
            Call::ReportUnreachable(on) => {
                self.ioctl(SIO_UDP_CONNRESET, &u32::from(*on).to_le_bytes(), errno)
            }
            Call::Flush => self.ioctl(SIO_FLUSH, &[], errno),
            Call::Shutdown(how) => provider.wsp_shutdown(s, *how, errno),
            Call::Close => provider.wsp_close_socket(s, errno),
            Call::Cleanup => provider.wsp_cleanup(errno),
            Call::SockName => return self.bound(errno),
            Call::PeerName => return self.peer(errno),
            Call::GetResult(number) => return self.result(*number, errno),
            other => unreachable!("{other:?} is no call"),
        };
        self.answer(result == 0, errno)
    }

    /// WSPCancelBlockingCall, by the thread that runs.
    pub(super) fn cancel_blocking_call(&self) -> Answer {
        let errno = self.host.0.memory.place(&[SENTINEL; 4]);
        self.answer(self.provider.wsp_cancel_blocking_call(errno) == 0, errno)
    }

    fn name(&self, peer: Peer) -> (UserPtr, i32) {
        let (bytes, len) = layout::encode_sockaddr(&peer.address(self.setup.family));
        (self.host.0.memory.place(&bytes[..len]), len as i32)
    }

    fn set(&self, option: i32, value: u32, errno: UserPtr) -> i32 {
        let value = self.host.0.memory.place(&value.to_le_bytes());
        self.provider.wsp_set_sock_opt(self.socket, SOL_SOCKET, option, value, 4, errno)
    }

    fn ioctl(&self, code: u32, input: &[u8], errno: UserPtr) -> i32 {
        let returned = self.host.0.memory.place(&[SENTINEL; 4]);
        self.provider.wsp_ioctl(
            self.socket,
            code,
            self.host.0.memory.place(input),
            input.len() as u32,
            UserPtr::NULL,
            0,
            returned,
            OverlappedArgs::NONE,
            errno,
        )
    }

    /// Room for a socket address, and its length.
    fn name_room(&self) -> (UserPtr, UserPtr) {
        let memory = &self.host.0.memory;
        let room = layout::SOCKADDR_IN6;
        (memory.place(&[0; layout::SOCKADDR_IN6]), memory.place(&(room as i32).to_le_bytes()))
    }

    /// WSPGetSockName, of which only its success is told: the port is the transport's.
    fn bound(&self, errno: UserPtr) -> Answer {
        let (name, len) = self.name_room();
        self.answer(self.provider.wsp_get_sock_name(self.socket, name, len, errno) == 0, errno)
    }

    fn peer(&self, errno: UserPtr) -> Answer {
        let (name, len) = self.name_room();
        let result = self.provider.wsp_get_peer_name(self.socket, name, len, errno);
        let answer = self.answer(result == 0, errno);
        let memory = &self.host.0.memory;
        let address = answer.error.is_none().then(|| match self.setup.family {
            Family::V4 => layout::decode_sockaddr_in(&memory.peek(name)),
            Family::V6 => layout::decode_sockaddr_in6(&memory.peek(name)),
        });
        Answer { name: address, ..answer }
    }

    /// WSPGetOverlappedResult of the operation with this number, modulo how many there are.
    fn result(&self, number: usize, errno: UserPtr) -> Answer {
        let memory = &self.host.0.memory;
        let overlapped = {
            let operations = self.operations.borrow();
            operations[number % operations.len()].overlapped
        };
        let (bytes, flags) = (memory.place(&[SENTINEL; 4]), memory.place(&[SENTINEL; 4]));
        let result = self.provider.wsp_get_overlapped_result(
            self.socket,
            overlapped,
            bytes,
            false,
            flags,
            errno,
        );
        let answer = self.answer(result != 0, errno);
        if answer.error.is_none() && self.written(flags) != Some(0) {
            self.host.0.object("*lpdwFlags of a result is not 0");
        }
        Answer { count: self.written(bytes), ..answer }
    }
}
