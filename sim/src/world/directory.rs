//! Names and addresses of a world's machines.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

use crate::event::MachineId;

/// Who is who: the machines' names, and the addresses that follow from their ids.
#[derive(Clone, Debug)]
pub struct Directory {
    names: Rc<[Rc<str>]>,
}

impl Directory {
    /// Machines of these names, in order of creation.
    pub fn new(names: Vec<Rc<str>>) -> Self {
        Self { names: names.into() }
    }

    /// How many machines there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Every machine, by order of creation.
    pub fn ids(&self) -> impl Iterator<Item = MachineId> + use<> {
        (0..self.names.len() as u16).map(MachineId)
    }

    /// The machines' names, by id.
    pub fn names(&self) -> Rc<[Rc<str>]> {
        self.names.clone()
    }

    /// The name of a machine, or `"?"` for one that does not exist.
    pub fn name(&self, machine: MachineId) -> &str {
        self.names.get(usize::from(machine.0)).map_or("?", |name| name)
    }

    /// The machine of that name.
    pub fn find(&self, name: &str) -> Option<MachineId> {
        self.names.iter().position(|n| **n == *name).map(|index| MachineId(index as u16))
    }

    /// The IPv4 address of a machine: 10.0.x.y, its id and one in x and y.
    pub fn v4(machine: MachineId) -> Ipv4Addr {
        let [high, low] = (machine.0 + 1).to_be_bytes();
        Ipv4Addr::new(10, 0, high, low)
    }

    /// The IPv6 address of a machine: fd00::, its id and one in the last group.
    pub fn v6(machine: MachineId) -> Ipv6Addr {
        Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, machine.0 + 1)
    }

    /// The machine that has an address, where one has.
    pub fn at(&self, address: IpAddr) -> Option<MachineId> {
        let number = match address {
            IpAddr::V4(v4) => match v4.octets() {
                [10, 0, high, low] => u16::from_be_bytes([high, low]),
                _ => return None,
            },
            IpAddr::V6(v6) => match v6.segments() {
                [0xfd00, 0, 0, 0, 0, 0, 0, number] => number,
                _ => return None,
            },
        };
        let index = number.checked_sub(1)?;
        (usize::from(index) < self.names.len()).then_some(MachineId(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_back_to_their_machines() {
        let directory = Directory::new((0..300).map(|n| format!("m{n}").into()).collect());
        for id in directory.ids() {
            assert_eq!(directory.at(Directory::v4(id).into()), Some(id));
            assert_eq!(directory.at(Directory::v6(id).into()), Some(id));
            assert_eq!(directory.find(&format!("m{}", id.0)), Some(id));
        }
    }

    #[test]
    fn other_addresses_belong_to_nobody() {
        let directory = Directory::new(vec!["a".into()]);
        for text in ["10.0.0.0", "10.0.0.2", "10.1.0.1", "fd00::", "fd00::2", "::1"] {
            assert_eq!(directory.at(text.parse().unwrap()), None, "{text}");
        }
        assert_eq!(directory.find("b"), None);
        assert_eq!(directory.name(MachineId(9)), "?");
    }
}
