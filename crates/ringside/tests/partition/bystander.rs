//! A client whose link is whole, and who notes how long each of its orders takes to be answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ringside_wire::ouch::{Enter, Request, Tags};

use crate::support::{Client, Got, PATIENCE, PRICE, cancel, encode, order};

/// Between two round trips: some hundreds a second.
const PACE: Duration = Duration::from_millis(2);
/// In each of these something must be answered. Wide, for a machine on which others work too.
pub const WINDOW: Duration = Duration::from_secs(2);

/// When an order was sent, and how long its answer took.
type RoundTrip = (Instant, Duration);

/// Round trips in the order they were made.
pub struct Watch {
    trips: Vec<RoundTrip>,
}

impl Watch {
    /// Enters and cancels, one after the other, until told to stop.
    pub fn keep(mut client: Client, stop: &AtomicBool) -> Watch {
        let mut trips = Vec::new();
        for number in 1.. {
            // Relaxed: nothing else is read behind it.
            if stop.load(Ordering::Relaxed) {
                break;
            }
            trips.push(round_trip(&mut client, &far_away(number), b'A'));
            trips.push(round_trip(&mut client, &cancel(number), b'C'));
            std::thread::sleep(PACE);
        }
        Watch { trips }
    }

    /// Round trips that began in a time.
    pub fn between(&self, from: Instant, to: Instant) -> Spell {
        let during = self.trips.iter().filter(|(sent, _)| (from..to).contains(sent));
        let mut times: Vec<Duration> = during.clone().map(|(_, took)| *took).collect();
        times.sort_unstable();
        let ends: Vec<Instant> = during.map(|(sent, took)| *sent + *took).collect();
        let gaps = ends.windows(2).map(|pair| pair[1] - pair[0]);
        Spell { longest_gap: gaps.max().unwrap_or(Duration::MAX), seconds: (to - from).as_secs_f64(), times }
    }
}

/// What a bystander saw in a time.
pub struct Spell {
    /// In ascending order.
    times: Vec<Duration>,
    /// Between two answers.
    pub longest_gap: Duration,
    seconds: f64,
}

impl Spell {
    pub fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.seconds
    }

    pub fn p99(&self) -> Duration {
        self.times.get(self.times.len() * 99 / 100).copied().unwrap_or(Duration::MAX)
    }
}

/// An order that nobody trades with.
fn far_away(number: u32) -> Vec<u8> {
    let order = order(number, b'B', 1, "ESH4");
    encode(&Request::Enter(Enter { price: PRICE / 4, tags: Tags::EMPTY, ..order }))
}

fn round_trip(client: &mut Client, message: &[u8], letter: u8) -> RoundTrip {
    let sent = Instant::now();
    client.send(message);
    match client.next(PATIENCE) {
        Got::Packet(_, payload) if payload.first() == Some(&letter) => (sent, sent.elapsed()),
        other => panic!("the bystander was due {:?}, got {other:?}", char::from(letter)),
    }
}
