//! The deterministic state machine over all books: a command in, facts out. The rules are docs/rules.md.
//!
//! [`Engine::apply`] is the only thing that changes state. It returns nothing and tells a [`Listener`]. The
//! same commands in the same order give the same events and the same [`Engine::state_hash`] on every machine,
//! for ever: there is no clock, no file, no thread, no float, no randomness but from a journaled seed, and no walk
//! over a hash map in here, and none can be named (`no_std`).
//!
//! Read in this order: `enter`, `check`, `work`, `trade`, `rest` are the way of an order, `quiet` its short cut. `replace`, `cancel` change
//! what rests. `settle`, `pegs`, `auction`, `states`, `due`, `presence`, `roll` are what happens besides. `risk`, `balances`,
//! `bust` are the operator's. `book` (the crate) knows queues, nothing else.
//!
//! *Architecture Invariant:* no command panics the engine. What is wrong with a command is an event, or, where
//! OUCH 5.0 demands it, silence.
//!
//! *Architecture Invariant:* everything is checked before anything is changed.
//!
//! *Architecture Invariant:* memory is reserved at start. After warm-up no plain order allocates; what grows are
//! pools, up to the largest number of live orders, levels and UserRefNum pages seen so far. Special orders (stops,
//! pegs, expiries, discretion) have an entry in an ordered tree while they live.
//!
//! *Architecture Invariant:* what is not used costs nothing. An instrument's `Watch` bits and a login's `guarded` say
//! in one test that an order is plain.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod assets;
mod auction;
mod balances;
mod bust;
mod cancel;
mod check;
mod config;
mod draw;
mod due;
mod enter;
mod hash;
mod history;
pub mod image;
mod index;
mod instrument;
mod interest;
mod letters;
mod login;
mod pegs;
mod presence;
mod pro_rata;
mod quiet;
mod reach;
mod replace;
mod rest;
pub mod restore;
mod risk;
mod roll;
mod settle;
mod special;
mod states;
mod symbols;
mod trade;
mod view;
mod work;
mod working;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ringside_book::{Slot, Store};
use ringside_domain::state::VenueState;
use ringside_domain::{
    Action, Command, Event, Fact, InstrumentId, LoginId, MarketFact, TimeNs, UserRefNum, VenueRefusal,
};

pub use instrument::Instrument;
pub use login::Login;

use due::Due;
use history::History;
use risk::Risk;
use special::Specials;
use symbols::SymbolTable;

/// Who is told what happened.
pub trait Listener {
    /// A fact, in the order in which it leaves the venue.
    fn event(&mut self, event: Event);
}

impl<F: FnMut(Event)> Listener for F {
    #[inline]
    fn event(&mut self, event: Event) {
        self(event);
    }
}

/// Tells a fact to the public.
#[inline(always)]
fn tell_market(out: &mut impl Listener, instrument: InstrumentId, fact: MarketFact) {
    out.event(Event { login: LoginId::VENUE, user_ref_idx: 0, fact: Fact::Market { instrument, fact } });
}

/// Tells the operator that a command changed nothing.
fn refuse(out: &mut impl Listener, refusal: VenueRefusal) {
    out.event(Event { login: LoginId::VENUE, user_ref_idx: 0, fact: Fact::Refused(refusal) });
}

/// Capacity, fixed at start.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Orders that may live at once, over all instruments.
    pub orders_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { orders_max: ringside_domain::limits::ORDERS_MAX_DEFAULT }
    }
}

/// Counters that are part of the state.
pub type Counters = VenueState;

/// How many commands before its turn a command is announced to [`Engine::expect`].
pub const AHEAD: usize = 6;

/// How many commands before its turn a command is announced to [`Engine::expect_soon`].
pub const SOON: usize = 3;

/// Live orders from which on announcing pays: with index and levels they fill half a MiB.
const EXPECT_FROM: u32 = 4_096;

/// The state machine.
#[derive(Debug)]
pub struct Engine {
    pub(crate) store: Store,
    /// By instrument id - 1.
    pub(crate) instruments: Vec<Instrument>,
    /// By login id - 1.
    pub(crate) logins: Vec<Login>,
    pub(crate) symbols: SymbolTable,
    pub(crate) counters: Counters,
    /// Commands and due things since the start of this engine: tells one from the next, is no state.
    pub(crate) command: u64,
    pub(crate) specials: Specials,
    /// What happens by itself, earliest first.
    pub(crate) due: BTreeMap<Due, u32>,
    /// Time of the first of `due`; `TimeNs::MAX` when there is none.
    pub(crate) next_due_ns: TimeNs,
    /// Instruments (index) that changed during this command and have to be looked at when it is done.
    pub(crate) touched: Vec<u32>,
    pub(crate) risk: Risk,
    pub(crate) history: History,
    /// Room for collecting slots; empty between uses.
    pub(crate) scratch: Vec<Slot>,
}

impl Engine {
    /// An empty venue.
    pub fn new(limits: Limits) -> Self {
        Engine {
            store: Store::new(limits.orders_max),
            instruments: Vec::new(),
            logins: Vec::new(),
            symbols: SymbolTable::default(),
            counters: Counters::default(),
            command: 0,
            specials: Specials::default(),
            due: BTreeMap::new(),
            next_due_ns: TimeNs::MAX,
            touched: Vec::new(),
            risk: Risk::default(),
            history: History::default(),
            scratch: Vec::new(),
        }
    }

    /// Carries out one command and tells `out` what happened. `time_ns` never decreases.
    pub fn apply(&mut self, time_ns: TimeNs, command: &Command, out: &mut impl Listener) {
        debug_assert!(time_ns >= self.counters.time_ns, "Invariant: journaled time never decreases");
        self.counters.time_ns = time_ns;
        if time_ns >= self.next_due_ns {
            self.run_due(out);
        }
        self.command += 1;
        if command.login == LoginId::VENUE {
            self.obey(&command.action, out);
        } else if self.login_at(command.login).is_some_and(|login| login.listed) {
            self.serve(command.login, &command.action, out);
        }
        if !self.touched.is_empty() {
            self.settle_touched(out);
        }
    }

    /// False while all orders fit the cache: then looking ahead costs more than it wins.
    #[inline(always)]
    pub fn looks_ahead(&self) -> bool {
        self.store.orders.live() >= EXPECT_FROM
    }

    /// This command will be applied [`AHEAD`] commands from now: has the index entry fetched that it will look at. Like
    /// [`Engine::expect_soon`] it changes nothing. For those who ask [`Engine::looks_ahead`] first.
    #[inline(always)]
    pub fn expect(&self, command: &Command) {
        if let Some((login, user_ref_num)) = self.subject(command) {
            login.fetch(user_ref_num);
        }
    }

    /// This command will be applied [`SOON`] commands from now: has the order fetched that it is about. (Fetching the
    /// level of a new order, or the neighbours of an old one, was tried, and does not pay: docs/performance.md.)
    #[inline(always)]
    pub fn expect_soon(&self, command: &Command) {
        if let Some((login, user_ref_num)) = self.subject(command) {
            self.store.orders.fetch(login.find(0, user_ref_num));
        }
    }

    /// The order that a command is about, where it is worth fetching; on channel 0, which nearly all use alone. The three
    /// kinds have it at one place, so that no branch depends on the kind: nobody could predict it.
    #[inline(always)]
    fn subject(&self, command: &Command) -> Option<(&Login, UserRefNum)> {
        let user_ref_num = match &command.action {
            Action::Enter(enter) => enter.user_ref_num,
            Action::Replace(replace) => replace.original,
            Action::Cancel(cancel) => cancel.user_ref_num,
            _ => return None,
        };
        Some((self.login_at(command.login)?, user_ref_num))
    }

    /// A command of a known login.
    #[inline(always)]
    fn serve(&mut self, login: LoginId, action: &Action, out: &mut impl Listener) {
        match action {
            Action::Enter(enter) => self.enter(login, enter, out),
            Action::Replace(replace) => self.replace(login, replace, out),
            Action::Cancel(cancel) => self.cancel(login, cancel, out),
            seldom => self.serve_seldom(login, seldom, out),
        }
    }

    #[cold]
    fn serve_seldom(&mut self, login: LoginId, action: &Action, out: &mut impl Listener) {
        match action {
            Action::Modify(modify) => self.modify(login, modify, out),
            Action::MassCancel(request) => self.mass_cancel(login, request, out),
            Action::DisableEntry(switch) => self.switch_entry(login, switch, true, out),
            Action::EnableEntry(switch) => self.switch_entry(login, switch, false, out),
            Action::AccountQuery(query) => self.account_query(login, query.user_ref_idx, out),
            Action::Connect => self.connect(login),
            Action::Disconnect => self.disconnect(login, out),
            // The venue's own commands; from a login they are nobody's.
            _ => {}
        }
    }

    /// A command of the venue.
    #[cold]
    fn obey(&mut self, action: &Action, out: &mut impl Listener) {
        let done = match action {
            Action::SetState(change) => self.set_state(change, out),
            Action::Uncross(instrument) => self.uncross_by_command(*instrument, out),
            Action::EndOfDay => self.end_of_day(out),
            Action::RollSession => self.roll_session(out),
            Action::SetLimits(limits) => self.set_limits(limits),
            Action::Restrict(restrict) => self.restrict(restrict),
            Action::Kill(kill) => self.kill(kill, out),
            Action::CancelOrders(request) => self.cancel_orders(request, out),
            Action::Deposit(transfer) => self.deposit(transfer),
            Action::Withdraw(transfer) => self.withdraw(transfer),
            Action::Bust(bust) => self.bust(bust, out),
            configuration => self.configure(configuration),
        };
        if let Err(refusal) = done {
            refuse(out, refusal);
        }
    }

    fn account_query(&mut self, login: LoginId, user_ref_idx: u8, out: &mut impl Listener) {
        let user_ref_num = self.login(login).last_user_ref_num(user_ref_idx).saturating_add(1);
        out.event(Event { login, user_ref_idx, fact: Fact::NextUserRefNum { user_ref_num } });
    }

    #[inline(always)]
    pub(crate) fn login_at(&self, login: LoginId) -> Option<&Login> {
        self.logins.get((login.0 as usize).wrapping_sub(1))
    }

    /// A login that [`Engine::serve`] has found to exist.
    #[inline(always)]
    pub(crate) fn login(&self, login: LoginId) -> &Login {
        &self.logins[login.0 as usize - 1]
    }

    #[inline(always)]
    pub(crate) fn login_mut(&mut self, login: LoginId) -> &mut Login {
        &mut self.logins[login.0 as usize - 1]
    }

    /// Index of a listed instrument.
    pub(crate) fn listed(&self, instrument: InstrumentId) -> Result<usize, VenueRefusal> {
        let index = (instrument.0 as usize).wrapping_sub(1);
        self.instruments
            .get(index)
            .filter(|found| found.listed)
            .map(|_| index)
            .ok_or(VenueRefusal::Instrument)
    }

    /// Notes that an instrument has to be looked at when the command is done.
    #[inline]
    pub(crate) fn touch(&mut self, index: usize) {
        let instrument = &mut self.instruments[index];
        if !instrument.touched {
            instrument.touched = true;
            self.touched.push(index as u32);
        }
    }
}
