//! Commands of clients → lines.

use ringside_domain::{
    Action, Cancel, ClientOrderId, Enter, EntrySwitch, LoginId, MassCancel, Modify, NO_EXPIRE_AT,
    OrderOptions, Replace,
};

use super::line::{Line, price, side};
use super::spell::PEGS;
use super::write::Writer;

impl Writer<'_> {
    pub(super) fn client_action(&self, login: LoginId, action: &Action) -> Line {
        let mut line = Line(self.login(login));
        match action {
            Action::Enter(enter) => line.enter(enter),
            Action::Replace(replace) => line.replace(replace),
            Action::Cancel(cancel) => line.cancel(cancel),
            Action::Modify(modify) => line.modify(modify),
            Action::MassCancel(request) => line.mass_cancel(request),
            Action::DisableEntry(switch) => line.switch("disable", switch),
            Action::EnableEntry(switch) => line.switch("enable", switch),
            Action::AccountQuery(query) => {
                line.words("query");
                line.number("channel", query.user_ref_idx);
            }
            Action::Connect => line.words("connect"),
            Action::Disconnect => line.words("disconnect"),
            _ => unreachable!("Invariant: command() took what the venue asks"),
        }
        line
    }
}

impl Line {
    fn enter(&mut self, enter: &Enter) {
        let (number, side, quantity) = (enter.user_ref_num, side(enter.side), enter.quantity);
        let symbol = Writer::word(&enter.symbol);
        self.words(format_args!("enter {number} {side} {quantity} {symbol} @ {}", price(enter.price)));
        self.letter("capacity", enter.capacity, b'P');
        self.letter("cross", enter.cross_type, b'N');
        self.letters(enter.time_in_force, enter.display, enter.intermarket_sweep);
        self.options(&enter.options, &enter.client_order_id);
    }

    fn replace(&mut self, replace: &Replace) {
        let (original, number, quantity) = (replace.original, replace.user_ref_num, replace.quantity);
        let price = price(replace.price);
        self.words(format_args!("replace {original} -> {number} total {quantity} @ {price}"));
        self.letters(replace.time_in_force, replace.display, replace.intermarket_sweep);
        self.options(&replace.options, &replace.client_order_id);
    }

    fn letters(&mut self, time_in_force: u8, display: u8, intermarket_sweep: u8) {
        self.letter_or("ioc", b'3', "tif", time_in_force, b'0');
        self.letter_or("hidden", b'N', "display", display, b'Y');
        self.letter("sweep", intermarket_sweep, b'N');
    }

    fn options(&mut self, options: &OrderOptions, label: &ClientOrderId) {
        self.trading_options(options);
        self.letter("located", options.shares_located, 0);
        self.letter("customer", options.customer_type, 0);
        if options.side != 0 {
            self.option("side", side(options.side));
        }
        self.number("group", options.group_id);
        self.number("channel", options.user_ref_idx);
        self.number("refused", options.refused_tag);
        self.text("firm", &options.firm);
        self.text("broker", &options.locate_broker);
        self.text("label", label);
    }

    fn trading_options(&mut self, options: &OrderOptions) {
        self.letter_or("post-only", b'P', "post", options.post_only, 0);
        self.number("min", options.min_quantity);
        self.number("iceberg", options.max_floor);
        self.number("random", options.random_reserves);
        self.spelled("peg", &PEGS, options.price_type, 0);
        self.number("offset", options.peg_offset);
        self.number("discretion", options.discretion_price);
        self.number("seconds", options.expire_seconds);
        match options.expire_at {
            NO_EXPIRE_AT => {}
            0 => self.words("gtc"),
            time_ns => self.option("until", time_ns),
        }
        self.number("trigger", options.trigger_price);
        match options.execution {
            b'F' => self.words("fok"),
            b'M' => self.words("mtl"),
            other => self.letter("execution", other, 0),
        }
    }

    fn cancel(&mut self, cancel: &Cancel) {
        self.words(format_args!("cancel {} to {}", cancel.user_ref_num, cancel.quantity));
        self.number("channel", cancel.user_ref_idx);
    }

    fn modify(&mut self, modify: &Modify) {
        let side = side(modify.side);
        self.words(format_args!("modify {} {side} to {}", modify.user_ref_num, modify.quantity));
        self.number("channel", modify.user_ref_idx);
    }

    fn mass_cancel(&mut self, request: &MassCancel) {
        self.words(format_args!("mass-cancel {}", request.user_ref_num));
        self.text("firm", &request.firm);
        self.text("symbol", &request.symbol);
        if request.side != 0 {
            self.option("side", side(request.side));
        }
        if let Some(group_id) = request.group_id {
            self.option("group", group_id);
        }
        if let Some(user_ref_idx) = request.user_ref_idx {
            self.option("channel", user_ref_idx);
        }
    }

    fn switch(&mut self, verb: &str, switch: &EntrySwitch) {
        self.words(format_args!("{verb} {}", switch.user_ref_num));
        self.text("firm", &switch.firm);
        self.number("channel", switch.user_ref_idx);
    }
}
