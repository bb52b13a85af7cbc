//! Seeded random flow: what many clients, some of them careless or hostile, could send.
//!
//! [`RandomFlow`] runs a [`Reference`] beside itself, so that it knows which orders live, which UserRefNums
//! are stale and what the right answer is. Each step is a command and that answer. The same seed and shape
//! give the same steps on every machine.
//!
//! It covers every action: entries with good and bad letters, tags, quantities and prices at their limits;
//! stale, skipping and last UserRefNums on several channels; immediate, market and post-only orders;
//! replaces, reductions and modifies of live, dead and foreign orders; mass cancels with all filters; entry
//! switches; disconnects with and without cancel on disconnect; changes of the configuration.
//!
//! It never does what the venue prevents: reuse an id, remove an instrument with live orders, send commands
//! of a login that is removed or not connected.

mod client;
mod config;
mod letters;
mod prng;

pub use prng::Prng;

use std::collections::VecDeque;

use ringside_domain::{Action, Command, Event, InstrumentTerms, LoginId, LoginTerms};

use crate::reference::{Order, Reference};

/// How big the random venue is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RandomShape {
    /// Logins at the start, ≥ 1.
    pub logins: u32,
    /// Instruments at the start, ≥ 1.
    pub instruments: u32,
    /// Most orders that may rest at once. The venue under test needs the same limit.
    pub orders_max: usize,
    /// Change, add and remove instruments and logins on the way.
    pub config_changes: bool,
}

impl Default for RandomShape {
    fn default() -> Self {
        RandomShape { logins: 4, instruments: 3, orders_max: 200, config_changes: true }
    }
}

/// An endless flow of commands with the answers they must get.
#[derive(Debug)]
pub struct RandomFlow {
    prng: Prng,
    shape: RandomShape,
    reference: Reference,
    logins: Vec<LoginTerms>,
    instruments: Vec<InstrumentTerms>,
    next_login: u32,
    next_instrument: u32,
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
            logins: Vec::new(),
            instruments: Vec::new(),
            next_login: 1,
            next_instrument: 1,
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
        if self.shape.config_changes && self.prng.below(200) == 0 {
            self.change_configuration();
        } else {
            self.ask();
        }
        self.pending.pop_front().expect("Invariant: every turn makes at least one command")
    }

    /// One client, chosen by lot, does something.
    fn ask(&mut self) {
        let login = self.any_login();
        let action =
            if self.reference.is_connected(login) { self.client_action(login) } else { Action::Connect };
        self.pending.push_back(Command { login, action });
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
}

impl Iterator for RandomFlow {
    type Item = (Command, Vec<Event>);

    /// Never `None`.
    fn next(&mut self) -> Option<Self::Item> {
        let command = self.next_command();
        let time_ns = self.reference.venue_state().time_ns + 1;
        let events = self.reference.apply(time_ns, &command);
        Some((command, events))
    }
}

fn venue(action: Action) -> Command {
    Command { login: LoginId::VENUE, action }
}
