//! What the DLL and the program that installs it both know about the catalogue of ws2_32.

/// `ProviderId` of the layered entry, the one that chains name us by.
pub const LAYERED_ENTRY: u128 = 0x8c5f_2d1e_7a43_4f0b_9a6e_2b1d_5e90_c7a1;

/// `ProviderId` of the protocol chains that begin with it.
pub const CHAINS: u128 = 0x8c5f_2d1e_7a43_4f0b_9a6e_2b1d_5e90_c7a2;

/// The entry below ours in a protocol chain. A chain names its own entry, or the layered one, which
/// is in no other place of it.
///
/// `is_layered` says whether an entry is the layered one.
pub fn below(chain: &[u32], own: u32, is_layered: impl Fn(u32) -> bool) -> Option<u32> {
    let ours = |entry: &u32| *entry == own || is_layered(*entry);
    let place = chain.iter().position(ours)?;
    chain.get(place + 1).copied()
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn the_entry_behind_ours_is_next() {
        let layered = |entry| entry == 1009;
        assert_eq!(below(&[1009, 1001], 1010, layered), Some(1001), "a chain has an id of its own");
        assert_eq!(below(&[1005, 1009, 1001], 1010, layered), Some(1001), "another layer is above");
        assert_eq!(below(&[1010, 1001], 1010, |_| false), Some(1001), "named by its own id");
        assert_eq!(below(&[1009], 1010, layered), None, "nothing is below");
        assert_eq!(below(&[1005, 1001], 1010, layered), None, "not our chain");
    }
}
