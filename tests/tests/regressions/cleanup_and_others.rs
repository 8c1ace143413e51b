//! The last WSPCleanup and what goes on beside it: a thread that waited in WSPGetOverlappedResult
//! was never told, since no event is set (CXL-7), and the routines of a provider that was started
//! again meanwhile were dropped (APC-9). Found by review.

use core::cell::Cell;
use core::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use provider_core::spi::{AF_INET, IPPROTO_UDP, SO_SNDBUF, SOCK_DGRAM};
use provider_core::{Routine, SocketHandle, WsaError};
use wspsim::api::Os;

use super::pair::{PROFILES, Pair, QUIET, clean, connected, reader, server};

fn datagram_socket(os: &Os) -> Result<SocketHandle, WsaError> {
    let socket = os.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)?;
    os.bind(socket, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0))?;
    Ok(socket)
}

fn waits_for_a_result(os: &Os) -> Result<(), WsaError> {
    cleans_up_beside_a_wait(os, 20)
}

fn is_about_to_wait(os: &Os) -> Result<(), WsaError> {
    cleans_up_beside_a_wait(os, 0)
}

fn cleans_up_beside_a_wait(os: &Os, after_ms: u32) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let stream = connected(os)?;
    os.closesocket(stream)?;
    os.sleep(50);
    let socket = datagram_socket(os)?;
    let event = os.create_event(true, false);
    let overlapped = Rc::new(os.overlapped_with_event(event));
    let room = os.alloc(64);
    let begun = os.wsa_recv(socket, &[room.all()], 0, Some(&overlapped), Routine::NULL);
    os.check(begun == Err(WsaError::WSA_IO_PENDING), "the receive did not pend");
    let waited = Rc::clone(&overlapped);
    let waiter = os.create_thread("waiter", false, move |os| {
        let result = os.wsa_get_overlapped_result(socket, &waited, true);
        os.check(result.is_err(), "an operation that was cancelled ended well");
    });
    os.sleep(after_ms);
    os.wsa_cleanup()?;
    os.join(waiter);
    Ok(())
}

fn starts_again(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let stream = connected(os)?;
    os.setsockopt(stream, SO_SNDBUF, 8_000_000)?;
    os.send(stream, &vec![7; 4_000_000], 0)?;
    os.closesocket(stream)?;
    // It takes the cleaner a while to let the stream's data out.
    let cleaner = os.create_thread("cleaner", false, |os| _ = os.wsa_cleanup());
    os.sleep(100);
    os.wsa_startup()?;
    let socket = datagram_socket(os)?;
    let ran = Rc::new(Cell::new(false));
    let told = Rc::clone(&ran);
    let routine = os.routine(move |_, _, _, _, _| told.set(true));
    let (overlapped, byte) = (os.overlapped(), os.alloc_with(b"x"));
    let to = Some(server(os));
    let sent = os.wsa_send_to(socket, &[byte.all()], 0, to, Some(&overlapped), routine);
    os.check(sent.is_ok(), "the datagram was not sent at once");
    os.join(cleaner);
    os.sleep_ex(100, true);
    os.check(ran.get(), "the routine of the provider's new life never ran");
    os.closesocket(socket)?;
    os.wsa_cleanup()
}

//= docs/spec/startup.md#cleanup-8
//= type=test
//# A thread that waits in WSPGetOverlappedResult MUST be told by the last call that its operation
//# has ended.
#[test]
fn a_thread_that_waits_for_a_result_is_told_of_the_end() {
    let pair = Pair { network: QUIET, server: reader, client: waits_for_a_result };
    for profile in PROFILES {
        (0..8).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}

/// The last WSPCleanup stored the status and woke who waits, while a thread was on its way from
/// reading the status to its wait: it waited for ever.
#[test]
fn a_thread_that_is_about_to_wait_for_a_result_is_not_forgotten() {
    let pair = Pair { network: QUIET, server: reader, client: is_about_to_wait };
    (0..3_000).for_each(|seed| _ = clean(&pair, seed, PROFILES[0], &[]));
}

//= docs/spec/startup.md#cleanup-7
//= type=test
//# WSPStartup MUST be possible at once after the last call, and beside it, for a life of its own.
#[test]
fn a_provider_started_again_beside_its_end_keeps_its_routines() {
    let pair = Pair { network: QUIET, server: reader, client: starts_again };
    for profile in PROFILES {
        (0..4).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}

fn closes_beside_the_end(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let stream = connected(os)?;
    os.closesocket(stream)?;
    os.sleep(50);
    let socket = datagram_socket(os)?;
    let pending: Vec<_> = (0..4)
        .map(|_| {
            let event = os.create_event(true, false);
            let (overlapped, room) = (os.overlapped_with_event(event), os.alloc(64));
            let _ = os.wsa_recv(socket, &[room.all()], 0, Some(&overlapped), Routine::NULL);
            (overlapped, room)
        })
        .collect();
    let closer = os.create_thread("closer", false, move |os| _ = os.closesocket(socket));
    os.sleep(0);
    os.wsa_cleanup()?;
    os.join(closer);
    drop(pending);
    Ok(())
}

//= docs/spec/wspsendto.md#cxl-7
//= type=test
//# The last WSPCleanup MUST end pending operations with WSA_OPERATION_ABORTED in their status, and
//# with neither event nor routine.
/// What a close had cancelled and not told of was told of by the last WSPCleanup, with its event
/// (CXL-7). Found by datagram-echo, seed 20359.
#[test]
fn a_close_beside_the_end_leaves_no_event_to_it() {
    let pair = Pair { network: QUIET, server: reader, client: closes_beside_the_end };
    for profile in PROFILES {
        (0..150).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}
