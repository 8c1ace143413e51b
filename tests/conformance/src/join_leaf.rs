//! WSPJoinLeaf: leaves of a multipoint session, which over IP is a multicast group.

use core::net::SocketAddr;

use provider_core::layout::{WsaBuf, encode_sockaddr};
use provider_core::spi::{
    AF_INET, AF_INET6, JL_BOTH, JL_RECEIVER_ONLY, JL_SENDER_ONLY, SERVICETYPE_BESTEFFORT,
    SERVICETYPE_GUARANTEED, SOCK_DGRAM, SOCK_STREAM, WSA_FLAG_MULTIPOINT_C_LEAF,
    WSA_FLAG_MULTIPOINT_D_LEAF, WSA_FLAG_OVERLAPPED,
};
use provider_core::{ConnectArgs, SocketHandle, UserPtr, WsaError};

use crate::support::{
    ANY_V4, ANY_V6, FAMILIES, Guarded, LEAF, LOOPBACK_V4, Op, RecvCall, SendCall, bind, bound,
    close, connect, flows, group, join_leaf, join_leaf_raw, nothing_arrives, peer_name,
    receive_datagram, sock_name, socket,
};
use crate::{Answer, Case, CaseResult, Hosts, Seam, TestBed, check};

/// The cases of this function.
pub(crate) const CASES: &[Case] = &[
    Case::both("joinleaf-1-gives-the-socket-itself", &["JOINLEAF-1"], gives_itself).on(CARRIED),
    Case::both("joinleaf-2-only-leaves-can-join", &["JOINLEAF-2"], only_leaves),
    Case::both("joinleaf-3-both-directions", &["JOINLEAF-3", "JOINLEAF-1"], both_ways).on(CARRIED),
    Case::both("joinleaf-4-other-flags", &["JOINLEAF-4"], other_flags),
    Case::both("joinleaf-5-binds-first", &["JOINLEAF-5"], binds_first),
    Case::both("joinleaf-6-no-group", &["JOINLEAF-6"], no_group),
    Case::both("joinleaf-7-other-family", &["JOINLEAF-7"], other_family),
    Case::both("joinleaf-8-bad-names", &["JOINLEAF-8"], bad_names),
    Case::both("joinleaf-9-once-and-for-all", &["JOINLEAF-9"], once).on(CARRIED),
    Case::both("joinleaf-10-close-leaves", &["JOINLEAF-10"], close_leaves).on(CARRIED),
    Case::both("joinleaf-11-default-destination", &["JOINLEAF-11"], destination).on(CARRIED),
    Case::both("joinleaf-12-senders-do-not-receive", &["JOINLEAF-12", "JOINLEAF-3"], sender_only),
    Case::both(
        "err-opnotsupp-4-receivers-do-not-send",
        &["ERR-OPNOTSUPP-4", "JOINLEAF-3"],
        receiver_only,
    )
    .on(CARRIED),
    Case::both("joinleaf-13-hears-every-member", &["JOINLEAF-13"], hears_all).on(CARRIED),
    Case::both("joinleaf-14-nothing-to-exchange", &["JOINLEAF-14"], nothing_to_exchange),
    Case::both("joinleaf-15-no-callee-data", &["JOINLEAF-15"], no_callee_data),
    Case::both("socket-20-leaf-flags", &["SOCKET-20"], leaf_flags),
];

/// Where datagrams to a group come back.
pub(crate) const CARRIED: Hosts =
    Hosts::Simulator("a host may have no interface that carries multicast");

/// A leaf bound to ADDR_ANY, and a group with its port as a destination.
fn leaf(bed: &dyn TestBed, af: i32) -> CaseResult<(SocketHandle, SocketAddr)> {
    let (s, port) = check::works("a leaf", bound(bed, af, LEAF))?;
    Ok((s, SocketAddr::new(group(af, 1), port)))
}

/// A leaf that joined.
fn joined(bed: &dyn TestBed, af: i32, flags: u32) -> CaseResult<(SocketHandle, SocketAddr)> {
    let (s, to) = leaf(bed, af)?;
    check::works("joining", join_leaf(bed, s, to, flags))?;
    Ok((s, to))
}

fn gives_itself(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let (s, to) = leaf(bed, af)?;
        let given = check::works("joining", join_leaf(bed, s, to, JL_RECEIVER_ONLY))?;
        check::equal("what the call gives", given, s)?;
        let (stranger, _) = check::works("a sender", bound(bed, af, 0))?;
        SendCall::send_to(bed, stranger).bytes(b"to all").to(to).call().done(6)?;
        check::equal("what arrived", receive_datagram(bed, s)?.0, b"to all".to_vec())?;
    }
    Ok(())
}

fn only_leaves(bed: &dyn TestBed) -> CaseResult {
    let to = SocketAddr::new(group(AF_INET, 1), 7777);
    for kind in [SOCK_DGRAM, SOCK_STREAM] {
        let s = check::works("a socket", socket(bed, AF_INET, kind, WSA_FLAG_OVERLAPPED))?;
        let refused = join_leaf(bed, s, to, JL_BOTH);
        check::fails("joining with no leaf", refused, WsaError::WSAEOPNOTSUPP)?;
    }
    let refused = join_leaf(bed, bed.no_socket(), to, JL_BOTH);
    check::fails("joining with no socket", refused, WsaError::WSAENOTSOCK)
}

fn both_ways(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let (s, _) = joined(bed, af, JL_BOTH)?;
        SendCall::send(bed, s).bytes(b"me too").call().done(6)?;
        check::equal("what arrived", receive_datagram(bed, s)?.0, b"me too".to_vec())?;
    }
    Ok(())
}

fn other_flags(bed: &dyn TestBed) -> CaseResult {
    let (s, to) = leaf(bed, AF_INET)?;
    for flags in [0, JL_SENDER_ONLY | JL_RECEIVER_ONLY, JL_BOTH | JL_SENDER_ONLY, 8, u32::MAX] {
        let refused = join_leaf(bed, s, to, flags);
        check::fails(&format!("dwFlags {flags:#x}"), refused, WsaError::WSAEINVAL)?;
    }
    // None of them has joined.
    check::works("joining", join_leaf(bed, s, to, JL_SENDER_ONLY)).map(drop)
}

fn binds_first(bed: &dyn TestBed) -> CaseResult {
    let flags = WSA_FLAG_OVERLAPPED | LEAF;
    let s = check::works("a leaf", socket(bed, AF_INET, SOCK_DGRAM, flags))?;
    check::fails("its name", sock_name(bed, s), WsaError::WSAEINVAL)?;
    let to = SocketAddr::new(group(AF_INET, 1), 7777);
    for error in [WsaError::WSAENOBUFS, WsaError::WSAEADDRINUSE, WsaError::WSAENETDOWN] {
        bed.lower().answer(Seam::Bind, Answer::Refuse(error));
        check::fails("joining", join_leaf(bed, s, to, JL_SENDER_ONLY), error)?;
    }
    check::works("joining", join_leaf(bed, s, to, JL_SENDER_ONLY))?;
    let name = check::works("its name", sock_name(bed, s))?;
    check::holds("the port is one", name.port() != 0)
}

fn no_group(bed: &dyn TestBed) -> CaseResult {
    let (s, to) = leaf(bed, AF_INET)?;
    let nobody = "0.0.0.0:7777".parse().unwrap_or(LOOPBACK_V4);
    let one = SocketAddr::new(LOOPBACK_V4.ip(), 7777);
    let broadcast = SocketAddr::from(([255; 4], 7777));
    for name in [nobody, one, broadcast, SocketAddr::new(to.ip(), 0)] {
        let refused = join_leaf(bed, s, name, JL_SENDER_ONLY);
        check::fails(&format!("joining {name}"), refused, WsaError::WSAEADDRNOTAVAIL)?;
    }
    Ok(())
}

fn other_family(bed: &dyn TestBed) -> CaseResult {
    let (s, _) = leaf(bed, AF_INET)?;
    // As long as an address of the other family.
    let (mut bytes, len) = encode_sockaddr(&SocketAddr::new(group(AF_INET6, 1), 7777));
    let name = Guarded::holding(bed, &bytes[..len]).at();
    let refused = join_leaf_raw(bed, s, (name, len as i32), ConnectArgs::NONE, JL_SENDER_ONLY);
    check::fails("AF_INET6 on AF_INET", refused, WsaError::WSAEAFNOSUPPORT)?;
    bytes[0] = 99;
    let name = Guarded::holding(bed, &bytes[..len]).at();
    let refused = join_leaf_raw(bed, s, (name, len as i32), ConnectArgs::NONE, JL_SENDER_ONLY);
    check::fails("an unknown family", refused, WsaError::WSAEAFNOSUPPORT)
}

fn bad_names(bed: &dyn TestBed) -> CaseResult {
    let (s, to) = leaf(bed, AF_INET)?;
    let (bytes, len) = encode_sockaddr(&to);
    let name = Guarded::holding(bed, &bytes[..len]).at();
    for short in [-1, 0, 1, len as i32 - 1] {
        let refused = join_leaf_raw(bed, s, (name, short), ConnectArgs::NONE, JL_SENDER_ONLY);
        check::fails(&format!("namelen {short}"), refused, WsaError::WSAEFAULT)?;
    }
    for bad in bed.bad_pointers() {
        let name = (bad.at, len as i32);
        let refused = join_leaf_raw(bed, s, name, ConnectArgs::NONE, JL_SENDER_ONLY);
        check::fails(bad.what, refused, WsaError::WSAEFAULT)?;
    }
    Ok(())
}

fn once(bed: &dyn TestBed) -> CaseResult {
    for flags in [JL_SENDER_ONLY, JL_RECEIVER_ONLY, JL_BOTH] {
        let (s, to) = joined(bed, AF_INET, flags)?;
        let other = SocketAddr::new(group(AF_INET, 2), to.port());
        for name in [to, other] {
            check::fails("joining", join_leaf(bed, s, name, flags), WsaError::WSAEISCONN)?;
        }
        check::fails("a connect", connect(bed, s, to), WsaError::WSAEISCONN)?;
        check::equal("where it sends to", peer_name(bed, s), Ok(to))?;
    }
    Ok(())
}

fn close_leaves(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let (s, to) = joined(bed, af, JL_RECEIVER_ONLY)?;
        check::works("closing", close(bed, s))?;
        let again =
            check::works("a socket", socket(bed, af, SOCK_DGRAM, WSA_FLAG_OVERLAPPED | LEAF))?;
        let any = if af == AF_INET { ANY_V4 } else { ANY_V6 };
        check::works("its port", bind(bed, again, SocketAddr::new(any.ip(), to.port())))?;
        SendCall::send_to(bed, again).bytes(b"anybody?").to(to).call().done(8)?;
        nothing_arrives(bed, again)?;
        check::works("joining", join_leaf(bed, again, to, JL_BOTH))?;
        SendCall::send(bed, again).bytes(b"now").call().done(3)?;
        check::equal("what arrived", receive_datagram(bed, again)?.0, b"now".to_vec())?;
    }
    Ok(())
}

fn destination(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let (receiver, to) = joined(bed, af, JL_RECEIVER_ONLY)?;
        let (sender, _) = leaf(bed, af)?;
        check::fails("its peer", peer_name(bed, sender), WsaError::WSAENOTCONN)?;
        check::works("joining", join_leaf(bed, sender, to, JL_SENDER_ONLY))?;
        check::equal("its peer", peer_name(bed, sender), Ok(to))?;
        SendCall::send(bed, sender).bytes(b"untold").call().done(6)?;
        check::equal("what arrived", receive_datagram(bed, receiver)?.0, b"untold".to_vec())?;
    }
    Ok(())
}

fn sender_only(bed: &dyn TestBed) -> CaseResult {
    let (s, _) = joined(bed, AF_INET, JL_SENDER_ONLY)?;
    RecvCall::recv(bed, s).room(8).call().refused(WsaError::WSAEOPNOTSUPP)?;
    let op = Op::new(bed);
    RecvCall::recv(bed, s).room(8).overlapped(&op).call().refused(WsaError::WSAEOPNOTSUPP)
}

fn receiver_only(bed: &dyn TestBed) -> CaseResult {
    let (s, to) = joined(bed, AF_INET, JL_RECEIVER_ONLY)?;
    SendCall::send(bed, s).bytes(b"x").call().refused(WsaError::WSAEOPNOTSUPP)?;
    SendCall::send_to(bed, s).bytes(b"x").call().refused(WsaError::WSAEOPNOTSUPP)?;
    SendCall::send_to(bed, s).bytes(b"x").to(to).call().refused(WsaError::WSAEOPNOTSUPP)?;
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, s).bytes(b"x").to(to).overlapped(&op).call();
    call.refused(WsaError::WSAEOPNOTSUPP)?;
    op.untouched(bed)?;
    nothing_arrives(bed, s)
}

fn hears_all(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let (s, to) = joined(bed, af, JL_BOTH)?;
        for text in [&b"one"[..], b"two"] {
            let (sender, port) = check::works("a sender", bound(bed, af, 0))?;
            SendCall::send_to(bed, sender).bytes(text).to(to).call().done(3)?;
            let (bytes, from) = receive_datagram(bed, s)?;
            check::equal("what arrived", (bytes, from.port()), (text.to_vec(), port))?;
        }
    }
    Ok(())
}

fn nothing_to_exchange(bed: &dyn TestBed) -> CaseResult {
    let (s, to) = leaf(bed, AF_INET)?;
    let (bytes, len) = encode_sockaddr(&to);
    let name = (Guarded::holding(bed, &bytes[..len]).at(), len as i32);
    let data = Guarded::holding(bed, b"hello").at();
    let full = Guarded::holding(bed, &WsaBuf { len: 5, buf: data }.encode()).at();
    let empty = Guarded::holding(bed, &WsaBuf { len: 0, buf: UserPtr::NULL }.encode()).at();
    let none = ConnectArgs::NONE;
    let join = |connect| join_leaf_raw(bed, s, name, connect, JL_SENDER_ONLY);
    let refused = join(ConnectArgs { caller_data: full, ..none });
    check::fails("data for the peer", refused, WsaError::WSAEPROTONOSUPPORT)?;
    let best = SERVICETYPE_BESTEFFORT;
    for (sending, receiving) in [(SERVICETYPE_GUARANTEED, best), (best, SERVICETYPE_GUARANTEED)] {
        let refused = join(ConnectArgs { sqos: flows(bed, sending, receiving), ..none });
        check::fails("a guaranteed flow", refused, WsaError::WSAEOPNOTSUPP)?;
    }
    for bad in bed.bad_pointers().into_iter().filter(|bad| !bad.at.is_null()) {
        let refused = join(ConnectArgs { caller_data: bad.at, ..none });
        check::fails(bad.what, refused, WsaError::WSAEFAULT)?;
        let refused = join(ConnectArgs { callee_data: bad.at, ..none });
        check::fails(bad.what, refused, WsaError::WSAEFAULT)?;
        let refused = join(ConnectArgs { sqos: bad.at, ..none });
        check::fails(bad.what, refused, WsaError::WSAEFAULT)?;
    }
    let asked = ConnectArgs { caller_data: empty, sqos: flows(bed, best, best), ..none };
    check::works("joining without data, at best effort", join(asked)).map(drop)
}

fn no_callee_data(bed: &dyn TestBed) -> CaseResult {
    let (s, to) = leaf(bed, AF_INET)?;
    let (bytes, len) = encode_sockaddr(&to);
    let name = (Guarded::holding(bed, &bytes[..len]).at(), len as i32);
    let room = Guarded::holding(bed, &[7; 16]);
    let buffer = WsaBuf { len: 16, buf: room.at() };
    let callee = Guarded::holding(bed, &buffer.encode());
    let connect = ConnectArgs { callee_data: callee.at(), ..ConnectArgs::NONE };
    check::works("joining", join_leaf_raw(bed, s, name, connect, JL_SENDER_ONLY))?;
    let after = WsaBuf { len: 0, ..buffer }.encode().to_vec();
    check::equal("lpCalleeData", callee.bytes(bed), after)?;
    check::equal("its buffer", room.bytes(bed), vec![7; 16])
}

fn leaf_flags(bed: &dyn TestBed) -> CaseResult {
    const C_ROOT: u32 = 2;
    const D_ROOT: u32 = 8;
    let open = |kind, flags| socket(bed, AF_INET, kind, flags);
    for flags in [LEAF, LEAF | WSA_FLAG_OVERLAPPED] {
        check::works("a leaf", open(SOCK_DGRAM, flags))?;
        let refused = open(SOCK_STREAM, flags);
        check::fails("a stream as a leaf", refused, WsaError::WSAEINVAL)?;
    }
    let halves = [WSA_FLAG_MULTIPOINT_C_LEAF, WSA_FLAG_MULTIPOINT_D_LEAF];
    let roots =
        [C_ROOT, D_ROOT, C_ROOT | D_ROOT, C_ROOT | WSA_FLAG_MULTIPOINT_D_LEAF, LEAF | C_ROOT];
    for flags in halves.into_iter().chain(roots) {
        let refused = open(SOCK_DGRAM, flags);
        check::fails(&format!("flags {flags:#x}"), refused, WsaError::WSAEINVAL)?;
    }
    Ok(())
}
