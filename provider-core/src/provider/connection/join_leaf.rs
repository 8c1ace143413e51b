//! WSPJoinLeaf: a leaf's way into a multipoint session, which over IP is a multicast group.

use crate::socket::Multipoint;
use crate::spi::{FD_CONNECT, JL_BOTH, JL_RECEIVER_ONLY, JL_SENDER_ONLY};
use crate::{ConnectArgs, Group, Host, SocketHandle, Transport, UserPtr, WsaError};

use super::super::Provider;

/// The arguments of WSPJoinLeaf, as the caller gave them.
pub(in super::super) struct JoinArgs {
    pub(in super::super) socket: SocketHandle,
    pub(in super::super) name: UserPtr,
    pub(in super::super) namelen: i32,
    pub(in super::super) connect: ConnectArgs,
    pub(in super::super) flags: u32,
}

impl<H: Host> Provider<H> {
    /// Joins the group `name`, which becomes the default destination. It is done at once, on a
    /// nonblocking socket too: there is nobody to ask. Gives the socket itself, as no root exists
    /// whose leaves would get sockets of their own.
    pub(in super::super) fn join_leaf(&self, args: &JoinArgs) -> Result<SocketHandle, WsaError> {
        let socket = self.socket(args.socket)?;
        let raw = self.capture_address(args.name, args.namelen)?;
        //= docs/spec/connecting.md#joinleaf-14
        //# Data in `lpCallerData` MUST fail with WSAEPROTONOSUPPORT, and an `lpSQOS` that asks for
        //# more than best effort with WSAEOPNOTSUPP.
        self.check_connect_args(true, &args.connect)?;
        //= docs/spec/connecting.md#joinleaf-4
        //# Another `dwFlags` MUST fail with WSAEINVAL.
        let role = match args.flags {
            JL_SENDER_ONLY => Multipoint::Sender,
            JL_RECEIVER_ONLY => Multipoint::Receiver,
            JL_BOTH => Multipoint::Both,
            _ => return Err(WsaError::WSAEINVAL),
        };
        let mut state = self.lock_open(&socket)?;
        match state.multipoint {
            Multipoint::Leaf => {}
            //= docs/spec/connecting.md#joinleaf-2
            //# A socket that is no such leaf MUST fail with WSAEOPNOTSUPP.
            Multipoint::Unfit => return Err(WsaError::WSAEOPNOTSUPP),
            //= docs/spec/connecting.md#joinleaf-9
            //# A socket that has joined already MUST fail with WSAEISCONN, from WSPConnect too.
            _ => return Err(WsaError::WSAEISCONN),
        }
        //= docs/spec/connecting.md#joinleaf-7
        //# A `name` of another family than the socket's MUST fail with WSAEAFNOSUPPORT.
        //= docs/spec/connecting.md#joinleaf-8
        //# A `name` that is too small or not readable memory MUST fail with WSAEFAULT.
        let group = raw.decode(socket.family)?;
        //= docs/spec/connecting.md#joinleaf-6
        //# A `name` that is no multicast address, or has port 0, MUST fail with WSAEADDRNOTAVAIL.
        if !group.ip().is_multicast() || group.port() == 0 {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        //= docs/spec/connecting.md#joinleaf-5
        //# A socket that is not bound MUST be bound first.
        self.bind_implicitly(&socket, &mut state)?;
        //= docs/spec/connecting.md#joinleaf-3
        //# JL_SENDER_ONLY MUST join for sending, JL_RECEIVER_ONLY for receiving and JL_BOTH for both.
        if role != Multipoint::Sender {
            let group = Group { address: group.ip(), interface: None };
            if let Err(error) = self.host.transport().join(state.transport, group) {
                // It may be bound now, and ready for that.
                self.deliver(&socket, state);
                return Err(match error {
                    // An option has joined it before.
                    WsaError::WSAEADDRNOTAVAIL => WsaError::WSAEISCONN,
                    error => error,
                });
            }
        }
        state.multipoint = role;
        //= docs/spec/connecting.md#joinleaf-11
        //# The group MUST become the socket's default destination.
        state.peer = Some(group);
        state.events.reenable(FD_CONNECT);
        state.events.connected();
        self.deliver(&socket, state);
        //= docs/spec/connecting.md#joinleaf-15
        //# A join that succeeds MUST store 0 in the length of `lpCalleeData`.
        self.give_no_callee_data(&args.connect);
        //= docs/spec/connecting.md#joinleaf-1
        //# A datagram socket made as a leaf (WSA_FLAG_MULTIPOINT_C_LEAF and WSA_FLAG_MULTIPOINT_D_LEAF)
        //# MUST join the multicast group in `name`, and the call MUST return the socket itself.
        Ok(args.socket)
    }
}
