//! A provider that is wrong on purpose, so that every oracle can be seen to catch its own bug.
//!
//! The real provider core, unchanged, between two layers that can lie:
//!
//! ```text
//! program -> the watched SPI -> FlawedProvider -> Provider<FlawedHost> -> FlawedHost -> SimHost
//! ```
//!
//! [`FlawedHost`] (with its memory and its transport) makes the core wrong without its knowing, as
//! a bug in the core would: what the core asks for is done twice, late, or not at all.
//! [`FlawedProvider`] wraps the SPI's functions and acts through a `SimHost` of its own, for what
//! no host can make the core do. [`Flaw`] says which of the two a flaw sits in. Without a flaw both
//! layers pass everything on, and make no call of their own.
//!
//! To add a flaw: its line in catalog.rs, and a test of `State::has` where it is to act. A new
//! oracle needs one, or `every_oracle_has_a_flaw` fails.

mod catalog;
mod host;
mod memory;
mod provider;
mod send;
mod state;
mod transport;

use std::rc::Rc;

use provider_core::{Profile, Provider, ServiceProvider};
use wspsim::host::SimHost;
use wspsim::run::ProviderFactory;

pub use catalog::{Flaw, Seat};
pub use host::FlawedHost;
pub use provider::FlawedProvider;

use state::State;

/// Makes providers with `flaw`; without one they are the provider core as it is.
pub fn factory(flaw: Option<Flaw>) -> Rc<ProviderFactory> {
    Rc::new(move |host: SimHost, profile: Profile| -> Rc<dyn ServiceProvider> {
        let state = Rc::new(State::new(flaw));
        let flawed = FlawedHost::new(host.clone(), Rc::clone(&state));
        let core = Rc::new(Provider::new(flawed, profile));
        Rc::new(FlawedProvider::new(core, host, state))
    })
}
