//! The engine beside the engine: a snapshot, and the journal after it.

use ringside_domain::{Action, Command, Event, Fact, LoginId, Sequence, TimeNs};
use ringside_engine::{Engine, Limits};
use ringside_journal::Reader;
use ringside_snapshot::{Generations, Header, Position, StreamImage};
use ringside_storage::Directory;

use super::base::{newest, waypoint};
use super::tally::StreamTally;
use super::{Figures, MakeError};

/// Engine and streams at some place of the journal.
pub struct Shadow {
    reader: Reader<Directory>,
    engine: Engine,
    streams: Vec<StreamTally>,
    base: Option<Header>,
    sequence: Sequence,
    time_ns: TimeNs,
    session_sequence: Sequence,
    scratch: Vec<u8>,
}

impl Shadow {
    /// Begins with the newest snapshot that is whole, or with the whole journal.
    pub fn begin(generations: &Generations<Directory>, journal: &Directory) -> Result<Shadow, MakeError> {
        let (loaded, _) = newest(generations)?;
        let Some(loaded) = loaded else {
            return Ok(Shadow::over(Reader::open(journal.clone()), Engine::new(Limits::default())));
        };
        let header = loaded.header;
        let reader = Reader::open_behind(journal.clone(), waypoint(&header));
        Ok(Shadow {
            streams: loaded.streams.iter().map(StreamTally::of).collect(),
            base: Some(header),
            sequence: header.position.sequence,
            time_ns: header.position.time_ns,
            session_sequence: header.session_sequence,
            ..Shadow::over(reader, loaded.engine)
        })
    }

    fn over(reader: Reader<Directory>, engine: Engine) -> Shadow {
        Shadow {
            reader,
            engine,
            streams: Vec::new(),
            base: None,
            sequence: 0,
            time_ns: 0,
            session_sequence: 0,
            scratch: Vec::new(),
        }
    }

    /// Carries out the journal up to a command that is in it.
    pub fn run_to(&mut self, sequence: Sequence) -> Result<(), MakeError> {
        if self.sequence >= sequence {
            return Ok(());
        }
        while let Some(entry) = self.reader.next_entry()? {
            if self.sequence == 0 && entry.sequence != 1 {
                return Err(MakeError::NoBeginning { first: entry.sequence });
            }
            self.carry_out(entry.sequence, entry.time_ns, &entry.command)?;
            if entry.sequence == sequence {
                return Ok(());
            }
        }
        let found = Figures::of(&self.engine, self.sequence);
        let expected = Figures { sequence, ..found };
        Err(MakeError::Diverged { expected: Box::new(expected), found: Box::new(found) })
    }

    fn carry_out(&mut self, sequence: Sequence, time_ns: TimeNs, command: &Command) -> Result<(), MakeError> {
        match command.action {
            Action::StartSession(_) | Action::RollSession => self.session_sequence = sequence,
            Action::StateHash(told) => self.compare(told.sequence, told.hash)?,
            _ => {}
        }
        let Shadow { engine, streams, scratch, .. } = self;
        engine.apply(time_ns, command, &mut |event: Event| {
            if let Fact::SessionBegan(_) = event.fact {
                streams.fill(StreamTally::default());
            }
            if event.login != LoginId::VENUE {
                streams[event.login.0 as usize - 1].add(time_ns, &event, scratch);
            }
        });
        self.streams.resize_with(self.engine.logins().len(), StreamTally::default);
        (self.sequence, self.time_ns) = (sequence, time_ns);
        Ok(())
    }

    /// What the journal tells of the snapshot that this began with.
    fn compare(&self, sequence: Sequence, found: u64) -> Result<(), MakeError> {
        match self.base {
            Some(base) if base.position.sequence == sequence && base.state_hash != found => {
                Err(MakeError::StateHash { sequence, expected: base.state_hash, found })
            }
            _ => Ok(()),
        }
    }

    /// The state now.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Last command carried out.
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The command that began the present session; 0 = none has.
    pub fn session_sequence(&self) -> Sequence {
        self.session_sequence
    }

    /// The streams now.
    pub fn streams(&self) -> Vec<StreamImage> {
        self.streams.iter().map(StreamTally::image).collect()
    }

    /// The place behind the last command.
    pub fn position(&self) -> Position {
        let read = self.reader.waypoint().filter(|place| place.sequence == self.sequence);
        match (read, self.base) {
            (Some(place), _) => Position {
                epoch: place.epoch,
                sequence: place.sequence,
                segment: place.segment,
                offset: place.offset,
                chain: place.chain,
                time_ns: self.time_ns,
            },
            (None, Some(base)) => base.position,
            (None, None) => unreachable!("Invariant: something was read, or begun with"),
        }
    }
}
