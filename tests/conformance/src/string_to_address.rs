//! WSPStringToAddress.

use core::net::SocketAddr;

use provider_core::layout::{SOCKADDR_IN6, encode_sockaddr, protocol_info};
use provider_core::spi::{AF_INET, AF_INET6};
use provider_core::{UserPtr, WsaError};

use crate::support::{Errno, Guarded, cleanup, startup};
use crate::{Case, CaseResult, Failure, TestBed, check};

/// The cases of this function.
pub(crate) const CASES: &[Case] = &[
    Case::both("stringtoaddress-1-what-is-written", &["STRINGTOADDRESS-1"], written),
    Case::both("stringtoaddress-1-as-inet-addr", &["STRINGTOADDRESS-1"], as_inet_addr),
    Case::both("stringtoaddress-2-no-port", &["STRINGTOADDRESS-2"], no_port),
    Case::both("stringtoaddress-3-no-address", &["STRINGTOADDRESS-3"], no_address),
    Case::both("stringtoaddress-4-no-family", &["STRINGTOADDRESS-4"], no_family),
    Case::both("stringtoaddress-4-another-protocol", &["STRINGTOADDRESS-4"], other_protocol),
    Case::both("stringtoaddress-5-too-little-room", &["STRINGTOADDRESS-5"], room),
    Case::both("stringtoaddress-6-bad-pointers", &["STRINGTOADDRESS-6", "RESULT-11"], pointers),
    Case::both("stringtoaddress-not-started", &["RESULT-4"], not_started),
];

/// What the room holds before a call.
const FILL: u8 = 0xcc;

struct Read {
    result: Result<(), WsaError>,
    /// `*lpAddressLength` afterwards.
    len: u32,
    memory: Vec<u8>,
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(|unit| unit.to_le_bytes()).collect()
}

fn call_with(
    bed: &dyn TestBed,
    string: &[u8],
    af: i32,
    info: UserPtr,
    room: usize,
) -> CaseResult<Read> {
    let string = Guarded::holding(bed, string);
    let memory = Guarded::holding(bed, &vec![FILL; room]);
    let len = Guarded::holding(bed, &(room as u32).to_le_bytes());
    let errno = Errno::new(bed);
    let (address, count) = (memory.at(), len.at());
    let value = bed.spi().wsp_string_to_address(string.at(), af, info, address, count, errno.at());
    let result = if value == 0 { Ok(()) } else { Err(errno.error(bed)) };
    memory.check(bed, "lpAddress")?;
    len.check(bed, "lpAddressLength")?;
    Ok(Read { result, len: len.word(bed), memory: memory.bytes(bed) })
}

fn call(bed: &dyn TestBed, text: &str, af: i32) -> CaseResult<Read> {
    call_with(bed, &utf16(text), af, UserPtr::NULL, SOCKADDR_IN6)
}

/// `text` is read as `want`.
fn reads(bed: &dyn TestBed, text: &str, want: &str) -> CaseResult {
    let want: SocketAddr =
        want.parse().map_err(|_| Failure::new(format!("{want} is no address")))?;
    let af = if want.is_ipv4() { AF_INET } else { AF_INET6 };
    let read = call(bed, text, af)?;
    check::works(text, read.result)?;
    let (bytes, size) = encode_sockaddr(&want);
    check::equal("the length", read.len as usize, size)?;
    check::equal(text, read.memory[..size].to_vec(), bytes[..size].to_vec())?;
    check::holds("nothing behind", read.memory[size..].iter().all(|byte| *byte == FILL))
}

fn written(bed: &dyn TestBed) -> CaseResult {
    for (text, address) in [
        ("192.0.2.1:80", "192.0.2.1:80"),
        ("0.0.0.0:65535", "0.0.0.0:65535"),
        ("[2001:db8::1]:80", "[2001:db8::1]:80"),
        ("fe80::1%3", "[fe80::1%3]:0"),
        ("[fe80::1%3]:80", "[fe80::1%3]:80"),
    ] {
        reads(bed, text, address)?;
    }
    Ok(())
}

fn as_inet_addr(bed: &dyn TestBed) -> CaseResult {
    for (text, address) in [
        ("127.1", "127.0.0.1:0"),
        ("0x7f.0.0.01", "127.0.0.1:0"),
        ("3221225985", "192.0.2.1:0"),
        ("1.2.772:0x50", "1.2.3.4:80"),
    ] {
        reads(bed, text, address)?;
    }
    Ok(())
}

fn no_port(bed: &dyn TestBed) -> CaseResult {
    reads(bed, "192.0.2.1", "192.0.2.1:0")?;
    reads(bed, "::1", "[::1]:0")?;
    reads(bed, "[::1]", "[::1]:0")
}

fn no_address(bed: &dyn TestBed) -> CaseResult {
    let refused = |string: &[u8], af: i32| {
        let read = call_with(bed, string, af, UserPtr::NULL, SOCKADDR_IN6)?;
        check::fails("no address", read.result, WsaError::WSAEINVAL)?;
        check::equal("the length", read.len as usize, SOCKADDR_IN6)?;
        check::holds("nothing is written", read.memory.iter().all(|byte| *byte == FILL))
    };
    for text in ["", "x", "1.2.3.4.5", "1.2.3.256", "1.2.3.4:65536", "1.2.3.4 ", "::1"] {
        refused(&utf16(text), AF_INET)?;
    }
    for text in ["", "1.2.3.4", "::1]:80", "[::1]80", "::1%", "::10000"] {
        refused(&utf16(text), AF_INET6)?;
    }
    // A digit of another script, and a letter that ends in the byte of a digit.
    refused(&utf16("1.2.3.\u{0664}"), AF_INET)?;
    refused(&utf16("1.2.3.\u{0134}"), AF_INET)?;
    // Longer than any address, and nothing readable behind.
    let endless = bed.alloc(2 * 300);
    bed.write(endless, &[b'0', 0].repeat(300));
    let (room, len) = (Guarded::holding(bed, &[FILL; 28]), Guarded::holding(bed, &[28, 0, 0, 0]));
    let errno = Errno::new(bed);
    let null = UserPtr::NULL;
    bed.spi().wsp_string_to_address(endless, AF_INET, null, room.at(), len.at(), errno.at());
    check::equal("a string without an end", errno.error(bed), WsaError::WSAEINVAL)
}

fn no_family(bed: &dyn TestBed) -> CaseResult {
    for af in [0, 1, 99, -1, i32::MAX] {
        for text in ["1.2.3.4", "::1"] {
            let read = call(bed, text, af)?;
            check::fails("no family of ours", read.result, WsaError::WSAEINVAL)?;
        }
    }
    Ok(())
}

fn other_protocol(bed: &dyn TestBed) -> CaseResult {
    for (af, error) in [(AF_INET, WsaError(0)), (AF_INET6, WsaError::WSAEINVAL)] {
        let mut info = vec![0; protocol_info::SIZE];
        info[protocol_info::ADDRESS_FAMILY..][..4].copy_from_slice(&af.to_le_bytes());
        let info = Guarded::holding(bed, &info);
        let read = call_with(bed, &utf16("1.2.3.4"), AF_INET, info.at(), SOCKADDR_IN6)?;
        check::equal("by protocol", read.result.err().unwrap_or(WsaError(0)), error)?;
    }
    Ok(())
}

fn room(bed: &dyn TestBed) -> CaseResult {
    for (text, af, size) in [("1.2.3.4", AF_INET, 16), ("::1", AF_INET6, 28)] {
        for room in [0, 1, size - 1] {
            let read = call_with(bed, &utf16(text), af, UserPtr::NULL, room)?;
            check::fails("too little room", read.result, WsaError::WSAEFAULT)?;
            check::equal("the size needed", read.len as usize, size)?;
            check::holds("nothing is written", read.memory.iter().all(|byte| *byte == FILL))?;
        }
        let read = call_with(bed, &utf16(text), af, UserPtr::NULL, size)?;
        check::works("room enough", read.result)?;
    }
    Ok(())
}

fn pointers(bed: &dyn TestBed) -> CaseResult {
    let string = Guarded::holding(bed, &utf16("1.2.3.4"));
    let len = Guarded::holding(bed, &[28, 0, 0, 0]);
    let room = Guarded::holding(bed, &[FILL; 28]);
    let null = UserPtr::NULL;
    for bad in bed.bad_pointers() {
        let calls = [
            (bad.at, null, room.at(), len.at()),
            (string.at(), null, bad.at, len.at()),
            (string.at(), null, room.at(), bad.at),
            (string.at(), if bad.at.is_null() { UserPtr(8) } else { bad.at }, room.at(), len.at()),
        ];
        for (number, (text, info, address, count)) in calls.into_iter().enumerate() {
            let errno = Errno::new(bed);
            bed.spi().wsp_string_to_address(text, AF_INET, info, address, count, errno.at());
            let what = format!("{} for argument {number}", bad.what);
            check::equal(&what, errno.error(bed), WsaError::WSAEFAULT)?;
            check::equal("the length", len.word(bed), 28)?;
        }
    }
    check::holds("no address", room.bytes(bed).iter().all(|byte| *byte == FILL))
}

fn not_started(bed: &dyn TestBed) -> CaseResult {
    check::works("WSPCleanup", cleanup(bed))?;
    let read = call(bed, "1.2.3.4", AF_INET)?;
    check::works("WSPStartup", startup(bed))?;
    check::fails("before WSPStartup", read.result, WsaError::WSANOTINITIALISED)
}
