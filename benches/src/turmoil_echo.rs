//! The datagram echo workload in raw turmoil: what the simulator is measured against.
//!
//! One server, two clients; each client has 200 datagrams of 256 bytes echoed, 8 in flight, and
//! sends one again 50 ms after it was last sent. Latency 1 to 10 ms, `fail_rate` 0.02, the rest of
//! turmoil's settings at their defaults.

#![allow(clippy::disallowed_methods, reason = "in turmoil, tokio's clock is the virtual one")]

use core::time::Duration;

use tokio::time::{Instant, timeout_at};
use turmoil::net::UdpSocket;

/// Datagrams of each client.
pub const DATAGRAMS: usize = 200;
/// Bytes of a datagram.
pub const SIZE: usize = 256;
/// Datagrams in flight.
pub const WINDOW: usize = 8;
/// When an unanswered datagram is sent again.
pub const RETRY: Duration = Duration::from_millis(50);

const PORT: u16 = 7;

/// Runs the workload with `seed`. Gives the virtual time that it took.
pub fn run(seed: u64) -> Duration {
    let mut sim = turmoil::Builder::new()
        .epoch(std::time::UNIX_EPOCH)
        .rng_seed(seed)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(10))
        .fail_rate(0.02)
        .simulation_duration(Duration::from_secs(600))
        .build();
    sim.host("server", || async {
        let socket = UdpSocket::bind(("0.0.0.0", PORT)).await?;
        let mut buffer = [0; SIZE];
        loop {
            let (len, from) = socket.recv_from(&mut buffer).await?;
            socket.send_to(&buffer[..len], from).await?;
        }
    });
    for name in ["first", "second"] {
        sim.client(name, client());
    }
    sim.run().expect("every datagram is echoed in the end");
    sim.elapsed()
}

async fn client() -> turmoil::Result {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).await?;
    let server = (turmoil::lookup("server"), PORT);
    let mut echoed = [false; DATAGRAMS];
    let mut in_flight: Vec<(usize, Instant)> = Vec::with_capacity(WINDOW);
    let mut next = 0;
    let mut left = DATAGRAMS;
    let mut buffer = [0; SIZE];
    while left > 0 {
        while in_flight.len() < WINDOW && next < DATAGRAMS {
            socket.send_to(&datagram(next), server).await?;
            in_flight.push((next, Instant::now()));
            next += 1;
        }
        let oldest = in_flight.iter().map(|(_, sent)| *sent).min().unwrap_or_else(Instant::now);
        match timeout_at(oldest + RETRY, socket.recv_from(&mut buffer)).await {
            Ok(received) => {
                received?;
                let number = u32::from_le_bytes([buffer[0], buffer[1], buffer[2], buffer[3]]);
                let number = number as usize;
                assert_eq!(buffer, datagram(number), "an echo is what was sent");
                if !echoed[number] {
                    echoed[number] = true;
                    left -= 1;
                    in_flight.retain(|(n, _)| *n != number);
                }
            }
            Err(_) => {
                let now = Instant::now();
                for (number, sent) in &mut in_flight {
                    if *sent + RETRY <= now {
                        socket.send_to(&datagram(*number), server).await?;
                        *sent = now;
                    }
                }
            }
        }
    }
    Ok(())
}

fn datagram(number: usize) -> [u8; SIZE] {
    let mut bytes = [number as u8; SIZE];
    bytes[..4].copy_from_slice(&(number as u32).to_le_bytes());
    bytes
}
