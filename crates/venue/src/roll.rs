//! When the session rolls by itself: once a day, at a time of day in UTC, by journaled time.
//!
//! Nothing is remembered for it. A venue that is up at that time journals a roll before anything that is stamped later
//! ([`crate::stages::Inlet`] sees to that), so a journal whose last command is older than the time of a roll, and a clock
//! that has passed it, mean one thing: the venue was down then, and rolls at once.

use ringside_domain::TimeNs;
use ringside_domain::limits::DAY_NS;

const NS_PER_MINUTE: u64 = 60_000_000_000;

/// A time of day, UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RollAt {
    /// Since midnight, below a day.
    time_of_day_ns: u64,
}

impl RollAt {
    /// `HH:MM`, two digits each; `None` for anything else.
    pub fn parse(text: &str) -> Option<RollAt> {
        let (hours, minutes) = text.split_once(':')?;
        let number = |text: &str| (text.len() == 2).then(|| text.bytes().all(|b| b.is_ascii_digit()));
        (number(hours)? && number(minutes)?).then_some(())?;
        let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60)
            .then_some(RollAt { time_of_day_ns: (hours * 60 + minutes) * NS_PER_MINUTE })
    }

    /// The first such time after this moment.
    pub fn after(self, time_ns: TimeNs) -> TimeNs {
        let midnight = time_ns - time_ns % DAY_NS;
        let today = midnight.saturating_add(self.time_of_day_ns);
        if today > time_ns { today } else { today.saturating_add(DAY_NS) }
    }

    /// The time of a roll that a venue was down for: after its last command, and not after now.
    pub fn missed(self, last_command_ns: TimeNs, now: TimeNs) -> Option<TimeNs> {
        Some(self.after(last_command_ns)).filter(|roll| *roll <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_NS: u64 = 60 * NS_PER_MINUTE;

    #[test]
    fn a_time_of_day_has_two_digits_twice() {
        assert_eq!(RollAt::parse("17:05"), Some(RollAt { time_of_day_ns: 17 * HOUR_NS + 5 * NS_PER_MINUTE }));
        for wrong in
            ["24:00", "17:60", "7:00", "17:0", "17", "17:00:00", "+1:00", "-1:00", "", "noon", "１7:00"]
        {
            assert_eq!(RollAt::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_next_roll_is_later_than_the_moment_itself() {
        let at = RollAt::parse("17:00").unwrap();
        let roll = 3 * DAY_NS + 17 * HOUR_NS;
        assert_eq!(at.after(roll - 1), roll);
        assert_eq!(at.after(roll), roll + DAY_NS);
        assert_eq!(at.after(3 * DAY_NS), roll);
        assert_eq!(RollAt::parse("00:00").unwrap().after(3 * DAY_NS), 4 * DAY_NS);
    }

    #[test]
    fn a_roll_is_missed_once_however_many_days_have_passed() {
        let at = RollAt::parse("17:00").unwrap();
        let roll = 3 * DAY_NS + 17 * HOUR_NS;
        assert_eq!(at.missed(roll - 1, roll - 1), None);
        assert_eq!(at.missed(roll - 1, roll), Some(roll));
        assert_eq!(at.missed(roll - 1, roll + 9 * DAY_NS), Some(roll));
        assert_eq!(at.missed(roll + 9 * DAY_NS, roll + 9 * DAY_NS + HOUR_NS), None);
    }
}
