//! What is changed about the past.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use ringside_domain::{Command, Sequence, TimeNs, Username};
use ringside_engine::Engine;
use serde_json::Value;
use thiserror::Error;

use crate::json::{CommandError, Names, command_from_json};
use crate::lines::LinesError;
use crate::past::ReplayError;

/// Why the past cannot be changed like this.
#[derive(Debug, Error)]
pub enum EditError {
    /// The past cannot be told.
    #[error(transparent)]
    Replay(ReplayError),
    /// A file cannot be read as lines of JSON.
    #[error(transparent)]
    Lines(#[from] LinesError),
    /// A line of a file is no command.
    #[error("{}: line {line}: {error}", path.display())]
    Command {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: u64,
        /// Why.
        error: CommandError,
    },
    /// A line does not say which command it is about.
    #[error("{}: line {line}: which command? {hint}", path.display())]
    Where {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: u64,
        /// How to say it.
        hint: &'static str,
    },
    /// A range of sequences that is none.
    #[error("{0:?} is no sequence and no range (5, or 5..9 with both ends)")]
    Range(String),
    /// A name that no login can have.
    #[error("{0:?} is no username")]
    Login(String),
    /// Nothing was asked.
    #[error("what if what? --without, --without-login, --change or --add")]
    Nothing,
    /// A command is to be changed, or followed, that was not read.
    #[error("sequence {0} is not among the commands that were read")]
    Beyond(Sequence),
}

/// What becomes of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Edit {
    /// It stays.
    Keep,
    /// It was never sent.
    Remove,
    /// Another one in its place.
    Change(Command),
}

/// A command in a file.
#[derive(Clone, Debug)]
pub(super) struct Written {
    path: PathBuf,
    line: u64,
    value: Value,
    pub(super) time_ns: Option<TimeNs>,
}

impl Written {
    /// Read with the names of logins and instruments as they are then.
    pub(super) fn read(&self, engine: &Engine) -> Result<Command, EditError> {
        command_from_json(engine, &self.value).map_err(|error| EditError::Command {
            path: self.path.clone(),
            line: self.line,
            error,
        })
    }
}

/// All that is changed.
#[derive(Clone, Default, Debug)]
pub struct Edits {
    removed: Vec<RangeInclusive<Sequence>>,
    removed_logins: Vec<Username>,
    changed: BTreeMap<Sequence, Written>,
    added: BTreeMap<Sequence, Vec<Written>>,
    counts: Counts,
}

/// How many commands were edited so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Counts {
    pub(super) removed: u64,
    pub(super) changed: u64,
    pub(super) added: u64,
    pub(super) first: Option<Sequence>,
}

impl Edits {
    /// Leaves commands out: `5`, `5..9`, or several of them with commas.
    pub fn remove(&mut self, text: &str) -> Result<(), EditError> {
        for part in text.split(',') {
            let (first, last) = part.split_once("..").unwrap_or((part, part));
            let number = |text: &str| text.trim().parse::<Sequence>().ok().filter(|number| *number > 0);
            match (number(first), number(last)) {
                (Some(first), Some(last)) if first <= last => self.removed.push(first..=last),
                _ => return Err(EditError::Range(part.into())),
            }
        }
        Ok(())
    }

    /// Leaves out all that a login has sent.
    pub fn remove_login(&mut self, name: &str) -> Result<(), EditError> {
        let username = Username::new(name).filter(|name| !name.is_blank());
        self.removed_logins.push(username.ok_or_else(|| EditError::Login(name.into()))?);
        Ok(())
    }

    /// Reads commands that stand in the place of others: lines as `print` writes them, of which `sequence` and
    /// `command` count.
    pub fn change(&mut self, file: &Path) -> Result<(), EditError> {
        for (line, value) in lines(file)? {
            let Some(sequence) = value["sequence"].as_u64() else {
                let hint = "a line has \"sequence\" and \"command\", as print writes them";
                return Err(EditError::Where { path: file.into(), line, hint });
            };
            self.changed.insert(sequence, written(file, line, value));
        }
        Ok(())
    }

    /// Reads commands that come right behind the one with sequence `after`, or the `after` of their own line.
    pub fn add(&mut self, file: &Path, after: Option<Sequence>) -> Result<(), EditError> {
        for (line, value) in lines(file)? {
            let Some(after) = value["after"].as_u64().or(after) else {
                let hint = "--after SEQ, or \"after\" in the line";
                return Err(EditError::Where { path: file.into(), line, hint });
            };
            self.added.entry(after).or_default().push(written(file, line, value));
        }
        Ok(())
    }

    /// True when nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty()
            && self.removed_logins.is_empty()
            && self.changed.is_empty()
            && self.added.is_empty()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Every edit is at a command that was read.
    pub(super) fn check(&self, last: Sequence) -> Result<(), EditError> {
        let beyond = self.changed.keys().chain(self.added.keys()).find(|sequence| **sequence > last);
        beyond.map_or(Ok(()), |sequence| Err(EditError::Beyond(*sequence)))
    }

    /// An edit of what is pruned would change nothing: it is refused. `beginning`: the last command that is not carried out.
    pub(super) fn check_from(&self, beginning: Sequence) -> Result<(), EditError> {
        let removed = self.removed.iter().map(|range| *range.start());
        let early = removed.chain(self.changed.keys().copied()).filter(|sequence| *sequence <= beginning);
        let mut early = early.chain(self.added.keys().copied().filter(|sequence| *sequence < beginning));
        match early.next() {
            Some(asked) if beginning > 0 => Err(ReplayError::Pruned { asked, beginning }.into()),
            _ => Ok(()),
        }
    }

    /// What becomes of a command. `engine` is that of the changed run.
    pub(super) fn edit(
        &mut self,
        engine: &Engine,
        sequence: Sequence,
        command: &Command,
    ) -> Result<Edit, EditError> {
        let edit = match self.changed.get(&sequence) {
            Some(written) => Edit::Change(written.read(engine)?),
            None if self.is_removed(engine, sequence, command) => Edit::Remove,
            None => Edit::Keep,
        };
        match edit {
            Edit::Keep => return Ok(edit),
            Edit::Remove => self.counts.removed += 1,
            Edit::Change(_) => self.counts.changed += 1,
        }
        self.counts.first.get_or_insert(sequence);
        Ok(edit)
    }

    fn is_removed(&self, engine: &Engine, sequence: Sequence, command: &Command) -> bool {
        if self.removed.iter().any(|range| range.contains(&sequence)) {
            return true;
        }
        !self.removed_logins.is_empty()
            && engine.username(command.login).is_some_and(|name| self.removed_logins.contains(&name))
    }

    /// Commands to come right behind this one.
    pub(super) fn added_after(&mut self, sequence: Sequence) -> Vec<Written> {
        let Some(added) = self.added.get(&sequence) else { return Vec::new() };
        self.counts.added += added.len() as u64;
        self.counts.first.get_or_insert(sequence + 1);
        added.clone()
    }
}

/// The command of a line: its field `command`, or the line itself without `after` and `time_ns`.
fn written(file: &Path, line: u64, mut value: Value) -> Written {
    let time_ns = value["time_ns"].as_u64();
    let command = match value.as_object_mut() {
        Some(fields) if fields.contains_key("command") => fields.remove("command").unwrap_or_default(),
        Some(fields) => {
            fields.remove("after");
            fields.remove("time_ns");
            value
        }
        None => value,
    };
    Written { path: file.into(), line, value: command, time_ns }
}

fn lines(file: &Path) -> Result<Vec<(u64, Value)>, LinesError> {
    let text =
        std::fs::read_to_string(file).map_err(|error| LinesError::Read { path: file.into(), error })?;
    let numbered = (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty());
    let parse = |(line, text): (u64, &str)| {
        let value = serde_json::from_str(text);
        value.map(|value| (line, value)).map_err(|error| LinesError::Json { path: file.into(), line, error })
    };
    numbered.map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_both_ends_and_start_at_one() {
        let mut edits = Edits::default();
        edits.remove("5,7..9, 11").unwrap();
        assert_eq!(edits.removed, [5..=5, 7..=9, 11..=11]);
        for wrong in ["", "0", "9..7", "5..", "x", "1,,2"] {
            assert!(matches!(edits.remove(wrong), Err(EditError::Range(_))), "{wrong}");
        }
    }

    #[test]
    fn a_line_is_a_command_or_holds_one() {
        let bare = serde_json::json!({"type": "tick", "after": 3, "time_ns": 5});
        let held =
            serde_json::json!({"sequence": 3, "time_ns": 5, "command": {"type": "tick"}, "events": []});
        for value in [bare, held] {
            let written = written(Path::new("f"), 1, value);
            assert_eq!((written.value, written.time_ns), (serde_json::json!({"type": "tick"}), Some(5)));
        }
    }
}
