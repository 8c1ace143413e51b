//! An address that cannot be given was noticed too late: WSPRecvFrom gave WSAEFAULT for a small
//! `lpFromlen` after it had taken the datagram, and WSPAccept gave a socket for an `addr` that is
//! not there. Found by review: no scenario makes raw calls with bad pointers.

use core::net::{Ipv4Addr, SocketAddr};

use provider_core::spi::{AF_INET, INVALID_SOCKET, IPPROTO_UDP, SOCK_DGRAM};
use provider_core::{ConditionRoutine, OverlappedArgs, UserPtr, WsaError};
use wspsim::api::Os;

use super::pair::{PROFILES, Pair, QUIET, clean, connected, listener, reader};

fn word(os: &Os, at: UserPtr) -> i32 {
    let mut bytes = [0; 4];
    os.read_raw(at, &mut bytes);
    i32::from_le_bytes(bytes)
}

fn small_room(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let socket = os.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)?;
    os.bind(socket, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 77))?;
    os.sendto(socket, b"hello", 0, SocketAddr::new(os.address_of("client"), 77))?;
    os.sleep(50);
    os.check(os.fionread(socket)? == 5, "the datagram did not arrive");
    let room = os.alloc(64);
    let raw = os.alloc_raw(128);
    let [array, fromlen, flags, count, from, errno] =
        [0, 32, 40, 48, 64, 96].map(|at| raw.offset(at));
    os.write_raw(array, &room.all().encode());
    os.write_raw(fromlen, &4u32.to_le_bytes());
    os.write_raw(flags, &0u32.to_le_bytes());
    let result = os.spi().ok_or(WsaError::WSAENETDOWN)?.wsp_recv_from(
        socket,
        array,
        1,
        count,
        flags,
        from,
        fromlen,
        OverlappedArgs::NONE,
        errno,
    );
    os.check(result == -1 && word(os, errno) == WsaError::WSAEFAULT.0, "no WSAEFAULT");
    os.check(os.fionread(socket)? == 5, "the refused call took the datagram");
    os.free_raw(raw);
    os.closesocket(socket)?;
    finish(os)
}

fn bad_pointer(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let listener = listener(os)?;
    let peer = os.socket(AF_INET, provider_core::spi::SOCK_STREAM, 0)?;
    os.connect(peer, SocketAddr::new(os.address_of("client"), super::pair::PORT))?;
    let raw = os.alloc_raw(16);
    os.write_raw(raw, &16u32.to_le_bytes());
    let socket = os.spi().ok_or(WsaError::WSAENETDOWN)?.wsp_accept(
        listener,
        UserPtr(0x10),
        raw,
        ConditionRoutine::NULL,
        0,
        raw.offset(8),
    );
    let refused = socket == INVALID_SOCKET && word(os, raw.offset(8)) == WsaError::WSAEFAULT.0;
    os.check(refused, "accept gave a socket for an address that is not there");
    os.free_raw(raw);
    let (accepted, _) = os.accept(listener)?;
    for socket in [accepted, peer, listener] {
        os.closesocket(socket)?;
    }
    finish(os)
}

/// Lets the server have its connection, so that it ends.
fn finish(os: &Os) -> Result<(), WsaError> {
    let socket = connected(os)?;
    os.closesocket(socket)?;
    os.wsa_cleanup()
}

//= docs/spec/receiving.md#recvfrom-3
//= type=test
//# A room for the address that is too small or not writable MUST fail the call with WSAEFAULT, and
//# take nothing.
#[test]
fn a_receive_without_room_for_the_sender_takes_nothing() {
    let pair = Pair { network: QUIET, server: reader, client: small_room };
    for profile in PROFILES {
        (0..4).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}

//= docs/spec/connecting.md#accept-7
//= type=test
//# A room for the address that is too small or not writable MUST fail with WSAEFAULT, and leave the
//# connection waiting.
#[test]
fn an_accept_without_room_for_the_peer_takes_nothing() {
    let pair = Pair { network: QUIET, server: reader, client: bad_pointer };
    for profile in PROFILES {
        (0..4).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}
