//! The client: sends a stream with alarms in it, and checks what the server answers.

use provider_core::spi::{SD_SEND, SO_RCVTIMEO, SO_SNDBUF, SO_SNDTIMEO};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;

use crate::common::{
    Ip, Operations, Reader, Writer, address, between, chance, cleanup, close_and_settle,
    connect_once, is_broken_stream, pause, pick, set, startup, unexpected,
};

use super::{ALARM, ALARMS_MAX, FOREVER_MS, IDLE_MS, PORT, RECEIPT, ordinary};

/// The client's main function.
pub(super) fn run(os: &Os) {
    startup(os);
    let operations = Operations::new(os);
    for _ in 0..between(os, 1..=3) {
        let mut wait_ms = 30;
        while !attempt(os, &operations) {
            pause(os, wait_ms);
            wait_ms = (wait_ms * 2).min(2000);
        }
    }
    cleanup(os);
}

/// One connection and all of its alarms. Whether it succeeded.
fn attempt(os: &Os, operations: &Operations) -> bool {
    let ip = Ip::draw(os);
    let Some(s) = connect_once(os, ip, address(os, "server", ip, PORT)) else { return false };
    set(os, s, SO_SNDBUF, pick(os, &[0, 1, 700, 65_536]));
    set(os, s, SO_SNDTIMEO, IDLE_MS);
    set(os, s, SO_RCVTIMEO, IDLE_MS);
    let most = pick(os, &[1, 40, 700, 4000]);
    let talk = Talk {
        s,
        writer: Writer::draw(os, operations, s, most as usize + 1),
        reader: Reader::draw(os, operations, 1),
        patient: chance(os, 50),
        most,
        // Faults are over: an answer that does not come was lost.
        idle_ms: if os.is_calm() { FOREVER_MS } else { 3 * IDLE_MS },
    };
    let result = talk.through(os);
    if let Err(error) = result
        && !is_broken_stream(error)
    {
        unexpected(os, "the client", error);
    }
    close_and_settle(os, s, talk.writer.slots().iter().chain(talk.reader.slots()));
    result.is_ok()
}

struct Talk {
    s: SocketHandle,
    writer: Writer,
    reader: Reader,
    /// It waits for the answer to an alarm before it raises the next: none takes the place of one
    /// that was not heard.
    patient: bool,
    /// The most ordinary bytes before an alarm.
    most: u32,
    /// How long it waits for the server.
    idle_ms: u32,
}

impl Talk {
    fn through(&self, os: &Os) -> Result<(), E> {
        self.writer.write(os, self.s, &[u8::from(self.patient)], IDLE_MS)?;
        let alarms = between(os, 1..=ALARMS_MAX) as u8;
        let mut sent = 0;
        for number in 0..alarms {
            let bytes = ordinary(sent, between(os, 0..=self.most) as usize);
            sent += bytes.len() as u64;
            self.raise(os, bytes, ALARM | number)?;
            if self.patient {
                self.answered(os, ALARM | number)?;
            } else if chance(os, 20) {
                pause(os, between(os, 0..=30));
            }
        }
        let bytes = ordinary(sent, between(os, 0..=self.most) as usize);
        sent += bytes.len() as u64;
        self.writer.write(os, self.s, &bytes, IDLE_MS)?;
        os.shutdown(self.s, SD_SEND)?;
        self.writer.finish(os, IDLE_MS)?;
        self.compare(os, alarms, sent)
    }

    /// An alarm behind ordinary bytes: in a call of its own, or the last byte of theirs.
    fn raise(&self, os: &Os, mut bytes: Vec<u8>, alarm: u8) -> Result<(), E> {
        if chance(os, 30) {
            self.writer.write(os, self.s, &bytes, IDLE_MS)?;
            bytes.clear();
        }
        bytes.push(alarm);
        self.writer.write_urgent(os, self.s, &bytes, IDLE_MS)
    }

    fn answered(&self, os: &Os, alarm: u8) -> Result<(), E> {
        match self.reply(os)? {
            None => return Err(E::WSAECONNABORTED),
            Some(answer) if answer == alarm => {}
            Some(answer) => os.fail(&format!("alarm {alarm:#04x} was answered by {answer:#04x}")),
        }
        Ok(())
    }

    /// The next byte from the server, or the end.
    fn reply(&self, os: &Os) -> Result<Option<u8>, E> {
        let mut byte = [0];
        let given = self.reader.read(os, self.s, &mut byte, self.idle_ms, || false)?;
        Ok((given == 1).then_some(byte[0]))
    }

    /// Compares what the server heard with what was sent.
    fn compare(&self, os: &Os, alarms: u8, sent: u64) -> Result<(), E> {
        let mut answers = Vec::new();
        while let Some(byte) = self.reply(os)? {
            answers.push(byte);
        }
        let end = answers.iter().position(|byte| byte & ALARM == 0).unwrap_or(answers.len());
        let receipt = answers.split_off(end);
        let Ok([_, in_line, count @ ..]) = <[u8; RECEIPT]>::try_from(receipt) else {
            // The server gave up in good order.
            return Err(E::WSAECONNABORTED);
        };
        let count = u64::from_le_bytes(count);
        if count != sent {
            os.fail(&format!("{count} ordinary bytes of {sent} arrived"));
        }
        let all: Vec<u8> = (0..alarms).map(|number| ALARM | number).collect();
        let heard = if self.patient {
            answers.is_empty()
        } else if in_line == 1 {
            answers == all
        } else {
            // Nothing can take the place of the last one.
            answers.contains(&(ALARM | (alarms - 1)))
        };
        os.check(heard, &format!("of {alarms} alarms these were heard: {answers:02x?}"));
        Ok(())
    }
}
