//! One login whose link fails at a moment of its choice, and who asks what became of what was under way.
//!
//! Refuses to know: what the fault is, and what the venue thinks.

use std::time::{Duration, Instant, SystemTime};

use ringside_client::{
    AfterLoss, ClientOptions, Credentials, Message, Session, SessionError, SessionOptions,
};
use ringside_domain::{Firm, Symbol};
use ringside_wire::ouch::{Cancel, Enter, MassCancel, Replace, Request, Tags, decode_request};

use crate::account::Account;
use crate::case::password_of;
use crate::signals::{PATIENCE, Signal, Signals};
use crate::support::{Dice, PRICE, order};

/// Between two requests, so that a fault comes in the midst of them.
const PACE: Duration = Duration::from_millis(1);
/// Messages of a rewind that are read before the fault.
const REWOUND: usize = 100;
/// Orders that nobody trades with: what cancel-on-disconnect has to cancel.
pub const RESTING: usize = 5;
/// A rewind of these is longer than what sockets hold: some 64 bytes each.
const LONG_STREAM: usize = 6_000;

/// What the trader is doing when its link fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// Logging in for the first time.
    Login,
    /// Entering orders.
    Orders,
    /// Cancelling and replacing what rests.
    Cancels,
    /// Nothing but heartbeats.
    Idle,
    /// Reading its stream from the beginning after a new login, with requests under way.
    Rewind,
}

impl Moment {
    pub const ALL: [Moment; 5] =
        [Moment::Login, Moment::Orders, Moment::Cancels, Moment::Idle, Moment::Rewind];
}

/// Who trades, and how.
pub struct Trader<'a> {
    pub name: String,
    pub address: String,
    pub moment: Moment,
    pub after_loss: AfterLoss,
    pub seed: u64,
    pub signals: &'a Signals,
}

impl Trader<'_> {
    /// All of it, in the calling thread.
    pub fn trade(&self) -> Account {
        let mut desk = match self.moment {
            Moment::Login => {
                self.signals.give(Signal::Prepared);
                self.break_now();
                Desk::new(self, 1)
            }
            moment => {
                let mut desk = Desk::new(self, 1);
                desk.prepare(moment);
                self.signals.give(Signal::Prepared);
                desk.listen_until(Signal::Go);
                desk
            }
        };
        match self.moment {
            Moment::Login => desk.enter_many(20),
            Moment::Orders => desk.with_a_fault_in_the_midst(|desk, _| desk.enter()),
            Moment::Cancels => desk.with_a_fault_in_the_midst(Desk::change),
            Moment::Idle => {
                self.signals.give(Signal::Wanted);
                desk.listen_until(Signal::Broken);
            }
            Moment::Rewind => desk = desk.rewind(self),
        }
        desk.listen_until(Signal::Healed);
        desk.finish()
    }

    /// Nothing is read until the link has failed.
    fn break_now(&self) {
        self.signals.wait(Signal::Go);
        self.signals.give(Signal::Wanted);
        self.signals.wait(Signal::Broken);
    }

    fn options(&self) -> SessionOptions {
        // The way back begins within a fifth of a second: what is tried is the contract, not the patience.
        let client = ClientOptions {
            connect_timeout: Duration::from_secs(1),
            login_timeout: Duration::from_secs(2),
            ..ClientOptions::default()
        };
        SessionOptions {
            client,
            after_loss: self.after_loss,
            attempts_max: 10_000,
            backoff_base: Duration::from_millis(10),
            backoff_max: Duration::from_millis(200),
            seed: self.seed,
            ..SessionOptions::default()
        }
    }

    /// A first login, as often as it takes: a session begins with a connection.
    fn connect(&self, from: u64) -> Session {
        let credentials = Credentials::new(&self.name, &password_of(&self.name)).expect("they fit");
        let since = Instant::now();
        loop {
            match Session::connect(self.address.as_str(), &credentials, None, from, self.options()) {
                Ok(session) => return session,
                Err(SessionError::Connect(error)) if error.is_transient() => {
                    assert!(since.elapsed() < PATIENCE, "{}: {error}", self.name);
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) => panic!("{}: {error}", self.name),
            }
        }
    }
}

/// A session at work.
struct Desk<'a> {
    trader: &'a Trader<'a>,
    session: Session,
    account: Account,
    dice: Dice,
    next_number: u32,
    /// Enters that rest, as far as was told.
    resting: Vec<u32>,
}

impl<'a> Desk<'a> {
    fn new(trader: &'a Trader<'a>, from: u64) -> Desk<'a> {
        let (session, dice) = (trader.connect(from), Dice(trader.seed));
        Desk { trader, session, account: Account::default(), dice, next_number: 1, resting: Vec::new() }
    }

    /// What the moment needs to be there.
    fn prepare(&mut self, moment: Moment) {
        match moment {
            Moment::Cancels => (0..300).for_each(|_| self.rest()),
            Moment::Rewind => {
                while self.account.told.len() < LONG_STREAM {
                    self.enter_many(200);
                    self.resolve();
                }
            }
            _ => self.enter_many(20),
        }
        (0..RESTING).for_each(|_| self.rest());
        self.resolve();
    }

    fn send(&mut self, request: &Request<'_>) {
        self.session.send(request).unwrap_or_else(|error| panic!("{}: {error}", self.trader.name));
        while self.receive(Duration::ZERO) {}
    }

    /// True: a message came.
    fn receive(&mut self, patience: Duration) -> bool {
        match self.session.recv(patience) {
            Ok(Some(Message::Sequenced { sequence, payload })) => {
                self.account.note(sequence, payload);
                true
            }
            Ok(None) => false,
            Ok(Some(Message::EndOfSession)) => panic!("{}: nobody rolls here", self.trader.name),
            Err(error) => panic!("{}: {error}", self.trader.name),
        }
    }

    fn number(&mut self) -> u32 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// An order that rests, trades with an earlier one, or is rejected.
    fn enter(&mut self) {
        let number = self.number();
        let side = if self.dice.between(0, 2) == 0 { b'B' } else { b'S' };
        let symbol = if self.dice.between(0, 16) == 0 { "NOPE" } else { self.symbol() };
        let quantity = self.dice.between(1, 9) as u32;
        self.account.entered.insert(number);
        self.send(&Request::Enter(Enter { tags: Tags::EMPTY, ..order(number, side, quantity, symbol) }));
    }

    fn enter_many(&mut self, count: u32) {
        (0..count).for_each(|_| self.enter());
    }

    /// A buyer far below everybody.
    fn rest(&mut self) {
        let number = self.number();
        let price = PRICE / 2;
        self.account.entered.insert(number);
        self.resting.push(number);
        let order = order(number, b'B', 5, self.symbol());
        self.send(&Request::Enter(Enter { price, tags: Tags::EMPTY, ..order }));
    }

    /// Nobody else trades in it.
    fn symbol(&self) -> &'static str {
        if self.trader.seed.is_multiple_of(2) { "AAPL" } else { "ESH4" }
    }

    /// One of the resting orders is cancelled, reduced or replaced; everything at last.
    fn change(&mut self, at: usize) {
        let (original, tags) = (self.resting[at], Tags::EMPTY);
        let request = match at % 4 {
            _ if at + 1 == self.resting.len() => {
                let (firm, symbol) = (Firm::BLANK, Symbol::BLANK);
                Request::MassCancel(MassCancel { user_ref_num: self.number(), firm, symbol, tags })
            }
            0 | 1 => Request::Cancel(Cancel { user_ref_num: original, quantity: 0, tags }),
            2 => Request::Cancel(Cancel { user_ref_num: original, quantity: 2, tags }),
            _ => Request::Replace(Replace {
                original,
                user_ref_num: self.number(),
                quantity: 7,
                price: PRICE / 2,
                time_in_force: b'0',
                display: b'Y',
                intermarket_sweep: b'N',
                client_order_id: Default::default(),
                tags,
            }),
        };
        self.send(&request);
    }

    /// Three hundred requests, one after the other; the link fails behind one of the first hundred.
    fn with_a_fault_in_the_midst(&mut self, mut request: impl FnMut(&mut Self, usize)) {
        let fault = self.dice.between(20, 100) as usize;
        for at in 0..300 {
            if at == fault {
                self.trader.signals.give(Signal::Wanted);
            }
            request(self, at);
            std::thread::sleep(PACE);
        }
    }

    /// Leaves without a word, comes back from the first message on, and loses the link while it reads.
    fn rewind(self, trader: &'a Trader<'a>) -> Desk<'a> {
        let (next_number, before) = (self.next_number, self.account);
        drop(self.session);
        let mut desk = Desk { next_number, ..Desk::new(trader, 1) };
        (desk.account.entered, desk.account.fates) = (before.entered, before.fates);
        // What the session before has asked is answered in this one's rewind, or later.
        desk.session.catch_up().unwrap_or_else(|error| panic!("{}: {error}", trader.name));
        (0..50).for_each(|_| desk.enter_unheard());
        while desk.account.told.len() < REWOUND {
            desk.receive(PATIENCE);
        }
        trader.break_now();
        (0..50).for_each(|_| desk.enter_unheard());
        desk
    }

    /// Sends without reading.
    fn enter_unheard(&mut self) {
        let number = self.number();
        self.account.entered.insert(number);
        let order = order(number, b'B', 1, self.symbol());
        let sent = self.session.send(&Request::Enter(Enter { tags: Tags::EMPTY, ..order }));
        sent.and_then(|()| self.session.flush())
            .unwrap_or_else(|error| panic!("{}: {error}", self.trader.name));
    }

    /// Hears and is heard until then.
    fn listen_until(&mut self, signal: Signal) {
        let since = Instant::now();
        while !self.trader.signals.is_given(signal) {
            assert!(since.elapsed() < PATIENCE, "{}: never {signal:?}", self.trader.name);
            self.receive(Duration::from_millis(20));
        }
    }

    /// Until nothing is under way or in doubt. What was never received is not sent again: it must never appear.
    fn resolve(&mut self) {
        let since = Instant::now();
        self.session.fence().unwrap_or_else(|error| panic!("{}: {error}", self.trader.name));
        loop {
            let under_way = self.session.unacknowledged() + self.session.fences() + self.session.doubtful();
            if under_way == 0 {
                break;
            }
            if self.session.fences() == 0 && self.session.unacknowledged() > 0 {
                self.session.fence().unwrap_or_else(|error| panic!("{}: {error}", self.trader.name));
            }
            assert!(since.elapsed() < PATIENCE, "{}: {under_way} never resolved", self.trader.name);
            self.receive(Duration::from_millis(100));
        }
        while let Some(resolved) = self.session.take_resolved() {
            if let Request::Enter(order) = decode_request(&resolved.request).expect("what was sent") {
                let before = self.account.fates.insert(order.user_ref_num, resolved.fate);
                assert_eq!(before, None, "{}: two fates of {}", self.trader.name, order.user_ref_num);
            }
        }
    }

    /// The link is whole: all doubts end, and trading goes on.
    fn finish(mut self) -> Account {
        self.resolve();
        let accepted = self.account.accepted.len();
        self.enter_many(20);
        self.resolve();
        self.account.accepted_after = (self.account.accepted.len() - accepted) as u64;
        self.account.reconnects = self.session.reconnects();
        self.account.ended = Some(SystemTime::now());
        self.account
    }
}
