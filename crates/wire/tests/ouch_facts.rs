//! Lengths, appendages and tags of every OUCH message, against the tables of the specification.

mod common;

use common::{Appendage, ROWS, Row, element, encoded_again, message};
use proptest::prelude::*;
use ringside_wire::ouch::{Malformed, TagBuffer, Tags, allowed, decode_reply, decode_request};

const FILLER: [u8; 5] = [0x31, 0x00, 0xff, 0x7e, 0x20];

fn decoded(row: &Row, bytes: &[u8]) -> Result<(), Malformed> {
    encoded_again(row, bytes, |_, _| ()).map(|_| ())
}

fn every_allowed_tag(row: &Row) -> Vec<u8> {
    row.tags.iter().flat_map(|tag| element(*tag, &FILLER)).collect()
}

#[test]
fn a_message_without_tags_is_as_long_as_the_specification_says() {
    for row in &ROWS {
        let bytes = message(row, &FILLER, &[]);
        assert_eq!(bytes.len(), row.fixed, "{row:?}");
        assert_eq!(encoded_again(row, &bytes, |_, tags| assert!(tags.is_empty())).unwrap(), bytes, "{row:?}");
    }
}

#[test]
fn a_message_with_every_allowed_tag_is_the_same_after_a_round_trip() {
    for row in &ROWS {
        let bytes = message(row, &FILLER, &every_allowed_tag(row));
        let again = encoded_again(row, &bytes, |kind, tags| {
            assert_eq!(kind, row.kind);
            assert_eq!(tags.iter().count(), row.tags.len(), "{row:?}");
            assert_eq!(tags.first_problem(kind, row.from_client), None, "{row:?}");
        });
        assert_eq!(again.unwrap(), bytes, "{row:?}");
    }
}

#[test]
fn a_cut_message_is_malformed_unless_only_the_optional_appendage_is_gone() {
    for row in &ROWS {
        let bytes = message(row, &FILLER, &every_allowed_tag(row));
        for cut in 0..bytes.len() {
            let legal = cut == row.fixed && row.appendage == Appendage::Optional;
            assert_eq!(decoded(row, &bytes[..cut]).is_ok(), legal, "{row:?} cut at {cut}");
        }
    }
}

#[test]
fn a_byte_too_many_is_malformed() {
    for row in &ROWS {
        let mut bytes = message(row, &FILLER, &every_allowed_tag(row));
        bytes.push(0);
        assert!(decoded(row, &bytes).is_err(), "{row:?}");
    }
}

#[test]
fn an_empty_optional_appendage_is_read_and_left_out_when_written() {
    for row in ROWS.iter().filter(|row| row.appendage == Appendage::Optional) {
        let bare = message(row, &FILLER, &[]);
        let empty = [&bare[..], &[0, 0]].concat();
        assert_eq!(encoded_again(row, &empty, |_, _| ()).unwrap(), bare, "{row:?}");
    }
}

#[test]
fn only_the_listed_tags_are_allowed() {
    for from_client in [true, false] {
        for kind in 0..=255 {
            let row = ROWS.iter().find(|row| row.from_client == from_client && row.kind == kind);
            let tags = row.map_or(&[][..], |row| row.tags);
            for tag in 0..=255 {
                let expected = tags.contains(&tag);
                assert_eq!(allowed(kind, from_client, tag), expected, "{from_client} {kind} {tag}");
            }
        }
    }
}

#[test]
fn only_the_listed_types_are_known() {
    let listed =
        |from_client, kind| ROWS.iter().any(|row| row.from_client == from_client && row.kind == kind);
    for kind in 0..=255 {
        let unknown = Malformed::UnknownType(kind);
        assert_eq!(decode_request(&[kind]) == Err(unknown), !listed(true, kind), "in {kind}");
        assert_eq!(decode_reply(&[kind]) == Err(unknown), !listed(false, kind), "out {kind}");
    }
    assert_eq!(decode_request(&[]), Err(Malformed::Empty));
    assert_eq!(decode_reply(&[]), Err(Malformed::Empty));
}

#[test]
fn an_error_tells_letter_and_lengths() {
    let enter = message(&ROWS[0], &FILLER, &[2, 28, 7]);
    let short = decode_request(&enter[..46]).unwrap_err();
    assert_eq!(short, Malformed::WrongLength { kind: b'O', length: 46, expected_min: 47 });
    assert_eq!(short.to_string(), "OUCH message O: 46 bytes, expected at least 47");
    let cut = decode_request(&enter[..49]).unwrap_err();
    assert_eq!(cut, Malformed::AppendageLength { kind: b'O', declared: 3, present: 2 });
    assert_eq!(cut.to_string(), "OUCH message O: appendage of 2 bytes, declared 3");
    let half = decode_request(b"X123456780").unwrap_err();
    assert_eq!(half, Malformed::WrongLength { kind: b'X', length: 10, expected_min: 11 });
    assert_eq!(Malformed::UnknownType(b'\n').to_string(), "OUCH message type 0x0a is unknown");
}

fn any_row() -> impl Strategy<Value = Row> {
    prop::sample::select(&ROWS[..])
}

/// Some of the row's tags in any order, with any values.
fn any_elements(row: Row) -> impl Strategy<Value = (Row, Vec<u8>)> {
    let some = prop::sample::subsequence(row.tags, 0..=row.tags.len()).prop_shuffle();
    (some, prop::array::uniform8(any::<u8>()))
        .prop_map(move |(tags, filler)| (row, tags.iter().flat_map(|tag| element(*tag, &filler)).collect()))
}

/// Bytes that look like a message: a known letter, often an appendage length that fits.
fn likely_message() -> impl Strategy<Value = Vec<u8>> {
    let tags = prop::collection::vec((0u8..10, any::<u8>(), any::<[u8; 8]>()), 0..8);
    (any_row(), any::<[u8; 8]>(), tags).prop_map(|(row, filler, tags)| {
        let elements: Vec<u8> = tags
            .iter()
            .flat_map(|(length, tag, value)| {
                let value = &value[..usize::from(length.saturating_sub(1)).min(8)];
                [&[*length, *tag], value].concat()
            })
            .collect();
        message(&row, &filler, &elements)
    })
}

fn read_every_way(bytes: &[u8]) {
    for tags in [decode_request(bytes).map(|m| m.tags()), decode_reply(bytes).map(|m| m.tags())] {
        let text = match tags {
            Ok(tags) => format!("{tags:?} {} {:?}", tags.user_ref_idx(), tags.first_problem(bytes[0], true)),
            Err(error) => error.to_string(),
        };
        assert!(!text.contains('\n'));
    }
}

proptest! {
    #[test]
    fn any_message_is_the_same_after_a_round_trip(
        (row, elements) in any_row().prop_flat_map(any_elements),
        filler in prop::array::uniform32(any::<u8>()),
    ) {
        let bytes = message(&row, &filler, &elements);
        let again = encoded_again(&row, &bytes, |kind, tags| {
            assert_eq!(tags.first_problem(kind, row.from_client), None);
            let mut buffer = TagBuffer::new();
            tags.iter().for_each(|tag| buffer.push(tag.expect("a tag with its own length")));
            assert_eq!(buffer.as_tags(), tags);
        });
        prop_assert_eq!(again.unwrap(), bytes);
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_every_way(&bytes);
    }

    #[test]
    fn no_appendage_makes_a_decoder_panic(bytes in likely_message(), cut in 0usize..4) {
        read_every_way(&bytes);
        read_every_way(&bytes[..bytes.len().saturating_sub(cut)]);
    }

    #[test]
    fn what_decodes_encodes_and_decodes_to_the_same(bytes in likely_message()) {
        let mut out = Vec::new();
        if let Ok(request) = decode_request(&bytes) {
            request.encode(&mut out);
            prop_assert_eq!(decode_request(&out), Ok(request));
        }
        out.clear();
        if let Ok(reply) = decode_reply(&bytes) {
            reply.encode(&mut out);
            prop_assert_eq!(decode_reply(&out), Ok(reply));
        }
    }

    #[test]
    fn a_tag_of_another_length_is_the_first_problem(tag in 1u8..=130, value in prop::collection::vec(any::<u8>(), 0..12)) {
        let bytes = [&[1 + value.len() as u8, tag], &value[..]].concat();
        let fine = allowed(b'O', true, tag) && common::value_bytes(tag) == Some(value.len());
        let problem = Tags::new(&bytes).unwrap().first_problem(b'O', true);
        prop_assert_eq!(problem, (!fine).then_some(tag));
    }
}
