//! What can be seen from outside, besides the views of `domain::state`.

use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{InstrumentId, InstrumentTerms, LoginId, MatchNumber, Symbol, TimeNs, UserRefNum};

use super::Reference;
use super::state::{BookView, Fill, Order, Trade};

impl Reference {
    /// All matches so far, in the order they happened.
    pub fn fills(&self) -> &[Fill] {
        &self.history.fills
    }

    /// All matches so far with everything that a Bust carries.
    pub fn trades(&self) -> &[Trade] {
        &self.history.trades
    }

    /// Number of the last match; 0 before the first.
    pub fn last_match_number(&self) -> MatchNumber {
        self.last_match
    }

    /// True once the match was broken.
    pub fn busted(&self, match_number: MatchNumber) -> bool {
        self.history.busted.contains(&match_number)
    }

    /// Resting orders of a symbol, visible and hidden, each side in priority. Empty for an unknown symbol.
    pub fn book(&self, symbol: Symbol) -> BookView {
        let Some(id) = self.find_instrument(symbol) else { return BookView::default() };
        BookView { bids: self.side(id, true), asks: self.side(id, false) }
    }

    fn side(&self, instrument: InstrumentId, buy: bool) -> Vec<Order> {
        let book = &self.at(instrument).book;
        let both = [book.in_priority(buy, false), book.in_priority(buy, true)];
        let mut orders: Vec<_> = both.iter().flatten().map(|order_ref| self.orders[order_ref]).collect();
        // Stable: visible orders stay before hidden ones of their price.
        orders.sort_by_key(|order| match (order.price < PRICE_MARKET, buy) {
            (false, _) => 0,
            (true, true) => u64::MAX - order.price,
            (true, false) => order.price,
        });
        orders
    }

    /// All live orders, parked ones included, by ascending OrderRef.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }

    /// The login's live order of that name.
    pub fn order_named(&self, login: LoginId, user_ref_idx: u8, user_ref_num: UserRefNum) -> Option<Order> {
        let order_ref = self.live.get(&(login, user_ref_idx, user_ref_num))?;
        Some(self.orders[order_ref])
    }

    /// When the next thing happens by itself: the earliest end of a call, of an order, or of somebody's grace.
    pub fn next_due(&self) -> Option<TimeNs> {
        self.next_to_happen().map(|(at, _)| at)
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

    /// Terms of the listed instrument with this symbol.
    pub fn instrument(&self, symbol: Symbol) -> Option<&InstrumentTerms> {
        self.find_instrument(symbol).map(|id| &self.at(id).terms)
    }

    /// The symbol means the last instrument that was added with it.
    pub(super) fn find_instrument(&self, symbol: Symbol) -> Option<InstrumentId> {
        let last = self.instruments.iter().rfind(|(_, instrument)| instrument.terms.symbol == symbol);
        last.filter(|(_, instrument)| instrument.listed).map(|(id, _)| *id)
    }
}
