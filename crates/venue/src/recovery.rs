//! From a data directory to a venue that knows everything it ever acknowledged.
//!
//! The newest snapshot that is whole is loaded, the journal behind it is checked and its end found, and on the same walk
//! every command of it is carried out again: the checking on this thread, the carrying out on another. The streams of all
//! logins go on from the snapshot if their files are as they were then. With a stream that is not as it was the same is done
//! from the newest snapshot before the session on, or, as without any snapshot, from the first command on, and the streams are
//! written anew: the same commands give the same bytes. Then what the start itself changes is journaled.

mod replay;

use std::io::ErrorKind;
use std::num::NonZeroU64;
use std::path::Path;
use std::thread::JoinHandle;

use ringside_domain::{Action, Command, Sequence, Symbol, TimeNs, VenueRefusal};
use ringside_engine::Engine;
use ringside_gateway::Outbound;
use ringside_journal::{Journal, JournalError, Reader, SegmentOptions, preparer, recover_from};
use ringside_snapshot::{Generations, Header, Loaded};
use ringside_storage::{Directory, Pace, StorageError, free_space};
use tracing::{info, warn};

use crate::boot;
use crate::clock::{Reading, VenueClock, warn_of_future};
use crate::config::{Config, ConfigError, Sync};
use crate::named::Named;
use crate::roll;
use crate::snapshots::{first_whole, generations, newest, waypoint};
use crate::stages::{CommandLog, StageError};
use crate::venue::{VenueError, spawn};

use replay::{FoundEnd, Replayed, Streams};
pub use replay::{Progress, ReplayProgress};

/// The journal of a venue.
pub type Log = Journal<Directory>;

/// Zeros are written at this rate at most while the venue runs: faster, and the journal's own syncs suffer
/// (docs/decisions/0004).
const PREPARE_BYTES_PER_SECOND: NonZeroU64 = NonZeroU64::new(128 << 20).expect("not zero");

impl CommandLog for Log {
    type Error = JournalError;

    fn append(&mut self, sequence: Sequence, time_ns: TimeNs, command: &Command) -> Result<(), JournalError> {
        Journal::append(self, sequence, time_ns, command).map(|_| ())
    }

    fn hand_over(&mut self) -> Result<(), JournalError> {
        Journal::hand_over(self)
    }

    fn flush(&mut self) -> Result<Sequence, JournalError> {
        Journal::flush(self)
    }

    fn close(&mut self) -> Result<Sequence, JournalError> {
        Journal::close(self)
    }
}

/// A recovered venue, not yet wired.
pub struct Recovered {
    /// State after `sequence`.
    pub engine: Engine,
    /// The journal, open for more.
    pub journal: VenueJournal,
    /// Streams by login id - 1.
    pub streams: Vec<Outbound>,
    /// Last command.
    pub sequence: Sequence,
    /// Instruments whose terms in the file the state has refused: those in force stay.
    pub kept: Vec<Symbol>,
    /// The snapshot that this began with; 0 = none.
    pub snapshot: Sequence,
    /// Commands up to here are no reason for another snapshot.
    pub barrier: Sequence,
}

/// The journal with what belongs to it.
pub struct VenueJournal {
    /// Open for more.
    pub journal: Log,
    /// Prepares segments; ends when the journal is dropped.
    pub preparer: JoinHandle<()>,
    /// Time of the last command.
    pub time_ns: TimeNs,
    /// Goes on from there.
    pub clock: VenueClock,
}

/// Recovers the data directory, and journals what the start changes.
pub fn recover(config: &Config, progress: &Progress) -> Result<Recovered, VenueError> {
    let disk = open_disk(config)?;
    let (found, mut replayed) = carry_out_again(&disk, &config.data_dir, progress)?;
    if let Some(tail) = found.torn_tail() {
        let (bytes, copy) = (tail.bytes, tail.copy.as_str());
        warn!(segment = tail.segment, offset = tail.offset, bytes, copy, "torn tail cut off");
    }
    assert_eq!(replayed.sequence, found.last_sequence(), "Invariant: what was checked was carried out");
    let options =
        SegmentOptions { length: segment_length(config, &disk)?, ahead: 2, pace: pace(config.sync) };
    let (source, task) = preparer(disk.clone(), options, found.next_segment());
    let preparer = spawn("ringside-prep", config.pipeline.cores.helpers, move || task.run())?;
    let now = Reading::now();
    warn_of_future(found.last_time_ns(), now);
    let clock = VenueClock::new(found.last_time_ns(), now);
    let mut journal = Journal::resume(&disk, &found, source, now.wall_ns).map_err(failed)?;
    let time_ns = clock.now_ns();
    let before = replayed.sequence;
    let missed_roll = match before {
        0 => None,
        _ => missed_roll(config, found.last_time_ns(), time_ns)?,
    };
    let kept = replayed.boot(config, &mut journal, StartTime { now: time_ns, missed_roll })?;
    // Last: whatever interrupts this start, the next one finds a roll that is still to come.
    roll::remember(config.roll_at, &config.data_dir).map_err(unremembered(config))?;
    replayed.streams.store()?;
    let (sequence, snapshot) = (replayed.sequence, replayed.snapshot());
    info!(commands = before, boot_commands = sequence - before, snapshot, "recovered");
    let Replayed { engine, streams, barrier, .. } = replayed;
    let journal = VenueJournal { journal, preparer, time_ns, clock };
    Ok(Recovered { engine, journal, streams: streams.streams, sequence, kept, snapshot, barrier })
}

/// The journal's directory, with the writer that was asked for. Not every file system lets itself be written around
/// its cache.
fn open_disk(config: &Config) -> Result<Directory, VenueError> {
    let disk = Directory::create(&config.data_dir.join("journal"))?;
    disk.with_writer(config.writer).map_err(|error| match error.kind {
        ErrorKind::InvalidInput | ErrorKind::Unsupported => VenueError::Config(ConfigError {
            file: config.file.clone(),
            key: "journal.writer".into(),
            problem: format!("\"direct\" needs a file system with O_DIRECT, use \"mmap\" here: {error}"),
        }),
        _ => VenueError::Storage(error),
    })
}

/// What a start has to do before it journals anything: the state after the last command. For measurements.
pub fn rebuild(data_dir: &Path, progress: &Progress) -> Result<(Engine, Sequence), VenueError> {
    let disk = Directory::open(&data_dir.join("journal"))?;
    let (_, mut replayed) = carry_out_again(&disk, data_dir, progress)?;
    replayed.streams.store()?;
    Ok((replayed.engine, replayed.sequence))
}

/// The journal's end, and everything up to it carried out again.
fn carry_out_again(
    disk: &Directory,
    data_dir: &Path,
    progress: &Progress,
) -> Result<(FoundEnd, Replayed), VenueError> {
    let outbound = data_dir.join("outbound");
    let (loaded, broken) = newest(&generations(data_dir)?)?;
    let Some(Loaded { header, engine, streams }) = loaded else {
        return from_the_beginning(disk, &outbound, progress, broken);
    };
    let place = waypoint(&header);
    match Streams::resume(&outbound, engine.counters().session, &streams)? {
        Ok(streams) => {
            let replayed = Replayed::behind(&header, engine, streams);
            replay::walk(replayed, disk, progress, |each| recover_from(disk, Some(place), each))
        }
        Err(stream) => {
            warn!(stream = %stream.display(), "a stream is not as the snapshot knows it: all are written anew");
            drop(engine);
            // The journal has to pass through the snapshot all the same, before anything is cut off its end.
            recover_from(disk, Some(place), |_| ())?;
            let (base, broken_bases) = before_session(&generations(data_dir)?, &header)?;
            let (found, replayed) = match base {
                Some(base) => {
                    let place = waypoint(&base.header);
                    let replayed = Replayed::before_session(base, &outbound);
                    replay::walk(replayed, disk, progress, |each| recover_from(disk, Some(place), each))?
                }
                None => from_the_beginning(disk, &outbound, progress, [broken, broken_bases].concat())?,
            };
            Ok((found, replayed.knowing(&header)))
        }
    }
}

/// The newest whole snapshot from before the session of another one began: from there all of that session's messages are
/// told again. Beside it the names of those that cannot be used.
fn before_session(
    generations: &Generations<Directory>,
    of: &Header,
) -> Result<(Option<Loaded>, Vec<String>), StorageError> {
    let older = generations.list()?.into_iter().filter(|sequence| *sequence < of.session_sequence);
    first_whole(generations, older)
}

fn from_the_beginning(
    disk: &Directory,
    outbound: &Path,
    progress: &Progress,
    broken: Vec<String>,
) -> Result<(FoundEnd, Replayed), VenueError> {
    // Without its beginning a journal leads nowhere: nothing is carried out, nothing is cut off.
    match Reader::open(disk.clone()).next_entry()? {
        Some(entry) if entry.sequence > 1 => Err(VenueError::NoBeginning { first: entry.sequence, broken }),
        _ => replay::walk(Replayed::new(outbound), disk, progress, |each| recover_from(disk, None, each)),
    }
}

/// Only under `always` does anybody wait for a sync that zeros could delay; the other modes can fill a segment
/// faster than the pace.
fn pace(sync: Sync) -> Pace {
    match sync {
        Sync::Always => Pace::BytesPerSecond(PREPARE_BYTES_PER_SECOND),
        Sync::Interval(_) | Sync::Never => Pace::Unpaced,
    }
}

fn failed(error: JournalError) -> VenueError {
    VenueError::Stage(StageError::Journal(Box::new(error)))
}

fn segment_length(config: &Config, disk: &Directory) -> Result<u64, VenueError> {
    match config.segment_size {
        Some(bytes) => Ok(bytes),
        None => Ok(ringside_journal::format::segment_length_auto(free_space(disk.path())?)),
    }
}

/// The time of a roll that the venue was down for, under the `roll_at` that was in force then.
fn missed_roll(config: &Config, last: TimeNs, now: TimeNs) -> Result<Option<TimeNs>, ConfigError> {
    let Some((at, missed)) = config.roll_at.and_then(|at| Some((at, at.missed(last, now)?))) else {
        return Ok(None);
    };
    let was_in_force = roll::was_in_force(at, &config.data_dir).map_err(unremembered(config))?;
    Ok(was_in_force.then_some(missed))
}

fn unremembered(config: &Config) -> impl Fn(std::io::Error) -> ConfigError {
    |error| ConfigError {
        file: config.file.clone(),
        key: "data_dir".into(),
        problem: format!("{}: the roll_at in force: {error}", config.data_dir.display()),
    }
}

fn unnamed(config: &Config) -> impl Fn(std::io::Error) -> ConfigError {
    |error| ConfigError {
        file: config.file.clone(),
        key: "data_dir".into(),
        problem: format!("{}: names of instruments: {error}", config.data_dir.display()),
    }
}

fn refused(config: &Config, action: &Action, refusal: VenueRefusal) -> ConfigError {
    let key = match action {
        Action::AddInstrument(terms) | Action::ChangeInstrument(terms) => {
            format!("instrument {}", terms.symbol)
        }
        Action::AddLogin(terms) | Action::ChangeLogin(terms) => format!("login {}", terms.username),
        Action::SetLimits(_) => "limits".into(),
        _ => "(state)".into(),
    };
    ConfigError { file: config.file.clone(), key, problem: format!("the state refuses it: {refusal:?}") }
}

/// A command and its journaled time.
type Stamped = (TimeNs, Command);

/// When a start happens.
#[derive(Clone, Copy)]
struct StartTime {
    now: TimeNs,
    /// Time of a roll that the venue was down for.
    missed_roll: Option<TimeNs>,
}

impl Replayed {
    /// Carries out what the start changes, all of it, and only then journals it: a configuration that the state refuses leaves
    /// no trace. Durable when this returns. Returns the instruments whose terms in the file were refused.
    fn boot(
        &mut self,
        config: &Config,
        journal: &mut Log,
        time: StartTime,
    ) -> Result<Vec<Symbol>, VenueError> {
        let before = self.sequence;
        let named = Named::read(&config.data_dir).map_err(unnamed(config))?;
        let (commands, kept) = self.rehearse(config, &named, time)?;
        let names = config.instruments.iter().map(|terms| terms.symbol).collect();
        // Before and after: whenever the power goes, no instrument of a file is taken for an operator's.
        named.with(&names).write(&config.data_dir).map_err(unnamed(config))?;
        for ((time_ns, command), sequence) in commands.iter().zip(before + 1..) {
            CommandLog::append(journal, sequence, *time_ns, command).map_err(failed)?;
        }
        journal.close().map_err(failed)?;
        Named::These(names).write(&config.data_dir).map_err(unnamed(config))?;
        Ok(kept)
    }

    /// Carries out what the start changes, in memory. The first refusal is an error: this state is of no use then, but
    /// nothing outside it has changed. Returns the commands that were obeyed, and the instruments that keep their terms.
    fn rehearse(
        &mut self,
        config: &Config,
        named: &Named,
        time: StartTime,
    ) -> Result<(Vec<Stamped>, Vec<Symbol>), VenueError> {
        let half = || getrandom::u64().expect("the operating system has random numbers");
        let (mut done, mut kept) = (Vec::new(), Vec::new());
        let StartTime { now: time_ns, missed_roll } = time;
        // Whatever interrupts this, the next start finds that the roll is still to come.
        let first = missed_roll.map_or(time_ns, |roll| roll - 1);
        for command in boot::reconcile_sessions(&self.engine, [half(), half()]) {
            self.carry_out(command, config, first, &mut done)?;
        }
        if let Some(tick) = boot::overdue(&self.engine, first) {
            self.carry_out(tick, config, first, &mut done)?;
        }
        if let Some(roll) = missed_roll {
            info!(missed_ns = roll, "the session rolls now: the venue was down when it should have");
            self.carry_out(boot::roll(), config, time_ns, &mut done)?;
        }
        if let Some(hash) = self.untold() {
            self.carry_out(hash, config, time_ns, &mut done)?;
        }
        for command in boot::reconcile_configuration(&self.engine, config, named)? {
            let refusal = self.try_out(command, time_ns, &mut done)?;
            match refusal.map(|refusal| (refusal, boot::listed_terms(&self.engine, &command.action))) {
                None => {}
                Some((refusal, Some((state, file)))) => {
                    let fields = boot::differences(&file, state).join(", ");
                    warn!(
                        instrument = %state.symbol,
                        fields,
                        live_orders = self.engine.instruments()[state.instrument.0 as usize - 1].live_orders,
                        "the state refuses the file's terms ({refusal:?}): those in force stay"
                    );
                    kept.push(state.symbol);
                }
                Some((refusal, None)) => return Err(refused(config, &command.action, refusal).into()),
            }
        }
        Ok((done, kept))
    }

    fn carry_out(
        &mut self,
        command: Command,
        config: &Config,
        time_ns: TimeNs,
        done: &mut Vec<Stamped>,
    ) -> Result<(), VenueError> {
        match self.try_out(command, time_ns, done)? {
            None => Ok(()),
            Some(refusal) => Err(refused(config, &command.action, refusal).into()),
        }
    }

    /// Carries out a command, which has changed nothing if it was refused, and is then not to be journaled.
    fn try_out(
        &mut self,
        command: Command,
        time_ns: TimeNs,
        done: &mut Vec<Stamped>,
    ) -> Result<Option<VenueRefusal>, VenueError> {
        let refusal = self.apply(time_ns, &command)?;
        match refusal {
            None => done.push((time_ns, command)),
            Some(_) => self.sequence -= 1,
        }
        Ok(refusal)
    }
}
