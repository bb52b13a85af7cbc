//! What was written is what is read, and nothing else is read at all.

mod common;

use common::*;
use ringside_domain::*;
use ringside_engine::Engine;
use ringside_sim::random::RandomShape;
use ringside_snapshot::format::{HEADER_CHECKED, HEADER_LENGTH};
use ringside_snapshot::{Damage, Generations, SnapshotError, file_name};
use ringside_storage::MemoryDisk;

#[test]
fn an_engine_that_was_loaded_goes_on_like_the_one_that_was_written() {
    for (name, shape) in RandomShape::presets() {
        for commands in [0, 300, 4_000, 15_000] {
            let mut day = Day::after(commands, 3, shape);
            let generations = Generations::new(MemoryDisk::default());
            let header = day.publish(&generations, 77);
            let mut loaded = generations.load(77, day.limits).unwrap();
            assert_eq!((loaded.header, &loaded.streams), (header, &day.streams()), "{name}");
            loaded.verify().unwrap();
            loaded.engine.assert_consistent();
            for n in 0..3_000 {
                let (time_ns, command) = day.next();
                let (expected, found) =
                    (apply(&mut day.engine, time_ns, &command), apply(&mut loaded.engine, time_ns, &command));
                assert_eq!(found, expected, "{name} after {commands}: {n} {command:?}");
            }
            assert_eq!(loaded.engine.state_hash(), day.engine.state_hash(), "{name} after {commands}");
        }
    }
}

#[test]
fn the_same_state_is_the_same_file_wherever_it_came_from() {
    let day = Day::after(5_000, 9, RandomShape::everything());
    let (first, second) = (MemoryDisk::default(), MemoryDisk::default());
    day.publish(&Generations::new(first.clone()), 5);
    let loaded = Generations::new(first.clone()).load(5, day.limits).unwrap();
    let again = Day { engine: loaded.engine, ..day };
    again.publish(&Generations::new(second.clone()), 5);
    assert_eq!(first.contents(&file_name(5)), second.contents(&file_name(5)));
}

/// A small snapshot with something in every section.
fn small() -> (Vec<u8>, Day) {
    let mut day = Day::after(800, 1, RandomShape::everything());
    everything_of_the_operator(&mut day.engine);
    let disk = MemoryDisk::default();
    day.publish(&Generations::new(disk.clone()), 5);
    (disk.contents(&file_name(5)).unwrap(), day)
}

/// Limits, a kill switch, a restriction, a balance and a broken trade, whatever the flow has done.
fn everything_of_the_operator(engine: &mut Engine) {
    let (time_ns, trades) = (engine.venue_state().time_ns, engine.venue_state().trades);
    let owner = engine.logins().iter().max_by_key(|login| login.live_orders).expect("a login").terms;
    let (instrument, scope) = (InstrumentId(1), Scope::Login(owner.login));
    let side = BustSide {
        login: owner.login,
        user_ref_num: 1,
        user_ref_idx: 0,
        client_order_id: Default::default(),
        fee: 0,
    };
    let bust = Bust {
        match_number: trades,
        instrument,
        price: 5,
        quantity: 6,
        reason: b'E',
        buyer: side,
        seller: side,
    };
    let limits = RiskLimits { orders_max: 900, rate_per_second: 7, ..RiskLimits::default() };
    let money = Transfer { account: Text(*b"ACCOUNT1"), asset: Text(*b"USD "), amount: u64::MAX };
    let actions = [
        Action::SetLimits(SetLimits { scope, limits }),
        Action::Restrict(Restrict { scope, instrument, restricted: true }),
        Action::Kill(Kill { scope: Scope::Firm(Text(*b"NONE")), killed: true }),
        Action::Deposit(money),
        Action::Deposit(money),
        Action::Bust(bust),
    ];
    for action in actions {
        let command = Command { login: LoginId::VENUE, action };
        let refused = |event: &Event| matches!(event.fact, Fact::Refused(why) if why != VenueRefusal::Broken);
        assert!(!apply(engine, time_ns, &command).iter().any(refused), "{action:?}");
    }
    let some = [
        engine.limits_states().count(),
        engine.killed_scopes().count(),
        engine.exposure_states().count(),
        engine.restrictions().count(),
        engine.balance_states().count(),
        engine.busted().count(),
    ];
    assert!(some.iter().all(|count| *count > 0), "{some:?}");
}

fn read(bytes: Vec<u8>, day: &Day) -> Result<u64, SnapshotError> {
    let disk = MemoryDisk::default();
    disk.put(&file_name(5), bytes);
    Generations::new(disk).load(5, day.limits).map(|loaded| loaded.engine.state_hash())
}

#[test]
fn every_flipped_bit_is_refused_with_file_and_offset() {
    let (bytes, day) = small();
    assert_eq!(read(bytes.clone(), &day), Ok(day.engine.state_hash()));
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let Err(SnapshotError::Damaged { file, offset, .. }) = read(damaged, &day) else {
            panic!("bit {bit} of {} was not missed", bytes.len() * 8);
        };
        assert!(file == file_name(5) && offset <= bytes.len() as u64);
    }
}

#[test]
fn every_shorter_or_longer_file_is_refused() {
    let (bytes, day) = small();
    for length in 0..bytes.len() {
        assert!(read(bytes[..length].to_vec(), &day).is_err(), "{length} bytes");
    }
    let longer = [bytes, vec![0]].concat();
    let Err(SnapshotError::Damaged { damage, .. }) = read(longer, &day) else { panic!("a longer file") };
    assert!(matches!(damage, Damage::Length { .. }), "{damage}");
}

/// A header with a right checksum over wrong fields.
fn forged(mut bytes: Vec<u8>, at: usize, value: &[u8]) -> Vec<u8> {
    bytes[at..at + value.len()].copy_from_slice(value);
    let crc = crc32fast::hash(&bytes[..HEADER_CHECKED]);
    bytes[HEADER_CHECKED..HEADER_CHECKED + 4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

#[test]
fn what_is_not_for_this_program_is_refused_by_name() {
    let (bytes, day) = small();
    let damage = |at: usize, value: &[u8]| match read(forged(bytes.clone(), at, value), &day) {
        Err(SnapshotError::Damaged { damage, .. }) => damage,
        other => panic!("{other:?}"),
    };
    assert_eq!(damage(8, &[3, 0]), Damage::Version { found: 3 });
    assert_eq!(damage(8, &[0, 0]), Damage::Version { found: 0 });
    assert_eq!(damage(10, &[1, 2]), Damage::ByteOrder);
    assert_eq!(damage(80, &[9, 0, 0, 0]), Damage::Rules { found: 9 });
    // Another sequence than the name says, a length, an offset of a section, a number of records.
    assert_eq!(damage(24, &[6]), Damage::Senseless);
    assert_eq!(damage(12, &[1]), Damage::Senseless);
    assert_eq!(damage(104 + 8, &[1]), Damage::Senseless);
    assert_eq!(damage(104 + 16, &u64::MAX.to_le_bytes()), Damage::Senseless);
    // The state hash is compared when asked for.
    let disk = MemoryDisk::default();
    disk.put(&file_name(5), forged(bytes, 64, &[0; 8]));
    let loaded = Generations::new(disk).load(5, day.limits).unwrap();
    let Err(SnapshotError::Damaged { damage, .. }) = loaded.verify() else { panic!("another state hash") };
    assert!(matches!(damage, Damage::StateHash { found: 0, .. }), "{damage}");
}

#[test]
fn arbitrary_records_under_right_checksums_are_refused_or_an_engine_but_never_a_panic() {
    let (bytes, day) = small();
    let mut dice = ringside_storage::Dice::new(4);
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut forged = bytes.clone();
        for _ in 0..=dice.below(3) {
            let at = HEADER_LENGTH + dice.below((bytes.len() - HEADER_LENGTH) as u64) as usize;
            forged[at] = dice.roll() as u8;
        }
        refused += u32::from(read(resealed(forged), &day).is_err());
    }
    assert!(refused > 1_000, "only {refused} were refused");
}

/// Computes all checksums anew.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let u64_at = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let offsets: Vec<usize> = (0..13).map(|n| u64_at(&bytes, 104 + 32 * n + 8)).collect();
    for n in 0..13 {
        let end = offsets.get(n + 1).copied().unwrap_or(bytes.len());
        let crc = crc32fast::hash(&bytes[offsets[n]..end]);
        bytes[104 + 32 * n + 4..104 + 32 * n + 8].copy_from_slice(&crc.to_le_bytes());
    }
    forged(bytes, 0, b"RINGSNAP")
}
