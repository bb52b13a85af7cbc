//! A trade is found again in a journal, with all that a bust needs to know.

use std::path::Path;

use ringside_domain::*;
use ringside_journal::{Journal, SegmentOptions, SegmentSource};
use ringside_replay::{Past, find_trade};
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

/// Match 1: Bob's replacement buys 60 from Alice. Match 2: Alice sells 100 to Bob's third order, which rests.
fn commands() -> Vec<Command> {
    let venue = |action| Command { login: LoginId::VENUE, action };
    let terms = |id: u32, symbol: &[u8; 8]| InstrumentTerms {
        maker_fee_ppm: 100,
        taker_fee_ppm: 250,
        ..InstrumentTerms::plain(InstrumentId(id), Text(*symbol), 2500, 1)
    };
    vec![
        venue(Action::StartSession(1)),
        venue(Action::AddInstrument(terms(1, b"NQH4    "))),
        venue(Action::AddInstrument(terms(2, b"ESH4    "))),
        venue(Action::AddLogin(LoginTerms::plain(ALICE, Text(*b"ALICE "), Text(*b"ALCE")))),
        venue(Action::AddLogin(LoginTerms::plain(BOB, Text(*b"BOB   "), Text(*b"BOBS")))),
        enter(ALICE, 1, b'S', 10_000, "alice sells"),
        enter(BOB, 1, b'B', 7_500, "bob bids"),
        replace(1, 2, 10_000, "bob pays"),
        enter(BOB, 3, b'B', 7_500, "bob bids again"),
        Command {
            login: ALICE,
            action: Action::Cancel(Cancel { user_ref_num: 1, quantity: 0, user_ref_idx: 0 }),
        },
        enter(ALICE, 2, b'S', 7_500, "alice hits"),
    ]
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

/// Fees of the maker and the taker, as the engine of the past has them.
fn fees(data_dir: &Path, price: u64, quantity: u32) -> (u64, u64) {
    let mut past = Past::open(data_dir).unwrap();
    past.run_to(u64::MAX).unwrap();
    past.engine().fees(InstrumentId(2), price, quantity)
}

fn side(login: LoginId, user_ref_num: u32, label: &str, fee: u64) -> BustSide {
    let user_ref_idx = if login == BOB { CHANNEL } else { 0 };
    BustSide { login, user_ref_num, user_ref_idx, client_order_id: Text::new(label).unwrap(), fee }
}

#[test]
fn a_trade_is_found_with_both_sides_their_labels_and_fees() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let (maker, taker) = fees(dir.path(), 10_000, 60);
    let first = Bust {
        match_number: 1,
        instrument: InstrumentId(2),
        price: 10_000,
        quantity: 60,
        reason: b'S',
        buyer: side(BOB, 2, "bob pays", taker),
        seller: side(ALICE, 1, "alice sells", maker),
    };
    assert_eq!(find_trade(dir.path(), 1, b'S').unwrap(), Some(first));

    let (maker, taker) = fees(dir.path(), 7_500, 100);
    let second = Bust {
        match_number: 2,
        price: 7_500,
        quantity: 100,
        reason: b'E',
        buyer: side(BOB, 3, "bob bids again", maker),
        seller: side(ALICE, 2, "alice hits", taker),
        ..first
    };
    assert_eq!(find_trade(dir.path(), 2, b'E').unwrap(), Some(second));
}

#[test]
fn a_number_that_was_never_given_finds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    for match_number in [0, 3, u64::MAX] {
        assert_eq!(find_trade(dir.path(), match_number, b'S').unwrap(), None);
    }
}
