//! What the test files share: one command of every kind, and shorthands.
#![allow(dead_code, reason = "each test file uses its part")]

use ringside_domain::*;
use ringside_journal::{Journal, Reader, RecoverError, Recovered, SegmentOptions, SegmentSource, recover};
use ringside_storage::{Disk, MemoryDisk, Pace};

pub const EPOCH: u64 = 0x0123_4567_89ab_cdef;
pub const START_NS: u64 = 1_700_000_000_000_000_000;

fn enter(user_ref_num: u32) -> Enter {
    Enter {
        user_ref_num,
        quantity: 100,
        price: 1_234_500,
        symbol: Text(*b"ESH4    "),
        client_order_id: Text(*b"client order 1"),
        side: b'B',
        time_in_force: b'0',
        display: b'Y',
        capacity: b'A',
        intermarket_sweep: b'N',
        cross_type: b'N',
        options: options(),
    }
}

fn options() -> OrderOptions {
    OrderOptions {
        user_ref_idx: 1,
        refused_tag: 2,
        customer_type: b'R',
        post_only: b'P',
        shares_located: b'Y',
        side: b'S',
        group_id: 0x0304,
        firm: Text(*b"FIRM"),
        locate_broker: Text(*b"LOCA"),
        min_quantity: 50,
        ..OrderOptions::default()
    }
}

/// Every kind of command, every field different from its neighbours.
pub fn every_command() -> Vec<Command> {
    let terms = InstrumentTerms {
        instrument: InstrumentId(3),
        symbol: Text(*b"ESH4    "),
        tick: 2500,
        lot: 10,
        price_decimals: 4,
        quantity_decimals: 1,
        ..InstrumentTerms::plain(InstrumentId(0), Symbol::BLANK, 1, 1)
    };
    let login = LoginTerms {
        login: LoginId(9),
        username: Text(*b"ALICE "),
        firm: Text(*b"ALCE"),
        cancel_on_disconnect: true,
        ..LoginTerms::plain(LoginId(0), Username::BLANK, Firm::BLANK)
    };
    let switch = EntrySwitch { user_ref_num: 15, firm: Text(*b"FIRM"), user_ref_idx: 4 };
    let replace = Replace {
        original: 10,
        user_ref_num: 11,
        quantity: 90,
        price: 1_234_600,
        client_order_id: Text(*b"client order 2"),
        time_in_force: b'3',
        display: b'N',
        intermarket_sweep: b'Y',
        options: options(),
    };
    let mass = MassCancel {
        user_ref_num: 14,
        firm: Text(*b"FIRM"),
        symbol: Text(*b"NQH4    "),
        side: b'T',
        group_id: Some(0x0506),
        user_ref_idx: Some(0),
    };
    let actions = [
        Action::StartSession(1),
        Action::AddInstrument(terms),
        Action::ChangeInstrument(InstrumentTerms { tick: 5000, ..terms }),
        Action::RemoveInstrument(InstrumentId(3)),
        Action::AddLogin(login),
        Action::ChangeLogin(LoginTerms { cancel_on_disconnect: false, ..login }),
        Action::RemoveLogin(LoginId(9)),
        Action::StorageFull(true),
        Action::Connect,
        Action::Enter(enter(10)),
        Action::Replace(replace),
        Action::Cancel(Cancel { user_ref_num: 12, quantity: 5, user_ref_idx: 2 }),
        Action::Modify(Modify { user_ref_num: 13, quantity: 6, side: b'E', user_ref_idx: 3 }),
        Action::MassCancel(mass),
        Action::MassCancel(MassCancel { group_id: None, user_ref_idx: None, ..mass }),
        Action::DisableEntry(switch),
        Action::EnableEntry(EntrySwitch { user_ref_num: 16, ..switch }),
        Action::AccountQuery(AccountQuery { user_ref_idx: 5 }),
        Action::Disconnect,
    ];
    let commands = actions.into_iter().enumerate();
    commands.map(|(n, action)| Command { login: LoginId(if n < 8 { 0 } else { 7 }), action }).collect()
}

/// The command that goes with a sequence, different for each sequence.
pub fn command(sequence: u64) -> Command {
    let commands = every_command();
    let mut command = commands[sequence as usize % commands.len()];
    command.login = LoginId(sequence as u32);
    command
}

/// The `n`-th command as an order, the most frequent and longest record.
pub fn order(sequence: u64) -> Command {
    Command { login: LoginId(7), action: Action::Enter(enter(sequence as u32)) }
}

pub fn options_of(length: u64) -> SegmentOptions {
    SegmentOptions { length, ahead: 1, pace: Pace::Unpaced }
}

pub fn create<D: Disk>(disk: &D, length: u64) -> Journal<D> {
    let source = SegmentSource::inline(disk.clone(), options_of(length), 1);
    Journal::create(source, EPOCH, START_NS).unwrap()
}

pub fn resume<D: Disk>(disk: &D, recovered: &Recovered, length: u64) -> Journal<D> {
    let source = SegmentSource::inline(disk.clone(), options_of(length), recovered.next_segment());
    Journal::resume(disk, recovered, source, START_NS).unwrap()
}

/// Appends the sequences up to `last`.
pub fn append_to<D: Disk>(journal: &mut Journal<D>, last: u64) {
    for sequence in journal.written_sequence() + 1..=last {
        journal.append(sequence, START_NS + sequence, &command(sequence)).unwrap();
    }
}

/// Appends one more.
pub fn append_one<D: Disk>(journal: &mut Journal<D>) {
    let next = journal.written_sequence() + 1;
    append_to(journal, next);
}

/// Every command of a journal is the one that was appended there; how many there are.
pub fn read_all<D: Disk>(disk: &D) -> Result<u64, RecoverError> {
    let mut last = 0;
    for entry in Reader::open(disk.clone()) {
        let entry = entry?;
        last += 1;
        assert_eq!((entry.sequence, entry.command), (last, command(last)));
        assert_eq!(entry.time_ns, START_NS + last);
    }
    Ok(last)
}

/// Recovers; what is recovered reads as what was appended.
pub fn recovered_last(disk: &MemoryDisk) -> Result<u64, RecoverError> {
    let last = recover(disk)?.last_sequence();
    assert_eq!(read_all(disk), Ok(last), "recovery and reader agree");
    Ok(last)
}
