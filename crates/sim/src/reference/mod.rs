//! The naive venue: the rulebook (docs/rules.md) in executable form.
//!
//! One [`Reference`] keeps all orders in plain maps and scans them when asked. It refuses to know about
//! speed, bytes, files and threads. Independent of `book` and `engine` by construction. Reserves, exposures and
//! live orders of a scope are never kept: they are summed up from the live orders when somebody asks.
//!
//! - `checks`: what makes an order or a replacement valid (§3). `ticks`: the tick table.
//! - `entry`: Enter and Replace. `amend`: everything that takes shares off without a trade.
//! - `resting`: how an order joins and leaves a book, slices of icebergs, and what the public hears of it.
//! - `matching`, `prevention`, `prorata`: trading (§2, §4, §5, §14).
//! - `settle`, `pegs`: what moves by itself (§6, §7, §10). `states`, `auction`: §8 and §9.
//! - `risk`, `balances`, `bust`: §12 and §13. `config`: instruments and logins. `draw`: random numbers.
//! - `roll`: connections, and the end of a session (§11, §18).
//! - `state`, `instrument`: what is remembered. `access`: what others may ask. `view`: the state in the words of
//!   `domain::state`, and its hash. `audit`: invariants.
//!
//! Invariants: see [`Reference::check`]. Where a rule can be read in two ways, docs/rules.md §17 says which it is.

mod access;
mod amend;
mod auction;
mod audit;
mod balances;
mod bust;
mod checks;
mod config;
mod draw;
mod entry;
mod instrument;
mod matching;
mod pegs;
mod prevention;
mod prorata;
mod resting;
mod risk;
mod roll;
mod settle;
mod state;
mod states;
mod ticks;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use ringside_domain::{
    Account, Action, Asset, CancelReason, Command, Event, Fact, InstrumentId, LoginId, MarketFact,
    MatchNumber, OrderRef, Rules, Scope, TimeNs, UserRefNum, VenueRefusal,
};

use instrument::Instrument;
use resting::Leaving;
use risk::Limits;
pub use state::{BookView, Fill, Order, Trade, TradeSide};
use state::{History, Login};

/// The naive venue.
#[derive(Clone, Debug)]
pub struct Reference {
    orders_max: usize,
    storage_full: bool,
    rules: Rules,
    session: u32,
    time_ns: TimeNs,
    seed: u64,
    key: [u64; 2],
    instruments: BTreeMap<InstrumentId, Instrument>,
    logins: BTreeMap<LoginId, Login>,
    orders: BTreeMap<OrderRef, Order>,
    live: BTreeMap<(LoginId, u8, UserRefNum), OrderRef>,
    ends: BTreeSet<(TimeNs, OrderRef)>,
    limits: BTreeMap<Scope, Limits>,
    positions: BTreeMap<(Scope, InstrumentId), i64>,
    killed: BTreeSet<Scope>,
    restricted: BTreeSet<(Scope, InstrumentId)>,
    /// All that an account has, reserved or not.
    balances: BTreeMap<(Account, Asset), i128>,
    /// Of every asset that terms have named, as they said last.
    decimals: BTreeMap<Asset, u16>,
    /// Deposits less withdrawals.
    deposited: BTreeMap<Asset, i128>,
    last_order_ref: OrderRef,
    last_match: MatchNumber,
    volume: u64,
    /// A visible order that leaves for its replacement.
    leaving: Option<Leaving>,
    history: History,
    events: Vec<Event>,
}

/// Something that happens by itself. In the order in which it happens at one time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Due {
    CallEnds(InstrumentId),
    OrderEnds(OrderRef),
    Absence(LoginId),
}

impl Reference {
    /// An empty venue in which at most `orders_max` orders may live at once.
    pub fn new(orders_max: usize) -> Self {
        Reference {
            orders_max,
            storage_full: false,
            rules: Rules::FIRST,
            session: 0,
            time_ns: 0,
            seed: 0,
            key: [0, 0],
            instruments: BTreeMap::new(),
            logins: BTreeMap::new(),
            orders: BTreeMap::new(),
            live: BTreeMap::new(),
            ends: BTreeSet::new(),
            limits: BTreeMap::new(),
            positions: BTreeMap::new(),
            killed: BTreeSet::new(),
            restricted: BTreeSet::new(),
            balances: BTreeMap::new(),
            decimals: BTreeMap::new(),
            deposited: BTreeMap::new(),
            last_order_ref: 0,
            last_match: 0,
            volume: 0,
            leaving: None,
            history: History::default(),
            events: Vec::new(),
        }
    }

    /// Obeys one command at its time and returns all events in the order they happen: first of what was due,
    /// then of the command.
    pub fn apply(&mut self, time_ns: TimeNs, command: &Command) -> Vec<Event> {
        debug_assert!(self.events.is_empty(), "Invariant: events never outlive their command");
        self.time_ns = time_ns;
        while let Some((_, due)) = self.next_to_happen().filter(|(at, _)| *at <= time_ns) {
            self.happen(due);
            self.settle_all(false);
        }
        self.obey(command);
        self.settle_all(true);
        std::mem::take(&mut self.events)
    }

    fn next_to_happen(&self) -> Option<(TimeNs, Due)> {
        let calls = self.instruments.iter().filter(|(_, instrument)| instrument.call_ends_ns > 0);
        let call = calls.map(|(id, instrument)| (instrument.call_ends_ns, Due::CallEnds(*id))).min();
        let order = self.ends.first().map(|(at, order_ref)| (*at, Due::OrderEnds(*order_ref)));
        let absent = self.logins.iter().filter(|(_, login)| login.grace_ends_ns > 0);
        let grace = absent.map(|(id, login)| (login.grace_ends_ns, Due::Absence(*id))).min();
        call.into_iter().chain(order).chain(grace).min()
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::CallEnds(instrument) => self.end_call(instrument),
            Due::OrderEnds(order_ref) => self.cancel_whole(order_ref, CancelReason::Timeout),
            Due::Absence(login) => self.cancel_for_absence(login),
        }
    }

    /// The commands of the venue; those of clients it does not know are ignored.
    fn obey(&mut self, command: &Command) {
        let done = match command.action {
            Action::StartSession(session) => self.just(|venue| venue.session = session),
            Action::StorageFull(full) => self.just(|venue| venue.storage_full = full),
            Action::SetSeed(seed) => self.just(|venue| (venue.key, venue.seed) = ([0, 0], seed)),
            Action::SetKey(key) => self.just(|venue| (venue.key, venue.seed) = (key, 0)),
            Action::SetRules(rules) if rules < self.rules => Err(VenueRefusal::State),
            Action::SetRules(rules) => self.just(|venue| venue.rules = rules),
            Action::Tick | Action::Snapshot | Action::StateHash(_) => Ok(()),
            Action::AddInstrument(terms) => self.add_instrument(terms),
            Action::ChangeInstrument(terms) => self.change_instrument(terms),
            Action::RemoveInstrument(instrument) => self.remove_instrument(instrument),
            Action::AddLogin(terms) => self.add_login(terms),
            Action::ChangeLogin(terms) => self.change_login(terms),
            Action::RemoveLogin(login) => self.remove_login(login),
            Action::SetState(request) => self.set_state(&request),
            Action::Uncross(instrument) => self.uncross_now(instrument),
            Action::EndOfDay => self.just(Reference::end_of_day),
            Action::RollSession => self.just(Reference::roll_session),
            Action::SetLimits(request) => self.set_limits(&request),
            Action::Restrict(request) => self.restrict(&request),
            Action::Kill(request) => self.kill(&request),
            Action::CancelOrders(request) => self.cancel_orders(&request),
            Action::Deposit(transfer) => self.deposit(&transfer),
            Action::Withdraw(transfer) => self.withdraw(&transfer),
            Action::Bust(bust) => self.bust(&bust),
            ref action => self.just(|venue| venue.serve(command.login, action)),
        };
        if let Err(refusal) = done {
            self.tell(LoginId::VENUE, 0, Fact::Refused(refusal));
        }
    }

    fn just(&mut self, what: impl FnOnce(&mut Reference)) -> Result<(), VenueRefusal> {
        what(self);
        Ok(())
    }

    /// The commands of clients.
    fn serve(&mut self, login: LoginId, action: &Action) {
        if self.logins.get(&login).is_none_or(|login| login.removed) {
            return;
        }
        match action {
            Action::Enter(enter) => self.enter(login, enter),
            Action::Replace(replace) => self.replace(login, replace),
            Action::Cancel(cancel) => self.cancel(login, cancel),
            Action::Modify(modify) => self.modify(login, modify),
            Action::MassCancel(request) => self.mass_cancel(login, request),
            Action::DisableEntry(switch) => self.disable_entry(login, switch),
            Action::EnableEntry(switch) => self.enable_entry(login, switch),
            Action::AccountQuery(query) => self.account_query(login, query.user_ref_idx),
            Action::Connect => self.connect(login),
            Action::Disconnect => self.disconnect(login),
            _ => unreachable!("Invariant: obey() took every command of the venue"),
        }
    }

    fn login(&self, login: LoginId) -> &Login {
        self.logins.get(&login).expect("Invariant: orders and commands are of known logins")
    }

    fn login_mut(&mut self, login: LoginId) -> &mut Login {
        self.logins.get_mut(&login).expect("Invariant: orders and commands are of known logins")
    }

    fn at(&self, instrument: InstrumentId) -> &Instrument {
        self.instruments.get(&instrument).expect("Invariant: orders are in known instruments")
    }

    fn at_mut(&mut self, instrument: InstrumentId) -> &mut Instrument {
        self.instruments.get_mut(&instrument).expect("Invariant: orders are in known instruments")
    }

    fn order_mut(&mut self, order_ref: OrderRef) -> &mut Order {
        self.orders.get_mut(&order_ref).expect("Invariant: queues hold live orders")
    }

    fn tell(&mut self, login: LoginId, user_ref_idx: u8, fact: Fact) {
        self.events.push(Event { login, user_ref_idx, fact });
    }

    fn tell_public(&mut self, instrument: InstrumentId, fact: MarketFact) {
        self.tell(LoginId::VENUE, 0, Fact::Market { instrument, fact });
    }

    fn next_order_ref(&mut self) -> OrderRef {
        self.last_order_ref += 1;
        self.last_order_ref
    }
}
