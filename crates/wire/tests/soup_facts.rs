//! SoupBinTCP packets: golden bytes, framing, and what is refused.

mod common;

use common::hex;
use proptest::prelude::*;
use ringside_domain::text::{Text, Username};
use ringside_wire::soup::{
    FrameError, HEADER_BYTES, LoginAccepted, LoginRejected, LoginRequest, PAYLOAD_MAX, Packet, begin_packet,
    finish_packet, kind, next_packet, put_client_heartbeat, put_end_of_session, put_logout, put_packet,
    put_server_heartbeat,
};

const LOGIN: &str = "002f 4c 555345523031 50415353574f52442020 20202020202020202020
    2020202020202020202020202020202020202031";
const ACCEPTED: &str = "001f 41 53455353303030303031 2020202020202020202020202020202020202031";

fn bytes_of(golden: &str) -> Vec<u8> {
    hex(&golden.replace('\n', ""))
}

fn login() -> LoginRequest {
    LoginRequest {
        username: Username::new("USER01").unwrap(),
        password: Text::new("PASSWORD").unwrap(),
        session: Text::BLANK,
        sequence: Some(1),
    }
}

fn encoded(put: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out);
    out
}

fn payload_of(bytes: &[u8]) -> &[u8] {
    let (packet, consumed) = next_packet(bytes, PAYLOAD_MAX).unwrap().unwrap();
    assert_eq!(consumed, bytes.len());
    packet.payload
}

#[test]
fn golden_login_is_read_and_written() {
    let golden = bytes_of(LOGIN);
    assert_eq!(LoginRequest::decode(payload_of(&golden)), Some(login()));
    assert_eq!(encoded(|out| login().encode(out)), golden);
}

#[test]
fn golden_acceptance_is_read_and_written() {
    let golden = bytes_of(ACCEPTED);
    let accepted = LoginAccepted { session: Text::new("SESS000001").unwrap(), sequence: 1 };
    assert_eq!(LoginAccepted::decode(payload_of(&golden)), Some(accepted));
    assert_eq!(encoded(|out| accepted.encode(out)), golden);
}

#[test]
fn golden_rejection_and_packets_without_payload() {
    assert_eq!(encoded(|out| LoginRejected::NotAuthorized.encode(out)), hex("0002 4a 41"));
    assert_eq!(encoded(|out| LoginRejected::SessionNotAvailable.encode(out)), hex("0002 4a 53"));
    assert_eq!(encoded(put_server_heartbeat), hex("0001 48"));
    assert_eq!(encoded(put_client_heartbeat), hex("0001 52"));
    assert_eq!(encoded(put_end_of_session), hex("0001 5a"));
    assert_eq!(encoded(put_logout), hex("0001 4f"));
}

#[test]
fn rejection_letters_are_two() {
    for letter in 0..=255 {
        let rejected = LoginRejected::from_letter(letter);
        assert_eq!(rejected.is_some(), letter == b'A' || letter == b'S');
        assert!(rejected.is_none_or(|reason| reason.letter() == letter));
    }
}

#[test]
fn login_fields_are_read_on_either_side() {
    let left = *b"AB    pw        7         42                  ";
    let right = *b"    AB        pw         7                  42";
    let read = LoginRequest::decode(&left).unwrap();
    assert_eq!(LoginRequest::decode(&right).as_ref(), Some(&read));
    assert_eq!((read.username.as_str(), read.session.as_str(), read.sequence), ("AB", "7", Some(42)));
    assert_eq!(read.password.as_str(), "pw");
}

#[test]
fn a_session_is_written_right_justified() {
    let request = LoginRequest { session: Text::new("7").unwrap(), sequence: None, ..login() };
    let bytes = encoded(|out| request.encode(out));
    assert_eq!(&bytes[HEADER_BYTES + 16..], b"         7                    ");
    assert_eq!(LoginRequest::decode(&bytes[HEADER_BYTES..]), Some(request));
}

#[test]
fn a_login_of_another_length_is_refused() {
    let golden = bytes_of(LOGIN);
    let payload = payload_of(&golden);
    assert_eq!(LoginRequest::decode(&payload[..45]), None);
    assert_eq!(LoginRequest::decode(&[payload, b" "].concat()), None);
    assert_eq!(LoginAccepted::decode(&[b' '; 29]), None);
    assert_eq!(LoginAccepted::decode(&[b' '; 30]), None, "no number");
}

#[test]
fn a_password_is_not_in_the_debug_text() {
    let text = format!("{:?} {:#?}", login(), login());
    assert!(text.contains("USER01") && !text.contains("PASSWORD"), "{text}");
}

#[test]
fn a_packet_is_there_with_its_last_byte_and_not_before() {
    let golden = bytes_of(LOGIN);
    for cut in 0..golden.len() {
        assert_eq!(next_packet(&golden[..cut], 46), Ok(None), "cut at {cut}");
    }
    let stream = [&golden[..], b"\0"].concat();
    let (packet, consumed) = next_packet(&stream, 46).unwrap().unwrap();
    assert_eq!((packet.kind, packet.payload.len(), consumed), (kind::LOGIN_REQUEST, 46, 49));
}

#[test]
fn a_lying_length_is_refused_with_its_second_byte() {
    assert_eq!(next_packet(&[0, 0], 46), Err(FrameError::LengthZero));
    assert_eq!(next_packet(&[0, 48], 46), Err(FrameError::TooLong { length: 48, max: 47 }));
    assert_eq!(next_packet(&[0, 47], 46), Ok(None));
    assert_eq!(next_packet(&[255, 255], usize::MAX), Ok(None));
    let text = FrameError::TooLong { length: 48, max: 47 }.to_string();
    assert_eq!(text, "packet length 48, expected at most 47");
}

#[test]
fn a_packet_built_in_place_equals_a_copied_one() {
    let mut out = encoded(put_server_heartbeat);
    let mark = begin_packet(kind::SEQUENCED, &mut out);
    out.extend_from_slice(b"message");
    finish_packet(mark, &mut out);
    let copied = encoded(|out| {
        put_server_heartbeat(out);
        put_packet(kind::SEQUENCED, b"message", out);
    });
    assert_eq!(out, copied);
}

#[test]
fn the_longest_payload_fits() {
    let payload = vec![7; PAYLOAD_MAX];
    let bytes = encoded(|out| put_packet(kind::DEBUG, &payload, out));
    assert_eq!(payload_of(&bytes), payload);
}

#[test]
#[should_panic(expected = "a payload fits its length field")]
fn a_payload_past_the_longest_stops_the_sender() {
    put_packet(kind::DEBUG, &vec![7; PAYLOAD_MAX + 1], &mut Vec::new());
}

proptest! {
    #[test]
    fn packets_come_out_of_a_stream_as_they_went_in(
        packets in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..80)), 0..8),
    ) {
        let stream = encoded(|out| packets.iter().for_each(|(kind, payload)| put_packet(*kind, payload, out)));
        let mut rest = &stream[..];
        for (kind, payload) in &packets {
            let (packet, consumed) = next_packet(rest, 80).unwrap().unwrap();
            prop_assert_eq!(packet, Packet { kind: *kind, payload });
            rest = &rest[consumed..];
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), max in any::<usize>()) {
        if let Ok(Some((packet, consumed))) = next_packet(&bytes, max) {
            prop_assert!(consumed <= bytes.len() && packet.payload.len() <= max);
        }
        let _ = (LoginRequest::decode(&bytes), LoginAccepted::decode(&bytes));
    }

    #[test]
    fn any_login_payload_is_read(payload in prop::collection::vec(any::<u8>(), 46)) {
        prop_assert!(LoginRequest::decode(&payload).is_some());
    }

    #[test]
    fn logins_are_the_same_after_a_round_trip(
        username in "[A-Za-z0-9]{0,6}", password in "[!-~]{0,10}", session in "[A-Z0-9]{0,10}",
        sequence in any::<Option<u64>>(),
    ) {
        let request = LoginRequest {
            username: Text::new(&username).unwrap(),
            password: Text::new(&password).unwrap(),
            session: Text::new(&session).unwrap(),
            sequence,
        };
        let bytes = encoded(|out| request.encode(out));
        prop_assert_eq!(bytes.len(), 49);
        prop_assert_eq!(LoginRequest::decode(payload_of(&bytes)), Some(request.clone()));
        let accepted = LoginAccepted { session: request.session, sequence: sequence.unwrap_or(0) };
        let bytes = encoded(|out| accepted.encode(out));
        prop_assert_eq!(bytes.len(), 33);
        prop_assert_eq!(LoginAccepted::decode(payload_of(&bytes)), Some(accepted));
    }
}
