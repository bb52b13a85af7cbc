//! An instrument as written, in the file or in an admin command, and what is wrong with it.

use ringside_domain::limits::QUANTITY_MAX;
use ringside_domain::{Allocation, Asset, InstrumentId, InstrumentTerms, Symbol, TICK_RANGES, TickRange};
use serde::Deserialize;

use super::number::{basis_points, millionths, milliseconds, price};
use super::raw::{Checked, text, wrong};

/// Decimals that leave room for at least one digit before the point.
const DECIMALS_MAX: u8 = 8;

/// `[[instrument]]`, and the fields of `add_instrument` and `change_instrument`.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct RawInstrument {
    symbol: String,
    tick_size: String,
    #[serde(default = "one")]
    lot_size: u32,
    #[serde(default = "four")]
    price_decimals: u8,
    #[serde(default)]
    quantity_decimals: u8,
    allocation: Option<String>,
    #[serde(default)]
    tick_table: Vec<RawTickRange>,
    #[serde(default)]
    collar: RawCollar,
    band: Option<String>,
    volatility_call: Option<String>,
    random_end: Option<String>,
    reference_price: Option<String>,
    base: Option<String>,
    quote: Option<String>,
    maker_fee: Option<String>,
    taker_fee: Option<String>,
}

#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct RawTickRange {
    from: String,
    tick: String,
}

#[derive(Clone, Deserialize, Default, Debug)]
#[serde(deny_unknown_fields)]
struct RawCollar {
    low: Option<String>,
    high: Option<String>,
}

fn one() -> u32 {
    1
}

fn four() -> u8 {
    4
}

impl RawInstrument {
    /// The terms, under the id 0. An error names the key and what is wrong with it.
    pub fn checked(&self) -> Result<InstrumentTerms, (String, String)> {
        let symbol: Symbol = text("symbol", &self.symbol)?;
        self.check_decimals()?;
        let tick = self.price("tick_size", &self.tick_size)?;
        if !(1..=QUANTITY_MAX).contains(&self.lot_size) {
            return wrong("lot_size", "must be 1 to 999999");
        }
        let mut terms = InstrumentTerms {
            price_decimals: self.price_decimals,
            quantity_decimals: self.quantity_decimals,
            allocation: allocation(self.allocation.as_deref().unwrap_or("price-time"))?,
            tick_ranges: self.tick_ranges(tick)?,
            band_bps: optional("band", self.band.as_deref(), basis_points)?,
            volatility_call_ms: optional("volatility_call", self.volatility_call.as_deref(), milliseconds)?,
            random_end_ms: optional("random_end", self.random_end.as_deref(), milliseconds)?,
            ..InstrumentTerms::plain(InstrumentId(0), symbol, tick, self.lot_size)
        };
        self.prices(&mut terms)?;
        self.balances(&mut terms)?;
        Ok(terms)
    }

    fn check_decimals(&self) -> Checked<()> {
        let decimals =
            [("price_decimals", self.price_decimals), ("quantity_decimals", self.quantity_decimals)];
        match decimals.into_iter().find(|(_, decimals)| *decimals > DECIMALS_MAX) {
            Some((key, _)) => wrong(key, format!("at most {DECIMALS_MAX} decimals")),
            None => Ok(()),
        }
    }

    fn price(&self, key: &str, text: &str) -> Checked<u32> {
        price(text, self.price_decimals).or_else(|problem| wrong(key, problem))
    }

    fn tick_ranges(&self, tick: u32) -> Checked<[TickRange; TICK_RANGES]> {
        if self.tick_table.len() > TICK_RANGES {
            return wrong("tick_table", format!("has more than {TICK_RANGES} entries"));
        }
        let mut ranges = [TickRange::default(); TICK_RANGES];
        let mut below = TickRange { from: 0, tick };
        for (n, raw) in self.tick_table.iter().enumerate() {
            let key = |name: &str| format!("tick_table[{n}].{name}");
            let from = self.price(&key("from"), &raw.from)?;
            let step = self.price(&key("tick"), &raw.tick)?;
            if from <= below.from {
                return wrong(key("from"), format!("{} does not ascend", raw.from));
            }
            if step <= below.tick || !step.is_multiple_of(tick) {
                let problem =
                    format!("{} is not a multiple of tick_size coarser than the tick before it", raw.tick);
                return wrong(key("tick"), problem);
            }
            if !from.is_multiple_of(step) || !from.is_multiple_of(below.tick) {
                return wrong(key("from"), format!("{} is not on the ticks that meet there", raw.from));
            }
            below = TickRange { from, tick: step };
            ranges[n] = below;
        }
        Ok(ranges)
    }

    fn prices(&self, terms: &mut InstrumentTerms) -> Checked<()> {
        terms.collar_low = self.on_tick("collar.low", self.collar.low.as_deref(), terms)?;
        terms.collar_high = self.on_tick("collar.high", self.collar.high.as_deref(), terms)?;
        terms.reference_price = self.on_tick("reference_price", self.reference_price.as_deref(), terms)?;
        if terms.collar_high != 0 && terms.collar_low > terms.collar_high {
            return wrong("collar.low", "is above collar.high");
        }
        Ok(())
    }

    fn on_tick(&self, key: &str, text: Option<&str>, terms: &InstrumentTerms) -> Checked<u32> {
        let Some(text) = text else { return Ok(0) };
        let value = self.price(key, text)?;
        let range = terms.tick_ranges.iter().rev().find(|range| range.from != 0 && range.from <= value);
        match value.is_multiple_of(range.map_or(terms.tick, |range| range.tick)) {
            true => Ok(value),
            false => wrong(key, format!("{text} is not on the instrument's ticks")),
        }
    }

    fn balances(&self, terms: &mut InstrumentTerms) -> Checked<()> {
        terms.maker_fee_ppm = optional("maker_fee", self.maker_fee.as_deref(), millionths)?;
        terms.taker_fee_ppm = optional("taker_fee", self.taker_fee.as_deref(), millionths)?;
        match (&self.base, &self.quote) {
            (Some(base), Some(quote)) => {
                terms.base = text::<4>("base", base)?;
                terms.quote = text::<4>("quote", quote)?;
                if terms.base == terms.quote { wrong("quote", "is the base") } else { Ok(()) }
            }
            (Some(_), None) => wrong("quote", "is needed beside base"),
            (None, Some(_)) => wrong("base", "is needed beside quote"),
            (None, None) if terms.maker_fee_ppm != 0 => wrong("maker_fee", "needs base and quote"),
            (None, None) if terms.taker_fee_ppm != 0 => wrong("taker_fee", "needs base and quote"),
            (None, None) => Ok(()),
        }
    }
}

fn allocation(text: &str) -> Checked<Allocation> {
    match text {
        "price-time" => Ok(Allocation::PriceTime),
        "pro-rata" => Ok(Allocation::ProRata),
        other => wrong("allocation", format!("{other:?} is none of price-time, pro-rata")),
    }
}

/// Assets of an instrument in balances mode, with the key that names each and its number of decimals.
pub(super) fn assets(terms: &InstrumentTerms) -> impl Iterator<Item = (&'static str, Asset, u8)> {
    let quote_decimals = terms.price_decimals + terms.quantity_decimals;
    let assets = [("base", terms.base, terms.quantity_decimals), ("quote", terms.quote, quote_decimals)];
    assets.into_iter().filter(|(_, asset, _)| !asset.is_blank())
}

fn optional(key: &str, text: Option<&str>, parse: impl Fn(&str) -> Result<u32, String>) -> Checked<u32> {
    text.map_or(Ok(0), |text| parse(text).or_else(|problem| wrong(key, problem)))
}
