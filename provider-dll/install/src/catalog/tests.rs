//! Catalogues as Windows has them.

use super::*;

const MSAFD: u128 = 0xe70f_1aa0_ab8b_11cf_8ca3_0080_5f48_a192;
const OTHER: u128 = 7;

fn entry(id: u32, provider: u128, chain: &[u32], protocol: (i32, i32, i32)) -> Entry {
    Entry {
        id,
        provider,
        chain: if chain.len() > 1 { chain.to_vec() } else { Vec::new() },
        chain_len: chain.len(),
        protocol,
        service_flags: 0x2_0066,
        provider_flags: 8,
        name: format!("protocol {id}"),
    }
}

/// Raw sockets, TCP, UDP and another provider's, in an order of their own.
fn fresh() -> Vec<Entry> {
    vec![
        entry(1003, MSAFD, &[1003], (2, 3, 0)),
        entry(1002, MSAFD, &[1002], (2, 2, 17)),
        entry(1001, MSAFD, &[1001], (2, 1, 6)),
        entry(1004, MSAFD, &[1004], (23, 1, 6)),
        entry(1020, OTHER, &[1020], (2, 1, 6)),
    ]
}

fn installed() -> Vec<Entry> {
    let mut catalog = fresh();
    catalog.push(entry(1030, LAYERED_ENTRY, &[], (2, 1, 6)));
    catalog.push(entry(1031, CHAINS, &[1030, 1001], (2, 1, 6)));
    catalog.push(entry(1032, CHAINS, &[1030, 1002], (2, 2, 17)));
    catalog
}

fn ids(entries: &[&Entry]) -> Vec<u32> {
    entries.iter().map(|entry| entry.id).collect()
}

#[test]
fn chains_go_over_tcp_and_udp() {
    let catalog = fresh();
    assert_eq!(ids(&bases(&catalog, None).unwrap()), [1001, 1002, 1004], "the first for each");
    assert_eq!(ids(&bases(&catalog, Some(1020)).unwrap()), [1020], "the chosen one");
    assert_eq!(
        ids(&bases(&catalog, Some(1003)).unwrap()),
        [1002, 1001, 1004],
        "by any entry of it"
    );
}

#[test]
fn what_cannot_be_layered_over_is_refused() {
    assert!(bases(&fresh(), Some(5)).unwrap_err().contains("no entry 5"));
    assert!(bases(&[], None).unwrap_err().contains("no TCP"));
    assert!(bases(&installed(), None).unwrap_err().contains("already"));
    let raw = vec![entry(1003, MSAFD, &[1003], (2, 3, 0))];
    assert!(bases(&raw, Some(1003)).unwrap_err().contains("no TCP"));
    let hidden = vec![entry(1040, OTHER, &[], (2, 1, 6))];
    assert!(bases(&hidden, Some(1040)).is_err(), "a layered entry carries nothing by itself");
}

#[test]
fn a_chain_is_its_base_without_file_handles() {
    let chain = chain(1030, &entry(1001, MSAFD, &[1001], (2, 1, 6))).unwrap();
    assert_eq!(chain.entries, [1030, 1001]);
    assert_eq!(chain.service_flags, 0x66);
    assert_eq!(chain.provider_flags, 8, "matches protocol zero, as its base does");
    assert_eq!(chain.name, "wspsim over [protocol 1001]");
}

#[test]
fn a_chain_over_a_chain_names_all_below() {
    let layered = entry(1050, OTHER, &[1049, 1001], (2, 1, 6));
    assert_eq!(chain(1030, &layered).unwrap().entries, [1030, 1049, 1001]);
    let deep = entry(1060, OTHER, &[1, 2, 3, 4, 5, 6, 7], (2, 1, 6));
    assert!(chain(1030, &deep).is_err(), "eight do not fit into seven");
}

#[test]
fn our_chains_come_first_and_the_others_keep_their_order() {
    let order = order(&installed());
    assert_eq!(order, [1031, 1032, 1003, 1002, 1001, 1004, 1020, 1030]);
}

#[test]
fn it_is_taken_out_from_the_top() {
    assert_eq!(removable(&installed()), Ok(()));
    assert!(removable(&fresh()).unwrap_err().contains("not installed"));
    let mut above = installed();
    above.push(entry(1090, OTHER, &[1089, 1031, 1030, 1001], (2, 1, 6)));
    assert!(removable(&above).unwrap_err().contains("1090"));
}
