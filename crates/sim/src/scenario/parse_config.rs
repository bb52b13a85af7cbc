//! Lines → terms of instruments and logins.

use ringside_domain::{
    Firm, InstrumentId, InstrumentTerms, LoginId, LoginTerms, Symbol, TickRange, Username,
};

use super::Names;
use super::spell::{ALLOCATIONS, PREVENTIONS};
use super::words::{Parsed, Words, number, one_of, text, wrong};

impl Names {
    pub(super) fn known_login(&self, words: &mut Words<'_>) -> Parsed<LoginId> {
        let name = words.next("a login")?;
        self.login(name).ok_or_else(|| wrong(name, "a login named before"))
    }

    pub(super) fn known_instrument(&self, words: &mut Words<'_>) -> Parsed<InstrumentId> {
        let symbol = words.next("a symbol")?;
        self.instrument(symbol).ok_or_else(|| wrong(symbol, "an instrument named before"))
    }

    pub(super) fn instrument_terms(&mut self, words: &mut Words<'_>, new: bool) -> Parsed<InstrumentTerms> {
        let symbol: Symbol = text(words.next("a symbol")?)?;
        let name = super::names::shown(symbol.trimmed());
        let mut id = self.instrument(&name).filter(|_| !new);
        let mut terms = InstrumentTerms::plain(InstrumentId(0), symbol, 1, 1);
        while let Some((key, value)) = words.option()? {
            match key {
                "id" => id = Some(InstrumentId(number(value)?)),
                _ => set_instrument_term(&mut terms, key, value)?,
            }
        }
        terms.instrument = self.add_instrument(&name, id);
        Ok(terms)
    }

    pub(super) fn login_terms(&mut self, words: &mut Words<'_>, new: bool) -> Parsed<LoginTerms> {
        let username: Username = text(words.next("a login")?)?;
        let name = super::names::shown(username.trimmed());
        let mut id = self.login(&name).filter(|_| !new);
        let mut terms = LoginTerms::plain(LoginId(0), username, Firm::BLANK);
        while let Some((key, value)) = words.option()? {
            match key {
                "id" => id = Some(LoginId(number(value)?)),
                "firm" => terms.firm = text(value)?,
                "account" => terms.account = text(value)?,
                "cancel-on-disconnect" => terms.cancel_on_disconnect = true,
                "grace-ms" => terms.disconnect_grace_ms = number(value)?,
                "stp" => {
                    terms.self_trade_prevention =
                        one_of(&PREVENTIONS, value, "a mode of self-trade prevention")?;
                }
                _ => return Err(wrong(key, "firm=, account=, cancel-on-disconnect, grace-ms=, stp= or id=")),
            }
        }
        terms.login = self.add_login(&name, id);
        Ok(terms)
    }
}

fn set_instrument_term(terms: &mut InstrumentTerms, key: &str, value: &str) -> Parsed<()> {
    match key {
        "tick" => terms.tick = number(value)?,
        "lot" => terms.lot = number(value)?,
        "decimals" => terms.price_decimals = number(value)?,
        "quantity-decimals" => terms.quantity_decimals = number(value)?,
        "allocation" => terms.allocation = one_of(&ALLOCATIONS, value, "price-time or pro-rata")?,
        "ticks" => set_ranges(terms, value)?,
        "collar" => (terms.collar_low, terms.collar_high) = collar(value)?,
        "band" => terms.band_bps = number(value)?,
        "call-ms" => terms.volatility_call_ms = number(value)?,
        "random-ms" => terms.random_end_ms = number(value)?,
        "reference" => terms.reference_price = number(value)?,
        "base" => terms.base = text(value)?,
        "quote" => terms.quote = text(value)?,
        "maker-fee" => terms.maker_fee_ppm = number(value)?,
        "taker-fee" => terms.taker_fee_ppm = number(value)?,
        _ => return Err(wrong(key, "a term of an instrument")),
    }
    Ok(())
}

/// `from:tick,from:tick`
fn set_ranges(terms: &mut InstrumentTerms, value: &str) -> Parsed<()> {
    for (index, pair) in value.split(',').enumerate() {
        let (from, tick) = pair.split_once(':').ok_or_else(|| wrong(pair, "price:tick"))?;
        let range = terms.tick_ranges.get_mut(index).ok_or_else(|| wrong(pair, "at most three ranges"))?;
        *range = TickRange { from: number(from)?, tick: number(tick)? };
    }
    Ok(())
}

/// `LOW..HIGH`, either of them may be missing.
fn collar(value: &str) -> Parsed<(u32, u32)> {
    let (low, high) = value.split_once("..").ok_or_else(|| wrong(value, "LOW..HIGH"))?;
    let bound = |text: &str| if text.is_empty() { Ok(0) } else { number(text) };
    Ok((bound(low)?, bound(high)?))
}
