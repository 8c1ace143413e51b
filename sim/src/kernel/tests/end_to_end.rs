//! Two machines, the provider core, the stack and the driver together.

use core::net::SocketAddr;

use provider_core::spi::{AF_INET, SD_SEND, SOCK_DGRAM, SOCK_STREAM};

use crate::api::{INFINITE, Os, WAIT_IO_COMPLETION};
use crate::run::{RunOptions, RunReport, run};
use crate::scenario::Scenario;
use crate::settings::FaultChoice;
use crate::world::WorldBuilder;

struct Two {
    name: &'static str,
    server: fn(&Os),
    client: fn(&Os),
}

impl Scenario for Two {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        "a test"
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.server("server", self.server);
        world.client("client", self.client);
    }
}

fn passes(scenario: &dyn Scenario, seed: u64) -> RunReport {
    let options = RunOptions { faults: FaultChoice::None, ..RunOptions::seed(seed) };
    let report = run(scenario, options).expect("the simulator works");
    assert_eq!(report.finding, None, "seed {seed}\n{}", report.tail_lines().join("\n"));
    report
}

/// One machine alone, under some schedules.
struct Alone(fn(&Os));

impl Scenario for Alone {
    fn name(&self) -> &'static str {
        "alone"
    }

    fn about(&self) -> &'static str {
        "a test"
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.client("client", self.0);
    }
}

pub(super) fn passes_alone(program: fn(&Os)) {
    for seed in 0..20 {
        passes(&Alone(program), seed);
    }
}

fn serve_datagrams(os: &Os) {
    os.wsa_startup().unwrap();
    let s = os.socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    os.bind(s, SocketAddr::new(core::net::Ipv4Addr::UNSPECIFIED.into(), 7)).unwrap();
    let stop = os.stop_event();
    let closer = os.create_thread("closer", false, move |os| {
        os.wait_for_single_object(stop, INFINITE);
        os.closesocket(s).unwrap();
    });
    let mut bytes = [0; 64];
    while let Ok((len, from)) = os.recvfrom(s, &mut bytes, 0) {
        if os.sendto(s, &bytes[..len], 0, from).is_err() {
            break;
        }
    }
    os.join(closer);
    os.wsa_cleanup().unwrap();
}

fn send_datagrams(os: &Os) {
    os.wsa_startup().unwrap();
    let s = os.socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    os.bind(s, SocketAddr::new(core::net::Ipv4Addr::UNSPECIFIED.into(), 0)).unwrap();
    let server = SocketAddr::new(os.address_of("server"), 7);
    let mut got = Vec::new();
    for number in 0..10_u8 {
        let buffer = os.alloc_with(&[number; 32]);
        let overlapped = os.overlapped();
        let routine = os.routine(move |os, error, bytes, _, _| {
            os.check(error == 0 && bytes == 32, "the send completes whole");
        });
        let _ = os.wsa_send_to(s, &[buffer.all()], 0, Some(server), Some(&overlapped), routine);
        os.check(os.sleep_ex(INFINITE, true) == WAIT_IO_COMPLETION, "the routine runs");
        let mut bytes = [0; 64];
        let (len, from) = os.recvfrom(s, &mut bytes, 0).unwrap();
        os.check(from == server, "it comes from the server");
        got.push((bytes[0], len));
    }
    os.check(got.iter().enumerate().all(|(n, got)| *got == (n as u8, 32)), "all come back");
    os.closesocket(s).unwrap();
    os.wsa_cleanup().unwrap();
}

//= docs/spec/wspsendto.md#dst-1
//= type=test
//# On an unconnected datagram socket the datagram MUST go to `lpTo`.
//= docs/spec/receiving.md#recvfrom-1
//= type=test
//# The sender's address MUST be stored in `lpFrom` and its size in `lpFromlen` when a datagram is
//# received.
//= docs/spec/receiving.md#recv-2
//= type=test
//# A datagram socket MUST give one datagram.
#[test]
fn datagrams_go_there_and_back() {
    let scenario = Two { name: "echo", server: serve_datagrams, client: send_datagrams };
    let first = passes(&scenario, 0);
    assert!(first.sends >= 20, "{}", first.sends);
    assert_eq!(passes(&scenario, 0).digest, first.digest);
    assert_ne!(passes(&scenario, 1).digest, first.digest);
    for seed in 2..20 {
        passes(&scenario, seed);
    }
}

fn serve_stream(os: &Os) {
    os.wsa_startup().unwrap();
    let listener = os.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    os.bind(listener, SocketAddr::new(core::net::Ipv4Addr::UNSPECIFIED.into(), 7)).unwrap();
    os.listen(listener, 5).unwrap();
    let (s, _) = os.accept(listener).unwrap();
    let mut bytes = [0; 1000];
    loop {
        match os.recv(s, &mut bytes, 0) {
            Ok(0) => break,
            Ok(len) => {
                os.send(s, &bytes[..len], 0).unwrap();
            }
            Err(error) => return os.fail(&format!("recv: {error}")),
        }
    }
    os.closesocket(s).unwrap();
    os.closesocket(listener).unwrap();
    os.wsa_cleanup().unwrap();
}

fn use_stream(os: &Os) {
    os.wsa_startup().unwrap();
    let s = os.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    os.bind(s, SocketAddr::new(core::net::Ipv4Addr::UNSPECIFIED.into(), 0)).unwrap();
    os.connect(s, SocketAddr::new(os.address_of("server"), 7)).unwrap();
    let mut data = vec![0; 20_000];
    os.random_bytes(&mut data);
    let expected = data.clone();
    let sender = os.create_thread("sender", false, move |os| {
        for chunk in data.chunks(3000) {
            os.check(os.send(s, chunk, 0) == Ok(chunk.len()), "a blocking send takes all");
        }
        os.shutdown(s, SD_SEND).unwrap();
    });
    let mut got = Vec::new();
    let mut bytes = [0; 700];
    loop {
        match os.recv(s, &mut bytes, 0) {
            Ok(0) => break,
            Ok(len) => got.extend_from_slice(&bytes[..len]),
            Err(error) => return os.fail(&format!("recv: {error}")),
        }
    }
    os.check(got == expected, "the bytes come back as they were");
    os.join(sender);
    os.closesocket(s).unwrap();
    os.wsa_cleanup().unwrap();
}

//= docs/spec/connecting.md#connect-1
//= type=test
//# On a blocking stream the call MUST return 0 when the connection is established.
//= docs/spec/connecting.md#accept-2
//= type=test
//# On a blocking socket without a connection that waits, the call MUST block until there is one.
//= docs/spec/sending.md#send-1
//= type=test
//# On a connected stream the bytes MUST be sent behind all that was sent before.
//= docs/spec/receiving.md#recv-1
//= type=test
//# A stream MUST give what arrived, in order, as much as is there and as there is room for.
//= docs/spec/receiving.md#recv-7
//= type=test
//# A stream whose peer has ended it gracefully MUST give 0 bytes with success once all data was
//# received.
#[test]
fn a_stream_goes_there_and_back() {
    let scenario = Two { name: "stream", server: serve_stream, client: use_stream };
    for seed in 0..10 {
        passes(&scenario, seed);
    }
}
