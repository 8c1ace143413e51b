//! Two machines and two programs: what most regressions are told in.

use core::net::{Ipv4Addr, SocketAddr};

use provider_core::spi::{AF_INET, IPPROTO_TCP, SOCK_STREAM};
use provider_core::{Profile, SocketHandle, WsaError};
use wspsim::api::{INFINITE, Os};
use wspsim::event::MachineId;
use wspsim::fault::{Fault, FaultPlan, Script};
use wspsim::run::{RunOptions, RunReport, run};
use wspsim::scenario::Scenario;
use wspsim::settings::{FaultChoice, Limits, MS, Network, NetworkRange, SECOND};
use wspsim::world::WorldBuilder;

pub(crate) const PROFILES: [Profile; 2] = [Profile::Documented, Profile::Windows];
/// The machine that [`Pair::client`] runs on.
pub(crate) const CLIENT: MachineId = MachineId(1);
/// Where the server listens.
pub(crate) const PORT: u16 = 5000;
/// Every packet takes a millisecond, and none is lost.
pub(crate) const QUIET: Network = Network {
    min_delay_ns: MS,
    max_delay_ns: MS,
    delay_step_ns: 0,
    in_order: true,
    loss: wspsim::choice::Rate::NEVER,
    mtu: 1500,
    mtu_small: 576,
    bytes_per_second: 1_000_000,
    extra_delay_ns: 0,
};

/// A main function. An error that it gives is one that it has no cause for.
pub(crate) type Program = fn(&Os) -> Result<(), WsaError>;

/// A server and a client.
pub(crate) struct Pair {
    pub(crate) network: Network,
    pub(crate) server: Program,
    pub(crate) client: Program,
}

impl Scenario for Pair {
    fn name(&self) -> &'static str {
        "test-regression"
    }

    fn about(&self) -> &'static str {
        "A bug that was found once."
    }

    fn network(&self) -> NetworkRange {
        NetworkRange::Fixed(self.network)
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 60 * SECOND, liveness_ns: 60 * SECOND }
    }

    fn build(&self, world: &mut WorldBuilder) {
        let programs = [self.server, self.client].map(|program| {
            move |os: &Os| {
                if let Err(error) = program(os) {
                    os.fail(&format!("the program gave up: {error}"));
                }
            }
        });
        let [server, client] = programs;
        world.server("server", server);
        world.client("client", client);
    }
}

/// A run that finds nothing.
#[track_caller]
pub(crate) fn clean(pair: &Pair, seed: u64, profile: Profile, scripts: &[Script]) -> RunReport {
    let plan = FaultPlan { scripts: scripts.to_vec(), ..FaultPlan::none() };
    let options = RunOptions {
        profile: Some(profile),
        faults: FaultChoice::Given(plan),
        ..RunOptions::seed(seed)
    };
    let report = run(pair, options).unwrap_or_else(|error| panic!("{error}"));
    if let Some(finding) = &report.finding {
        panic!("seed {seed}, {profile:?}, {scripts:?}: {}", finding.violation);
    }
    report
}

/// How often `fault` struck.
pub(crate) fn struck(report: &RunReport, fault: Fault) -> u64 {
    report.faults[fault as usize]
}

/// A socket that listens.
pub(crate) fn listener(os: &Os) -> Result<SocketHandle, WsaError> {
    let listener = os.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)?;
    os.bind(listener, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), PORT))?;
    os.listen(listener, 5)?;
    Ok(listener)
}

/// A server that reads one connection to its end, whatever that is.
pub(crate) fn reader(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let listener = listener(os)?;
    let (socket, _) = os.accept(listener)?;
    while let Ok(1..) = os.recv(socket, &mut [0; 4_000], 0) {}
    os.closesocket(socket)?;
    os.closesocket(listener)?;
    os.wait_for_single_object(os.stop_event(), INFINITE);
    os.wsa_cleanup()
}

/// Where the server is.
pub(crate) fn server(os: &Os) -> SocketAddr {
    SocketAddr::new(os.address_of("server"), PORT)
}

/// A connection to the server: transport socket 0 of its machine, if it is the first.
pub(crate) fn connected(os: &Os) -> Result<SocketHandle, WsaError> {
    let socket = os.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)?;
    os.connect(socket, server(os))?;
    Ok(socket)
}
