//! Random time: it mostly moves a little, and sometimes to where something is due, or beyond.

use ringside_domain::TimeNs;

use super::RandomFlow;

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000 * MICROSECOND;
const SECOND: u64 = 1_000 * MILLISECOND;

impl RandomFlow {
    pub(super) fn move_time(&mut self) {
        self.time_ns = match self.prng.below(200) {
            0..=5 => self.time_ns,
            6..=7 => self.near_due(),
            8 => self.time_ns + self.prng.below(5 * SECOND),
            9..=40 => self.time_ns + self.prng.below(200 * MILLISECOND),
            41..=120 => self.time_ns + self.prng.below(MILLISECOND),
            _ => self.time_ns + 1 + self.prng.below(10 * MICROSECOND),
        };
    }

    /// Just before, at, or just after the next thing that happens by itself.
    fn near_due(&mut self) -> TimeNs {
        let due = self.reference.next_due().unwrap_or(self.time_ns);
        let near = due.saturating_add(self.prng.below(3)).saturating_sub(1);
        near.clamp(self.time_ns, self.time_ns + 10 * SECOND)
    }

    /// A time in the near future, rarely in the past.
    pub(super) fn soon(&mut self) -> TimeNs {
        match self.prng.below(20) {
            0 => self.time_ns,
            1 => self.prng.below(self.time_ns + 1).max(1),
            2 => self.time_ns + 1,
            3 => u64::MAX - 1,
            _ => self.time_ns + 1 + self.prng.below(2 * SECOND),
        }
    }

    /// The length of a call: until told, or short.
    pub(super) fn call_length(&mut self) -> u64 {
        if self.prng.chance(40) { 0 } else { 1 + self.prng.below(400 * MILLISECOND) }
    }

    /// A random extension of a call.
    pub(super) fn extension(&mut self) -> u64 {
        if self.prng.chance(50) { 0 } else { 1 + self.prng.below(50 * MILLISECOND) }
    }
}
