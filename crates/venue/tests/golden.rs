//! A data directory as this format was first released: journal, snapshot, and what they lead to. A later venue reads it to
//! the same state, from the snapshot and from the beginning.
//!
//! `golden/first` was written once by `RINGSIDE_BLESS=1 cargo test -p ringside-venue --test golden`, and never is again.

use std::path::{Path, PathBuf};

use ringside_domain::{Action, Command, LoginId, StateHash};
use ringside_engine::Limits;
use ringside_journal::{Journal, SegmentOptions, SegmentSource};
use ringside_sim::random::{RandomFlow, RandomShape};
use ringside_snapshot::Content;
use ringside_storage::{Directory, Pace};
use ringside_venue::recovery::rebuild;
use ringside_venue::snapshots::{Shadow, generations};

/// The barrier.
const BARRIER: u64 = 250;
/// Last command.
const LAST: u64 = 420;
/// State hash after it.
const HASH: u64 = 0xc78c_e0e8_3823_75fc;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/first")
}

/// Commands of a lively venue, a barrier among them and its hash behind it.
fn write(data_dir: &Path) {
    std::fs::create_dir_all(data_dir).unwrap();
    let disk = Directory::create(&data_dir.join("journal")).unwrap();
    let options = SegmentOptions { length: 32 << 10, ahead: 1, pace: Pace::Unpaced };
    let source = SegmentSource::inline(disk.clone(), options, 1);
    let mut journal = Journal::create(source, 0x0123_4567_89ab_cdef, 0).unwrap();
    let mut flow = RandomFlow::new(11, RandomShape::everything());
    let mut time_ns = 0;
    for sequence in 1..=LAST {
        let venue = |action| Command { login: LoginId::VENUE, action };
        let command = match sequence {
            BARRIER => venue(Action::Snapshot),
            _ if sequence == BARRIER + 1 => {
                journal.flush().unwrap();
                venue(Action::StateHash(StateHash { sequence: BARRIER, hash: publish(data_dir, &disk) }))
            }
            _ => {
                let (at, command, _) = flow.next().unwrap();
                time_ns = at;
                command
            }
        };
        journal.append(sequence, time_ns, &command).unwrap();
    }
    journal.close().unwrap();
}

/// Makes the snapshot as a venue does; its state hash.
fn publish(data_dir: &Path, disk: &Directory) -> u64 {
    let generations = generations(data_dir).unwrap();
    let mut shadow = Shadow::begin(&generations, disk).unwrap();
    shadow.run_to(BARRIER).unwrap();
    let (state_hash, streams) = (shadow.engine().state_hash(), shadow.streams());
    let content = Content {
        engine: shadow.engine(),
        state_hash,
        position: shadow.position(),
        session_sequence: shadow.session_sequence(),
        streams: &streams,
    };
    let header = generations.draft(&content, Pace::Unpaced).unwrap();
    generations.publish(&header, Limits::default()).unwrap();
    state_hash
}

/// A copy that may be written to.
fn copy(name: &str, data_dir: &Path) {
    std::fs::create_dir_all(data_dir.join(name)).unwrap();
    for entry in std::fs::read_dir(golden().join(name)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, data_dir.join(name).join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn the_first_data_directory_still_leads_to_its_state() {
    if std::env::var_os("RINGSIDE_BLESS").is_some() {
        assert!(!golden().exists(), "what was released is never written again");
        write(&golden());
    }
    let scratch = tempfile::tempdir().unwrap();
    copy("journal", scratch.path());
    copy("snapshots", scratch.path());
    std::fs::create_dir(scratch.path().join("outbound")).unwrap();
    // From the snapshot.
    let disk = Directory::open(&scratch.path().join("journal")).unwrap();
    let mut shadow = Shadow::begin(&generations(scratch.path()).unwrap(), &disk).unwrap();
    assert_eq!(shadow.sequence(), BARRIER);
    shadow.run_to(LAST).unwrap();
    assert_eq!(shadow.engine().state_hash(), HASH, "{:#018x}", shadow.engine().state_hash());
    let streams = shadow.streams();
    // The whole journal: there are no streams yet. Then from the snapshot with those.
    for _ in 0..2 {
        let (engine, sequence) = rebuild(scratch.path(), &|_| ()).unwrap();
        assert_eq!((sequence, engine.state_hash()), (LAST, HASH));
        for (n, image) in streams.iter().enumerate() {
            let path = ringside_gateway::server::stream_path(
                &scratch.path().join("outbound"),
                LoginId(n as u32 + 1),
                1,
            );
            let bytes = std::fs::read(path).unwrap();
            assert_eq!((bytes.len() as u64, crc32fast::hash(&bytes)), (image.bytes, image.crc));
        }
    }
}
