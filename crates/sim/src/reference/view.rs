//! The state in the words of `domain::state`, and its hash (§16).

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;

use ringside_domain::state::Place;
use ringside_domain::state::{
    AssetState, BalanceState, ExposureState, InstrumentState, LimitsState, LoginState, OrderState,
    PastAssets, PastOwner, VenueState, hash_end, hash_scope,
};
use ringside_domain::{InstrumentId, Scope};
use twox_hash::XxHash64;

use super::Reference;
use super::instrument::Instrument;
use super::risk::{account_by, scopes_by};
use super::state::Order;

impl Reference {
    /// Counters.
    pub fn venue_state(&self) -> VenueState {
        VenueState {
            trades: self.last_match,
            volume: self.volume,
            order_ref: self.last_order_ref,
            session: self.session,
            time_ns: self.time_ns,
            seed: self.seed,
            key: self.key,
            storage_full: self.storage_full,
            rules: self.rules,
        }
    }

    /// One instrument; `None` for an id that was never given.
    pub fn instrument_state(&self, id: InstrumentId) -> Option<InstrumentState> {
        self.instruments.get(&id).map(instrument_state)
    }

    /// All instruments by id, removed ones included.
    pub fn instrument_states(&self) -> Vec<InstrumentState> {
        self.instruments.values().map(instrument_state).collect()
    }

    /// Visible buys, visible sells, hidden buys, hidden sells in priority, then the parked by OrderRefNum.
    pub fn order_states(&self, id: InstrumentId) -> [Vec<OrderState>; 5] {
        let Some(instrument) = self.instruments.get(&id) else { return Default::default() };
        let queue = |buy, hidden| {
            let orders = instrument.book.in_priority(buy, hidden);
            orders.iter().map(|order_ref| order_state(&self.orders[order_ref])).collect()
        };
        let is_parked = |order: &&Order| order.instrument == id && order.place == Place::Parked;
        let parked = self.orders.values().filter(is_parked).map(order_state).collect();
        [queue(true, false), queue(false, false), queue(true, true), queue(false, true), parked]
    }

    /// All logins by id, removed ones included.
    pub fn login_states(&self) -> Vec<LoginState> {
        let state = |login: &super::state::Login| LoginState {
            terms: login.terms,
            listed: !login.removed,
            connected: login.connected,
            disabled: login.disabled,
            grace_ends_ns: login.grace_ends_ns,
        };
        self.logins.values().map(state).collect()
    }

    /// Scopes that ever had limits.
    pub fn limits_states(&self) -> Vec<LimitsState> {
        let state = |(scope, limits): (&Scope, &super::risk::Limits)| LimitsState {
            scope: *scope,
            limits: limits.limits,
            live_orders: self.live_orders(*scope),
            tokens: limits.tokens,
            tokens_at: limits.tokens_at,
            since: limits.since,
        };
        self.limits.iter().map(state).collect()
    }

    /// What scopes with limits have or could come to have.
    pub fn exposure_states(&self) -> Vec<ExposureState> {
        let mut states = Vec::new();
        for scope in self.limits.keys().copied() {
            for instrument in self.instruments.keys().copied() {
                let position = self.positions.get(&(scope, instrument)).copied().unwrap_or(0);
                let open = self.open_of(scope, instrument);
                let (open_buy, open_sell) = (open.buy, open.sell);
                if (position, open_buy, open_sell) != (0, 0, 0) {
                    states.push(ExposureState { scope, instrument, position, open_buy, open_sell });
                }
            }
        }
        states
    }

    /// What accounts have.
    pub fn balance_states(&self) -> Vec<BalanceState> {
        let needs = self.orders.values().filter_map(|order| Some((order, self.need(order)?.0)));
        let reserved = needs.map(|(order, asset)| (self.account_of(order.login), asset));
        let keys: BTreeSet<_> = self.balances.keys().copied().chain(reserved).collect();
        let state = |(account, asset)| BalanceState {
            account,
            asset,
            available: self.available(account, asset),
            reserved: self.reserved(account, asset),
        };
        keys.into_iter().map(state).filter(|state| (state.available, state.reserved) != (0, 0)).collect()
    }

    /// Assets that terms have ever named.
    pub fn asset_states(&self) -> Vec<AssetState> {
        self.decimals.iter().map(|(&asset, &decimals)| AssetState { asset, decimals }).collect()
    }

    /// Accounts and firms of before, each with the last match they were in force for. Changes before the first match do not
    /// matter; of several after the same match the first one counts.
    pub fn past_owners(&self) -> Vec<PastOwner> {
        let mut past = BTreeMap::new();
        for login in self.logins.keys() {
            let all: Vec<_> = self.history.logins.iter().filter(|(_, terms)| terms.login == *login).collect();
            for ((_, old), (until, new)) in all.iter().zip(&all[1..]) {
                if scopes_by(old) != scopes_by(new) && *until > 0 {
                    past.entry((*login, *until)).or_insert((account_by(old), old.firm));
                }
            }
        }
        let state = |((login, until), (account, firm))| PastOwner { login, until, account, firm };
        past.into_iter().map(state).collect()
    }

    /// The same for the assets of instruments.
    pub fn past_assets(&self) -> Vec<PastAssets> {
        let mut past = BTreeMap::new();
        for id in self.instruments.keys() {
            let all = self.history.instruments.iter().filter(|(_, terms)| terms.instrument == *id);
            let all: Vec<_> = all.collect();
            for ((_, old), (until, new)) in all.iter().zip(&all[1..]) {
                if (old.base, old.quote) != (new.base, new.quote) && *until > 0 {
                    past.entry((*id, *until)).or_insert((old.base, old.quote));
                }
            }
        }
        let state = |((instrument, until), (base, quote))| PastAssets { instrument, until, base, quote };
        past.into_iter().map(state).collect()
    }

    /// Sums everything up.
    pub fn state_hash(&self) -> u64 {
        let mut hash = XxHash64::with_seed(0);
        self.venue_state().hash(&mut hash);
        self.hash_instruments(&mut hash);
        self.hash_logins(&mut hash);
        self.hash_risk(&mut hash);
        self.balance_states().iter().for_each(|state| state.hash(&mut hash));
        hash_end(&mut hash);
        self.history.busted.iter().for_each(|match_number| hash.write(&match_number.to_le_bytes()));
        hash_end(&mut hash);
        self.asset_states().iter().for_each(|asset| asset.hash(&mut hash));
        hash_end(&mut hash);
        self.past_owners().iter().for_each(|past| past.hash(&mut hash));
        hash_end(&mut hash);
        self.past_assets().iter().for_each(|past| past.hash(&mut hash));
        hash_end(&mut hash);
        hash.finish()
    }

    fn hash_instruments(&self, hash: &mut XxHash64) {
        for (id, instrument) in &self.instruments {
            instrument_state(instrument).hash(hash);
            for list in self.order_states(*id) {
                list.iter().for_each(|order| order.hash(hash));
                hash_end(hash);
            }
        }
    }

    /// Channel 0 always, even if it was never used.
    fn hash_logins(&self, hash: &mut XxHash64) {
        for (state, login) in self.login_states().iter().zip(self.logins.values()) {
            state.hash(hash);
            let mut channels = login.channels.clone();
            channels.entry(0).or_insert(0);
            for (channel, last) in channels {
                hash.write(&[channel]);
                hash.write(&last.to_le_bytes());
            }
            hash_end(hash);
        }
    }

    fn hash_risk(&self, hash: &mut XxHash64) {
        self.limits_states().iter().for_each(|state| state.hash(hash));
        hash_end(hash);
        self.killed.iter().for_each(|scope| hash_scope(*scope, hash));
        hash_end(hash);
        self.exposure_states().iter().for_each(|state| state.hash(hash));
        hash_end(hash);
        for (scope, instrument) in &self.restricted {
            hash_scope(*scope, hash);
            hash.write(&instrument.0.to_le_bytes());
        }
        hash_end(hash);
    }
}

fn instrument_state(instrument: &Instrument) -> InstrumentState {
    InstrumentState {
        terms: instrument.terms,
        listed: instrument.listed,
        killed: instrument.killed,
        state: instrument.state,
        auction: instrument.auction,
        call_ends_ns: instrument.call_ends_ns,
        last_price: instrument.last_price(),
        band_reference: instrument.band_reference(),
        top_buy: instrument.top_buy,
        top_sell: instrument.top_sell,
    }
}

fn order_state(order: &Order) -> OrderState {
    let terms = &order.terms;
    OrderState {
        order_ref: terms.order_ref,
        public_ref: order.public_ref,
        price: order.price,
        limit: terms.price,
        ends_at: order.ends_at,
        expire_at: order.expire_at,
        told_price: order.told_price,
        login: order.login,
        user_ref_num: terms.user_ref_num,
        open: order.open,
        displayed: order.displayed,
        executed: order.executed,
        prevented: order.prevented,
        min_quantity: terms.min_quantity,
        max_floor: terms.max_floor,
        random_reserves: terms.random_reserves,
        discretion_price: terms.discretion_price,
        expire_seconds: terms.expire_seconds,
        trigger_price: order.trigger_price,
        peg_offset: terms.peg_offset,
        firm: order.firm,
        group_id: order.group_id,
        place: order.place,
        user_ref_idx: order.user_ref_idx,
        side: terms.side,
        time_in_force: terms.time_in_force,
        display: terms.display,
        capacity: terms.capacity,
        intermarket_sweep: terms.intermarket_sweep,
        cross_type: terms.cross_type,
        customer_type: terms.customer_type,
        post_only: terms.post_only,
        price_type: terms.price_type,
    }
}
