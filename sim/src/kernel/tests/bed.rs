//! The test bed: a machine that runs one program to its end.

use core::cell::RefCell;
use std::rc::Rc;

use provider_core::{
    ConditionRoutine, ConnectArgs, EventHandle, OverlappedArgs, ServiceProvider, SocketHandle,
    UserPtr, WindowHandle, Work, WsaError,
};

use crate::api::Os;
use crate::choice::Choices;
use crate::event::{MachineId, What};
use crate::fault::FaultPlan;
use crate::host::SimHost;
use crate::kernel::Counters;
use crate::machine::Machine;
use crate::oracle::Oracles;
use crate::recorder::Recorder;
use crate::run::ProviderFactory;
use crate::settings::Settings;
use crate::world::{Directory, Finding, MachineSpec, Node, Role, Shared};

/// What the provider's APC function and its worker do in a test.
pub(super) type ApcFn = Rc<dyn Fn(usize)>;
pub(super) type WorkFn = Rc<dyn Fn(Work)>;

/// A provider of which a test gets the host, the APCs and the work.
#[derive(Clone, Default)]
pub(super) struct Probe {
    pub(super) host: Rc<RefCell<Option<SimHost>>>,
    pub(super) on_apc: Rc<RefCell<Option<ApcFn>>>,
    pub(super) on_work: Rc<RefCell<Option<WorkFn>>>,
}

impl Probe {
    pub(super) fn host(&self) -> SimHost {
        self.host.borrow().clone().expect("the machine has started")
    }

    pub(super) fn on_apc(&self, f: impl Fn(usize) + 'static) {
        self.on_apc.replace(Some(Rc::new(f)));
    }

    pub(super) fn on_work(&self, f: impl Fn(Work) + 'static) {
        self.on_work.replace(Some(Rc::new(f)));
    }
}

/// Lets go of what the machine's parts hold of each other through the test's probe.
struct ProbeEnd(Probe);

impl Drop for ProbeEnd {
    fn drop(&mut self) {
        self.0.host.replace(None);
        self.0.on_apc.replace(None);
        self.0.on_work.replace(None);
    }
}

struct ProbeProvider(Probe);

#[rustfmt::skip]
impl ServiceProvider for ProbeProvider {
    fn wsp_startup(&self, v: u16) -> Result<u16, WsaError> { Ok(v) }
    fn wsp_cleanup(&self, _: UserPtr) -> i32 { 0 }
    fn wsp_socket(&self, _: i32, _: i32, _: i32, _: UserPtr, _: u32, _: u32, _: UserPtr) -> SocketHandle { SocketHandle(usize::MAX) }
    fn wsp_bind(&self, _: SocketHandle, _: UserPtr, _: i32, _: UserPtr) -> i32 { 0 }
    fn wsp_connect(&self, _: SocketHandle, _: UserPtr, _: i32, _: ConnectArgs, _: UserPtr) -> i32 { 0 }
    fn wsp_join_leaf(&self, _: SocketHandle, _: UserPtr, _: i32, _: ConnectArgs, _: u32, _: UserPtr) -> SocketHandle { SocketHandle(usize::MAX) }
    fn wsp_listen(&self, _: SocketHandle, _: i32, _: UserPtr) -> i32 { 0 }
    fn wsp_accept(&self, _: SocketHandle, _: UserPtr, _: UserPtr, _: ConditionRoutine, _: usize, _: UserPtr) -> SocketHandle { SocketHandle(usize::MAX) }
    fn wsp_close_socket(&self, _: SocketHandle, _: UserPtr) -> i32 { 0 }
    fn wsp_shutdown(&self, _: SocketHandle, _: i32, _: UserPtr) -> i32 { 0 }
    fn wsp_get_sock_name(&self, _: SocketHandle, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_get_peer_name(&self, _: SocketHandle, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_set_sock_opt(&self, _: SocketHandle, _: i32, _: i32, _: UserPtr, _: i32, _: UserPtr) -> i32 { 0 }
    fn wsp_get_sock_opt(&self, _: SocketHandle, _: i32, _: i32, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_ioctl(&self, _: SocketHandle, _: u32, _: UserPtr, _: u32, _: UserPtr, _: u32, _: UserPtr, _: OverlappedArgs, _: UserPtr) -> i32 { 0 }
    fn wsp_send(&self, _: SocketHandle, _: UserPtr, _: u32, _: UserPtr, _: u32, _: OverlappedArgs, _: UserPtr) -> i32 { 0 }
    fn wsp_send_to(&self, _: SocketHandle, _: UserPtr, _: u32, _: UserPtr, _: u32, _: UserPtr, _: i32, _: OverlappedArgs, _: UserPtr) -> i32 { 0 }
    fn wsp_recv(&self, _: SocketHandle, _: UserPtr, _: u32, _: UserPtr, _: UserPtr, _: OverlappedArgs, _: UserPtr) -> i32 { 0 }
    fn wsp_recv_from(&self, _: SocketHandle, _: UserPtr, _: u32, _: UserPtr, _: UserPtr, _: UserPtr, _: UserPtr, _: OverlappedArgs, _: UserPtr) -> i32 { 0 }
    fn wsp_get_overlapped_result(&self, _: SocketHandle, _: UserPtr, _: UserPtr, _: bool, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_send_disconnect(&self, _: SocketHandle, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_recv_disconnect(&self, _: SocketHandle, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_duplicate_socket(&self, _: SocketHandle, _: u32, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_select(&self, _: i32, _: UserPtr, _: UserPtr, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_event_select(&self, _: SocketHandle, _: EventHandle, _: i32, _: UserPtr) -> i32 { 0 }
    fn wsp_enum_network_events(&self, _: SocketHandle, _: EventHandle, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_async_select(&self, _: SocketHandle, _: WindowHandle, _: u32, _: i32, _: UserPtr) -> i32 { 0 }
    fn wsp_address_to_string(&self, _: UserPtr, _: u32, _: UserPtr, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_string_to_address(&self, _: UserPtr, _: i32, _: UserPtr, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_get_qos_by_name(&self, _: SocketHandle, _: UserPtr, _: UserPtr, _: UserPtr) -> i32 { 0 }
    fn wsp_cancel_blocking_call(&self, _: UserPtr) -> i32 { 0 }
    fn run_apc(&self, context: usize) {
        let f = self.0.on_apc.borrow().clone();
        if let Some(f) = f {
            f(context);
        }
    }
    fn service(&self, work: Work) {
        let f = self.0.on_work.borrow().clone();
        if let Some(f) = f {
            f(work);
        }
    }
}

/// How a run of the bed ended.
pub(super) struct Ended {
    pub(super) finding: Option<Finding>,
    pub(super) finished: bool,
    pub(super) digest: u128,
    pub(super) describe: String,
    pub(super) switches: usize,
    pub(super) at_ns: u64,
}

/// A machine to run a program on.
pub(super) struct Bed {
    pub(super) seed: u64,
    pub(super) settings: Settings,
    pub(super) probe: Probe,
}

impl Bed {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, settings: Settings::default(), probe: Probe::default() }
    }

    pub(super) fn with_plan(seed: u64, plan: FaultPlan) -> Self {
        let mut bed = Self::new(seed);
        bed.settings.plan = plan;
        bed
    }

    pub(super) fn shared(&self) -> Rc<Shared> {
        Rc::new(Shared::new(
            Choices::from_seed(self.seed),
            Recorder::new(),
            Oracles::new(self.settings.profile),
            self.settings.clone(),
            Directory::new(vec!["alone".into()]),
        ))
    }

    pub(super) fn machine(&self, shared: &Rc<Shared>, program: impl Fn(&Os) + 'static) -> Machine {
        let probe = self.probe.clone();
        let provider: Rc<ProviderFactory> = Rc::new(move |host, _| {
            probe.host.replace(Some(host));
            Rc::new(ProbeProvider(probe.clone())) as Rc<dyn ServiceProvider>
        });
        let spec = Rc::new(MachineSpec {
            id: MachineId(0),
            name: "alone".into(),
            role: Role::Client,
            program: Rc::new(program),
            provider,
        });
        Machine::boot(Rc::clone(shared), &spec, Rc::new(Counters::default()), 0, 0)
    }

    /// Runs `program` for at most ten virtual seconds.
    pub(super) fn run(&self, program: impl Fn(&Os) + 'static) -> Ended {
        let shared = self.shared();
        let _end = ProbeEnd(self.probe.clone());
        let machine = self.machine(&shared, program);
        let mut now_ns = 0;
        while now_ns < 10_000_000_000 && !machine.finished() && !shared.stopping_run() {
            machine.run(now_ns, now_ns + 1_000_000);
            match machine.next_due() {
                Some(due_ns) => now_ns = due_ns.max(now_ns + 1_000_000),
                None => break,
            }
        }
        let mut describe = String::new();
        machine.describe(&mut describe);
        let (finished, at_ns) = (machine.finished(), now_ns);
        drop(machine);
        let mut recorder = shared.recorder.borrow_mut();
        let switches =
            recorder.tail().iter().filter(|event| matches!(event.what, What::Switch(_))).count();
        Ended {
            finding: shared.finding(),
            finished,
            digest: recorder.digest(),
            describe,
            switches,
            at_ns,
        }
    }

    /// Runs `program`, which must end without a finding.
    pub(super) fn passes(&self, program: impl Fn(&Os) + 'static) -> Ended {
        let ended = self.run(program);
        assert_eq!(ended.finding, None, "seed {}", self.seed);
        assert!(ended.finished, "seed {}: {}", self.seed, ended.describe);
        ended
    }
}

/// Runs `program` under many schedules.
pub(super) fn under_all(program: impl Fn(&Os) + Clone + 'static) {
    for seed in 0..50 {
        Bed::new(seed).passes(program.clone());
    }
}

/// A list that threads of a test write to.
#[derive(Clone, Default)]
pub(super) struct Log(Rc<RefCell<Vec<u32>>>);

impl Log {
    pub(super) fn add(&self, entry: u32) {
        self.0.borrow_mut().push(entry);
    }

    pub(super) fn take(&self) -> Vec<u32> {
        self.0.take()
    }

    pub(super) fn get(&self) -> Vec<u32> {
        self.0.borrow().clone()
    }
}
