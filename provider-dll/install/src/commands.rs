//! What the commands do.

use std::os::windows::ffi::OsStrExt as _;
use std::path::PathBuf;

use wspprovider::catalog::{CHAINS, LAYERED_ENTRY};

use crate::arguments::{Command, HELP};
use crate::catalog::{Chain, Entry, bases, chain, order, removable};
use crate::winsock::{self, Info};

/// # Errors
/// What went wrong, as a sentence.
pub(crate) fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Help => {
            println!("{HELP}");
            Ok(())
        }
        Command::Show => show(),
        Command::Install { dll, base, dry_run } => install(dll, base, dry_run),
        Command::Uninstall { dry_run } => uninstall(dry_run),
    }
}

fn entries(catalog: &[Info]) -> Vec<Entry> {
    catalog.iter().map(winsock::entry).collect()
}

fn show() -> Result<(), String> {
    for info in winsock::catalog()? {
        let entry = winsock::entry(&info);
        let ours = if entry.is_ours() { "*" } else { " " };
        let chain = entry.chain.iter().map(u32::to_string).collect::<Vec<_>>().join(" > ");
        let path = winsock::path(&info).unwrap_or_default();
        println!("{ours} {:>5}  {}  {chain}  {path}", entry.id, entry.name);
    }
    Ok(())
}

/// The DLL with its whole path: the catalogue's is looked up from nowhere.
fn whole_path(dll: Option<String>) -> Result<PathBuf, String> {
    let path = match dll {
        Some(dll) => PathBuf::from(dll),
        None => std::env::current_exe()
            .map_err(|error| format!("where is this program? {error}"))?
            .with_file_name("wspprovider.dll"),
    };
    let whole =
        std::path::absolute(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if whole.is_file() { Ok(whole) } else { Err(format!("there is no {}", whole.display())) }
}

fn install(dll: Option<String>, base: Option<u32>, dry_run: bool) -> Result<(), String> {
    let catalog = winsock::catalog()?;
    let known = entries(&catalog);
    let bases = bases(&known, base)?;
    let dll = whole_path(dll)?;
    // Its number is ws2_32's to give.
    let unknown = 0;
    for base in &bases {
        let chain = chain(unknown, base)?;
        println!("{}, entries: ours {:?}", chain.name, &chain.entries[1..]);
    }
    println!("DLL: {}", dll.display());
    if dry_run {
        return Ok(());
    }
    let path: Vec<u16> = dll.as_os_str().encode_wide().chain([0]).collect();
    let info = |entry: &Entry| catalog.iter().find(|info| info.dwCatalogEntryId == entry.id);
    let first =
        bases.first().and_then(|base| info(base)).ok_or("the catalogue changed meanwhile")?;
    winsock::install(LAYERED_ENTRY, &path, &[winsock::layered(first)])?;
    let rest = enter_chains(&path, &bases, info).and_then(|()| put_first());
    if rest.is_err() {
        // All or nothing. What of it is not there cannot be taken out.
        let _ = winsock::deinstall(CHAINS);
        let _ = winsock::deinstall(LAYERED_ENTRY);
    }
    rest
}

fn enter_chains<'a>(
    path: &[u16],
    bases: &[&Entry],
    info: impl Fn(&Entry) -> Option<&'a Info>,
) -> Result<(), String> {
    let layered = entries(&winsock::catalog()?)
        .into_iter()
        .find(|entry| entry.provider == LAYERED_ENTRY)
        .ok_or("ws2_32 says that it entered the layered entry, and has not")?;
    let chains: Vec<(&Info, Chain)> = bases
        .iter()
        .filter_map(|base| info(base).map(|info| chain(layered.id, base).map(|made| (info, made))))
        .collect::<Result<_, String>>()?;
    let chained: Vec<Info> =
        chains.iter().map(|(info, chain)| winsock::chained(info, chain)).collect();
    winsock::install(CHAINS, path, &chained)
}

fn put_first() -> Result<(), String> {
    winsock::write_order(&order(&entries(&winsock::catalog()?)))
}

fn uninstall(dry_run: bool) -> Result<(), String> {
    let known = entries(&winsock::catalog()?);
    removable(&known)?;
    for entry in known.iter().filter(|entry| entry.is_ours()) {
        println!("takes out {} ({})", entry.id, entry.name);
    }
    if dry_run {
        return Ok(());
    }
    // The chains first: they need the layered entry. One that an interrupted attempt left is alone.
    if known.iter().any(|entry| entry.provider == CHAINS) {
        winsock::deinstall(CHAINS)?;
    }
    if known.iter().any(|entry| entry.provider == LAYERED_ENTRY) {
        winsock::deinstall(LAYERED_ENTRY)?;
    }
    Ok(())
}
