//! Only the error codes that a function's clauses allow.

use provider_core::spi::{
    IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_MULTICAST_IF, IPPROTO_IP, IPPROTO_IPV6,
};
use provider_core::{Profile, WsaError as E};

use super::book::{ActiveCall, Book, Mode, failed};
use super::facts::{Outcome, Special};
use super::violation::{Verdict, Violation};
use crate::event::Function;

/// What every function may give.
const COMMON: &[E] = &[E::WSANOTINITIALISED, E::WSAENETDOWN, E::WSAEINPROGRESS, E::WSAEFAULT];

const SEND: &[E] = &[
    E::WSAENOTSOCK,
    E::WSA_IO_PENDING,
    E::WSAEACCES,
    E::WSAEINTR,
    E::WSAENETRESET,
    E::WSAENOBUFS,
    E::WSAENOTCONN,
    E::WSAEOPNOTSUPP,
    E::WSAESHUTDOWN,
    E::WSAEWOULDBLOCK,
    E::WSAEMSGSIZE,
    E::WSAEINVAL,
    E::WSAECONNABORTED,
    E::WSAECONNRESET,
    E::WSAEADDRNOTAVAIL,
    E::WSAEAFNOSUPPORT,
    E::WSAEDESTADDRREQ,
    E::WSAENETUNREACH,
    // The API's pages add these (ERR-MISSING).
    E::WSAEHOSTUNREACH,
    E::WSAETIMEDOUT,
    E::WSAEADDRINUSE,
];

const RECEIVE: &[E] = &[
    E::WSAENOTSOCK,
    E::WSA_IO_PENDING,
    E::WSAENOTCONN,
    E::WSAEINTR,
    E::WSAEOPNOTSUPP,
    E::WSAESHUTDOWN,
    E::WSAEWOULDBLOCK,
    E::WSAEMSGSIZE,
    E::WSAEINVAL,
    E::WSAECONNABORTED,
    E::WSAECONNRESET,
    E::WSAEDISCON,
    E::WSAENETRESET,
    E::WSAETIMEDOUT,
];

/// How an operation that sends may end.
const SEND_END: &[E] = &[
    E::WSA_OPERATION_ABORTED,
    E::WSAENETDOWN,
    E::WSAENETRESET,
    E::WSAENOBUFS,
    E::WSAEMSGSIZE,
    E::WSAECONNABORTED,
    E::WSAECONNRESET,
    E::WSAEADDRNOTAVAIL,
    E::WSAENETUNREACH,
    E::WSAEHOSTUNREACH,
    E::WSAETIMEDOUT,
];

/// How an operation that receives may end.
const RECEIVE_END: &[E] = &[
    E::WSA_OPERATION_ABORTED,
    E::WSAENETDOWN,
    E::WSAENETRESET,
    E::WSAEMSGSIZE,
    E::WSAECONNABORTED,
    E::WSAECONNRESET,
    E::WSAEDISCON,
    E::WSAESHUTDOWN,
    E::WSAETIMEDOUT,
    // MSG_OOB that waited for what another receive got.
    E::WSAEINVAL,
];

/// What a function may give beyond [`COMMON`].
pub(super) const fn allowed(function: Function) -> &'static [E] {
    use Function as F;
    match function {
        F::WSPStartup => &[E::WSAVERNOTSUPPORTED],
        F::WSPCleanup => &[],
        F::WSPSocket => &[
            E::WSAEAFNOSUPPORT,
            E::WSAEPROTONOSUPPORT,
            E::WSAEPROTOTYPE,
            E::WSAESOCKTNOSUPPORT,
            E::WSAEMFILE,
            E::WSAENOBUFS,
            E::WSAEINVAL,
        ],
        F::WSPBind => &[
            E::WSAENOTSOCK,
            E::WSAEADDRINUSE,
            E::WSAEADDRNOTAVAIL,
            E::WSAEINVAL,
            E::WSAENOBUFS,
            E::WSAEACCES,
        ],
        F::WSPConnect => &[
            E::WSAENOTSOCK,
            E::WSAEWOULDBLOCK,
            E::WSAEALREADY,
            E::WSAEISCONN,
            E::WSAECONNREFUSED,
            E::WSAENETUNREACH,
            E::WSAEHOSTUNREACH,
            E::WSAETIMEDOUT,
            E::WSAEADDRINUSE,
            E::WSAEADDRNOTAVAIL,
            E::WSAEAFNOSUPPORT,
            E::WSAEINVAL,
            E::WSAEACCES,
            E::WSAENOBUFS,
            E::WSAEINTR,
            E::WSAEOPNOTSUPP,
            E::WSAEPROTONOSUPPORT,
        ],
        F::WSPListen => &[
            E::WSAENOTSOCK,
            E::WSAEOPNOTSUPP,
            E::WSAEINVAL,
            E::WSAEISCONN,
            E::WSAEMFILE,
            E::WSAENOBUFS,
            E::WSAEADDRINUSE,
        ],
        F::WSPAccept => &[
            E::WSAENOTSOCK,
            E::WSAEWOULDBLOCK,
            E::WSAEINVAL,
            E::WSAEOPNOTSUPP,
            E::WSAEMFILE,
            E::WSAENOBUFS,
            E::WSAECONNREFUSED,
            E::WSAECONNRESET,
            E::WSATRY_AGAIN,
            E::WSAEINTR,
        ],
        F::WSPCloseSocket => &[E::WSAENOTSOCK, E::WSAEWOULDBLOCK, E::WSAEINTR],
        F::WSPShutdown => &[E::WSAENOTSOCK, E::WSAEINVAL, E::WSAENOTCONN],
        F::WSPGetSockName => &[E::WSAENOTSOCK, E::WSAEINVAL],
        F::WSPGetPeerName => &[E::WSAENOTSOCK, E::WSAENOTCONN],
        F::WSPSetSockOpt => {
            &[
                E::WSAENOTSOCK,
                E::WSAENOPROTOOPT,
                E::WSAEINVAL,
                E::WSAENOTCONN,
                E::WSAENETRESET,
                // Groups: "Multicast Socket Option Behavior".
                E::WSAEADDRNOTAVAIL,
                E::WSAENOBUFS,
            ]
        }
        F::WSPGetSockOpt => &[E::WSAENOTSOCK, E::WSAENOPROTOOPT, E::WSAEINVAL],
        F::WSPIoctl => &[
            E::WSAENOTSOCK,
            E::WSAEINVAL,
            E::WSAEOPNOTSUPP,
            E::WSAEWOULDBLOCK,
            E::WSAENOPROTOOPT,
            E::WSA_IO_PENDING,
        ],
        F::WSPSend | F::WSPSendTo => SEND,
        F::WSPRecv | F::WSPRecvFrom => RECEIVE,
        F::WSPGetOverlappedResult => {
            &[E::WSAENOTSOCK, E::WSA_IO_INCOMPLETE, E::WSA_INVALID_HANDLE, E::WSAEINVAL]
        }
        F::WSPCancelBlockingCall => &[E::WSAEINVAL],
        F::WSPAddressToString | F::WSPStringToAddress => &[E::WSAEINVAL],
        F::WSPAsyncSelect | F::WSPEventSelect | F::WSPEnumNetworkEvents => {
            &[E::WSAENOTSOCK, E::WSAEINVAL]
        }
        F::WSPDuplicateSocket => {
            &[E::WSAENOTSOCK, E::WSAEINVAL, E::WSAEMFILE, E::WSAENOBUFS, E::WSAEOPNOTSUPP]
        }
        F::WSPGetQOSByName => &[E::WSAENOTSOCK, E::WSAEINVAL, E::WSAENOPROTOOPT],
        F::WSPJoinLeaf => &[
            E::WSAENOTSOCK,
            E::WSAEADDRINUSE,
            E::WSAEADDRNOTAVAIL,
            E::WSAEAFNOSUPPORT,
            E::WSAEINVAL,
            E::WSAEISCONN,
            E::WSAENETUNREACH,
            E::WSAENOBUFS,
            E::WSAEOPNOTSUPP,
            E::WSAEPROTONOSUPPORT,
        ],
        F::WSPSelect => &[E::WSAENOTSOCK, E::WSAEINVAL, E::WSAEINTR],
        F::WSPSendDisconnect | F::WSPRecvDisconnect => {
            &[E::WSAENOTSOCK, E::WSAENOTCONN, E::WSAENOPROTOOPT, E::WSAEINVAL]
        }
    }
}

/// Whether an operation of `function` may end with `error`.
pub(super) fn may_end_with(function: Function, error: E) -> bool {
    let table = match function {
        Function::WSPSend | Function::WSPSendTo => SEND_END,
        Function::WSPRecv | Function::WSPRecvFrom => RECEIVE_END,
        other => allowed(other),
    };
    error.0 == 0 || error == E::WSA_OPERATION_ABORTED || table.contains(&error)
}

/// Judges what a call left in `lpErrno`.
pub(super) struct CodeOracle {
    pub(super) profile: Profile,
}

impl CodeOracle {
    pub(super) fn left(&self, book: &Book, call: &ActiveCall, outcome: &Outcome<'_>) -> Verdict {
        let function = call.call.function;
        if let Some(odd) = odd_value(function, outcome) {
            return Err(Violation::new("error-code", "RET-2", format!("{} {odd}", call.words())));
        }
        if !failed(function, outcome) {
            return if outcome.reports {
                Ok(())
            } else {
                let words = format!("{} succeeded without an lpErrno to write to", call.words());
                Err(Violation::new("error-code", "RESULT-3", words))
            };
        }
        let error = match function {
            Function::WSPStartup => E(outcome.value as i32),
            _ => E(outcome.errno),
        };
        if error.0 == 0 {
            return Err(Violation::new(
                "error-code",
                "RET-12",
                format!("{} failed with 0 in lpErrno", call.words()),
            ));
        }
        let get_result = function == Function::WSPGetOverlappedResult;
        let known = COMMON.contains(&error)
            || allowed(function).contains(&error)
            // The error is then the operation's.
            || (get_result && [SEND_END, RECEIVE_END].iter().any(|end| end.contains(&error)));
        if !known {
            let clause = if error == E::WSA_OPERATION_ABORTED { "ERR-ABORTED" } else { "RET-2" };
            return Err(Violation::new(
                "error-code",
                clause,
                format!("{} gave {error:?}, which its clauses do not allow", call.words()),
            ));
        }
        self.in_context(book, call, error)
    }

    /// Codes that are allowed, but not here.
    fn in_context(&self, book: &Book, call: &ActiveCall, error: E) -> Verdict {
        use Function as F;
        let function = call.call.function;
        let sends = matches!(function, F::WSPSend | F::WSPSendTo);
        let transfers = sends || matches!(function, F::WSPRecv | F::WSPRecvFrom);
        let facts = call.socket.map(|id| book.socket(id).facts);
        let datagram = facts.is_some_and(|f| !f.stream);
        let stream = facts.is_some_and(|f| f.stream);
        let windows = self.profile == Profile::Windows;
        let overlapped = call.is_overlapped();
        let wrong = if error == E::WSA_IO_PENDING && !overlapped {
            Some(("OVL-2", "the call is not overlapped I/O"))
        } else if function == F::WSPSetSockOpt
            && matches!(error, E::WSAEADDRNOTAVAIL | E::WSAENOBUFS)
            && !is_of_groups(&call.call.special)
        {
            Some(("RET-2", "the option is not one of multicast groups"))
        } else if !transfers {
            None
        } else if error == E::WSAEINTR && overlapped {
            Some(("ERR-INTR", "an overlapped call does not block"))
        } else if error == E::WSAEWOULDBLOCK && !overlapped && book.mode_of(call) == Mode::Blocking
        {
            Some(("ERR-WOULDBLOCK-2", "the socket is blocking"))
        } else if error == E::WSAEMSGSIZE && stream {
            Some(("ERR-MSGSIZE", "the socket is a stream"))
        } else if sends && error == E::WSAEDESTADDRREQ && windows {
            Some(("ERR-DESTADDRREQ", "under Profile::Windows it is WSAENOTCONN"))
        } else if function == F::WSPSendTo && error == E::WSAENOTCONN && datagram && !windows {
            Some(("ERR-NOTCONN", "under Profile::Documented it is for connection-oriented sockets"))
        } else if sends && error == E::WSAECONNRESET && datagram && windows {
            Some(("ERR-CONNRESET", "under Profile::Windows a receive reports it"))
        } else {
            None
        };
        wrong.map_or(Ok(()), |(clause, why)| {
            Err(Violation::new(
                "error-code",
                clause,
                format!("{} gave {error:?}, but {why}", call.words()),
            ))
        })
    }
}

/// Whether an option joins, leaves or steers multicast groups.
fn is_of_groups(special: &Special) -> bool {
    // Both levels have the same numbers for them.
    matches!(
        special,
        Special::SetOption {
            level: IPPROTO_IP | IPPROTO_IPV6,
            name: IP_ADD_MEMBERSHIP | IP_DROP_MEMBERSHIP | IP_MULTICAST_IF,
            ..
        }
    )
}

/// What is wrong with a return value, where it is none that the function has.
fn odd_value(function: Function, outcome: &Outcome<'_>) -> Option<String> {
    let odd = match function {
        Function::WSPSocket
        | Function::WSPAccept
        | Function::WSPJoinLeaf
        | Function::WSPGetOverlappedResult
        | Function::WSPGetQOSByName
        | Function::WSPSelect
        | Function::WSPStartup => false,
        _ => outcome.value != 0 && outcome.value != -1,
    };
    odd.then(|| format!("returned {}, neither 0 nor SOCKET_ERROR", outcome.value))
}
