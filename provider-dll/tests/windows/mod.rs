//! The cases, one after the other: they share one core, one environment and one catalogue.

mod bed;
mod cases;

use std::panic::catch_unwind;
use std::process::ExitCode;

type Case = (&'static str, fn());

const CASES: [Case; 9] = [
    ("pointers_are_probed", cases::pointers_are_probed),
    ("the_version_comes_first", cases::the_version_comes_first),
    ("the_table_is_whole", cases::the_table_is_whole),
    ("upcalls_are_copied_and_the_latest_used", cases::upcalls_are_copied_and_the_latest_used),
    ("no_thread_until_there_is_work", cases::no_thread_until_there_is_work),
    ("the_next_provider_is_found_by_the_chain", cases::the_next_provider_is_found_by_the_chain),
    ("a_next_provider_that_fails_is_unloaded", cases::a_next_provider_that_fails_is_unloaded),
    ("starts_are_paired_and_repeated", cases::starts_are_paired_and_repeated),
    ("the_core_is_the_one_of_this_build", cases::the_core_is_the_one_of_this_build),
];

pub(crate) fn run() -> ExitCode {
    let mut failed = 0;
    println!("\nrunning {} tests", CASES.len());
    for (name, case) in CASES {
        let passed = catch_unwind(case).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    println!("\ntest result: {} passed; {failed} failed\n", CASES.len() - failed);
    ExitCode::from(u8::from(failed > 0))
}
