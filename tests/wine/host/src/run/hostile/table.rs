//! The 30 functions: what each parameter is, and which pointers may be null.

use core::net::{Ipv4Addr, SocketAddr};

use provider_core::SocketHandle;
use provider_core::layout::{
    SOCKADDR_IN6, encode_sockaddr, network_events, overlapped, protocol_info, qos, thread_id,
};
use provider_core::spi::{AF_INET, SOCK_DGRAM, SOL_SOCKET};
use windows_sys::Win32::Networking::WinSock as ws;

use super::fixture::Kind;

/// Whether a pointer may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Null {
    Fault,
    Fine,
}

/// What is at a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// 127.0.0.1, a port.
    Address,
    /// A multicast group.
    Group,
    /// A word.
    Word(u32),
    /// A `WSAOVERLAPPED` without an event.
    Overlapped,
    /// `127.0.0.1` in UTF-16.
    Text,
    /// An `fd_set` with the sockets of the call.
    Set,
    /// A `timeval` of nothing.
    NoTime,
    /// A WSABUF of nothing.
    NoBuffer,
}

impl Content {
    pub(super) fn bytes(self, sockets: &[SocketHandle]) -> Vec<u8> {
        let address = |ip: Ipv4Addr, port: u16| {
            let (bytes, len) = encode_sockaddr(&SocketAddr::from((ip, port)));
            bytes[..len].to_vec()
        };
        match self {
            Self::Address => address(Ipv4Addr::LOCALHOST, 9),
            Self::Group => address(Ipv4Addr::new(239, 77, 7, 1), 9),
            Self::Word(word) => word.to_le_bytes().to_vec(),
            Self::Overlapped => vec![0; overlapped::SIZE],
            Self::Text => "127.0.0.1\0".encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Set => {
                let members: Vec<u8> =
                    sockets.iter().flat_map(|socket| socket.0.to_le_bytes()).collect();
                [(sockets.len() as u64).to_le_bytes().to_vec(), members].concat()
            }
            Self::NoTime => vec![0; 8],
            Self::NoBuffer => vec![0; 16],
        }
    }
}

/// A parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    Socket(Kind),
    /// Neither a pointer nor a length; a routine or a callback, which is null.
    Value(usize),
    Length(u32),
    /// What is read.
    In(Content, Null),
    /// So many bytes that are written.
    Out(usize, Null),
    /// What is read and written.
    InOut(Content, Null),
    /// A pointer to a length, in and out.
    LengthAt(u32, Null),
    /// What need not be there, and is not looked at in all calls.
    Optional(usize),
    /// An array of one WSABUF.
    Buffers,
    Errno,
}

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    Int,
    Socket,
    Bool,
}

impl Gives {
    /// Whether a value says that the call failed.
    pub(super) const fn is_failure(self, value: usize) -> bool {
        match self {
            Self::Int => value as i32 == ws::SOCKET_ERROR,
            Self::Socket => value == ws::INVALID_SOCKET,
            Self::Bool => value as i32 == 0,
        }
    }
}

/// A function, or one of the ways to call it.
pub(super) struct Function {
    pub(super) name: &'static str,
    /// Its place in the table.
    pub(super) place: usize,
    pub(super) gives: Gives,
    pub(super) parameters: &'static [Parameter],
}

use Content::{Address, Group, NoBuffer, NoTime, Overlapped, Set, Text, Word};
use Kind::{BoundStream, Connected, Datagram, FreshDatagram, Listener};
use Null::{Fault, Fine};
use Parameter::{Buffers, Errno, In, InOut, Length, LengthAt, Optional, Out, Socket, Value};

const fn function(
    place: usize,
    name: &'static str,
    gives: Gives,
    parameters: &'static [Parameter],
) -> Function {
    Function { name, place, gives, parameters }
}

const ADDRESS: u32 = 16;
const NAME: usize = SOCKADDR_IN6;
const INFO: Parameter = Optional(protocol_info::SIZE);
const BUFFER: Parameter = Optional(16);
const QOS: Parameter = Optional(qos::SIZE);
const NO_ROUTINE: Parameter = Value(0);
const THREAD: Parameter = Optional(thread_id::SIZE);
const NO_OVERLAPPED: Parameter = Value(0);
const OVERLAPPED: Parameter = InOut(Overlapped, Fine);
const COUNT: Parameter = Out(4, Fault);
/// With an OVERLAPPED nobody needs the count.
const COUNT_IF: Parameter = Out(4, Fine);
const FLAGS: Parameter = InOut(Word(0), Fault);

use Gives::{Bool, Int};

/// All of them.
#[rustfmt::skip]
pub(super) const FUNCTIONS: &[Function] = &[
    function(0, "WSPAccept", Gives::Socket, &[Socket(Listener), Out(NAME, Fine), LengthAt(NAME as u32, Fine), Value(0), Value(0), Errno]),
    function(1, "WSPAddressToString", Int, &[In(Address, Fault), Length(ADDRESS), INFO, Out(128, Fault), LengthAt(64, Fault), Errno]),
    function(2, "WSPAsyncSelect", Int, &[Socket(Datagram), Value(0x10), Value(0x400), Value(1), Errno]),
    function(3, "WSPBind", Int, &[Socket(FreshDatagram), In(Address, Fault), Length(ADDRESS), Errno]),
    function(4, "WSPCancelBlockingCall", Int, &[Errno]),
    function(5, "WSPCleanup", Int, &[Errno]),
    function(6, "WSPCloseSocket", Int, &[Socket(Datagram), Errno]),
    function(7, "WSPConnect", Int, &[Socket(Datagram), In(Address, Fault), Length(ADDRESS), BUFFER, BUFFER, QOS, QOS, Errno]),
    function(7, "WSPConnect of a stream", Int, &[Socket(BoundStream), In(Address, Fault), Length(ADDRESS), BUFFER, BUFFER, QOS, QOS, Errno]),
    function(8, "WSPDuplicateSocket", Int, &[Socket(Datagram), Value(0), Out(protocol_info::SIZE, Fault), Errno]),
    function(9, "WSPEnumNetworkEvents", Int, &[Socket(Datagram), Value(0), Out(network_events::SIZE, Fault), Errno]),
    function(10, "WSPEventSelect", Int, &[Socket(Datagram), Value(0), Value(0), Errno]),
    function(11, "WSPGetOverlappedResult", Bool, &[Socket(Datagram), In(Overlapped, Fault), COUNT, Value(0), COUNT, Errno]),
    function(12, "WSPGetPeerName", Int, &[Socket(Connected), Out(NAME, Fault), LengthAt(NAME as u32, Fault), Errno]),
    function(13, "WSPGetSockName", Int, &[Socket(Datagram), Out(NAME, Fault), LengthAt(NAME as u32, Fault), Errno]),
    function(14, "WSPGetSockOpt", Int, &[Socket(Datagram), Value(SOL_SOCKET as usize), Value(ws::SO_RCVBUF as usize), Out(4, Fault), LengthAt(4, Fault), Errno]),
    function(14, "WSPGetSockOpt of SO_PROTOCOL_INFO", Int, &[Socket(Datagram), Value(SOL_SOCKET as usize), Value(ws::SO_PROTOCOL_INFOW as usize), Out(protocol_info::SIZE, Fault), LengthAt(protocol_info::SIZE as u32, Fault), Errno]),
    function(15, "WSPGetQOSByName", Bool, &[Socket(Datagram), In(NoBuffer, Fine), Out(qos::SIZE, Fault), Errno]),
    function(16, "WSPIoctl of FIONBIO", Int, &[Socket(Datagram), Value(ws::FIONBIO as u32 as usize), In(Word(1), Fault), Length(4), Optional(4), Length(0), COUNT, NO_OVERLAPPED, NO_ROUTINE, THREAD, Errno]),
    function(16, "WSPIoctl of FIONREAD", Int, &[Socket(Datagram), Value(ws::FIONREAD as usize), Optional(4), Length(0), Out(4, Fault), Length(4), COUNT, NO_OVERLAPPED, NO_ROUTINE, THREAD, Errno]),
    function(16, "WSPIoctl, overlapped", Int, &[Socket(Datagram), Value(ws::FIONREAD as usize), Optional(4), Length(0), Out(4, Fault), Length(4), COUNT_IF, OVERLAPPED, NO_ROUTINE, THREAD, Errno]),
    function(17, "WSPJoinLeaf", Gives::Socket, &[Socket(Datagram), In(Group, Fault), Length(ADDRESS), BUFFER, BUFFER, QOS, QOS, Value(4), Errno]),
    function(18, "WSPListen", Int, &[Socket(BoundStream), Value(5), Errno]),
    function(19, "WSPRecv", Int, &[Socket(Datagram), Buffers, Length(1), COUNT, FLAGS, NO_OVERLAPPED, NO_ROUTINE, THREAD, Errno]),
    function(19, "WSPRecv, overlapped", Int, &[Socket(Datagram), Buffers, Length(1), COUNT_IF, FLAGS, OVERLAPPED, NO_ROUTINE, THREAD, Errno]),
    function(20, "WSPRecvDisconnect", Int, &[Socket(Connected), BUFFER, Errno]),
    function(21, "WSPRecvFrom", Int, &[Socket(Datagram), Buffers, Length(1), COUNT, FLAGS, Out(NAME, Fine), LengthAt(NAME as u32, Fault), NO_OVERLAPPED, NO_ROUTINE, THREAD, Errno]),
    function(21, "WSPRecvFrom, overlapped", Int, &[Socket(Datagram), Buffers, Length(1), COUNT_IF, FLAGS, Out(NAME, Fine), LengthAt(NAME as u32, Fault), OVERLAPPED, NO_ROUTINE, THREAD, Errno]),
    function(22, "WSPSelect", Int, &[Socket(Datagram), InOut(Set, Fine), InOut(Set, Fine), InOut(Set, Fine), In(NoTime, Fine), Errno]),
    function(23, "WSPSend", Int, &[Socket(Connected), Buffers, Length(1), COUNT, Value(0), NO_OVERLAPPED, NO_ROUTINE, THREAD, Errno]),
    function(23, "WSPSend, overlapped", Int, &[Socket(Connected), Buffers, Length(1), COUNT_IF, Value(0), OVERLAPPED, NO_ROUTINE, THREAD, Errno]),
    function(24, "WSPSendDisconnect", Int, &[Socket(Connected), BUFFER, Errno]),
    function(25, "WSPSendTo", Int, &[Socket(Datagram), Buffers, Length(1), COUNT, Value(0), In(Address, Fine), Length(ADDRESS), NO_OVERLAPPED, NO_ROUTINE, THREAD, Errno]),
    function(25, "WSPSendTo, overlapped", Int, &[Socket(Datagram), Buffers, Length(1), COUNT_IF, Value(0), In(Address, Fine), Length(ADDRESS), OVERLAPPED, NO_ROUTINE, THREAD, Errno]),
    function(26, "WSPSetSockOpt", Int, &[Socket(Datagram), Value(SOL_SOCKET as usize), Value(ws::SO_BROADCAST as usize), In(Word(1), Fault), Length(4), Errno]),
    function(27, "WSPShutdown", Int, &[Socket(Connected), Value(1), Errno]),
    function(28, "WSPSocket", Gives::Socket, &[Value(AF_INET as usize), Value(SOCK_DGRAM as usize), Value(0), INFO, Value(0), Value(1), Errno]),
    function(29, "WSPStringToAddress", Int, &[In(Text, Fault), Value(AF_INET as usize), INFO, Out(NAME, Fault), LengthAt(NAME as u32, Fault), Errno]),
];
