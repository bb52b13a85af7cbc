//! Events → lines. Fixed words, and an option only when it is not the usual one.

use std::fmt::{Display, Write};

use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{
    Accepted, CancelReason, Event, Fact, Liquidity, MassCancelAccepted, RejectReason, Side, Text,
};

use super::Names;

/// An event as a scenario has it, without the leading `>`.
pub fn render(event: &Event, names: &Names) -> String {
    let mut line = Line(names.login_name(event.login));
    match &event.fact {
        Fact::Accepted(order) if order.original == 0 => line.accepted(order),
        Fact::Accepted(order) => line.replaced(order),
        Fact::Canceled { user_ref_num, quantity, reason } => {
            line.words(format_args!("canceled {user_ref_num} {quantity} {}", cancel_reason(*reason)));
        }
        Fact::Executed { user_ref_num, quantity, price, liquidity, match_number } => {
            let (price, flag) = (shown_price(*price), shown_liquidity(*liquidity));
            line.words(format_args!(
                "executed {user_ref_num} {quantity} @ {price} {flag} match {match_number}"
            ));
        }
        Fact::Rejected { user_ref_num, reason, client_order_id } => {
            line.words(format_args!("rejected {user_ref_num} {}", reject_reason(*reason)));
            line.text("label", client_order_id);
        }
        Fact::Modified { user_ref_num, side, quantity } => {
            line.words(format_args!("modified {user_ref_num} {} {quantity}", side_word(side.letter())));
        }
        Fact::MassCancelAccepted(request) => line.mass_canceling(request),
        Fact::EntryDisabled { user_ref_num, firm } => {
            line.words(format_args!("disabled {user_ref_num}"));
            line.text("firm", firm);
        }
        Fact::EntryEnabled { user_ref_num, firm } => {
            line.words(format_args!("enabled {user_ref_num}"));
            line.text("firm", firm);
        }
        Fact::NextUserRefNum { user_ref_num } => line.words(format_args!("next {user_ref_num}")),
        _ => todo!(),
    }
    line.number("channel", event.user_ref_idx.into());
    line.0
}

struct Line(String);

impl Line {
    fn words(&mut self, words: impl Display) {
        // Writing to a String can not fail.
        let _ = write!(self.0, " {words}");
    }

    fn accepted(&mut self, order: &Accepted) {
        self.words(format_args!("accepted {}", order.user_ref_num));
        self.order(order);
    }

    fn replaced(&mut self, order: &Accepted) {
        self.words(format_args!("replaced {} -> {}", order.original, order.user_ref_num));
        self.order(order);
    }

    fn order(&mut self, order: &Accepted) {
        let side = side_word(order.side.letter());
        self.words(format_args!("{side} {} {}", order.quantity, order.symbol));
        self.words(format_args!("@ {} ref {}", shown_price(order.price), order.order_ref));
        match order.time_in_force {
            b'3' => self.words("ioc"),
            other => self.letter("tif", other, b'0'),
        }
        match order.post_only {
            b'P' => self.words("post-only"),
            other => self.letter("post", other, 0),
        }
        self.letter("display", order.display, b'Y');
        self.letter("capacity", order.capacity, b'P');
        self.letter("sweep", order.intermarket_sweep, b'N');
        self.letter("cross", order.cross_type, b'N');
        self.letter("located", order.shares_located, 0);
        self.letter("customer", order.customer_type, 0);
        self.number("group", order.group_id);
        self.text("firm", &order.firm);
        self.text("label", &order.client_order_id);
    }

    fn mass_canceling(&mut self, request: &MassCancelAccepted) {
        self.words(format_args!("mass-canceling {}", request.user_ref_num));
        self.text("firm", &request.firm);
        self.text("symbol", &request.symbol);
        if request.side != 0 {
            self.words(format_args!("side={}", side_word(request.side)));
        }
        if let Some(group_id) = request.group_id {
            self.words(format_args!("group={group_id}"));
        }
    }

    fn letter(&mut self, key: &str, letter: u8, usual: u8) {
        if letter != usual {
            self.words(format_args!("{key}={}", letter.escape_ascii()));
        }
    }

    fn number(&mut self, key: &str, number: u16) {
        if number != 0 {
            self.words(format_args!("{key}={number}"));
        }
    }

    fn text<const N: usize>(&mut self, key: &str, text: &Text<N>) {
        if !text.is_blank() {
            self.words(format_args!("{key}={}", text.trimmed().escape_ascii()));
        }
    }
}

fn shown_price(price: u64) -> String {
    if price == PRICE_MARKET { "market".to_owned() } else { price.to_string() }
}

fn side_word(letter: u8) -> String {
    match Side::from_letter(letter) {
        Some(Side::Buy) => "buy".to_owned(),
        Some(Side::Sell) => "sell".to_owned(),
        Some(Side::SellShort) => "short".to_owned(),
        Some(Side::SellShortExempt) => "exempt".to_owned(),
        None => letter.escape_ascii().to_string(),
    }
}

fn shown_liquidity(liquidity: Liquidity) -> &'static str {
    match liquidity {
        Liquidity::Added => "added",
        Liquidity::Removed => "removed",
        _ => todo!(),
    }
}

fn cancel_reason(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::User => "user",
        CancelReason::Immediate => "immediate",
        CancelReason::PostOnly => "post-only",
        CancelReason::Supervisory => "supervisory",
        _ => todo!(),
    }
}

fn reject_reason(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::Display => "display",
        RejectReason::Side => "side",
        RejectReason::Capacity => "capacity",
        RejectReason::EntryDisabled => "entry-disabled",
        RejectReason::MinQuantity => "min-quantity",
        RejectReason::Other => "other",
        RejectReason::Quantity => "quantity",
        RejectReason::Symbol => "symbol",
        RejectReason::Price => "price",
        _ => todo!(),
    }
}
