//! One number for the whole state, equal on every machine: XXH64 over a canonical walk.
//!
//! Walk: counters; instruments by id, each with its bids and asks in priority; logins by id. What cannot
//! influence a future event (arena slots, page layout) is left out.

use core::hash::Hasher;

use ringside_domain::Side;
use twox_hash::XxHash64;

use crate::{Engine, Instrument, Login, OrderView};

impl Engine {
    /// Hash of the state. Costs a walk over all orders.
    pub fn state_hash(&self) -> u64 {
        let mut hash = XxHash64::with_seed(0);
        let counters = self.counters;
        for number in
            [counters.trades, counters.volume, counters.order_ref, counters.session.into(), counters.time_ns]
        {
            hash.write_u64(number.to_le());
        }
        hash.write(&[counters.storage_full.into()]);
        self.instruments.iter().for_each(|instrument| self.hash_instrument(instrument, &mut hash));
        self.logins.iter().for_each(|login| hash_login(login, &mut hash));
        hash.finish()
    }

    fn hash_instrument(&self, instrument: &Instrument, hash: &mut XxHash64) {
        let terms = &instrument.terms;
        hash.write(&terms.symbol.0);
        hash.write(&terms.tick.to_le_bytes());
        hash.write(&terms.lot.to_le_bytes());
        hash.write(&[terms.price_decimals, terms.quantity_decimals, instrument.listed.into()]);
        for side in [Side::Buy, Side::Sell] {
            self.resting(terms.instrument, side).for_each(|order| hash_order(&order, hash));
            // Ends the side, so that an order cannot change sides unseen.
            hash.write_u64(0);
        }
    }
}

fn hash_order(order: &OrderView, hash: &mut XxHash64) {
    let terms = &order.terms;
    hash.write(&order.order_ref.to_le_bytes());
    hash.write(&order.price.to_le_bytes());
    for number in [order.login.0, order.user_ref_num, order.open, order.executed] {
        hash.write(&number.to_le_bytes());
    }
    hash.write(&terms.firm.0);
    hash.write(&terms.group_id.to_le_bytes());
    hash.write(&[
        order.user_ref_idx,
        order.side.letter(),
        terms.time_in_force,
        terms.display,
        terms.capacity,
        terms.intermarket_sweep,
        terms.cross_type,
        terms.customer_type,
        terms.post_only,
    ]);
}

fn hash_login(login: &Login, hash: &mut XxHash64) {
    hash.write(&login.terms.username.0);
    hash.write(&login.terms.firm.0);
    let flags = [login.terms.cancel_on_disconnect, login.listed, login.connected, login.disabled];
    hash.write(&flags.map(u8::from));
    for (user_ref_idx, last) in login.channels() {
        hash.write(&[user_ref_idx]);
        hash.write(&last.to_le_bytes());
    }
    hash.write_u64(0);
}
