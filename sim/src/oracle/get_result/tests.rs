use provider_core::{Profile, WsaError as E};

use super::super::testing::*;
use super::super::{Outcome, OverlappedFacts, Special, Verdict};
use crate::event::Function;

fn judge(
    before: OverlappedFacts,
    after: OverlappedFacts,
    value: i64,
    errno: i32,
    count: u32,
) -> Verdict {
    let mut play = Play::new(Profile::Documented);
    play.socket(4, false, 1);
    let special = Special::GetResult { wait: false, before: Some(before) };
    let mut call = plain(Function::WSPGetOverlappedResult, 4, special);
    call.overlapped = OV;
    let result = Outcome { overlapped: Some(after), ..outcome(value, errno, Some(count)) };
    play.call(call, result)
}

#[test]
fn truth() {
    let (pending, done) = (ended(0x103, 0), ended(0, 5));
    let pending = OverlappedFacts { error: 0, ..pending };
    let failed = ended(E::WSAENOBUFS.0, 0);
    judge(pending, pending, 0, E::WSA_IO_INCOMPLETE.0, 0).unwrap();
    judge(pending, done, 0, E::WSA_IO_INCOMPLETE.0, 0).unwrap();
    judge(pending, done, 1, 0, 5).unwrap();
    judge(failed, failed, 0, E::WSAENOBUFS.0, 0).unwrap();
    judge(done, done, 0, E::WSAEFAULT.0, 0).unwrap();
    breaks(judge(done, done, 0, E::WSA_IO_INCOMPLETE.0, 0), "OVL-12");
    breaks(judge(pending, pending, 1, 0, 0), "OVL-12");
    breaks(judge(done, done, 1, 0, 4), "OVL-12");
    breaks(judge(failed, failed, 1, 0, 0), "OVL-12");
    breaks(judge(done, done, 0, E::WSAENOBUFS.0, 0), "OVL-12");
    breaks(judge(pending, pending, 0, E::WSAECONNRESET.0, 0), "OVL-12");
}
