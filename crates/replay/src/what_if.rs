//! What would have happened if: the journal carried out twice side by side, once as it is, once with commands left out,
//! changed or added.
//!
//! Everything that follows is the engine's: the same rules, the same journaled times. Numbers that the venue gives
//! (OrderRefNum, MatchNumber) shift when an order is left out; the comparison looks past them. Nothing is written.
//!
//! # Known limits
//! - Clients do not change their minds: what they sent later is sent all the same.
//! - A bust names a match by its number, which may be another trade in the changed run.
//! - Memory: two engines, and what differs between the two runs (listed up to [`LISTED_MAX`], counted to the end).

mod edits;
mod fates;
mod report;
mod tallies;

use std::path::Path;

use ringside_domain::{Action, Command, Event, Fact, LoginId, MarketFact, Sequence, TimeNs};
use ringside_engine::Engine;
use serde_json::{Value, json};

use crate::beginning::Beginning;
use crate::json::{command_json, event_json};
use crate::matches::{Market, Trade};
use crate::past::{Past, ReplayError};
use crate::place;

pub use edits::{Edit, EditError, Edits};
use fates::Fates;
use tallies::Tallies;

/// Trades and orders that are listed one by one; all are counted.
pub const LISTED_MAX: usize = 1_000;

/// One of the two runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Run {
    Before = 0,
    After = 1,
}

/// A trade that only one run knows.
struct OtherTrade {
    sequence: Sequence,
    run: Run,
    trade: Trade,
}

/// The two runs.
pub struct WhatIf {
    past: Past,
    after: Engine,
    /// Journal time of the changed run: an added command may have pushed it ahead.
    clock_ns: TimeNs,
    edits: Edits,
    markets: [Market; 2],
    events: [Vec<Event>; 2],
    tallies: Tallies,
    fates: Fates,
    trades: Vec<OtherTrade>,
    gone: u64,
    new: u64,
    divergence: Option<Value>,
}

impl WhatIf {
    /// Both runs at the beginning of the journal.
    pub fn open(place: &Path, edits: Edits) -> Result<WhatIf, EditError> {
        let (past, after) = both_beginnings(place)?;
        let beginning = past.last_sequence();
        edits.check_from(beginning)?;
        let market = Market::of(past.engine());
        let mut what_if = WhatIf {
            clock_ns: after.counters().time_ns,
            past,
            after,
            edits,
            markets: [market.clone(), market],
            events: Default::default(),
            tallies: Tallies::default(),
            fates: Fates::default(),
            trades: Vec::new(),
            gone: 0,
            new: 0,
            divergence: None,
        };
        what_if.add_after(beginning)?;
        what_if.follow(beginning, None);
        Ok(what_if)
    }

    /// The journal as it is.
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// Carries out both runs up to `to`. True when there may be more.
    pub fn run_to(&mut self, to: Sequence) -> Result<bool, EditError> {
        while self.past.last_sequence() < to {
            let Some(turn) = self.past.turn()? else { return Ok(false) };
            let (sequence, time_ns, command) = (turn.sequence, turn.time_ns, turn.command);
            self.events[Run::Before as usize].clear();
            self.events[Run::Before as usize].extend_from_slice(turn.events);
            self.events[Run::After as usize].clear();
            let edited = match self.edits.edit(&self.after, sequence, &command)? {
                Edit::Keep => {
                    self.carry_out(time_ns, &command);
                    false
                }
                Edit::Change(other) => {
                    self.carry_out(time_ns, &other);
                    true
                }
                Edit::Remove => true,
            };
            if !edited && self.divergence.is_none() {
                self.compare(sequence, time_ns, &command);
            }
            self.add_after(sequence)?;
            self.follow(sequence, Some(&command));
        }
        Ok(true)
    }

    /// In the changed run.
    fn carry_out(&mut self, time_ns: TimeNs, command: &Command) {
        self.clock_ns = self.clock_ns.max(time_ns);
        let events = &mut self.events[Run::After as usize];
        self.after.apply(self.clock_ns, command, &mut |event: Event| events.push(event));
    }

    /// The commands that were added right behind this one.
    fn add_after(&mut self, sequence: Sequence) -> Result<(), EditError> {
        for added in self.edits.added_after(sequence) {
            let command = added.read(&self.after)?;
            self.carry_out(added.time_ns.unwrap_or(self.clock_ns), &command);
        }
        Ok(())
    }

    /// The first command that nobody edited and that had other consequences.
    fn compare(&mut self, sequence: Sequence, time_ns: TimeNs, command: &Command) {
        let [before, after] = &self.events;
        if before.len() == after.len() && before.iter().zip(after).all(|(a, b)| bare(a) == bare(b)) {
            return;
        }
        let told = |engine: &Engine, events: &[Event]| -> Vec<Value> {
            events.iter().map(|event| event_json(engine, event)).collect()
        };
        let engine = self.past.engine();
        self.divergence = Some(json!({"sequence": sequence, "time_ns": time_ns,
            "command": command_json(engine, command), "before": told(engine, before),
            "after": told(&self.after, after)}));
    }

    /// Follows what both runs have told since the last command.
    fn follow(&mut self, sequence: Sequence, command: Option<&Command>) {
        let mut trades: [Vec<Trade>; 2] = Default::default();
        for run in [Run::Before, Run::After] {
            for event in &self.events[run as usize] {
                let (change, trade) = self.markets[run as usize].follow(event);
                self.tallies.follow(run, event, change.as_ref());
                self.fates.follow(run, event, change.as_ref());
                if let Some(trade) = trade {
                    trades[run as usize].push(trade);
                }
                if let (Fact::Market { fact: MarketFact::Broken { .. }, .. }, Some(command)) =
                    (event.fact, command)
                    && let Action::Bust(bust) = &command.action
                {
                    self.tallies.bust(run, bust, &self.after);
                }
            }
        }
        self.note_trades(sequence, &trades);
    }

    fn note_trades(&mut self, sequence: Sequence, [before, after]: &[Vec<Trade>; 2]) {
        let same = |a: &Trade, b: &Trade| essence(a) == essence(b);
        if before.len() == after.len() && before.iter().zip(after).all(|(a, b)| same(a, b)) {
            return;
        }
        let mut unmatched: Vec<&Trade> = after.iter().collect();
        for trade in before {
            match unmatched.iter().position(|other| same(trade, other)) {
                Some(at) => _ = unmatched.swap_remove(at),
                None => {
                    self.gone += 1;
                    self.list(sequence, Run::Before, trade);
                }
            }
        }
        for trade in unmatched {
            self.new += 1;
            self.list(sequence, Run::After, trade);
        }
    }

    fn list(&mut self, sequence: Sequence, run: Run, trade: &Trade) {
        if self.trades.len() < LISTED_MAX {
            self.trades.push(OtherTrade { sequence, run, trade: *trade });
        }
    }
}

/// A past at its beginning, and a second engine at the same place. A running venue may prune between the two.
fn both_beginnings(place: &Path) -> Result<(Past, Engine), ReplayError> {
    loop {
        let past = Past::open(place)?;
        let other = Beginning::find(&place::data_dir_of(place), &place::open(place)?)?;
        if past.last_sequence() == other.sequence() {
            return Ok((past, other.engine));
        }
    }
}

/// What makes two trades the same although their numbers differ.
fn essence(trade: &Trade) -> (crate::orders::Name, crate::orders::Name, u64, u32) {
    (trade.buyer.name, trade.seller.name, trade.price, trade.quantity)
}

/// An event without the numbers that the venue gives.
fn bare(event: &Event) -> Event {
    let mut event = *event;
    match &mut event.fact {
        Fact::Accepted(order) => order.order_ref = 0,
        Fact::Executed { match_number, .. } | Fact::Broken { match_number, .. } => *match_number = 0,
        Fact::Refreshed { public_ref, .. } => *public_ref = 0,
        Fact::Triggered { order_ref, .. } => *order_ref = 0,
        Fact::Market { fact, .. } => bare_market(fact),
        _ => {}
    }
    event
}

fn bare_market(fact: &mut MarketFact) {
    match fact {
        MarketFact::Added { public_ref, .. }
        | MarketFact::Reduced { public_ref, .. }
        | MarketFact::Deleted { public_ref } => *public_ref = 0,
        MarketFact::Executed { public_ref, match_number, .. } => (*public_ref, *match_number) = (0, 0),
        MarketFact::Replaced { old, new, .. } => (*old, *new) = (0, 0),
        MarketFact::Traded { match_number, .. } | MarketFact::Broken { match_number } => *match_number = 0,
        _ => {}
    }
}

impl From<ReplayError> for EditError {
    fn from(error: ReplayError) -> Self {
        EditError::Replay(error)
    }
}

/// Who a login is in the changed run, for reports.
fn name_of(engine: &Engine, login: LoginId) -> String {
    crate::json::login_name(engine, login)
}
