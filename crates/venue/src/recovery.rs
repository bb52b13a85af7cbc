//! From a data directory to a venue that knows everything it ever acknowledged.
//!
//! The journal is checked and its end found, every command is carried out again, and the streams of all logins
//! are written anew: the same commands give the same bytes. Then what the start itself changes is journaled.

use std::io::ErrorKind;
use std::num::NonZeroU64;
use std::path::Path;
use std::thread::JoinHandle;

use ringside_domain::{Action, Command, Event, Fact, Sequence, Symbol, TimeNs, VenueRefusal};
use ringside_engine::{Engine, Limits};
use ringside_gateway::Outbound;
use ringside_gateway::server::{append_event, stream_path};
use ringside_journal::{Journal, JournalError, Reader, SegmentOptions, preparer, recover as recover_journal};
use ringside_storage::{Directory, Pace, free_space};
use tracing::{info, warn};

use crate::boot;
use crate::clock::{Reading, VenueClock, warn_of_future};
use crate::config::{Config, ConfigError, Sync};
use crate::named::Named;
use crate::stages::{CommandLog, StageError};
use crate::venue::{VenueError, spawn};

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
pub fn recover(config: &Config) -> Result<Recovered, VenueError> {
    let disk = open_disk(config)?;
    let found = recover_journal(&disk)?;
    if let Some(tail) = found.torn_tail() {
        let (bytes, copy) = (tail.bytes, tail.copy.as_str());
        warn!(segment = tail.segment, offset = tail.offset, bytes, copy, "torn tail cut off");
    }
    let mut replayed = replay(&disk, &config.data_dir.join("outbound"))?;
    assert_eq!(replayed.sequence, found.last_sequence(), "Invariant: recovery and replay see one journal");
    let options =
        SegmentOptions { length: segment_length(config, &disk)?, ahead: 2, pace: pace(config.sync) };
    let (source, task) = preparer(disk.clone(), options, found.next_segment());
    let preparer = spawn("ringside-prep", move || task.run())?;
    let now = Reading::now();
    warn_of_future(found.last_time_ns(), now);
    let clock = VenueClock::new(found.last_time_ns(), now);
    let mut journal = Journal::resume(&disk, &found, source, now.wall_ns).map_err(failed)?;
    let time_ns = clock.now_ns();
    let before = replayed.sequence;
    let kept = replayed.boot(config, &mut journal, time_ns)?;
    let sequence = replayed.sequence;
    info!(commands = before, boot_commands = sequence - before, state_hash = replayed.hash(), "recovered");
    let Replayed { engine, streams, .. } = replayed;
    let streams = streams.streams;
    Ok(Recovered {
        engine,
        journal: VenueJournal { journal, preparer, time_ns, clock },
        streams,
        sequence,
        kept,
    })
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

/// Engine and streams while commands are carried out one by one.
struct Replayed {
    engine: Engine,
    streams: Streams,
    sequence: Sequence,
}

fn replay(disk: &Directory, outbound: &Path) -> Result<Replayed, VenueError> {
    let streams = Streams::new(outbound);
    let mut replayed = Replayed { engine: Engine::new(Limits::default()), streams, sequence: 0 };
    for entry in Reader::open(disk.clone()) {
        let entry = entry?;
        replayed.apply(entry.time_ns, &entry.command)?;
    }
    Ok(replayed)
}

impl Replayed {
    fn apply(&mut self, time_ns: TimeNs, command: &Command) -> Result<Option<VenueRefusal>, VenueError> {
        self.sequence += 1;
        let streams = &mut self.streams;
        let mut refusal = None;
        self.engine.apply(time_ns, command, &mut |event: Event| {
            if let Fact::Refused(why) = event.fact {
                refusal = Some(why);
            }
            streams.append(time_ns, &event);
        });
        self.streams.settle(self.engine.logins().len())?;
        Ok(refusal)
    }

    /// Carries out what the start changes, all of it, and only then journals it: a configuration that the state refuses leaves
    /// no trace. Durable when this returns. Returns the instruments whose terms in the file were refused.
    fn boot(
        &mut self,
        config: &Config,
        journal: &mut Log,
        time_ns: TimeNs,
    ) -> Result<Vec<Symbol>, VenueError> {
        let before = self.sequence;
        let named = Named::read(&config.data_dir).map_err(unnamed(config))?;
        let (commands, kept) = self.rehearse(config, &named, time_ns)?;
        let names = config.instruments.iter().map(|terms| terms.symbol).collect();
        // Before and after: whenever the power goes, no instrument of a file is taken for an operator's.
        named.with(&names).write(&config.data_dir).map_err(unnamed(config))?;
        for (command, sequence) in commands.iter().zip(before + 1..) {
            CommandLog::append(journal, sequence, time_ns, command).map_err(failed)?;
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
        time_ns: TimeNs,
    ) -> Result<(Vec<Command>, Vec<Symbol>), VenueError> {
        let half = || getrandom::u64().expect("the operating system has random numbers");
        let (mut done, mut kept) = (Vec::new(), Vec::new());
        for command in boot::reconcile_sessions(&self.engine, [half(), half()]) {
            self.carry_out(command, config, time_ns, &mut done)?;
        }
        if let Some(tick) = boot::overdue(&self.engine, time_ns) {
            self.carry_out(tick, config, time_ns, &mut done)?;
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
        done: &mut Vec<Command>,
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
        done: &mut Vec<Command>,
    ) -> Result<Option<VenueRefusal>, VenueError> {
        let refusal = self.apply(time_ns, &command)?;
        match refusal {
            None => done.push(command),
            Some(_) => self.sequence -= 1,
        }
        Ok(refusal)
    }

    fn hash(&self) -> String {
        format!("{:016x}", self.engine.state_hash())
    }
}

/// The streams of all logins, written anew.
struct Streams {
    directory: std::path::PathBuf,
    streams: Vec<Outbound>,
    dirty: Vec<usize>,
}

impl Streams {
    fn new(directory: &Path) -> Self {
        Streams { directory: directory.into(), streams: Vec::new(), dirty: Vec::new() }
    }

    fn append(&mut self, time_ns: TimeNs, event: &Event) {
        if event.login == ringside_domain::LoginId::VENUE {
            return;
        }
        let at = event.login.0 as usize - 1;
        append_event(&mut self.streams[at], time_ns, event);
        self.dirty.push(at);
    }

    /// After a command: long tails go to their files, a new login gets its stream.
    fn settle(&mut self, logins: usize) -> Result<(), VenueError> {
        for at in self.dirty.drain(..) {
            self.streams[at].store_if_long().map_err(ringside_gateway::GatewayError::from)?;
        }
        while self.streams.len() < logins {
            let id = ringside_domain::LoginId(self.streams.len() as u32 + 1);
            let stream = Outbound::create(&stream_path(&self.directory, id));
            self.streams.push(stream.map_err(ringside_gateway::GatewayError::from)?);
        }
        Ok(())
    }
}
