//! The life of one order: everything that was asked of it and that befell it, from the first order of its chain of
//! replacements to the last, over all rolls that it lives through.
//!
//! Two passes over the journal: the first finds where the chain begins, the second tells it from there on, step by step.
//! Memory is that of an engine, two entries for each live order, and one number for each replacement of the order.

mod origins;

use std::cmp::Ordering;
use std::path::Path;

use ringside_domain::{Action, Command, Event, Fact, LoginId, OrderRef, Sequence, TimeNs, UserRefNum};
use ringside_engine::Engine;
use serde_json::{Map, Value, json};

use crate::json::{command_json, event_json, login_name};
use crate::matches::{Market, Trade};
use crate::orders::{Change, Name};
use crate::past::{Past, ReplayError, Turn};
use crate::words::{fact_words, time_words};

use origins::{Origin, Origins};

/// What befell the order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The command that caused it.
    pub sequence: Sequence,
    /// Its journaled time.
    pub time_ns: TimeNs,
    /// The order's number at that time.
    pub user_ref_num: UserRefNum,
    /// In words.
    pub words: String,
    /// The event; `None`: the command was about the order and nothing happened.
    pub event: Option<Value>,
    /// The command.
    pub command: Value,
    /// Shares open right after it.
    pub leaves: u32,
    /// The other side of the trade.
    pub counterparty: Option<Counterparty>,
}

/// The other side of a trade.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counterparty {
    /// Its login.
    pub login: String,
    /// Its channel.
    pub user_ref_idx: u8,
    /// Its number of the order.
    pub user_ref_num: UserRefNum,
}

impl Step {
    /// One JSON object.
    pub fn json(&self) -> Value {
        let mut value = json!({"sequence": self.sequence, "time_ns": self.time_ns,
            "time": time_words(self.time_ns), "user_ref_num": self.user_ref_num, "words": self.words,
            "leaves": self.leaves, "event": self.event, "command": self.command});
        let fields = value.as_object_mut().expect("Invariant: an object");
        if let Some(Counterparty { login, user_ref_idx, user_ref_num }) = &self.counterparty {
            let other = json!({"login": login, "user_ref_idx": user_ref_idx, "user_ref_num": user_ref_num});
            fields.insert("counterparty".into(), other);
        }
        value
    }
}

/// How an order stands at the end of the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Still open.
    Live,
    /// Nothing is left: traded.
    Filled,
    /// Nothing is left: taken off.
    Canceled,
    /// It never came into force.
    Rejected,
}

impl Ending {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Ending::Live => "live",
            Ending::Filled => "filled",
            Ending::Canceled => "canceled",
            Ending::Rejected => "rejected",
        }
    }
}

/// The order as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Whole {
    /// Channel of the first order of the chain.
    pub user_ref_idx: u8,
    /// First number of the chain.
    pub root: UserRefNum,
    /// Last number of the chain.
    pub last: UserRefNum,
    /// Shares executed, the chain as a whole.
    pub executed: u64,
    /// Sum of price × quantity, wire units.
    pub notional: u128,
    /// Shares open.
    pub leaves: u32,
    /// How it stands.
    pub ending: Ending,
}

impl Whole {
    /// One JSON object.
    pub fn json(&self) -> Value {
        let mut value = Map::new();
        value.insert("user_ref_idx".into(), json!(self.user_ref_idx));
        value.insert("first_user_ref_num".into(), json!(self.root));
        value.insert("last_user_ref_num".into(), json!(self.last));
        value.insert("executed".into(), json!(self.executed));
        if let Some(average) = self.notional.checked_div(self.executed.into()) {
            value.insert("average_price".into(), json!(u64::try_from(average).unwrap_or(u64::MAX)));
        }
        value.insert("leaves".into(), json!(self.leaves));
        value.insert("state".into(), json!(self.ending.name()));
        Value::Object(value)
    }
}

/// Which order.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Username.
    pub login: &'a str,
    /// Channel.
    pub user_ref_idx: u8,
    /// Any number of its chain.
    pub user_ref_num: UserRefNum,
}

/// An order whose life can be told.
pub struct Life {
    past: Past,
    market: Market,
    origin: Origin,
    chain: Chain,
    changes: Vec<Option<Change>>,
    trades: Vec<Trade>,
}

impl Life {
    /// Finds the order: one replay up to where it came into force. `None`: there is no such order.
    pub fn find(place: &Path, wanted: &Wanted<'_>) -> Result<Option<Life>, ReplayError> {
        let mut past = Past::open(place)?;
        let mut market = Market::of(past.engine());
        let mut origins = Origins::of(market.orders(), past.last_sequence());
        if let Some((name, origin)) = resting(&past, &market, &origins, wanted) {
            return Ok(Some(Life::new(past, name.login, origin)));
        }
        while let Some(turn) = past.turn()? {
            for (at, event) in turn.events.iter().enumerate() {
                let change = market.follow(event).0;
                let origin = origins.follow(turn.sequence, at, event, change.as_ref());
                if let Some(origin) = origin.filter(|_| is_beginning(turn.engine, event, wanted)) {
                    return Ok(Some(Life::new(Past::open(place)?, event.login, origin)));
                }
            }
        }
        Ok(None)
    }

    fn new(past: Past, login: LoginId, origin: Origin) -> Life {
        let market = Market::of(past.engine());
        let (user_ref_idx, user_ref_num) = (origin.user_ref_idx, origin.user_ref_num);
        let mut chain = Chain::new(login, user_ref_idx, user_ref_num);
        if let Some(order) = market.orders().get(Name { login, user_ref_idx, user_ref_num })
            && origin.sequence <= past.last_sequence()
        {
            (chain.order_ref, chain.whole.leaves) = (order.order_ref, order.leaves);
        }
        Life { past, market, origin, chain, changes: Vec::new(), trades: Vec::new() }
    }

    /// The past that is told.
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// The order as a whole, as far as it was told.
    pub fn whole(&self) -> Whole {
        self.chain.whole
    }

    /// Tells the steps of all commands up to `to`. True when there may be more: a trade may be broken long after the
    /// order has ended.
    pub fn run_to(&mut self, to: Sequence, mut tell: impl FnMut(Step)) -> Result<bool, ReplayError> {
        while self.past.last_sequence() < to {
            let Some(turn) = self.past.turn()? else { return Ok(false) };
            self.changes.clear();
            self.trades.clear();
            for event in turn.events {
                let (change, trade) = self.market.follow(event);
                self.changes.push(change);
                self.trades.extend(trade);
            }
            // Names of sessions before are no business of this order.
            let first = match turn.sequence.cmp(&self.origin.sequence) {
                Ordering::Less => continue,
                Ordering::Equal => self.origin.event,
                Ordering::Greater => 0,
            };
            let addressed = self.chain.is_addressed_by(&turn.command);
            let mut happened = false;
            for (event, change) in turn.events.iter().zip(&self.changes).skip(first) {
                if let Some(fact) = self.chain.follow(event, change.as_ref()) {
                    happened = true;
                    tell(self.chain.step(&turn, Some((event, fact)), &self.trades));
                }
            }
            if addressed && !happened {
                tell(self.chain.step(&turn, None, &self.trades));
            }
        }
        Ok(true)
    }
}

/// The wanted order, when it rests where a pruned journal's past begins.
fn resting(past: &Past, market: &Market, origins: &Origins, wanted: &Wanted<'_>) -> Option<(Name, Origin)> {
    let is_wanted = |name: &Name| {
        (name.user_ref_idx, name.user_ref_num) == (wanted.user_ref_idx, wanted.user_ref_num)
            && login_name(past.engine(), name.login) == wanted.login
    };
    let (name, order) = market.orders().iter().find(|(name, _)| is_wanted(name))?;
    Some((*name, origins.get(order.order_ref)?))
}

/// True when the wanted number comes into force, or is refused, with this event.
fn is_beginning(engine: &Engine, event: &Event, wanted: &Wanted<'_>) -> bool {
    let number = match event.fact {
        Fact::Accepted(order) => order.user_ref_num,
        Fact::Rejected { user_ref_num, .. } => user_ref_num,
        _ => return false,
    };
    (event.user_ref_idx, number) == (wanted.user_ref_idx, wanted.user_ref_num)
        && login_name(engine, event.login) == wanted.login
}

/// The order with all that replaced it.
struct Chain {
    login: LoginId,
    user_ref_idx: u8,
    /// Number of the order that is alive, or was last.
    order_ref: OrderRef,
    /// All its numbers so far in the session, ascending. Empty: a session has begun into which it was not carried.
    members: Vec<UserRefNum>,
    whole: Whole,
}

impl Chain {
    fn new(login: LoginId, user_ref_idx: u8, root: UserRefNum) -> Chain {
        let whole = Whole {
            user_ref_idx,
            root,
            last: root,
            executed: 0,
            notional: 0,
            leaves: 0,
            ending: Ending::Live,
        };
        Chain { login, user_ref_idx, order_ref: 0, members: vec![root], whole }
    }

    /// True when a command is about the order as it is called now.
    fn is_addressed_by(&self, command: &Command) -> bool {
        let (user_ref_idx, user_ref_num) = match &command.action {
            Action::Enter(enter) => (enter.options.user_ref_idx, enter.user_ref_num),
            Action::Replace(replace) => (replace.options.user_ref_idx, replace.original),
            Action::Cancel(cancel) => (cancel.user_ref_idx, cancel.user_ref_num),
            Action::Modify(modify) => (modify.user_ref_idx, modify.user_ref_num),
            _ => return false,
        };
        !self.members.is_empty()
            && (command.login, user_ref_idx, user_ref_num) == (self.login, self.user_ref_idx, self.whole.last)
    }

    /// Follows an event; its fact, if it is about the order.
    fn follow<'a>(&mut self, event: &'a Event, change: Option<&Change>) -> Option<&'a Fact> {
        self.change_session(event);
        if (event.login, event.user_ref_idx) != (self.login, self.user_ref_idx) {
            return None;
        }
        if let Fact::Accepted(order) = event.fact
            && self.members.binary_search(&order.original).is_ok()
        {
            self.members.push(order.user_ref_num);
            self.whole.last = order.user_ref_num;
        }
        self.members.binary_search(&subject(&event.fact)?).ok()?;
        self.note(&event.fact, change);
        Some(&event.fact)
    }

    /// Numbers are used again in a new session: an order that is carried over goes on under another name.
    fn change_session(&mut self, event: &Event) {
        match event.fact {
            Fact::SessionBegan(_) => self.members.clear(),
            Fact::Accepted(order) if self.members.is_empty() && order.order_ref == self.order_ref => {
                (self.user_ref_idx, self.whole.last) = (event.user_ref_idx, order.user_ref_num);
                self.members.push(order.user_ref_num);
            }
            _ => {}
        }
    }

    fn note(&mut self, fact: &Fact, change: Option<&Change>) {
        if let Some(change) = change {
            self.order_ref = change.order.order_ref;
            self.whole.leaves = change.order.leaves;
        }
        let is_over = self.whole.leaves == 0;
        match *fact {
            Fact::Executed { quantity, price, .. } => {
                self.whole.executed += u64::from(quantity);
                self.whole.notional += u128::from(price) * u128::from(quantity);
                self.whole.ending = if is_over { Ending::Filled } else { Ending::Live };
            }
            Fact::Canceled { .. } | Fact::Prevented { .. } if is_over => self.whole.ending = Ending::Canceled,
            Fact::Rejected { .. } => self.whole.ending = Ending::Rejected,
            _ => {}
        }
    }

    fn step(&self, turn: &Turn<'_>, happened: Option<(&Event, &Fact)>, trades: &[Trade]) -> Step {
        let fact = happened.map(|(_, fact)| fact);
        Step {
            sequence: turn.sequence,
            time_ns: turn.time_ns,
            user_ref_num: fact.and_then(subject).unwrap_or(self.whole.last),
            words: fact.map_or_else(|| "asked, and nothing happened".into(), fact_words),
            event: happened.map(|(event, _)| event_json(turn.engine, event)),
            command: command_json(turn.engine, &turn.command),
            leaves: self.whole.leaves,
            counterparty: fact.and_then(|fact| self.counterparty(turn.engine, fact, trades)),
        }
    }

    fn counterparty(&self, engine: &Engine, fact: &Fact, trades: &[Trade]) -> Option<Counterparty> {
        let Fact::Executed { user_ref_num, match_number, .. } = *fact else { return None };
        let own = Name { login: self.login, user_ref_idx: self.user_ref_idx, user_ref_num };
        let trade = trades.iter().find(|trade| trade.match_number == match_number)?;
        let other = if trade.buyer.name == own { trade.seller.name } else { trade.buyer.name };
        Some(Counterparty {
            login: login_name(engine, other.login),
            user_ref_idx: other.user_ref_idx,
            user_ref_num: other.user_ref_num,
        })
    }
}

/// The order that a fact is about.
fn subject(fact: &Fact) -> Option<UserRefNum> {
    match *fact {
        Fact::Accepted(order) => Some(order.user_ref_num),
        Fact::Canceled { user_ref_num, .. }
        | Fact::Executed { user_ref_num, .. }
        | Fact::Prevented { user_ref_num, .. }
        | Fact::Refreshed { user_ref_num, .. }
        | Fact::Repriced { user_ref_num, .. }
        | Fact::Triggered { user_ref_num, .. }
        | Fact::Broken { user_ref_num, .. }
        | Fact::Rejected { user_ref_num, .. }
        | Fact::Modified { user_ref_num, .. } => Some(user_ref_num),
        _ => None,
    }
}
