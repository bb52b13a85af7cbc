//! The moments at which an open loop sends, whatever became of what it sent before.
//!
//! Every command has its moment: begin + n ÷ rate. A command that is sent late is timed from its moment all the same, so a
//! stall of the venue is in the times of everything that should have been sent meanwhile (no coordinated omission: Gil
//! Tene, "How NOT to Measure Latency"). Knows no clock and no socket: times are nanoseconds since the bench began.

use std::time::Duration;

/// Sent so much after its moment, a command counts as late: the sender, not the venue, was not there.
const LATE_NS: u64 = 1_000_000;

/// What became of the commands whose moment has come.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Handed to the venue.
    pub sent: u64,
    /// Of those: more than a millisecond after their moment.
    pub late: u64,
    /// Longest time after its moment that one was sent: so long the sender was not there, whatever held it up.
    pub latest_ns: u64,
    /// Never sent, because the venue took no more.
    pub unsent: u64,
    /// Sent, and not answered.
    pub unacknowledged: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.late += other.late;
        self.latest_ns = self.latest_ns.max(other.latest_ns);
        self.unsent += other.unsent;
        self.unacknowledged += other.unacknowledged;
    }
}

/// A number of commands at a rate.
pub struct OpenLoop {
    begin_ns: u64,
    rate: u64,
    total: u64,
    next: u64,
    counts: Counts,
}

impl OpenLoop {
    /// `total` commands, `rate` a second (at least 1), the first at `begin_ns`.
    pub fn new(begin_ns: u64, rate: u64, total: u64) -> Self {
        OpenLoop { begin_ns, rate: rate.max(1), total, next: 0, counts: Counts::default() }
    }

    /// As many as belong into so many seconds.
    pub fn lasting(begin_ns: u64, rate: u64, length: Duration) -> Self {
        OpenLoop::new(begin_ns, rate, (rate as f64 * length.as_secs_f64()) as u64)
    }

    /// The moment of the `n`-th command.
    pub fn moment(&self, n: u64) -> u64 {
        // In 128 bits: n × 10^9 passes 64 bits after five hours at a million a second.
        self.begin_ns + (u128::from(n) * 1_000_000_000 / u128::from(self.rate)) as u64
    }

    /// True when all moments have been taken.
    pub fn is_over(&self) -> bool {
        self.next == self.total
    }

    /// True when the moment of the next command has come.
    pub fn is_due(&self, now_ns: u64) -> bool {
        !self.is_over() && self.moment(self.next) <= now_ns
    }

    /// Takes the next moment; the command is sent now.
    pub fn send(&mut self, now_ns: u64) -> u64 {
        let moment = self.moment(self.next);
        self.next += 1;
        self.counts.sent += 1;
        let late_ns = now_ns.saturating_sub(moment);
        self.counts.late += u64::from(late_ns > LATE_NS);
        self.counts.latest_ns = self.counts.latest_ns.max(late_ns);
        moment
    }

    /// Takes the next moment; nobody takes the command.
    pub fn skip(&mut self) {
        self.next += 1;
        self.counts.unsent += 1;
    }

    /// What became of the commands so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::recorder::Recorder;

    const SECOND: u64 = 1_000_000_000;
    const STALL: std::ops::Range<u64> = 500_000_000..600_000_000;
    const SERVICE: u64 = 10_000;

    /// When a venue that serves one command in 10 µs, and nothing during the stall, has answered what came at `came`.
    fn answered(came: u64, idle_from: u64) -> u64 {
        let begin = came.max(idle_from);
        if STALL.contains(&begin) { STALL.end + SERVICE } else { begin + SERVICE }
    }

    #[test]
    fn a_stall_of_100_ms_is_in_the_p99_of_the_open_loop() {
        let mut offered = OpenLoop::new(0, 10_000, 10_000);
        let (mut times, mut idle_from) = (Recorder::over(1.0), 0);
        while !offered.is_over() {
            // The sender is there at every moment.
            let moment = offered.send(offered.moment(offered.next));
            idle_from = answered(moment, idle_from);
            times.record(idle_from, idle_from - moment);
        }
        let p99 = times.finish().total.value_at_quantile(0.99);
        assert!((80_000_000..110_000_000).contains(&p99), "p99 {p99} ns");
        assert_eq!(offered.counts(), Counts { sent: 10_000, ..Counts::default() });
    }

    #[test]
    fn a_sender_that_waits_for_answers_is_late_and_its_times_still_tell_of_the_stall() {
        let mut offered = OpenLoop::new(0, 10_000, 10_000);
        let (mut from_moment, mut from_sending) = (Recorder::over(1.0), Recorder::over(1.0));
        let mut now = 0;
        while !offered.is_over() {
            now = now.max(offered.moment(offered.next));
            let (sent, moment) = (now, offered.send(now));
            now = answered(sent, now);
            from_moment.record(now, now - moment);
            from_sending.record(now, now - sent);
        }
        assert!(from_moment.finish().total.value_at_quantile(0.99) > 80_000_000);
        // What coordinated omission looks like: one slow command in ten thousand.
        assert!(from_sending.finish().total.value_at_quantile(0.99) < 20_000);
        assert!(offered.counts().late > 900, "{:?}", offered.counts());
        assert!((90_000_000..110_000_000).contains(&offered.counts().latest_ns), "{:?}", offered.counts());
    }

    #[test]
    fn what_nobody_takes_is_counted_and_its_moment_is_over() {
        let mut offered = OpenLoop::lasting(7, 1_000, Duration::from_nanos(SECOND / 100));
        offered.skip();
        assert!(!offered.is_due(1_000_006) && offered.is_due(1_000_007));
        offered.send(1_000_007);
        assert_eq!(offered.counts(), Counts { sent: 1, unsent: 1, ..Counts::default() });
        (0..8).for_each(|_| offered.skip());
        assert!(offered.is_over() && !offered.is_due(u64::MAX));
    }
}
