//! One number for the whole state, equal on every machine: XXH64 over the walk of `domain::state` (rules.md §16).
//! What cannot influence a future event (arena slots, page layout) is left out.

use core::hash::Hasher;

use ringside_domain::state::{InstrumentState, LimitsState, LoginState, hash_end, hash_scope};
use ringside_domain::{AuctionKind, MarketState};
use twox_hash::XxHash64;

use crate::Engine;

impl Engine {
    /// Hash of the state. Costs a walk over all orders.
    pub fn state_hash(&self) -> u64 {
        let mut hash = XxHash64::with_seed(0);
        self.counters.hash(&mut hash);
        for instrument in &self.instruments {
            let id = instrument.terms.instrument;
            self.instrument_state(id).hash(&mut hash);
            self.for_each_order(id, |order| match order {
                Some(order) => order.hash(&mut hash),
                None => hash_end(&mut hash),
            });
        }
        for login in &self.logins {
            login.state().hash(&mut hash);
            for (user_ref_idx, last) in login.channels() {
                hash.write(&[user_ref_idx]);
                hash.write(&last.to_le_bytes());
            }
            hash_end(&mut hash);
        }
        self.hash_risk(&mut hash);
        hash.finish()
    }

    /// Hash of the configuration in force: terms of instruments and logins, limits, rules. Two venues with the same one were
    /// configured alike.
    pub fn config_hash(&self) -> u64 {
        let mut hash = XxHash64::with_seed(0);
        for instrument in &self.instruments {
            InstrumentState {
                terms: instrument.terms,
                listed: instrument.listed,
                killed: false,
                state: MarketState::Continuous,
                auction: AuctionKind::Opening,
                call_ends_ns: 0,
                last_price: 0,
                band_reference: 0,
                top_buy: 0,
                top_sell: 0,
            }
            .hash(&mut hash);
        }
        hash_end(&mut hash);
        for login in &self.logins {
            LoginState { connected: false, disabled: false, grace_ends_ns: 0, ..login.state() }
                .hash(&mut hash);
        }
        hash_end(&mut hash);
        for limits in self.limits_states() {
            LimitsState { live_orders: 0, tokens: 0, tokens_at: 0, ..limits }.hash(&mut hash);
        }
        self.counters.rules.add_to(&mut hash);
        hash.finish()
    }

    fn hash_risk(&self, hash: &mut XxHash64) {
        self.limits_states().for_each(|limits| limits.hash(hash));
        hash_end(hash);
        self.killed_scopes().for_each(|scope| hash_scope(scope, hash));
        hash_end(hash);
        self.exposure_states().for_each(|exposure| exposure.hash(hash));
        hash_end(hash);
        for (scope, instrument) in self.restrictions() {
            hash_scope(scope, hash);
            hash.write(&instrument.0.to_le_bytes());
        }
        hash_end(hash);
        self.balance_states().for_each(|balance| balance.hash(hash));
        hash_end(hash);
        self.busted().for_each(|match_number| hash.write(&match_number.to_le_bytes()));
        hash_end(hash);
        self.asset_states().for_each(|asset| asset.hash(hash));
        hash_end(hash);
        self.past_owners().for_each(|past| past.hash(hash));
        hash_end(hash);
        self.past_assets().for_each(|past| past.hash(hash));
        hash_end(hash);
    }
}
