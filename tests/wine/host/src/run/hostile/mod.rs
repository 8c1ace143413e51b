//! Hostile calls: each data pointer of each function given no memory, another's, misaligned and
//! read-only memory, each length 0, -1 and huge, and `lpErrno` itself bad. What comes back is an
//! error or success as the contract has it, and never a fault: one ends the program, and it says of
//! which call.

mod fixture;
mod memory;
mod table;

use std::sync::Mutex;

use provider_core::WsaError;
use provider_core::spi::WINSOCK_VERSION;
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::Diagnostics::Debug::{
    AddVectoredExceptionHandler, EXCEPTION_POINTERS,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};

use super::arguments::Arguments;
use crate::provider::{Provider, lower_control};
use crate::spi::TableSpi;
use fixture::Fixture;
use memory::Memory;
use table::{FUNCTIONS, Function, Gives, Null, Parameter};

/// The call that is being made, for whoever dies of it.
static CALL: Mutex<String> = Mutex::new(String::new());

const ACCESS_VIOLATION: i32 = 0xc000_0005_u32 as i32;

unsafe extern "system" fn tell(exception: *mut EXCEPTION_POINTERS) -> i32 {
    // SAFETY: the system's own, for as long as this runs.
    let code = unsafe { (*(*exception).ExceptionRecord).ExceptionCode };
    if code == ACCESS_VIOLATION {
        let call = CALL.try_lock().map(|call| call.clone()).unwrap_or_default();
        eprintln!("fault in {call}");
        // SAFETY: ends this process at once.
        unsafe { TerminateProcess(GetCurrentProcess(), 3) };
    }
    const GO_ON: i32 = 0;
    GO_ON
}

/// What is wrong with a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bad {
    Null,
    Low,
    Unmapped,
    Wrapping,
    Misaligned,
    ReadOnly,
}

const BAD: [Bad; 6] =
    [Bad::Null, Bad::Low, Bad::Unmapped, Bad::Wrapping, Bad::Misaligned, Bad::ReadOnly];
/// Lengths: none, -1, and as much as an int has.
const LENGTHS: [u32; 3] = [0, u32::MAX, i32::MAX as u32];

/// What is done to one parameter of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Twist {
    None,
    Pointer(Bad),
    Length(u32),
    /// The first buffer of an array of buffers.
    Buffer(Bad),
    BufferLength(u32),
}

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    Done,
    Failed(WsaError),
}

/// # Errors
/// The DLLs are not there.
pub(super) fn hostile(arguments: &Arguments) -> Result<bool, String> {
    arguments.files.tell_provider();
    let lower = lower_control(&arguments.files.lower)?;
    (lower.closed_world)(true);
    let (provider, _) = Provider::load(&arguments.files.provider)?;
    let (table, _) =
        provider.start(WINSOCK_VERSION).map_err(|error| format!("WSPStartup: {error}"))?;
    // SAFETY: `tell` has the signature of a handler.
    unsafe { AddVectoredExceptionHandler(1, Some(tell)) };
    let fixture = Fixture::new(provider, TableSpi::new(provider, table));
    let mut calls = 0;
    let mut wrong = Vec::new();
    for function in FUNCTIONS {
        let entry = entry_of(&table, function.place);
        let mut case = Case { fixture: &fixture, function, entry, calls: 0, wrong: Vec::new() };
        case.all();
        calls += case.calls;
        wrong.append(&mut case.wrong);
    }
    wrong.iter().for_each(|line| println!("{line}"));
    println!("{calls} hostile calls, {} wrong", wrong.len());
    Ok(wrong.is_empty())
}

fn entry_of(table: &ws::WSPPROC_TABLE, place: usize) -> usize {
    let words: *const ws::WSPPROC_TABLE = table;
    // SAFETY: the table is an array of 30 pointers.
    unsafe { *words.cast::<usize>().add(place) }
}

/// A function with everything that is done to it.
struct Case<'a> {
    fixture: &'a Fixture,
    function: &'a Function,
    entry: usize,
    calls: usize,
    wrong: Vec<String>,
}

impl Case<'_> {
    fn all(&mut self) {
        let plain = self.call(usize::MAX, Twist::None);
        for (place, parameter) in self.function.parameters.iter().enumerate() {
            for twist in twists(parameter) {
                let came = self.call(place, twist);
                if let Some(why) = judge(parameter, twist, came, plain) {
                    self.wrong.push(format!(
                        "{} parameter {place} {parameter:?} {twist:?}: {why}",
                        self.function.name
                    ));
                }
            }
        }
    }

    /// Makes one call with fresh sockets and memory.
    fn call(&mut self, place: usize, twist: Twist) -> Came {
        self.calls += 1;
        let name = self.function.name;
        if let Ok(mut call) = CALL.lock() {
            *call = format!("{name}, parameter {place}: {twist:?}");
        }
        let mut memory = Memory::new();
        let mut sockets = Vec::new();
        let mut words = [0_usize; 12];
        let mut errno = 0;
        let mut outs = Vec::new();
        for (at, parameter) in self.function.parameters.iter().enumerate() {
            let twist = if at == place { twist } else { Twist::None };
            words[at] = match parameter {
                Parameter::Socket(kind) => {
                    let socket = self.fixture.socket(*kind);
                    sockets.push(socket);
                    socket.0
                }
                Parameter::Value(value) => *value,
                Parameter::Length(len) => match twist {
                    Twist::Length(other) => other as usize,
                    _ => *len as usize,
                },
                Parameter::Errno => {
                    let at = memory.word(0x5a5a_5a5a);
                    errno = twisted(&mut memory, at, 4, twist);
                    errno
                }
                Parameter::In(content, _) => {
                    let bytes = content.bytes(&sockets);
                    let at = memory.bytes(&bytes);
                    twisted(&mut memory, at, bytes.len(), twist)
                }
                Parameter::Optional(len) => match twist {
                    Twist::None | Twist::Pointer(Bad::Null) => 0,
                    _ => {
                        let at = memory.bytes(&vec![0; *len]);
                        twisted(&mut memory, at, *len, twist)
                    }
                },
                Parameter::Out(len, _) => {
                    let at = memory.bytes(&vec![0xee; *len]);
                    outs.push((at, *len));
                    twisted(&mut memory, at, *len, twist)
                }
                Parameter::InOut(content, _) => {
                    let bytes = content.bytes(&sockets);
                    let at = memory.bytes(&bytes);
                    twisted(&mut memory, at, bytes.len(), twist)
                }
                Parameter::LengthAt(len, _) => {
                    let len = if let Twist::Length(other) = twist { other } else { *len };
                    let at = memory.word(len);
                    twisted(&mut memory, at, 4, twist)
                }
                Parameter::Buffers => {
                    let data = memory.bytes(b"some bytes");
                    let data = match twist {
                        Twist::Buffer(bad) => twisted(&mut memory, data, 10, Twist::Pointer(bad)),
                        _ => data,
                    };
                    let len = if let Twist::BufferLength(other) = twist { other } else { 10 };
                    let at = memory.buffer(len, data);
                    twisted(&mut memory, at, 16, twist)
                }
            };
        }
        if self.function.name == "WSPCleanup" {
            self.fixture.start_again();
        }
        // SAFETY: an entry of the table; on x64 all arguments are words, and the caller cleans up.
        let value = unsafe { call_words(self.entry, &words) };
        let failed = self.function.gives.is_failure(value);
        let bad_errno = self.function.parameters.get(place) == Some(&Parameter::Errno)
            && !matches!(twist, Twist::None | Twist::Pointer(Bad::Misaligned));
        if bad_errno {
            let written = outs.iter().any(|(at, len)| memory.differs(*at, *len, 0xee));
            if !failed || written {
                let name = self.function.name;
                self.wrong.push(format!(
                    "{name} with {twist:?} for lpErrno: failed {failed}, wrote {written}"
                ));
            }
        }
        if self.function.name == "WSPCleanup" && failed {
            self.fixture.clean_up_once();
        }
        if self.function.gives == Gives::Socket && !failed {
            self.fixture.close(provider_core::SocketHandle(value));
        }
        // Operations that pend end here, before their memory goes.
        sockets.iter().for_each(|socket| self.fixture.close(*socket));
        self.fixture.tidy();
        if failed && !bad_errno {
            return Came::Failed(WsaError(memory.read_word(errno)));
        }
        if failed { Came::Failed(WsaError::WSAEFAULT) } else { Came::Done }
    }
}

/// The pointer, twisted.
fn twisted(memory: &mut Memory, at: usize, len: usize, twist: Twist) -> usize {
    let Twist::Pointer(bad) = twist else { return at };
    match bad {
        Bad::Null => 0,
        Bad::Low => 0x10,
        Bad::Unmapped => memory.unmapped(),
        Bad::Wrapping => usize::MAX - 3,
        Bad::Misaligned => memory.misaligned(at, len),
        Bad::ReadOnly => memory.read_only(at, len),
    }
}

/// What is done to a parameter.
fn twists(parameter: &Parameter) -> Vec<Twist> {
    let pointers = BAD.into_iter().map(Twist::Pointer);
    let lengths = LENGTHS.into_iter().map(Twist::Length);
    match parameter {
        Parameter::Socket(_) | Parameter::Value(_) => Vec::new(),
        Parameter::Length(_) => lengths.collect(),
        Parameter::LengthAt(..) => pointers.chain(lengths).collect(),
        Parameter::Buffers => pointers
            .chain(BAD.into_iter().map(Twist::Buffer))
            .chain(LENGTHS.into_iter().map(Twist::BufferLength))
            .collect(),
        _ => pointers.collect(),
    }
}

/// Why an outcome is not one of those that the contract has, if it is not.
fn judge(parameter: &Parameter, twist: Twist, came: Came, plain: Came) -> Option<String> {
    let fault = Came::Failed(WsaError::WSAEFAULT);
    if let Came::Failed(error) = came
        && error.name().is_none()
    {
        return Some(format!("{error} is no error of a function's"));
    }
    if *parameter == Parameter::Errno || came == fault {
        return None;
    }
    let bad = match twist {
        Twist::Pointer(bad) | Twist::Buffer(bad) => bad,
        // A length has many ways to be wrong.
        _ => return None,
    };
    let writes =
        matches!(parameter, Parameter::Out(..) | Parameter::InOut(..) | Parameter::LengthAt(..));
    let may_be = match (bad, parameter) {
        // What is not looked at cannot be bad.
        (_, Parameter::Optional(_)) => return None,
        (Bad::Null, Parameter::In(_, null) | Parameter::Out(_, null))
        | (Bad::Null, Parameter::InOut(_, null) | Parameter::LengthAt(_, null)) => {
            if *null == Null::Fine {
                return None;
            }
            false
        }
        (Bad::Misaligned, _) => true,
        (Bad::ReadOnly, _) => !writes,
        _ => false,
    };
    // Where the call would fail anyway it may do so first.
    if came == plain && (may_be || plain != Came::Done) {
        return None;
    }
    Some(format!("came {came:?}, a plain call {plain:?}"))
}

type Words = unsafe extern "system" fn(
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
) -> usize;

/// # Safety
/// `entry` is a function of the SPI, and the words are its arguments.
unsafe fn call_words(entry: usize, w: &[usize; 12]) -> usize {
    // SAFETY: on x64 a callee takes as many words as it has arguments, and the caller cleans up.
    unsafe {
        let function = core::mem::transmute::<usize, Words>(entry);
        function(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10], w[11])
    }
}
