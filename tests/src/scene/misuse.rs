//! A program that breaks the rules itself: nothing a provider does can make it.

use core::net::{Ipv4Addr, SocketAddr};

use provider_core::spi::{AF_INET, IPPROTO_UDP, SOCK_DGRAM};
use provider_core::{Routine, WsaError};
use wspsim::api::Os;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, NetworkRange};
use wspsim::world::WorldBuilder;

use super::{QUIET, SHORT, end};

pub(super) struct Misuse;

impl Scenario for Misuse {
    fn name(&self) -> &'static str {
        "test-misuse"
    }

    fn about(&self) -> &'static str {
        "A program writes into a buffer that an overlapped receive owns."
    }

    fn network(&self) -> NetworkRange {
        QUIET
    }

    fn limits(&self) -> Limits {
        SHORT
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.client("client", |os| end(os, client(os)));
    }
}

fn client(os: &Os) -> Result<(), WsaError> {
    os.wsa_startup()?;
    let socket = os.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)?;
    os.bind(socket, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0))?;
    let (buffer, overlapped) = (os.alloc(100), os.overlapped());
    let _ = os.wsa_recv(socket, &[buffer.all()], 0, Some(&overlapped), Routine::NULL);
    buffer.write(0, &[1]);
    os.closesocket(socket)?;
    os.wsa_cleanup()
}
