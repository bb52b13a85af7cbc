//! Sums for each login in the two runs.

use std::collections::BTreeMap;

use ringside_domain::{Bust, Event, Fact, LoginId, Symbol};
use ringside_engine::Engine;

use super::Run;
use crate::json::Names;
use crate::orders::Change;

/// What a login did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Activity {
    /// Orders accepted, replacements included.
    pub(super) accepted: u64,
    /// Orders rejected.
    pub(super) rejected: u64,
    /// Shares taken off.
    pub(super) canceled: u64,
    /// Matches it had a part in.
    pub(super) trades: u64,
    /// Shares executed.
    pub(super) volume: u64,
}

/// What a login has in an instrument, from its trades since the beginning of the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Position {
    pub(super) bought: i128,
    pub(super) sold: i128,
    /// Price × quantity of what was bought, wire units.
    pub(super) paid: i128,
    /// Price × quantity of what was sold, wire units.
    pub(super) received: i128,
}

/// Both runs, login by login.
#[derive(Default)]
pub(super) struct Tallies {
    pub(super) logins: BTreeMap<LoginId, [Activity; 2]>,
    pub(super) positions: BTreeMap<(LoginId, Symbol), [Position; 2]>,
}

impl Tallies {
    pub(super) fn follow(&mut self, run: Run, event: &Event, change: Option<&Change>) {
        if event.login == LoginId::VENUE {
            return;
        }
        let activity = &mut self.logins.entry(event.login).or_default()[run as usize];
        match event.fact {
            Fact::Accepted(_) => activity.accepted += 1,
            Fact::Rejected { .. } => activity.rejected += 1,
            Fact::Canceled { quantity, .. } => activity.canceled += u64::from(quantity),
            Fact::Executed { quantity, price, .. } => {
                activity.trades += 1;
                activity.volume += u64::from(quantity);
                if let Some(change) = change {
                    let buys = change.order.side.is_buy();
                    self.book(run, (event.login, change.order.symbol), buys, quantity.into(), price.into());
                }
            }
            _ => {}
        }
    }

    fn book(&mut self, run: Run, key: (LoginId, Symbol), buys: bool, quantity: i128, price: i128) {
        let position = &mut self.positions.entry(key).or_default()[run as usize];
        if buys {
            position.bought += quantity;
            position.paid += price * quantity;
        } else {
            position.sold += quantity;
            position.received += price * quantity;
        }
    }

    /// A trade that is broken never was.
    pub(super) fn bust(&mut self, run: Run, bust: &Bust, names: &Engine) {
        let Some(symbol) = names.symbol(bust.instrument) else { return };
        let (quantity, price) = (-i128::from(bust.quantity), i128::from(bust.price));
        self.book(run, (bust.buyer.login, symbol), true, quantity, price);
        self.book(run, (bust.seller.login, symbol), false, quantity, price);
    }
}
