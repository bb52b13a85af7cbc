//! The driver in a poll loop over links that break.

#[allow(dead_code)]
mod venue;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ringside_client::{
    AfterLoss, ClientOptions, Credentials, Driver, DriverState, Fate, Message, SessionError, SessionOptions,
};
use ringside_domain::Text;
use ringside_wire::ouch::{Cancel, Request, Tags};
use ringside_wire::soup::{self, LoginAccepted, kind};
use venue::{Plan, Venue, enter};

const SOON: Duration = Duration::from_secs(5);

fn options(after_loss: AfterLoss) -> SessionOptions {
    SessionOptions {
        client: ClientOptions { silence: Duration::from_millis(300), ..ClientOptions::default() },
        after_loss,
        backoff_base: Duration::from_millis(2),
        backoff_max: Duration::from_millis(20),
        seed: 1,
        ..SessionOptions::default()
    }
}

fn driver(after_loss: AfterLoss) -> Driver {
    let credentials = Credentials::new("ALICE", "pw").unwrap();
    Driver::new(&credentials, None, 1, options(after_loss), Instant::now()).unwrap()
}

/// A poll loop in its plainest form: one socket, looked at again and again.
struct Loop<'a> {
    venue: &'a Venue,
    driver: Driver,
    socket: Option<TcpStream>,
    letters: String,
    has_ended: bool,
}

impl<'a> Loop<'a> {
    fn new(venue: &'a Venue, driver: Driver) -> Self {
        Loop { venue, driver, socket: None, letters: String::new(), has_ended: false }
    }

    fn turn(&mut self) -> Result<(), SessionError> {
        let now = Instant::now();
        if let DriverState::Down { connect_at } = self.driver.state() {
            self.socket = None;
            if now < connect_at {
                return Ok(());
            }
            match TcpStream::connect(self.venue.addr.as_str()) {
                Ok(socket) => {
                    socket.set_nonblocking(true).unwrap();
                    self.socket = Some(socket);
                    self.driver.connected(now);
                }
                Err(_) => self.driver.lost(now),
            }
        }
        self.read(now);
        loop {
            let expected = self.driver.next_sequence();
            match self.driver.next_message(now)? {
                None => break,
                Some(Message::EndOfSession) => self.has_ended = true,
                Some(Message::Sequenced { sequence, payload }) => {
                    assert_eq!(sequence, expected);
                    self.letters.push(char::from(payload[0]));
                }
            }
        }
        self.write(now);
        Ok(())
    }

    fn read(&mut self, now: Instant) {
        let Some(socket) = &mut self.socket else { return };
        match socket.read(self.driver.room()) {
            Ok(0) => self.driver.lost(now),
            Ok(length) => self.driver.filled(length, now),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.driver.lost(now),
        }
    }

    fn write(&mut self, now: Instant) {
        let Some(socket) = &mut self.socket else { return };
        while !self.driver.outgoing().is_empty() {
            match socket.write(self.driver.outgoing()) {
                Ok(length) => self.driver.written(length, now),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.driver.lost(now),
            }
        }
    }

    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let since = Instant::now();
        while !done(self) {
            assert!(since.elapsed() < SOON, "{what}: {:?}", self.driver.state());
            self.turn().unwrap();
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

fn is_settled(l: &Loop<'_>) -> bool {
    l.driver.unacknowledged() + l.driver.fences() + l.driver.doubtful() == 0
}

#[test]
fn every_order_lives_once_wherever_the_link_breaks() {
    for taken in 1..=5 {
        for told in 0..=taken {
            let broken = Plan { requests: taken, messages: told, ..Plan::default() };
            let venue = Venue::start([broken]);
            let mut l = Loop::new(&venue, driver(AfterLoss::SendAgain));
            (1..=4).for_each(|n| l.driver.send(&enter(n)).unwrap());
            l.driver.fence().unwrap();
            l.until("all is acknowledged", is_settled);
            assert_eq!(venue.see(|state| state.entered.clone()), [1, 2, 3, 4], "taken {taken}, told {told}");
            assert_eq!(l.letters.matches('A').count(), 4);
        }
    }
}

#[test]
fn a_driver_whose_bytes_nobody_takes_wakes_for_a_dead_link_and_not_before() {
    let begun = Instant::now();
    let mut driver =
        Driver::new(&Credentials::new("ALICE", "pw").unwrap(), None, 1, SessionOptions::default(), begun)
            .unwrap();
    let feed = |driver: &mut Driver, bytes: &[u8], now| {
        driver.room()[..bytes.len()].copy_from_slice(bytes);
        driver.filled(bytes.len(), now);
        assert_eq!(driver.next_message(now).unwrap(), None);
    };
    driver.connected(begun);
    driver.written(driver.outgoing().len(), begun);
    let mut bytes = Vec::new();
    LoginAccepted { session: Text::new("0000000001").unwrap(), sequence: 1 }.encode(&mut bytes);
    feed(&mut driver, &bytes, begun);
    driver.send(&enter(1)).unwrap();
    // The venue is there and reads nothing.
    let mut heartbeat = Vec::new();
    soup::put_packet(kind::SERVER_HEARTBEAT, &[], &mut heartbeat);
    for second in 1..=40 {
        let now = begun + Duration::from_secs(second);
        feed(&mut driver, &heartbeat, now);
        assert_eq!(driver.wakes_at(), Some(now + Duration::from_secs(15)), "second {second}");
    }
}

#[test]
fn whoever_asks_is_told_what_was_never_received() {
    // Two are taken, one is told.
    let venue = Venue::start([Plan { requests: 2, messages: 1, ..Plan::default() }]);
    let mut l = Loop::new(&venue, driver(AfterLoss::Ask));
    (1..=2).for_each(|n| l.driver.send(&enter(n)).unwrap());
    let cancel = Request::Cancel(Cancel { user_ref_num: 1, quantity: 0, tags: Tags::EMPTY });
    l.driver.send(&cancel).unwrap();
    (3..=4).for_each(|n| l.driver.send(&enter(n)).unwrap());
    l.until("the link is lost and found", |l| l.letters.contains('Q') && is_settled(l));
    let fates: Vec<Fate> = std::iter::from_fn(|| l.driver.take_resolved()).map(|found| found.fate).collect();
    assert_eq!(fates, [Fate::Received, Fate::Unclear, Fate::NeverReceived, Fate::NeverReceived]);
    assert_eq!(venue.see(|state| state.entered.clone()), [1, 2], "nothing is sent again unasked");
}

#[test]
fn a_session_that_has_ended_is_followed_by_the_next_one() {
    let next = Plan { session: Some("0000000002"), ..Plan::default() };
    let venue = Venue::start([Plan { end_after: 1, ..Plan::default() }, next]);
    let mut l = Loop::new(&venue, driver(AfterLoss::SendAgain));
    l.driver.send(&enter(1)).unwrap();
    l.until("the end", |l| l.has_ended);
    assert_eq!((l.driver.state(), l.driver.wakes_at()), (DriverState::Ended, None));
    assert!(l.driver.send(&enter(2)).is_err());
    l.driver.begin_next(Instant::now());
    l.until("a login", |l| l.driver.state() == DriverState::Open);
    assert_eq!(l.driver.session(), "0000000002");
}

#[test]
fn another_session_or_a_refusal_is_an_error() {
    let venue = Venue::start([
        Plan { requests: 1, ..Plan::default() },
        Plan { session: Some("0000000002"), ..Plan::default() },
    ]);
    let mut l = Loop::new(&venue, driver(AfterLoss::SendAgain));
    l.driver.send(&enter(1)).unwrap();
    let since = Instant::now();
    let error = loop {
        assert!(since.elapsed() < SOON);
        if let Err(error) = l.turn() {
            break error;
        }
        std::thread::sleep(Duration::from_micros(200));
    };
    assert!(matches!(error, SessionError::Rolled { .. }), "{error}");
}

#[test]
fn a_mute_venue_is_left_and_a_silent_program_beats_its_heart() {
    let venue = Venue::start([Plan { is_mute: true, ..Plan::default() }]);
    let mut l = Loop::new(&venue, driver(AfterLoss::SendAgain));
    l.until("the first login", |l| l.driver.state() == DriverState::Open);
    l.until("the link is given up", |l| matches!(l.driver.state(), DriverState::Down { .. }));
    l.until("a second login", |l| l.driver.state() == DriverState::Open);
    l.until("a heartbeat", |l| l.venue.see(|state| state.heartbeats) > 0);
}
