//! Journals for tests: written by the journal's own writer, with flows of the simulator.

// Each test file uses its own part of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

use ringside_domain::*;
use ringside_journal::format::{SEGMENT_HEADER_LENGTH, segment_file_name};
use ringside_journal::{Journal, SegmentOptions, SegmentSource, prune};
use ringside_sim::random::{RandomFlow, RandomShape};
use ringside_snapshot::{Content, Generations, Header, Position, StreamImage};
use ringside_storage::{Directory, Pace};

/// Times of the commands that [`timed`] gives.
pub const START_NS: TimeNs = 1_703_520_000_000_000_000;

/// A command with its time.
pub type Timed = (TimeNs, Command);

/// A microsecond apart.
pub fn timed(commands: impl IntoIterator<Item = Command>) -> Vec<Timed> {
    (0..).zip(commands).map(|(at, command)| (START_NS + 1_000 * at, command)).collect()
}

/// A flow with every rule in it, with its own times.
pub fn random_flow(preset: usize, seed: u64, commands: usize) -> Vec<Timed> {
    let shape = RandomShape::presets().into_iter().nth(preset).expect("a preset").1;
    RandomFlow::new(seed, shape).take(commands).map(|(time_ns, command, _)| (time_ns, command)).collect()
}

/// Writes a data directory with segments of this length, a footer behind every hundred commands.
pub fn write_in(data_dir: &Path, segment_length: u64, commands: impl IntoIterator<Item = Timed>) {
    std::fs::create_dir_all(data_dir).unwrap();
    let disk = Directory::create(&data_dir.join("journal")).unwrap();
    let options = SegmentOptions { length: segment_length, ahead: 1, pace: Pace::Unpaced };
    let mut journal = Journal::create(SegmentSource::inline(disk, options, 1), 5, 1).unwrap();
    for (sequence, (time_ns, command)) in (1..).zip(commands) {
        journal.append(sequence, time_ns, &command).unwrap();
        if sequence.is_multiple_of(100) {
            journal.flush().unwrap();
        }
    }
    journal.close().unwrap();
}

/// Writes a data directory with one segment.
pub fn write(data_dir: &Path, commands: impl IntoIterator<Item = Timed>) {
    write_in(data_dir, 4 << 20, commands);
}

/// Writes a flow with snapshot barriers after these commands, in segments of a few hundred commands.
pub fn write_with_barriers(data_dir: &Path, seed: u64, commands: usize, barriers: &[Sequence]) {
    let mut flow = random_flow(0, seed, commands);
    for barrier in barriers {
        flow[*barrier as usize - 1].1 = venue(Action::Snapshot);
    }
    // The journal is created at 1.
    flow.iter_mut().for_each(|(time_ns, _)| *time_ns = (*time_ns).max(1));
    write_in(data_dir, 32 << 10, flow);
}

/// The snapshot after a command, as a venue's shadow would make it.
pub fn snapshot(data_dir: &Path, sequence: Sequence) -> Header {
    let journal = Directory::open(&data_dir.join("journal")).unwrap();
    let mut reader = ringside_journal::Reader::open(journal);
    let mut engine = ringside_engine::Engine::new(ringside_engine::Limits::default());
    let entry = std::iter::from_fn(|| reader.next_entry().unwrap())
        .inspect(|entry| engine.apply(entry.time_ns, &entry.command, &mut |_: ringside_domain::Event| ()))
        .find(|entry| entry.sequence == sequence)
        .unwrap();
    let at = reader.waypoint().unwrap();
    let content = Content {
        engine: &engine,
        state_hash: engine.state_hash(),
        position: Position {
            epoch: at.epoch,
            sequence: at.sequence,
            segment: at.segment,
            offset: at.offset,
            chain: at.chain,
            time_ns: entry.time_ns,
        },
        session_sequence: 1,
        streams: &vec![StreamImage::default(); engine.logins().len()],
    };
    let generations = Generations::new(Directory::create(&data_dir.join("snapshots")).unwrap());
    let header = generations.draft(&content, Pace::Unpaced).unwrap();
    generations.publish(&header, ringside_engine::Limits::default()).unwrap();
    header
}

/// Removes the segments that end before a command; the first that is left.
pub fn prune_before(data_dir: &Path, sequence: Sequence) -> Sequence {
    let journal = Directory::open(&data_dir.join("journal")).unwrap();
    assert!(!prune(&journal, sequence, |_| true).unwrap().is_empty());
    ringside_journal::Reader::open(journal).next_entry().unwrap().unwrap().sequence
}

/// A segment file of a data directory.
pub fn segment(data_dir: &Path, number: u64) -> PathBuf {
    data_dir.join("journal").join(segment_file_name(number))
}

/// Changes one byte of a segment's records.
pub fn flip(data_dir: &Path, number: u64, offset: u64) {
    assert!(offset >= SEGMENT_HEADER_LENGTH, "that would be the header");
    let path = segment(data_dir, number);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[offset as usize] ^= 0x40;
    std::fs::write(path, bytes).unwrap();
}

/// All bytes of a directory by name, to prove that nobody wrote.
pub fn contents(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

pub const ALICE: LoginId = LoginId(1);
pub const BOB: LoginId = LoginId(2);
pub const CAROL: LoginId = LoginId(3);

pub fn venue(action: Action) -> Command {
    Command { login: LoginId::VENUE, action }
}

/// One instrument, three logins: sequences 1 to 5.
pub fn setup() -> Vec<Command> {
    let login = |id, name: &[u8; 6], firm: &[u8; 4]| {
        venue(Action::AddLogin(LoginTerms::plain(id, Text(*name), Text(*firm))))
    };
    vec![
        venue(Action::StartSession(1)),
        venue(Action::AddInstrument(InstrumentTerms::plain(InstrumentId(1), Text(*b"ESH4    "), 2500, 1))),
        login(ALICE, b"ALICE ", b"ALCE"),
        login(BOB, b"BOB   ", b"BOBB"),
        login(CAROL, b"CAROL ", b"CARO"),
    ]
}

pub fn enter(login: LoginId, user_ref_num: u32, side: u8, quantity: u32, price: u64) -> Command {
    let order = Enter {
        user_ref_num,
        quantity,
        price,
        symbol: Text(*b"ESH4    "),
        client_order_id: Text::new(&format!("L{}-{user_ref_num}", login.0)).unwrap(),
        side,
        time_in_force: b'0',
        display: b'Y',
        capacity: b'P',
        intermarket_sweep: b'N',
        cross_type: b'N',
        options: OrderOptions::default(),
    };
    Command { login, action: Action::Enter(order) }
}

pub fn replace(login: LoginId, original: u32, user_ref_num: u32, quantity: u32, price: u64) -> Command {
    let replace = Replace {
        original,
        user_ref_num,
        quantity,
        price,
        client_order_id: Text::BLANK,
        time_in_force: b'0',
        display: b'Y',
        intermarket_sweep: b'N',
        options: OrderOptions::default(),
    };
    Command { login, action: Action::Replace(replace) }
}

pub fn cancel(login: LoginId, user_ref_num: u32) -> Command {
    Command { login, action: Action::Cancel(Cancel { user_ref_num, quantity: 0, user_ref_idx: 0 }) }
}
