//! One fault at one moment for one trader: what is done, and what must be true afterwards.

use std::fmt;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use ringside_client::AfterLoss;
use serde_json::Value;

use crate::account::Account;
use crate::journal::Record;
use crate::network::{Fault, Link, Namespace, Packets};
use crate::signals::{Signal, Signals};
use crate::support::{PATIENCE, Stream, eventually};
use crate::trader::{Moment, RESTING};

/// The venue's own limit, and the client's.
const SILENCE: Duration = Duration::from_secs(15);
/// A machine on which others work may be late by this.
const LATE: Duration = Duration::from_secs(6);

/// When a fault is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// So long after it began.
    After(Duration),
    /// So long after the venue has closed the trader's connection.
    AfterClose(Duration),
}

/// A fault at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Case {
    pub fault: Fault,
    pub moment: Moment,
    pub end: End,
    pub after_loss: AfterLoss,
    /// Cancel on disconnect, after this long.
    pub grace: Option<Duration>,
}

impl Case {
    /// Without cancel on disconnect.
    pub fn new(fault: Fault, moment: Moment, end: End, after_loss: AfterLoss) -> Case {
        Case { fault, moment, end, after_loss, grace: None }
    }

    /// While a login is tried, connections can be opened: what is lost is the login, or its answer.
    fn packets(&self) -> Packets {
        if self.moment == Moment::Login { Packets::Data } else { Packets::All }
    }

    /// Connections that were closed before the fault: a rewind begins with the end of one.
    fn closed_before(&self) -> usize {
        usize::from(self.moment == Moment::Rewind)
    }

    /// Its login in a venue's configuration.
    pub fn login(&self, name: &str) -> String {
        let grace = self.grace.map_or(String::new(), |grace| {
            let grace_ms = grace.as_millis();
            format!("cancel_on_disconnect = true\ncancel_on_disconnect_grace = \"{grace_ms}ms\"\n")
        });
        format!(
            "[[login]]\nusername = \"{name}\"\npassword = \"{}\"\nfirm = \"{name}\"\n{grace}",
            password_of(name)
        )
    }

    /// Breaks the link when the trader wants it, and mends it at the end.
    pub fn disturb(&self, log: &Mutex<String>, inside: &Namespace, link: &Link, signals: &Signals) -> Spoilt {
        signals.wait(Signal::Wanted);
        let before = self.closed_before();
        // The log comes through a pipe, a moment later.
        eventually("what was closed before is told", || (closes(log, link).len() == before).then_some(()));
        let began = SystemTime::now();
        link.begin(inside, self.fault, self.packets());
        let begun = Instant::now();
        signals.give(Signal::Broken);
        match self.end {
            End::After(time) => thread::sleep(time),
            End::AfterClose(time) => {
                while closes(log, link).len() == before && begun.elapsed() < 2 * PATIENCE {
                    thread::sleep(Duration::from_millis(50));
                }
                thread::sleep(time);
            }
        }
        let reasons = closes(log, link).split_off(before);
        link.end(inside, self.fault, self.packets());
        let ended = Instant::now();
        signals.give(Signal::Healed);
        Spoilt { began, begun, ended, reasons }
    }

    /// What must be true, whatever the fault was; and what this one must have led to.
    pub fn check(&self, row: &Row<'_>, rebuilt: &Stream) {
        self.check_contract(row, rebuilt);
        self.check_half_open(row);
        self.check_grace(row);
    }

    /// Every order was received once or never, and its sender knows which.
    fn check_contract(&self, row: &Row<'_>, rebuilt: &Stream) {
        let (account, enters) = (row.account, &row.record.enters);
        let mut told = Stream::default();
        account.told.iter().for_each(|payload| told.push(payload));
        assert!(told.is_prefix_of(rebuilt), "{row}: what was told is not what the journal says");
        let (answered, never) = (account.answered(), account.never_received());
        assert!(answered.is_disjoint(&never), "{row}: answered, and yet never received");
        assert_eq!(answered.len() + never.len(), account.entered.len(), "{row}: some have no outcome");
        for number in &account.entered {
            let (copies, effective) = enters.get(&u64::from(*number)).copied().unwrap_or_default();
            let expected = u32::from(answered.contains(number));
            assert_eq!(effective, expected, "{row}: order {number} had an effect so often");
            assert!(copies == expected || self.after_loss == AfterLoss::SendAgain, "{row}: order {number}");
        }
        assert!(
            self.after_loss == AfterLoss::Ask || never.is_empty(),
            "{row}: all of them arrive in the end"
        );
        assert!(account.accepted_after > 0, "{row}: trading goes on");
    }

    /// The venue let go of a link that it did not hear, in time and for the right reason; one that was not cut for long it kept.
    fn check_half_open(&self, row: &Row<'_>) {
        let (reasons, is_logged_in) = (&row.spoilt.reasons, self.moment != Moment::Login);
        let is_short = matches!(self.end, End::After(time) if time < Duration::from_secs(5));
        if is_short && is_logged_in && self.fault != Fault::Reset {
            assert!(reasons.is_empty() && row.account.reconnects == 0, "{row}: TCP bridges a short cut");
        }
        if !matches!(self.end, End::AfterClose(_)) || !is_logged_in {
            return;
        }
        assert!(row.account.reconnects > 0, "{row}: the client comes back by itself");
        let reason = reasons.first().unwrap_or_else(|| panic!("{row}: the venue never closed"));
        if self.fault.silences_client() {
            assert_eq!(reason, "silence", "{row}");
            // The last heartbeat came up to a second before the cut.
            let (low, high) = (SILENCE - Duration::from_secs(3), SILENCE + LATE);
            let after = row.closed_after().unwrap_or_else(|| panic!("{row}: no disconnect in the journal"));
            assert!((low..high).contains(&after), "{row}: disconnected after {after:?}");
        } else {
            // The client has heard nothing for as long, or was reset, and its farewell arrives. Or it does not: without
            // acknowledgements the client's TCP repeats what has arrived, and holds everything new back.
            assert!(["peer_closed", "silence"].contains(&reason.as_str()), "{row}");
        }
    }

    /// Cancel on disconnect waits for its grace, and for nothing longer.
    fn check_grace(&self, row: &Row<'_>) {
        let cancelled = row.cancelled();
        let Some(grace) = self.grace else {
            return assert_eq!(cancelled, 0, "{row}: nobody asked for cancels");
        };
        let gone = match self.end {
            End::AfterClose(time) => time,
            End::After(time) => time,
        };
        match gone > grace {
            true => assert!(cancelled >= RESTING, "{row}: away for longer than the grace of {grace:?}"),
            false => assert_eq!(cancelled, 0, "{row}: back within the grace of {grace:?}"),
        }
    }
}

/// The password that tests give to a name.
pub fn password_of(name: &str) -> String {
    format!("pw-{}", name.to_lowercase())
}

/// A fault that has been.
#[derive(Debug)]
pub struct Spoilt {
    /// By the wall clock, a moment before.
    began: SystemTime,
    pub begun: Instant,
    pub ended: Instant,
    /// Why the venue closed connections of this link meanwhile.
    reasons: Vec<String>,
}

/// A case that has been.
pub struct Row<'a> {
    pub case: &'a Case,
    pub name: &'a str,
    pub account: &'a Account,
    pub record: &'a Record,
    pub spoilt: &'a Spoilt,
}

impl Row<'_> {
    /// Disconnects and cancels count while the trader was there.
    fn is_during(&self, time_ns: u64) -> bool {
        let ended = self.account.ended.expect("a trader ends, or panics");
        (nanoseconds(self.spoilt.began)..nanoseconds(ended)).contains(&time_ns)
    }

    /// From the beginning of the fault to the first disconnect in the journal.
    fn closed_after(&self) -> Option<Duration> {
        let first = self.record.disconnects.iter().find(|time_ns| self.is_during(**time_ns));
        first.map(|time_ns| Duration::from_nanos(time_ns - nanoseconds(self.spoilt.began)))
    }

    fn cancelled(&self) -> usize {
        self.record.cancels.iter().filter(|time_ns| self.is_during(**time_ns)).count()
    }

    /// Names of what [`Row`] displays.
    pub const HEADINGS: &'static str = "login fault      moment  lasted after-loss  grace   sent accepted rejected  never \
         back  disconnect cancels venue's reasons";
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (case, account) = (self.case, self.account);
        let lasted = (self.spoilt.ended - self.spoilt.begun).as_secs_f64();
        let grace = case.grace.map_or("-".to_owned(), |grace| format!("{}s", grace.as_secs_f64()));
        let closed =
            self.closed_after().map_or("-".to_owned(), |after| format!("{:.1}s", after.as_secs_f64()));
        let accepted = account.entered.intersection(&account.accepted).count();
        let (fault, moment) = (format!("{:?}", case.fault), format!("{:?}", case.moment));
        write!(f, "{:5} {fault:10} {moment:7} {lasted:5.1}s ", self.name)?;
        write!(f, "{:10} {grace:>5} {:6} ", format!("{:?}", case.after_loss), account.entered.len())?;
        write!(f, "{accepted:8} {:8} {:6} ", account.rejected.len(), account.never_received().len())?;
        write!(f, "{:4} {closed:>11} {:7} ", account.reconnects, self.cancelled())?;
        write!(f, "{}", counted(&self.spoilt.reasons))
    }
}

/// Each reason once, with how often it was given.
fn counted(reasons: &[String]) -> String {
    let each = reasons.chunk_by(|one, next| one == next);
    each.map(|same| format!("{} x{}", same[0], same.len())).collect::<Vec<_>>().join(", ")
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_nanos()).expect("a clock before 2554")
}

/// Reasons for which the venue has closed connections of a link, as its log tells them.
pub fn closes(log: &Mutex<String>, link: &Link) -> Vec<String> {
    let peer = format!("{}:", link.client_address());
    let log = log.lock().expect("no reader panics");
    let lines = log.lines().filter(|line| line.contains("connection closed") && line.contains(&peer));
    let parsed = lines.map(|line| serde_json::from_str::<Value>(line).expect("the log is JSON lines"));
    parsed.map(|line| line["reason"].as_str().expect("a reason").to_owned()).collect()
}
