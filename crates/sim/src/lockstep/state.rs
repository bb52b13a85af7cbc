//! What two venues must agree on.

use std::fmt::Debug;

use ringside_domain::state::{
    AssetState, BalanceState, ExposureState, InstrumentState, LimitsState, LoginState, OrderState,
    PastAssets, PastOwner, VenueState,
};
use ringside_domain::{Command, Event, InstrumentId, TimeNs};

use crate::reference::Reference;

/// A venue that can be compared with the reference.
pub trait Venue {
    /// Obeys one command and returns its events in order.
    fn apply(&mut self, time_ns: TimeNs, command: &Command) -> Vec<Event>;
    /// The whole state in words.
    fn state(&self) -> State;
    /// The whole state in a number.
    fn state_hash(&self) -> u64;
    /// Panics when an invariant of its own does not hold.
    fn check(&self);
}

/// The whole state of a venue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
    /// Counters.
    pub venue: VenueState,
    /// By id.
    pub instruments: Vec<InstrumentState>,
    /// Visible buys, visible sells, hidden buys, hidden sells, parked, of each instrument.
    pub orders: Vec<(InstrumentId, [Vec<OrderState>; 5])>,
    /// By id.
    pub logins: Vec<LoginState>,
    /// By scope.
    pub limits: Vec<LimitsState>,
    /// By scope and instrument.
    pub exposures: Vec<ExposureState>,
    /// By account and asset.
    pub balances: Vec<BalanceState>,
    /// By name.
    pub assets: Vec<AssetState>,
    /// By login and match.
    pub past_owners: Vec<PastOwner>,
    /// By instrument and match.
    pub past_assets: Vec<PastAssets>,
    /// When the next thing happens by itself.
    pub next_due: Option<TimeNs>,
}

impl State {
    /// The first part in which two states differ, in words.
    pub fn difference(&self, reference: &State) -> Option<String> {
        let orders = |state: &State| {
            let named = |(id, lists): &(InstrumentId, [Vec<OrderState>; 5])| {
                let of_list = |(list, orders): (usize, &Vec<OrderState>)| {
                    orders.iter().map(|order| (*id, list, *order)).collect::<Vec<_>>()
                };
                lists.iter().enumerate().flat_map(of_list).collect::<Vec<_>>()
            };
            state.orders.iter().flat_map(named).collect::<Vec<_>>()
        };
        first("instrument", &self.instruments, &reference.instruments)
            .or_else(|| first("order (instrument, list)", &orders(self), &orders(reference)))
            .or_else(|| first("login", &self.logins, &reference.logins))
            .or_else(|| first("limits", &self.limits, &reference.limits))
            .or_else(|| first("exposure", &self.exposures, &reference.exposures))
            .or_else(|| first("balance", &self.balances, &reference.balances))
            .or_else(|| first("asset", &self.assets, &reference.assets))
            .or_else(|| first("past owner", &self.past_owners, &reference.past_owners))
            .or_else(|| first("past assets", &self.past_assets, &reference.past_assets))
            .or_else(|| first("counters", &[self.venue], &[reference.venue]))
            .or_else(|| first("next due", &[self.next_due], &[reference.next_due]))
    }
}

fn first<T: PartialEq + Debug>(what: &str, venue: &[T], reference: &[T]) -> Option<String> {
    let same = venue.iter().zip(reference).take_while(|(a, b)| a == b).count();
    if same == venue.len() && same == reference.len() {
        return None;
    }
    let (a, b) = (venue.get(same), reference.get(same));
    Some(format!("state: {what} {same}\n  venue:     {a:?}\n  reference: {b:?}"))
}

impl Venue for Reference {
    fn apply(&mut self, time_ns: TimeNs, command: &Command) -> Vec<Event> {
        Reference::apply(self, time_ns, command)
    }

    fn state(&self) -> State {
        let instruments = self.instrument_states();
        let id = |state: &InstrumentState| state.terms.instrument;
        State {
            venue: self.venue_state(),
            orders: instruments.iter().map(|state| (id(state), self.order_states(id(state)))).collect(),
            instruments,
            logins: self.login_states(),
            limits: self.limits_states(),
            exposures: self.exposure_states(),
            balances: self.balance_states(),
            assets: self.asset_states(),
            past_owners: self.past_owners(),
            past_assets: self.past_assets(),
            next_due: self.next_due(),
        }
    }

    fn state_hash(&self) -> u64 {
        Reference::state_hash(self)
    }

    fn check(&self) {
        Reference::check(self);
    }
}
