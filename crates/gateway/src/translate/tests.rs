use ringside_domain::{
    Accepted, CancelReason, ClientOrderId, Event, Fact, Firm, InstrumentId, Liquidity, LoginId, MarketFact,
    SelfTradePrevention, Side, Symbol, Text, UserRefNum, VenueRefusal,
};
use ringside_wire::ouch::{Reply, TagBuffer, decode_reply};

use super::*;

fn buffer(tags: &[Tag]) -> TagBuffer {
    let mut buffer = TagBuffer::new();
    tags.iter().for_each(|tag| buffer.push(*tag));
    buffer
}

/// What an Enter with these tags asks for.
fn entered(tags: &[Tag]) -> OrderOptions {
    let buffer = buffer(tags);
    let request = Request::Enter(ouch::Enter {
        user_ref_num: 1,
        side: b'B',
        quantity: 100,
        symbol: Symbol::BLANK,
        price: 10_000,
        time_in_force: b'0',
        display: b'Y',
        capacity: b'A',
        intermarket_sweep: b'N',
        cross_type: b'N',
        client_order_id: ClientOrderId::BLANK,
        tags: buffer.as_tags(),
    });
    match decoded(&request) {
        Action::Enter(enter) => enter.options,
        other => panic!("not an Enter: {other:?}"),
    }
}

/// What a Replace with these tags asks for.
fn replaced(tags: &[Tag]) -> OrderOptions {
    let buffer = buffer(tags);
    let request = Request::Replace(ouch::Replace {
        original: 1,
        user_ref_num: 2,
        quantity: 100,
        price: 10_000,
        time_in_force: b'0',
        display: b'Y',
        intermarket_sweep: b'N',
        client_order_id: ClientOrderId::BLANK,
        tags: buffer.as_tags(),
    });
    match decoded(&request) {
        Action::Replace(replace) => replace.options,
        other => panic!("not a Replace: {other:?}"),
    }
}

fn decoded(request: &Request<'_>) -> Action {
    let mut bytes = Vec::new();
    request.encode(&mut bytes);
    action(&bytes).unwrap()
}

const NONE: OrderOptions = OrderOptions {
    user_ref_idx: 0,
    refused_tag: 0,
    customer_type: 0,
    post_only: 0,
    shares_located: 0,
    side: 0,
    group_id: 0,
    firm: Firm::BLANK,
    locate_broker: Firm::BLANK,
    min_quantity: 0,
    max_floor: 0,
    random_reserves: 0,
    price_type: 0,
    peg_offset: 0,
    discretion_price: 0,
    expire_seconds: 0,
    expire_at: NO_EXPIRE_AT,
    trigger_price: 0,
    execution: 0,
};

#[test]
fn every_offered_tag_has_its_option_in_enter_and_replace() {
    let tags = [
        (Tag::MinQuantity(50), OrderOptions { min_quantity: 50, ..NONE }),
        (Tag::MaxFloor(10), OrderOptions { max_floor: 10, ..NONE }),
        (Tag::PriceType(b'L'), OrderOptions { price_type: b'L', ..NONE }),
        (Tag::PriceType(b'P'), OrderOptions { price_type: b'P', ..NONE }),
        (Tag::PriceType(b'M'), OrderOptions { price_type: b'M', ..NONE }),
        (Tag::PriceType(b'R'), OrderOptions { price_type: b'R', ..NONE }),
        (Tag::PegOffset(-2500), OrderOptions { peg_offset: -2500, ..NONE }),
        (Tag::DiscretionPrice(10_100), OrderOptions { discretion_price: 10_100, ..NONE }),
        (Tag::PostOnly(b'P'), OrderOptions { post_only: b'P', ..NONE }),
        (Tag::RandomReserves(5), OrderOptions { random_reserves: 5, ..NONE }),
        (Tag::ExpireTime(60), OrderOptions { expire_seconds: 60, ..NONE }),
        (Tag::SharesLocated(b'Y'), OrderOptions { shares_located: b'Y', ..NONE }),
        (Tag::LocateBroker(Text(*b"LOCA")), OrderOptions { locate_broker: Text(*b"LOCA"), ..NONE }),
        (Tag::UserRefIdx(7), OrderOptions { user_ref_idx: 7, ..NONE }),
        (Tag::ExpireAt(0), OrderOptions { expire_at: 0, ..NONE }),
        (Tag::ExpireAt(NO_EXPIRE_AT - 1), OrderOptions { expire_at: NO_EXPIRE_AT - 1, ..NONE }),
        (Tag::TriggerPrice(9_900), OrderOptions { trigger_price: 9_900, ..NONE }),
        (Tag::Execution(b'F'), OrderOptions { execution: b'F', ..NONE }),
        (Tag::Execution(b'M'), OrderOptions { execution: b'M', ..NONE }),
    ];
    for (tag, options) in tags {
        assert_eq!((entered(&[tag]), replaced(&[tag])), (options, options), "{tag:?}");
    }
    assert_eq!(entered(&[Tag::Firm(Text(*b"FIRM"))]), OrderOptions { firm: Text(*b"FIRM"), ..NONE });
    assert_eq!(entered(&[Tag::CustomerType(b'R')]), OrderOptions { customer_type: b'R', ..NONE });
    assert_eq!(entered(&[Tag::GroupId(9)]), OrderOptions { group_id: 9, ..NONE });
    assert_eq!(replaced(&[Tag::Side(b'T')]), OrderOptions { side: b'T', ..NONE });
}

#[test]
fn a_tag_at_its_default_says_nothing() {
    let tags = [
        Tag::MinQuantity(0),
        Tag::MaxFloor(0),
        Tag::PegOffset(0),
        Tag::DiscretionPrice(0),
        Tag::DiscretionPriceType(b'L'),
        Tag::DiscretionPegOffset(0),
        Tag::RandomReserves(0),
        Tag::ExpireTime(0),
        Tag::TradeNow(b' '),
        Tag::TradeNow(b'N'),
        Tag::HandleInst(b' '),
    ];
    for tag in tags {
        assert_eq!((entered(&[tag]), replaced(&[tag])), (NONE, NONE), "{tag:?}");
    }
}

#[test]
fn a_value_that_is_not_offered_names_its_tag() {
    let tags = [
        Tag::PriceType(b'Q'),
        Tag::PriceType(b'm'),
        Tag::PriceType(0),
        Tag::DiscretionPriceType(b'M'),
        Tag::DiscretionPegOffset(1),
        Tag::TradeNow(b'Y'),
        Tag::HandleInst(b'I'),
        Tag::HandleInst(0),
        Tag::PostOnly(0),
        Tag::ExpireAt(u64::MAX),
        Tag::TriggerPrice(0),
        Tag::Execution(0),
    ];
    for tag in tags {
        assert_eq!(entered(&[tag]).refused_tag, tag.number(), "{tag:?}");
        assert_eq!(replaced(&[tag]).refused_tag, tag.number(), "{tag:?}");
    }
    let first = [Tag::MaxFloor(10), Tag::TradeNow(b'Y'), Tag::PriceType(b'Q'), Tag::UserRefIdx(7)];
    let options = entered(&first);
    assert_eq!((options.refused_tag, options.user_ref_idx, options.max_floor), (16, 7, 10));
    assert_eq!(entered(&[Tag::Side(b'S')]).refused_tag, 27, "for Replace alone");
    assert_eq!(replaced(&[Tag::GroupId(1)]).refused_tag, 24, "for Enter alone");
}

#[test]
fn prices_beyond_the_options_become_their_largest_value() {
    let largest = u64::from(u32::MAX);
    for price in [largest, largest + 1, largest + 10_000, u64::MAX] {
        assert_eq!(entered(&[Tag::DiscretionPrice(price)]).discretion_price, u32::MAX);
        assert_eq!(entered(&[Tag::TriggerPrice(price)]).trigger_price, u32::MAX);
    }
    assert_eq!(entered(&[Tag::TriggerPrice(largest - 1)]).trigger_price, u32::MAX - 1);
}

const TIME_NS: u64 = ringside_domain::limits::DAY_NS + 0x0102_0304_0506;
const STAMP: [u8; 8] = [0, 0, 1, 2, 3, 4, 5, 6];

/// Bytes of the reply to an event on a channel, without its letter, timestamp and UserRefNum.
fn reply(letter: u8, user_ref_idx: u8, fact: Fact) -> Vec<u8> {
    let event = Event { login: LoginId(3), user_ref_idx, fact };
    assert!(has_reply(&event));
    let mut bytes = Vec::new();
    put_reply(TIME_NS, &event, &mut bytes);
    let reply = decode_reply(&bytes).unwrap();
    assert_eq!(reply.tags().first_problem(letter, false), None, "{reply:?}");
    assert_eq!(reply.user_ref_idx(), user_ref_idx);
    assert_eq!((bytes[0], &bytes[1..9]), (letter, &STAMP[..]));
    assert_eq!(bytes[9..13], URN.to_be_bytes());
    bytes.split_off(13)
}

const URN: UserRefNum = 0x2021_2223;
const CHANNEL: &[u8] = &[2, 28, 7];

#[test]
fn prevented_is_a_self_match_with_the_letter_of_the_mode() {
    let modes = [
        (SelfTradePrevention::CancelOldest, b'O'),
        (SelfTradePrevention::CancelNewest, b'N'),
        (SelfTradePrevention::CancelBoth, b'B'),
        (SelfTradePrevention::Decrement, b'D'),
    ];
    for (mode, strategy) in modes {
        let fact = Fact::Prevented {
            user_ref_num: URN,
            quantity: 300,
            prevented: 200,
            price: 0x0102_0304,
            liquidity: Liquidity::Removed,
            mode,
        };
        let fields =
            [&[0, 0, 1, 44, b'Q', 0, 0, 0, 200, 0, 0, 0, 0, 1, 2, 3, 4, b'R', strategy][..]].concat();
        assert_eq!(reply(b'D', 0, fact), fields);
        assert_eq!(reply(b'D', 7, fact), [&fields[..], &[0, 3], CHANNEL].concat());
    }
}

#[test]
fn refreshed_is_a_restatement_with_tags_22_and_1_and_the_channel_last() {
    let fact = Fact::Refreshed { user_ref_num: URN, displayed: 100, public_ref: 0x0102_0304_0506_0708 };
    let tags = [5, 22, 0, 0, 0, 100, 9, 1, 1, 2, 3, 4, 5, 6, 7, 8];
    assert_eq!(reply(b'R', 0, fact), [&[b'R', 0, 16][..], &tags].concat());
    assert_eq!(reply(b'R', 7, fact), [&[b'R', 0, 19][..], &tags, CHANNEL].concat());
}

#[test]
fn repriced_is_a_restatement_with_tag_23() {
    let fact = Fact::Repriced { user_ref_num: URN, price: 0 };
    let tags = [9, 23, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(reply(b'R', 0, fact), [&[b'P', 0, 10][..], &tags].concat());
    assert_eq!(reply(b'R', 7, fact), [&[b'P', 0, 13][..], &tags, CHANNEL].concat());
}

#[test]
fn triggered_is_a_priority_update_with_the_same_number() {
    let fact = Fact::Triggered { user_ref_num: URN, price: 2_000_000_000, display: b'A', order_ref: 0x0102 };
    let fields = [0, 0, 0, 0, 0x77, 0x35, 0x94, 0, b'A', 0, 0, 0, 0, 0, 0, 1, 2];
    assert_eq!(reply(b'T', 0, fact), fields);
    assert_eq!(reply(b'T', 7, fact), [&fields[..], &[0, 3], CHANNEL].concat());
}

#[test]
fn broken_names_the_match_and_the_label() {
    let client_order_id = Text(*b"client order 1");
    let fact = Fact::Broken { user_ref_num: URN, match_number: 0x0304, reason: b'S', client_order_id };
    let fields = [&[0, 0, 0, 0, 0, 0, 3, 4, b'S'][..], b"client order 1"].concat();
    assert_eq!(reply(b'B', 0, fact), fields);
    assert_eq!(reply(b'B', 7, fact), [&fields[..], &[0, 3], CHANNEL].concat());
}

#[test]
fn auctions_and_new_reasons_have_their_letters() {
    let executed =
        |liquidity| Fact::Executed { user_ref_num: URN, quantity: 1, price: 1, liquidity, match_number: 1 };
    for (liquidity, letter) in
        [(Liquidity::Opening, b'O'), (Liquidity::Closing, b'C'), (Liquidity::Halt, b'H')]
    {
        assert_eq!(reply(b'E', 0, executed(liquidity))[12], letter);
    }
    for (reason, letter) in [(CancelReason::Cross, b'C'), (CancelReason::Collar, b'K')] {
        let fact = Fact::Canceled { user_ref_num: URN, quantity: 1, reason };
        assert_eq!(reply(b'C', 0, fact), [0, 0, 0, 1, letter]);
    }
}

/// An order with every tag.
fn order(original: UserRefNum) -> Accepted {
    Accepted {
        original,
        user_ref_num: 9,
        quantity: 100,
        price: 10_000,
        order_ref: 5,
        symbol: Symbol::BLANK,
        client_order_id: ClientOrderId::BLANK,
        side: Side::Buy,
        time_in_force: b'6',
        display: b'Y',
        capacity: b'A',
        intermarket_sweep: b'N',
        cross_type: b'N',
        customer_type: b'R',
        post_only: b'P',
        shares_located: b'Y',
        price_type: b'R',
        group_id: 3,
        firm: Text(*b"FIRM"),
        min_quantity: 50,
        max_floor: 10,
        peg_offset: -1,
        discretion_price: 10_100,
        random_reserves: 5,
        expire_seconds: 60,
    }
}

fn echoed(order: Accepted, user_ref_idx: u8) -> Vec<Tag> {
    let event = Event { login: LoginId(3), user_ref_idx, fact: Fact::Accepted(order) };
    let mut bytes = Vec::new();
    put_reply(TIME_NS, &event, &mut bytes);
    let reply = decode_reply(&bytes).unwrap();
    assert_eq!(reply.tags().first_problem(reply.kind(), false), None);
    assert_eq!(matches!(reply, Reply::Replaced(_)), order.original != 0);
    reply.tags().iter().map(|tag| tag.unwrap()).collect()
}

#[test]
fn accepted_echoes_what_was_given() {
    let tags = [
        Tag::UserRefIdx(7),
        Tag::Firm(Text(*b"FIRM")),
        Tag::MinQuantity(50),
        Tag::CustomerType(b'R'),
        Tag::MaxFloor(10),
        Tag::PriceType(b'R'),
        Tag::PegOffset(-1),
        Tag::DiscretionPrice(10_100),
        Tag::PostOnly(b'P'),
        Tag::RandomReserves(5),
        Tag::ExpireTime(60),
        Tag::SharesLocated(b'Y'),
        Tag::GroupId(3),
    ];
    assert_eq!(echoed(order(0), 7), tags);
    assert_eq!(echoed(bare(0), 0), []);
}

#[test]
fn replaced_echoes_the_tags_that_it_may_carry() {
    let tags = [
        Tag::Firm(Text(*b"FIRM")),
        Tag::MinQuantity(50),
        Tag::MaxFloor(10),
        Tag::PriceType(b'R'),
        Tag::PostOnly(b'P'),
        Tag::ExpireTime(60),
    ];
    assert_eq!(echoed(order(8), 0), tags);
    assert_eq!(echoed(order(8), 7), [&[Tag::UserRefIdx(7)][..], &tags].concat());
    assert_eq!(echoed(bare(8), 0), []);
}

/// An order without tags.
fn bare(original: UserRefNum) -> Accepted {
    Accepted {
        customer_type: 0,
        post_only: 0,
        shares_located: 0,
        price_type: 0,
        group_id: 0,
        firm: Firm::BLANK,
        min_quantity: 0,
        max_floor: 0,
        peg_offset: 0,
        discretion_price: 0,
        random_reserves: 0,
        expire_seconds: 0,
        ..order(original)
    }
}

#[test]
fn what_is_for_the_public_or_the_operator_is_nobodys_message() {
    let fact = MarketFact::Deleted { public_ref: 1 };
    let market = Fact::Market { instrument: InstrumentId(1), fact };
    let venue = |fact| Event { login: LoginId::VENUE, user_ref_idx: 0, fact };
    for fact in [market, Fact::Refused(VenueRefusal::Match)] {
        assert!(!has_reply(&venue(fact)));
        assert!(!has_reply(&Event { login: LoginId(3), ..venue(fact) }));
    }
    assert!(!has_reply(&venue(Fact::NextUserRefNum { user_ref_num: 1 })));
    assert!(has_reply(&Event { login: LoginId(3), ..venue(Fact::NextUserRefNum { user_ref_num: 1 }) }));

    let dir = tempfile::tempdir().unwrap();
    let mut stream = crate::Outbound::create(&dir.path().join("1.out")).unwrap();
    assert!(!crate::server::append_event(&mut stream, TIME_NS, &venue(market)));
    assert_eq!((stream.next_sequence(), stream.end()), (1, 0), "nothing was added");
}
