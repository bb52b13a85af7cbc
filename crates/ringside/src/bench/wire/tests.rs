//! The generator itself is tested: against a venue that answers at once, that pauses, that refuses, that answers wrongly.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use ringside_wire::soup::{self, kind};

use super::super::open_loop::OpenLoop;
use super::super::pipeline::SyncMode;
use super::super::recorder::Recorder;
use super::super::report::Report;
use super::client::{Client, Tally};
use super::load::{Load, offer};
use super::site::Site;
use super::{Clock, WireArgs, load};

/// A venue that answers every packet by its rule, on a thread of its own. The rule gets the 0-based number of the command,
/// its letter and its UserRefNum, and gives the letter of the answer, or none.
fn fake_venue(mut rule: impl FnMut(u64, u8, u32) -> Option<u8> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client comes");
        let (mut input, mut count) = (Vec::new(), 0);
        let mut chunk = [0; 65_536];
        while let Ok(got @ 1..) = socket.read(&mut chunk) {
            input.extend_from_slice(&chunk[..got]);
            while let Some((packet, length)) = soup::next_packet(&input, soup::PAYLOAD_MAX).expect("frames") {
                if packet.kind == kind::LOGIN_REQUEST {
                    send(&mut socket, kind::LOGIN_ACCEPTED, &[b' '; 30]);
                } else {
                    let number = u32::from_be_bytes(packet.payload[1..5].try_into().expect("four bytes"));
                    if let Some(letter) = rule(count, packet.payload[0], number) {
                        send(&mut socket, kind::SEQUENCED, &answer(letter, number));
                    }
                    count += 1;
                }
                input.drain(..length);
            }
        }
    });
    address
}

fn answer(letter: u8, number: u32) -> Vec<u8> {
    let mut payload = vec![0; 20];
    payload[0] = letter;
    payload[9..13].copy_from_slice(&number.to_be_bytes());
    payload
}

fn send(socket: &mut TcpStream, kind: u8, payload: &[u8]) {
    let mut packet = Vec::new();
    let mark = soup::begin_packet(kind, &mut packet);
    packet.extend_from_slice(payload);
    soup::finish_packet(mark, &mut packet);
    // The client may have hung up: then nobody looks.
    let _ = socket.write_all(&packet);
}

/// Accepts orders and cancels.
fn willing(letter: u8) -> Option<u8> {
    Some(if letter == b'O' { b'A' } else { b'C' })
}

#[test]
fn a_venue_that_pauses_for_100_ms_has_it_in_the_p99_of_the_open_loop() {
    let address = fake_venue(|count, letter, _| {
        if count == 1_000 {
            std::thread::sleep(Duration::from_millis(100));
        }
        willing(letter)
    });
    let (mut clients, clock) = ([Client::connect(address, 0).expect("let in")], Clock::start());
    let mut trips = Recorder::over(1.0);
    let offered =
        offer(&mut clients, Load::Rate(2_000), Duration::from_secs(1), &clock, &mut trips).expect("answered");
    let p99 = trips.finish().total.value_at_quantile(0.99);
    // 200 of 2,000 commands have their moments in the pause. A loaded machine adds to it.
    assert!(p99 > 70_000_000, "p99 {p99} ns");
    assert_eq!((offered.counts.sent, offered.counts.unacknowledged), (2_000, 0));
}

#[test]
fn refused_orders_need_no_cancel_and_are_counted() {
    // Every third order is refused; nobody answers its cancel.
    let mut refused = 0;
    let address = fake_venue(move |_, letter, number| match letter {
        b'O' if number.is_multiple_of(3) => {
            refused = number;
            Some(b'J')
        }
        b'X' if number == refused => None,
        letter => willing(letter),
    });
    let (mut clients, clock) = ([Client::connect(address, 0).expect("let in")], Clock::start());
    let mut trips = Recorder::over(1.0);
    offer(&mut clients, Load::Rate(5_000), Duration::from_millis(300), &clock, &mut trips).expect("answered");
    let Tally { commands, accepted, canceled, rejected, void, .. } = clients[0].tally();
    assert_eq!(commands, accepted + canceled + rejected + void);
    assert!(rejected > 100 && accepted > 200 && accepted - canceled <= 1, "{:?}", clients[0].tally());
}

#[test]
fn an_answer_to_another_command_is_an_error() {
    let address = fake_venue(|_, letter, _| if letter == b'O' { Some(b'C') } else { willing(letter) });
    let (mut clients, clock) = ([Client::connect(address, 0).expect("let in")], Clock::start());
    let mut trips = Recorder::over(1.0);
    let offered = offer(&mut clients, Load::Window(1), Duration::from_millis(50), &clock, &mut trips);
    let problem = offered.expect_err("a cancel was not asked for").to_string();
    assert!(problem.contains("letter: 67"), "{problem}");
}

#[test]
fn what_a_deaf_venue_does_not_take_is_unsent_and_what_it_took_unacknowledged() {
    // Reads one command and never again while the client lives.
    let address = fake_venue(|_, _, _| {
        std::thread::sleep(Duration::from_secs(3));
        None
    });
    let (mut clients, clock) = ([Client::connect(address, 0).expect("let in")], Clock::start());
    let offered = OpenLoop::lasting(clock.now(), 2_000_000, Duration::from_millis(200));
    let (mut counts, answers) =
        load::paced(&mut clients, offered, &clock, &mut Recorder::over(1.0)).expect("no answer is no error");
    clients[0].take_back(&mut counts);
    assert_eq!((answers, counts.sent + counts.unsent), (0, 400_000));
    assert!(counts.unsent > 0, "{counts:?}");
    assert_eq!(clients[0].tally().commands, counts.sent);
    assert_eq!(clients[0].in_flight() as u64, counts.sent);
}

#[test]
fn a_command_that_is_not_in_the_journal_fails_the_bench() {
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let args = WireArgs::round_trip(scratch.path(), SyncMode::Never, 1.0);
    let mut site = Site::open(&args, scratch.path()).expect("a venue");
    let mut trips = Recorder::over(1.0);
    site.offer(Load::Window(1), Duration::from_millis(50), &mut trips).expect("answered");
    // Counted as sent, and never sent.
    site.clients[0].push_command(0);
    let failure = site.close(&mut Report::new("wire", scratch.path())).expect_err("one is missing");
    assert_eq!(failure.exit_code, 1);
    assert!(failure.to_string().contains("wrong answers have no latency"), "{failure}");
}
