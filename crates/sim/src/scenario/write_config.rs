//! Terms of instruments and logins → lines.

use ringside_domain::{Allocation, InstrumentId, InstrumentTerms, LoginId, LoginTerms, SelfTradePrevention};

use super::line::Line;
use super::spell::{ALLOCATIONS, PREVENTIONS, sure_word};
use super::write::Writer;

impl Writer<'_> {
    /// `usual` is the id that a line without `id=` would mean.
    pub(super) fn instrument_terms(&self, verb: &str, terms: &InstrumentTerms, usual: InstrumentId) -> Line {
        let mut line = Line::new(verb);
        line.words(Writer::word(&terms.symbol));
        if terms.instrument != usual {
            line.option("id", terms.instrument.0);
        }
        line.number_but("tick", terms.tick, 1);
        line.number_but("lot", terms.lot, 1);
        line.number_but("decimals", terms.price_decimals, 4);
        line.number("quantity-decimals", terms.quantity_decimals);
        if terms.allocation != Allocation::PriceTime {
            line.option("allocation", sure_word(&ALLOCATIONS, &terms.allocation));
        }
        line.ranges(terms);
        line.collar(terms.collar_low, terms.collar_high);
        line.number("band", terms.band_bps);
        line.number("call-ms", terms.volatility_call_ms);
        line.number("random-ms", terms.random_end_ms);
        line.number("reference", terms.reference_price);
        line.text("base", &terms.base);
        line.text("quote", &terms.quote);
        line.number("maker-fee", terms.maker_fee_ppm);
        line.number("taker-fee", terms.taker_fee_ppm);
        line
    }

    pub(super) fn login_terms(&self, verb: &str, terms: &LoginTerms, usual: LoginId) -> Line {
        let mut line = Line::new(verb);
        line.words(Writer::word(&terms.username));
        if terms.login != usual {
            line.option("id", terms.login.0);
        }
        line.text("firm", &terms.firm);
        line.text("account", &terms.account);
        if terms.cancel_on_disconnect {
            line.words("cancel-on-disconnect");
        }
        line.number("grace-ms", terms.disconnect_grace_ms);
        if terms.self_trade_prevention != SelfTradePrevention::None {
            line.option("stp", sure_word(&PREVENTIONS, &terms.self_trade_prevention));
        }
        line
    }
}

impl Line {
    fn ranges(&mut self, terms: &InstrumentTerms) {
        let used = terms.tick_ranges.iter().rposition(|range| (range.from, range.tick) != (0, 0));
        let Some(last) = used else { return };
        let pair = |range: &ringside_domain::TickRange| format!("{}:{}", range.from, range.tick);
        let pairs: Vec<_> = terms.tick_ranges[..=last].iter().map(pair).collect();
        self.option("ticks", pairs.join(","));
    }

    fn collar(&mut self, low: u32, high: u32) {
        let bound = |bound: u32| if bound == 0 { String::new() } else { bound.to_string() };
        if (low, high) != (0, 0) {
            self.option("collar", format_args!("{}..{}", bound(low), bound(high)));
        }
    }
}
