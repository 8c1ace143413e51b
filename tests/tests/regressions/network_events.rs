//! A receive that failed made FD_READ come twice: it was enabled again where it began, and told,
//! and enabled again where it ended. And the receive oracle did not know whose a connection was
//! that the provider had taken ahead of WSPAccept, as it does for FD_ACCEPT: it objected to the
//! second exchange.

use provider_core::WsaError;
use provider_core::spi::{AF_INET, FD_ACCEPT, FD_READ, FIONBIO, IPPROTO_UDP, SOCK_DGRAM};
use wspsim::api::{INFINITE, Os};
use wspsim::fault::{Answer, Seam};

use super::pair::{PROFILES, Pair, QUIET, clean, connected, listener, reader};

const MESSAGE: u32 = 0x500;
const SOON_MS: u32 = 100;

fn told_once(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let s = os.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)?;
    os.bind(s, core::net::SocketAddr::new(os.address_of("client"), 0))?;
    let window = os.create_window();
    os.wsa_async_select(s, window, MESSAGE, FD_READ)?;
    os.sendto(s, b"to itself", 0, os.getsockname(s)?)?;
    os.check(os.get_message(window, SOON_MS)?.is_some(), "FD_READ does not come");
    os.answer_next(Seam::Receive, Answer::Refuse(WsaError::WSAENETDOWN));
    let failed = os.recvfrom(s, &mut [0; 100], 0);
    os.check(failed == Err(WsaError::WSAENETDOWN), "the receive does not fail");
    os.check(os.get_message(window, SOON_MS)?.is_some(), "FD_READ does not come again");
    os.check(os.get_message(window, SOON_MS)?.is_none(), "FD_READ comes once too often");
    os.closesocket(s)?;
    os.wsa_cleanup()?;
    // The server waits for somebody.
    os.wsa_startup()?;
    let s = connected(os)?;
    os.closesocket(s)?;
    os.wsa_cleanup()
}

//= docs/spec/notification.md#asyncselect-5
//= type=test
//# One message MUST be posted for a network event until the function that enables it again is
//# called.
#[test]
fn a_receive_that_fails_brings_fd_read_once() {
    let pair = Pair { network: QUIET, server: reader, client: told_once };
    for profile in PROFILES {
        (0..8).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}

fn echo_twice(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let listener = listener(os)?;
    let event = os.create_event(true, false);
    os.wsa_event_select(listener, event, FD_ACCEPT)?;
    os.wait_for_single_object(event, INFINITE);
    let (s, _) = os.accept(listener)?;
    os.wsa_event_select(s, event, 0)?;
    os.ioctlsocket(s, FIONBIO, 0)?;
    let mut bytes = [0; 100];
    while let Ok(len @ 1..) = os.recv(s, &mut bytes, 0) {
        os.send(s, &bytes[..len], 0)?;
    }
    os.closesocket(s)?;
    os.closesocket(listener)?;
    os.wait_for_single_object(os.stop_event(), INFINITE);
    os.wsa_cleanup()
}

fn ask_twice(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let s = connected(os)?;
    for asked in [b"once", b"more"] {
        let mut echo = [0; 4];
        os.send(s, asked, 0)?;
        os.check(os.recv(s, &mut echo, 0) == Ok(4) && echo == *asked, "no echo");
    }
    os.closesocket(s)?;
    os.wsa_cleanup()
}

//= docs/spec/notification.md#eventselect-11
//= type=test
//# FD_ACCEPT MUST be recorded when a connection waits, and enabled again by WSPAccept.
#[test]
fn a_connection_taken_ahead_is_known_by_its_use() {
    let pair = Pair { network: QUIET, server: echo_twice, client: ask_twice };
    for profile in PROFILES {
        (0..8).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}
