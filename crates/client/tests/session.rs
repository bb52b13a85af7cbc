//! Sessions over links that break.

#[allow(dead_code)]
mod venue;

use std::collections::BTreeSet;
use std::time::Duration;

use ringside_client::{
    AfterLoss, ClientError, ClientOptions, ConnectError, Credentials, FENCE_CHANNELS, Fate, Message, Session,
    SessionError, SessionOptions,
};
use ringside_domain::{Firm, Symbol};
use ringside_wire::ouch::{AccountQuery, Cancel, EntrySwitch, MassCancel, Request, Tag, TagBuffer, Tags};
use venue::{Plan, Venue, enter};

const SOON: Duration = Duration::from_secs(5);

fn options() -> SessionOptions {
    SessionOptions {
        client: ClientOptions { silence: Duration::from_millis(300), ..ClientOptions::default() },
        backoff_base: Duration::from_millis(2),
        backoff_max: Duration::from_millis(20),
        seed: 1,
        ..SessionOptions::default()
    }
}

fn connect(venue: &Venue, options: SessionOptions) -> Session {
    let credentials = Credentials::new("ALICE", "pw").unwrap();
    Session::connect(venue.addr.as_str(), &credentials, None, 1, options).unwrap()
}

fn cancel(user_ref_num: u32) -> Request<'static> {
    Request::Cancel(Cancel { user_ref_num, quantity: 0, tags: Tags::EMPTY })
}

/// Type letters of all messages until nothing is unacknowledged. Checks that the numbers have no gap.
fn settle(session: &mut Session) -> String {
    session.fence().unwrap();
    let mut letters = String::new();
    while session.unacknowledged() + session.fences() > 0 {
        let expected = session.next_sequence();
        match session.recv(SOON).unwrap() {
            Some(Message::Sequenced { sequence, payload }) => {
                assert_eq!(sequence, expected);
                letters.push(char::from(payload[0]));
            }
            other => panic!("{other:?}"),
        }
    }
    letters
}

#[test]
fn every_order_lives_once_wherever_the_link_breaks() {
    for taken in 1..=8 {
        for told in 0..=taken {
            let broken = Plan { requests: taken, messages: told, ..Plan::default() };
            let hasty = Plan { requests: 1, messages: told.min(1), ..Plan::default() };
            let venue = Venue::start([broken, hasty]);
            let mut session = connect(&venue, options());
            (1..=8).for_each(|number| session.send(&enter(number)).unwrap());
            let letters = settle(&mut session);
            assert_eq!(letters.trim_end_matches('Q'), "A".repeat(8), "taken {taken}, told {told}");
            let entered = venue.see(|state| state.entered.clone());
            assert_eq!(entered, (1..=8).collect::<Vec<_>>(), "taken {taken}, told {told}");
            assert!(session.reconnects() >= 1);
        }
    }
}

#[test]
fn a_session_goes_on_with_its_id_and_the_next_number() {
    let venue = Venue::start([Plan { requests: 3, messages: 2, ..Plan::default() }]);
    let mut session = connect(&venue, options());
    (1..=4).for_each(|number| session.send(&enter(number)).unwrap());
    settle(&mut session);
    let logins = venue.see(|state| state.logins.clone());
    assert_eq!(logins, [(String::new(), 1), ("0000000001".to_owned(), 3)]);
}

/// Receives until the session knows which answers are its own.
fn catch_up(session: &mut Session) {
    session.catch_up().unwrap();
    while session.is_catching_up() {
        assert!(matches!(session.recv(SOON).unwrap(), Some(Message::Sequenced { .. })));
    }
}

/// An earlier program has entered order 1 and fenced; its stream has an answer to each.
fn after_another_program(plans: [Plan; 2]) -> Venue {
    let venue = Venue::start([Plan::default()].into_iter().chain(plans));
    let mut earlier = connect(&venue, options());
    earlier.send(&enter(1)).unwrap();
    assert_eq!(settle(&mut earlier), "AQ");
    venue
}

#[test]
fn the_answers_to_an_earlier_program_prove_nothing_to_the_next_one() {
    // Takes the row and one request, and tells what the earlier program was told, and the row's answers.
    let broken = Plan { requests: 4 + 1, messages: 2 + 4, ..Plan::default() };
    let venue = after_another_program([broken, Plan { requests: 1, messages: 0, ..Plan::default() }]);
    let mut session = connect(&venue, options());
    catch_up(&mut session);
    (2..=4).for_each(|number| session.send(&enter(number)).unwrap());
    session.fence().unwrap();
    settle(&mut session);
    assert_eq!(venue.see(|state| state.entered.clone()), [1, 2, 3, 4], "none of them is lost");
}

#[test]
fn whoever_asks_is_not_deceived_by_what_an_earlier_program_asked() {
    let broken = Plan { requests: 4 + 2, messages: 2 + 4, ..Plan::default() };
    let venue = after_another_program([broken, Plan { requests: 1, messages: 0, ..Plan::default() }]);
    let mut session = connect(&venue, SessionOptions { after_loss: AfterLoss::Ask, ..options() });
    catch_up(&mut session);
    // One is a copy of what the earlier program sent, two are new; the last is not received.
    (1..=3).for_each(|number| session.send(&enter(number)).unwrap());
    while session.unacknowledged() + session.fences() + session.doubtful() > 0 {
        assert!(session.recv(SOON).unwrap().is_some());
    }
    let fates: Vec<Fate> = std::iter::from_fn(|| session.take_resolved()).map(|found| found.fate).collect();
    assert_eq!(fates, [Fate::Received, Fate::Received, Fate::NeverReceived]);
    assert_eq!(venue.see(|state| state.entered.clone()), [1, 2]);
}

#[test]
fn catching_up_goes_on_over_a_broken_link_and_holds_requests_back_until_then() {
    for told in 0..=2 + 3 {
        let broken = Plan { requests: 3, messages: told, ..Plan::default() };
        let venue = after_another_program([broken, Plan::default()]);
        let mut session = connect(&venue, options());
        session.catch_up().unwrap();
        session.send(&enter(2)).unwrap();
        session.send(&cancel(2)).unwrap();
        settle(&mut session);
        assert!(!session.is_catching_up() && session.reconnects() == 1);
        let letters: Vec<char> =
            venue.see(|state| state.requests.iter().map(|request| char::from(request[0])).collect());
        let letters: String = letters.into_iter().collect();
        // What the earlier program sent; three of a row; another row; then what had to wait.
        assert_eq!(letters, ["OQ", "QQQ", "QQQQ", "OXQ"].concat(), "{told} messages told");
    }
}

#[test]
fn whoever_has_sent_something_cannot_catch_up_any_more() {
    let venue = Venue::start([]);
    let mut session = connect(&venue, options());
    session.send(&enter(1)).unwrap();
    assert!(matches!(session.catch_up(), Err(SessionError::NotFirst { requests: 1 })));
    settle(&mut session);
    catch_up(&mut session);
    assert_eq!(settle(&mut session), "Q");
}

#[test]
fn every_kind_of_request_is_repeated_in_order_until_acknowledged() {
    let venue = Venue::start([Plan { requests: 4, messages: 0, ..Plan::default() }]);
    let mut session = connect(&venue, options());
    session.send(&enter(1)).unwrap();
    session.send(&cancel(1)).unwrap();
    let (firm, symbol, tags) = (Firm::BLANK, Symbol::BLANK, Tags::EMPTY);
    session.send(&Request::MassCancel(MassCancel { user_ref_num: 2, firm, symbol, tags })).unwrap();
    session.send(&Request::Disable(EntrySwitch { user_ref_num: 3, firm, tags })).unwrap();
    session.send(&cancel(1)).unwrap();
    assert_eq!(settle(&mut session), "ACXGQ", "the copies are answered by silence");
    let letters: String =
        venue.see(|state| state.requests.iter().map(|request| char::from(request[0])).collect());
    assert_eq!(letters, "OXCDOXCDXQ");
}

#[test]
fn what_is_acknowledged_is_not_repeated() {
    let venue = Venue::start([Plan { requests: 3, ..Plan::default() }]);
    let mut session = connect(&venue, options());
    (1..=3).for_each(|number| session.send(&enter(number)).unwrap());
    while session.unacknowledged() > 0 {
        assert!(session.recv(SOON).unwrap().is_some());
    }
    session.send(&enter(4)).unwrap();
    assert_eq!(settle(&mut session), "AQ");
    assert_eq!(venue.see(|state| state.requests.len()), 3 + 2, "order 4 and the fence");
}

#[test]
fn a_dead_link_is_replaced() {
    let venue = Venue::start([Plan { is_mute: true, ..Plan::default() }]);
    let mut session = connect(&venue, options());
    session.send(&enter(1)).unwrap();
    assert_eq!(settle(&mut session).trim_end_matches('Q'), "A");
    assert_eq!(session.reconnects(), 1);
}

#[test]
fn silence_is_proved_by_a_fence_over_broken_links() {
    for taken in 1..=4 {
        for told in 0..=1 {
            let broken = Plan { requests: taken, messages: told, ..Plan::default() };
            let hasty = Plan { requests: 1, messages: told.min(1), ..Plan::default() };
            let venue = Venue::start([broken, hasty, hasty]);
            let mut session = connect(&venue, options());
            session.fence().unwrap();
            session.send(&cancel(7)).unwrap();
            session.fence().unwrap();
            session.send(&cancel(8)).unwrap();
            settle(&mut session);
            // Every cancel was taken, however often fences were answered in between.
            let cancels: BTreeSet<u8> = venue.see(|state| {
                state.requests.iter().filter(|request| request[0] == b'X').map(|request| request[4]).collect()
            });
            assert_eq!(cancels, BTreeSet::from([7, 8]), "taken {taken}, told {told}");
        }
    }
}

#[test]
fn a_full_session_refuses_requests_and_a_fence_makes_room() {
    let venue = Venue::start([]);
    let mut session = connect(&venue, SessionOptions { requests_max: 2, ..options() });
    (1..=2).for_each(|number| session.send(&cancel(number)).unwrap());
    assert!(matches!(session.send(&cancel(3)), Err(SessionError::Full { requests: 2 })));
    assert_eq!(settle(&mut session), "Q");
    session.send(&cancel(3)).unwrap();
    assert_eq!(settle(&mut session), "Q");
    assert_eq!(venue.see(|state| state.requests.len()), 5, "three cancels, two fences");
}

#[test]
fn queries_keep_off_the_fences() {
    let venue = Venue::start([]);
    let mut session = connect(&venue, options());
    let mut tags = TagBuffer::new();
    tags.push(Tag::UserRefIdx(*FENCE_CHANNELS.start()));
    let query = Request::AccountQuery(AccountQuery { tags: tags.as_tags() });
    assert!(matches!(session.send(&query), Err(SessionError::FenceChannel { channel: 191 })));
    session.send(&Request::AccountQuery(AccountQuery { tags: Tags::EMPTY })).unwrap();
    assert_eq!(settle(&mut session), "QQ");
}

#[test]
fn the_end_of_a_session_ends_it_for_good() {
    let venue = Venue::start([Plan { end_after: 1, ..Plan::default() }]);
    let mut session = connect(&venue, options());
    (1..=2).for_each(|number| session.send(&enter(number)).unwrap());
    assert!(matches!(session.recv(SOON).unwrap(), Some(Message::Sequenced { sequence: 1, .. })));
    assert_eq!(session.recv(SOON).unwrap(), Some(Message::EndOfSession));
    assert!(matches!(session.recv(SOON), Err(SessionError::Client(ClientError::Ended))));
    assert_eq!((session.reconnects(), session.unacknowledged()), (0, 1));
    // What cannot be sent any more is not kept either.
    assert!(matches!(session.send(&enter(3)), Err(SessionError::Client(ClientError::Ended))));
    assert!(matches!(session.fence(), Err(SessionError::Client(ClientError::Ended))));
    assert_eq!((session.unacknowledged(), session.fences()), (1, 0));
}

#[test]
fn another_session_is_an_error_and_nothing_is_repeated() {
    let broken = Plan { requests: 1, messages: 0, ..Plan::default() };
    let rolled = Plan { session: Some("0000000002"), ..Plan::default() };
    let venue = Venue::start([broken, rolled]);
    let mut session = connect(&venue, options());
    session.send(&enter(1)).unwrap();
    let error = session.recv(SOON).unwrap_err();
    assert!(matches!(error, SessionError::Rolled { .. }), "{error}");
    assert_eq!(venue.see(|state| state.requests.len()), 1);
}

#[test]
fn attempts_to_connect_again_are_bounded() {
    let venue = Venue::start([Plan { requests: 1, messages: 0, ..Plan::default() }]);
    let options = SessionOptions { attempts_max: 3, ..options() };
    let client = ClientOptions { login_timeout: Duration::from_millis(20), ..options.client };
    let mut session = connect(&venue, SessionOptions { client, ..options });
    // The venue serves one connection at a time: another one keeps it busy, and nobody answers.
    let _busy = std::net::TcpStream::connect(&venue.addr).unwrap();
    session.send(&enter(1)).unwrap();
    let error = session.recv(SOON).unwrap_err();
    let SessionError::GaveUp { attempts: 3, last: ConnectError::Timeout { .. } } = error else {
        panic!("{error}")
    };
}
