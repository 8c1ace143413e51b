//! WSPAddressToString.

use core::net::SocketAddr;

use provider_core::layout::{encode_sockaddr, protocol_info};
use provider_core::spi::{AF_INET, AF_INET6};
use provider_core::{UserPtr, WsaError};

use crate::support::{Errno, Guarded, cleanup, startup};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of this function.
pub(crate) const CASES: &[Case] = &[
    Case::both("addresstostring-1-numbers", &["ADDRESSTOSTRING-1"], numbers),
    Case::both("addresstostring-2-scope", &["ADDRESSTOSTRING-2"], scope),
    Case::both("addresstostring-3-ends-with-a-zero", &["ADDRESSTOSTRING-3"], zero),
    Case::both("addresstostring-4-too-little-room", &["ADDRESSTOSTRING-4"], room),
    Case::both("addresstostring-5-no-address", &["ADDRESSTOSTRING-5"], no_address),
    Case::both("addresstostring-5-another-protocol", &["ADDRESSTOSTRING-5"], other_protocol),
    Case::both("addresstostring-6-bad-pointers", &["ADDRESSTOSTRING-6", "RESULT-11"], pointers),
    Case::both("addresstostring-not-started", &["RESULT-4"], not_started),
];

/// What the room holds before a call.
const FILL: u8 = 0xcc;

/// A call with room for `room` characters.
struct Written {
    result: Result<(), WsaError>,
    /// `*lpdwAddressStringLength` afterwards.
    len: u32,
    memory: Vec<u8>,
}

fn call_with(
    bed: &dyn TestBed,
    (address, len): (UserPtr, u32),
    info: UserPtr,
    room: u32,
) -> CaseResult<Written> {
    let string = Guarded::holding(bed, &vec![FILL; 2 * room as usize]);
    let chars = Guarded::holding(bed, &room.to_le_bytes());
    let errno = Errno::new(bed);
    let (text, count) = (string.at(), chars.at());
    let value = bed.spi().wsp_address_to_string(address, len, info, text, count, errno.at());
    let result = if value == 0 { Ok(()) } else { Err(errno.error(bed)) };
    string.check(bed, "lpszAddressString")?;
    chars.check(bed, "lpdwAddressStringLength")?;
    Ok(Written { result, len: chars.word(bed), memory: string.bytes(bed) })
}

fn call(bed: &dyn TestBed, address: SocketAddr, room: u32) -> CaseResult<Written> {
    let (bytes, len) = encode_sockaddr(&address);
    let memory = Guarded::holding(bed, &bytes[..len]);
    call_with(bed, (memory.at(), len as u32), UserPtr::NULL, room)
}

/// The text of an address.
fn text(bed: &dyn TestBed, address: SocketAddr) -> CaseResult<String> {
    let written = call(bed, address, 100)?;
    check::works("WSPAddressToString", written.result)?;
    let units: Vec<u16> = written
        .memory
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .take_while(|unit| *unit != 0)
        .collect();
    Ok(String::from_utf16_lossy(&units))
}

fn parse(address: &str) -> CaseResult<SocketAddr> {
    address.parse().map_err(|_| crate::Failure::new(format!("{address} is no address")))
}

fn numbers(bed: &dyn TestBed) -> CaseResult {
    for (address, want) in [
        ("192.0.2.1:0", "192.0.2.1"),
        ("192.0.2.1:80", "192.0.2.1:80"),
        ("0.0.0.0:65535", "0.0.0.0:65535"),
        ("[2001:db8::1]:0", "2001:db8::1"),
        ("[2001:db8::1]:80", "[2001:db8::1]:80"),
        ("[::]:0", "::"),
    ] {
        check::equal("the text", text(bed, parse(address)?)?, want.to_owned())?;
    }
    Ok(())
}

fn scope(bed: &dyn TestBed) -> CaseResult {
    check::equal("the text", text(bed, parse("[fe80::1%3]:0")?)?, "fe80::1%3".to_owned())?;
    check::equal("the text", text(bed, parse("[fe80::1%3]:9")?)?, "[fe80::1%3]:9".to_owned())
}

fn zero(bed: &dyn TestBed) -> CaseResult {
    let written = call(bed, parse("1.2.3.4:0")?, 20)?;
    check::works("WSPAddressToString", written.result)?;
    check::equal("the length", written.len, 8)?;
    let want: Vec<u8> = "1.2.3.4\0".bytes().flat_map(|byte| [byte, 0]).collect();
    check::equal("the string", written.memory[..16].to_vec(), want)?;
    check::holds("nothing behind", written.memory[16..].iter().all(|byte| *byte == FILL))
}

fn room(bed: &dyn TestBed) -> CaseResult {
    let address = parse("1.2.3.4:56")?;
    for room in [0, 1, 10] {
        let written = call(bed, address, room)?;
        check::fails("too little room", written.result, WsaError::WSAEFAULT)?;
        check::equal("the length needed", written.len, 11)?;
        check::holds("nothing is written", written.memory.iter().all(|byte| *byte == FILL))?;
    }
    check::works("room enough", call(bed, address, 11)?.result)
}

fn no_address(bed: &dyn TestBed) -> CaseResult {
    let (v4, _) = encode_sockaddr(&parse("1.2.3.4:5")?);
    let (v6, _) = encode_sockaddr(&parse("[::1]:5")?);
    let mut odd = v4;
    odd[..2].copy_from_slice(&99_u16.to_le_bytes());
    for bytes in [&odd[..16], &v4[..15], &v6[..27], &v4[..2], &v4[..1], &v4[..0]] {
        let memory = Guarded::holding(bed, bytes);
        let at = (memory.at(), bytes.len() as u32);
        let written = call_with(bed, at, UserPtr::NULL, 100)?;
        check::fails("no address", written.result, WsaError::WSAEINVAL)?;
        check::equal("the length", written.len, 100)?;
    }
    // A longer one is as good.
    let memory = Guarded::holding(bed, &[&v4[..16], &[7; 100]].concat());
    let written = call_with(bed, (memory.at(), 116), UserPtr::NULL, 100)?;
    check::works("a long sockaddr", written.result)
}

fn other_protocol(bed: &dyn TestBed) -> CaseResult {
    let (bytes, len) = encode_sockaddr(&parse("1.2.3.4:5")?);
    let memory = Guarded::holding(bed, &bytes[..len]);
    for (af, error) in [(AF_INET, WsaError(0)), (AF_INET6, WsaError::WSAEINVAL)] {
        let mut info = vec![0; protocol_info::SIZE];
        info[protocol_info::ADDRESS_FAMILY..][..4].copy_from_slice(&af.to_le_bytes());
        let info = Guarded::holding(bed, &info);
        let written = call_with(bed, (memory.at(), len as u32), info.at(), 100)?;
        check::equal("by protocol", written.result.err().unwrap_or(WsaError(0)), error)?;
    }
    Ok(())
}

fn pointers(bed: &dyn TestBed) -> CaseResult {
    let (bytes, len) = encode_sockaddr(&parse("1.2.3.4:5")?);
    let good = Guarded::holding(bed, &bytes[..len]);
    let chars = Guarded::holding(bed, &100_u32.to_le_bytes());
    let string = Guarded::holding(bed, &[FILL; 200]);
    let null = UserPtr::NULL;
    for bad in bed.bad_pointers() {
        let calls = [
            (bad.at, null, string.at(), chars.at()),
            (good.at(), null, bad.at, chars.at()),
            (good.at(), null, string.at(), bad.at),
            // A null WSAPROTOCOL_INFOW is none.
            (
                good.at(),
                if bad.at.is_null() { UserPtr(8) } else { bad.at },
                string.at(),
                chars.at(),
            ),
        ];
        for (number, (address, info, text, count)) in calls.into_iter().enumerate() {
            let errno = Errno::new(bed);
            let len = len as u32;
            bed.spi().wsp_address_to_string(address, len, info, text, count, errno.at());
            let what = format!("{} for argument {number}", bad.what);
            check::equal(&what, errno.error(bed), WsaError::WSAEFAULT)?;
            check::equal("the length", chars.word(bed), 100)?;
        }
    }
    check::holds("no text", string.bytes(bed).iter().all(|byte| *byte == FILL))
}

fn not_started(bed: &dyn TestBed) -> CaseResult {
    check::works("WSPCleanup", cleanup(bed))?;
    let written = call(bed, parse("1.2.3.4:5")?, 100)?;
    check::works("WSPStartup", startup(bed))?;
    check::fails("before WSPStartup", written.result, WsaError::WSANOTINITIALISED)
}
