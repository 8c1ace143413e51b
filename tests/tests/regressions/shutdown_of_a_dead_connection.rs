//! WSPShutdown on a connection that a reset or an abort had ended gave that fate (WSAECONNRESET,
//! WSAECONNABORTED), which it has no code for. Found by `error-code` in cancel-races, seed 683. It
//! says WSAENOTCONN.

use provider_core::WsaError;
use provider_core::spi::{SD_BOTH, SD_RECEIVE, SD_SEND};
use wspsim::api::Os;
use wspsim::fault::{Fault, Script};

use super::pair::{CLIENT, PROFILES, Pair, Program, QUIET, clean, connected, reader, struck};

/// The connection dies in the first send; `told` is what that send says.
fn client(os: &Os, told: WsaError) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let socket = connected(os)?;
    os.check(os.send(socket, b"hello", 0) == Err(told), "the send does not tell the fate");
    for how in [SD_SEND, SD_RECEIVE, SD_BOTH] {
        let shut = os.shutdown(socket, how);
        os.check(
            shut == Err(WsaError::WSAENOTCONN),
            &format!("shutdown({how}) of a dead connection gave {shut:?}"),
        );
    }
    os.closesocket(socket)?;
    os.wsa_cleanup()
}

//= docs/spec/ending.md#shutdown-6
//= type=test
//# A stream that is not connected MUST fail with WSAENOTCONN.
//= docs/spec/wspsendto.md#err-connaborted
//= type=test
//# A send on a connection that a time-out or another failure on this side has ended MUST fail with
//# WSAECONNABORTED.
//= docs/spec/wspsendto.md#err-connreset
//= type=test
//# A send on a connection that the peer has reset MUST fail with WSAECONNRESET.
#[test]
fn shutdown_of_a_dead_connection_says_not_connected() {
    let fates: [(Fault, Program); 2] = [
        (Fault::Reset, |os| client(os, WsaError::WSAECONNRESET)),
        (Fault::Abort, |os| client(os, WsaError::WSAECONNABORTED)),
    ];
    for (fault, client) in fates {
        let pair = Pair { network: QUIET, server: reader, client };
        for profile in PROFILES {
            for seed in 0..4 {
                let script = Script::new(fault, 1).on_machine(CLIENT).on_socket(0);
                let report = clean(&pair, seed, profile, &[script]);
                assert_eq!(struck(&report, fault), 1, "seed {seed}, {profile:?}");
            }
        }
    }
}
