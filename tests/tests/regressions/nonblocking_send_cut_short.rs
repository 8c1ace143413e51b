//! A nonblocking stream send of which a part had gone when the connection was reset failed with
//! WSAECONNRESET, which denies that part (RET-4). Found by `send-order` in test-stream-pair, seed
//! 1080. It reports what is out now, and the next call tells the reset.

use provider_core::{Profile, WsaError};
use wspsim::event::{Event, Function, MachineId, What};
use wspsim::fault::{Fault, FaultPlan, Script};
use wspsim::run::{RunOptions, run};
use wspsim::settings::FaultChoice;
use wspsim_tests::scene::STREAM;

const CLIENT: MachineId = MachineId(1);

/// The first chances of a reset on the client, counted from where the sends begin.
const RESETS: core::ops::Range<u64> = 1..30;

/// Whether the events hold a send that was cut short and met the reset before it returned; gives
/// what it returned.
fn cut_short(events: &[Event]) -> Option<(i64, i32)> {
    let (mut short, mut reset) = (false, false);
    for event in events.iter().filter(|event| event.at.machine == CLIENT) {
        match event.what {
            What::Enter { function: Function::WSPSend, .. } => (short, reset) = (false, false),
            What::TransportSend { offered, result: Ok(taken), .. } => short |= taken < offered,
            What::TransportSend { result: Err(WsaError::WSAECONNRESET), .. } => reset = short,
            What::Leave { function: Function::WSPSend, value, errno, .. } if short && reset => {
                return Some((value, errno));
            }
            _ => {}
        }
    }
    None
}

#[test]
fn what_went_is_reported() {
    for profile in [Profile::Documented, Profile::Windows] {
        let mut met = 0;
        for nth in 5..9 {
            for reset in RESETS {
                let short = Script::new(Fault::ShortRoom, nth).on_machine(CLIENT);
                let reset = Script::new(Fault::Reset, reset).on_machine(CLIENT);
                let plan = FaultPlan { scripts: vec![short, reset], ..FaultPlan::none() };
                let report = run(
                    STREAM,
                    RunOptions {
                        profile: Some(profile),
                        faults: FaultChoice::Given(plan),
                        ..RunOptions::seed(1080)
                    },
                )
                .unwrap_or_else(|error| panic!("{error}"));
                // The programs of this scenario know of no reset: that they say so is no matter.
                if let Some(finding) = &report.finding {
                    let of = finding.violation.oracle;
                    assert!(["scenario", "liveness"].contains(&of), "{}", finding.violation);
                }
                met += u32::from(cut_short(&report.tail) == Some((0, 0)));
            }
        }
        assert!(met > 0, "{profile:?}: no run comes to where it broke");
    }
}
