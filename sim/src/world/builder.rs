//! What a scenario says about its machines.

use std::rc::Rc;

use crate::api::Os;
use crate::event::MachineId;
use crate::run::ProviderFactory;

use super::{Directory, Node};

/// Whether a machine's program ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its main function returns when it has done its work; a run lasts until all clients' did.
    Client,
    /// Its main function returns when the stop event is set, which it is once all clients ended.
    Server,
}

/// What a machine is, in every incarnation.
pub struct MachineSpec {
    /// Its id.
    pub id: MachineId,
    /// Its name.
    pub name: Rc<str>,
    /// Whether its program ends by itself.
    pub role: Role,
    /// The main function of its program: run again when the machine restarts after a crash.
    pub program: Rc<dyn Fn(&Os)>,
    /// Makes the provider of its process.
    pub provider: Rc<ProviderFactory>,
}

/// Starts a machine: called with the number of the incarnation, from 0, and the virtual time.
pub type Boot = Box<dyn Fn(u32, u64) -> Rc<dyn Node>>;

/// Collects the machines of a world.
pub struct WorldBuilder {
    provider: Rc<ProviderFactory>,
    machines: Vec<Rc<MachineSpec>>,
}

impl WorldBuilder {
    pub(crate) fn new(provider: Rc<ProviderFactory>) -> Self {
        Self { provider, machines: Vec::new() }
    }

    /// A machine whose program ends by itself.
    pub fn client(&mut self, name: &str, program: impl Fn(&Os) + 'static) -> MachineId {
        self.add(name, Role::Client, Rc::new(program))
    }

    /// A machine whose program ends when the stop event is set.
    pub fn server(&mut self, name: &str, program: impl Fn(&Os) + 'static) -> MachineId {
        self.add(name, Role::Server, Rc::new(program))
    }

    fn add(&mut self, name: &str, role: Role, program: Rc<dyn Fn(&Os)>) -> MachineId {
        let id = MachineId(self.machines.len() as u16);
        let provider = self.provider.clone();
        self.machines.push(Rc::new(MachineSpec { id, name: name.into(), role, program, provider }));
        id
    }

    pub(crate) fn directory(&self) -> Directory {
        Directory::new(self.machines.iter().map(|spec| spec.name.clone()).collect())
    }

    pub(crate) fn into_machines(self) -> Vec<Rc<MachineSpec>> {
        self.machines
    }
}
