//! The functions of ws2_32 that read and change the catalogue.

use core::ptr;

use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::core::GUID;
use wspprovider::catalog::{CHAINS, LAYERED_ENTRY};

use crate::catalog::{Chain, Entry, HIDDEN};

/// An entry as ws2_32 has it.
pub(crate) type Info = ws::WSAPROTOCOL_INFOW;

/// What a failed function of ws2_32 says.
fn failed(what: &str, code: i32) -> String {
    let why = match code {
        ws::WSANO_RECOVERY | ws::WSAEACCES | 5 => "an administrator may do this",
        ws::WSAEINVALIDPROVIDER => "the catalogue does not take such an entry",
        ws::WSATRY_AGAIN => "somebody else changes the catalogue: try again",
        _ => "docs.microsoft.com lists what it means under the function's name",
    };
    format!("{what} failed with {code}: {why}")
}

fn done(what: &str, value: i32, code: i32) -> Result<(), String> {
    if value == 0 { Ok(()) } else { Err(failed(what, code)) }
}

/// The catalogue, in its order.
pub(crate) fn catalog() -> Result<Vec<Info>, String> {
    const ENTRY: usize = size_of::<Info>();
    let mut entries: Vec<Info> = Vec::new();
    loop {
        let mut bytes = (entries.len() * ENTRY) as u32;
        let mut code = 0;
        // SAFETY: the buffer has as many bytes as `bytes` says.
        let found = unsafe {
            ws::WSCEnumProtocols(ptr::null(), entries.as_mut_ptr(), &raw mut bytes, &raw mut code)
        };
        let needed = (bytes as usize).div_ceil(ENTRY);
        match usize::try_from(found) {
            Ok(found) => {
                entries.truncate(found);
                return Ok(entries);
            }
            Err(_) if code == ws::WSAENOBUFS && needed > entries.len() => {
                entries.resize(needed, Info::default());
            }
            Err(_) => return Err(failed("WSCEnumProtocols", code)),
        }
    }
}

/// An entry as the plans take it.
pub(crate) fn entry(info: &Info) -> Entry {
    let chain_len = usize::try_from(info.ProtocolChain.ChainLen).unwrap_or(0);
    let chain = info.ProtocolChain.ChainEntries.iter().copied().take(chain_len);
    let name = info.szProtocol.iter().copied().take_while(|word| *word != 0).collect::<Vec<_>>();
    Entry {
        id: info.dwCatalogEntryId,
        provider: number(&info.ProviderId),
        chain: if chain_len > 1 { chain.collect() } else { Vec::new() },
        chain_len,
        protocol: (info.iAddressFamily, info.iSocketType, info.iProtocol),
        service_flags: info.dwServiceFlags1,
        provider_flags: info.dwProviderFlags,
        name: String::from_utf16_lossy(&name),
    }
}

fn number(id: &GUID) -> u128 {
    let head = (u128::from(id.data1) << 96) | (u128::from(id.data2) << 80);
    head | (u128::from(id.data3) << 64) | u128::from(u64::from_be_bytes(id.data4))
}

fn set_name(info: &mut Info, name: &str) {
    info.szProtocol.fill(0);
    let last = info.szProtocol.len() - 1;
    for (word, unit) in info.szProtocol[..last].iter_mut().zip(name.encode_utf16()) {
        *word = unit;
    }
}

/// The layered entry, which chains name: like `base`, and for nobody to open.
pub(crate) fn layered(base: &Info) -> Info {
    let mut info = *base;
    set_name(&mut info, "wspsim");
    info.ProviderId = GUID::from_u128(LAYERED_ENTRY);
    info.dwProviderFlags = HIDDEN;
    info.ProtocolChain = ws::WSAPROTOCOLCHAIN::default();
    info
}

/// The entry of a chain over `base`.
pub(crate) fn chained(base: &Info, chain: &Chain) -> Info {
    let mut info = *base;
    set_name(&mut info, &chain.name);
    info.ProviderId = GUID::from_u128(CHAINS);
    info.dwServiceFlags1 = chain.service_flags;
    info.dwProviderFlags = chain.provider_flags;
    info.ProtocolChain = ws::WSAPROTOCOLCHAIN::default();
    info.ProtocolChain.ChainLen = chain.entries.len() as i32;
    info.ProtocolChain.ChainEntries[..chain.entries.len()].copy_from_slice(&chain.entries);
    info
}

/// WSCInstallProvider, for entries of one provider.
pub(crate) fn install(provider: u128, dll: &[u16], entries: &[Info]) -> Result<(), String> {
    let (id, mut code) = (GUID::from_u128(provider), 0);
    // SAFETY: `dll` ends with a zero; the list has as many entries as it says.
    let value = unsafe {
        ws::WSCInstallProvider(
            &raw const id,
            dll.as_ptr(),
            entries.as_ptr(),
            entries.len() as u32,
            &raw mut code,
        )
    };
    done("WSCInstallProvider", value, code)
}

/// WSCDeinstallProvider.
pub(crate) fn deinstall(provider: u128) -> Result<(), String> {
    let (id, mut code) = (GUID::from_u128(provider), 0);
    // SAFETY: both outlive the call.
    let value = unsafe { ws::WSCDeinstallProvider(&raw const id, &raw mut code) };
    done("WSCDeinstallProvider", value, code)
}

/// WSCWriteProviderOrder.
pub(crate) fn write_order(order: &[u32]) -> Result<(), String> {
    let mut order = order.to_vec();
    // SAFETY: the list has as many entries as it says.
    let code = unsafe { ws::WSCWriteProviderOrder(order.as_mut_ptr(), order.len() as u32) };
    done("WSCWriteProviderOrder", code, code)
}

/// Where the DLL of a provider is, as the catalogue has it.
pub(crate) fn path(info: &Info) -> Option<String> {
    const PATH_MAX: usize = 260;
    let (mut path, mut len, mut code) = ([0_u16; PATH_MAX], PATH_MAX as i32, 0);
    // SAFETY: `path` has `len` words.
    let value = unsafe {
        ws::WSCGetProviderPath(
            &raw const info.ProviderId,
            path.as_mut_ptr(),
            &raw mut len,
            &raw mut code,
        )
    };
    let end = path.iter().position(|word| *word == 0)?;
    // A ws2_32 that says that it did, and has not, leaves no path.
    (value == 0 && end > 0).then(|| String::from_utf16_lossy(&path[..end]))
}
