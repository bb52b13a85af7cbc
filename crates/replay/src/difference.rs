//! Two journals side by side: the first sequence at which they differ, and in what.
//!
//! Where one of them is pruned further than the other, the other is carried out up to there first: what only one side can
//! tell is no difference, another state there is.

use std::path::Path;

use ringside_domain::{Command, Event, Sequence, TimeNs};
use serde_json::{Value, json};

use crate::json::{command_json, event_json};
use crate::past::{Past, ReplayError, Turn};

/// In what two journals differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Aspect {
    /// Other commands at the same sequence.
    Command,
    /// The same command at another time.
    Time,
    /// The same command with other events.
    Events,
    /// The same commands and events, and another state.
    StateHash,
    /// One of them ends here.
    Length,
}

impl Aspect {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Aspect::Command => "command",
            Aspect::Time => "time",
            Aspect::Events => "events",
            Aspect::StateHash => "state_hash",
            Aspect::Length => "length",
        }
    }
}

/// How to compare.
#[derive(Clone, Copy, Debug, Default)]
pub struct Comparison {
    /// Compare the states after every so many commands; 0 = at the end only.
    pub state_hash_every: u64,
    /// Times do not count: for two venues that were given the same commands.
    pub ignore_time: bool,
}

/// The first difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Divergence {
    /// Where.
    pub sequence: Sequence,
    /// In what.
    pub aspect: Aspect,
    /// What is there on each side, decoded; `null` behind the end.
    pub sides: [Value; 2],
}

/// What a comparison has found so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// The same so far; there may be more.
    More,
    /// The same to the end.
    Same,
    /// Not the same.
    Different(Box<Divergence>),
}

/// Two journals read in lockstep.
pub struct Difference {
    pasts: [Past; 2],
    comparison: Comparison,
    compared: u64,
    /// The last command that not both can tell.
    beginning: Sequence,
    /// Both have come there, and their states were compared.
    met: bool,
}

/// A command and what it did.
struct Told {
    sequence: Sequence,
    time_ns: TimeNs,
    command: Command,
    events: Vec<Event>,
}

impl Told {
    fn of(turn: &Turn<'_>) -> Told {
        Told {
            sequence: turn.sequence,
            time_ns: turn.time_ns,
            command: turn.command,
            events: turn.events.to_vec(),
        }
    }
}

impl Difference {
    /// Both at their beginning.
    pub fn open(a: &Path, b: &Path, comparison: Comparison) -> Result<Difference, ReplayError> {
        let pasts = [Past::open(a)?, Past::open(b)?];
        let beginning = pasts[0].last_sequence().max(pasts[1].last_sequence());
        Ok(Difference { pasts, comparison, compared: 0, beginning, met: beginning == 0 })
    }

    /// Commands that were the same so far.
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// The two journals.
    pub fn pasts(&self) -> &[Past; 2] {
        &self.pasts
    }

    /// Compares up to `sequence`, or to the end or the first difference.
    pub fn run_to(&mut self, sequence: Sequence) -> Result<Finding, ReplayError> {
        if let Some(divergence) = self.meet(sequence)? {
            return Ok(Finding::Different(divergence));
        }
        while self.pasts[0].last_sequence() < sequence {
            let told = [self.next(0)?, self.next(1)?];
            let divergence = match &told {
                [None, None] => {
                    let found = self.compare_states(self.pasts[0].last_sequence());
                    return Ok(found.map_or(Finding::Same, Finding::Different));
                }
                [Some(a), Some(b)] => match self.aspect(a, b) {
                    Some(aspect) => Some(self.divergence(aspect, &told)),
                    None => self.compare_states_when_due(a.sequence),
                },
                _ => Some(self.divergence(Aspect::Length, &told)),
            };
            if let Some(divergence) = divergence {
                return Ok(Finding::Different(divergence));
            }
            self.compared += 1;
        }
        Ok(Finding::More)
    }

    /// Carries out what only one side can tell, up to `sequence`. Another state where both begin is a difference.
    fn meet(&mut self, sequence: Sequence) -> Result<Option<Box<Divergence>>, ReplayError> {
        if self.met {
            return Ok(None);
        }
        let to = self.beginning.min(sequence);
        for past in self.pasts.iter_mut().filter(|past| past.last_sequence() < to) {
            past.run_to(to)?;
        }
        // One that ends before is found by whoever asks it for its next command.
        self.met = self.pasts.iter().all(|past| past.last_sequence() == self.beginning);
        Ok(if self.met { self.compare_states(self.beginning) } else { None })
    }

    fn next(&mut self, at: usize) -> Result<Option<Told>, ReplayError> {
        Ok(self.pasts[at].turn()?.as_ref().map(Told::of))
    }

    fn aspect(&self, a: &Told, b: &Told) -> Option<Aspect> {
        if (a.sequence, a.command) != (b.sequence, b.command) {
            Some(Aspect::Command)
        } else if a.time_ns != b.time_ns && !self.comparison.ignore_time {
            Some(Aspect::Time)
        } else if a.events != b.events {
            Some(Aspect::Events)
        } else {
            None
        }
    }

    fn compare_states_when_due(&self, sequence: Sequence) -> Option<Box<Divergence>> {
        let every = self.comparison.state_hash_every;
        if every != 0 && sequence.is_multiple_of(every) { self.compare_states(sequence) } else { None }
    }

    fn compare_states(&self, sequence: Sequence) -> Option<Box<Divergence>> {
        let hashes = [0, 1].map(|at| self.pasts[at].engine().state_hash());
        // The time of the last command is part of the state.
        if hashes[0] == hashes[1] || self.comparison.ignore_time {
            return None;
        }
        let sides = hashes.map(|hash| json!({"sequence": sequence, "state_hash": format!("{hash:016x}")}));
        Some(Box::new(Divergence { sequence, aspect: Aspect::StateHash, sides }))
    }

    fn divergence(&self, aspect: Aspect, told: &[Option<Told>; 2]) -> Box<Divergence> {
        let side = |at: usize| told[at].as_ref().map_or(Value::Null, |told| self.told_json(at, told));
        let sequence = told.iter().flatten().map(|told| told.sequence).min().unwrap_or(0);
        Box::new(Divergence { sequence, aspect, sides: [side(0), side(1)] })
    }

    fn told_json(&self, at: usize, told: &Told) -> Value {
        let engine = self.pasts[at].engine();
        let events: Vec<_> = told.events.iter().map(|event| event_json(engine, event)).collect();
        json!({"sequence": told.sequence, "time_ns": told.time_ns,
            "command": command_json(engine, &told.command), "events": events,
            "state_hash": format!("{:016x}", engine.state_hash())})
    }
}
