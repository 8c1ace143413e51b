//! WSPSocket (SOCKET).

use provider_core::layout::protocol_info as layout;
use provider_core::spi::{
    AF_INET, AF_INET6, FROM_PROTOCOL_INFO, IPPROTO_TCP, IPPROTO_UDP, SO_PROTOCOL_INFOW,
    SO_RCVTIMEO, SO_TYPE, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, WSA_FLAG_NO_HANDLE_INHERIT,
    WSA_FLAG_OVERLAPPED,
};
use provider_core::{SocketHandle, UserPtr, WsaError};

use crate::support::{
    FAMILIES, Guarded, LOOPBACK_V4, LOOPBACK_V6, Op, RecvCall, accept, bind, close, connect,
    get_bytes, get_option, listen, set_option, sock_name, socket_raw,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, check};

/// The cases of this family.
pub(crate) const CASES: &[Case] = &[
    Case::both("socket-1-datagram-sockets", &["SOCKET-1"], datagram_sockets),
    Case::both("socket-1-streams", &["SOCKET-1"], streams),
    Case::both("socket-2-other-families", &["SOCKET-2"], other_families),
    Case::both("socket-3-other-types", &["SOCKET-3"], other_types),
    Case::both("socket-4-protocol-of-the-other-type", &["SOCKET-4"], other_protocol),
    Case::both("socket-5-unknown-protocols", &["SOCKET-5"], unknown_protocols),
    Case::both("socket-6-unknown-flags", &["SOCKET-6"], unknown_flags),
    Case::both("socket-7-overlapped-or-not", &["SOCKET-7"], overlapped_or_not),
    Case::both("socket-8-no-handle-inherit", &["SOCKET-8"], not_inherited),
    Case::both("socket-9-no-handle", &["SOCKET-9"], no_handle),
    Case::both("socket-10-transport-opens-none", &["SOCKET-10"], none_opened),
    Case::both("socket-11-what-the-structure-says", &["SOCKET-11"], from_structure),
    Case::both("socket-11-structure-is-no-memory", &["SOCKET-11", "RESULT-11"], no_structure),
];

const NONE: UserPtr = UserPtr::NULL;

fn open(bed: &dyn TestBed, what: [i32; 3]) -> Result<SocketHandle, WsaError> {
    socket_raw(bed, what, NONE, WSA_FLAG_OVERLAPPED)
}

fn datagram_sockets(bed: &dyn TestBed) -> CaseResult {
    for (af, any_port) in [(AF_INET, LOOPBACK_V4), (AF_INET6, LOOPBACK_V6)] {
        for protocol in [0, IPPROTO_UDP] {
            let s = check::works("WSPSocket", open(bed, [af, SOCK_DGRAM, protocol]))?;
            check::fails("its name", sock_name(bed, s), WsaError::WSAEINVAL)?;
            check::equal("its type", get_option(bed, s, SO_TYPE), Ok(SOCK_DGRAM as u32))?;
            check::works("WSPBind", bind(bed, s, any_port))?;
            // It waits, up to its time-out.
            check::works("SO_RCVTIMEO", set_option(bed, s, SO_RCVTIMEO, 20))?;
            RecvCall::recv(bed, s).room(1).call().refused(WsaError::WSAETIMEDOUT)?;
        }
    }
    Ok(())
}

fn streams(bed: &dyn TestBed) -> CaseResult {
    for (af, any_port) in [(AF_INET, LOOPBACK_V4), (AF_INET6, LOOPBACK_V6)] {
        for protocol in [0, IPPROTO_TCP] {
            let listener = check::works("WSPSocket", open(bed, [af, SOCK_STREAM, protocol]))?;
            check::fails("its name", sock_name(bed, listener), WsaError::WSAEINVAL)?;
            check::equal("its type", get_option(bed, listener, SO_TYPE), Ok(SOCK_STREAM as u32))?;
            check::works("WSPBind", bind(bed, listener, any_port))?;
            check::works("WSPListen", listen(bed, listener))?;
            let at = check::works("WSPGetSockName", sock_name(bed, listener))?;
            let s = check::works("WSPSocket", open(bed, [af, SOCK_STREAM, protocol]))?;
            check::works("WSPConnect", connect(bed, s, at))?;
            check::works("WSPAccept", accept(bed, listener))?;
            check::works("SO_RCVTIMEO", set_option(bed, s, SO_RCVTIMEO, 20))?;
            RecvCall::recv(bed, s).room(1).call().refused(WsaError::WSAETIMEDOUT)?;
        }
    }
    Ok(())
}

fn refused(bed: &dyn TestBed, what: [i32; 3], error: WsaError) -> CaseResult {
    check::fails(&format!("af, type, protocol {what:?}"), open(bed, what), error)
}

fn other_families(bed: &dyn TestBed) -> CaseResult {
    // AF_UNIX, AF_IPX, AF_NETBIOS, and none at all.
    for af in [1, 6, 17, 99, -1, 0, i32::MIN, i32::MAX] {
        for kind in [SOCK_STREAM, SOCK_DGRAM] {
            refused(bed, [af, kind, 0], WsaError::WSAEAFNOSUPPORT)?;
        }
    }
    Ok(())
}

fn other_types(bed: &dyn TestBed) -> CaseResult {
    // SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, and none at all.
    for kind in [3, 4, 5, 99, -1, 0, i32::MIN, i32::MAX] {
        for af in FAMILIES {
            refused(bed, [af, kind, 0], WsaError::WSAESOCKTNOSUPPORT)?;
        }
    }
    Ok(())
}

fn other_protocol(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        refused(bed, [af, SOCK_STREAM, IPPROTO_UDP], WsaError::WSAEPROTOTYPE)?;
        refused(bed, [af, SOCK_DGRAM, IPPROTO_TCP], WsaError::WSAEPROTOTYPE)?;
    }
    Ok(())
}

fn unknown_protocols(bed: &dyn TestBed) -> CaseResult {
    for protocol in [1, 58, 255, 256, -1, i32::MIN, i32::MAX] {
        for (af, kind) in [(AF_INET, SOCK_STREAM), (AF_INET6, SOCK_DGRAM)] {
            refused(bed, [af, kind, protocol], WsaError::WSAEPROTONOSUPPORT)?;
        }
    }
    Ok(())
}

fn unknown_flags(bed: &dyn TestBed) -> CaseResult {
    // WSA_FLAG_ACCESS_SYSTEM_SECURITY, WSA_FLAG_REGISTERED_IO, and bits without a name.
    for flag in [0x20, 0x40, 0x100, 0x200, 1 << 31] {
        for kind in [SOCK_STREAM, SOCK_DGRAM] {
            for flags in [flag, flag | WSA_FLAG_OVERLAPPED] {
                let opened = socket_raw(bed, [AF_INET, kind, 0], NONE, flags);
                check::fails(&format!("flags {flags:#x}"), opened, WsaError::WSAEINVAL)?;
            }
        }
    }
    Ok(())
}

/// An overlapped receive pends on an overlapped socket. On one that is not, the OVERLAPPED is not
/// looked at.
fn overlapped_or_not(bed: &dyn TestBed) -> CaseResult {
    for flags in [WSA_FLAG_OVERLAPPED, 0] {
        let s = check::works("WSPSocket", socket_raw(bed, [AF_INET, SOCK_DGRAM, 0], NONE, flags))?;
        check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
        check::works("SO_RCVTIMEO", set_option(bed, s, SO_RCVTIMEO, 20))?;
        let op = Op::new(bed);
        let call = RecvCall::recv(bed, s).room(1).overlapped(&op).call();
        if flags == 0 {
            call.refused(WsaError::WSAETIMEDOUT)?;
        } else {
            call.pending()?;
            op.pending(bed)?;
        }
    }
    Ok(())
}

fn not_inherited(bed: &dyn TestBed) -> CaseResult {
    for flags in [WSA_FLAG_NO_HANDLE_INHERIT, WSA_FLAG_NO_HANDLE_INHERIT | WSA_FLAG_OVERLAPPED] {
        for kind in [SOCK_STREAM, SOCK_DGRAM] {
            let s = check::works("WSPSocket", socket_raw(bed, [AF_INET, kind, 0], NONE, flags))?;
            check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
            check::works("WSPCloseSocket", close(bed, s))?;
        }
    }
    Ok(())
}

fn no_handle(bed: &dyn TestBed) -> CaseResult {
    for error in [WsaError::WSAEMFILE, WsaError::WSAENOBUFS] {
        for kind in [SOCK_STREAM, SOCK_DGRAM] {
            bed.lower().answer(Seam::CreateSocketHandle, Answer::Refuse(error));
            refused(bed, [AF_INET, kind, 0], error)?;
            let s = check::works("the next", open(bed, [AF_INET, kind, 0]))?;
            check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
        }
    }
    Ok(())
}

fn none_opened(bed: &dyn TestBed) -> CaseResult {
    for error in [WsaError::WSAENETDOWN, WsaError::WSAENOBUFS, WsaError::WSAEMFILE] {
        for kind in [SOCK_STREAM, SOCK_DGRAM] {
            bed.lower().answer(Seam::Open, Answer::Refuse(error));
            refused(bed, [AF_INET, kind, 0], error)?;
            let s = check::works("the next", open(bed, [AF_INET, kind, 0]))?;
            check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
        }
    }
    Ok(())
}

fn from_structure(bed: &dyn TestBed) -> CaseResult {
    for (af, any_port) in [(AF_INET, LOOPBACK_V4), (AF_INET6, LOOPBACK_V6)] {
        for kind in [SOCK_STREAM, SOCK_DGRAM] {
            let model = check::works("WSPSocket", open(bed, [af, kind, 0]))?;
            let told = get_bytes(bed, model, (SOL_SOCKET, SO_PROTOCOL_INFOW), layout::SIZE);
            let info = Guarded::holding(bed, &check::works("SO_PROTOCOL_INFO", told)?);
            for (af, kind_given, protocol) in [
                (0, 0, 0),
                (FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO),
                (FROM_PROTOCOL_INFO, 0, FROM_PROTOCOL_INFO),
                (af, kind, 0),
            ] {
                let what = [af, kind_given, protocol];
                let opened = socket_raw(bed, what, info.at(), WSA_FLAG_OVERLAPPED);
                let s = check::works(&format!("af, type, protocol {what:?}"), opened)?;
                check::equal("its type", get_option(bed, s, SO_TYPE), Ok(kind as u32))?;
                check::works("an address of its family", bind(bed, s, any_port))?;
            }
            info.check(bed, "lpProtocolInfo")?;
        }
    }
    Ok(())
}

fn no_structure(bed: &dyn TestBed) -> CaseResult {
    for bad in bed.bad_pointers().into_iter().filter(|bad| !bad.at.is_null()) {
        let opened = socket_raw(bed, [AF_INET, SOCK_DGRAM, 0], bad.at, WSA_FLAG_OVERLAPPED);
        check::fails(bad.what, opened, WsaError::WSAEFAULT)?;
    }
    Ok(())
}
