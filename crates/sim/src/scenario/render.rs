//! Events → lines. Fixed words, and an option only when it is not the usual one.

use ringside_domain::{Accepted, Event, Fact, MassCancelAccepted};

use super::Names;
use super::line::{Line, letter_word, price, side};
use super::spell::{
    BUST_REASONS, CANCEL_REASONS, LIQUIDITIES, PEGS, PREVENTIONS, REFUSALS, REJECT_REASONS, sure_word,
};

/// An event as a scenario has it, without the leading `>`.
pub fn render(event: &Event, names: &Names) -> String {
    let mut line = match &event.fact {
        Fact::Market { instrument, fact } => {
            let mut line = Line::new("market");
            line.words(names.instrument_name(*instrument));
            line.market(fact);
            return line.0;
        }
        Fact::Refused(why) => return format!("refused {}", sure_word(&REFUSALS, why)),
        Fact::SessionBegan(session) => return format!("session {session}"),
        _ => Line::new(names.login_name(event.login)),
    };
    line.fact(&event.fact);
    line.number("channel", event.user_ref_idx);
    line.0
}

impl Line {
    fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Accepted(order) => self.accepted(order),
            Fact::MassCancelAccepted(request) => self.mass_canceling(request),
            Fact::Canceled { .. } | Fact::Rejected { .. } | Fact::Modified { .. } | Fact::Broken { .. } => {
                self.ended(fact);
            }
            Fact::Executed { .. } | Fact::Prevented { .. } => self.matched(fact),
            Fact::Refreshed { .. } | Fact::Repriced { .. } | Fact::Triggered { .. } => self.moved(fact),
            Fact::EntryDisabled { user_ref_num, firm } => {
                self.words(format_args!("disabled {user_ref_num}"));
                self.text("firm", firm);
            }
            Fact::EntryEnabled { user_ref_num, firm } => {
                self.words(format_args!("enabled {user_ref_num}"));
                self.text("firm", firm);
            }
            Fact::NextUserRefNum { user_ref_num } => self.words(format_args!("next {user_ref_num}")),
            Fact::Market { .. } | Fact::Refused(_) | Fact::SessionBegan(_) => {
                unreachable!("Invariant: render() told them apart")
            }
        }
    }

    fn ended(&mut self, fact: &Fact) {
        match fact {
            Fact::Canceled { user_ref_num, quantity, reason } => {
                let reason = sure_word(&CANCEL_REASONS, reason);
                self.words(format_args!("canceled {user_ref_num} {quantity} {reason}"));
            }
            Fact::Rejected { user_ref_num, reason, client_order_id } => {
                let reason = sure_word(&REJECT_REASONS, reason);
                self.words(format_args!("rejected {user_ref_num} {reason}"));
                self.text("label", client_order_id);
            }
            Fact::Modified { user_ref_num, side: letter, quantity } => {
                self.words(format_args!("modified {user_ref_num} {} {quantity}", side(letter.letter())));
            }
            Fact::Broken { user_ref_num, match_number, reason, client_order_id } => {
                let reason = letter_word(&BUST_REASONS, *reason);
                self.words(format_args!("broken {user_ref_num} match {match_number} {reason}"));
                self.text("label", client_order_id);
            }
            _ => unreachable!("Invariant: fact() told them apart"),
        }
    }

    fn matched(&mut self, fact: &Fact) {
        match fact {
            Fact::Executed { user_ref_num, quantity, price: at, liquidity, match_number } => {
                let (at, flag) = (price(*at), sure_word(&LIQUIDITIES, liquidity));
                self.words(format_args!("executed {user_ref_num} {quantity} @ {at} {flag}"));
                self.words(format_args!("match {match_number}"));
            }
            Fact::Prevented { user_ref_num, quantity, prevented, price: at, liquidity, mode } => {
                let (at, flag) = (price(*at), sure_word(&LIQUIDITIES, liquidity));
                self.words(format_args!("prevented {user_ref_num} {quantity} of {prevented} @ {at} {flag}"));
                self.words(sure_word(&PREVENTIONS, mode));
            }
            _ => unreachable!("Invariant: fact() told them apart"),
        }
    }

    fn moved(&mut self, fact: &Fact) {
        match fact {
            Fact::Refreshed { user_ref_num, displayed, public_ref } => {
                self.words(format_args!("refreshed {user_ref_num} {displayed} ref {public_ref}"));
            }
            Fact::Repriced { user_ref_num, price: 0 } => {
                self.words(format_args!("repriced {user_ref_num} parked"));
            }
            Fact::Repriced { user_ref_num, price: at } => {
                self.words(format_args!("repriced {user_ref_num} @ {}", price(*at)));
            }
            Fact::Triggered { user_ref_num, price: at, display, order_ref } => {
                self.words(format_args!("triggered {user_ref_num} @ {} ref {order_ref}", price(*at)));
                self.letter_or("hidden", b'N', "display", *display, b'Y');
            }
            _ => unreachable!("Invariant: fact() told them apart"),
        }
    }

    fn accepted(&mut self, order: &Accepted) {
        if order.original == 0 {
            self.words(format_args!("accepted {}", order.user_ref_num));
        } else {
            self.words(format_args!("replaced {} -> {}", order.original, order.user_ref_num));
        }
        self.words(format_args!("{} {} {}", side(order.side.letter()), order.quantity, order.symbol));
        self.words(format_args!("@ {} ref {}", price(order.price), order.order_ref));
        self.letter_or("ioc", b'3', "tif", order.time_in_force, b'0');
        self.letter_or("post-only", b'P', "post", order.post_only, 0);
        self.letter_or("hidden", b'N', "display", order.display, b'Y');
        self.letter("capacity", order.capacity, b'P');
        self.letter("sweep", order.intermarket_sweep, b'N');
        self.letter("cross", order.cross_type, b'N');
        self.letter("located", order.shares_located, 0);
        self.letter("customer", order.customer_type, 0);
        self.trading_tags(order);
        self.number("group", order.group_id);
        self.text("firm", &order.firm);
        self.text("label", &order.client_order_id);
    }

    fn trading_tags(&mut self, order: &Accepted) {
        self.number("min", order.min_quantity);
        self.number("iceberg", order.max_floor);
        self.number("random", order.random_reserves);
        self.spelled("peg", &PEGS, order.price_type, 0);
        self.number("offset", order.peg_offset);
        self.number("discretion", order.discretion_price);
        self.number("seconds", order.expire_seconds);
    }

    fn mass_canceling(&mut self, request: &MassCancelAccepted) {
        self.words(format_args!("mass-canceling {}", request.user_ref_num));
        self.text("firm", &request.firm);
        self.text("symbol", &request.symbol);
        if request.side != 0 {
            self.option("side", side(request.side));
        }
        if let Some(group_id) = request.group_id {
            self.option("group", group_id);
        }
    }
}
