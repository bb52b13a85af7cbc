//! The clock of the stamps: advances as the machine's steady clock does, and draws near to the wall clock.
//!
//! A wall clock can be stepped: by an operator, by NTP, by a host that wakes up. Journaled time never goes back, so a clock
//! that jumps ahead and back again would stand still for as long as the jump was: nothing would expire, no bucket would be
//! refilled. Stamps therefore follow `CLOCK_BOOTTIME` (`CLOCK_MONOTONIC`, and time asleep counts), corrected towards
//! `CLOCK_REALTIME` by at most [`SLEW`] of what has passed. A step is told, and worked off at that rate.

use ringside_domain::TimeNs;
use rustix::time::{ClockId, clock_gettime};
use tracing::warn;

/// A twentieth of the time that passes is the most that stamps are corrected by: an hour takes twenty.
pub const SLEW: u64 = 20;
/// From here on a difference between the two clocks' advances is a step and is told; NTP slews stay far below.
pub const STEP_NS: u64 = 100_000_000;

/// What the two clocks of the machine say at one moment, nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Never steps; counts from any moment.
    pub steady_ns: u64,
    /// Unix time.
    pub wall_ns: TimeNs,
}

impl Reading {
    /// Both, now.
    pub fn now() -> Reading {
        Reading { steady_ns: read(ClockId::Boottime), wall_ns: read(ClockId::Realtime) }
    }
}

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    // A clock before its epoch is broken, and counts as 0: stamps then go on from the last journaled time.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    // Cannot overflow until the year 2554. Cannot truncate: below 10^9.
    seconds * 1_000_000_000 + time.tv_nsec as u64
}

/// Stamps commands. Never goes back, never stands still while the steady clock advances.
#[derive(Clone, Copy, Debug)]
pub struct VenueClock {
    now_ns: TimeNs,
    last: Reading,
    steps: u64,
    /// Steps are told in the log.
    tells: bool,
}

impl VenueClock {
    /// Starts at the wall clock, or at the last journaled time if that is later.
    pub fn new(journaled_ns: TimeNs, reading: Reading) -> Self {
        VenueClock { now_ns: reading.wall_ns.max(journaled_ns), last: reading, steps: 0, tells: true }
    }

    /// The same clock for another thread: steps are told by the first one.
    pub fn silent(self) -> Self {
        VenueClock { tells: false, ..self }
    }

    /// The last stamp.
    pub fn now_ns(&self) -> TimeNs {
        self.now_ns
    }

    /// The stamp of this moment.
    pub fn advance(&mut self, reading: Reading) -> TimeNs {
        let elapsed = reading.steady_ns.saturating_sub(self.last.steady_ns);
        self.note_step(reading, elapsed);
        self.last = Reading { steady_ns: reading.steady_ns.max(self.last.steady_ns), ..reading };
        let unslewed = self.now_ns.saturating_add(elapsed);
        let most = elapsed / SLEW;
        self.now_ns = match reading.wall_ns.checked_sub(unslewed) {
            Some(behind) => unslewed.saturating_add(behind.min(most)),
            // Never below the last stamp: a twentieth of what was just added.
            None => unslewed - (unslewed - reading.wall_ns).min(most),
        };
        self.now_ns
    }

    /// How far stamps are ahead of the wall clock, nanoseconds; negative when behind.
    pub fn ahead_ns(&self) -> i64 {
        let difference = i128::from(self.now_ns) - i128::from(self.last.wall_ns);
        difference.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// Steps of the wall clock since the start.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    fn note_step(&mut self, reading: Reading, elapsed: u64) {
        let expected = i128::from(self.last.wall_ns) + i128::from(elapsed);
        let step = i128::from(reading.wall_ns) - expected;
        if step.unsigned_abs() < STEP_NS.into() {
            return;
        }
        self.steps += 1;
        if !self.tells {
            return;
        }
        let seconds = step as f64 / 1e9;
        warn!(seconds, "the wall clock was stepped: stamps draw near to it at one second in twenty");
    }
}

/// A start whose journal is later than the wall clock goes on from the journal's time: that is worth a look.
pub fn warn_of_future(journaled_ns: TimeNs, reading: Reading) {
    let ahead = journaled_ns.saturating_sub(reading.wall_ns);
    if ahead >= STEP_NS {
        let seconds = ahead as f64 / 1e9;
        warn!(seconds, "the journal's last command is ahead of the wall clock: stamps go on from it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const HOUR: u64 = 3_600 * SECOND;
    const NOON: u64 = 1_700_000_000 * SECOND;

    fn reading(steady_ns: u64, wall_ns: u64) -> Reading {
        Reading { steady_ns, wall_ns }
    }

    #[test]
    fn stamps_are_the_wall_clocks_while_nobody_steps_it() {
        let mut clock = VenueClock::new(0, reading(5, NOON));
        for second in 1..100 {
            // 100 millionths fast: what NTP corrects all day.
            let wall = NOON + second * (SECOND + 100_000);
            assert_eq!(clock.advance(reading(5 + second * SECOND, wall)), wall);
        }
        assert_eq!((clock.steps(), clock.ahead_ns()), (0, 0));
    }

    #[test]
    fn time_goes_on_after_a_jump_ahead_and_back() {
        let mut clock = VenueClock::new(0, reading(0, NOON));
        let ahead = clock.advance(reading(SECOND, NOON + SECOND + HOUR));
        assert_eq!(ahead, NOON + SECOND + SECOND / 20, "the jump is not taken at once");
        let back = clock.advance(reading(2 * SECOND, NOON + 2 * SECOND));
        assert!(back > ahead, "and time does not stand still after it");
        assert_eq!((back, clock.steps()), (NOON + 2 * SECOND, 2));
    }

    #[test]
    fn a_step_is_worked_off_at_a_twentieth_and_no_further() {
        for step in [-(HOUR as i64), HOUR as i64] {
            let wall = |seconds: u64| (NOON + seconds * SECOND).checked_add_signed(step).unwrap();
            let mut clock = VenueClock::new(0, reading(0, NOON));
            let mut last = NOON;
            for minute in 1..=20 * 60 + 60 {
                let stamp = clock.advance(reading(minute * 60 * SECOND, wall(minute * 60)));
                let passed = stamp - last;
                assert!((57 * SECOND..=63 * SECOND).contains(&passed), "minute {minute}: {passed} ns");
                last = stamp;
            }
            assert_eq!((clock.ahead_ns(), clock.steps()), (0, 1), "there after 20 hours, told once");
        }
    }

    #[test]
    fn a_journal_from_the_future_is_gone_on_with_and_drawn_near_to() {
        let mut clock = VenueClock::new(NOON + HOUR, reading(0, NOON));
        assert_eq!(clock.advance(reading(20 * SECOND, NOON + 20 * SECOND)), NOON + HOUR + 19 * SECOND);
        assert_eq!(clock.ahead_ns(), (HOUR - SECOND) as i64);
        assert_eq!(clock.steps(), 0, "nobody stepped anything while this venue ran");
    }

    #[test]
    fn the_machines_clocks_advance() {
        let before = Reading::now();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let after = Reading::now();
        assert!(after.steady_ns >= before.steady_ns + 2_000_000 && after.wall_ns > NOON);
    }
}
