//! The session machine under all that a network may do to it: bytes come in any portions, timers are looked at at any
//! moment, and nothing of that changes what a packet means.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use ringside_domain::LoginId;
use ringside_gateway::limits::{FAREWELL, HEARTBEAT, LOGIN_DEADLINE, PAYLOAD_MAX, SILENCE};
use ringside_gateway::session::{CloseReason, Due, Input, Session};
use ringside_wire::soup::{next_packet, put_packet};

const LOGIN: LoginId = LoginId(7);

/// What a packet was taken for.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Meaning {
    Ignored,
    Login,
    Request(Vec<u8>),
    Closed(CloseReason),
}

fn meaning(input: &Input<'_>) -> Meaning {
    match input {
        Input::Ignore => Meaning::Ignored,
        Input::Login(_) => Meaning::Login,
        Input::Request(_, payload) => Meaning::Request(payload.to_vec()),
        Input::Close(reason) => Meaning::Closed(*reason),
    }
}

/// Mostly what a client sends, sometimes what it must not.
fn packet() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let login = Just((b'L', login()));
    prop_oneof![
        3 => login,
        8 => vec(any::<u8>(), 0..80).prop_map(|payload| (b'U', payload)),
        3 => Just((b'R', Vec::new())),
        2 => vec(any::<u8>(), 0..200).prop_map(|payload| (b'+', payload)),
        1 => Just((b'O', Vec::new())),
        1 => (any::<u8>(), vec(any::<u8>(), 0..60)),
    ]
}

fn login() -> Vec<u8> {
    format!("{:<6}{:<10}{:>10}{:>20}", "ALICE", "pw-alice", "", 1).into_bytes()
}

/// Feeds the portions; what every packet was taken for, up to the one that closes.
fn feed(portions: &[&[u8]], mut look: impl FnMut(&Session)) -> Vec<Meaning> {
    let (mut session, mut buffer, mut meanings) = (Session::new(Duration::ZERO), Vec::new(), Vec::new());
    for portion in portions {
        buffer.extend_from_slice(portion);
        look(&session);
        while let Ok(Some((packet, used))) = next_packet(&buffer, PAYLOAD_MAX) {
            let meaning = meaning(&session.packet(packet));
            buffer.drain(..used);
            meanings.push(meaning.clone());
            match meaning {
                Meaning::Login => session.accept(LOGIN),
                Meaning::Closed(_) => return meanings,
                _ => {}
            }
            look(&session);
        }
    }
    meanings
}

proptest! {
    #[test]
    fn packets_mean_the_same_however_their_bytes_arrive(
        logs_in in prop::bool::weighted(0.8),
        packets in vec(packet(), 0..30),
        cuts in vec(any::<prop::sample::Index>(), 0..40),
        moments in vec(0_u64..60_000, 1..40),
    ) {
        let mut stream = Vec::new();
        // Most connections begin as they should.
        if logs_in {
            put_packet(b'L', &login(), &mut stream);
        }
        packets.iter().for_each(|(kind, payload)| put_packet(*kind, payload, &mut stream));
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        ends.extend([0, stream.len()]);
        ends.sort_unstable();
        let portions: Vec<&[u8]> = ends.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        let whole = feed(&[&stream], |_| ());
        // Timers are looked at in no order at all meanwhile: looking changes nothing.
        let mut moment = moments.iter().cycle();
        let look = |session: &Session| {
            let now = Duration::from_millis(*moment.next().expect("at least one, over and over"));
            let _ = session.due(now);
        };
        prop_assert_eq!(&feed(&portions, look), &whole);
        prop_assert_eq!(&feed(&bytes, |_| ()), &whole);
    }

    #[test]
    fn a_timer_that_has_run_out_stays_so_and_none_runs_out_early(
        received in 0_u64..100_000,
        sent in 0_u64..100_000,
        phase in 0_u8..3,
        moments in vec(0_u64..200_000, 1..50),
    ) {
        let ms = Duration::from_millis;
        let mut session = Session::new(Duration::ZERO);
        if phase > 0 {
            let mut bytes = Vec::new();
            put_packet(b'L', &login(), &mut bytes);
            let (packet, _) = next_packet(&bytes, PAYLOAD_MAX).expect("a packet").expect("a whole one");
            prop_assert!(matches!(session.packet(packet), Input::Login(_)));
            session.accept(LOGIN);
        }
        session.received(ms(received));
        session.sent(ms(sent));
        if phase == 2 {
            session.end(ms(received));
        }
        for now in moments.into_iter().map(ms) {
            let expected = match phase {
                0 if now >= LOGIN_DEADLINE => Due::Close(CloseReason::LoginDeadline),
                2 if now >= ms(received.max(sent)) + FAREWELL => Due::Close(CloseReason::SessionEnded),
                2 => Due::Nothing,
                _ if now >= ms(received) + SILENCE => Due::Close(CloseReason::Silence),
                1 if now >= ms(sent) + HEARTBEAT => Due::Heartbeat,
                _ => Due::Nothing,
            };
            prop_assert_eq!(session.due(now), expected);
        }
    }
}
