//! The blocking hook: when it is called, what may be done in it, and how it cancels.

use core::cell::Cell;
use core::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use provider_core::spi::{AF_INET, IPPROTO_UDP, SO_RCVTIMEO, SO_SNDBUF, SOCK_DGRAM};
use provider_core::{SocketHandle, WsaError};
use wspsim::api::{INFINITE, Os, WAIT_TIMEOUT};

use crate::regressions::pair::{
    PROFILES, Pair, Program, QUIET, clean, connected, listener, reader,
};

const SEEDS: u64 = 20;

fn runs(client: Program) {
    let pair = Pair { network: QUIET, server: reader, client };
    for profile in PROFILES {
        (0..SEEDS).for_each(|seed| drop(clean(&pair, seed, profile, &[])));
    }
}

/// A datagram socket that is bound.
fn datagram(os: &Os) -> Result<SocketHandle, WsaError> {
    let s = os.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)?;
    os.bind(s, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0))?;
    Ok(s)
}

/// Its address on its own machine.
fn own(os: &Os, s: SocketHandle) -> Result<SocketAddr, WsaError> {
    Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), os.getsockname(s)?.port()))
}

/// Ends as the client of [`reader`] does, which waits for a connection.
fn end(os: &Os) -> Result<(), WsaError> {
    os.wsa_unhook_blocking_hook();
    os.closesocket(connected(os)?)?;
    os.wsa_cleanup()
}

#[test]
fn a_call_that_blocks_calls_it_and_a_call_in_it_is_refused() {
    fn client(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let (s, calls) = (datagram(os)?, Rc::new(Cell::new(0)));
        let to = own(os, s)?;
        let counted = Rc::clone(&calls);
        os.wsa_set_blocking_hook(move |os| {
            counted.set(counted.get() + 1);
            let refused = Err(WsaError::WSAEINPROGRESS);
            os.check(os.sendto(s, b"x", 0, to) == refused.map(|()| 0), "a send in the hook");
            os.check(os.closesocket(s) == refused, "a close in the hook");
            os.check(os.wsa_startup().is_err(), "WSPStartup in the hook");
            os.check(os.wsa_cleanup() == refused, "WSPCleanup in the hook");
            false
        });
        os.create_thread("sender", false, move |os| {
            os.sleep(200);
            // A hook is its thread's: nobody is in one here.
            os.check(os.sendto(s, b"now", 0, to) == Ok(3), "a send beside the hook");
        });
        os.check(os.recv(s, &mut [0; 9], 0) == Ok(3), "what was waited for");
        os.check((3..=6).contains(&calls.get()), "the hook is called now and then");
        os.sendto(s, b"x", 0, to)?;
        let before = calls.get();
        os.check(os.sendto(s, b"y", 0, to) == Ok(1), "a send that does not block");
        os.check(calls.get() == before, "a call that does not block calls no hook");
        os.closesocket(s)?;
        end(os)
    }
    runs(client);
}

#[test]
fn it_cancels_every_call_that_blocks() {
    fn client(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let listener = listener(os)?;
        let s = datagram(os)?;
        let stream = connected(os)?;
        os.setsockopt(stream, SO_SNDBUF, 0)?;
        let nobody = SocketAddr::new(Ipv4Addr::new(10, 0, 200, 200).into(), 9);
        let calls: [&dyn Fn() -> Result<usize, WsaError>; 5] = [
            &|| os.recvfrom(s, &mut [0; 9], 0).map(|(len, _)| len),
            &|| os.accept(listener).map(|_| 0),
            &|| {
                let s = os.socket(AF_INET, provider_core::spi::SOCK_STREAM, 0)?;
                os.connect(s, nobody).map(|()| 0)
            },
            &|| os.recv(stream, &mut [0; 9], 0),
            &|| os.send(stream, &vec![0; 8_000_000], 0),
        ];
        for (number, call) in calls.iter().enumerate() {
            let left = Cell::new(3);
            os.wsa_set_blocking_hook(move |os| {
                left.set(left.get() - 1);
                if left.get() == 0 {
                    os.check(os.wsa_cancel_blocking_call() == Ok(()), "the hook cannot cancel");
                }
                false
            });
            let began_ns = os.now_ns();
            let result = call();
            os.check(result == Err(WsaError::WSAEINTR), &format!("call {number}: {result:?}"));
            let took_ms = (os.now_ns() - began_ns) / 1_000_000;
            os.check((90..300).contains(&took_ms), "by the third call of the hook");
        }
        for s in [listener, s, stream] {
            os.closesocket(s)?;
        }
        os.wsa_cleanup()
    }
    runs(client);
}

#[test]
fn time_outs_hold_with_a_hook() {
    fn client(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let s = datagram(os)?;
        os.setsockopt(s, SO_RCVTIMEO, 120)?;
        os.wsa_set_blocking_hook(|_| false);
        let began_ns = os.now_ns();
        os.check(os.recv(s, &mut [0; 9], 0) == Err(WsaError::WSAETIMEDOUT), "no time-out");
        let took_ms = (os.now_ns() - began_ns) / 1_000_000;
        os.check((120..125).contains(&took_ms), "the time-out is not kept");
        os.closesocket(s)?;
        end(os)
    }
    runs(client);
}

#[test]
fn an_apc_beside_the_hook_may_call() {
    fn client(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let s = datagram(os)?;
        let to = own(os, s)?;
        let here = os.current_thread();
        os.wsa_set_blocking_hook(|_| false);
        os.create_thread("waker", false, move |os| {
            os.sleep(20);
            let queued = os.queue_user_apc(here, move |os| {
                os.check(os.sendto(s, b"self", 0, to) == Ok(4), "a send in an APC of the wait");
            });
            os.check(queued.is_ok(), "no APC is queued");
        });
        os.check(os.recv(s, &mut [0; 9], 0) == Ok(4), "what the APC sent");
        os.closesocket(s)?;
        end(os)
    }
    runs(client);
}

/// The last WSPCleanup waits until nobody touches the client's memory: no hook and no APC can cut
/// that short. What is left unsent by a closed socket keeps it waiting here.
#[test]
fn it_has_no_say_in_cleanup() {
    fn client(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let stream = connected(os)?;
        os.setsockopt(stream, SO_SNDBUF, 1_000_000)?;
        os.check(os.send(stream, &vec![7; 300_000], 0) == Ok(300_000), "all is buffered");
        os.closesocket(stream)?;
        os.wsa_set_blocking_hook(|os| {
            os.fail("WSPCleanup calls the blocking hook");
            false
        });
        let here = os.current_thread();
        os.create_thread("waker", false, move |os| {
            os.sleep(20);
            let _ = os.queue_user_apc(here, |os| {
                let nothing = os.wsa_cancel_blocking_call();
                os.check(nothing == Err(WsaError::WSANOTINITIALISED), "WSPCleanup is cancelled");
            });
        });
        os.wsa_cleanup()
    }
    fn counts(os: &Os) -> Result<(), WsaError> {
        os.wsa_startup()?;
        let listener = listener(os)?;
        let (socket, _) = os.accept(listener)?;
        let mut all = 0;
        while let Ok(got @ 1..) = os.recv(socket, &mut [0; 4_000], 0) {
            all += got;
        }
        os.check(all == 300_000, "data of a closed socket was lost to a cancelled WSPCleanup");
        for s in [socket, listener] {
            os.closesocket(s)?;
        }
        os.check(
            os.wait_for_single_object(os.stop_event(), INFINITE) != WAIT_TIMEOUT,
            "the end of the run",
        );
        os.wsa_cleanup()
    }
    let pair = Pair { network: QUIET, server: counts, client };
    for profile in PROFILES {
        (0..SEEDS).for_each(|seed| drop(clean(&pair, seed, profile, &[])));
    }
}
