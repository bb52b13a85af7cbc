//! When the session rolls by itself: once a day, at a time of day in UTC, by journaled time.
//!
//! A venue that is up at that time journals a roll before anything that is stamped later ([`crate::stages::Inlet`] sees to
//! that), so a journal whose last command is older than the time of a roll, and a clock that has passed it, mean one thing:
//! the venue was down then, and rolls at once. Unless it was up under another `roll_at`, or none, and had nothing to journal:
//! the file `roll_at` in the data directory has the one that was in force last. Without it (an older data directory, or only
//! the journal was copied) the one of the configuration counts as that.

use std::fmt;
use std::io;
use std::path::Path;

use ringside_domain::TimeNs;
use ringside_domain::limits::DAY_NS;

use crate::files::replace_durable;

const NS_PER_MINUTE: u64 = 60_000_000_000;
/// Name of the file in the data directory: `HH:MM` or `never`.
const FILE: &str = "roll_at";
const NEVER: &str = "never";

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

impl fmt::Display for RollAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.time_of_day_ns / NS_PER_MINUTE;
        write!(f, "{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// True when `roll_at` was in force when this venue was up last, as far as that is known. An error when the file cannot be
/// read, or has something else in it.
pub fn was_in_force(roll_at: RollAt, data_dir: &Path) -> io::Result<bool> {
    let text = match std::fs::read_to_string(data_dir.join(FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        read => read?,
    };
    match text.trim_end() {
        NEVER => Ok(false),
        time => {
            let then = RollAt::parse(time).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{FILE}: {time:?} is no time of day"))
            })?;
            Ok(then == roll_at)
        }
    }
}

/// Keeps what is in force from now on for the next start. Durable when this returns.
pub fn remember(roll_at: Option<RollAt>, data_dir: &Path) -> io::Result<()> {
    let text = roll_at.map_or(NEVER.into(), |at| at.to_string());
    replace_durable(data_dir, FILE, &format!("{text}\n"))
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

    #[test]
    fn what_was_in_force_is_remembered_and_nothing_else_counts() {
        let scratch = tempfile::tempdir().unwrap();
        let [five, six] = ["17:05", "18:00"].map(|text| RollAt::parse(text).unwrap());
        assert!(was_in_force(five, scratch.path()).unwrap(), "nothing is known");
        remember(Some(five), scratch.path()).unwrap();
        assert!(was_in_force(five, scratch.path()).unwrap());
        assert!(!was_in_force(six, scratch.path()).unwrap());
        remember(None, scratch.path()).unwrap();
        assert!(!was_in_force(five, scratch.path()).unwrap());
        std::fs::write(scratch.path().join("roll_at"), "noon\n").unwrap();
        let error = was_in_force(five, scratch.path()).unwrap_err();
        assert_eq!(error.to_string(), "roll_at: \"noon\" is no time of day");
    }
}
