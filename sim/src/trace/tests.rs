use std::io::Write;
use std::sync::mpsc::{Sender, channel};

use super::*;
use crate::event::{At, Function, MachineId, Tid, What};
use crate::recorder::Recorder;

struct Pipe(Sender<Vec<u8>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn names() -> Rc<[Rc<str>]> {
    ["server".into(), "client".into()].into()
}

fn events() -> Vec<(At, What)> {
    let at = |time_ns, thread| At { time_ns, machine: MachineId(1), thread };
    vec![
        (
            at(1_500, Some(Tid(3))),
            What::Enter {
                function: Function::WSPSendTo,
                socket: 0x14,
                overlapped: 0x1_0000_2000,
                len: 256,
            },
        ),
        (
            at(2_000_001_600, None),
            What::PacketSent { to: MachineId(0), len: 284, due_ns: 2_003_001_600 },
        ),
    ]
}

#[test]
fn lines_are_plain_and_complete() {
    let (sender, receiver) = channel();
    let trace = Trace::new(Box::new(Pipe(sender)), names());
    let mut recorder = Recorder::new().with_trace(Some(trace));
    for (at, what) in events() {
        recorder.record(at, what);
    }
    assert_eq!(recorder.take_trace().unwrap().finish(), None);
    let text: Vec<u8> = receiver.try_iter().flatten().collect();
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "      0    0.000001500 client     t3    \
         -> WSPSendTo(s 0x14, overlapped 0x100002000, 256 bytes)\n      \
         1    2.000001600 client     -     packet of 284 to server, due in 3000 us\n"
    );
}

#[test]
fn a_trace_does_not_change_the_digest() {
    let trace = Trace::new(Box::new(io::sink()), names());
    let mut traced = Recorder::new().with_trace(Some(trace));
    let mut plain = Recorder::new();
    for (at, what) in events() {
        traced.record(at, what);
        plain.record(at, what);
    }
    assert_eq!(traced.digest(), plain.digest());
}

#[test]
fn a_writer_that_fails_is_reported_at_the_end() {
    let (sender, receiver) = channel();
    drop(receiver);
    let trace = Trace::new(Box::new(Pipe(sender)), names());
    let mut recorder = Recorder::new().with_trace(Some(trace));
    for (at, what) in events() {
        recorder.record(at, what);
    }
    let failure = recorder.take_trace().unwrap().finish().expect("the writer failed");
    assert!(failure.contains("broken pipe"), "{failure}");
}
