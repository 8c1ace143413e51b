//! What the program can be asked to do.

mod arguments;
mod child;
mod hostile;
mod parent;
mod report;
mod smoke;
pub(crate) mod soak;

use std::process::ExitCode;

use arguments::Arguments;

use crate::provider::Provider;

const HELP: &str = "\
wsphost conformance   runs the cases of the conformance suite against the provider
  --json              prints the counts as one line instead
  --profile PROFILE   documented or windows: only under this one
  --only TEXT         only cases with this in their names
  --jobs N            so many processes at a time
wsphost hostile       calls every function with bad pointers and lengths
wsphost smoke         exchanges datagrams and a stream with a peer that echoes
  --udp PORT, --tcp PORT
wsphost soak          random calls of eight threads in a strict host, with a ledger
  --minutes N
wsphost digest        prints the digest of the core's sources that the provider has
Of all:
  --provider FILE     the provider's DLL (default: wspprovider.dll beside this program)
  --lower FILE        the DLL of the provider below it (default: wsplower.dll beside it)";

/// Prints what the provider says of its core.
fn digest(arguments: &Arguments) -> Result<bool, String> {
    let (_, module) = Provider::load(&arguments.files.provider)?;
    println!("{}", module.core_digest()?);
    Ok(true)
}

pub(crate) fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(task) = words.next() else {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    };
    let done = Arguments::parse(words).and_then(|arguments| match task.as_str() {
        "conformance" => parent::conformance(&arguments),
        "hostile" => hostile::hostile(&arguments),
        "smoke" => smoke::smoke(&arguments),
        "soak" => soak::soak(&arguments),
        "digest" => digest(&arguments),
        child::TASK => child::cases(&arguments),
        other => Err(format!("there is no task `{other}`")),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}
