//! The deterministic state machine over all books: a command in, facts out.
//!
//! [`Engine::apply`] is the only thing that changes state. It returns nothing and tells a [`Listener`]. The
//! same commands in the same order give the same events and the same [`Engine::state_hash`] on every machine,
//! for ever: there is no clock, no file, no thread, no float, no randomness and no walk over a hash map in
//! here, and none can be named (`no_std`).
//!
//! *Architecture Invariant:* no command panics the engine. What is wrong with a command is an event, or, where
//! OUCH 5.0 demands it, silence.
//!
//! *Architecture Invariant:* everything is checked before anything is changed.
//!
//! *Architecture Invariant:* memory is reserved at start. After warm-up no command allocates; what grows are
//! pools, up to the largest number of live orders, levels and UserRefNum pages seen so far.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod cancel;
mod check;
mod config;
mod enter;
mod hash;
mod index;
mod login;
mod order;
mod replace;
mod symbols;
mod view;

use alloc::vec::Vec;

use ringside_book::{Book, Orders};
use ringside_domain::{
    Action, CancelReason, Command, Event, Fact, InstrumentTerms, LoginId, MatchNumber, OrderRef, TimeNs,
};

pub use login::Login;
pub use order::Details;
pub use view::OrderView;

use symbols::SymbolTable;

/// Who is told what happened.
pub trait Listener {
    /// A fact, in the order in which it leaves the venue.
    fn event(&mut self, event: Event);
}

impl<F: FnMut(Event)> Listener for F {
    fn event(&mut self, event: Event) {
        self(event);
    }
}

/// Capacity, fixed at start.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Orders that may rest at once, over all instruments.
    pub orders_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { orders_max: ringside_domain::limits::ORDERS_MAX_DEFAULT }
    }
}

/// An instrument and its book.
#[derive(Debug)]
pub struct Instrument {
    /// Terms in force.
    pub terms: InstrumentTerms,
    /// False once removed: takes no orders.
    pub listed: bool,
    /// Orders resting now.
    pub live_orders: u32,
    pub(crate) book: Book,
}

/// Counters that are part of the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Matches so far; also the last match number.
    pub trades: MatchNumber,
    /// Shares matched so far, each match counted once.
    pub volume: u64,
    /// Last order reference given.
    pub order_ref: OrderRef,
    /// Number of the SoupBinTCP session, 0 before the first.
    pub session: u32,
    /// Journaled time of the last command.
    pub time_ns: TimeNs,
    /// New orders are refused because storage runs out.
    pub storage_full: bool,
}

/// The state machine.
#[derive(Debug)]
pub struct Engine {
    pub(crate) orders: Orders,
    /// By slot of `orders`.
    pub(crate) details: Vec<Details>,
    /// By instrument id - 1.
    pub(crate) instruments: Vec<Instrument>,
    /// By login id - 1.
    pub(crate) logins: Vec<Login>,
    pub(crate) symbols: SymbolTable,
    pub(crate) counters: Counters,
}

impl Engine {
    /// An empty venue.
    pub fn new(limits: Limits) -> Self {
        Engine {
            orders: Orders::new(limits.orders_max),
            details: Vec::with_capacity(limits.orders_max as usize),
            instruments: Vec::new(),
            logins: Vec::new(),
            symbols: SymbolTable::default(),
            counters: Counters::default(),
        }
    }

    /// Carries out one command and tells `out` what happened. `time_ns` never decreases.
    pub fn apply(&mut self, time_ns: TimeNs, command: &Command, out: &mut impl Listener) {
        debug_assert!(time_ns >= self.counters.time_ns, "Invariant: journaled time never decreases");
        self.counters.time_ns = time_ns;
        if command.login == LoginId::VENUE {
            return self.configure(&command.action);
        }
        if self.login_at(command.login).is_some() {
            self.serve(command.login, &command.action, out);
        }
    }

    /// A command of a known login.
    fn serve(&mut self, login: LoginId, action: &Action, out: &mut impl Listener) {
        match action {
            Action::Enter(enter) => self.enter(login, enter, out),
            Action::Replace(replace) => self.replace(login, replace, out),
            Action::Cancel(cancel) => self.cancel(login, cancel, out),
            Action::Modify(modify) => self.modify(login, modify, out),
            Action::MassCancel(request) => self.mass_cancel(login, request, out),
            Action::DisableEntry(switch) => self.switch_entry(login, switch, true, out),
            Action::EnableEntry(switch) => self.switch_entry(login, switch, false, out),
            Action::AccountQuery(query) => self.account_query(login, query.user_ref_idx, out),
            Action::Connect => self.login_mut(login).connected = true,
            Action::Disconnect => self.disconnect(login, out),
            // Configuration comes from the venue alone; from a login it is nobody's command.
            _ => {}
        }
    }

    fn account_query(&mut self, login: LoginId, user_ref_idx: u8, out: &mut impl Listener) {
        let user_ref_num = self.login(login).last_user_ref_num(user_ref_idx).saturating_add(1);
        out.event(Event { login, user_ref_idx, fact: Fact::NextUserRefNum { user_ref_num } });
    }

    fn disconnect(&mut self, login: LoginId, out: &mut impl Listener) {
        let state = self.login_mut(login);
        state.connected = false;
        if state.terms.cancel_on_disconnect {
            self.cancel_where(login, CancelReason::Supervisory, |_, _| true, out);
        }
    }

    pub(crate) fn login_at(&self, login: LoginId) -> Option<&Login> {
        self.logins.get((login.0 as usize).wrapping_sub(1))
    }

    /// A login that [`Engine::serve`] has found to exist.
    pub(crate) fn login(&self, login: LoginId) -> &Login {
        &self.logins[login.0 as usize - 1]
    }

    pub(crate) fn login_mut(&mut self, login: LoginId) -> &mut Login {
        &mut self.logins[login.0 as usize - 1]
    }
}
