//! The gateway's thread allocates nothing per message of a plaintext connection once it is warm.

#[path = "../../journal/tests/counting/mod.rs"]
mod counting;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crossbeam_channel::bounded;
use ringside_domain::{Command, Event, Fact, LoginId, Text, Username};
use ringside_gateway::auth::{Outcome, Verdict};
use ringside_gateway::{
    Caps, CommandSink, Gateway, GatewayOptions, ListenOptions, LockoutPolicy, LoginEntry, Outbound,
};
use ringside_wire::ouch::{AccountQuery, Request, Tags};
use ringside_wire::soup::{self, LoginRequest, kind};

const ALICE: LoginId = LoginId(1);
/// Messages of one round: a few reads' worth.
const ROUND: u64 = 500;

/// Takes everything and counts it.
#[derive(Default)]
struct Sink(u64);

impl CommandSink for Sink {
    fn begin_turn(&mut self) {}

    fn offer(&mut self, _: &Command) -> bool {
        self.0 += 1;
        true
    }
}

struct Floor {
    gateway: Gateway,
    client: TcpStream,
    sink: Sink,
    /// One round of requests.
    requests: Vec<u8>,
    answers: Vec<u8>,
    _directory: tempfile::TempDir,
}

impl Floor {
    /// ALICE, logged in.
    fn new() -> Floor {
        let directory = tempfile::tempdir().unwrap();
        let stream = Outbound::create(&directory.path().join("1.out")).unwrap();
        let username = Username::new("ALICE").unwrap();
        let login = LoginEntry { stream, certificate_name: None, connected: false };
        let ((jobs, asked), (told, verdicts)) = (bounded(1), bounded(1));
        let options = GatewayOptions {
            listen: ListenOptions { tcp: Some("127.0.0.1:0".parse().unwrap()), ..ListenOptions::default() },
            session: 1,
            outbound: directory.path().to_owned(),
            logins: vec![login],
            jobs,
            verdicts,
            caps: Caps::default(),
            lockout: LockoutPolicy::default(),
        };
        let gateway = Gateway::new(options).unwrap();
        let mut client = TcpStream::connect(gateway.addresses().tcp.unwrap()).unwrap();
        let mut packet = Vec::new();
        let password = Text::new("pw").unwrap();
        LoginRequest { username, password, session: Text::BLANK, sequence: Some(0) }.encode(&mut packet);
        client.write_all(&packet).unwrap();
        client.set_nonblocking(true).unwrap();
        let (requests, answers) = (round(), vec![0; 1 << 20]);
        let mut floor =
            Floor { gateway, client, sink: Sink::default(), requests, answers, _directory: directory };
        while floor.gateway.stats().logged_in == 0 {
            floor.gateway.poll(Duration::from_millis(1), &mut floor.sink).unwrap();
            if let Ok(job) = asked.try_recv() {
                let (ticket, attempt) = (job.ticket, job.attempt);
                told.send(Verdict { ticket, attempt, outcome: Outcome::Right(ALICE) }).unwrap();
            }
        }
        floor
    }

    /// One round of requests and their answers. Returns the gateway's allocations.
    fn round(&mut self) -> u64 {
        self.client.write_all(&self.requests).unwrap();
        let (before, end) = (counting::allocations(), self.sink.0 + ROUND);
        while self.sink.0 < end {
            self.gateway.poll(Duration::ZERO, &mut self.sink).unwrap();
        }
        for n in 0..ROUND as u32 {
            let fact = Fact::NextUserRefNum { user_ref_num: n };
            self.gateway.deliver(7, &Event { login: ALICE, user_ref_idx: 0, fact });
        }
        self.gateway.flush(&mut self.sink).unwrap();
        let allocations = counting::allocations() - before;
        // Nothing to read is no error: what is read here makes room in the socket.
        while self.client.read(&mut self.answers).is_ok_and(|count| count == self.answers.len()) {}
        allocations
    }
}

fn round() -> Vec<u8> {
    let mut message = Vec::new();
    Request::AccountQuery(AccountQuery { tags: Tags::EMPTY }).encode(&mut message);
    let mut packets = Vec::new();
    (0..ROUND).for_each(|_| soup::put_packet(kind::UNSEQUENCED, &message, &mut packets));
    packets
}

#[test]
fn the_gateway_allocates_nothing_per_message_of_a_plaintext_connection() {
    let mut floor = Floor::new();
    assert!(counting::allocations() > 0, "the allocator is counted");
    // A stream remembers the place of every 64th message: 70,000 messages make room for 131,072.
    for _ in 0..140 {
        floor.round();
    }
    let allocations: u64 = (0..100).map(|_| floor.round()).sum();
    assert_eq!(allocations, 0);
    assert_eq!(floor.gateway.stats().messages, 240 * ROUND);
}
