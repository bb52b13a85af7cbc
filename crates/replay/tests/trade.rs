//! A trade is found again in a journal, with all that a bust needs to know.

use std::path::Path;

use ringside_domain::*;
use ringside_engine::{Engine, Limits};
use ringside_journal::{Journal, SegmentOptions, SegmentSource};
use ringside_replay::find_trade;
use ringside_storage::{Directory, Pace};

const ALICE: LoginId = LoginId(1);
const BOB: LoginId = LoginId(2);
const CHANNEL: u8 = 7;

fn enter(login: LoginId, user_ref_num: u32, side: u8, price: u64, label: &str) -> Command {
    let enter = Enter {
        user_ref_num,
        quantity: 100,
        price,
        symbol: Text(*b"ESH4    "),
        client_order_id: Text::new(label).unwrap(),
        side,
        time_in_force: b'0',
        display: b'Y',
        capacity: b'A',
        intermarket_sweep: b'N',
        cross_type: b'N',
        options: OrderOptions {
            user_ref_idx: if login == BOB { CHANNEL } else { 0 },
            ..OrderOptions::default()
        },
    };
    Command { login, action: Action::Enter(enter) }
}

fn replace(original: u32, user_ref_num: u32, price: u64, label: &str) -> Command {
    let replace = Replace {
        original,
        user_ref_num,
        quantity: 60,
        price,
        client_order_id: Text::new(label).unwrap(),
        time_in_force: b'0',
        display: b'Y',
        intermarket_sweep: b'N',
        options: OrderOptions { user_ref_idx: CHANNEL, ..OrderOptions::default() },
    };
    Command { login: BOB, action: Action::Replace(replace) }
}

fn venue(action: Action) -> Command {
    Command { login: LoginId::VENUE, action }
}

/// An instrument that is paid for out of balances, so that trades have fees.
fn terms(id: u32, symbol: &[u8; 8]) -> InstrumentTerms {
    InstrumentTerms {
        base: Text(*b"FUT "),
        quote: Text(*b"USD "),
        maker_fee_ppm: 100,
        taker_fee_ppm: 250,
        ..InstrumentTerms::plain(InstrumentId(id), Text(*symbol), 2500, 1)
    }
}

fn deposits() -> Vec<Command> {
    let pairs =
        [(b"ALICE   ", b"FUT "), (b"ALICE   ", b"USD "), (b"BOB     ", b"FUT "), (b"BOB     ", b"USD ")];
    let deposit = |(account, asset): (&[u8; 8], &[u8; 4])| {
        venue(Action::Deposit(Transfer { account: Text(*account), asset: Text(*asset), amount: 1 << 40 }))
    };
    pairs.into_iter().map(deposit).collect()
}

/// Match 1: Bob's replacement buys 60 from Alice. Match 2: Alice sells 100 to Bob's third order, which rests. Match 3: an
/// opening auction, in which Alice buys 100 from Bob.
fn commands() -> Vec<Command> {
    let opening = SetState {
        instrument: InstrumentId(2),
        state: MarketState::Auction,
        auction: AuctionKind::Opening,
        call_ns: 0,
        random_ns: 0,
        reason: Reason::BLANK,
    };
    let cancel = Action::Cancel(Cancel { user_ref_num: 1, quantity: 0, user_ref_idx: 0 });
    let mut commands = vec![
        venue(Action::StartSession(1)),
        venue(Action::AddInstrument(terms(1, b"NQH4    "))),
        venue(Action::AddInstrument(terms(2, b"ESH4    "))),
        venue(Action::AddLogin(LoginTerms::plain(ALICE, Text(*b"ALICE "), Text(*b"ALCE")))),
        venue(Action::AddLogin(LoginTerms::plain(BOB, Text(*b"BOB   "), Text(*b"BOBS")))),
    ];
    commands.extend(deposits());
    commands.extend([
        enter(ALICE, 1, b'S', 10_000, "alice sells"),
        enter(BOB, 1, b'B', 7_500, "bob bids"),
        replace(1, 2, 10_000, "bob pays"),
        enter(BOB, 3, b'B', 7_500, "bob bids again"),
        Command { login: ALICE, action: cancel },
        enter(ALICE, 2, b'S', 7_500, "alice hits"),
        venue(Action::SetState(opening)),
        enter(BOB, 4, b'S', 12_500, "bob opens"),
        enter(ALICE, 3, b'B', 12_500, "alice opens"),
        venue(Action::Uncross(InstrumentId(2))),
    ]);
    commands
}

fn write(data_dir: &Path) {
    let disk = Directory::create(&data_dir.join("journal")).unwrap();
    let options = SegmentOptions { length: 1 << 20, ahead: 1, pace: Pace::Unpaced };
    let mut journal = Journal::create(SegmentSource::inline(disk, options, 1), 5, 1).unwrap();
    for (sequence, command) in (1..).zip(commands()) {
        journal.append(sequence, sequence, &command).unwrap();
    }
    journal.close().unwrap();
}

fn side(login: LoginId, user_ref_num: u32, label: &str, fee: u64) -> BustSide {
    let user_ref_idx = if login == BOB { CHANNEL } else { 0 };
    BustSide { login, user_ref_num, user_ref_idx, client_order_id: Text::new(label).unwrap(), fee }
}

#[test]
fn a_trade_is_found_with_both_sides_their_labels_and_fees() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let first = Bust {
        match_number: 1,
        instrument: InstrumentId(2),
        price: 10_000,
        quantity: 60,
        reason: b'S',
        buyer: side(BOB, 2, "bob pays", 150),
        seller: side(ALICE, 1, "alice sells", 60),
    };
    assert_eq!(find_trade(dir.path(), 1, b'S').unwrap(), Some(first));

    let second = Bust {
        match_number: 2,
        price: 7_500,
        quantity: 100,
        reason: b'E',
        buyer: side(BOB, 3, "bob bids again", 75),
        seller: side(ALICE, 2, "alice hits", 187),
        ..first
    };
    assert_eq!(find_trade(dir.path(), 2, b'E').unwrap(), Some(second));

    let opening = Bust {
        match_number: 3,
        price: 12_500,
        quantity: 100,
        buyer: side(ALICE, 3, "alice opens", 125),
        seller: side(BOB, 4, "bob opens", 125),
        ..first
    };
    assert_eq!(find_trade(dir.path(), 3, b'S').unwrap(), Some(opening), "in an auction both pay as makers");
}

/// The engine takes the trade back from what was found, and the money is where it was.
#[test]
fn what_is_found_breaks_the_trade() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let mut engine = Engine::new(Limits::default());
    let mut events = Vec::new();
    for match_number in [3, 1, 2] {
        let bust = find_trade(dir.path(), match_number, b'S').unwrap().unwrap();
        if events.is_empty() {
            commands().iter().for_each(|command| engine.apply(1, command, &mut |_: Event| ()));
        }
        engine.apply(2, &venue(Action::Bust(bust)), &mut |event: Event| events.push(event));
    }
    let broken = |event: &&Event| matches!(event.fact, Fact::Broken { .. });
    assert_eq!(events.iter().filter(broken).count(), 6, "{events:?}");
    assert_eq!(engine.busted().collect::<Vec<_>>(), [1, 2, 3]);
    for balance in engine.balance_states() {
        assert_eq!((balance.available, balance.reserved), (1 << 40, 0), "{balance:?}");
    }
}

#[test]
fn a_number_that_was_never_given_finds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    for match_number in [0, 4, u64::MAX] {
        assert_eq!(find_trade(dir.path(), match_number, b'S').unwrap(), None);
    }
}
