//! Engine and streams while the past is carried out again.

use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, Sender, bounded};
use ringside_domain::{Action, Command, Event, Fact, LoginId, Sequence, TimeNs, VenueRefusal};
use ringside_engine::{Engine, Limits};
use ringside_gateway::server::{append_event, stream_path};
use ringside_gateway::{GatewayError, Outbound};
use ringside_journal::format::{SEGMENT_HEADER_LENGTH, SegmentHeader, segment_file_name, segment_number};
use ringside_journal::{Entry, RecoverError};
use ringside_snapshot::{Header, Loaded, StreamImage};
use ringside_storage::{Directory, Disk, ReadAt, StorageError};

use crate::venue::VenueError;

/// What recovery of a journal found.
pub(super) type FoundEnd = ringside_journal::Recovered;

/// Commands that are handed over at once.
const BATCH: usize = 1_024;
/// Batches under way.
const BATCHES: usize = 4;

/// How far the journal was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplayProgress {
    /// Last command.
    pub sequence: Sequence,
    /// Bytes of segments read.
    pub bytes: u64,
    /// Bytes of segments there are; the last one may not be full.
    pub bytes_total: u64,
}

/// Is told every thousand commands or so, and when everything was read: then both numbers of bytes are the same.
pub type Progress = dyn Fn(ReplayProgress) + Send + Sync;

/// Engine and streams while commands are carried out one by one.
pub(super) struct Replayed {
    pub(super) engine: Engine,
    pub(super) streams: Streams,
    /// Last command.
    pub(super) sequence: Sequence,
    /// Commands up to here are no reason for another snapshot.
    pub(super) barrier: Sequence,
    /// The snapshot that is known.
    base: Option<Header>,
    /// The journal has told its state hash.
    told: bool,
}

impl Replayed {
    /// Nothing yet.
    pub(super) fn new(outbound: &Path) -> Replayed {
        let (engine, streams) = (Engine::new(Limits::default()), Streams::new(outbound));
        Replayed { engine, streams, sequence: 0, barrier: 0, base: None, told: false }
    }

    /// What a snapshot knew.
    pub(super) fn behind(header: &Header, engine: Engine, streams: Streams) -> Replayed {
        let sequence = header.position.sequence;
        Replayed { engine, streams, sequence, barrier: sequence, base: Some(*header), told: false }
    }

    /// What a snapshot knew that is older than the present session: streams are told from the next roll on.
    pub(super) fn before_session(loaded: Loaded, outbound: &Path) -> Replayed {
        let streams = Streams { silent: true, ..Streams::new(outbound) };
        Replayed::behind(&loaded.header, loaded.engine, streams)
    }

    /// Carried out without a snapshot that is there all the same. Whether the journal has told its state hash was not
    /// looked at: it counts as told.
    pub(super) fn knowing(self, header: &Header) -> Replayed {
        Replayed { base: Some(*header), told: true, ..self }
    }

    /// The snapshot that is known; 0 = none.
    pub(super) fn snapshot(&self) -> Sequence {
        self.base.map_or(0, |base| base.position.sequence)
    }

    /// The state hash of the snapshot, if the journal does not tell it yet: the venue ended before it could.
    pub(super) fn untold(&self) -> Option<Command> {
        let base = self.base.filter(|_| !self.told)?;
        let hash = ringside_domain::StateHash { sequence: base.position.sequence, hash: base.state_hash };
        Some(Command { login: LoginId::VENUE, action: Action::StateHash(hash) })
    }

    /// Carries out one command; what the engine refuses is told.
    pub(super) fn apply(
        &mut self,
        time_ns: TimeNs,
        command: &Command,
    ) -> Result<Option<VenueRefusal>, VenueError> {
        self.sequence += 1;
        match command.action {
            Action::Snapshot => self.barrier = self.sequence,
            Action::StateHash(hash) => {
                self.barrier += 1;
                self.compare(hash.sequence, hash.hash)?;
            }
            _ => {}
        }
        let streams = &mut self.streams;
        let logins = self.engine.logins().len();
        let (mut refusal, mut rolled) = (None, Ok(()));
        self.engine.apply(time_ns, command, &mut |event: Event| match event.fact {
            Fact::Refused(why) => refusal = Some(why),
            Fact::SessionBegan(session) => rolled = streams.roll(session, logins),
            // A session without streams ends the start: what is told in it is for nobody.
            _ if rolled.is_err() => {}
            _ => streams.append(time_ns, &event),
        });
        rolled?;
        self.streams.settle(self.engine.logins().len())?;
        Ok(refusal)
    }

    fn compare(&mut self, sequence: Sequence, found: u64) -> Result<(), VenueError> {
        let Some(base) = self.base.filter(|base| base.position.sequence == sequence) else { return Ok(()) };
        if base.state_hash != found {
            let expected = base.state_hash;
            return Err(VenueError::StateHash { sequence, expected, found });
        }
        self.told = true;
        Ok(())
    }

    fn carry_out_all(
        mut self,
        batches: &Receiver<Vec<Entry>>,
        empty: &Sender<Vec<Entry>>,
    ) -> Result<Replayed, VenueError> {
        for mut batch in batches {
            for entry in &batch {
                self.apply(entry.time_ns, &entry.command)?;
            }
            batch.clear();
            // Nobody waits for it at the end.
            let _ = empty.try_send(batch);
        }
        Ok(self)
    }
}

/// Reads the journal on this thread by `read`, and carries out what it gives on another.
pub(super) fn walk(
    replayed: Replayed,
    disk: &Directory,
    progress: &Progress,
    read: impl FnOnce(&mut dyn FnMut(&Entry)) -> Result<FoundEnd, RecoverError>,
) -> Result<(FoundEnd, Replayed), VenueError> {
    let (sender, batches) = bounded::<Vec<Entry>>(BATCHES);
    let (empty_sender, empty) = bounded(BATCHES + 1);
    let mut meter = Meter::new(disk)?;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("ringside-replay".into());
        let carrying = thread.spawn_scoped(scope, move || replayed.carry_out_all(&batches, &empty_sender));
        let carrying = carrying.map_err(VenueError::Thread)?;
        let mut batch = Vec::with_capacity(BATCH);
        let found = read(&mut |entry| {
            batch.push(*entry);
            if batch.len() == BATCH {
                progress(meter.at(entry));
                let next = empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH));
                // Hung up: the other side has an error, which is told at the end.
                let _ = sender.send(std::mem::replace(&mut batch, next));
            }
        });
        let _ = sender.send(batch);
        drop(sender);
        let carried = carrying.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let (found, carried) = (found?, carried?);
        let total = meter.total;
        progress(ReplayProgress { sequence: carried.sequence, bytes: total, bytes_total: total });
        Ok((found, carried))
    })
}

/// Knows how many bytes lie before a segment.
struct Meter {
    /// Number and length of every segment that was begun.
    segments: Vec<(u64, u64)>,
    total: u64,
    /// Index of the segment that is read, and the bytes before it. Reading may begin anywhere.
    index: usize,
    before: u64,
}

impl Meter {
    fn new(disk: &Directory) -> Result<Meter, StorageError> {
        let mut segments = Vec::new();
        for number in disk.list()?.iter().filter_map(|name| segment_number(name)) {
            let mut page = [0; SEGMENT_HEADER_LENGTH as usize];
            disk.read(&segment_file_name(number))?.read_at(0, &mut page)?;
            segments.extend(SegmentHeader::decode(&page).ok().map(|header| (number, header.segment_length)));
        }
        segments.sort_unstable();
        let total = segments.iter().map(|(_, length)| length).sum();
        Ok(Meter { segments, total, index: 0, before: 0 })
    }

    fn at(&mut self, entry: &Entry) -> ReplayProgress {
        while self.segments.get(self.index).is_some_and(|(number, _)| *number < entry.segment) {
            self.before += self.segments[self.index].1;
            self.index += 1;
        }
        let bytes = self.before + entry.offset;
        ReplayProgress { sequence: entry.sequence, bytes, bytes_total: self.total }
    }
}

/// The streams of all logins.
pub(super) struct Streams {
    directory: PathBuf,
    pub(super) streams: Vec<Outbound>,
    dirty: Vec<usize>,
    /// SoupBinTCP session that they tell.
    session: u32,
    /// Nothing is kept before the next roll.
    silent: bool,
}

impl Streams {
    fn new(directory: &Path) -> Self {
        // Every journal begins with session 1.
        let (streams, dirty) = (Vec::new(), Vec::new());
        Streams { directory: directory.into(), streams, dirty, session: 1, silent: false }
    }

    /// The streams as a snapshot knows them, or the first file that is not like that. Files are looked at on all cores.
    pub(super) fn resume(
        directory: &Path,
        session: u32,
        images: &[StreamImage],
    ) -> Result<Result<Streams, PathBuf>, VenueError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = images.len().div_ceil(threads).max(1);
        let parts = std::thread::scope(|scope| {
            let looking: Vec<_> = images
                .chunks(share)
                .enumerate()
                .map(|(n, images)| scope.spawn(move || resume_some(directory, session, n * share, images)))
                .collect();
            let joined = looking.into_iter().map(|thread| thread.join());
            joined
                .map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect::<Vec<_>>()
        });
        let mut streams = Streams { session, ..Streams::new(directory) };
        for part in parts {
            match part? {
                Ok(some) => streams.streams.extend(some),
                Err(path) => return Ok(Err(path)),
            }
        }
        Ok(Ok(streams))
    }

    fn append(&mut self, time_ns: TimeNs, event: &Event) {
        if event.login == LoginId::VENUE || self.silent {
            return;
        }
        let at = event.login.0 as usize - 1;
        append_event(&mut self.streams[at], time_ns, event);
        self.dirty.push(at);
    }

    /// Everything goes to the files, so that the next start finds them as long as the newest snapshot knows them, whatever
    /// ends this one.
    pub(super) fn store(&mut self) -> Result<(), VenueError> {
        for stream in &mut self.streams {
            // A full disk is met again at the next barrier.
            stream.store().map_err(GatewayError::from)?;
        }
        Ok(())
    }

    /// A session has begun, with so many logins: what is told from now on is in streams of its own.
    fn roll(&mut self, session: u32, logins: usize) -> Result<(), VenueError> {
        self.store()?;
        (self.session, self.silent) = (session, false);
        self.streams.clear();
        self.dirty.clear();
        self.settle(logins)
    }

    /// After a command: long tails go to their files, a new login gets its stream.
    fn settle(&mut self, logins: usize) -> Result<(), VenueError> {
        if self.silent {
            return Ok(());
        }
        for at in self.dirty.drain(..) {
            self.streams[at].store_if_long().map_err(GatewayError::from)?;
        }
        while self.streams.len() < logins {
            let path = stream_path(&self.directory, LoginId(self.streams.len() as u32 + 1), self.session);
            self.streams.push(Outbound::create(&path).map_err(GatewayError::from)?);
        }
        Ok(())
    }
}

/// Streams from index `first` on, or the first path whose file is not as it was.
fn resume_some(
    directory: &Path,
    session: u32,
    first: usize,
    images: &[StreamImage],
) -> Result<Result<Vec<Outbound>, PathBuf>, VenueError> {
    let mut streams = Vec::with_capacity(images.len());
    for (n, image) in images.iter().enumerate() {
        let path = stream_path(directory, LoginId((first + n) as u32 + 1), session);
        match Outbound::resume(&path, (image.messages, image.bytes, image.crc)).map_err(GatewayError::from)? {
            Some(stream) => streams.push(stream),
            None => return Ok(Err(path)),
        }
    }
    Ok(Ok(streams))
}
