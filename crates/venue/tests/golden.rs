//! A data directory as this format was first released: journal, snapshot, and what they lead to. A later venue reads it to
//! the same state, from the snapshot and from the beginning.
//!
//! `golden/first` is under rules 1 throughout, in `golden/rules-2` rules 2 come into force in the midst of trading. Each was written
//! once by `RINGSIDE_BLESS=1 cargo test -p ringside-venue --test golden`, and never is again.

use std::path::{Path, PathBuf};

use ringside_domain::{Action, Command, Event, LoginId, RiskLimits, Rules, Scope, SetLimits, StateHash};
use ringside_engine::{Engine, Limits};
use ringside_journal::{Journal, Reader, SegmentOptions, SegmentSource};
use ringside_sim::random::{RandomFlow, RandomShape};
use ringside_snapshot::Content;
use ringside_storage::{Directory, Pace};
use ringside_venue::recovery::rebuild;
use ringside_venue::snapshots::{Shadow, generations};

/// The barrier.
const BARRIER: u64 = 250;
/// Last command.
const LAST: u64 = 420;

/// A data directory as it was once written.
struct Golden {
    name: &'static str,
    /// Of the flow.
    seed: u64,
    /// The command that puts rules 2 in force; 0 = none.
    rules_2: u64,
    /// State hash after the last command.
    hash: u64,
}

const FIRST: Golden = Golden { name: "first", seed: 11, rules_2: 0, hash: 0xc78c_e0e8_3823_75fc };
const RULES_2: Golden = Golden { name: "rules-2", seed: 12, rules_2: 150, hash: 0xf0b2_620b_ed25_a31a };

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Commands of a lively venue, a barrier among them and its hash behind it.
fn write(data_dir: &Path, seed: u64, rules_2: u64) {
    std::fs::create_dir_all(data_dir).unwrap();
    let disk = Directory::create(&data_dir.join("journal")).unwrap();
    let options = SegmentOptions { length: 32 << 10, ahead: 1, pace: Pace::Unpaced };
    let source = SegmentSource::inline(disk.clone(), options, 1);
    let mut journal = Journal::create(source, 0x0123_4567_89ab_cdef, 0).unwrap();
    let mut flow = RandomFlow::new(seed, RandomShape::everything());
    let mut time_ns = 0;
    for sequence in 1..=LAST {
        let venue = |action| Command { login: LoginId::VENUE, action };
        let command = match sequence {
            BARRIER => venue(Action::Snapshot),
            _ if sequence == rules_2 => venue(Action::SetRules(Rules::NEWEST)),
            // A rate, and the same again once orders have taken from the bucket.
            _ if rules_2 > 0 && (sequence == rules_2 + 10 || sequence == LAST - 20) => venue(rated()),
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

fn rated() -> Action {
    let limits = RiskLimits { rate_per_second: 1, rate_burst: 100, ..RiskLimits::default() };
    Action::SetLimits(SetLimits { scope: Scope::Login(LoginId(1)), limits })
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
fn copy(golden: &Path, name: &str, data_dir: &Path) {
    std::fs::create_dir_all(data_dir.join(name)).unwrap();
    for entry in std::fs::read_dir(golden.join(name)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, data_dir.join(name).join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn the_first_data_directory_still_leads_to_its_state() {
    leads_to_its_state(&FIRST);
}

#[test]
fn a_data_directory_in_which_the_rules_change_still_leads_to_its_state() {
    leads_to_its_state(&RULES_2);
}

/// The test above could fail: a command after the change means something else than before it.
#[test]
fn without_the_change_of_the_rules_its_journal_would_lead_elsewhere() {
    let buckets = [true, false].map(|with_rules| {
        let mut reader = Reader::open(Directory::open(&golden(RULES_2.name).join("journal")).unwrap());
        let mut engine = Engine::new(Limits::default());
        while let Some(entry) = reader.next_entry().unwrap() {
            if with_rules || !matches!(entry.command.action, Action::SetRules(_)) {
                engine.apply(entry.time_ns, &entry.command, &mut |_: Event| ());
            }
        }
        engine.limits_states().map(|state| state.tokens).collect::<Vec<_>>()
    });
    assert_ne!(buckets[0], buckets[1]);
}

fn leads_to_its_state(Golden { name, seed, rules_2, hash }: &Golden) {
    let golden = golden(name);
    if std::env::var_os("RINGSIDE_BLESS").is_some() && !golden.exists() {
        write(&golden, *seed, *rules_2);
    }
    let scratch = tempfile::tempdir().unwrap();
    copy(&golden, "journal", scratch.path());
    copy(&golden, "snapshots", scratch.path());
    std::fs::create_dir(scratch.path().join("outbound")).unwrap();
    // From the snapshot.
    let disk = Directory::open(&scratch.path().join("journal")).unwrap();
    let mut shadow = Shadow::begin(&generations(scratch.path()).unwrap(), &disk).unwrap();
    assert_eq!(shadow.sequence(), BARRIER);
    shadow.run_to(LAST).unwrap();
    assert_eq!(shadow.engine().state_hash(), *hash, "{:#018x}", shadow.engine().state_hash());
    assert_eq!(shadow.engine().counters().rules.version(), if *rules_2 > 0 { 2 } else { 1 });
    let streams = shadow.streams();
    // The whole journal: there are no streams yet. Then from the snapshot with those.
    for _ in 0..2 {
        let (engine, sequence) = rebuild(scratch.path(), &|_| ()).unwrap();
        assert_eq!((sequence, engine.state_hash()), (LAST, *hash));
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
