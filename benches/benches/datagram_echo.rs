//! The standard run: datagram echo in the simulator, everything switched on, against the same
//! workload in raw turmoil. `cargo bench -p wspsim-benches --bench datagram_echo` prints the ratio
//! of paired rounds first, then criterion's figures of each side.

#![allow(clippy::float_arithmetic, reason = "figures are for reading")]
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use core::hint::black_box;

use criterion::{Criterion, criterion_group};
use wspsim::run::{RunOptions, run};
use wspsim::scenario::Scenario;
use wspsim::settings::{MS, Network, Settings};
use wspsim_benches::{paired::paired, turmoil_echo};

/// Rounds that count, and runs of each side in a round.
const ROUNDS: u64 = 15;
const RUNS: u64 = 20;

fn scenario() -> &'static dyn Scenario {
    wspsim_scenarios::all()
        .iter()
        .copied()
        .find(|scenario| scenario.name() == "datagram-echo")
        .expect("the scenario exists")
}

/// The delays of the peer's links, 2 % loss per packet, no other fault; oracles, digest and
/// recorder on as always.
fn settings() -> Settings {
    let network = Network {
        min_delay_ns: MS,
        max_delay_ns: 10 * MS,
        loss: wspsim::choice::Rate::from_millionths(20_000),
        in_order: false,
        ..Network::default()
    };
    Settings { network, ..Settings::default() }
}

fn ours(seed: u64) -> u64 {
    let options = RunOptions { settings: Some(settings()), ..RunOptions::seed(seed) };
    let report = run(scenario(), options).expect("the simulator works");
    assert!(report.finding.is_none(), "{:?}", report.finding);
    report.virtual_ns
}

fn report_ratio() {
    let mut ours_virtual = 0;
    let mut peer_virtual = 0;
    let result = paired(
        ROUNDS,
        RUNS,
        |seed| ours_virtual += ours(seed),
        |seed| peer_virtual += turmoil_echo::run(seed).as_nanos() as u64,
    );
    let runs = ((ROUNDS + 1) * RUNS) as f64;
    println!(
        "datagram echo, {ROUNDS} paired rounds of {RUNS} runs: ours / raw turmoil = {:.3} \
         (least {:.3}, most {:.3})",
        result.ratio, result.spread.0, result.spread.1
    );
    println!(
        "  ours {:.3} ms a run, {:.1} virtual ms; raw turmoil {:.3} ms a run, {:.1} virtual ms",
        result.ours_ns / 1e6,
        ours_virtual as f64 / runs / 1e6,
        result.peer_ns / 1e6,
        peer_virtual as f64 / runs / 1e6,
    );
}

fn sides(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("datagram echo");
    let mut seed = 0;
    group.bench_function("wspsim", |bencher| {
        bencher.iter(|| {
            seed += 1;
            black_box(ours(seed))
        });
    });
    group.bench_function("raw turmoil", |bencher| {
        bencher.iter(|| {
            seed += 1;
            black_box(turmoil_echo::run(seed))
        });
    });
    group.finish();
}

criterion_group!(benches, sides);

fn main() {
    report_ratio();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
