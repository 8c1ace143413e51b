//! A close that lingers returned as soon as the send buffer was empty, with most of the data still
//! in the transport: whoever told it of a change gave the transport back before it looked.

use provider_core::WsaError;
use provider_core::spi::SO_SNDBUF;
use wspsim::api::{INFINITE, Os};
use wspsim::settings::MS;

use super::pair::{PROFILES, Pair, QUIET, clean, connected, listener};

/// More than the peer takes unread, and no more than that and the transport together.
const BYTES: usize = 100_000;
/// Before the peer reads.
const REST_MS: u32 = 500;

fn reads_late(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let listener = listener(os)?;
    let (socket, _) = os.accept(listener)?;
    os.sleep(REST_MS);
    while let Ok(1..) = os.recv(socket, &mut [0; 4_000], 0) {}
    os.closesocket(socket)?;
    os.closesocket(listener)?;
    os.wait_for_single_object(os.stop_event(), INFINITE);
    os.wsa_cleanup()
}

fn lingers(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let socket = connected(os)?;
    os.set_linger(socket, Some(30))?;
    os.setsockopt(socket, SO_SNDBUF, 8 * BYTES as u32)?;
    let before_ns = os.now_ns();
    os.send(socket, &vec![7; BYTES], 0)?;
    os.closesocket(socket)?;
    let took_ms = (os.now_ns() - before_ns) / MS;
    os.check(took_ms >= u64::from(REST_MS) - 50, "closesocket returned with data on its way");
    os.wsa_cleanup()
}

//= docs/spec/ending.md#close-4
//= type=test
//# Under SO_LINGER with another time-out the call MUST block on a blocking socket until all is
//# acknowledged, and reset the connection when the time-out has passed.
#[test]
fn a_close_that_lingers_waits_for_all_of_it() {
    let pair = Pair { network: QUIET, server: reads_late, client: lingers };
    for seed in 0..20 {
        clean(&pair, seed, PROFILES[(seed % 2) as usize], &[]);
    }
}
