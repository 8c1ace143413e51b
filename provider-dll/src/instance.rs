//! The one core of the process. It serves every catalog entry that the DLL is started for, is made
//! by the first WSPStartup, and stays: the last WSPCleanup empties it, and it can be started again.

use std::sync::{Arc, OnceLock};

use provider_core::{Profile, Provider};

use crate::host::WindowsHost;
use crate::worker::Worker;

/// The core over Windows.
pub(crate) type Core = Provider<WindowsHost>;

struct Instance {
    core: Core,
    worker: Arc<Worker>,
}

static INSTANCE: OnceLock<Instance> = OnceLock::new();

fn instance() -> &'static Instance {
    INSTANCE.get_or_init(|| {
        let worker = Worker::new();
        Instance { core: Provider::new(WindowsHost::new(&worker), Profile::Windows), worker }
    })
}

/// The core, made if it is not there yet.
pub(crate) fn core() -> &'static Core {
    &instance().core
}

/// Does something with the core, if there is one.
pub(crate) fn with_core(act: impl FnOnce(&'static Core)) {
    if let Some(instance) = INSTANCE.get() {
        act(&instance.core);
    }
}

/// The worker, if there is a core.
pub(crate) fn worker() -> Option<&'static Arc<Worker>> {
    INSTANCE.get().map(|instance| &instance.worker)
}
