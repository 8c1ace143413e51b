//! The format of a finding's file: JSON, sealed with a checksum.

use std::collections::BTreeMap;
use std::path::Path;

use provider_core::Profile;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::choice::Rate;
use crate::event::MachineId;
use crate::fault::{Fault, FaultPlan, Script};
use crate::settings::{Limits, Network, Settings};

use super::{Broken, FindingFile, FindingFileError, choices};

/// The format that this version writes, and the latest that it reads.
pub(super) const FORMAT: u64 = 1;
/// What `kind` says in every file of ours.
const KIND: &str = "wspsim finding";

/// The file: the body, and what tells it from other files and from damage.
#[derive(Serialize)]
struct Sealed<'a> {
    kind: &'a str,
    format: u64,
    seal: String,
    finding: &'a Body,
}

#[derive(Serialize, Deserialize)]
struct Body {
    version: String,
    scenario: String,
    seed: u64,
    broken: BrokenEntry,
    digest: String,
    settings: SettingsEntry,
    tail: Vec<String>,
    checkpoints: Vec<String>,
    choices: String,
}

#[derive(Serialize, Deserialize)]
struct BrokenEntry {
    oracle: String,
    clause: String,
    message: String,
    step: u64,
    time_ns: u64,
    machine: String,
    thread: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct SettingsEntry {
    profile: String,
    network: NetworkEntry,
    /// Rates out of 2^32, by the name of the fault.
    fault_rates: BTreeMap<String, u64>,
    fault_scripts: Vec<ScriptEntry>,
    chaos_ns: u64,
    liveness_ns: u64,
    reuse_handles: bool,
    stickiness: u8,
}

#[derive(Serialize, Deserialize)]
struct NetworkEntry {
    min_delay_ns: u64,
    max_delay_ns: u64,
    delay_step_ns: u64,
    in_order: bool,
    /// Out of 2^32.
    loss_rate: u64,
    mtu: u32,
    mtu_small: u32,
    bytes_per_second: u64,
    extra_delay_ns: u64,
}

#[derive(Serialize, Deserialize)]
struct ScriptEntry {
    fault: String,
    nth: u64,
    machine: Option<u16>,
    socket: Option<u32>,
}

/// The text of a file.
pub(super) fn to_text(file: &FindingFile) -> String {
    let body = body_of(file);
    let sealed = Sealed { kind: KIND, format: FORMAT, seal: seal(&body), finding: &body };
    // Strings, numbers and lists of them: nothing in it that JSON does not have.
    let mut text = serde_json::to_string_pretty(&sealed).unwrap_or_default();
    text.push('\n');
    text
}

/// The content of a file.
pub(super) fn from_bytes(path: &Path, bytes: &[u8]) -> Result<FindingFile, FindingFileError> {
    let foreign = || FindingFileError::Foreign(path.to_owned());
    let damaged = |what: String| FindingFileError::Damaged { path: path.to_owned(), what };
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        // Cut short or changed, it still begins as ours do.
        Err(error) if begins_like_ours(bytes) => return Err(damaged(error.to_string())),
        Err(_) => return Err(foreign()),
    };
    if value.get("kind").and_then(Value::as_str) != Some(KIND) {
        return Err(foreign());
    }
    match value.get("format").and_then(Value::as_u64) {
        Some(FORMAT) => {}
        Some(found) if found > FORMAT => {
            return Err(FindingFileError::Newer { path: path.to_owned(), found });
        }
        _ => return Err(damaged("it does not say its format".to_owned())),
    }
    let body = value.get("finding").cloned().unwrap_or_default();
    let body: Body = serde_json::from_value(body).map_err(|error| damaged(error.to_string()))?;
    if value.get("seal").and_then(Value::as_str) != Some(&*seal(&body)) {
        return Err(damaged("its content does not fit its checksum".to_owned()));
    }
    file_of(body).map_err(damaged)
}

fn begins_like_ours(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(64)]);
    start.contains("\"kind\"") && start.contains(KIND)
}

fn seal(body: &Body) -> String {
    format!("{:016x}", xxh3_64(&serde_json::to_vec(body).unwrap_or_default()))
}

fn body_of(file: &FindingFile) -> Body {
    let FindingFile {
        version,
        scenario,
        seed,
        settings,
        broken,
        digest,
        checkpoints,
        choices,
        tail,
    } = file;
    let Broken { oracle, clause, message, step, time_ns, machine, thread } = broken.clone();
    Body {
        version: version.clone(),
        scenario: scenario.clone(),
        seed: *seed,
        broken: BrokenEntry { oracle, clause, message, step, time_ns, machine, thread },
        digest: format!("{digest:032x}"),
        settings: settings_entry(settings),
        tail: tail.clone(),
        checkpoints: checkpoints.iter().map(|digest| format!("{digest:016x}")).collect(),
        choices: choices::to_text(choices),
    }
}

fn settings_entry(settings: &Settings) -> SettingsEntry {
    let Settings { profile, network, plan, limits, reuse_handles, stickiness } = settings;
    let rates = Fault::ALL.iter().map(|fault| (fault.name().to_owned(), plan.rate(*fault).0));
    SettingsEntry {
        profile: match profile {
            Profile::Documented => "documented".to_owned(),
            Profile::Windows => "windows".to_owned(),
        },
        network: NetworkEntry {
            min_delay_ns: network.min_delay_ns,
            max_delay_ns: network.max_delay_ns,
            delay_step_ns: network.delay_step_ns,
            in_order: network.in_order,
            loss_rate: network.loss.0,
            mtu: network.mtu,
            mtu_small: network.mtu_small,
            bytes_per_second: network.bytes_per_second,
            extra_delay_ns: network.extra_delay_ns,
        },
        fault_rates: rates.filter(|(_, rate)| *rate > 0).collect(),
        fault_scripts: plan.scripts.iter().map(script_entry).collect(),
        chaos_ns: limits.chaos_ns,
        liveness_ns: limits.liveness_ns,
        reuse_handles: *reuse_handles,
        stickiness: *stickiness,
    }
}

fn script_entry(script: &Script) -> ScriptEntry {
    ScriptEntry {
        fault: script.fault.name().to_owned(),
        nth: script.nth,
        machine: script.machine.map(|machine| machine.0),
        socket: script.socket,
    }
}

fn file_of(body: Body) -> Result<FindingFile, String> {
    let BrokenEntry { oracle, clause, message, step, time_ns, machine, thread } = body.broken;
    let checkpoint = |text: &String| u64::from_str_radix(text, 16).map_err(|_| bad("checkpoints"));
    Ok(FindingFile {
        version: body.version,
        scenario: body.scenario,
        seed: body.seed,
        settings: settings_of(body.settings)?,
        broken: Broken { oracle, clause, message, step, time_ns, machine, thread },
        digest: u128::from_str_radix(&body.digest, 16).map_err(|_| bad("digest"))?,
        checkpoints: body.checkpoints.iter().map(checkpoint).collect::<Result<_, _>>()?,
        choices: choices::from_text(&body.choices).ok_or_else(|| bad("choices"))?,
        tail: body.tail,
    })
}

fn bad(what: &str) -> String {
    format!("its {what} cannot be read")
}

fn fault_named(name: &str) -> Result<Fault, String> {
    Fault::from_name(name).ok_or_else(|| format!("there is no fault named {name:?}"))
}

fn settings_of(entry: SettingsEntry) -> Result<Settings, String> {
    let mut plan = FaultPlan::none();
    for (name, rate) in &entry.fault_rates {
        plan.set_rate(fault_named(name)?, Rate(*rate));
    }
    for script in &entry.fault_scripts {
        plan.scripts.push(Script {
            fault: fault_named(&script.fault)?,
            nth: script.nth,
            machine: script.machine.map(MachineId),
            socket: script.socket,
        });
    }
    let network = entry.network;
    Ok(Settings {
        profile: match entry.profile.as_str() {
            "documented" => Profile::Documented,
            "windows" => Profile::Windows,
            other => return Err(format!("there is no profile named {other:?}")),
        },
        network: Network {
            min_delay_ns: network.min_delay_ns,
            max_delay_ns: network.max_delay_ns,
            delay_step_ns: network.delay_step_ns,
            in_order: network.in_order,
            loss: Rate(network.loss_rate),
            mtu: network.mtu,
            mtu_small: network.mtu_small,
            bytes_per_second: network.bytes_per_second,
            extra_delay_ns: network.extra_delay_ns,
        },
        plan,
        limits: Limits { chaos_ns: entry.chaos_ns, liveness_ns: entry.liveness_ns },
        reuse_handles: entry.reuse_handles,
        stickiness: entry.stickiness,
    })
}
