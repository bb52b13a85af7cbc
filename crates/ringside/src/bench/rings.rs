//! The floor of a pipeline: the venue's own rings with nothing behind them. Two threads, two rings, one slot under way; and
//! one ring as fast as it goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use disruptor::Producer;
use hdrhistogram::Histogram;
use ringside_venue::ring::{OUTPUT_SLOTS, OutputPoller, OutputProducer, OutputSlot, output_ring};

use super::report::{histogram, record};

/// Slots published at once when it goes as fast as it can: what the engine stage has at hand after a batch.
const TOGETHER: usize = 256;

/// Times of slots that go to another thread and come back, one at a time.
pub fn ping_pong(trips: u64) -> Histogram<u64> {
    let (mut there, far) = output_ring();
    let (back, mut near) = output_ring();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let mirror = std::thread::spawn(move || reflect(far, back, &stopped));
    let mut times = histogram();
    for sequence in 1..=trips {
        let begin = Instant::now();
        publish(&mut there, sequence);
        while near.take(1).map_or(0, |mut guard| (&mut guard).map(|slot| slot.sequence).sum()) != sequence {
            std::thread::yield_now();
        }
        record(&mut times, begin.elapsed().as_nanos() as u64);
    }
    stop.store(true, Ordering::Relaxed);
    mirror.join().expect("the mirror does not panic");
    times
}

fn reflect(mut far: OutputPoller, mut back: OutputProducer, stopped: &AtomicBool) {
    while !stopped.load(Ordering::Relaxed) {
        let sequence = match far.take(1) {
            Ok(mut guard) => (&mut guard).map(|slot| slot.sequence).last(),
            Err(_) => None,
        };
        match sequence {
            Some(sequence) => publish(&mut back, sequence),
            None => std::thread::yield_now(),
        }
    }
}

fn publish(producer: &mut OutputProducer, sequence: u64) {
    // There is room: one slot is under way.
    let room = producer.try_publish(|place| *place = OutputSlot { sequence, ..OutputSlot::default() });
    debug_assert!(room.is_ok(), "one slot is under way");
}

/// Slots a second through one ring between two threads, each written and read as a whole.
pub fn throughput(slots: u64) -> f64 {
    let (mut producer, poller) = output_ring();
    let reader = std::thread::spawn(move || read_all(poller, slots));
    let begin = Instant::now();
    let mut sent = 0;
    while sent < slots {
        let count = TOGETHER.min((slots - sent) as usize);
        let fill = |places: &mut dyn Iterator<Item = &mut OutputSlot>| {
            let slots = (sent + 1..).map(|sequence| OutputSlot { sequence, ..OutputSlot::default() });
            slots.zip(places).for_each(|(slot, place)| *place = slot);
        };
        match producer.try_batch_publish(count, |mut places| fill(&mut places)) {
            Ok(_) => sent += count as u64,
            Err(_) => std::thread::yield_now(),
        }
    }
    let last = reader.join().expect("the reader does not panic");
    assert_eq!(last, slots, "every slot arrives");
    slots as f64 / begin.elapsed().as_secs_f64()
}

fn read_all(mut poller: OutputPoller, slots: u64) -> u64 {
    let mut last = 0;
    while last < slots {
        match poller.take(OUTPUT_SLOTS as u64) {
            Ok(mut guard) => (&mut guard).for_each(|slot| last = std::hint::black_box(*slot).sequence),
            Err(_) => std::thread::yield_now(),
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_of_the_bare_rings_comes_back() {
        assert_eq!(ping_pong(100).len(), 100);
        assert!(throughput(20_000) > 0.0);
    }
}
