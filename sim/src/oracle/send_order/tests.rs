use provider_core::spi::FIONBIO;
use provider_core::{Half, Profile, WsaError as E};

use super::super::testing::*;
use super::super::{Special, Verdict};
use crate::event::{Function, Tid};

fn stream() -> Play {
    let mut play = Play::new(Profile::Documented);
    play.start();
    play.socket(4, true, 1);
    play
}

fn datagram() -> Play {
    let mut play = Play::new(Profile::Documented);
    play.start();
    play.socket(4, false, 1);
    play
}

fn sent(play: &mut Play, bytes: &[u8]) -> Verdict {
    play.call(send(4, bytes), outcome(0, 0, Some(bytes.len() as u32)))
}

fn nonblocking(play: &mut Play) {
    let special = Special::Ioctl { code: FIONBIO, input: Some(1) };
    play.call(plain(Function::WSPIoctl, 4, special), outcome(0, 0, None)).unwrap();
}

#[test]
fn buffered_bytes_may_come_later_and_in_pieces() {
    let mut play = stream();
    sent(&mut play, b"hello").unwrap();
    sent(&mut play, b"world").unwrap();
    play.took(1, b"hel", 3).unwrap();
    play.took(1, b"loworld", 4).unwrap();
    play.took(1, b"rld", 3).unwrap();
}

#[test]
fn reordered_bytes_are_caught() {
    let mut play = stream();
    sent(&mut play, b"hello").unwrap();
    sent(&mut play, b"world").unwrap();
    breaks(play.took(1, b"world", 5), "ORD-2");
    let mut play = stream();
    sent(&mut play, b"hello").unwrap();
    sent(&mut play, b"world").unwrap();
    play.took(1, b"hel", 3).unwrap();
    breaks(play.took(1, b"world", 5), "ORD-2");
}

#[test]
fn altered_repeated_and_invented_bytes_are_caught() {
    let mut play = stream();
    sent(&mut play, b"hello").unwrap();
    breaks(play.took(1, b"hexlo", 5), "ORD-2");
    let mut play = stream();
    sent(&mut play, b"hello").unwrap();
    play.took(1, b"hello", 5).unwrap();
    breaks(play.took(1, b"lo", 2), "ORD-2");
}

#[test]
fn racing_sends_may_go_either_way() {
    for first in [b"aaaa", b"bbbb"] {
        let mut play = stream();
        let a = play.send(1, send(4, b"aaaa"));
        let b = play.send(2, send(4, b"bbbb"));
        let second = if first == b"aaaa" { b"bbbb" } else { b"aaaa" };
        play.took(1, first, 4).unwrap();
        play.took(1, second, 4).unwrap();
        play.leave(2, b, outcome(0, 0, Some(4))).unwrap();
        play.leave(1, a, outcome(0, 0, Some(4))).unwrap();
    }
}

/// The same content twice; the first call is then refused: the bytes were the second's.
#[test]
fn equal_contents_are_explained_again() {
    let mut play = stream();
    nonblocking(&mut play);
    let a = play.send(1, send(4, b"same"));
    let b = play.send(2, send(4, b"same"));
    play.took(1, b"same", 4).unwrap();
    play.leave(1, a, refused(E::WSAEWOULDBLOCK)).unwrap();
    play.leave(2, b, outcome(0, 0, Some(4))).unwrap();
    breaks(play.took(1, b"same", 4), "RET-4");
}

#[test]
fn partial_count_is_an_exact_prefix() {
    let mut play = stream();
    nonblocking(&mut play);
    let a = play.send(1, send(4, b"hello"));
    play.took(1, b"hello", 3).unwrap();
    play.leave(1, a, outcome(0, 0, Some(3))).unwrap();
    sent(&mut play, b"world").unwrap();
    play.took(1, b"world", 5).unwrap();
    // B20: counted as 2, and 3 were taken.
    let a = play.send(1, send(4, b"hello"));
    play.took(1, b"hello", 3).unwrap();
    breaks(play.leave(1, a, outcome(0, 0, Some(2))), "ORD-3");
}

/// The last byte of a send with MSG_OOB is taken as urgent, and no other.
#[test]
fn urgent_bytes_are_where_they_were_sent() {
    let sent = || {
        let mut play = stream();
        play.call(send(4, b"one"), outcome(0, 0, Some(3))).unwrap();
        play.call(urgent(send(4, b"two!")), outcome(0, 0, Some(4))).unwrap();
        play.call(send(4, b"three"), outcome(0, 0, Some(5))).unwrap();
        play
    };
    let mut play = sent();
    play.took(1, b"onetw", 4).unwrap();
    play.took(1, b"wo", 2).unwrap();
    play.took_urgent(1, b'!').unwrap();
    play.took(1, b"three", 5).unwrap();
    // As an ordinary byte, one early, in front of the rest, and with what is behind it.
    breaks(sent().took(1, b"onetwo!", 7), "ORD-2");
    let mut play = sent();
    play.took(1, b"onetw", 5).unwrap();
    breaks(play.took_urgent(1, b'o'), "ORD-2");
    breaks(sent().took_urgent(1, b'!'), "ORD-2");
    let mut play = sent();
    play.took(1, b"onetwo", 6).unwrap();
    breaks(play.took(1, b"!three", 6), "ORD-2");
}

/// The same content, urgent and not; whichever was refused, the bytes are the other's.
#[test]
fn equal_contents_of_which_one_is_urgent_are_told_apart() {
    for oob in [false, true] {
        let mut play = stream();
        nonblocking(&mut play);
        let a = play.send(1, send(4, b"same"));
        let b = play.send(2, urgent(send(4, b"same")));
        play.took(1, b"sam", 3).unwrap();
        if oob {
            play.took_urgent(1, b'e').unwrap();
        } else {
            play.took(1, b"e", 1).unwrap();
        }
        let (refuses, gives) = if oob { ((1, a), (2, b)) } else { ((2, b), (1, a)) };
        play.leave(refuses.0, refuses.1, refused(E::WSAEWOULDBLOCK)).unwrap();
        play.leave(gives.0, gives.1, outcome(0, 0, Some(4))).unwrap();
        let mut play = stream();
        nonblocking(&mut play);
        let a = play.send(1, send(4, b"same"));
        let b = play.send(2, urgent(send(4, b"same")));
        play.took(1, b"sam", 3).unwrap();
        if oob {
            play.took_urgent(1, b'e').unwrap();
        } else {
            play.took(1, b"e", 1).unwrap();
        }
        let (gives, refuses) = if oob { ((1, a), (2, b)) } else { ((2, b), (1, a)) };
        let first = play.leave(refuses.0, refuses.1, refused(E::WSAEWOULDBLOCK));
        breaks(first.and_then(|()| play.leave(gives.0, gives.1, outcome(0, 0, Some(4)))), "RET-4");
    }
}

#[test]
fn blocking_send_takes_all() {
    let mut play = stream();
    breaks(play.call(send(4, b"hello"), outcome(0, 0, Some(3))), "SYN-4");
    let mut play = Play::new(Profile::Windows);
    play.socket(4, true, 1);
    nonblocking(&mut play);
    breaks(play.call(send(4, b"hello"), outcome(0, 0, Some(3))), "SYN-2");
    let mut play = datagram();
    breaks(play.call(send(4, b"hello"), outcome(0, 0, Some(3))), "RET-14");
}

#[test]
fn refused_sends_leave_nothing() {
    let mut play = stream();
    nonblocking(&mut play);
    let a = play.send(1, send(4, b"hello"));
    play.took(1, b"hello", 2).unwrap();
    breaks(play.leave(1, a, refused(E::WSAENOBUFS)), "RET-4");
    let mut play = datagram();
    play.call(send(4, b"hello"), refused(E::WSAENOBUFS)).unwrap();
    breaks(play.took(1, b"hello", 5), "RET-4");
}

/// A blocking send that was cancelled leaves a prefix, and what follows goes on behind it.
#[test]
fn cut_blocking_send_leaves_a_prefix() {
    let mut play = stream();
    let a = play.send(1, send(4, b"hello"));
    play.took(1, b"hello", 2).unwrap();
    play.cancel(1);
    play.leave(1, a, refused(E::WSAEINTR)).unwrap();
    sent(&mut play, b"world").unwrap();
    play.took(1, b"world", 5).unwrap();
    breaks(play.took(1, b"llo", 3), "ORD-2");
}

#[test]
fn aborted_operation_has_exactly_its_prefix() {
    let run = |count: u64| {
        let mut play = stream();
        let id = play.send(1, overlapped(send(4, b"hello"), OV, false));
        play.leave(1, id, pending()).unwrap();
        play.took(1, b"hello", 2).unwrap();
        // The next one goes before the status of the first is stored.
        sent(&mut play, b"world").unwrap();
        play.took(1, b"world", 5).unwrap();
        play.flush(4);
        play.stored(9, OV, ended(E::WSA_OPERATION_ABORTED.0, count))
    };
    run(2).unwrap();
    breaks(run(0), "CXL-8");
    breaks(run(3), "CXL-8");
}

#[test]
fn success_after_being_overtaken_is_caught() {
    let mut play = datagram();
    let id = play.send(1, overlapped(send(4, b"one"), OV, false));
    play.leave(1, id, pending()).unwrap();
    sent(&mut play, b"two").unwrap();
    play.took(1, b"two", 3).unwrap();
    breaks(play.stored(9, OV, ended(0, 3)), "ORD-3");
}

#[test]
fn aborted_datagram_is_never_sent() {
    let mut play = datagram();
    let id = play.send(1, overlapped(send(4, b"one"), OV, false));
    play.leave(1, id, pending()).unwrap();
    play.flush(4);
    play.stored(9, OV, ended(E::WSA_OPERATION_ABORTED.0, 0)).unwrap();
    breaks(play.took(1, b"one", 3), "CXL-8");
    let mut play = datagram();
    let id = play.send(1, overlapped(send(4, b"one"), OV, false));
    play.leave(1, id, pending()).unwrap();
    play.took(1, b"one", 3).unwrap();
    play.flush(4);
    breaks(play.stored(9, OV, ended(E::WSA_OPERATION_ABORTED.0, 0)), "CXL-8");
}

#[test]
fn datagrams_keep_their_order_and_number() {
    let mut play = datagram();
    sent(&mut play, b"one").unwrap();
    sent(&mut play, b"").unwrap();
    sent(&mut play, b"two").unwrap();
    play.took(1, b"one", 3).unwrap();
    play.took(1, b"", 0).unwrap();
    play.took(1, b"two", 3).unwrap();
    breaks(play.took(1, b"two", 3), "ORD-2");
    let mut play = datagram();
    sent(&mut play, b"one").unwrap();
    sent(&mut play, b"two").unwrap();
    breaks(play.took(1, b"two", 3), "ORD-2");
}

/// A buffered datagram that the transport refuses is dropped, and may not come back later.
#[test]
fn refused_by_the_transport_may_be_dropped() {
    let mut play = datagram();
    sent(&mut play, b"one").unwrap();
    sent(&mut play, b"two").unwrap();
    let at = play.at(9);
    play.oracles.transport_sent(at, CLIENT, 1, b"one", None, Err(E::WSAENETUNREACH)).unwrap();
    play.took(1, b"two", 3).unwrap();
    breaks(play.took(1, b"one", 3), "ORD-2");
}

/// ... or tried again, also after many others have come and gone.
#[test]
fn refused_by_the_transport_may_be_tried_again() {
    let mut play = datagram();
    sent(&mut play, b"one").unwrap();
    let at = play.at(9);
    play.oracles.transport_sent(at, CLIENT, 1, b"one", None, Err(E::WSAENOBUFS)).unwrap();
    sent(&mut play, b"two").unwrap();
    play.took(1, b"one", 3).unwrap();
    play.took(1, b"two", 3).unwrap();
}

#[test]
fn graceful_end_sends_what_was_reported() {
    let end = |play: &mut Play| {
        let at = play.at(1);
        play.oracles.transport_shutdown(at, CLIENT, 1, Half::Send, Ok(()))
    };
    let mut play = stream();
    sent(&mut play, b"hello").unwrap();
    play.took(1, b"hello", 5).unwrap();
    end(&mut play).unwrap();
    let mut play = stream();
    sent(&mut play, b"hello").unwrap();
    play.took(1, b"hello", 3).unwrap();
    breaks(end(&mut play), "CXL-6");
    let mut play = stream();
    sent(&mut play, b"hello").unwrap();
    let at = play.at(1);
    play.oracles.transport_sent(at, CLIENT, 1, b"hello", None, Err(E::WSAECONNRESET)).unwrap();
    end(&mut play).unwrap();
    let mut play = stream();
    sent(&mut play, b"hello").unwrap();
    let at = play.at(1);
    play.oracles.transport_closed(at, CLIENT, 1, true).unwrap();
}

/// A thread that was terminated in a blocked send leaves any prefix.
#[test]
fn terminated_sender() {
    let mut play = stream();
    play.send(2, send(4, b"hello"));
    play.took(1, b"hello", 2).unwrap();
    let at = play.at(2);
    play.oracles.thread_ended(at, CLIENT, Tid(2), crate::event::ThreadEnd::Terminated).unwrap();
    sent(&mut play, b"world").unwrap();
    play.took(1, b"world", 5).unwrap();
}

/// A SOCKET used again while a send on the old one is inside: nobody can say which it means.
#[test]
fn handle_reuse() {
    let mut play = stream();
    let id = play.send(2, send(4, b"hello"));
    play.call(plain(Function::WSPCloseSocket, 4, Special::None), outcome(0, 0, None)).unwrap();
    play.socket(4, true, 2);
    sent(&mut play, b"world").unwrap();
    play.took(2, b"world", 5).unwrap();
    play.leave(2, id, refused(E::WSAENOTSOCK)).unwrap();
}

#[test]
fn long_windows_are_trimmed() {
    let mut play = stream();
    let first = play.send(2, send(4, b"slow"));
    for n in 0..200_u32 {
        let bytes = n.to_le_bytes();
        sent(&mut play, &bytes).unwrap();
        play.took(1, &bytes, 4).unwrap();
    }
    play.took(1, b"slow", 4).unwrap();
    play.leave(2, first, outcome(0, 0, Some(4))).unwrap();
    breaks(play.took(1, b"slow", 4), "ORD-2");
}

/// A cancelled blocking send may have more of its prefix in the provider's own buffer, which still
/// goes.
#[test]
fn cancelled_blocking_send_may_go_on() {
    for error in [E::WSAEINTR, E::WSAETIMEDOUT] {
        let mut play = stream();
        let a = play.send(1, send(4, b"hello"));
        play.took(1, b"hello", 2).unwrap();
        play.cancel(1);
        play.leave(1, a, refused(error)).unwrap();
        play.took(1, b"llo", 2).unwrap();
        sent(&mut play, b"world").unwrap();
        play.took(1, b"world", 5).unwrap();
        breaks(play.took(1, b"o", 1), "ORD-2");
    }
}

/// A datagram that the transport refused for now is still owed, though nothing else is under way.
#[test]
fn refused_by_the_transport_is_not_forgotten() {
    let mut play = datagram();
    nonblocking(&mut play);
    sent(&mut play, b"one").unwrap();
    let at = play.at(9);
    play.oracles.transport_sent(at, CLIENT, 1, b"one", None, Err(E::WSAENOBUFS)).unwrap();
    play.call(send(4, b"two"), refused(E::WSAEWOULDBLOCK)).unwrap();
    play.took(1, b"one", 3).unwrap();
    breaks(play.took(1, b"one", 3), "ORD-2");
}

/// Of FIONBIO calls that overlap nobody knows which one counts, until one that is alone.
#[test]
fn overlapping_mode_changes_leave_the_mode_unknown() {
    let special = |on| Special::Ioctl { code: FIONBIO, input: Some(on) };
    let change = |on| plain(Function::WSPIoctl, 4, special(on));
    let would_block = |play: &mut Play| play.call(send(4, b"hello"), refused(E::WSAEWOULDBLOCK));
    for on in [0, 1] {
        let mut play = stream();
        let first = play.enter(1, change(on));
        let second = play.enter(2, change(1 - on));
        play.leave(2, second, outcome(0, 0, None)).unwrap();
        play.leave(1, first, outcome(0, 0, None)).unwrap();
        would_block(&mut play).unwrap();
        play.call(change(0), outcome(0, 0, None)).unwrap();
        breaks(would_block(&mut play), "ERR-WOULDBLOCK-2");
    }
}

#[test]
fn a_send_that_entered_before_its_socket_was_may_land_on_it() {
    for strays in [true, false] {
        let mut play = stream();
        let id = play.enter(2, send(6, b"stray"));
        if !strays {
            play.leave(2, id, refused(E::WSAENOTSOCK)).unwrap();
        }
        play.socket(6, true, 2);
        let took = play.took(2, b"stray", 5);
        assert_eq!(took.is_ok(), strays, "{took:?}");
        // That of another SOCKET is judged as ever.
        breaks(play.took(1, b"stray", 5), "ORD-2");
    }
}

#[test]
fn a_stray_send_may_land_before_its_descriptor_is_known() {
    let mut play = stream();
    let id = play.enter(9, send(6, b"stray"));
    // Thread 9 makes the transport's calls here.
    play.took(1, b"stray", 5).unwrap();
    play.leave(9, id, outcome(0, 0, Some(5))).unwrap();
}
