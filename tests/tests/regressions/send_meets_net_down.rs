//! A stream send that met WSAENETDOWN after a part of it had gone. A blocking one failed, a
//! nonblocking one reported the part where Windows takes all (SYN-2), and an overlapped one ended
//! there, so that the sends behind it followed a hole. Found by `send-order` in a hunt of all
//! scenarios. The rest goes later, as from the queue.

use provider_core::spi::{FIONBIO, SD_SEND, SO_SNDBUF};
use provider_core::{Profile, Routine, SocketHandle, WsaError};
use wspsim::api::{INFINITE, Os};
use wspsim::fault::{Fault, Script};

use super::pair::{CLIENT, PROFILES, Pair, Program, QUIET, clean, connected, reader, struck};

/// More than the send buffer holds.
const LONG: usize = 6_000;
/// Less.
const SHORT: usize = 1_000;

fn program(
    os: &Os,
    send: fn(&Os, SocketHandle, &[u8]) -> Result<(), WsaError>,
) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let socket = connected(os)?;
    os.setsockopt(socket, SO_SNDBUF, 2_000)?;
    let mut bytes = [0; LONG];
    os.random_bytes(&mut bytes);
    let len = if os.random_below(2) == 0 { SHORT } else { LONG };
    // The first is cut short; what follows goes right behind it.
    send(os, socket, &bytes[..len])?;
    send(os, socket, b"and what follows")?;
    os.shutdown(socket, SD_SEND)?;
    os.check(os.recv(socket, &mut [0; 9], 0) == Ok(0), "the server does not end the stream");
    os.closesocket(socket)?;
    os.wsa_cleanup()
}

fn blocking(os: &Os, socket: SocketHandle, bytes: &[u8]) -> Result<(), WsaError> {
    let sent = os.send(socket, bytes, 0)?;
    os.check(sent == bytes.len(), "a blocking send does not send all");
    Ok(())
}

fn nonblocking(os: &Os, socket: SocketHandle, bytes: &[u8]) -> Result<(), WsaError> {
    os.ioctlsocket(socket, FIONBIO, 1)?;
    let mut sent = 0;
    while sent < bytes.len() {
        match os.send(socket, &bytes[sent..], 0) {
            Ok(more) => sent += more,
            Err(WsaError::WSAEWOULDBLOCK) => os.sleep(1),
            Err(error) => return Err(error),
        }
    }
    os.ioctlsocket(socket, FIONBIO, 0)
}

fn overlapped(os: &Os, socket: SocketHandle, bytes: &[u8]) -> Result<(), WsaError> {
    let (buffer, event) = (os.alloc_with(bytes), os.create_event(true, false));
    let overlapped = os.overlapped_with_event(event);
    match os.wsa_send(socket, &[buffer.all()], 0, Some(&overlapped), Routine::NULL) {
        Ok(_) | Err(WsaError::WSA_IO_PENDING) => {}
        Err(error) => return Err(error),
    }
    os.wait_for_single_object(event, INFINITE);
    let (sent, _) = os.wsa_get_overlapped_result(socket, &overlapped, false)?;
    os.check(sent as usize == bytes.len(), "an overlapped send does not send all");
    Ok(())
}

/// The first send of the client goes in part, and is refused when the rest is offered.
fn runs(client: Program, profile: Profile) {
    let pair = Pair { network: QUIET, server: reader, client };
    for seed in 0..8 {
        let short = Script::new(Fault::ShortRoom, 1).on_machine(CLIENT);
        // The connect is this socket's first chance, the send that goes in part its second.
        let down = Script::new(Fault::NetDown, 3).on_machine(CLIENT).on_socket(0);
        let report = clean(&pair, seed, profile, &[short, down]);
        assert_eq!(struck(&report, Fault::ShortRoom), 1, "seed {seed}, {profile:?}");
        assert_eq!(struck(&report, Fault::NetDown), 1, "seed {seed}, {profile:?}");
    }
}

//= docs/spec/wspsendto.md#syn-4
//= type=test
//# A blocking send MUST return only when all its data has been consumed.
//= docs/spec/ending.md#shutdown-2
//= type=test
//# A stream MUST send its end after all data that was accepted before SD_SEND or SD_BOTH.
#[test]
fn a_blocking_send_goes_on_after_net_down() {
    for profile in PROFILES {
        runs(|os| program(os, blocking), profile);
    }
}

#[test]
fn a_nonblocking_send_is_whole_or_partial_after_net_down() {
    for profile in PROFILES {
        runs(|os| program(os, nonblocking), profile);
    }
}

//= docs/spec/wspsendto.md#ord-2
//= type=test
//# Buffers MUST be sent in the order in which the calls supplied them.
#[test]
fn an_overlapped_send_goes_on_after_net_down() {
    for profile in PROFILES {
        runs(|os| program(os, overlapped), profile);
    }
}
