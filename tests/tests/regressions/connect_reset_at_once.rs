//! WSPConnect gave WSAECONNRESET for a connection that was made and reset before its caller woke,
//! be it that the handshake's answer and the reset arrived together, or that another thread's call
//! met the reset first. WSPConnect has no such code. Found by `error-code` in cancel-races, seed
//! 608. It succeeds, and the next call tells.

use provider_core::WsaError;
use provider_core::spi::{AF_INET, IPPROTO_TCP, SOCK_STREAM};
use wspsim::api::{INFINITE, Os};
use wspsim::event::{Event, Function, What};
use wspsim::fault::{Fault, Script};
use wspsim::settings::{MS, Network};

use super::pair::{
    CLIENT, PROFILES, Pair, QUIET, clean, connected, listener, reader, server, struck,
};

/// Packets that are held back arrive together with those behind them.
const UNEVEN: Network = Network { max_delay_ns: 100 * MS, ..QUIET };

/// Closes its listener while the client's connect is under way.
fn closes(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let listener = listener(os)?;
    os.sleep(10 + os.random_below(40));
    os.closesocket(listener)?;
    os.wait_for_single_object(os.stop_event(), INFINITE);
    os.wsa_cleanup()
}

fn connects(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    os.sleep(5);
    match connected(os) {
        Ok(socket) => {
            let told = os.recv(socket, &mut [0; 9], 0);
            os.check(told == Err(WsaError::WSAECONNRESET), "the reset is not told");
            os.closesocket(socket)?;
        }
        Err(WsaError::WSAECONNREFUSED) => {}
        Err(error) => return Err(error),
    }
    os.wsa_cleanup()
}

/// Whether WSPConnect succeeded after two packets had arrived at one time: answer and reset.
fn together(events: &[Event]) -> bool {
    let mut arrivals: Vec<u64> = Vec::new();
    for event in events.iter().filter(|event| event.at.machine == CLIENT) {
        match event.what {
            What::Enter { function: Function::WSPConnect, .. } => arrivals.clear(),
            What::PacketReceived { .. } => arrivals.push(event.at.time_ns),
            What::Leave { function: Function::WSPConnect, value: 0, .. } => {
                return arrivals.windows(2).any(|pair| pair[1] == pair[0]);
            }
            _ => {}
        }
    }
    false
}

#[test]
fn a_connection_that_is_reset_as_it_is_made_was_made() {
    let pair = Pair { network: UNEVEN, server: closes, client: connects };
    let mut met = 0;
    for seed in 0..48 {
        let report = clean(&pair, seed, PROFILES[(seed % 2) as usize], &[]);
        met += u32::from(together(&report.tail));
    }
    assert!(met > 2, "{met} runs come to where it broke");
}

/// One thread connects, another one receives, and meets the reset as soon as there is a connection.
fn races(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let socket = os.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)?;
    let other = os.create_thread("receives", false, move |os| {
        while os.recv(socket, &mut [0; 9], 0) == Err(WsaError::WSAENOTCONN) {}
    });
    let made = os.connect(socket, server(os));
    os.check(made.is_ok(), &format!("connect gave {made:?}"));
    os.join(other);
    os.closesocket(socket)?;
    os.wsa_cleanup()
}

/// Whether the reset struck before WSPConnect returned.
fn overtaken(events: &[Event]) -> bool {
    let place = |found: fn(&What) -> bool| events.iter().position(|event| found(&event.what));
    let struck = place(|what| matches!(what, What::Fault(Fault::Reset)));
    let left = place(|what| matches!(what, What::Leave { function: Function::WSPConnect, .. }));
    struck.is_some() && (left.is_none() || struck < left)
}

#[test]
fn a_connection_that_another_thread_saw_die_was_made() {
    let pair = Pair {
        network: Network { min_delay_ns: MS / 10, max_delay_ns: MS / 10, ..QUIET },
        server: reader,
        client: races,
    };
    let mut met = 0;
    for seed in 0..48 {
        let script = Script::new(Fault::Reset, 1).on_machine(CLIENT).on_socket(0);
        let report = clean(&pair, seed, PROFILES[(seed % 2) as usize], &[script]);
        assert_eq!(struck(&report, Fault::Reset), 1, "seed {seed}");
        met += u32::from(overtaken(&report.tail));
    }
    assert!(met > 2, "{met} runs come to where it broke");
}
