//! closesocket on a nonblocking socket that lingers gave WSAEWOULDBLOCK for ever: it waited for the
//! FIN to be acknowledged, and nobody sends one while the handle stays open. Found by the program
//! of shutdown-queued, seed 4. It waits for what was sent, and then closes.

use provider_core::WsaError;
use provider_core::spi::FIONBIO;
use wspsim::api::Os;

use super::pair::{PROFILES, Pair, QUIET, clean, connected, reader};

fn client(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let socket = connected(os)?;
    os.set_linger(socket, Some(30))?;
    os.ioctlsocket(socket, FIONBIO, 1)?;
    let sent = os.send(socket, &[7; 5_000], 0)?;
    os.check(sent > 0, "nothing was sent");
    let mut refused = 0;
    loop {
        match os.closesocket(socket) {
            Ok(()) => break,
            Err(WsaError::WSAEWOULDBLOCK) => refused += 1,
            Err(error) => return Err(error),
        }
        if refused > 100 {
            os.fail("closesocket gives WSAEWOULDBLOCK for ever");
            break;
        }
        os.sleep(10);
    }
    // No acknowledgment takes less than two milliseconds.
    os.check(refused > 0, "closesocket did not wait for what was sent");
    os.wsa_cleanup()
}

//= docs/spec/ending.md#close-5
//= type=test
//# Under SO_LINGER with another time-out the call MUST fail on a nonblocking socket with
//# WSAEWOULDBLOCK while not all is acknowledged, with nothing done.
#[test]
fn a_nonblocking_lingering_close_ends() {
    let pair = Pair { network: QUIET, server: reader, client };
    for profile in PROFILES {
        for seed in 0..8 {
            clean(&pair, seed, profile, &[]);
        }
    }
}
