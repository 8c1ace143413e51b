//! WSPStartup and WSPCleanup. A case begins and ends inside one start: it may take it back, and
//! has to start again.

use provider_core::WsaError;
use provider_core::spi::{
    AF_INET, FIONREAD, SOCK_DGRAM, SOCK_STREAM, WINSOCK_VERSION, WSA_FLAG_OVERLAPPED,
};

use crate::support::{
    IoctlCall, Op, RecvCall, SendCall, bind, cleanup, close, completions, datagram_pair, ends,
    hold_sends, listen, overlapped_result, receive_datagram, release_sends, socket, startup,
    stream_pair,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, Waited, check};

/// The cases of these functions.
pub(crate) const CASES: &[Case] = &[
    Case::both(
        "startup-1-versions",
        &["STARTUP-1", "STARTUP-2", "STARTUP-3", "STARTUP-5"],
        versions,
    ),
    Case::both("startup-4-starts-are-counted", &["STARTUP-4", "CLEANUP-1"], counted),
    Case::both("startup-13-handles-go-back-once", &["STARTUP-12", "STARTUP-13"], handles),
    Case::both("startup-14-completed-by-the-host", &["STARTUP-14"], completed_by_the_host),
    Case::both("startup-15-the-host-fails-to", &["STARTUP-15"], host_fails),
    Case::both("cleanup-2-without-a-start", &["CLEANUP-2", "CLEANUP-7"], without),
    Case::both("cleanup-3-ends-blocked-calls", &["CLEANUP-3"], blocked),
    Case::both("cleanup-4-resets-connections", &["CLEANUP-4", "CLEANUP-6"], resets),
    Case::both("cleanup-5-passes-on-what-was-closed", &["CLEANUP-5"], passes_on),
    Case::both("cleanup-8-tells-who-waits-for-a-result", &["CLEANUP-8"], tells_waiters),
];

fn versions(bed: &dyn TestBed) -> CaseResult {
    for low in [0x0000, 0x0001, 0x0101, 0x0002, 0x0102, 0x0201, 0xff01] {
        let got = bed.spi().wsp_startup(low);
        // The low byte is the major one: 0x0201 asks for 1.2.
        check::fails("an old version", got, WsaError::WSAVERNOTSUPPORTED)?;
    }
    for high in [0x0202, 0x0302, 0x0003, 0xffff] {
        let got = check::works("WSPStartup", bed.spi().wsp_startup(high))?;
        check::equal("the version", got, WINSOCK_VERSION)?;
        check::works("WSPCleanup", cleanup(bed))?;
    }
    Ok(())
}

fn counted(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    for _ in 0..3 {
        check::works("WSPStartup", startup(bed))?;
    }
    for _ in 0..3 {
        check::works("WSPCleanup", cleanup(bed))?;
        SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call().done(1)?;
        check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"x".to_vec())?;
    }
    Ok(())
}

/// A host that has no handle to give, and one that may use a value again at once.
fn handles(bed: &dyn TestBed) -> CaseResult {
    bed.lower().answer(Seam::CreateSocketHandle, Answer::Refuse(WsaError::WSAENOBUFS));
    let refused = socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED);
    check::fails("WSPSocket", refused, WsaError::WSAENOBUFS)?;
    // The host knows the handles, those of accepted sockets too, and only until they are closed.
    let port = bed.create_port();
    for _ in 0..5 {
        let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
        for s in [pair.a, pair.b, stream.a, stream.b] {
            check::holds("a handle of the host's", bed.associate(port, s, s.0))?;
            // It is the one that the host leads to: the packet has the key given with it.
            let op = Op::new(bed);
            let ioctl = IoctlCall::new(bed, s, FIONREAD).output().overlapped(&op).call();
            ioctl.done(4)?;
            let packet = bed.next_packet(port, true);
            check::equal("the packet's key", packet.map(|packet| packet.key), Some(s.0))?;
            check::works("WSPCloseSocket", close(bed, s))?;
            check::holds("it was given back", !bed.associate(port, s, 0))?;
            check::fails("a second time", close(bed, s), WsaError::WSAENOTSOCK)?;
        }
    }
    // What is open at the end is given back by the last WSPCleanup.
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    check::works("WSPCleanup", cleanup(bed))?;
    for s in [pair.a, pair.b, stream.a, stream.b] {
        check::holds("it was given back", !bed.associate(port, s, 0))?;
    }
    check::works("WSPStartup", startup(bed)).map(drop)
}

fn completed_by_the_host(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let port = bed.create_port();
    check::holds("the association", bed.associate(port, pair.a, 7))?;
    let op = Op::new(bed);
    SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op).call().done(1)?;
    // Only the host can post a packet.
    let packet = bed.next_packet(port, true);
    check::equal("its OVERLAPPED", packet.map(|packet| packet.overlapped), Some(op.at()))
}

fn host_fails(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let event = bed.create_event(true, false);
    let op = Op::with_event(bed, event);
    bed.lower().answer(Seam::CompleteOverlapped, Answer::Refuse(WsaError::WSAEINVAL));
    SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op).call().done(1)?;
    op.sent(bed, 1)?;
    check::equal("the wait", bed.wait(event, false), Waited::Signalled)
}

fn without(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("WSPCleanup", cleanup(bed))?;
    check::fails("WSPCleanup", cleanup(bed), WsaError::WSANOTINITIALISED)?;
    check::works("WSPStartup", startup(bed))?;
    check::fails("a socket of the life before", close(bed, pair.a), WsaError::WSAENOTSOCK)?;
    let again = datagram_pair(bed)?;
    SendCall::send_to(bed, again.a).bytes(b"x").to(again.at_b).call().done(1)
}

fn blocked(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let thread = bed.spawn(
        "receiver",
        Box::new(move |bed| {
            RecvCall::recv(bed, pair.b).room(10).call().refused(WsaError::WSAEINTR)
        }),
    );
    bed.grace(false);
    check::works("WSPCleanup", cleanup(bed))?;
    ends(bed, thread)?;
    check::works("WSPStartup", startup(bed)).map(drop)
}

fn resets(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let seen = completions(bed);
    let event = bed.create_event(true, false);
    let (one, two, three) = (Op::with_event(bed, event), Op::new(bed), Op::new(bed));
    RecvCall::recv(bed, pair.b).room(10).overlapped(&one).call().pending()?;
    let call = RecvCall::recv(bed, pair.a).room(10).overlapped(&two).routine(seen.routine());
    call.call().pending()?;
    RecvCall::recv(bed, stream.b).room(10).overlapped(&three).call().pending()?;
    check::works("WSPCleanup", cleanup(bed))?;
    // Aborted in silence: neither event nor routine tells of it.
    one.failed(bed, WsaError::WSA_OPERATION_ABORTED, 0)?;
    two.failed(bed, WsaError::WSA_OPERATION_ABORTED, 0)?;
    seen.stay(bed, 0)?;
    check::holds("no event", !bed.is_set(event))?;
    // The connection's other end is reset by the same call, and may have been the first.
    let error = WsaError(three.words(bed).offset_high as i32);
    let ends = [WsaError::WSA_OPERATION_ABORTED, WsaError::WSAECONNRESET];
    check::one_of("the end on the connection", error, &ends)?;
    // All of it is the client's again, and stays as the client leaves it.
    for op in [&one, &two, &three] {
        op.renew(bed);
    }
    check::works("WSPStartup", startup(bed))?;
    // The transport has given back every socket: their addresses are free.
    for to in [pair.at_a, pair.at_b] {
        let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
        check::works("WSPBind", bind(bed, s, to))?;
        SendCall::send_to(bed, s).bytes(b"another life").to(to).call().done(12)?;
        RecvCall::recv(bed, s).room(20).call().gave(b"another life")?;
    }
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))?;
    check::works("WSPBind", bind(bed, s, stream.at_b))?;
    check::works("WSPListen", listen(bed, s))?;
    bed.grace(true);
    for op in [one, two, three] {
        op.untouched(bed)?;
    }
    seen.stay(bed, 0)
}

fn passes_on(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    hold_sends(bed);
    SendCall::send_to(bed, pair.a).bytes(b"closed").to(pair.at_b).call().done(6)?;
    check::works("WSPCloseSocket", close(bed, pair.a))?;
    bed.lower().clear_taken();
    let thread = bed.spawn(
        "helper",
        Box::new(|bed| {
            bed.grace(false);
            release_sends(bed);
            Ok(())
        }),
    );
    check::works("WSPCleanup", cleanup(bed))?;
    ends(bed, thread)?;
    let taken: Vec<Vec<u8>> = bed.lower().taken().into_iter().map(|taken| taken.bytes).collect();
    check::equal("what the transport took", taken, vec![b"closed".to_vec()])?;
    check::works("WSPStartup", startup(bed)).map(drop)
}

fn tells_waiters(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let op = Op::with_event(bed, bed.create_event(true, false));
    RecvCall::recv(bed, pair.b).room(10).overlapped(&op).call().pending()?;
    let thread = bed.spawn(
        "waiter",
        Box::new(move |bed| {
            let result = overlapped_result(bed, pair.b, &op, true)?;
            check::fails("the result", result, WsaError::WSA_OPERATION_ABORTED)
        }),
    );
    bed.grace(false);
    check::works("WSPCleanup", cleanup(bed))?;
    ends(bed, thread)?;
    check::works("WSPStartup", startup(bed)).map(drop)
}
