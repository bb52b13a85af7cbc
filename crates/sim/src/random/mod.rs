//! Seeded random flow: what many clients, some of them careless or hostile, and an operator could send.
//!
//! [`RandomFlow`] runs a [`Reference`] beside itself, so that it knows which orders live, which UserRefNums
//! are stale and what the right answer is. Each step is a time, a command and that answer. The same seed and shape
//! give the same steps on every machine.
//!
//! It covers every action and every rule of docs/rules.md: entries with good and bad letters, tags, quantities and
//! prices at their limits; stale, skipping and last UserRefNums on several channels; every kind of order alone and
//! combined; replaces, reductions and modifies of live, dead and foreign orders; mass cancels with all filters; entry
//! switches; disconnects; all states and auctions; limits that bite; money; broken trades; changes of the
//! configuration. [`Features`] says which of these; the presets of [`RandomShape`] concentrate on regions of the rules.
//!
//! Time never goes back. It mostly moves a little, and sometimes to where something is due, or beyond.
//!
//! It never does what the venue prevents: reuse an id, send commands of a login that is removed or not connected.
//!
//! - `client`: commands of clients. `orders`: kinds of orders. `letters`: single values.
//! - `config`: instruments and logins. `venue`, `risk`: the operator. `clock`: time.

mod client;
mod clock;
mod config;
mod letters;
mod orders;
mod prng;
mod risk;
mod shape;
mod venue;

pub use prng::Prng;
pub use shape::{Features, RandomShape};

use std::collections::VecDeque;

use ringside_domain::state::InstrumentState;
use ringside_domain::{
    Action, Command, Event, InstrumentId, InstrumentTerms, LoginId, LoginTerms, Scope, TimeNs,
};

use crate::reference::{Order, Reference};

/// An endless flow of commands with the answers they must get.
#[derive(Debug)]
pub struct RandomFlow {
    prng: Prng,
    shape: RandomShape,
    reference: Reference,
    time_ns: TimeNs,
    logins: Vec<LoginTerms>,
    instruments: Vec<InstrumentTerms>,
    next_login: u32,
    next_instrument: u32,
    storage_full: bool,
    killed: Vec<Scope>,
    restricted: Vec<(Scope, InstrumentId)>,
    pending: VecDeque<Command>,
}

impl RandomFlow {
    /// A flow; its first steps configure the venue and connect everybody.
    pub fn new(seed: u64, shape: RandomShape) -> Self {
        assert!(shape.logins > 0 && shape.instruments > 0, "somebody must trade something");
        let mut flow = RandomFlow {
            prng: Prng::new(seed),
            shape,
            reference: Reference::new(shape.orders_max),
            time_ns: 0,
            logins: Vec::new(),
            instruments: Vec::new(),
            next_login: 1,
            next_instrument: 1,
            storage_full: false,
            killed: Vec::new(),
            restricted: Vec::new(),
            pending: VecDeque::from([venue(Action::StartSession(1))]),
        };
        (0..shape.instruments).for_each(|_| flow.add_instrument());
        (0..shape.logins).for_each(|_| flow.add_login());
        flow
    }

    /// The venue that gives the right answers, after the last step.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Instruments that take orders now.
    pub fn instruments(&self) -> &[InstrumentTerms] {
        &self.instruments
    }

    /// Logins that may send commands now.
    pub fn logins(&self) -> &[LoginTerms] {
        &self.logins
    }

    fn next_command(&mut self) -> Command {
        if let Some(command) = self.pending.pop_front() {
            return command;
        }
        match self.operator_action() {
            Some(action) => venue(action),
            None => self.client_command(),
        }
    }

    /// One client, chosen by lot, does something.
    fn client_command(&mut self) -> Command {
        let login = self.any_login();
        let connected = self.reference.is_connected(login);
        let action = if connected { self.client_action(login) } else { Action::Connect };
        Command { login, action }
    }

    fn any_login(&mut self) -> LoginId {
        let index = self.prng.below(self.logins.len() as u64) as usize;
        self.logins[index].login
    }

    fn any_instrument(&mut self) -> InstrumentTerms {
        let index = self.prng.below(self.instruments.len() as u64) as usize;
        self.instruments[index]
    }

    /// A live order: mostly of that login, sometimes anybody's.
    fn any_order(&mut self, login: LoginId) -> Option<Order> {
        let foreign = self.prng.chance(5);
        let choice: Vec<_> =
            self.reference.orders().filter(|order| foreign || order.login == login).collect();
        (!choice.is_empty()).then(|| *choice[self.prng.below(choice.len() as u64) as usize])
    }

    /// State of an instrument that was added.
    fn state_of(&self, instrument: InstrumentId) -> Option<InstrumentState> {
        self.reference.instrument_state(instrument)
    }
}

impl Iterator for RandomFlow {
    type Item = (TimeNs, Command, Vec<Event>);

    /// Never `None`.
    fn next(&mut self) -> Option<Self::Item> {
        self.move_time();
        let command = self.next_command();
        let events = self.reference.apply(self.time_ns, &command);
        self.remember(&command.action);
        Some((self.time_ns, command, events))
    }
}

fn venue(action: Action) -> Command {
    Command { login: LoginId::VENUE, action }
}
