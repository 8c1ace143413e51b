//! `list`: what there is.

use std::io;

use wspsim::fault::{Fault, Kind};

use super::args::List;
use super::console::{Console, Style};
use super::json;
use super::select::Entry;

/// Shows the scenarios and the faults.
///
/// # Errors
/// What standard output says.
pub(super) fn list(scenarios: &[Entry], args: &List, console: &mut Console) -> io::Result<()> {
    let out = &mut console.out;
    if args.json {
        let object = json::Lists {
            scenarios: scenarios
                .iter()
                .map(|scenario| json::Named { name: scenario.name(), about: scenario.about() })
                .collect(),
            faults: Fault::ALL
                .iter()
                .map(|fault| json::Named { name: fault.name(), about: fault.about() })
                .collect(),
        };
        return json::print(out, &object);
    }
    let names = scenarios.iter().map(|scenario| scenario.name());
    let width = names
        .chain(Fault::ALL.iter().map(|fault| fault.name()))
        .map(str::len)
        .max()
        .unwrap_or_default();
    out.line(&out.styled(Style::Strong, "scenarios"))?;
    for scenario in scenarios {
        out.line(&format!("  {:width$}  {}", scenario.name(), scenario.about()))?;
    }
    for (kind, heading) in [
        (Kind::Environment, "faults of the environment (every scenario lives with them)"),
        (Kind::Adversary, "faults by an adversary (a scenario lives with some)"),
    ] {
        out.line("")?;
        out.line(&out.styled(Style::Strong, heading))?;
        for fault in Fault::ALL.iter().filter(|fault| fault.kind() == kind) {
            out.line(&format!("  {:width$}  {}", fault.name(), fault.about()))?;
        }
    }
    Ok(())
}
