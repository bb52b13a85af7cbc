//! Golden bytes of OUCH 5.0: packets captured from Nasdaq, and one vector for every message and every tag.
//!
//! The vectors come from an encoder written independently of this crate. Every field has bytes of its own, so
//! that no two fields can be mistaken for each other.

mod common;

use common::hex;
use ringside_domain::text::Text;
use ringside_wire::ouch::*;
use ringside_wire::soup::{PAYLOAD_MAX, Packet, kind, next_packet};

const ENTER: &str = "0036 55 4f 00000071 54 000000e1 43564c5420202020 0000000000099db8 30 59 41 4e 4e \
    4838465542384956202020202020 0006 05 02 4c494d45";
const ACCEPTED: &str = "004a 53 41 0000289b4d64af87 00753a8d 42 00000028 4144424520202020 000000000048e748 35 59 \
    000000000f56b4f5 41 4e 4e 4c 3736383237303120202020202020 0009 05024d4c524f 021230";
const CANCEL: &str = "000a 55 58 00752e71 00000000";
const CANCELED: &str = "0013 53 43 0000289b4d681317 00753a8d 00000028 55";

fn text<const N: usize>(text: &str) -> Text<N> {
    Text::new(text).expect("text that fits")
}

fn packet(bytes: &[u8]) -> Packet<'_> {
    let (packet, consumed) = next_packet(bytes, PAYLOAD_MAX).unwrap().unwrap();
    assert_eq!(consumed, bytes.len());
    packet
}

fn encoded(put: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out);
    out
}

fn all(tags: &[Tag]) -> TagBuffer {
    let mut buffer = TagBuffer::new();
    tags.iter().for_each(|tag| buffer.push(*tag));
    buffer
}

#[test]
fn captured_enter_is_read_and_written() {
    let golden = hex(ENTER);
    let packet = packet(&golden);
    let firm = all(&[Tag::Firm(text("LIME"))]);
    let enter = Request::Enter(Enter {
        user_ref_num: 0x71,
        side: b'T',
        quantity: 225,
        symbol: text("CVLT"),
        price: 630_200,
        time_in_force: b'0',
        display: b'Y',
        capacity: b'A',
        intermarket_sweep: b'N',
        cross_type: b'N',
        client_order_id: text("H8FUB8IV"),
        tags: firm.as_tags(),
    });
    assert_eq!((packet.kind, decode_request(packet.payload)), (kind::UNSEQUENCED, Ok(enter)));
    assert_eq!(enter.tags().first_problem(b'O', true), None);
    assert_eq!(encoded(|out| enter.encode(out)), packet.payload);
}

#[test]
fn captured_accepted_is_read_and_written() {
    let golden = hex(ACCEPTED);
    let packet = packet(&golden);
    let tags = all(&[Tag::Firm(text("MLRO")), Tag::BboWeight(b'0')]);
    let accepted = Reply::Accepted(Accepted {
        timestamp: 0x289b_4d64_af87,
        user_ref_num: 0x0075_3a8d,
        side: b'B',
        quantity: 40,
        symbol: text("ADBE"),
        price: 4_777_800,
        time_in_force: b'5',
        display: b'Y',
        order_ref: 0x0f56_b4f5,
        capacity: b'A',
        intermarket_sweep: b'N',
        cross_type: b'N',
        state: b'L',
        client_order_id: text("7682701"),
        tags: tags.as_tags(),
    });
    assert_eq!((packet.kind, decode_reply(packet.payload)), (kind::SEQUENCED, Ok(accepted)));
    assert_eq!(accepted.tags().first_problem(b'A', false), None);
    assert_eq!(encoded(|out| accepted.encode(out)), packet.payload);
}

#[test]
fn captured_cancel_and_canceled_have_no_appendage() {
    let (cancel, canceled) = (hex(CANCEL), hex(CANCELED));
    let request = Request::Cancel(Cancel { user_ref_num: 0x0075_2e71, quantity: 0, tags: Tags::EMPTY });
    assert_eq!(decode_request(packet(&cancel).payload), Ok(request));
    assert_eq!(encoded(|out| request.encode(out)), packet(&cancel).payload);
    let reply = Reply::Canceled(Canceled {
        timestamp: 0x289b_4d68_1317,
        user_ref_num: 0x0075_3a8d,
        quantity: 40,
        reason: b'U',
        tags: Tags::EMPTY,
    });
    assert_eq!(decode_reply(packet(&canceled).payload), Ok(reply));
    assert_eq!(encoded(|out| reply.encode(out)), packet(&canceled).payload);
}

#[test]
fn every_request_has_its_bytes() {
    let channel = all(&[Tag::UserRefIdx(7)]);
    let vectors = [
        (
            Request::Enter(Enter {
                user_ref_num: 0x1011_1213,
                side: b'T',
                quantity: 0x3031_3233,
                symbol: text("ESH4"),
                price: 0x5051_5253_5455_5657,
                time_in_force: b'6',
                display: b'A',
                capacity: b'R',
                intermarket_sweep: b'Y',
                cross_type: b'O',
                client_order_id: text("ORDER 17"),
                tags: channel.as_tags(),
            }),
            "4f10111213543031323345534834202020205051525354555657364152594f4f524445522031372020202020200003021c07",
        ),
        (
            Request::Replace(Replace {
                original: 0x1011_1213,
                user_ref_num: 0x2021_2223,
                quantity: 0x3031_3233,
                price: 0x4041_4243_4445_4647,
                time_in_force: b'6',
                display: b'A',
                intermarket_sweep: b'Y',
                client_order_id: text("ORDER 17"),
                tags: channel.as_tags(),
            }),
            "5510111213202122233031323340414243444546473641594f524445522031372020202020200003021c07",
        ),
        (
            Request::Cancel(Cancel {
                user_ref_num: 0x1011_1213,
                quantity: 0x2021_2223,
                tags: channel.as_tags(),
            }),
            "5810111213202122230003021c07",
        ),
        (
            Request::Modify(Modify {
                user_ref_num: 0x1011_1213,
                side: b'T',
                quantity: 0x3031_3233,
                tags: channel.as_tags(),
            }),
            "4d1011121354303132330003021c07",
        ),
        (
            Request::MassCancel(MassCancel {
                user_ref_num: 0x1011_1213,
                firm: text("FIRM"),
                symbol: text("ESH4"),
                tags: channel.as_tags(),
            }),
            "43101112134649524d45534834202020200003021c07",
        ),
        (
            Request::Disable(EntrySwitch {
                user_ref_num: 0x1011_1213,
                firm: text("FIRM"),
                tags: channel.as_tags(),
            }),
            "44101112134649524d0003021c07",
        ),
        (
            Request::Enable(EntrySwitch {
                user_ref_num: 0x1011_1213,
                firm: text("FIRM"),
                tags: channel.as_tags(),
            }),
            "45101112134649524d0003021c07",
        ),
        (Request::AccountQuery(AccountQuery { tags: channel.as_tags() }), "510003021c07"),
    ];
    for (request, golden) in vectors {
        let golden = hex(golden);
        assert_eq!(decode_request(&golden), Ok(request));
        assert_eq!(encoded(|out| request.encode(out)), golden);
        assert_eq!((request.kind(), request.tags().user_ref_idx()), (golden[0], 7));
    }
}

#[test]
fn every_reply_has_its_bytes() {
    let channel = all(&[Tag::UserRefIdx(7)]);
    let vectors = [
        (
            Reply::SystemEvent(SystemEvent { timestamp: 0x1011_1213_1415_1617, code: b'E' }),
            "53101112131415161745",
        ),
        (
            Reply::Accepted(Accepted {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                side: b'T',
                quantity: 0x4041_4243,
                symbol: text("ESH4"),
                price: 0x6061_6263_6465_6667,
                time_in_force: b'6',
                display: b'A',
                order_ref: 0x9091_9293_9495_9697,
                capacity: b'R',
                intermarket_sweep: b'Y',
                cross_type: b'O',
                state: b'D',
                client_order_id: text("ORDER 17"),
                tags: channel.as_tags(),
            }),
            "411011121314151617202122235440414243455348342020202060616263646566673641909192939495969752594f444f524445522031372020202020200003021c07",
        ),
        (
            Reply::Replaced(Replaced {
                timestamp: 0x1011_1213_1415_1617,
                original: 0x2021_2223,
                user_ref_num: 0x3031_3233,
                side: b'T',
                quantity: 0x5051_5253,
                symbol: text("ESH4"),
                price: 0x7071_7273_7475_7677,
                time_in_force: b'6',
                display: b'A',
                order_ref: 0xa0a1_a2a3_a4a5_a6a7,
                capacity: b'R',
                intermarket_sweep: b'Y',
                cross_type: b'O',
                state: b'D',
                client_order_id: text("ORDER 17"),
                tags: channel.as_tags(),
            }),
            "55101112131415161720212223303132335450515253455348342020202070717273747576773641a0a1a2a3a4a5a6a752594f444f524445522031372020202020200003021c07",
        ),
        (
            Reply::Canceled(Canceled {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                quantity: 0x3031_3233,
                reason: b'Q',
                tags: channel.as_tags(),
            }),
            "4310111213141516172021222330313233510003021c07",
        ),
        (
            Reply::AiqCanceled(AiqCanceled {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                quantity: 0x3031_3233,
                reason: b'Q',
                prevented: 0x5051_5253,
                price: 0x6061_6263_6465_6667,
                liquidity: b'u',
                strategy: b'N',
                tags: channel.as_tags(),
            }),
            "441011121314151617202122233031323351505152536061626364656667754e0003021c07",
        ),
        (
            Reply::Executed(Executed {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                quantity: 0x3031_3233,
                price: 0x4041_4243_4445_4647,
                liquidity: b'u',
                match_number: 0x6061_6263_6465_6667,
                tags: channel.as_tags(),
            }),
            "451011121314151617202122233031323340414243444546477560616263646566670003021c07",
        ),
        (
            Reply::BrokenTrade(BrokenTrade {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                match_number: 0x3031_3233_3435_3637,
                reason: b'X',
                client_order_id: text("ORDER 17"),
                tags: channel.as_tags(),
            }),
            "421011121314151617202122233031323334353637584f524445522031372020202020200003021c07",
        ),
        (
            Reply::Rejected(Rejected {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                reason: 0x3031,
                client_order_id: text("ORDER 17"),
                tags: channel.as_tags(),
            }),
            "4a10111213141516172021222330314f524445522031372020202020200003021c07",
        ),
        (
            Reply::CancelPending(CancelNotice {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                tags: channel.as_tags(),
            }),
            "501011121314151617202122230003021c07",
        ),
        (
            Reply::CancelReject(CancelNotice {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                tags: channel.as_tags(),
            }),
            "491011121314151617202122230003021c07",
        ),
        (
            Reply::PriorityUpdate(PriorityUpdate {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                price: 0x3031_3233_3435_3637,
                display: b'A',
                order_ref: 0x5051_5253_5455_5657,
                tags: channel.as_tags(),
            }),
            "5410111213141516172021222330313233343536374150515253545556570003021c07",
        ),
        (
            Reply::Modified(Modified {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                side: b'T',
                quantity: 0x4041_4243,
                tags: channel.as_tags(),
            }),
            "4d10111213141516172021222354404142430003021c07",
        ),
        (
            Reply::Restated(Restated {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                reason: b'P',
                tags: channel.as_tags(),
            }),
            "52101112131415161720212223500003021c07",
        ),
        (
            Reply::MassCancelResponse(MassCancelResponse {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                firm: text("FIRM"),
                symbol: text("ESH4"),
                tags: channel.as_tags(),
            }),
            "581011121314151617202122234649524d45534834202020200003021c07",
        ),
        (
            Reply::DisableResponse(EntrySwitchResponse {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                firm: text("FIRM"),
                tags: channel.as_tags(),
            }),
            "471011121314151617202122234649524d0003021c07",
        ),
        (
            Reply::EnableResponse(EntrySwitchResponse {
                timestamp: 0x1011_1213_1415_1617,
                user_ref_num: 0x2021_2223,
                firm: text("FIRM"),
                tags: channel.as_tags(),
            }),
            "4b1011121314151617202122234649524d0003021c07",
        ),
        (
            Reply::AccountQueryResponse(AccountQueryResponse {
                timestamp: 0x1011_1213_1415_1617,
                next_user_ref_num: 0x2021_2223,
                tags: channel.as_tags(),
            }),
            "511011121314151617202122230003021c07",
        ),
    ];
    for (reply, golden) in vectors {
        let golden = hex(golden);
        assert_eq!(decode_reply(&golden), Ok(reply));
        assert_eq!(encoded(|out| reply.encode(out)), golden);
        assert_eq!((reply.kind(), reply.timestamp()), (golden[0], 0x1011_1213_1415_1617));
        assert_eq!(reply.user_ref_num().is_none(), matches!(golden[0], b'S' | b'Q'));
        assert_eq!(reply.user_ref_idx(), if golden[0] == b'S' { 0 } else { 7 });
    }
}

/// What the venue tells of self-trade prevention, icebergs, pegs, stops and broken trades, with and without a channel.
#[test]
fn notices_about_orders_at_work_have_their_bytes() {
    let (slice, channel) = (all(&REFRESHED), all(&[Tag::UserRefIdx(7)]));
    let on_channel = all(&[&REFRESHED[..], &[Tag::UserRefIdx(7)]].concat());
    let (price, parked) = (all(&[Tag::DisplayPrice(48_002_500)]), all(&[Tag::DisplayPrice(0)]));
    let restated = |reason, tags| {
        Reply::Restated(Restated { timestamp: 0x289b_4d64_af87, user_ref_num: 0x0075_3a8d, reason, tags })
    };
    let vectors = [
        (prevented(Tags::EMPTY), "44 0000289b4d64af87 00753a8d 0000012c 51 000000c8 0000000002dc75c4 41 4f"),
        (
            prevented(channel.as_tags()),
            "44 0000289b4d64af87 00753a8d 0000012c 51 000000c8 0000000002dc75c4 41 4f 0003 021c07",
        ),
        (
            restated(b'R', slice.as_tags()),
            "52 0000289b4d64af87 00753a8d 52 0010 0516 00000064 0901 000000000f56b4f5",
        ),
        (
            restated(b'R', on_channel.as_tags()),
            "52 0000289b4d64af87 00753a8d 52 0013 0516 00000064 0901 000000000f56b4f5 021c07",
        ),
        (restated(b'P', price.as_tags()), "52 0000289b4d64af87 00753a8d 50 000a 0917 0000000002dc75c4"),
        (restated(b'P', parked.as_tags()), "52 0000289b4d64af87 00753a8d 50 000a 0917 0000000000000000"),
        (triggered(Tags::EMPTY), "54 0000289b4d64af87 00753a8d 0000000002dc75c4 59 000000000f56b4f5"),
        (
            triggered(channel.as_tags()),
            "54 0000289b4d64af87 00753a8d 0000000002dc75c4 59 000000000f56b4f5 0003 021c07",
        ),
        (
            broken(Tags::EMPTY),
            "42 0000289b4d64af87 00753a8d 000000000000002a 45 3736383237303120202020202020",
        ),
        (
            broken(channel.as_tags()),
            "42 0000289b4d64af87 00753a8d 000000000000002a 45 3736383237303120202020202020 0003 021c07",
        ),
    ];
    for (reply, golden) in vectors {
        let golden = hex(golden);
        assert_eq!(decode_reply(&golden), Ok(reply));
        assert_eq!(encoded(|out| reply.encode(out)), golden);
        assert_eq!(reply.tags().first_problem(reply.kind(), false), None);
    }
}

/// Tags of a slice that is shown, as the specification lists them.
const REFRESHED: [Tag; 2] = [Tag::DisplayQuantity(100), Tag::SecondaryOrderRef(0x0f56_b4f5)];

fn prevented(tags: Tags<'_>) -> Reply<'_> {
    Reply::AiqCanceled(AiqCanceled {
        timestamp: 0x289b_4d64_af87,
        user_ref_num: 0x0075_3a8d,
        quantity: 300,
        reason: b'Q',
        prevented: 200,
        price: 48_002_500,
        liquidity: b'A',
        strategy: b'O',
        tags,
    })
}

fn triggered(tags: Tags<'_>) -> Reply<'_> {
    Reply::PriorityUpdate(PriorityUpdate {
        timestamp: 0x289b_4d64_af87,
        user_ref_num: 0x0075_3a8d,
        price: 48_002_500,
        display: b'Y',
        order_ref: 0x0f56_b4f5,
        tags,
    })
}

fn broken(tags: Tags<'_>) -> Reply<'_> {
    Reply::BrokenTrade(BrokenTrade {
        timestamp: 0x289b_4d64_af87,
        user_ref_num: 0x0075_3a8d,
        match_number: 42,
        reason: b'E',
        client_order_id: text("7682701"),
        tags,
    })
}

#[test]
fn every_tag_has_its_bytes() {
    let vectors = [
        (Tag::SecondaryOrderRef(0x0102_0304_0506_0708), "0901 0102030405060708"),
        (Tag::Firm(text("FIRM")), "0502 4649524d"),
        (Tag::MinQuantity(100), "0503 00000064"),
        (Tag::CustomerType(b'R'), "0204 52"),
        (Tag::MaxFloor(0x0102_0304), "0505 01020304"),
        (Tag::PriceType(b'P'), "0206 50"),
        (Tag::PegOffset(-2), "0507 fffffffe"),
        (Tag::DiscretionPrice(48_002_500), "0909 0000000002dc75c4"),
        (Tag::DiscretionPriceType(b'M'), "020a 4d"),
        (Tag::DiscretionPegOffset(i32::MIN), "050b 80000000"),
        (Tag::PostOnly(b'P'), "020c 50"),
        (Tag::RandomReserves(5), "050d 00000005"),
        (Tag::Route(text("LIME")), "050e 4c494d45"),
        (Tag::ExpireTime(86_399), "050f 0001517f"),
        (Tag::TradeNow(b'Y'), "0210 59"),
        (Tag::HandleInst(b'Q'), "0211 51"),
        (Tag::BboWeight(b'0'), "0212 30"),
        (Tag::DisplayQuantity(300), "0516 0000012c"),
        (Tag::DisplayPrice(1), "0917 0000000000000001"),
        (Tag::GroupId(0x0102), "0318 0102"),
        (Tag::SharesLocated(b'Y'), "0219 59"),
        (Tag::LocateBroker(text("AB")), "051a 41422020"),
        (Tag::Side(b'E'), "021b 45"),
        (Tag::UserRefIdx(255), "021c ff"),
        (Tag::ExpireAt(u64::MAX), "0980 ffffffffffffffff"),
        (Tag::TriggerPrice(2_000_000_000), "0981 0000000077359400"),
        (Tag::Execution(b'F'), "0282 46"),
    ];
    for (tag, golden) in vectors {
        let golden = hex(golden);
        assert_eq!(Tags::new(&golden).unwrap().iter().collect::<Vec<_>>(), [Ok(tag)]);
        assert_eq!(all(&[tag]).as_tags().as_bytes(), golden);
        assert_eq!(tag.number(), golden[1]);
    }
    let every = vectors.map(|(tag, _)| tag);
    assert_eq!(all(&every).as_tags().as_bytes(), hex(&vectors.map(|(_, golden)| golden).concat()));
}
