//! WSPConnect refused with WSAEINPROGRESS had begun to connect all the same: a refused call has
//! started nothing (RET-4). Found by review: no scenario connects inside a blocking call.

use core::cell::Cell;
use core::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use provider_core::WsaError;
use provider_core::spi::{AF_INET, IPPROTO_TCP, IPPROTO_UDP, SO_RCVTIMEO, SOCK_DGRAM, SOCK_STREAM};
use wspsim::api::Os;

use super::pair::{PROFILES, Pair, QUIET, clean, reader, server};

fn client(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let blocked = os.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)?;
    os.bind(blocked, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0))?;
    os.setsockopt(blocked, SO_RCVTIMEO, 100)?;
    let socket = os.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)?;
    let refused = Rc::new(Cell::new(0));
    let count = Rc::clone(&refused);
    os.queue_user_apc(os.current_thread(), move |os| {
        // The first says so, and so does the second: nothing is in progress on the socket.
        for _ in 0..2 {
            if os.connect(socket, server(os)) == Err(WsaError::WSAEINPROGRESS) {
                count.set(count.get() + 1);
            }
        }
    })?;
    os.check(os.recvfrom(blocked, &mut [0; 4], 0).is_err(), "a datagram came from nowhere");
    os.check(refused.get() == 2, "connect was not refused inside a blocking call");
    os.sleep(100);
    os.check(os.getpeername(socket) == Err(WsaError::WSAENOTCONN), "it connected all the same");
    os.connect(socket, server(os))?;
    os.closesocket(socket)?;
    os.closesocket(blocked)?;
    os.wsa_cleanup()
}

//= docs/spec/results.md#result-6
//= type=test
//# A function that would have to block inside another blocking call of its thread MUST fail with
//# WSAEINPROGRESS, with nothing done.
#[test]
fn a_connect_refused_in_a_blocking_call_did_not_begin() {
    let pair = Pair { network: QUIET, server: reader, client };
    for profile in PROFILES {
        (0..8).for_each(|seed| _ = clean(&pair, seed, profile, &[]));
    }
}
