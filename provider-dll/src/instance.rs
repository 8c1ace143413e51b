//! The one core of the process. It serves every catalogue entry that the DLL is started for, is
//! made by the first WSPStartup, and stays: the last WSPCleanup empties it, and it can be started
//! again.

use core::ffi::c_void;
use core::ptr;
use std::sync::{Arc, OnceLock};

use provider_core::{Profile, Provider, ServiceProvider, UserPtr};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};

use crate::guard;
use crate::host::{WindowsHost, threads};
use crate::worker::Worker;

/// The environment variable that chooses the other profile, `documented`.
const PROFILE: &str = "WSPPROVIDER_PROFILE";

/// The core over Windows.
pub(crate) type Core = Provider<WindowsHost>;

struct Instance {
    core: Core,
    worker: Arc<Worker>,
}

static INSTANCE: OnceLock<Instance> = OnceLock::new();

/// The core, made if it is not there yet. `None` when the process has too little for it.
pub(crate) fn start() -> Option<&'static Core> {
    if !threads::prepare() || !pin() {
        return None;
    }
    let instance = INSTANCE.get_or_init(|| {
        guard::report_to_debugger();
        let worker = Worker::new();
        Instance { core: Provider::new(WindowsHost::new(&worker), profile()), worker }
    });
    Some(&instance.core)
}

/// The core, if it was ever started: without a start nobody has the table.
pub(crate) fn core() -> Option<&'static Core> {
    INSTANCE.get().map(|instance| &instance.core)
}

/// Does something with the core, if there is one.
pub(crate) fn with_core(act: impl FnOnce(&'static Core)) {
    if let Some(core) = core() {
        act(core);
    }
}

/// The worker, if there is a core.
pub(crate) fn worker() -> Option<&'static Arc<Worker>> {
    INSTANCE.get().map(|instance| &instance.worker)
}

/// WSPCleanup. The last one lets go of the lower providers, the thread and the upcall table, unless
/// a WSPStartup beside it has begun another life with them.
pub(crate) fn cleanup(core: &Core, errno: UserPtr) -> i32 {
    let value = core.wsp_cleanup(errno);
    if !core.is_started()
        && let Some(worker) = worker()
    {
        worker.stop_if(|| !core.is_started());
    }
    core.host().keep_only(core.life().ok());
    value
}

/// As Windows does, where that is not as documented, unless the environment asks for the page's word.
fn profile() -> Profile {
    match std::env::var(PROFILE) {
        Ok(name) if name.eq_ignore_ascii_case("documented") => Profile::Documented,
        _ => Profile::Windows,
    }
}

/// Keeps the DLL in the process to its end: an APC that is queued points into it, and Windows cannot
/// take one back.
fn pin() -> bool {
    let mut module = ptr::null_mut();
    let inside: *const c_void = (pin as fn() -> bool) as *const c_void;
    // SAFETY: the flags make an address out of what is a name otherwise.
    let pinned = unsafe {
        GetModuleHandleExW(
            GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
            inside.cast(),
            &raw mut module,
        )
    };
    pinned != 0
}
