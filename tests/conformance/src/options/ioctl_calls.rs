//! WSPIoctl: its arguments, and how it completes.

use provider_core::spi::{
    FIONBIO, FIONREAD, SIO_FLUSH, SIO_UDP_CONNRESET, SIO_UDP_NETRESET, SIOCATMARK, SO_RCVTIMEO,
};
use provider_core::{SocketHandle, UserPtr, WsaError};

use crate::support::{
    Guarded, IoctlCall, LOOPBACK_V4, Op, SendCall, bind, completions, datagram_pair,
    overlapped_result, receive_ready, set_nonblocking, set_option, stream_pair,
};
use crate::{Case, CaseResult, TestBed, check};

use super::set_sock_opt::fresh;

/// The cases of the call.
pub(super) const CASES: &[Case] = &[
    Case::both("ioctl-7-no-such-code", &["IOCTL-7"], no_code),
    Case::both("ioctl-8-too-small-buffers", &["IOCTL-8"], too_small),
    Case::both("ioctl-8-bad-pointers", &["IOCTL-8", "RESULT-11"], pointers),
    Case::both("ioctl-9-null-count", &["IOCTL-9"], null_count),
    Case::both("ioctl-10-bytes-of-output", &["IOCTL-10"], bytes_of_output),
    Case::both("ioctl-11-with-an-event", &["IOCTL-11", "EVT-5"], event),
    Case::both("ioctl-11-with-a-routine", &["IOCTL-11", "APC-9"], routine),
    Case::both("ioctl-11-refused-is-never-indicated", &["IOCTL-11", "RET-4"], refused),
    Case::both("ioctl-no-socket", &["RESULT-5"], no_socket),
];

/// Codes, with whether they take and give a word, for a stream or a datagram socket.
fn codes(stream: bool) -> Vec<(u32, bool, bool)> {
    let own: &[(u32, bool, bool)] = if stream {
        &[(SIOCATMARK, false, true)]
    } else {
        &[(SIO_UDP_CONNRESET, true, false), (SIO_UDP_NETRESET, true, false)]
    };
    let common = [(FIONBIO, true, false), (FIONREAD, false, true), (SIO_FLUSH, false, false)];
    [&common[..], own].concat()
}

/// A call of a code with all that it may need.
fn whole(bed: &dyn TestBed, s: SocketHandle, code: u32) -> IoctlCall<'_> {
    IoctlCall::new(bed, s, code).input(1).output()
}

fn no_code(bed: &dyn TestBed) -> CaseResult {
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
        let others = codes(!stream).into_iter().map(|(code, ..)| code);
        let others = others.filter(|code| codes(stream).iter().all(|(own, ..)| own != code));
        for code in others.chain([0, 1, 0x1234_5678, u32::MAX]) {
            whole(bed, s, code).call().refused(WsaError::WSAEOPNOTSUPP)?;
        }
    }
    Ok(())
}

fn too_small(bed: &dyn TestBed) -> CaseResult {
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
        let word = Guarded::holding(bed, &[1, 0, 0, 0]);
        for (code, takes, gives) in codes(stream) {
            for len in [0, 1, 3] {
                if takes {
                    let call = IoctlCall::new(bed, s, code).input_at(word.at(), len).output();
                    call.call().refused(WsaError::WSAEFAULT)?;
                }
                if gives {
                    let call = IoctlCall::new(bed, s, code).input(1).output_at(word.at(), len);
                    call.call().refused(WsaError::WSAEFAULT)?;
                }
            }
        }
    }
    Ok(())
}

fn pointers(bed: &dyn TestBed) -> CaseResult {
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
        for (code, takes, gives) in codes(stream) {
            for bad in bed.bad_pointers() {
                let op = Op::new(bed);
                if takes {
                    let call = IoctlCall::new(bed, s, code).input_at(bad.at, 4).output();
                    call.overlapped(&op).call().refused(WsaError::WSAEFAULT)?;
                }
                if gives {
                    let call = IoctlCall::new(bed, s, code).input(1).output_at(bad.at, 4);
                    call.overlapped(&op).call().refused(WsaError::WSAEFAULT)?;
                }
                let call = whole(bed, s, code).returned_at(bad.at);
                call.call().refused(WsaError::WSAEFAULT)?;
            }
        }
        if stream {
            continue;
        }
        // Nothing was done: the socket is blocking still, and waits up to its time-out.
        check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
        check::works("SO_RCVTIMEO", set_option(bed, s, SO_RCVTIMEO, 20))?;
        check::fails("a receive", receive_ready(bed, s, 9), WsaError::WSAETIMEDOUT)?;
    }
    Ok(())
}

fn null_count(bed: &dyn TestBed) -> CaseResult {
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
        for (code, ..) in codes(stream) {
            let call = || whole(bed, s, code).returned_at(UserPtr::NULL);
            call().call().refused(WsaError::WSAEFAULT)?;
            let op = Op::new(bed);
            check::equal("overlapped", call().overlapped(&op).call().error(), WsaError(0))?;
        }
    }
    Ok(())
}

fn bytes_of_output(bed: &dyn TestBed) -> CaseResult {
    for stream in [true, false] {
        let s = fresh(bed, stream)?;
        for (code, _, gives) in codes(stream) {
            whole(bed, s, code).call().done(if gives { 4 } else { 0 })?;
        }
    }
    Ok(())
}

fn event(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    SendCall::send_to(bed, pair.a).bytes(b"seven b").to(pair.at_b).call().done(7)?;
    bed.grace(false);
    let event = bed.create_event(false, false);
    let op = Op::with_event(bed, event);
    let call = IoctlCall::new(bed, pair.b, FIONREAD).output().overlapped(&op).call();
    call.done(4)?;
    check::equal("FIONREAD", call.word(), 7)?;
    op.sent(bed, 4)?;
    check::holds("the event is set", bed.is_set(event))?;
    check::equal("the result", overlapped_result(bed, pair.b, &op, false)?, Ok((4, 0)))?;
    bed.grace(true);
    check::holds("once", !bed.is_set(event))
}

fn routine(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let seen = completions(bed);
    let op = Op::new(bed);
    let call = IoctlCall::new(bed, pair.a, FIONBIO).input(1).overlapped(&op);
    call.routine(seen.routine()).call().done(0)?;
    check::equal("routines before an alertable wait", seen.count(), 0)?;
    seen.one(bed, &op, WsaError(0), 0)?;
    op.sent(bed, 0)?;
    let none = receive_ready(bed, pair.a, 9);
    check::fails("a receive", none, WsaError::WSAEWOULDBLOCK)?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, false))?;
    seen.stay(bed, 1)
}

fn refused(bed: &dyn TestBed) -> CaseResult {
    let s = datagram_pair(bed)?.a;
    let event = bed.create_event(true, true);
    let seen = completions(bed);
    for with_routine in [false, true] {
        let op = Op::with_event(bed, event);
        let call = IoctlCall::new(bed, s, SIOCATMARK).output().overlapped(&op);
        let call = if with_routine { call.routine(seen.routine()) } else { call };
        call.call().refused(WsaError::WSAEOPNOTSUPP)?;
        seen.stay(bed, 0)?;
        check::holds("the event is as it was", bed.is_set(event))?;
        op.untouched(bed)?;
    }
    Ok(())
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    whole(bed, bed.no_socket(), FIONREAD).call().refused(WsaError::WSAENOTSOCK)
}
