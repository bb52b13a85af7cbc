//! Commands of the operator → lines.

use ringside_domain::{
    Action, AuctionKind, Bust, BustSide, CancelOrders, InstrumentId, Restrict, SetLimits, SetState, Transfer,
};

use super::line::{Line, side};
use super::spell::{BUST_REASONS, KINDS, STATES, sure_word};
use super::write::Writer;

impl Writer<'_> {
    pub(super) fn venue_action(&self, action: &Action) -> Option<Line> {
        Some(match action {
            Action::Tick => Line::new("tick"),
            Action::SetSeed(seed) => Line(format!("seed {seed}")),
            Action::SetKey([low, high]) => Line(format!("key {low} {high}")),
            Action::SetState(set) => self.set_state(set),
            Action::Uncross(instrument) => Line(format!("uncross {}", self.instrument(*instrument))),
            Action::EndOfDay => Line::new("end-of-day"),
            Action::RollSession => Line::new("roll-session"),
            Action::Snapshot => Line::new("snapshot"),
            Action::SetRules(rules) => Line(format!("rules {}", rules.version())),
            Action::SetLimits(set) => self.set_limits(set),
            Action::Restrict(restrict) => self.restrict(restrict),
            Action::Kill(kill) => {
                Line(format!("{} {}", if kill.killed { "kill" } else { "unkill" }, self.scope(kill.scope)))
            }
            Action::CancelOrders(orders) => self.cancel_orders(orders),
            Action::Deposit(transfer) => transferred("deposit", transfer),
            Action::Withdraw(transfer) => transferred("withdraw", transfer),
            Action::Bust(bust) => self.bust(bust),
            _ => return None,
        })
    }

    fn set_state(&self, set: &SetState) -> Line {
        let mut line = Line(format!("state {}", self.instrument(set.instrument)));
        line.words(sure_word(&STATES, &set.state));
        if set.auction != AuctionKind::Opening {
            line.option("kind", sure_word(&KINDS, &set.auction));
        }
        line.long("call", set.call_ns);
        line.long("random", set.random_ns);
        line.text("reason", &set.reason);
        line
    }

    fn set_limits(&self, set: &SetLimits) -> Line {
        let mut line = Line(format!("limits {}", self.scope(set.scope)));
        line.number("quantity", set.limits.quantity_max);
        line.number("orders", set.limits.orders_max);
        line.long("notional", set.limits.notional_max);
        line.long("position", set.limits.position_max);
        line.number("rate", set.limits.rate_per_second);
        line.number("burst", set.limits.rate_burst);
        line.number("fat-finger", set.limits.fat_finger_bps);
        line
    }

    fn restrict(&self, restrict: &Restrict) -> Line {
        let verb = if restrict.restricted { "restrict" } else { "allow" };
        Line(format!("{verb} {} {}", self.scope(restrict.scope), self.instrument(restrict.instrument)))
    }

    fn cancel_orders(&self, orders: &CancelOrders) -> Line {
        let mut line = Line(format!("cancel-orders {}", self.scope(orders.scope)));
        if orders.instrument != InstrumentId(0) {
            line.option("symbol", self.instrument(orders.instrument));
        }
        if orders.side != 0 {
            line.option("side", side(orders.side));
        }
        line
    }

    fn bust(&self, bust: &Bust) -> Line {
        let mut line = Line(format!("bust {} {}", bust.match_number, self.instrument(bust.instrument)));
        line.words(format_args!("{} @ {}", bust.quantity, bust.price));
        line.spelled("reason", &BUST_REASONS, bust.reason, b'E');
        self.bust_side(&mut line, "buyer", &bust.buyer);
        self.bust_side(&mut line, "seller", &bust.seller);
        line
    }

    fn bust_side(&self, line: &mut Line, key: &str, side: &BustSide) {
        line.option(key, format_args!("{}:{}", self.login(side.login), side.user_ref_num));
        line.number(&format!("{key}-channel"), side.user_ref_idx);
        line.text(&format!("{key}-label"), &side.client_order_id);
        line.long(&format!("{key}-fee"), side.fee);
    }
}

fn transferred(verb: &str, transfer: &Transfer) -> Line {
    let (account, asset) = (Writer::word(&transfer.account), Writer::word(&transfer.asset));
    Line(format!("{verb} {account} {asset} {}", transfer.amount))
}
