//! What the test files share: one command of every kind, and shorthands.
#![allow(dead_code, reason = "each test file uses its part")]

use ringside_domain::*;
use ringside_journal::{Journal, Reader, RecoverError, Recovered, SegmentOptions, SegmentSource, recover};
use ringside_storage::{Dice, Disk, MemoryDisk, Pace, Writer};

pub const EPOCH: u64 = 0x0123_4567_89ab_cdef;
pub const START_NS: u64 = 1_700_000_000_000_000_000;

pub const WRITERS: [Writer; 2] = [Writer::Mapped, Writer::Direct];

/// An empty disk of each kind.
pub fn disks() -> [MemoryDisk; 2] {
    WRITERS.map(|writer| MemoryDisk::default().with_writer(writer))
}

/// The same disk, opened by one writer or the other.
pub fn either(disk: &MemoryDisk, dice: &mut Dice) -> MemoryDisk {
    disk.clone().with_writer(WRITERS[usize::from(dice.flip())])
}

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

/// Every kind of command in every version, every field different from its neighbours.
pub fn every_command() -> Vec<Command> {
    let mut commands = first_commands();
    commands.extend(later_commands());
    commands
}

/// What version 1 of kinds 1 to 18 can say: the commands of `golden/segment-v1.bin`. Nothing is added here.
pub fn first_commands() -> Vec<Command> {
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

/// Options that version 1 of an order cannot say.
fn later_options() -> OrderOptions {
    OrderOptions {
        max_floor: 0x0102_0304,
        random_reserves: 0x1112_1314,
        price_type: b'R',
        peg_offset: -0x0304_0506,
        discretion_price: 0x2122_2324,
        expire_seconds: 0x3132_3334,
        expire_at: 0x4142_4344_4546_4748,
        trigger_price: 0x5152_5354,
        execution: b'F',
        ..options()
    }
}

fn later_instrument() -> InstrumentTerms {
    let range = |n: u32| TickRange { from: 1000 * n, tick: 10 * n };
    InstrumentTerms {
        price_decimals: 2,
        quantity_decimals: 3,
        allocation: Allocation::ProRata,
        tick_ranges: [range(1), range(2), range(3)],
        collar_low: 0x0102_0304,
        collar_high: 0x1112_1314,
        band_bps: 500,
        volatility_call_ms: 120_000,
        random_end_ms: 30_000,
        reference_price: 0x2122_2324,
        base: Text(*b"BTC "),
        quote: Text(*b"EUR "),
        maker_fee_ppm: 100,
        taker_fee_ppm: 250,
        ..InstrumentTerms::plain(InstrumentId(4), Text(*b"BTCEUR  "), 7, 8)
    }
}

fn later_login() -> LoginTerms {
    LoginTerms {
        account: Text(*b"ACCOUNT1"),
        cancel_on_disconnect: true,
        self_trade_prevention: SelfTradePrevention::Decrement,
        ..LoginTerms::plain(LoginId(10), Text(*b"BOB   "), Text(*b"BOBS"))
    }
}

fn later_bust() -> Bust {
    let side = |n: u32, label: &[u8; 14]| BustSide {
        login: LoginId(n),
        user_ref_num: n + 0x100,
        user_ref_idx: n as u8 + 2,
        client_order_id: Text(*label),
        fee: 0x0102_0304_0506_0700 + u64::from(n),
    };
    Bust {
        match_number: 0x1112_1314_1516_1718,
        instrument: InstrumentId(4),
        price: 0x2122_2324,
        quantity: 0x3132_3334,
        reason: b'S',
        buyer: side(9, b"client order 3"),
        seller: side(10, b"client order 4"),
    }
}

/// What needs version 2 or 3, and kinds from 19 on.
fn later_commands() -> Vec<Command> {
    let limits = RiskLimits {
        quantity_max: 11,
        orders_max: 12,
        notional_max: 0x0102_0304_0506_0708,
        position_max: 0x1112_1314_1516_1718,
        rate_per_second: 13,
        rate_burst: 14,
        fat_finger_bps: 15,
    };
    let state = SetState {
        instrument: InstrumentId(4),
        state: MarketState::Auction,
        auction: AuctionKind::Closing,
        call_ns: 0x0102_0304_0506_0708,
        random_ns: 0x1112_1314_1516_1718,
        reason: Text(*b"OPER"),
    };
    let money =
        Transfer { account: Text(*b"ACCOUNT1"), asset: Text(*b"EUR "), amount: 0x0102_0304_0506_0708 };
    let (instrument, firm) = (InstrumentId(4), Scope::Firm(Text(*b"BOBS")));
    let account = Scope::Account(Text(*b"ACCOUNT1"));
    let replace = Replace {
        original: 20,
        user_ref_num: 21,
        quantity: 80,
        price: 1_234_700,
        client_order_id: Text(*b"client order 5"),
        time_in_force: b'6',
        display: b'A',
        intermarket_sweep: b'N',
        options: OrderOptions { expire_at: 0, ..later_options() },
    };
    let actions = [
        Action::AddInstrument(later_instrument()),
        Action::ChangeInstrument(InstrumentTerms { allocation: Allocation::PriceTime, ..later_instrument() }),
        Action::AddLogin(later_login()),
        Action::ChangeLogin(LoginTerms { account: Account::BLANK, ..later_login() }),
        Action::Enter(Enter { options: later_options(), ..enter(20) }),
        Action::Replace(replace),
        Action::Tick,
        Action::SetSeed(0xfedc_ba98_7654_3210),
        Action::SetState(state),
        Action::Uncross(instrument),
        Action::EndOfDay,
        Action::SetLimits(SetLimits { scope: account, limits }),
        Action::Restrict(Restrict { scope: firm, instrument, restricted: true }),
        Action::Kill(Kill { scope: Scope::Instrument(instrument), killed: true }),
        Action::Kill(Kill { scope: Scope::Login(LoginId(10)), killed: false }),
        Action::CancelOrders(CancelOrders { scope: firm, instrument, side: b'S' }),
        Action::Deposit(money),
        Action::Withdraw(Transfer { amount: 7, ..money }),
        Action::Bust(later_bust()),
        Action::SetKey([0x0102_0304_0506_0708, 0xfedc_ba98_7654_3210]),
        Action::Snapshot,
        Action::StateHash(StateHash { sequence: 0x0102_0304_0506_0708, hash: 0x1112_1314_1516_1718 }),
        Action::SetRules(Rules::NEWEST),
        Action::AddLogin(LoginTerms { disconnect_grace_ms: 0x0102_0304, ..later_login() }),
        Action::ChangeLogin(LoginTerms { disconnect_grace_ms: 1, ..later_login() }),
        Action::RollSession,
    ];
    let sender = |action: &Action| matches!(action, Action::Enter(_) | Action::Replace(_));
    let login = |action: &Action| LoginId(if sender(action) { 7 } else { 0 });
    actions.into_iter().map(|action| Command { login: login(&action), action }).collect()
}

/// The command that goes with a sequence, different for each sequence.
pub fn command(sequence: u64) -> Command {
    let commands = every_command();
    let mut command = commands[sequence as usize % commands.len()];
    command.login = LoginId(sequence as u32);
    command
}

/// The `n`-th command as a plain order, the most frequent record.
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
