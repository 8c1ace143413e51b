//! What is required of WSPStartup and WSPCleanup beyond what the core does.

use core::ptr;
use core::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use windows_sys::Win32::Networking::WinSock as ws;

use crate::bed::{
    ASKED_FOR, Dll, MADE, PATH, VERSION, cleanup, examples, folder, is_loaded, own_entry, set,
    socket, start, threads, upcalls,
};

const NEXT: &str = "WSPPROVIDER_NEXT";
const COMPLETE: &str = "WSPPROVIDER_COMPLETE";
/// Never called here; Wine's does nothing, and is refused where it is not asked for by name.
const ANY_EXPORT: &str = "ws2_32.dll!WPUCompleteOverlappedRequest";

/// The cases share one process, and with it one core and one environment: one runs at a time.
static ONE: Mutex<()> = Mutex::new(());

/// The DLL for a case, over the recorder.
fn prepared() -> (MutexGuard<'static, ()>, Dll) {
    // A case that failed leaves its starts; what comes after it may fail for that.
    let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    environment();
    (alone, Dll::provider())
}

/// The recorder, named by the override.
fn environment() {
    set(NEXT, examples().join("recorder.dll").to_str());
    set(COMPLETE, Some(ANY_EXPORT));
}

//= docs/spec/startup.md#startup-6
//= type=test
//# An `lpWSPData` or `lpProcTable` that is null MUST fail the call with WSAEFAULT.
#[test]
fn pointers_are_probed() {
    let (_alone, dll) = prepared();
    let mut data = ws::WSPDATA { wVersion: 0, wHighVersion: 0, szDescription: [0; 256] };
    let mut table = ws::WSPPROC_TABLE::default();
    let info = own_entry(1);
    let unmapped = 0x10;
    let refused = |data, info, table| {
        // SAFETY: what is no pointer is what this is about.
        let error = unsafe { dll.startup()(VERSION, data, info, upcalls(false), table) };
        assert_eq!(error, ws::WSAEFAULT);
    };
    let (data, table) = (&raw mut data, &raw mut table);
    refused(ptr::null_mut(), &raw const info, table);
    refused(data, &raw const info, ptr::null_mut());
    refused(data, ptr::null(), table);
    refused(ptr::without_provenance_mut(unmapped), &raw const info, table);
    refused(data, &raw const info, ptr::without_provenance_mut(unmapped));
    refused(data, ptr::without_provenance(unmapped), table);
}

#[test]
fn the_version_comes_first() {
    let (_alone, dll) = prepared();
    set(NEXT, Some("there is no such DLL"));
    let old = start(&dll, 0x0002, &own_entry(1), upcalls(false));
    assert_eq!(old.err(), Some(ws::WSAVERNOTSUPPORTED));
}

//= docs/spec/startup.md#startup-7
//= type=test
//# All 30 entries of the procedure table MUST be filled.
#[test]
fn the_table_is_whole() {
    let (_alone, dll) = prepared();
    let table = start(&dll, VERSION, &own_entry(1), upcalls(false)).unwrap();
    // SAFETY: the table is an array of 30 pointers.
    let entries: [usize; 30] = unsafe { core::mem::transmute(table) };
    assert!(entries.iter().all(|entry| *entry != 0));
    assert_eq!(cleanup(&table), Ok(()));
}

//= docs/spec/startup.md#startup-8
//= type=test
//# The upcall table MUST be copied before the call returns, and the most recent copy used.
#[test]
fn upcalls_are_copied_and_the_latest_used() {
    let (_alone, dll) = prepared();
    let made = || MADE.each_ref().map(|count| count.swap(0, Ordering::SeqCst));
    made();
    let table = start(&dll, VERSION, &own_entry(1), upcalls(false)).unwrap();
    let close = table.lpWSPCloseSocket.unwrap();
    let mut errno = 0;
    let first = socket(&table).unwrap();
    assert_eq!(made(), [1, 0]);
    // SAFETY: the provider's function.
    assert_eq!(unsafe { close(first, &raw mut errno) }, 0);
    start(&dll, VERSION, &own_entry(1), upcalls(true)).unwrap();
    let second = socket(&table).unwrap();
    assert_eq!(made(), [0, 1]);
    // SAFETY: as above.
    assert_eq!(unsafe { close(second, &raw mut errno) }, 0);
    assert_eq!((cleanup(&table), cleanup(&table)), (Ok(()), Ok(())));
}

//= docs/spec/startup.md#startup-9
//= type=test
//# WSPStartup MUST NOT start a thread: threads are started when there is work for them.
#[test]
fn no_thread_until_there_is_work() {
    let (_alone, dll) = prepared();
    let before = threads();
    let table = start(&dll, VERSION, &own_entry(1), upcalls(false)).unwrap();
    assert_eq!(threads(), before);
    let opened = socket(&table).unwrap();
    assert_eq!(threads(), before + 1, "the one that waits for readiness");
    let mut errno = 0;
    // SAFETY: the provider's function.
    assert_eq!(unsafe { table.lpWSPCloseSocket.unwrap()(opened, &raw mut errno) }, 0);
    assert_eq!(cleanup(&table), Ok(()));
    // It has left when the call returns, and may take a moment to be gone.
    let gone = || threads() == before;
    assert!((0..1000).any(|_| gone() || {
        std::thread::yield_now();
        false
    }));
}

//= docs/spec/startup.md#startup-10
//= type=test
//# The next provider of the chain MUST be found with WPUGetProviderPath and started with its own entry
//# where it is the base, and with the same chain otherwise.
#[test]
fn the_next_provider_is_found_by_the_chain() {
    let (_alone, dll) = prepared();
    set(NEXT, None);
    set("RECORDER_FOLDER", examples().to_str());
    *PATH.lock().unwrap() = "%RECORDER_FOLDER%\\recorder.dll".to_owned();
    let base = base_entry();
    let recorder = Dll::recorder();
    let table = start(&dll, VERSION, &own_entry(base.dwCatalogEntryId), upcalls(false)).unwrap();
    // SAFETY: a GUID is 16 bytes.
    let id: [u8; 16] = unsafe { core::mem::transmute(base.ProviderId) };
    assert_eq!(*ASKED_FOR.lock().unwrap(), Some(id));
    let [_, _, entry, chain_len] = recorder.seen();
    assert_eq!((entry, chain_len), (base.dwCatalogEntryId, 1));
    assert_eq!(cleanup(&table), Ok(()));
    // No place in the chain, or nothing behind it.
    for strange in [0, 4_000_000] {
        let lost = start(&dll, VERSION, &own_entry(strange), upcalls(false));
        assert_eq!(lost.err(), Some(ws::WSAEPROVIDERFAILEDINIT));
    }
    // A host that says that it gave a path, and has not.
    PATH.lock().unwrap().clear();
    let lost = start(&dll, VERSION, &own_entry(base.dwCatalogEntryId), upcalls(false));
    assert_eq!(lost.err(), Some(ws::WSAEPROVIDERFAILEDINIT));
}

/// The first base provider's entry in the catalogue of this system.
fn base_entry() -> ws::WSAPROTOCOL_INFOW {
    let mut entries = vec![ws::WSAPROTOCOL_INFOW::default(); 64];
    let mut bytes = size_of_val(&entries[..]) as u32;
    let mut errno = 0;
    // SAFETY: the buffer has as many bytes as `bytes` says.
    let found = unsafe {
        ws::WSCEnumProtocols(ptr::null(), entries.as_mut_ptr(), &raw mut bytes, &raw mut errno)
    };
    entries.truncate(usize::try_from(found).unwrap());
    entries.into_iter().find(|entry| entry.ProtocolChain.ChainLen == 1).unwrap()
}

//= docs/spec/startup.md#startup-11
//= type=test
//# A next provider that cannot be loaded or started MUST fail the call with WSAEPROVIDERFAILEDINIT and
//# be unloaded.
#[test]
fn a_next_provider_that_fails_is_unloaded() {
    let (_alone, dll) = prepared();
    let failed = || {
        let error = start(&dll, VERSION, &own_entry(1), upcalls(false)).err();
        assert_eq!(error, Some(ws::WSAEPROVIDERFAILEDINIT));
        assert!(!is_loaded("recorder.dll"));
    };
    set("RECORDER_ANSWER", Some("10091"));
    failed();
    set("RECORDER_ANSWER", None);
    set("RECORDER_VERSION", Some("1"));
    failed();
    set("RECORDER_VERSION", None);
    set(NEXT, Some("there is no such DLL"));
    failed();
    // A DLL that is no provider.
    set(NEXT, Some("kernel32.dll"));
    failed();
    // Nothing to complete overlapped requests with.
    environment();
    set(COMPLETE, Some("ws2_32.dll!there_is_no_such_export"));
    failed();
    environment();
    let table = start(&dll, VERSION, &own_entry(1), upcalls(false)).unwrap();
    assert_eq!(cleanup(&table), Ok(()));
    assert!(!is_loaded("recorder.dll"), "the last WSPCleanup lets go of it");
    assert_eq!(cleanup(&table), Err(ws::WSANOTINITIALISED));
}

#[test]
fn starts_are_paired_and_repeated() {
    let (_alone, dll) = prepared();
    let recorder = Dll::recorder();
    let [starts, cleanups, ..] = recorder.seen();
    for life in 1..=100 {
        let table = start(&dll, VERSION, &own_entry(1), upcalls(false)).unwrap();
        assert!(start(&dll, VERSION, &own_entry(1), upcalls(false)).is_ok());
        assert_eq!(cleanup(&table), Ok(()));
        assert!(socket(&table).is_ok(), "one start is left");
        assert_eq!(cleanup(&table), Ok(()));
        assert_eq!(socket(&table), Err(ws::WSANOTINITIALISED));
        let [more_starts, more_cleanups, ..] = recorder.seen();
        assert_eq!((more_starts - starts, more_cleanups - cleanups), (2 * life, 2 * life));
    }
}

#[test]
fn the_core_is_the_one_of_this_build() {
    assert!(folder().is_dir());
    assert_eq!(Dll::provider().core_digest(), provider_core::SOURCE_DIGEST);
}
