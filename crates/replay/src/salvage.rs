//! What can be saved of a damaged journal: its longest valid prefix, copied byte for byte into a new data directory that
//! a venue starts on.
//!
//! The source is read, never written. The copy is read again from the start, and cut wherever it is not valid, until all
//! of it is: no table of cases decides what is good, the same reader does that a start trusts. Of a pruned journal the
//! snapshots come along that it passes through. A target in which nothing could be saved is left empty.

mod beginnings;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ringside_domain::Sequence;
use ringside_engine::Engine;
use ringside_journal::format::{SEGMENT_HEADER_LENGTH, SegmentHeader, segment_file_name, segment_number};
use ringside_journal::{Carved, Corruption, End, Entry, Reader, Reason, RecoverError, carve};
use ringside_storage::{Directory, Disk, ReadAt, StorageError};
use thiserror::Error;

use crate::live::is_live;
use crate::past::{Past, ReplayError, Summary};
use crate::place::{JOURNAL, data_dir_of, journal_of};

/// Files beside the journal that a start reads, if they are there.
const BESIDE: [&str; 1] = ["instruments"];

/// Why nothing was saved.
#[derive(Debug, Error)]
pub enum SalvageError {
    /// The source cannot be read.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A venue is running on the source.
    #[error("{}: a venue is running here; stop it first", .0.display())]
    Live(PathBuf),
    /// The target is there already.
    #[error("{}: is not empty; salvage writes into a new directory", .0.display())]
    Target(PathBuf),
    /// Nothing is damaged: a newer program wrote it.
    #[error("{0}; nothing is damaged, a newer ringside can read it")]
    Newer(Corruption),
    /// Not even the first command can be read.
    #[error("{0}; no command before it can be saved")]
    Nothing(Corruption),
    /// The journal is pruned, and no snapshot that can be read lies in what is valid of it.
    #[error(
        "the journal is pruned before sequence {first}, and what is valid of it, up to sequence {last}, passes through no \
         snapshot to begin with{}",
        damage.as_ref().map_or(String::new(), |damage| format!("; {damage}"))
    )]
    NoBeginning {
        /// First command of the journal.
        first: Sequence,
        /// Last valid command.
        last: Sequence,
        /// What ends the valid part.
        damage: Option<Corruption>,
    },
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl From<RecoverError> for SalvageError {
    fn from(error: RecoverError) -> Self {
        SalvageError::Replay(error.into())
    }
}

impl From<StorageError> for SalvageError {
    fn from(error: StorageError) -> Self {
        SalvageError::Replay(error.into())
    }
}

/// What to save, and where.
#[derive(Clone, Debug)]
pub struct Salvage<'a> {
    /// A data directory, or the journal in it.
    pub source: &'a Path,
    /// A directory that is not there yet, or is empty.
    pub target: &'a Path,
}

/// What was saved and what was not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Salvaged {
    /// First command saved.
    pub first_sequence: Sequence,
    /// Last command saved; 0: there was none.
    pub last_sequence: Sequence,
    /// State after it.
    pub state_hash: u64,
    /// Bytes of segment files that were copied, headers included.
    pub saved_bytes: u64,
    /// The damage; `None`: the journal is whole.
    pub damage: Option<Corruption>,
    /// Bytes at the end that were never acknowledged, when nothing is damaged.
    pub torn_tail_bytes: u64,
    /// Bytes behind the prefix that hold anything.
    pub lost_bytes: u64,
    /// Of these, bytes of records whose checksum is right.
    pub intact_bytes: u64,
    /// Commands among these.
    pub intact_commands: u64,
    /// Lowest and highest sequence of these.
    pub intact_sequences: Option<(Sequence, Sequence)>,
}

/// Saves the prefix. Tells `after` each command behind it whose checksum is right, with the state that the prefix ends
/// in: a list for people, which nothing is built on.
pub fn salvage(
    what: &Salvage<'_>,
    mut after: impl FnMut(&Engine, &Entry) -> io::Result<()>,
) -> Result<Salvaged, SalvageError> {
    if is_live(&data_dir_of(what.source)) {
        return Err(SalvageError::Live(what.source.into()));
    }
    let source = Directory::open(&journal_of(what.source)?).map_err(ReplayError::from)?;
    let damage = first_damage(&source)?;
    prepare(what.target)?;
    let (copy, past) = save(what, source, damage.as_ref()).inspect_err(|_| {
        // The first error is the one to report.
        let _ = clear(what.target);
    })?;
    // All of it is durable: what goes wrong from here on costs the list, not the copy.
    let lost = list(&copy, |entry| after(past.engine(), entry))?;
    Ok(copy.report(&past.summary(), damage, &lost))
}

/// Into a target that is empty: the copy, and what it comes to.
fn save(
    what: &Salvage<'_>,
    source: Directory,
    damage: Option<&Corruption>,
) -> Result<(Copied, Past), SalvageError> {
    let target = Directory::create(&what.target.join(JOURNAL))?;
    let mut copy = Copied { source, target, end: None, last_segment: 0, bytes: 0 };
    copy.copy_up_to(damage.map_or(u64::MAX, segment_of))?;
    copy.cut_to_what_is_valid()?;
    beginnings::copy(what, &copy.target, damage)?;
    let mut past = Past::open(what.target)?;
    past.run_to(Sequence::MAX)?;
    if let (0, Some(damage)) = (past.last_sequence(), damage) {
        return Err(SalvageError::Nothing(damage.clone()));
    }
    copy_beside(what)?;
    Ok((copy, past))
}

/// Tells what is intact behind the copy. After the first error the rest is counted only.
fn list(copy: &Copied, mut tell: impl FnMut(&Entry) -> io::Result<()>) -> Result<Lost, SalvageError> {
    let mut lost = Lost::default();
    let mut told = Ok(());
    copy.carve_the_rest(&mut lost, |entry| {
        if told.is_ok() {
            told = tell(entry);
        }
    })?;
    told.map_err(|error| SalvageError::File { path: "the list of what is intact".into(), error })?;
    Ok(lost)
}

/// The first damage of a journal; a reader of its own, so that the walk of a start decides.
fn first_damage(disk: &Directory) -> Result<Option<Corruption>, SalvageError> {
    let mut reader = Reader::open(disk.clone());
    loop {
        match reader.next_entry() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(RecoverError::Corrupt(found)) if is_newer(found.reason) => {
                return Err(SalvageError::Newer(found));
            }
            Err(RecoverError::Corrupt(found)) => return Ok(Some(found)),
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_newer(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::FormatVersion { .. }
            | Reason::RecordVersion { .. }
            | Reason::UnknownKind { .. }
            | Reason::Rules
    )
}

fn segment_of(corruption: &Corruption) -> u64 {
    segment_number(&corruption.segment).expect("Invariant: corruption names a segment file")
}

fn prepare(target: &Path) -> Result<(), SalvageError> {
    let named = |error| SalvageError::File { path: target.into(), error };
    fs::create_dir_all(target).map_err(named)?;
    let is_empty = fs::read_dir(target).map_err(named)?.next().is_none();
    if is_empty { Ok(()) } else { Err(SalvageError::Target(target.into())) }
}

/// Everything that was made in a target: it is as empty as it was.
fn clear(target: &Path) -> io::Result<()> {
    for entry in fs::read_dir(target)? {
        let path = entry?.path();
        if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    Ok(())
}

/// What a start reads besides the journal.
fn copy_beside(what: &Salvage<'_>) -> Result<(), SalvageError> {
    let from = data_dir_of(what.source);
    for name in BESIDE {
        let (from, to) = (from.join(name), what.target.join(name));
        if from.is_file() {
            copy_file(&from, &to)?;
        }
    }
    let synced = File::open(what.target).and_then(|directory| directory.sync_all());
    synced.map_err(|error| SalvageError::File { path: what.target.into(), error })
}

/// A whole file, durable but for its name.
fn copy_file(from: &Path, to: &Path) -> Result<(), SalvageError> {
    let copied = fs::copy(from, to).and_then(|_| File::open(to)?.sync_all());
    copied.map_err(|error| SalvageError::File { path: to.into(), error })
}

/// What lies behind the prefix.
#[derive(Default)]
struct Lost {
    touched_bytes: u64,
    intact_bytes: u64,
    commands: u64,
    sequences: Option<(Sequence, Sequence)>,
}

/// A copy under way.
struct Copied {
    source: Directory,
    target: Directory,
    /// Where the prefix ends; `None`: with the last segment that was copied.
    end: Option<(u64, u64)>,
    /// Number of the last segment that was copied.
    last_segment: u64,
    bytes: u64,
}

impl Copied {
    /// Copies all segments that were begun, up to this one.
    fn copy_up_to(&mut self, last: u64) -> Result<(), SalvageError> {
        for number in numbers(&self.source)?.into_iter().filter(|number| *number <= last) {
            if let Some(length) = begun_length(&self.source, number)? {
                self.copy(number, length)?;
                self.last_segment = number;
            }
        }
        self.target.sync_directory()?;
        Ok(())
    }

    /// At most `length` bytes of a file, and zeros for what it lacks.
    fn copy(&mut self, number: u64, length: u64) -> Result<(), SalvageError> {
        let name = segment_file_name(number);
        let (from, to) = (self.source.path().join(&name), self.target.path().join(&name));
        let copied = File::open(from).and_then(|from| {
            let mut to = File::create_new(&to)?;
            io::copy(&mut from.take(length), &mut to)
        });
        self.bytes += copied.map_err(|error| SalvageError::File { path: to, error })?;
        self.target.extend(&name, length)?;
        self.target.sync_file(&name)?;
        Ok(())
    }

    /// Reads the copy as a start does, and cuts it where that finds no valid record, until all of it is valid. Ends
    /// because every turn makes the copy shorter.
    fn cut_to_what_is_valid(&mut self) -> Result<(), SalvageError> {
        loop {
            let (number, offset) = match self.first_invalid()? {
                Some(place) => place,
                None => return Ok(()),
            };
            assert!(
                self.end.is_none_or(|end| (number, offset) < end),
                "Invariant: each cut is before the last one"
            );
            self.cut(number, offset)?;
            self.end = Some((number, offset));
        }
    }

    fn first_invalid(&self) -> Result<Option<(u64, u64)>, SalvageError> {
        let mut reader = Reader::open(self.target.clone());
        loop {
            match reader.next_entry() {
                Ok(Some(_)) => {}
                Ok(None) => match reader.end() {
                    Some(End::TornTail { segment, offset, .. }) => return Ok(Some((segment, offset))),
                    _ => return Ok(None),
                },
                Err(RecoverError::Corrupt(found)) => return Ok(Some((segment_of(&found), found.offset))),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Zeros from `offset` to the end of the segment, and nothing behind it.
    fn cut(&mut self, number: u64, offset: u64) -> Result<(), SalvageError> {
        for later in numbers(&self.target)?.into_iter().filter(|later| *later > number) {
            self.remove(later)?;
        }
        if offset < SEGMENT_HEADER_LENGTH {
            return self.remove(number);
        }
        let name = segment_file_name(number);
        let path = self.target.path().join(&name);
        let named = |error| SalvageError::File { path: path.clone(), error };
        let file = File::options().write(true).open(&path).map_err(named)?;
        let length = file.metadata().map_err(named)?.len();
        file.set_len(offset).map_err(named)?;
        drop(file);
        self.target.extend(&name, length)?;
        self.target.sync_file(&name)?;
        self.bytes -= length - offset;
        self.last_segment = number;
        Ok(())
    }

    fn remove(&mut self, number: u64) -> Result<(), SalvageError> {
        let name = segment_file_name(number);
        self.bytes -= self.target.read(&name)?.length()?;
        self.target.remove(&name)?;
        self.target.sync_directory()?;
        self.last_segment = numbers(&self.target)?.last().copied().unwrap_or(0);
        Ok(())
    }

    /// Everything of the source behind the prefix.
    fn carve_the_rest(&self, lost: &mut Lost, mut tell: impl FnMut(&Entry)) -> Result<(), SalvageError> {
        let (first, offset) = self.end.unwrap_or((self.last_segment + 1, 0));
        for number in numbers(&self.source)?.into_iter().filter(|number| *number >= first) {
            let from = if number == first { offset } else { 0 };
            let seen = carve(&self.source, number, from, |carved| {
                if let Carved::Command(entry) = carved {
                    lost.note(&entry);
                    tell(&entry);
                }
            })?;
            lost.touched_bytes += seen.touched_bytes;
            lost.intact_bytes += seen.intact_bytes;
        }
        Ok(())
    }

    fn report(&self, summary: &Summary, damage: Option<Corruption>, lost: &Lost) -> Salvaged {
        let torn = damage.is_none();
        Salvaged {
            first_sequence: summary.first_sequence,
            last_sequence: summary.last_sequence,
            state_hash: summary.state_hash,
            saved_bytes: self.bytes,
            damage,
            torn_tail_bytes: if torn { lost.touched_bytes } else { 0 },
            lost_bytes: if torn { 0 } else { lost.touched_bytes },
            intact_bytes: lost.intact_bytes,
            intact_commands: lost.commands,
            intact_sequences: lost.sequences,
        }
    }
}

impl Lost {
    fn note(&mut self, entry: &Entry) {
        let (low, high) = self.sequences.unwrap_or((entry.sequence, entry.sequence));
        self.sequences = Some((low.min(entry.sequence), high.max(entry.sequence)));
        self.commands += 1;
    }
}

/// Numbers of all segment files, ascending.
fn numbers(disk: &Directory) -> Result<Vec<u64>, StorageError> {
    let mut numbers: Vec<u64> = disk.list()?.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Length of a segment by its header; `None` when that is blank or unreadable.
fn begun_length(disk: &Directory, number: u64) -> Result<Option<u64>, StorageError> {
    let mut page = [0; SEGMENT_HEADER_LENGTH as usize];
    disk.read(&segment_file_name(number))?.read_at(0, &mut page)?;
    Ok(SegmentHeader::decode(&page).ok().map(|header| header.segment_length))
}
