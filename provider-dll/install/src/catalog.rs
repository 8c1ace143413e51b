//! What the catalogue has to have in it, worked out from what it has.

use wspprovider::catalog::{CHAINS, LAYERED_ENTRY};

/// `MAX_PROTOCOL_CHAIN`.
pub(crate) const CHAIN_MAX: usize = 7;
/// `XP1_IFS_HANDLES`: our handles are none of the file system's.
const IFS_HANDLES: u32 = 0x2_0000;
/// `PFL_HIDDEN`: the layered entry is for chains, not for programs.
pub(crate) const HIDDEN: u32 = 4;
/// `PFL_MULTIPLE_PROTO_ENTRIES`, `PFL_RECOMMENDED_PROTO_ENTRY`: about entries beside it that a chain
/// does not have.
const ABOUT_OTHERS: u32 = 1 | 2;

/// An entry, as far as it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// `dwCatalogEntryId`.
    pub(crate) id: u32,
    /// `ProviderId`.
    pub(crate) provider: u128,
    /// `ProtocolChain`: none for a layered entry, one for a base provider's.
    pub(crate) chain: Vec<u32>,
    /// `ChainLen`, which a base provider's entry has without its chain saying more.
    pub(crate) chain_len: usize,
    /// `iAddressFamily`, `iSocketType`, `iProtocol`.
    pub(crate) protocol: (i32, i32, i32),
    /// `dwServiceFlags1`.
    pub(crate) service_flags: u32,
    /// `dwProviderFlags`.
    pub(crate) provider_flags: u32,
    /// `szProtocol`.
    pub(crate) name: String,
}

/// TCP and UDP over IPv4 and IPv6.
const SERVED: [(i32, i32, i32); 4] = [(2, 1, 6), (2, 2, 17), (23, 1, 6), (23, 2, 17)];

impl Entry {
    pub(crate) fn is_ours(&self) -> bool {
        self.provider == LAYERED_ENTRY || self.provider == CHAINS
    }

    fn is_served(&self) -> bool {
        self.chain_len > 0 && SERVED.contains(&self.protocol)
    }
}

/// The entries that chains are made over: those for TCP and UDP of the provider that has the entry
/// `chosen`; else the first base provider's for each.
///
/// # Errors
/// Why there are none.
pub(crate) fn bases(catalog: &[Entry], chosen: Option<u32>) -> Result<Vec<&Entry>, String> {
    if catalog.iter().any(Entry::is_ours) {
        return Err("it is installed already; `wspinstall uninstall` takes it out".to_owned());
    }
    let bases: Vec<&Entry> = match chosen {
        Some(id) => {
            let known = catalog.iter().find(|entry| entry.id == id);
            let provider = known
                .ok_or_else(|| format!("there is no entry {id}; `wspinstall show` lists them"))?
                .provider;
            catalog.iter().filter(|entry| entry.provider == provider && entry.is_served()).collect()
        }
        None => SERVED
            .iter()
            .filter_map(|protocol| {
                catalog.iter().find(|entry| entry.chain_len == 1 && entry.protocol == *protocol)
            })
            .collect(),
    };
    if bases.is_empty() {
        Err("there is no TCP and no UDP to go over".to_owned())
    } else {
        Ok(bases)
    }
}

/// What a chain's entry has instead of what the entry below it has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// `ProtocolChain`.
    pub(crate) entries: Vec<u32>,
    /// `dwServiceFlags1`.
    pub(crate) service_flags: u32,
    /// `dwProviderFlags`.
    pub(crate) provider_flags: u32,
    /// `szProtocol`.
    pub(crate) name: String,
}

/// The chain of the layered entry over `base`.
///
/// # Errors
/// That it would be too long.
pub(crate) fn chain(layered: u32, base: &Entry) -> Result<Chain, String> {
    // A base provider's entry stands for itself.
    let below = if base.chain_len == 1 { core::slice::from_ref(&base.id) } else { &base.chain[..] };
    let entries = [&[layered], below].concat();
    if entries.len() > CHAIN_MAX {
        return Err(format!("{} is layered too deep already", base.name));
    }
    Ok(Chain {
        entries,
        service_flags: base.service_flags & !IFS_HANDLES,
        provider_flags: base.provider_flags & !(HIDDEN | ABOUT_OTHERS),
        name: format!("wspsim over [{}]", base.name),
    })
}

/// The order with our chains in front of all others, and the layered entry, which nobody opens a
/// socket with, at the end.
pub(crate) fn order(catalog: &[Entry]) -> Vec<u32> {
    let place = |entry: &&Entry| match entry.provider {
        CHAINS => 0,
        LAYERED_ENTRY => 2,
        _ => 1,
    };
    let mut sorted: Vec<&Entry> = catalog.iter().collect();
    // A stable sort: the others keep their order.
    sorted.sort_by_key(place);
    sorted.iter().map(|entry| entry.id).collect()
}

/// That our entries can be taken out.
///
/// # Errors
/// That there are none, or that somebody else's chain needs one of them.
pub(crate) fn removable(catalog: &[Entry]) -> Result<(), String> {
    let ours: Vec<u32> =
        catalog.iter().filter(|entry| entry.is_ours()).map(|entry| entry.id).collect();
    if ours.is_empty() {
        return Err("it is not installed".to_owned());
    }
    let mut above = catalog
        .iter()
        .filter(|entry| !entry.is_ours() && entry.chain.iter().any(|id| ours.contains(id)));
    match above.next() {
        Some(other) => Err(format!(
            "entry {} ({}) is layered over it: take that out first",
            other.id, other.name
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
