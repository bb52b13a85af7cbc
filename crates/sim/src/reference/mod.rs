//! The naive venue: the rulebook in executable form.
//!
//! One [`Reference`] keeps all orders in plain maps and scans them when asked. It refuses to know about
//! speed, bytes, files, time and threads. Independent of `book` and `engine` by construction.
//!
//! - `checks`: what makes an order or a replacement valid.
//! - `entry`: Enter and Replace.
//! - `amend`: Cancel, Modify, Mass Cancel, entry switches, disconnects.
//! - `matching`: price-time priority.
//! - `state`: orders, books and logins.
//!
//! Invariants: a book is never crossed after a command; every live order is in exactly one queue; a
//! UserRefNum is consumed at most once per channel.
//!
//! Not decided by the contract, decided here: a command of an unknown or removed login is ignored;
//! configuration is believed as given (the venue checks it before it journals it).

mod amend;
mod checks;
mod entry;
mod matching;
mod state;

use std::collections::BTreeMap;

use ringside_domain::{
    Action, Command, Event, Fact, InstrumentId, InstrumentTerms, LoginId, LoginTerms, OrderRef, Symbol,
    UserRefNum,
};

use state::{Book, Login};
pub use state::{BookView, Fill, Order};

/// The naive venue.
#[derive(Debug)]
pub struct Reference {
    orders_max: usize,
    storage_full: bool,
    instruments: BTreeMap<InstrumentId, InstrumentTerms>,
    logins: BTreeMap<LoginId, Login>,
    books: BTreeMap<InstrumentId, Book>,
    orders: BTreeMap<OrderRef, Order>,
    live: BTreeMap<(LoginId, u8, UserRefNum), OrderRef>,
    last_order_ref: u64,
    last_match_number: u64,
    fills: Vec<Fill>,
    events: Vec<Event>,
}

impl Reference {
    /// An empty venue in which at most `orders_max` orders may rest at once.
    pub fn new(orders_max: usize) -> Self {
        Reference {
            orders_max,
            storage_full: false,
            instruments: BTreeMap::new(),
            logins: BTreeMap::new(),
            books: BTreeMap::new(),
            orders: BTreeMap::new(),
            live: BTreeMap::new(),
            last_order_ref: 0,
            last_match_number: 0,
            fills: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Obeys one command and returns its events in the order they leave.
    pub fn apply(&mut self, command: &Command) -> Vec<Event> {
        debug_assert!(self.events.is_empty(), "Invariant: events never outlive their command");
        if !self.configure(&command.action) && self.knows(command.login) {
            self.obey(command.login, &command.action);
        }
        debug_assert_eq!(self.orders.len(), self.live.len(), "Invariant: a live order has one name");
        std::mem::take(&mut self.events)
    }

    /// The commands of the venue itself. False when the command is a client's.
    fn configure(&mut self, action: &Action) -> bool {
        match *action {
            Action::StartSession(_) => {}
            Action::AddInstrument(terms) | Action::ChangeInstrument(terms) => self.set_instrument(terms),
            Action::RemoveInstrument(instrument) => drop(self.instruments.remove(&instrument)),
            Action::AddLogin(terms) | Action::ChangeLogin(terms) => self.set_login(terms),
            Action::RemoveLogin(login) => self.remove_login(login),
            Action::StorageFull(full) => self.storage_full = full,
            _ => return false,
        }
        true
    }

    fn obey(&mut self, login: LoginId, action: &Action) {
        match action {
            Action::Enter(enter) => self.enter(login, enter),
            Action::Replace(replace) => self.replace(login, replace),
            Action::Cancel(cancel) => self.cancel(login, cancel),
            Action::Modify(modify) => self.modify(login, modify),
            Action::MassCancel(request) => self.mass_cancel(login, request),
            Action::DisableEntry(switch) => self.disable_entry(login, switch),
            Action::EnableEntry(switch) => self.enable_entry(login, switch),
            Action::AccountQuery(query) => self.account_query(login, query.user_ref_idx),
            Action::Connect => self.login_mut(login).connected = true,
            Action::Disconnect => self.disconnect(login),
            _ => unreachable!("Invariant: configure() took every command of the venue"),
        }
    }

    fn set_instrument(&mut self, terms: InstrumentTerms) {
        self.instruments.insert(terms.instrument, terms);
        self.books.entry(terms.instrument).or_default();
    }

    fn set_login(&mut self, terms: LoginTerms) {
        let login = self.logins.entry(terms.login).or_insert_with(|| Login::new(terms));
        login.terms = terms;
        login.removed = false;
    }

    fn remove_login(&mut self, login: LoginId) {
        if let Some(login) = self.logins.get_mut(&login) {
            login.removed = true;
            login.connected = false;
        }
    }

    fn knows(&self, login: LoginId) -> bool {
        self.logins.get(&login).is_some_and(|login| !login.removed)
    }

    fn login(&self, login: LoginId) -> &Login {
        self.logins.get(&login).expect("Invariant: obey() is for known logins")
    }

    fn login_mut(&mut self, login: LoginId) -> &mut Login {
        self.logins.get_mut(&login).expect("Invariant: obey() is for known logins")
    }

    fn tell(&mut self, login: LoginId, user_ref_idx: u8, fact: Fact) {
        self.events.push(Event { login, user_ref_idx, fact });
    }
}

/// What can be seen from outside.
impl Reference {
    /// All matches so far, in the order they happened.
    pub fn fills(&self) -> &[Fill] {
        &self.fills
    }

    /// Resting orders of a symbol, each side best price first, oldest first at a price.
    /// Empty for an unknown symbol.
    pub fn book(&self, symbol: Symbol) -> BookView {
        let Some(terms) = self.instrument(symbol) else { return BookView::default() };
        let book = &self.books[&terms.instrument];
        let order = |order_ref: &OrderRef| self.orders[order_ref];
        BookView {
            bids: book.bids.values().rev().flatten().map(order).collect(),
            asks: book.asks.values().flatten().map(order).collect(),
        }
    }

    /// All resting orders by ascending OrderRef.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }

    /// Last UserRefNum consumed on a channel; 0 when there was none.
    pub fn last_user_ref_num(&self, login: LoginId, user_ref_idx: u8) -> UserRefNum {
        self.logins.get(&login).map_or(0, |login| login.last(user_ref_idx))
    }

    /// True between Connect and Disconnect.
    pub fn is_connected(&self, login: LoginId) -> bool {
        self.logins.get(&login).is_some_and(|login| login.connected)
    }

    /// True between Disable and Enable Order Entry.
    pub fn is_disabled(&self, login: LoginId) -> bool {
        self.logins.get(&login).is_some_and(|login| login.disabled)
    }

    /// Terms of the live instrument with this symbol.
    pub fn instrument(&self, symbol: Symbol) -> Option<&InstrumentTerms> {
        self.instruments.values().find(|terms| terms.symbol == symbol)
    }
}
