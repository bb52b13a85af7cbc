use ringside_domain::{
    Allocation, AuctionKind, Enter, InstrumentTerms, LoginTerms, MarketState, NO_EXPIRE_AT, OrderOptions,
    Scope, SelfTradePrevention, SetLimits, SetState, Symbol, Text, Username,
};

use rkyv::ser::{allocator::SubAllocator, writer::Buffer};

use super::*;
use crate::format::{RECORD_HEADER_LENGTH, record_length};

/// The payload of a command from the venue, with its padding.
fn encoded(action: Action) -> (Encoded, Vec<u8>) {
    let mut payload = [0; PAYLOAD_LENGTH_MAX];
    let encoded = encode(&Command { login: LoginId::VENUE, action }, &mut payload);
    let mut padded = payload[..encoded.length].to_vec();
    padded.resize(record_length(encoded.length) - RECORD_HEADER_LENGTH, 0);
    (encoded, padded)
}

fn decoded(action: Action, change: impl FnOnce(&mut [u8])) -> Result<Action, PayloadFault> {
    let (encoded, mut padded) = encoded(action);
    change(&mut padded);
    decode(encoded.kind, encoded.version, &padded).map(|command| command.action)
}

fn enter(options: OrderOptions) -> Action {
    Action::Enter(Enter {
        user_ref_num: 1,
        quantity: 2,
        price: 3,
        symbol: Text(*b"ESH4    "),
        client_order_id: Text(*b"client order 1"),
        side: b'B',
        time_in_force: b'0',
        display: b'Y',
        capacity: b'A',
        intermarket_sweep: b'N',
        cross_type: b'N',
        options,
    })
}

#[test]
fn an_order_is_written_in_version_2_as_soon_as_one_option_needs_it() {
    let plain = OrderOptions { post_only: b'P', ..OrderOptions::default() };
    assert_eq!(encoded(enter(plain)).0, Encoded { kind: 1, version: 1, length: 72 });
    let options = [
        OrderOptions { min_quantity: 1, ..plain },
        OrderOptions { max_floor: 1, ..plain },
        OrderOptions { random_reserves: 1, ..plain },
        OrderOptions { price_type: b'L', ..plain },
        OrderOptions { peg_offset: -1, ..plain },
        OrderOptions { discretion_price: 1, ..plain },
        OrderOptions { expire_seconds: 1, ..plain },
        OrderOptions { expire_at: 0, ..plain },
        OrderOptions { expire_at: NO_EXPIRE_AT - 1, ..plain },
        OrderOptions { trigger_price: 1, ..plain },
        OrderOptions { execution: b'M', ..plain },
    ];
    for options in options {
        assert_eq!(encoded(enter(options)).0.version, 2, "{options:?}");
        assert_eq!(decoded(enter(options), |_| ()), Ok(enter(options)));
    }
}

#[test]
fn a_version_1_order_that_asks_for_what_was_not_offered_stays_refused() {
    let Action::Enter(order) = enter(OrderOptions::default()) else { unreachable!() };
    let new = [
        Enter { display: b'N', ..order },
        Enter { time_in_force: b'6', ..order },
        Enter { cross_type: b'O', ..order },
        Enter { options: OrderOptions { min_quantity: 1, ..order.options }, ..order },
    ];
    for order in new {
        let written = encoded(Action::Enter(order)).0;
        assert_eq!(written.version, 2, "{order:?}");
        assert_eq!(decoded(Action::Enter(order), |_| ()), Ok(Action::Enter(order)));
        let old = orders::EnterV1::from_domain(1, &order).to_domain().expect("a whole order");
        let Action::Enter(old) = old.action else { unreachable!() };
        assert_ne!(old.options.refused_tag, 0, "{order:?}");
    }
}

#[test]
fn terms_are_written_in_version_2_only_when_version_1_cannot_say_them() {
    let plain = InstrumentTerms {
        price_decimals: 2,
        quantity_decimals: 3,
        ..InstrumentTerms::plain(InstrumentId(1), Symbol::BLANK, 1, 1)
    };
    assert_eq!(encoded(Action::AddInstrument(plain)).0.version, 1);
    let fees = InstrumentTerms { taker_fee_ppm: 1, ..plain };
    assert_eq!(encoded(Action::ChangeInstrument(fees)).0, Encoded { kind: 13, version: 2, length: 96 });
    assert_eq!(decoded(Action::ChangeInstrument(fees), |_| ()), Ok(Action::ChangeInstrument(fees)));

    let login = LoginTerms {
        cancel_on_disconnect: true,
        ..LoginTerms::plain(LoginId(1), Username::BLANK, Text(*b"FIRM"))
    };
    assert_eq!(encoded(Action::AddLogin(login)).0.version, 1);
    let account = LoginTerms { account: Text(*b"ACCOUNT1"), ..login };
    assert_eq!(encoded(Action::ChangeLogin(account)).0, Encoded { kind: 16, version: 2, length: 32 });
    assert_eq!(decoded(Action::ChangeLogin(account), |_| ()), Ok(Action::ChangeLogin(account)));
    let patient = LoginTerms { disconnect_grace_ms: 5_000, ..login };
    assert_eq!(encoded(Action::AddLogin(patient)).0, Encoded { kind: 15, version: 3, length: 36 });
    assert_eq!(decoded(Action::AddLogin(patient), |_| ()), Ok(Action::AddLogin(patient)));
}

#[test]
fn a_letter_of_the_venue_that_is_none_is_refused() {
    let terms = InstrumentTerms {
        allocation: Allocation::ProRata,
        ..InstrumentTerms::plain(InstrumentId(1), Symbol::BLANK, 1, 1)
    };
    let login = LoginTerms {
        self_trade_prevention: SelfTradePrevention::CancelBoth,
        ..LoginTerms::plain(LoginId(1), Username::BLANK, Text(*b"FIRM"))
    };
    let state = SetState {
        instrument: InstrumentId(1),
        state: MarketState::Halted,
        auction: AuctionKind::Opening,
        call_ns: 0,
        random_ns: 0,
        reason: Text(*b"OPER"),
    };
    let limits = SetLimits { scope: Scope::Login(LoginId(1)), limits: Default::default() };
    let letters = [
        (Action::AddInstrument(terms), 92),
        (Action::AddLogin(login), 28),
        (Action::SetState(state), 28),
        (Action::SetState(state), 29),
        (Action::SetLimits(limits), 28),
    ];
    for (action, offset) in letters {
        for byte in [0, b'?', 255] {
            assert_eq!(
                decoded(action, |bytes| bytes[offset] = byte),
                Err(PayloadFault::Content),
                "{action:?}"
            );
        }
    }
}

#[test]
fn a_name_longer_than_its_scope_is_refused() {
    for scope in [Scope::Login(LoginId(1)), Scope::Firm(Text(*b"FIRM")), Scope::Instrument(InstrumentId(1))] {
        let limits = Action::SetLimits(SetLimits { scope, limits: Default::default() });
        assert_eq!(decoded(limits, |bytes| bytes[24] = 1), Err(PayloadFault::Content), "{scope:?}");
        assert_eq!(decoded(limits, |_| ()), Ok(limits));
    }
}

#[test]
fn the_version_after_the_last_is_newer() {
    for kind in 1..=34 {
        let last = KINDS.iter().filter(|known| known.0 == kind).map(|known| known.1).max().unwrap();
        assert_eq!(decode(kind, last + 1, &[0; 16]), Err(PayloadFault::NewerVersion));
        assert_eq!(decode(kind, 0, &[0; 16]), Err(PayloadFault::NewerVersion));
    }
    assert_eq!(decode(35, 1, &[0; 16]), Err(PayloadFault::UnknownKind));
}

#[test]
fn rules_that_are_not_known_are_newer_and_rules_0_are_damage() {
    let rules = |version: u32| decode(33, 1, &[[0; 4], version.to_le_bytes(), [0; 4], [0; 4]].concat());
    let known = Rules::NEWEST.version();
    assert_eq!(rules(known), Ok(Command { login: LoginId::VENUE, action: Action::SetRules(Rules::NEWEST) }));
    assert_eq!(rules(known + 1), Err(PayloadFault::NewerRules));
    assert_eq!(rules(0), Err(PayloadFault::Content));
}

/// Writes a stored struct as rkyv does.
fn archived<T>(stored: &T) -> Vec<u8>
where
    T: for<'a> rkyv::Serialize<low::LowSerializer<Buffer<'a>, SubAllocator<'a>, Failure>>,
{
    let mut bytes = [0; PAYLOAD_LENGTH_MAX];
    let written = low::to_bytes_in_with_alloc(stored, Buffer::from(&mut bytes[..]), SubAllocator::empty());
    written.unwrap().to_vec()
}

#[test]
fn the_bytes_of_a_stored_struct_are_its_archive() {
    let order = EnterV2::from_domain(
        7,
        &match enter(OrderOptions { peg_offset: -3, ..OrderOptions::default() }) {
            Action::Enter(enter) => enter,
            other => panic!("{other:?}"),
        },
    );
    assert_eq!(order.as_bytes(), archived(&order));
    let number = NumberV1::new(8, 9);
    assert_eq!(number.as_bytes(), archived(&number));
    let login =
        LoginTermsV2::from_domain(1, &LoginTerms::plain(LoginId(3), Text(*b"ALICE "), Text(*b"ALCE")));
    assert_eq!(login.as_bytes(), archived(&login));
}
