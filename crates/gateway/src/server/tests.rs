//! What needs the gateway's own clock or its connections to be told.

use std::io::{Read, Write};
use std::net::TcpStream;

use crossbeam_channel::bounded;

use super::*;
use crate::auth::Outcome;
use crate::limits::{LOGIN_DEADLINE, SILENCE};
use ringside_domain::{Event, Fact, Username};
use ringside_wire::soup::LoginRequest;

/// Takes everything.
struct Sink;

impl CommandSink for Sink {
    fn begin_turn(&mut self) {}

    fn offer(&mut self, _: &Command) -> bool {
        true
    }
}

/// A gateway whose verifier lets everybody in whom a test wants to be let in.
struct Floor {
    gateway: Gateway,
    jobs: Receiver<Job>,
    verdicts: Sender<Verdict>,
    directory: tempfile::TempDir,
}

const ALICE: LoginId = LoginId(1);
const SESSION: u32 = 1;

impl Floor {
    fn new(caps: Caps) -> Floor {
        let directory = tempfile::tempdir().unwrap();
        let stream = Outbound::create(&stream_path(directory.path(), ALICE, SESSION)).unwrap();
        let ((jobs, asked), (told, verdicts)) = (bounded(8), bounded(8));
        let gateway = Gateway::new(GatewayOptions {
            listen: ListenOptions { tcp: Some("127.0.0.1:0".parse().unwrap()), ..ListenOptions::default() },
            session: SESSION,
            outbound: directory.path().to_owned(),
            logins: vec![LoginEntry { stream, certificate_name: None, connected: false }],
            jobs,
            verdicts,
            caps,
            lockout: LockoutPolicy::default(),
        });
        Floor { gateway: gateway.unwrap(), jobs: asked, verdicts: told, directory }
    }

    /// Turns until something is so.
    fn until(&mut self, is_so: impl Fn(&Floor) -> bool) {
        let begin = Instant::now();
        while !is_so(self) {
            assert!(begin.elapsed() < Duration::from_secs(30), "it never is");
            self.gateway.poll(Duration::from_millis(1), &mut Sink).unwrap();
        }
    }

    /// A connection that has sent nothing.
    fn connect(&mut self) -> TcpStream {
        let accepted = self.gateway.stats().accepted;
        let client = TcpStream::connect(self.gateway.addresses().tcp.unwrap()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        self.until(|floor| floor.gateway.stats().accepted > accepted);
        client
    }

    /// A connection that has asked for a login.
    fn ask(&mut self) -> (TcpStream, Job) {
        let mut client = self.connect();
        let (username, password) = (Username::new("ALICE").unwrap(), Text::new("pw").unwrap());
        let mut packet = Vec::new();
        LoginRequest { username, password, session: Text::BLANK, sequence: Some(0) }.encode(&mut packet);
        client.write_all(&packet).unwrap();
        self.until(|floor| !floor.jobs.is_empty());
        (client, self.jobs.recv().unwrap())
    }

    /// ALICE, logged in.
    fn login(&mut self) -> TcpStream {
        let (client, job) = self.ask();
        let logins = self.gateway.stats().logins;
        self.verdicts
            .send(Verdict { ticket: job.ticket, attempt: job.attempt, outcome: Outcome::Right(ALICE) })
            .unwrap();
        self.until(|floor| floor.gateway.stats().logins > logins);
        client
    }

    fn roll(&mut self, session: u32) {
        self.gateway.hold_input();
        self.gateway.roll(session).unwrap();
    }

    /// Lets time pass, and looks at the timers. No turn may follow: the clock would have gone back.
    fn pass(&mut self, time: Duration) {
        self.gateway.now += time;
        assert!(self.gateway.timers.begin(self.gateway.now), "the look before has ended");
        self.gateway.run_timers(&mut Sink);
    }

    fn is_full_of_newcomers(&self) -> bool {
        let Entrance::Reception(reception) = &self.gateway.entrance else { unreachable!() };
        reception.crowd.is_full_of_newcomers()
    }

    fn closed(&self, reason: CloseReason) -> u64 {
        let at = CloseReason::ALL.iter().position(|other| *other == reason).unwrap();
        self.gateway.stats().closed[at]
    }
}

#[test]
fn nobody_is_silent_or_late_while_a_roll_waits_for_the_disk() {
    let mut floor = Floor::new(Caps::default());
    let _alice = floor.login();
    let (_waiting, _job) = floor.ask();
    floor.gateway.hold_input();
    (0..3).for_each(|_| floor.pass(SILENCE));
    assert_eq!((floor.closed(CloseReason::Silence), floor.closed(CloseReason::LoginDeadline)), (0, 0));
    // Once it is delivered, patience begins anew.
    floor.gateway.roll(SESSION + 1).unwrap();
    floor.pass(LOGIN_DEADLINE / 2);
    assert_eq!(floor.closed(CloseReason::LoginDeadline), 0);
    floor.pass(LOGIN_DEADLINE);
    assert_eq!(floor.closed(CloseReason::LoginDeadline), 1);
}

#[test]
fn a_flood_of_newcomers_does_not_cut_off_those_who_are_being_seen_off() {
    let mut floor = Floor::new(Caps { unauthenticated_max: 2, ..Caps::default() });
    let mut alice = floor.login();
    floor.roll(SESSION + 1);
    let _flood: Vec<_> = (0..6).map(|_| floor.connect()).collect();
    assert_eq!(floor.closed(CloseReason::Unauthenticated), 4, "the flood's own");
    assert_eq!(floor.gateway.stats().connections, 3);
    let mut told = Vec::new();
    alice.read_to_end(&mut told).unwrap();
    assert!(told.ends_with(&[0, 1, b'Z']), "{told:?}");
}

#[test]
fn a_farewell_whose_stream_cannot_be_read_still_counts_as_a_login() {
    let mut floor = Floor::new(Caps { unauthenticated_max: 1, ..Caps::default() });
    let _alice = floor.login();
    for n in 0..4 {
        let fact = Fact::NextUserRefNum { user_ref_num: n };
        floor.gateway.deliver(7, &Event { login: ALICE, user_ref_idx: 0, fact });
    }
    floor.roll(SESSION + 1);
    // What was stored at the roll is gone from the file.
    let path = stream_path(floor.directory.path(), ALICE, SESSION);
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(0).unwrap();
    let key = floor.gateway.connections.iter().next().unwrap().0;
    floor.gateway.see_off(key, &mut Sink).unwrap_err();
    floor.gateway.close(key, CloseReason::PeerClosed, &mut Sink);
    assert!(!floor.is_full_of_newcomers());
    let _newcomer = floor.connect();
    assert!(floor.is_full_of_newcomers(), "the one that went is no login any more");
}

#[test]
fn a_login_has_two_streams_open_at_most_however_often_the_session_rolls() {
    let mut floor = Floor::new(Caps::default());
    let clients: Vec<_> = (1..=3)
        .map(|n| {
            let client = floor.login();
            floor.roll(SESSION + n);
            assert_eq!(
                floor.closed(CloseReason::SessionEnded),
                u64::from(n) - 1,
                "the one before, at roll {n}"
            );
            client
        })
        .collect();
    assert_eq!(floor.gateway.stats().connections, 1);
    assert_eq!(floor.gateway.stats().logged_in, 0);
    drop(clients);
}

#[test]
fn two_rolls_at_once_still_tell_the_end_of_the_session() {
    let mut floor = Floor::new(Caps::default());
    let mut alice = floor.login();
    floor.gateway.hold_input();
    floor.gateway.hold_input();
    (1..=2).for_each(|n| floor.gateway.roll(SESSION + n).unwrap());
    let mut told = Vec::new();
    alice.read_to_end(&mut told).unwrap();
    assert!(told.ends_with(&[0, 1, b'Z']), "{told:?}");
}

#[test]
fn a_login_that_nobody_checked_is_closed_without_an_answer_and_is_no_failure() {
    let mut floor = Floor::new(Caps::default());
    for n in 1..=2 * u64::from(LockoutPolicy::default().failures) {
        let (mut client, job) = floor.ask();
        let unchecked = Verdict { ticket: job.ticket, attempt: job.attempt, outcome: Outcome::Unchecked };
        floor.verdicts.send(unchecked).unwrap();
        floor.until(|floor| floor.closed(CloseReason::VerifierBusy) == n);
        let mut told = Vec::new();
        client.read_to_end(&mut told).unwrap();
        assert!(told.is_empty(), "{told:?}");
    }
    let _alice = floor.login();
}
