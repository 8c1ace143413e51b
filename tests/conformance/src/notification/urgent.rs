//! How urgent data is told: FD_OOB and `exceptfds`.

use provider_core::spi::{FD_OOB, FD_READ, MSG_OOB, SO_OOBINLINE};
use provider_core::{SocketHandle, WsaError};

use super::event_select::selected;
use super::{receive, send};
use crate::support::{
    RecvCall, SendCall, Sets, async_select, ends, next_message, no_message, nothing_recorded,
    ready, ready_now, set_option, stream_pair, told_only,
};
use crate::{Case, CaseResult, Posted, Shared, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("eventselect-14-urgent-data", &["EVENTSELECT-14"], recorded),
    Case::both("eventselect-14-it-waits", &["EVENTSELECT-14", "EVENTSELECT-6"], waits_already),
    Case::both("eventselect-14-in-line-it-is-data", &["EVENTSELECT-14", "SETOPTION-12"], in_line),
    Case::both("eventselect-14-posted", &["EVENTSELECT-14", "ASYNCSELECT-1"], posted),
    Case::both("select-4-urgent-data", &["SELECT-4"], except),
    Case::both("select-4-urgent-data-in-line", &["SELECT-4", "SETOPTION-12"], except_in_line),
    Case::both("select-4-waits-for-urgent-data", &["SELECT-4", "SELECT-5"], except_waits),
];

/// Sends `byte` as urgent data.
#[track_caller]
fn alarm(bed: &dyn TestBed, s: SocketHandle, byte: u8) -> CaseResult {
    SendCall::send(bed, s).bytes(&[byte]).flags(MSG_OOB).call().done(1)
}

/// The urgent byte is there.
#[track_caller]
fn urgent(bed: &dyn TestBed, s: SocketHandle, byte: u8) -> CaseResult {
    RecvCall::recv(bed, s).room(1).flags(MSG_OOB).call().gave_flagged(&[byte], MSG_OOB)
}

#[track_caller]
fn inline(bed: &dyn TestBed, s: SocketHandle) -> CaseResult {
    check::works("SO_OOBINLINE", set_option(bed, s, SO_OOBINLINE, 1))
}

fn recorded(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let event = selected(bed, pair.b, FD_OOB)?;
    send(bed, pair.a, b"plain")?;
    nothing_recorded(bed, pair.b)?;
    for byte in *b"!?" {
        alarm(bed, pair.a, byte)?;
        let recorded = told_only(bed, pair.b, event, FD_OOB)?;
        check::equal("its error", recorded.error(FD_OOB), WsaError(0))?;
        nothing_recorded(bed, pair.b)?;
        urgent(bed, pair.b, byte)?;
        nothing_recorded(bed, pair.b)?;
    }
    check::equal("the stream", receive(bed, pair.b, 9)?, b"plain".to_vec())
}

fn waits_already(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    alarm(bed, pair.a, b'!')?;
    bed.grace(false);
    let event = selected(bed, pair.b, FD_OOB | FD_READ)?;
    told_only(bed, pair.b, event, FD_OOB)?;
    // A receive that leaves it there enables it again.
    let nothing = RecvCall::recv(bed, pair.b).room(1).call();
    nothing.refused(WsaError::WSAEWOULDBLOCK)?;
    told_only(bed, pair.b, event, FD_OOB)?;
    urgent(bed, pair.b, b'!')
}

fn in_line(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    inline(bed, pair.b)?;
    let event = selected(bed, pair.b, FD_OOB | FD_READ)?;
    alarm(bed, pair.a, b'!')?;
    told_only(bed, pair.b, event, FD_READ)?;
    check::equal("the stream", receive(bed, pair.b, 9)?, b"!".to_vec())?;
    nothing_recorded(bed, pair.b)
}

fn posted(bed: &dyn TestBed) -> CaseResult {
    const MESSAGE: u32 = 0x0402;
    let pair = stream_pair(bed)?;
    let window = bed.create_window();
    let selected = async_select(bed, pair.b, window, MESSAGE, FD_OOB);
    check::works("WSPAsyncSelect", selected)?;
    for byte in *b"!?" {
        alarm(bed, pair.a, byte)?;
        let want = Posted { message: MESSAGE, wparam: pair.b.0, lparam: FD_OOB as usize };
        check::equal("the message", next_message(bed, window)?, want)?;
        no_message(bed, window)?;
        urgent(bed, pair.b, byte)?;
    }
    no_message(bed, window)
}

fn except(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    send(bed, pair.a, b"plain")?;
    bed.grace(false);
    let sets = Sets::excepting(pair.b);
    check::equal("what is ready", ready_now(bed, &sets)?, Sets::default())?;
    alarm(bed, pair.a, b'!')?;
    for _ in 0..2 {
        check::equal("what is ready", ready(bed, &sets)?, Sets::excepting(pair.b))?;
    }
    urgent(bed, pair.b, b'!')?;
    check::equal("what is ready", ready_now(bed, &sets)?, Sets::default())
}

fn except_in_line(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    inline(bed, pair.b)?;
    alarm(bed, pair.a, b'!')?;
    bed.grace(false);
    let want = Sets { except: Vec::new(), ..Sets::all(pair.b) };
    check::equal("what is ready", ready_now(bed, &Sets::all(pair.b))?, want)
}

fn except_waits(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let done = Shared::new(false);
    let (ended, b) = (done.clone(), pair.b);
    let select = move |bed: &dyn TestBed| {
        let sets = Sets::excepting(b);
        let result = check::equal("what is ready", ready(bed, &sets)?, sets);
        ended.set(true);
        result
    };
    let thread = bed.spawn("selector", Box::new(select));
    bed.grace(false);
    send(bed, pair.a, b"plain")?;
    bed.grace(false);
    check::holds("it waits", !done.get())?;
    alarm(bed, pair.a, b'!')?;
    ends(bed, thread)?;
    urgent(bed, pair.b, b'!')
}
