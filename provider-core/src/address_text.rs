//! Socket addresses as text, as WSAAddressToString writes and WSAStringToAddress reads them.

use core::fmt::{self, Write};
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use core::str::FromStr;

use crate::Family;

/// Longer text is no address: the longest one written has 66 characters, and numbers may be read
/// with some zeros in front.
pub(crate) const TEXT_MAX: usize = 128;

/// An address as text; all of it is ASCII.
pub(crate) struct Text {
    bytes: [u8; TEXT_MAX],
    len: usize,
}

impl Text {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Writes an address: its port where that is not 0, its scope where that is not 0.
pub(crate) fn write(address: &SocketAddr) -> Text {
    let mut text = Text { bytes: [0; TEXT_MAX], len: 0 };
    // There is room for every address.
    let _ = match address {
        //= docs/spec/names.md#addresstostring-1
        //# An address MUST be written as numbers: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`,
        //# `[2001:db8::1]:80`, with the port where it is not 0.
        SocketAddr::V4(v4) if v4.port() == 0 => write!(text, "{}", v4.ip()),
        SocketAddr::V4(v4) => write!(text, "{v4}"),
        SocketAddr::V6(v6) if v6.port() == 0 => write_v6(&mut text, v6),
        SocketAddr::V6(v6) => {
            let written = text.write_char('[').and_then(|()| write_v6(&mut text, v6));
            written.and_then(|()| write!(text, "]:{}", v6.port()))
        }
    };
    text
}

fn write_v6(text: &mut Text, address: &SocketAddrV6) -> fmt::Result {
    write!(text, "{}", address.ip())?;
    //= docs/spec/names.md#addresstostring-2
    //# The scope of an IPv6 address MUST be written as `%` and its number where it is not 0.
    if address.scope_id() == 0 { Ok(()) } else { write!(text, "%{}", address.scope_id()) }
}

/// Reads an address of `family`.
pub(crate) fn read(text: &str, family: Family) -> Option<SocketAddr> {
    //= docs/spec/names.md#stringtoaddress-1
    //# What WSPAddressToString writes MUST be read back as the same address.
    match family {
        Family::V4 => read_v4(text).map(SocketAddr::V4),
        Family::V6 => read_v6(text).map(SocketAddr::V6),
    }
}

/// As inet_addr reads it, with a port: up to four numbers, of which the last one fills the bytes that
/// are left.
fn read_v4(text: &str) -> Option<SocketAddrV4> {
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, port_number(port)?),
        //= docs/spec/names.md#stringtoaddress-2
        //# A port that is missing MUST be read as 0.
        None => (text, 0),
    };
    let mut address = 0u32;
    let mut parts = host.split('.').map(number).enumerate().peekable();
    while let Some((index, part)) = parts.next() {
        let part = part?;
        let bytes_left = 4u32.checked_sub(index as u32).filter(|left| *left > 0)?;
        let last = parts.peek().is_none();
        let bits = if last { 8 * bytes_left } else { 8 };
        if bits < 32 && part >> bits != 0 {
            return None;
        }
        address |= part << (8 * bytes_left - bits);
    }
    Some(SocketAddrV4::new(Ipv4Addr::from_bits(address), port))
}

/// An address with `%` and a scope, perhaps; in brackets with a port, perhaps.
fn read_v6(text: &str) -> Option<SocketAddrV6> {
    let (host, port) = match text.strip_prefix('[') {
        None => (text, 0),
        Some(rest) => match rest.split_once(']')? {
            (host, "") => (host, 0),
            (host, port) => (host, port_number(port.strip_prefix(':')?)?),
        },
    };
    let (ip, scope) = match host.split_once('%') {
        Some((ip, scope)) => (ip, decimal(scope)?),
        None => (host, 0),
    };
    Some(SocketAddrV6::new(Ipv6Addr::from_str(ip).ok()?, port, 0, scope))
}

fn port_number(text: &str) -> Option<u16> {
    number(text)?.try_into().ok()
}

/// A number as in C: `0x` begins a hexadecimal one, another `0` an octal one.
fn number(text: &str) -> Option<u32> {
    let (digits, radix) = if let Some(digits) = text.strip_prefix("0x") {
        (digits, 16)
    } else if let Some(digits) = text.strip_prefix("0X") {
        (digits, 16)
    } else if text.len() > 1 && text.starts_with('0') {
        (text, 8)
    } else {
        (text, 10)
    };
    // A sign is a digit to nobody but `from_str_radix`.
    let plain = digits.starts_with(|first: char| first.is_digit(radix));
    if plain { u32::from_str_radix(digits, radix).ok() } else { None }
}

fn decimal(text: &str) -> Option<u32> {
    let plain = text.starts_with(|first: char| first.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(text: &str) -> Option<SocketAddr> {
        read(text, Family::V4)
    }

    fn v6(text: &str) -> Option<SocketAddr> {
        read(text, Family::V6)
    }

    /// What is written for an address, in the spelling of `std`.
    fn written(address: SocketAddr) -> alloc::string::String {
        alloc::string::String::from_utf8_lossy(write(&address).as_bytes()).into_owned()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let scoped = |port, scope| {
            let ip = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
            SocketAddr::V6(SocketAddrV6::new(ip, port, 0, scope))
        };
        let longest = SocketAddrV6::new(Ipv6Addr::from([0xff; 16]), u16::MAX, 0, u32::MAX);
        for (address, text) in [
            ("192.0.2.1:0".parse().unwrap(), "192.0.2.1"),
            ("192.0.2.1:80".parse().unwrap(), "192.0.2.1:80"),
            ("0.0.0.0:65535".parse().unwrap(), "0.0.0.0:65535"),
            ("[::]:0".parse().unwrap(), "::"),
            ("[2001:db8::1]:80".parse().unwrap(), "[2001:db8::1]:80"),
            (scoped(0, 3), "fe80::1%3"),
            (scoped(80, 3), "[fe80::1%3]:80"),
            ("[::ffff:1.2.3.4]:0".parse().unwrap(), "::ffff:1.2.3.4"),
            (longest.into(), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535"),
        ] {
            assert_eq!(written(address), text);
            assert_eq!(read(text, Family::of(&address)), Some(address), "{text}");
        }
    }

    #[test]
    fn an_ipv4_address_is_read_as_inet_addr_does() {
        for (text, same) in [
            ("1", "0.0.0.1:0"),
            ("1.2", "1.0.0.2:0"),
            ("1.2.3", "1.2.0.3:0"),
            ("1.65536", "1.1.0.0:0"),
            ("1.2.65535", "1.2.255.255:0"),
            ("4294967295", "255.255.255.255:0"),
            ("0x7f.1", "127.0.0.1:0"),
            ("0XC0000201", "192.0.2.1:0"),
            ("0177.0.0.01", "127.0.0.1:0"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("1.2.3.4:0x50", "1.2.3.4:80"),
            ("1.2.3.4:0120", "1.2.3.4:80"),
        ] {
            assert_eq!(v4(text), Some(same.parse().unwrap()), "{text}");
        }
        for text in [
            "",
            ".",
            "1.",
            ".1",
            "1..2",
            "1.2.3.4.5",
            "256.1.1.1",
            "1.2.3.256",
            "1.16777216",
            "1.2.65536",
            "4294967296",
            "1.2.3.4:",
            "1.2.3.4:65536",
            "1.2.3.4:80:",
            ":80",
            "0x",
            "08",
            "1.2.3.4 ",
            " 1.2.3.4",
            "+1.2.3.4",
            "-1",
            "1.2.3.+4",
            "::1",
            "1.2.3.4:+80",
        ] {
            assert_eq!(v4(text), None, "{text}");
        }
    }

    #[test]
    fn an_ipv6_address_has_its_port_behind_brackets() {
        let scoped = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 7);
        assert_eq!(v6("[::1%7]"), Some(scoped.into()));
        assert_eq!(v6("::1%0"), Some("[::1]:0".parse().unwrap()));
        assert_eq!(v6("[::1]:0x50"), Some("[::1]:80".parse().unwrap()));
        for text in [
            "",
            "[]",
            "[::1",
            "::1]",
            "[::1]80",
            "[::1]:",
            "[::1]:65536",
            "::1%",
            "::1%x",
            "::1%+1",
            "::1%4294967296",
            "1.2.3.4",
            "[[::1]]",
            "::1:",
            ":::",
            "[::1]:80%3",
            "::g",
        ] {
            assert_eq!(v6(text), None, "{text}");
        }
    }
}
