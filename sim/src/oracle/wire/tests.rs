use core::net::SocketAddr;

use xxhash_rust::xxh3::xxh3_64;

use super::super::testing::breaks;
use super::*;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn tsock(machine: u16, number: u32) -> Tsock {
    Tsock { machine: MachineId(machine), number }
}

fn pair() -> WireOracle {
    let mut wire = WireOracle::default();
    let (a, b) = (address("10.0.0.1:1000"), address("10.0.0.2:80"));
    wire.connected(tsock(0, 1), Some(a), b);
    wire.connected(tsock(1, 1), Some(b), a);
    wire
}

#[test]
fn streams_arrive_unaltered() {
    let mut wire = pair();
    wire.stream_sent(tsock(0, 1), b"hello", false);
    wire.stream_received(tsock(1, 1), b"hel").unwrap();
    wire.stream_received(tsock(1, 1), b"lo").unwrap();
    wire.stream_received(tsock(1, 1), b"").unwrap();
    let mut wire = pair();
    wire.stream_sent(tsock(0, 1), b"hello", false);
    breaks(wire.stream_received(tsock(1, 1), b"help"), "ORD-2");
    let mut wire = pair();
    wire.stream_sent(tsock(0, 1), b"hello", false);
    wire.stream_received(tsock(1, 1), b"hel").unwrap();
    breaks(wire.stream_received(tsock(1, 1), b""), "CXL-6");
    let mut wire = pair();
    wire.stream_sent(tsock(0, 1), b"hello", false);
    wire.broken(tsock(0, 1));
    wire.stream_received(tsock(1, 1), b"").unwrap();
}

/// An urgent byte is read beside the stream, or in it where it stayed.
#[test]
fn urgent_bytes() {
    let sent = |bytes: &[(&[u8], bool)]| {
        let mut wire = pair();
        for (bytes, urgent) in bytes {
            wire.stream_sent(tsock(0, 1), bytes, *urgent);
        }
        wire
    };
    let stream: &[(&[u8], bool)] = &[(b"ab!", true), (b"cd", false), (b"?", true)];
    for (read, fits) in [
        (&b"abcd"[..], true),
        (b"ab!cd", true),
        (b"ab!cd?", true),
        (b"abc?", false),
        (b"a!", false),
    ] {
        let mut wire = sent(stream);
        let verdict = read.iter().try_for_each(|byte| wire.stream_received(tsock(1, 1), &[*byte]));
        assert_eq!(verdict.is_ok(), fits, "{read:?} byte by byte");
        let mut wire = sent(stream);
        assert_eq!(wire.stream_received(tsock(1, 1), read).is_ok(), fits, "{read:?}");
        if fits {
            wire.stream_received(tsock(1, 1), b"").unwrap();
        }
    }
    let mut wire = sent(stream);
    wire.stream_received(tsock(1, 1), b"abc").unwrap();
    breaks(wire.stream_received(tsock(1, 1), b""), "CXL-6");
    let mut wire = sent(stream);
    wire.urgent_received(tsock(1, 1), b'!').unwrap();
    breaks(wire.urgent_received(tsock(1, 1), b'!'), "RECV-22");
    wire.urgent_received(tsock(1, 1), b'?').unwrap();
    let mut wire = sent(stream);
    breaks(wire.urgent_received(tsock(1, 1), b'a'), "RECV-22");
    wire.urgent_received(tsock(1, 1), b'?').unwrap();
    breaks(wire.urgent_received(tsock(1, 1), b'!'), "RECV-22");
}

/// The same four-tuple used twice: whichever fits.
#[test]
fn reused_tuple() {
    let mut wire = pair();
    let (a, b) = (address("10.0.0.1:1000"), address("10.0.0.2:80"));
    wire.stream_sent(tsock(0, 1), b"first", false);
    wire.connected(tsock(0, 2), Some(a), b);
    wire.stream_sent(tsock(0, 2), b"second", false);
    wire.connected(tsock(1, 2), Some(b), a);
    wire.stream_received(tsock(1, 2), b"second").unwrap();
    wire.stream_received(tsock(1, 1), b"first").unwrap();
    breaks(wire.stream_received(tsock(1, 1), b"x"), "ORD-2");
}

#[test]
fn datagrams_were_sent() {
    let (a, b) = (address("10.0.0.1:1000"), address("10.0.0.2:80"));
    let mut wire = WireOracle::default();
    wire.bound(tsock(0, 1), a);
    wire.bound(tsock(1, 1), b);
    let hash = xxh3_64(b"one");
    wire.datagram_sent(tsock(0, 1), hash, b);
    wire.datagram_received(tsock(1, 1), hash, 3, a).unwrap();
    breaks(wire.datagram_received(tsock(1, 1), hash, 3, a), "RET-14");
    breaks(wire.datagram_received(tsock(1, 1), xxh3_64(b"two"), 3, a), "RET-14");
    wire.allow_duplicates();
    wire.datagram_sent(tsock(0, 1), hash, b);
    wire.datagram_received(tsock(1, 1), hash, 3, a).unwrap();
    wire.datagram_received(tsock(1, 1), hash, 3, a).unwrap();
}

/// Each member hears what is for its group once; whoever never joined does not.
#[test]
fn groups_are_heard_by_their_members() {
    let (a, group) = (address("10.0.0.1:1000"), address("239.1.1.1:80"));
    let (member, stranger) = (tsock(1, 1), tsock(2, 1));
    let mut wire = WireOracle::default();
    wire.bound(tsock(0, 1), a);
    wire.bound(member, address("10.0.0.2:80"));
    wire.bound(stranger, address("0.0.0.0:80"));
    wire.joined(member, group.ip());
    wire.joined(stranger, "239.1.1.2".parse().unwrap());
    let hash = xxh3_64(b"one");
    wire.datagram_sent(tsock(0, 1), hash, group);
    wire.datagram_received(member, hash, 3, a).unwrap();
    breaks(wire.datagram_received(member, hash, 3, a), "RET-14");
    breaks(wire.datagram_received(stranger, hash, 3, a), "RET-14");
    wire.joined(stranger, group.ip());
    wire.datagram_received(stranger, hash, 3, a).unwrap();
    wire.datagram_sent(tsock(0, 1), hash, address("10.0.255.255:80"));
    wire.datagram_received(member, hash, 3, a).unwrap();
    // One to itself alone, beside those to the group.
    wire.datagram_sent(tsock(0, 1), hash, address("10.0.0.2:80"));
    wire.datagram_received(member, hash, 3, a).unwrap();
    breaks(wire.datagram_received(member, hash, 3, a), "RET-14");
    wire.allow_duplicates();
    wire.datagram_received(member, hash, 3, a).unwrap();
}
