//! Money and goods of accounts (§12, Balances). What is reserved is summed up from the live orders, so that it is
//! always what they need.

use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{
    Account, Asset, InstrumentTerms, LoginTerms, RejectReason, Text, Transfer, VenueRefusal,
};

use super::Reference;
use super::risk::{account_by, scopes_by};
use super::state::{Order, Trade, TradeSide};

/// Where fees go.
pub(super) const FEES: Account = Text(*b"$FEES   ");

const MILLION: i128 = 1_000_000;

pub(super) fn has_balances(terms: &InstrumentTerms) -> bool {
    !terms.base.is_blank()
}

/// The terms that a match is settled by.
#[derive(Clone, Copy, Debug)]
pub(super) struct SettledBy {
    pub(super) buyer: LoginTerms,
    pub(super) seller: LoginTerms,
    pub(super) instrument: InstrumentTerms,
}

/// A side of a match: the order and the fee it pays in millionths.
type Payer<'a> = (&'a Order, u32);

impl Reference {
    pub(super) fn deposit(&mut self, transfer: &Transfer) -> Result<(), VenueRefusal> {
        if transfer.amount == 0 {
            return Err(VenueRefusal::Range);
        }
        self.transfer(transfer, i128::from(transfer.amount));
        Ok(())
    }

    pub(super) fn withdraw(&mut self, transfer: &Transfer) -> Result<(), VenueRefusal> {
        let amount = i128::from(transfer.amount);
        if amount == 0 {
            return Err(VenueRefusal::Range);
        }
        if self.available(transfer.account, transfer.asset) < amount {
            return Err(VenueRefusal::Balance);
        }
        self.transfer(transfer, -amount);
        Ok(())
    }

    fn transfer(&mut self, transfer: &Transfer, amount: i128) {
        self.add(transfer.account, transfer.asset, amount);
        *self.deposited.entry(transfer.asset).or_default() += amount;
    }

    pub(super) fn add(&mut self, account: Account, asset: Asset, amount: i128) {
        *self.balances.entry((account, asset)).or_default() += amount;
    }

    pub(super) fn available(&self, account: Account, asset: Asset) -> i128 {
        self.balances.get(&(account, asset)).copied().unwrap_or(0) - self.reserved(account, asset)
    }

    pub(super) fn reserved(&self, account: Account, asset: Asset) -> i128 {
        let own = self.orders.values().filter(|order| self.account_of(order.login) == account);
        own.filter_map(|order| self.need(order)).filter(|need| need.0 == asset).map(|need| need.1).sum()
    }

    /// What an order has to hold: goods for a sale, money for a buy. `None` outside balances mode.
    pub(super) fn need(&self, order: &Order) -> Option<(Asset, i128)> {
        let terms = &self.at(order.instrument).terms;
        if !has_balances(terms) {
            return None;
        }
        if !order.is_buy() {
            return Some((terms.base, order.open.into()));
        }
        let notional = i128::from(worst_price(order, terms).unwrap_or(0)) * i128::from(order.open);
        let ppm = i128::from(terms.maker_fee_ppm.max(terms.taker_fee_ppm));
        // Rounded up.
        let fee = (notional * ppm + MILLION - 1) / MILLION;
        Some((terms.quote, notional + fee))
    }

    /// The last part of check 20, and check 21.
    pub(super) fn reason_of_balance(&self, draft: &Order, original: Option<&Order>) -> Option<RejectReason> {
        let (asset, need) = self.need(draft)?;
        let terms = &self.at(draft.instrument).terms;
        if draft.is_buy() && worst_price(draft, terms).is_none() {
            return Some(RejectReason::MarketOrder);
        }
        let given_back = original.and_then(|order| self.need(order)).map_or(0, |(_, need)| need);
        let available = self.available(self.account_of(draft.login), asset) + given_back;
        (available < need).then_some(RejectReason::Exposure)
    }

    /// Both sides of a match: positions, money, goods, fees.
    pub(super) fn settle_trade(&mut self, buyer: Payer<'_>, seller: Payer<'_>, price: u64, quantity: u32) {
        let terms = self.at(buyer.0.instrument).terms;
        let fee = |ppm: u32| match has_balances(&terms) {
            true => (u128::from(price) * u128::from(quantity) * u128::from(ppm) / MILLION as u128) as u64,
            false => 0,
        };
        let trade = Trade {
            match_number: self.last_match,
            instrument: terms.instrument,
            price,
            quantity,
            buyer: trade_side(buyer.0, fee(buyer.1)),
            seller: trade_side(seller.0, fee(seller.1)),
        };
        let by = SettledBy {
            buyer: self.login(buyer.0.login).terms,
            seller: self.login(seller.0.login).terms,
            instrument: terms,
        };
        self.book_trade(&trade, &by, 1);
        self.history.trades.push(trade);
    }

    /// Moves positions and balances by the terms that were in force for the match; with a sign of -1 back again.
    pub(super) fn book_trade(&mut self, trade: &Trade, by: &SettledBy, sign: i64) {
        let (buyer, seller) = (&trade.buyer, &trade.seller);
        let goods = sign * i64::from(trade.quantity);
        let (match_number, instrument) = (trade.match_number, trade.instrument);
        self.move_positions(scopes_by(&by.buyer), match_number, instrument, goods);
        self.move_positions(scopes_by(&by.seller), match_number, instrument, -goods);
        let terms = &by.instrument;
        if !has_balances(terms) {
            return;
        }
        let sign = i128::from(sign);
        let notional = sign * i128::from(trade.price) * i128::from(trade.quantity);
        let (buyer_fee, seller_fee) = (sign * i128::from(buyer.fee), sign * i128::from(seller.fee));
        let (buyer, seller) = (account_by(&by.buyer), account_by(&by.seller));
        self.add(buyer, terms.base, goods.into());
        self.add(seller, terms.base, -i128::from(goods));
        self.add(buyer, terms.quote, -(notional + buyer_fee));
        self.add(seller, terms.quote, notional - seller_fee);
        self.add(FEES, terms.quote, buyer_fee + seller_fee);
    }
}

/// The most a share may cost a buyer; `None` when nobody knows.
fn worst_price(order: &Order, terms: &InstrumentTerms) -> Option<u64> {
    if order.is_discretionary() || order.limit < PRICE_MARKET {
        return Some(order.reach());
    }
    (terms.collar_high > 0).then_some(terms.collar_high.into())
}

fn trade_side(order: &Order, fee: u64) -> TradeSide {
    TradeSide {
        login: order.login,
        user_ref_idx: order.user_ref_idx,
        user_ref_num: order.user_ref_num(),
        client_order_id: order.terms.client_order_id,
        fee,
    }
}
