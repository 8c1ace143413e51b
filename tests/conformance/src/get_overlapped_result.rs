//! WSPGetOverlappedResult.

use provider_core::{EventHandle, SocketHandle, UserPtr, WsaError};

use crate::support::{
    COUNT_SENTINEL, Guarded, Op, RecvCall, SendCall, close, completions, datagram_pair, ends,
    hold_sends, overlapped_result, release_sends, unbuffered, until,
};
use crate::{Answer, Case, CaseResult, Seam, Shared, TestBed, check};

/// The cases of this function.
pub(crate) const CASES: &[Case] = &[
    Case::both("getresult-1-success", &["GETRESULT-1", "GETRESULT-7"], success),
    Case::both("getresult-2-failure", &["GETRESULT-2", "RESULT-1", "RESULT-2"], failure),
    Case::both("getresult-3-while-it-pends", &["GETRESULT-3"], incomplete),
    Case::both("getresult-4-waits-for-the-end", &["GETRESULT-4", "GETRESULT-7"], waits),
    Case::both("getresult-5-no-event-to-wait-for", &["GETRESULT-5"], no_event),
    Case::both("getresult-6-set-by-somebody-else", &["GETRESULT-6"], set_by_another),
    Case::both("getresult-8-bad-memory", &["GETRESULT-8"], bad_memory),
];

fn success(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let (sent, received) = (Op::new(bed), Op::new(bed));
    let call = RecvCall::recv(bed, pair.b).room(10).overlapped(&received).call();
    call.pending()?;
    SendCall::send_to(bed, pair.a)
        .bytes(b"four")
        .to(pair.at_b)
        .overlapped(&sent)
        .call()
        .done_overlapped(4)?;
    until(bed, false, "the receive", || !received.is_pending(bed))?;
    for _ in 0..2 {
        check::equal("the send", overlapped_result(bed, pair.a, &sent, false)?, Ok((4, 0)))?;
        check::equal("the receive", overlapped_result(bed, pair.b, &received, true)?, Ok((4, 0)))?;
    }
    call.holds(b"four")
}

fn failure(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    let op = Op::new(bed);
    let call = SendCall::send_to(bed, pair.a).bytes(b"never").to(pair.at_b).overlapped(&op);
    call.call().pending()?;
    bed.lower().answer(Seam::Send, Answer::Refuse(WsaError::WSAENETUNREACH));
    release_sends(bed);
    until(bed, false, "the end", || !op.is_pending(bed))?;
    for wait in [false, true] {
        let result = overlapped_result(bed, pair.a, &op, wait)?;
        check::fails("the result", result, WsaError::WSAENETUNREACH)?;
    }
    Ok(())
}

fn incomplete(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let seen = completions(bed);
    let (plain, routine) = (Op::new(bed), Op::new(bed));
    RecvCall::recv(bed, pair.b).room(10).overlapped(&plain).call().pending()?;
    let call = RecvCall::recv(bed, pair.b).room(10).overlapped(&routine).routine(seen.routine());
    call.call().pending()?;
    for op in [&plain, &routine] {
        let result = overlapped_result(bed, pair.b, op, false)?;
        check::fails("the result", result, WsaError::WSA_IO_INCOMPLETE)?;
        op.pending(bed)?;
    }
    Ok(())
}

fn waits(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    for manual in [false, true] {
        let op = Op::with_event(bed, bed.create_event(manual, false));
        RecvCall::recv(bed, pair.b).room(10).overlapped(&op).call().pending()?;
        let returned = Shared::new(false);
        let done = returned.clone();
        let thread = bed.spawn(
            "waiter",
            Box::new(move |bed| {
                let result = overlapped_result(bed, pair.b, &op, true)?;
                done.set(true);
                check::equal("the result", result, Ok((2, 0)))
            }),
        );
        bed.grace(false);
        check::holds("it waits", !returned.get())?;
        SendCall::send_to(bed, pair.a).bytes(b"go").to(pair.at_b).call().done(2)?;
        ends(bed, thread)?;
    }
    Ok(())
}

fn no_event(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    for event in [EventHandle(0), bed.no_event()] {
        let op = Op::with_event(bed, event);
        RecvCall::recv(bed, pair.b).room(10).overlapped(&op).call().pending()?;
        let result = overlapped_result(bed, pair.b, &op, true)?;
        check::fails("the result", result, WsaError::WSA_INVALID_HANDLE)?;
        op.pending(bed)?;
    }
    Ok(())
}

fn set_by_another(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let event = bed.create_event(true, false);
    let op = Op::with_event(bed, event);
    RecvCall::recv(bed, pair.b).room(10).overlapped(&op).call().pending()?;
    bed.set_event(event);
    let result = overlapped_result(bed, pair.b, &op, false)?;
    check::fails("the result", result, WsaError::WSA_IO_INCOMPLETE)?;
    let returned = Shared::new(false);
    let done = returned.clone();
    let thread = bed.spawn(
        "waiter",
        Box::new(move |bed| {
            let result = overlapped_result(bed, pair.b, &op, true)?;
            done.set(true);
            check::equal("the result", result, Ok((2, 0)))
        }),
    );
    bed.grace(false);
    check::holds("it still waits", !returned.get())?;
    SendCall::send_to(bed, pair.a).bytes(b"go").to(pair.at_b).call().done(2)?;
    ends(bed, thread)
}

fn bad_memory(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let op = Op::new(bed);
    SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).overlapped(&op).call().done(1)?;
    let ask = |s: SocketHandle, op: UserPtr, count: UserPtr, flags: UserPtr| {
        let errno = Guarded::holding(bed, &COUNT_SENTINEL.to_le_bytes());
        let value = bed.spi().wsp_get_overlapped_result(s, op, count, false, flags, errno.at());
        (value, WsaError(errno.word(bed) as i32))
    };
    let word = || Guarded::holding(bed, &COUNT_SENTINEL.to_le_bytes());
    for bad in bed.bad_pointers() {
        let (count, flags) = (word(), word());
        for (at, count, flags) in [
            (bad.at, count.at(), flags.at()),
            (op.at(), bad.at, flags.at()),
            (op.at(), count.at(), bad.at),
        ] {
            check::equal(bad.what, ask(pair.a, at, count, flags), (0, WsaError::WSAEFAULT))?;
        }
        check::equal("the count", count.word(bed), COUNT_SENTINEL)?;
        check::equal("the flags", flags.word(bed), COUNT_SENTINEL)?;
    }
    check::works("closing", close(bed, pair.b))
}
