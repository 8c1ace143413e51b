//! WSPIoctl: what the commands do.

use provider_core::spi::{
    FIONBIO, FIONREAD, SIO_FLUSH, SIO_UDP_CONNRESET, SIO_UDP_NETRESET, SIOCATMARK, SO_SNDBUF,
};
use provider_core::{Routine, SocketHandle, WsaError};

use crate::support::{
    DatagramPair, IoctlCall, Op, SendCall, bind, close, connect, datagram_pair, flush, hold_sends,
    ioctl, nothing_arrives, post_receive, receive_datagram, receive_exactly, receive_ready,
    release_sends, set_nonblocking, set_option, stream_pair, unbuffered, until,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, check};

use super::set_sock_opt::fresh;

/// The cases of the commands.
pub(super) const CASES: &[Case] = &[
    Case::both("ioctl-1-fionbio", &["IOCTL-1"], fionbio),
    Case::both("ioctl-3-fionread-of-a-stream", &["IOCTL-3", "IOCTL-10"], readable_stream),
    Case::both("ioctl-3-fionread-of-datagrams", &["IOCTL-3"], readable_datagrams),
    Case::both("ioctl-3-fionread-hears-the-peer-only", &["IOCTL-3", "RECV-32"], strangers),
    Case::both("ioctl-3-fionread-keeps-reports", &["IOCTL-3", "RECV-17"], reports),
    Case::both("ioctl-3-fionread-beside-a-receive", &["IOCTL-3", "RECV-17"], beside_a_receive),
    Case::both("ioctl-4-siocatmark-without-urgent-data", &["IOCTL-4"], at_mark),
    Case::both("ioctl-5-flush-of-what-is-queued", &["IOCTL-5"], flush_queued),
    Case::both("ioctl-5-flush-leaves-what-is-buffered", &["IOCTL-5", "CXL-3"], flush_buffered),
    Case::both("ioctl-6-udp-connreset", &["IOCTL-6"], connreset),
    Case::both("ioctl-12-udp-netreset", &["IOCTL-12"], netreset),
];

fn fionbio(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.b, stream.b] {
        for on in [1, 0xffff_0000] {
            check::works("FIONBIO", ioctl(bed, s, FIONBIO, Some(on)))?;
            let none = receive_ready(bed, s, 9);
            check::fails("a receive", none, WsaError::WSAEWOULDBLOCK)?;
        }
        check::works("FIONBIO", ioctl(bed, s, FIONBIO, Some(0)))?;
    }
    let sender = bed.spawn(
        "sender",
        Box::new(move |bed| {
            bed.grace(false);
            SendCall::send_to(bed, pair.a).bytes(b"late").to(pair.at_b).call().done(4)
        }),
    );
    let got = check::works("a blocking receive", receive_ready(bed, pair.b, 9))?;
    check::equal("what came", got.0, b"late".to_vec())?;
    crate::support::ends(bed, sender)
}

/// FIONREAD gives `want`.
fn readable(bed: &dyn TestBed, s: SocketHandle, want: u32) -> CaseResult {
    let call = IoctlCall::new(bed, s, FIONREAD).output().call();
    call.done(4)?;
    check::equal("FIONREAD", call.word(), want)
}

fn readable_stream(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    readable(bed, pair.b, 0)?;
    SendCall::send(bed, pair.a).bytes(b"twelve ").call().done(7)?;
    SendCall::send(bed, pair.a).bytes(b"bytes").call().done(5)?;
    bed.grace(false);
    readable(bed, pair.b, 12)?;
    check::equal("some of it", receive_exactly(bed, pair.b, 5)?, b"twelv".to_vec())?;
    readable(bed, pair.b, 7)
}

fn readable_datagrams(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    readable(bed, pair.b, 0)?;
    for text in [&b"three"[..], b"", b"datagrams"] {
        SendCall::send_to(bed, pair.a).bytes(text).to(pair.at_b).call().done(text.len())?;
    }
    bed.grace(false);
    for size in [5, 0, 9] {
        readable(bed, pair.b, size)?;
        readable(bed, pair.b, size)?;
        check::equal("a datagram", receive_datagram(bed, pair.b)?.0.len(), size as usize)?;
    }
    readable(bed, pair.b, 0)
}

fn strangers(bed: &dyn TestBed) -> CaseResult {
    let (pair, stranger) = (datagram_pair(bed)?, datagram_pair(bed)?);
    check::works("WSPConnect", connect(bed, pair.b, pair.at_a))?;
    let from = |s, text: &[u8]| SendCall::send_to(bed, s).bytes(text).to(pair.at_b).call();
    from(stranger.a, b"not for you").done(11)?;
    bed.grace(false);
    readable(bed, pair.b, 0)?;
    from(stranger.a, b"nor this").done(8)?;
    from(pair.a, b"this").done(4)?;
    bed.grace(false);
    readable(bed, pair.b, 4)?;
    check::equal("what came", receive_datagram(bed, pair.b)?.0, b"this".to_vec())?;
    nothing_arrives(bed, pair.b)
}

/// `a` of a pair, connected to `b`, which is gone: a datagram has met an unreachable port.
fn unreachable(bed: &dyn TestBed) -> CaseResult<DatagramPair> {
    let pair = datagram_pair(bed)?;
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    check::works("closing", close(bed, pair.b))?;
    SendCall::send(bed, pair.a).bytes(b"anyone?").call().done(7)?;
    bed.grace(false);
    Ok(pair)
}

fn reports(bed: &dyn TestBed) -> CaseResult {
    let pair = unreachable(bed)?;
    for _ in 0..2 {
        readable(bed, pair.a, 0)?;
    }
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    let first = receive_ready(bed, pair.a, 9);
    check::fails("the first receive", first, WsaError::WSAECONNRESET)?;
    let second = receive_ready(bed, pair.a, 9);
    check::fails("the second receive", second, WsaError::WSAEWOULDBLOCK)?;
    // The peer is there again: it is heard past another report.
    let again = fresh(bed, false)?;
    SendCall::send(bed, pair.a).bytes(b"anyone?").call().done(7)?;
    bed.grace(false);
    check::works("WSPBind", bind(bed, again, pair.at_b))?;
    SendCall::send_to(bed, again).bytes(b"here").to(pair.at_a).call().done(4)?;
    bed.grace(false);
    readable(bed, pair.a, 4)?;
    let first = receive_ready(bed, pair.a, 9);
    check::fails("the report comes first", first, WsaError::WSAECONNRESET)?;
    check::equal("what came", receive_datagram(bed, pair.a)?.0, b"here".to_vec())
}

/// A report that FIONREAD meets ends the receive that waits for it.
fn beside_a_receive(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    let op = Op::new(bed);
    post_receive(bed, pair.a, 9, &op, Routine::NULL)?;
    bed.lower().answer(Seam::Receive, Answer::Refuse(WsaError::WSAECONNRESET));
    readable(bed, pair.a, 0)?;
    until(bed, false, "the end of the receive", || !op.is_pending(bed))?;
    op.failed(bed, WsaError::WSAECONNRESET, 0)
}

fn at_mark(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let mark = |s| {
        let call = IoctlCall::new(bed, s, SIOCATMARK).output().call();
        call.done(4)?;
        check::equal("SIOCATMARK", call.word(), 1)
    };
    mark(fresh(bed, true)?)?;
    mark(pair.b)?;
    SendCall::send(bed, pair.a).bytes(b"plain").call().done(5)?;
    bed.grace(false);
    mark(pair.b)
}

fn flush_queued(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for s in [pair.a, stream.a] {
        unbuffered(bed, s)?;
        hold_sends(bed);
        let ops = [Op::new(bed), Op::new(bed)];
        let call = |text: &[u8]| SendCall::send_to(bed, s).bytes(text).to(pair.at_b);
        for op in &ops {
            call(b"before").overlapped(op).call().pending()?;
        }
        check::works("SIO_FLUSH", flush(bed, s))?;
        for op in &ops {
            until(bed, false, "the end of a send", || !op.is_pending(bed))?;
            op.failed(bed, WsaError::WSA_OPERATION_ABORTED, 0)?;
        }
        let op = Op::new(bed);
        call(b"after").overlapped(&op).call().pending()?;
        release_sends(bed);
        until(bed, false, "the send after it", || !op.is_pending(bed))?;
        op.sent(bed, 5)?;
    }
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"after".to_vec())?;
    check::equal("the stream", receive_exactly(bed, stream.b, 5)?, b"after".to_vec())
}

fn flush_buffered(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("SO_SNDBUF", set_option(bed, pair.a, SO_SNDBUF, 100))?;
    hold_sends(bed);
    for text in [[1; 80], [2; 80]] {
        SendCall::send(bed, pair.a).bytes(&text).call().done(80)?;
    }
    let op = Op::new(bed);
    SendCall::send(bed, pair.a).bytes(&[3; 80]).overlapped(&op).call().pending()?;
    IoctlCall::new(bed, pair.a, SIO_FLUSH).call().done(0)?;
    until(bed, false, "the end of the send", || !op.is_pending(bed))?;
    op.failed(bed, WsaError::WSA_OPERATION_ABORTED, 0)?;
    release_sends(bed);
    let want = [[1; 80], [2; 80]].concat();
    check::equal("what was reported as sent", receive_exactly(bed, pair.b, 160)?, want)?;
    nothing_arrives(bed, pair.b)
}

fn connreset(bed: &dyn TestBed) -> CaseResult {
    for (off, want) in [(false, WsaError::WSAECONNRESET), (true, WsaError::WSAEWOULDBLOCK)] {
        let pair = unreachable(bed)?;
        if off {
            check::works("off", ioctl(bed, pair.a, SIO_UDP_CONNRESET, Some(0)))?;
        }
        check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
        check::fails("a receive", receive_ready(bed, pair.a, 9), want)?;
        check::works("on", ioctl(bed, pair.a, SIO_UDP_CONNRESET, Some(1)))?;
        let none = receive_ready(bed, pair.a, 9);
        check::fails("another", none, WsaError::WSAEWOULDBLOCK)?;
    }
    Ok(())
}

fn netreset(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    for (on, want) in [
        (None, WsaError::WSAENETRESET),
        (Some(0), WsaError::WSAEWOULDBLOCK),
        (Some(1), WsaError::WSAENETRESET),
    ] {
        if on.is_some() {
            check::works("SIO_UDP_NETRESET", ioctl(bed, pair.a, SIO_UDP_NETRESET, on))?;
        }
        bed.lower().answer(Seam::Receive, Answer::Refuse(WsaError::WSAENETRESET));
        check::fails("a receive", receive_ready(bed, pair.a, 9), want)?;
    }
    Ok(())
}
