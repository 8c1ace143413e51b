//! Datagram echo with retries. Also what the simulator's speed is measured with.

use core::net::SocketAddr;

use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;
use wspsim::choice::Rate;
use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{MS, Network, NetworkRange};
use wspsim::world::WorldBuilder;

use crate::common::{
    Ended, Ip, Operations, Payload, RECORD_HEADER, Slot, Style, address, chance, cleanup,
    close_and_settle, is_dead_datagram, is_transient, open_datagram, pick, record, startup,
    unexpected, wait_for_any, whole_record,
};

/// The scenario.
pub(crate) struct DatagramEcho;

const PORT: u16 = 7;
/// How many datagrams each client has echoed.
const DATAGRAMS: u32 = 200;
/// Bytes of a datagram.
const LEN: usize = 256;
/// How many datagrams a client has under way.
const WINDOW: usize = 8;
/// After how long a datagram is sent again.
const RETRY_NS: u64 = 50 * MS;
/// After how long a send is tried again that was refused.
const REFUSED_NS: u64 = 5 * MS;
/// Receives that the server has posted for each family.
const SERVER_SLOTS: usize = 8;
/// Receives that a client has posted.
const CLIENT_SLOTS: usize = 4;
const STYLES: [Style; 5] = [
    Style::Routine,
    Style::Routine,
    Style::Routine,
    Style::Event { manual: true },
    Style::Event { manual: false },
];

impl Scenario for DatagramEcho {
    fn name(&self) -> &'static str {
        "datagram-echo"
    }

    fn about(&self) -> &'static str {
        "Datagram echo with retries, one server and two clients: lost completions, datagrams that \
         are not whole, resets that kill a socket"
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Shutdown, Fault::Close, Fault::Flush, Fault::Crash]
    }

    fn network(&self) -> NetworkRange {
        NetworkRange::Fixed(Network {
            min_delay_ns: MS,
            max_delay_ns: 10 * MS,
            loss: Rate::from_millionths(20_000),
            ..Network::default()
        })
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.server("server", serve);
        world.client("client-1", ask);
        world.client("client-2", ask);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Nothing,
    Receiving,
    Sending,
}

/// One socket of the server's, and its operations: each receives, sends back, receives.
struct Echo {
    ip: Ip,
    s: SocketHandle,
    slots: Vec<(Slot, Doing)>,
    dead: bool,
}

impl Echo {
    fn new(os: &Os, operations: &Operations, ip: Ip, style: Style) -> Self {
        let slot = || (Slot::new(os, operations, style, LEN + 1), Doing::Nothing);
        let slots = (0..SERVER_SLOTS).map(|_| slot()).collect();
        Self { ip, s: open_datagram(os, ip, PORT), slots, dead: false }
    }

    /// Does what can be done now. Whether some slot has nothing out.
    fn turn(&mut self, os: &Os) -> bool {
        let mut idle = false;
        for (slot, doing) in &mut self.slots {
            if let Some(ended) = slot.take_end(os) {
                let was = core::mem::replace(doing, Doing::Nothing);
                match ended.result() {
                    Ok(len) if was == Doing::Receiving => {
                        match slot.source().map(|to| slot.send_to(os, self.s, len as usize, to)) {
                            Some(Ok(())) => *doing = Doing::Sending,
                            Some(Err(error)) => {
                                self.dead |= is_dead_datagram(os, "WSASendTo", error)
                            }
                            None => os.fail("WSARecvFrom gave no source"),
                        }
                    }
                    Ok(_) => {}
                    Err(error) => self.dead |= is_dead_datagram(os, "an echo operation", error),
                }
            }
            if *doing == Doing::Nothing && !self.dead {
                match slot.recv_from(os, self.s, LEN + 1) {
                    Ok(()) => *doing = Doing::Receiving,
                    Err(error) => {
                        self.dead |= is_dead_datagram(os, "WSARecvFrom", error);
                        idle = true;
                    }
                }
            }
        }
        if self.dead {
            self.close(os);
            self.s = open_datagram(os, self.ip, PORT);
            self.dead = false;
            idle = true;
        }
        idle
    }

    fn close(&mut self, os: &Os) {
        close_and_settle(os, self.s, self.slots.iter().map(|(slot, _)| slot));
        for (_, doing) in &mut self.slots {
            *doing = Doing::Nothing;
        }
    }
}

fn serve(os: &Os) {
    startup(os);
    let operations = Operations::new(os);
    let style = pick(os, &STYLES);
    let mut echoes = Ip::BOTH.map(|ip| Echo::new(os, &operations, ip, style));
    while !os.is_stopping() {
        let idle = echoes.iter_mut().fold(false, |idle, echo| echo.turn(os) | idle);
        let slots = echoes.iter().flat_map(|echo| echo.slots.iter().map(|(slot, _)| slot));
        wait_for_any(os, slots, if idle { 2 } else { 100 });
    }
    if chance(os, 50) {
        for echo in &mut echoes {
            echo.close(os);
        }
    }
    cleanup(os);
}

/// A datagram under way.
struct Asked {
    number: u32,
    /// When it is sent, or sent again.
    due_ns: u64,
    slot: Slot,
    /// Its echo has arrived.
    done: bool,
}

/// A client.
struct Client {
    payload: Payload,
    ip: Ip,
    server: SocketAddr,
    connected: bool,
    s: SocketHandle,
    window: Vec<Asked>,
    receives: Vec<Slot>,
    next: u32,
    acknowledged: u32,
    dead: bool,
}

impl Client {
    fn new(os: &Os) -> Self {
        let operations = Operations::new(os);
        let style = pick(os, &STYLES);
        let ip = Ip::draw(os);
        let slot = |len| Slot::new(os, &operations, style, len);
        let window =
            (0..WINDOW).map(|_| Asked { number: 0, due_ns: 0, slot: slot(LEN), done: true });
        Self {
            payload: Payload::draw(os),
            ip,
            server: address(os, "server", ip, PORT),
            connected: chance(os, 50),
            s: SocketHandle(0),
            window: window.collect(),
            receives: (0..CLIENT_SLOTS).map(|_| slot(LEN + 1)).collect(),
            next: 0,
            acknowledged: 0,
            dead: true,
        }
    }

    /// Another socket, in place of one that is dead.
    fn reopen(&mut self, os: &Os) {
        loop {
            self.s = open_datagram(os, self.ip, 0);
            if !self.connected {
                break;
            }
            match os.connect(self.s, self.server) {
                Ok(()) => break,
                Err(error) if is_transient(error) || error == E::WSAENOTSOCK => {}
                Err(error) => unexpected(os, "connect", error),
            }
            close_and_settle(os, self.s, []);
        }
        self.dead = false;
    }

    fn close(&self, os: &Os) {
        let slots = self.window.iter().map(|asked| &asked.slot).chain(&self.receives);
        close_and_settle(os, self.s, slots);
    }

    fn run(&mut self, os: &Os) {
        while self.acknowledged < DATAGRAMS {
            if self.dead {
                self.reopen(os);
            }
            let mut idle = self.take_echoes(os);
            idle |= self.send_due(os);
            if self.dead {
                self.close(os);
                continue;
            }
            let now_ns = os.now_ns();
            let due =
                self.window.iter().filter(|asked| !asked.done).map(|asked| asked.due_ns).min();
            let wait_ns = due.unwrap_or(now_ns).saturating_sub(now_ns);
            let ms = (wait_ns.div_ceil(MS) as u32).clamp(1, if idle { 2 } else { 100 });
            wait_for_any(os, &self.receives, ms);
        }
    }

    /// Takes what arrived, and posts the receives again. Whether some could not be posted.
    fn take_echoes(&mut self, os: &Os) -> bool {
        let mut idle = false;
        for at in 0..self.receives.len() {
            if let Some(ended) = self.receives[at].take_end(os) {
                self.take_echo(os, at, ended);
            }
            let slot = &self.receives[at];
            if !slot.is_busy() && !self.dead {
                let posted = if self.connected {
                    slot.recv(os, self.s, LEN + 1)
                } else {
                    slot.recv_from(os, self.s, LEN + 1)
                };
                if let Err(error) = posted {
                    self.dead |= is_dead_datagram(os, "WSARecvFrom", error);
                    idle = true;
                }
            }
        }
        idle
    }

    fn take_echo(&mut self, os: &Os, at: usize, ended: Ended) {
        let len = match ended.result() {
            Ok(len) => len as usize,
            Err(error) => {
                self.dead |= is_dead_datagram(os, "WSARecvFrom", error);
                return;
            }
        };
        let mut bytes = [0; LEN + 1];
        self.receives[at].buffer.read_into(0, &mut bytes[..len]);
        let (tag, number) = match whole_record(&bytes[..len]) {
            Ok(record) => record,
            Err(wrong) => return os.fail(&wrong),
        };
        // An echo may come twice, or to the one who has this port after a crash.
        if tag == self.payload.tag()
            && let Some(asked) = self.window.iter_mut().find(|a| a.number == number && !a.done)
        {
            asked.done = true;
            self.acknowledged += 1;
        }
    }

    /// Sends what is due. Whether some send was refused.
    fn send_due(&mut self, os: &Os) -> bool {
        let now_ns = os.now_ns();
        let mut refused = false;
        for asked in &mut self.window {
            if let Some(Err(error)) = asked.slot.take_end(os).map(Ended::result) {
                self.dead |= is_dead_datagram(os, "a send", error);
            }
            if asked.slot.is_busy() || self.dead {
                continue;
            }
            if asked.done {
                if self.next == DATAGRAMS {
                    continue;
                }
                (asked.number, asked.due_ns, asked.done) = (self.next, now_ns, false);
                asked.slot.buffer.write(0, &record(self.payload, self.next, LEN - RECORD_HEADER));
                self.next += 1;
            }
            if asked.due_ns > now_ns {
                continue;
            }
            let sent = if self.connected {
                asked.slot.send(os, self.s, LEN)
            } else {
                asked.slot.send_to(os, self.s, LEN, self.server)
            };
            asked.due_ns = now_ns + RETRY_NS;
            if let Err(error) = sent {
                self.dead |= is_dead_datagram(os, "WSASendTo", error);
                asked.due_ns = now_ns + REFUSED_NS;
                refused = true;
            }
        }
        refused
    }
}

fn ask(os: &Os) {
    startup(os);
    let mut client = Client::new(os);
    client.run(os);
    // WSACleanup cancels what is still posted, too.
    if chance(os, 75) {
        client.close(os);
    }
    cleanup(os);
}
