//! Balances mode: reserve on entry, settle on trade (rules.md §12). The sum over all accounts never changes but by
//! deposits and withdrawals.

use ringside_book::Slot;
use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{Account, Asset, InstrumentId, LoginId, RejectReason, Transfer, VenueRefusal};

use crate::Engine;
use crate::instrument::{Instrument, Watch};
use crate::risk::account_of;
use crate::working::Working;

/// Where fees go.
const FEES: Account = ringside_domain::Text(*b"$FEES   ");

/// What an account has of an asset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Balance {
    pub available: i128,
    pub reserved: i128,
}

impl Engine {
    pub(crate) fn deposit(&mut self, transfer: &Transfer) -> Result<(), VenueRefusal> {
        if transfer.amount == 0 {
            return Err(VenueRefusal::Range);
        }
        self.credit(transfer.account, transfer.asset, transfer.amount.into());
        Ok(())
    }

    pub(crate) fn withdraw(&mut self, transfer: &Transfer) -> Result<(), VenueRefusal> {
        if transfer.amount == 0 {
            return Err(VenueRefusal::Range);
        }
        if self.available(transfer.account, transfer.asset) < i128::from(transfer.amount) {
            return Err(VenueRefusal::Balance);
        }
        self.credit(transfer.account, transfer.asset, -i128::from(transfer.amount));
        Ok(())
    }

    fn available(&self, account: Account, asset: Asset) -> i128 {
        self.risk.balances.get(&(account, asset)).map_or(0, |balance| balance.available)
    }

    fn credit(&mut self, account: Account, asset: Asset, amount: i128) {
        self.risk.balances.entry((account, asset)).or_default().available += amount;
    }

    /// Fees of the resting and of the incoming side of a trade, in the quote asset's smallest unit.
    pub fn fees(&self, instrument: InstrumentId, price: u64, quantity: u32) -> (u64, u64) {
        let terms = &self.instruments[instrument.0 as usize - 1].terms;
        if terms.base.is_blank() {
            return (0, 0);
        }
        let notional = u128::from(price) * u128::from(quantity);
        // Cannot truncate: notional is below 2^51, the rate below 2^32, divided by 10^6.
        let fee = |ppm: u32| (notional * u128::from(ppm) / 1_000_000) as u64;
        (fee(terms.maker_fee_ppm), fee(terms.taker_fee_ppm))
    }

    /// One side of a trade: goods one way, money the other, the fee to the venue.
    pub(crate) fn pay(
        &mut self,
        login: LoginId,
        buy: bool,
        instrument: InstrumentId,
        quantity: u32,
        price: u64,
        fee: u64,
    ) {
        let account = account_of(&self.login(login).terms);
        let terms = &self.instruments[instrument.0 as usize - 1].terms;
        let bought = if buy { i128::from(quantity) } else { -i128::from(quantity) };
        self.exchange(account, (terms.base, terms.quote), bought, price, i128::from(fee));
    }

    /// `bought` < 0: sold. A trade is taken back by the opposite of both `bought` and `fee`.
    pub(crate) fn exchange(
        &mut self,
        account: Account,
        (base, quote): (Asset, Asset),
        bought: i128,
        price: u64,
        fee: i128,
    ) {
        self.credit(account, base, bought);
        self.credit(account, quote, -bought * i128::from(price) - fee);
        if fee != 0 {
            self.credit(FEES, quote, fee);
        }
    }

    /// Checks 20 (balance) and 21.
    #[cold]
    pub(crate) fn check_balance(&self, w: &Working<'_>) -> Result<(), RejectReason> {
        let instrument = &self.instruments[w.index()];
        let account = account_of(&self.login(w.order.login).terms);
        let terms = (w.is_buy(), w.limit, w.extra.discretion_price);
        let Some((asset, amount)) = reserve(instrument, terms, w.order.open) else {
            return Err(RejectReason::MarketOrder);
        };
        if self.available(account, asset) < amount { Err(RejectReason::Exposure) } else { Ok(()) }
    }

    /// Moves the reserve of a live order from available to reserved (`sign` = 1) or back (-1).
    pub(crate) fn count_reserve(&mut self, slot: Slot, sign: i128) {
        let order = *self.store.orders.get(slot);
        let instrument = &self.instruments[order.instrument.0 as usize - 1];
        if !instrument.watch.any(Watch::BALANCES) {
            return;
        }
        let (limit, discretion) = match self.special_of(slot) {
            Some(special) => (special.limit, special.extra.discretion_price),
            None => (instrument.price(order.tick), 0),
        };
        let terms = (order.side.is_buy(), limit, discretion);
        let Some((asset, amount)) = reserve(instrument, terms, self.open_of(&order)) else { return };
        let account = account_of(&self.login(order.login).terms);
        let balance = self.risk.balances.entry((account, asset)).or_default();
        balance.available -= sign * amount;
        balance.reserved += sign * amount;
    }
}

/// What an order with `open` shares needs of which asset; `None`: its worst price is unknown.
fn reserve(
    instrument: &Instrument,
    (buy, limit, discretion): (bool, u64, u32),
    open: u32,
) -> Option<(Asset, i128)> {
    let terms = &instrument.terms;
    if !buy {
        return Some((terms.base, open.into()));
    }
    let worst = match (discretion, limit, terms.collar_high) {
        (0, PRICE_MARKET.., 0) => return None,
        (0, PRICE_MARKET.., collar) => u64::from(collar),
        (0, limit, _) => limit,
        (discretion, ..) => u64::from(discretion),
    };
    let notional = u128::from(worst) * u128::from(open);
    let ppm = u128::from(terms.maker_fee_ppm.max(terms.taker_fee_ppm));
    let fee = (notional * ppm).div_ceil(1_000_000);
    // Cannot truncate: both are below 2^64.
    Some((terms.quote, (notional + fee) as i128))
}
