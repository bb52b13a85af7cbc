//! What became of an order that was under way: the session of `ringside-client` against the real venue, whose link is cut at
//! every packet, and which is killed at every step. However it is interrupted, the same is told in the end, once.

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ringside_client::{AfterLoss, Credentials, Fate, Message, Session, SessionOptions};
use ringside_domain::{Firm, Symbol};
use ringside_wire::ouch::{Cancel, Enter, MassCancel, Replace, Reply, Request, Tags, decode_request};
use support::*;

/// How one connection goes.
#[derive(Clone, Copy, Debug)]
struct Link {
    /// Bytes to the venue before it is cut.
    up: usize,
    /// Bytes from the venue before it is cut.
    down: usize,
    /// Bytes at a time.
    part: usize,
    /// Before each part.
    delay: Duration,
}

const WHOLE: Link = Link { up: usize::MAX, down: usize::MAX, part: usize::MAX, delay: Duration::ZERO };

/// Stands between client and venue. Its threads end with the connections.
struct Proxy {
    address: SocketAddr,
    venue: Arc<Mutex<SocketAddr>>,
    /// The next connection; those after it are whole.
    next: Arc<Mutex<Link>>,
}

impl Proxy {
    fn before(venue: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (venue, next) = (Arc::new(Mutex::new(venue)), Arc::new(Mutex::new(WHOLE)));
        let (to, links) = (venue.clone(), next.clone());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let target = *to.lock().expect("no test panics while it holds this");
                // A venue that is down: the client is hung up on.
                let Ok(server) = TcpStream::connect(target) else { continue };
                let link = std::mem::replace(&mut *links.lock().expect("likewise"), WHOLE);
                forward(&client, &server, link.up, link);
                forward(&server, &client, link.down, link);
            }
        });
        Proxy { address, venue, next }
    }

    fn cut_next(&self, link: Link) {
        *self.next.lock().expect("no thread panics while it holds this") = link;
    }

    fn move_to(&self, venue: SocketAddr) {
        *self.venue.lock().expect("no thread panics while it holds this") = venue;
    }
}

/// Copies up to `left` bytes, then hangs up on both.
fn forward(from: &TcpStream, to: &TcpStream, mut left: usize, link: Link) {
    let clone = |stream: &TcpStream| stream.try_clone().expect("a second handle");
    let (mut from, mut to) = (clone(from), clone(to));
    to.set_nodelay(true).expect("a TCP socket");
    thread::spawn(move || {
        let mut chunk = [0; 4096];
        while left > 0 {
            let room = left.min(chunk.len());
            let Ok(count @ 1..) = from.read(&mut chunk[..room]) else { break };
            for part in chunk[..count].chunks(link.part) {
                thread::sleep(link.delay);
                if to.write_all(part).is_err() {
                    break;
                }
            }
            left -= count;
        }
        // Whoever has gone already does not mind.
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    });
}

/// Requests of the script.
const STEPS: usize = 8;
/// UserRefNums of a run of it.
const NUMBERS: u32 = 10;

/// Enters, a replacement, a reduction, a trade, mass cancels: every kind of answer, and none for the last but one.
fn step(n: usize, base: u32) -> Request<'static> {
    let enter = |number, side, quantity, symbol| {
        Request::Enter(Enter { tags: Tags::EMPTY, ..order(base + number, side, quantity, symbol) })
    };
    let (firm, tags) = (Firm::BLANK, Tags::EMPTY);
    match n {
        0 => enter(1, b'B', 5, "ESH4"),
        1 => enter(2, b'B', 3, "ESH4"),
        2 => Request::Replace(Replace {
            original: base + 2,
            user_ref_num: base + 3,
            quantity: 6,
            price: PRICE,
            time_in_force: b'0',
            display: b'Y',
            intermarket_sweep: b'N',
            client_order_id: Default::default(),
            tags,
        }),
        3 => Request::Cancel(Cancel { user_ref_num: base + 1, quantity: 2, tags }),
        4 => enter(4, b'S', 4, "ESH4"),
        5 => enter(5, b'B', 1, "AAPL"),
        6 => Request::Cancel(Cancel { user_ref_num: base + 1, quantity: 0, tags }),
        _ => {
            let symbol = Symbol::BLANK;
            Request::MassCancel(MassCancel { user_ref_num: base + 7, firm, symbol, tags })
        }
    }
}

/// A client that notes what it is told.
struct Trader {
    session: Session,
    base: u32,
    told: Vec<String>,
}

impl Trader {
    fn through(proxy: &Proxy, after_loss: AfterLoss, base: u32) -> Trader {
        let options = SessionOptions {
            after_loss,
            attempts_max: 1_000,
            backoff_base: Duration::from_millis(1),
            backoff_max: Duration::from_millis(20),
            ..SessionOptions::default()
        };
        let credentials = Credentials::new("ALICE", "pw-alice").expect("they fit");
        // The very first login may be cut, too: a session begins with a connection.
        let address = proxy.address.to_string();
        let connect = || Session::connect(address.as_str(), &credentials, None, 0, options).ok();
        let session = eventually("a first login", connect);
        Trader { session, base, told: Vec::new() }
    }

    /// Sends a step, and is sure of everything before going on, if the link was lost on the way.
    fn send(&mut self, request: &Request<'_>) {
        let lost = self.session.reconnects();
        self.session.send(request).expect("a request");
        self.session.flush().expect("a link");
        if self.session.reconnects() != lost {
            self.resolve();
        }
    }

    fn next(&mut self) {
        let base = self.base;
        match self.session.recv(PATIENCE).expect("a link") {
            Some(Message::Sequenced { payload, .. }) => self.told.extend(words(payload, base)),
            other => panic!("a message was due: {other:?}"),
        }
    }

    /// Until nothing is under way. What the venue has not got is sent again.
    fn resolve(&mut self) {
        loop {
            if self.session.unacknowledged() > 0 && self.session.fences() == 0 {
                self.session.fence().expect("a channel");
            }
            while self.session.unacknowledged() + self.session.fences() + self.session.doubtful() > 0 {
                self.next();
            }
            let mut again = Vec::new();
            while let Some(resolved) = self.session.take_resolved() {
                if resolved.fate != Fate::Received {
                    again.push(resolved.request);
                }
            }
            if again.is_empty() {
                return;
            }
            for request in again {
                self.session.send(&decode_request(&request).expect("what was sent")).expect("a request");
            }
        }
    }

    /// Everything that was told in the end, and how often the link was lost.
    fn finish(mut self) -> (Vec<String>, u64) {
        self.session.fence().expect("a channel");
        self.resolve();
        (self.told, self.session.reconnects())
    }
}

/// A message without what differs from run to run; nothing for the answers to questions.
fn words(payload: &[u8], base: u32) -> Option<String> {
    let reply = reply(payload);
    let number = reply.user_ref_num().map(|number| number.wrapping_sub(base));
    let quantity = match &reply {
        Reply::AccountQueryResponse(_) => return None,
        Reply::Accepted(m) => m.quantity,
        Reply::Replaced(m) => m.quantity,
        Reply::Executed(m) => m.quantity,
        Reply::Canceled(m) => m.quantity,
        _ => 0,
    };
    Some(format!("{} {number:?} {quantity}", char::from(payload[0])))
}

fn play(trader: &mut Trader) {
    for n in 0..STEPS {
        trader.send(&step(n, trader.base));
    }
}

/// Packet boundaries of login and script on the way up.
fn boundaries() -> Vec<usize> {
    let login = 49;
    let packets = (0..STEPS).map(|n| 3 + encode(&step(n, 0)).len());
    let ends = std::iter::once(login).chain(packets).scan(0, |end, length| {
        *end += length;
        Some(*end)
    });
    ends.collect()
}

#[test]
fn a_link_that_is_cut_anywhere_loses_nothing_and_doubles_nothing() {
    let site = Site::new(CONFIG);
    let venue = site.start();
    let proxy = Proxy::before(venue.order_entry());
    let (mut base, mut lost) = (0, 0);
    let mut run = |link: Link, after_loss| {
        proxy.cut_next(link);
        let mut trader = Trader::through(&proxy, after_loss, base);
        base += NUMBERS;
        play(&mut trader);
        let (told, losses) = trader.finish();
        lost += losses;
        told
    };
    let expected = run(WHOLE, AfterLoss::SendAgain);
    assert!(expected.len() >= 12, "{expected:?}");
    let ups = boundaries().into_iter().flat_map(|end| [end - 1, end, end + 1]);
    let cuts = ups.map(|up| Link { up, ..WHOLE });
    let cuts = cuts.chain((1..700).step_by(47).map(|down| Link { down, ..WHOLE }));
    for link in cuts {
        for after_loss in [AfterLoss::SendAgain, AfterLoss::Ask] {
            assert_eq!(run(link, after_loss), expected, "{link:?}, {after_loss:?}");
        }
    }
    for part in [1, 2, 7] {
        let slow = Link { part, delay: Duration::from_micros(50), ..WHOLE };
        assert_eq!(run(slow, AfterLoss::SendAgain), expected, "{slow:?}");
    }
    assert!(lost >= 60, "the link was lost {lost} times only");
    assert_eq!(venue.status()["orders_live"], 0);
}

#[test]
fn a_venue_that_is_killed_at_any_step_loses_nothing_and_doubles_nothing() {
    let site = Site::new(CONFIG);
    let mut venue = site.start();
    let proxy = Proxy::before(venue.order_entry());
    let mut trader = Trader::through(&proxy, AfterLoss::SendAgain, 0);
    play(&mut trader);
    let (expected, _) = trader.finish();
    let mut base = NUMBERS;
    for n in 0..STEPS {
        let after_loss = if n % 2 == 0 { AfterLoss::SendAgain } else { AfterLoss::Ask };
        let mut trader = Trader::through(&proxy, after_loss, base);
        for at in 0..STEPS {
            trader.send(&step(at, base));
            if at == n {
                venue.kill();
                venue = site.start();
                proxy.move_to(venue.order_entry());
            }
        }
        let (told, lost) = trader.finish();
        assert_eq!((told, lost > 0), (expected.clone(), true), "killed behind step {n}, {after_loss:?}");
        base += NUMBERS;
    }
    assert_eq!(venue.status()["orders_live"], 0);
    assert_eq!(venue.terminate(), Some(0));
    site.verify();
}

#[test]
fn a_session_goes_on_in_the_next_one_after_a_roll() {
    let site = Site::new(&CONFIG.replacen("[admin]", "[admin]\ntoken = \"t\"", 1));
    let venue = site.start();
    let proxy = Proxy::before(venue.order_entry());
    let mut trader = Trader::through(&proxy, AfterLoss::Ask, 0);
    trader.send(&step(0, 0));
    trader.next();
    let roll = || site.run(&["admin", "--to", &venue.admin().to_string(), "--token", "t", "roll-session"]);
    assert_eq!(roll().code, Some(0));
    trader.next();
    assert_eq!(trader.session.recv(PATIENCE).expect("the rest"), Some(Message::EndOfSession));
    assert!(trader.session.send(&step(1, 0)).is_err(), "the session has ended");
    trader.session.begin_next().expect("the next session");
    assert_eq!((trader.session.session(), trader.session.next_sequence()), ("0000000002", 1));
    while let Some(resolved) = trader.session.take_resolved() {
        assert_eq!(resolved.fate, Fate::NeverReceived);
    }
    // The same numbers again.
    trader.told.clear();
    play(&mut trader);
    assert!(trader.finish().0.len() >= 12);
}
