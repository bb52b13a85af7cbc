//! One connection against a small venue.

#[allow(dead_code)]
mod venue;

use std::net::TcpListener;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ringside_client::{Client, ClientError, ClientOptions, ConnectError, Credentials, Message};
use ringside_wire::ouch::{AccountQuery, Cancel, Request, Tags};
use ringside_wire::soup::LoginRejected;
use venue::{Plan, Venue};

const SOON: Duration = Duration::from_secs(5);

fn options() -> ClientOptions {
    ClientOptions { heartbeat: Duration::from_millis(50), ..ClientOptions::default() }
}

fn log_in(venue: &Venue, password: &str, next_sequence: u64) -> Result<Client, ConnectError> {
    let credentials = Credentials::new("ALICE", password).unwrap();
    Client::connect(venue.addr.as_str(), &credentials, None, next_sequence, options())
}

fn query() -> Request<'static> {
    Request::AccountQuery(AccountQuery { tags: Tags::EMPTY })
}

fn sequences(client: &mut Client, count: usize) -> Vec<u64> {
    let mut sequences = Vec::new();
    while sequences.len() < count {
        match client.recv(SOON).unwrap() {
            Some(Message::Sequenced { sequence, .. }) => sequences.push(sequence),
            other => panic!("{other:?}"),
        }
    }
    sequences
}

#[test]
fn a_login_joins_the_current_session() {
    let venue = Venue::start([]);
    let client = log_in(&venue, "pw", 1).unwrap();
    assert_eq!((client.session(), client.next_sequence()), ("0000000001", 1));
}

#[test]
fn refusals_are_told_apart() {
    let venue = Venue::start([]);
    let wrong = log_in(&venue, "wrong", 1).unwrap_err();
    assert!(matches!(wrong, ConnectError::Refused(LoginRejected::NotAuthorized)));
    assert_eq!(wrong.to_string(), "login refused: wrong username or password");
    let beyond = log_in(&venue, "pw", 2).unwrap_err();
    assert!(matches!(beyond, ConnectError::Refused(LoginRejected::SessionNotAvailable)));
}

#[test]
fn nobody_there_and_nobody_answering_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let credentials = Credentials::new("ALICE", "pw").unwrap();
    let options = ClientOptions { login_timeout: Duration::from_millis(50), ..options() };
    let silent = Client::connect(addr, &credentials, None, 1, options).unwrap_err();
    assert!(matches!(silent, ConnectError::Timeout { .. }), "{silent}");
    drop(listener);
    let gone = Client::connect(addr, &credentials, None, 1, options).unwrap_err();
    assert!(matches!(gone, ConnectError::Io(_)), "{gone}");
}

#[test]
fn messages_arrive_whole_from_single_bytes() {
    let venue = Venue::start([Plan { chunk: 1, ..Plan::default() }]);
    let mut client = log_in(&venue, "pw", 1).unwrap();
    (0..3).for_each(|_| client.send(&query()).unwrap());
    assert_eq!(sequences(&mut client, 3), [1, 2, 3]);
    assert_eq!(client.next_sequence(), 4);
}

#[test]
fn a_rewind_gives_the_same_messages_again() {
    let venue = Venue::start([]);
    let mut client = log_in(&venue, "pw", 1).unwrap();
    (0..3).for_each(|_| client.send(&query()).unwrap());
    sequences(&mut client, 3);
    client.logout().unwrap();
    let mut again = log_in(&venue, "pw", 2).unwrap();
    assert_eq!(sequences(&mut again, 2), [2, 3]);
    again.logout().unwrap();
    assert_eq!(log_in(&venue, "pw", 0).unwrap().next_sequence(), 4);
}

#[test]
fn a_receiver_beats_its_heart_and_hears_the_venues() {
    let venue = Venue::start([]);
    let options = ClientOptions { silence: Duration::from_millis(200), ..options() };
    let credentials = Credentials::new("ALICE", "pw").unwrap();
    let mut client = Client::connect(venue.addr.as_str(), &credentials, None, 1, options).unwrap();
    assert_eq!(client.recv(Duration::from_millis(400)).unwrap(), None);
    let heartbeats = venue.see(|state| state.heartbeats);
    assert!((4..=9).contains(&heartbeats), "{heartbeats} in 400 ms, one every 50 ms");
}

#[test]
fn a_pipelining_caller_beats_its_heart_too() {
    let venue = Venue::start([]);
    let mut client = log_in(&venue, "pw", 1).unwrap();
    for _ in 0..20 {
        assert_eq!(client.try_recv().unwrap(), None);
        sleep(Duration::from_millis(20));
    }
    assert!(venue.see(|state| state.heartbeats) >= 4);
}

#[test]
fn a_silent_link_is_declared_dead_in_time() {
    let venue = Venue::start([Plan { is_mute: true, ..Plan::default() }]);
    let options = ClientOptions { silence: Duration::from_millis(150), ..options() };
    let credentials = Credentials::new("ALICE", "pw").unwrap();
    let mut client = Client::connect(venue.addr.as_str(), &credentials, None, 1, options).unwrap();
    let start = Instant::now();
    let error = client.recv(SOON).unwrap_err();
    assert!(matches!(error, ClientError::Dead { .. }), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(140) && start.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_caller_who_was_away_reads_what_came_before_judging_the_silence() {
    let venue = Venue::start([]);
    let options = ClientOptions { silence: Duration::from_millis(100), ..options() };
    let credentials = Credentials::new("ALICE", "pw").unwrap();
    let mut client = Client::connect(venue.addr.as_str(), &credentials, None, 1, options).unwrap();
    client.send(&query()).unwrap();
    assert!(client.flush().unwrap());
    sleep(Duration::from_millis(300));
    assert_eq!(sequences(&mut client, 1), [1]);
}

#[test]
fn messages_before_a_close_are_handed_out_first() {
    let venue = Venue::start([Plan { requests: 2, ..Plan::default() }]);
    let mut client = log_in(&venue, "pw", 1).unwrap();
    (0..2).for_each(|_| client.send(&query()).unwrap());
    assert_eq!(sequences(&mut client, 2), [1, 2]);
    let error = client.recv(SOON).unwrap_err();
    assert!(matches!(error, ClientError::Closed) && error.is_link_loss(), "{error}");
}

#[test]
fn the_end_of_a_session_is_told_once() {
    let venue = Venue::start([Plan { end_after: 1, ..Plan::default() }]);
    let mut client = log_in(&venue, "pw", 1).unwrap();
    client.send(&query()).unwrap();
    assert_eq!(sequences(&mut client, 1), [1]);
    assert_eq!(client.recv(SOON).unwrap(), Some(Message::EndOfSession));
    assert!(matches!(client.recv(SOON), Err(ClientError::Ended)));
    assert!(matches!(client.send(&query()), Err(ClientError::Ended)));
}

#[test]
fn a_logout_takes_waiting_requests_along() {
    let venue = Venue::start([]);
    let mut client = log_in(&venue, "pw", 1).unwrap();
    client.send(&Request::Cancel(Cancel { user_ref_num: 1, quantity: 0, tags: Tags::EMPTY })).unwrap();
    client.send_payload(b"Q").unwrap();
    client.logout().unwrap();
    let deadline = Instant::now() + SOON;
    while venue.see(|state| state.logouts) == 0 && Instant::now() < deadline {
        sleep(Duration::from_millis(5));
    }
    assert_eq!(venue.see(|state| (state.logouts, state.requests.len())), (1, 2));
}
