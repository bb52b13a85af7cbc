//! Random kinds of orders: mostly one kind at a time, done right; sometimes several that may not go together.

use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{InstrumentTerms, MarketState, OrderOptions};

use super::RandomFlow;

/// A kind of order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Iceberg,
    Peg,
    Stop,
    Discretion,
    FillOrKill,
    Minimum,
    MarketToLimit,
    Cross,
}

/// An order that is being made up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    pub(super) buy: bool,
    pub(super) quantity: u32,
    pub(super) price: u64,
    pub(super) time_in_force: u8,
    pub(super) display: u8,
    pub(super) cross_type: u8,
    pub(super) options: OrderOptions,
}

impl RandomFlow {
    fn kinds(&self) -> Vec<Kind> {
        let on = self.shape.features;
        let kinds = [
            (on.icebergs, Kind::Iceberg),
            (on.pegs, Kind::Peg),
            (on.stops, Kind::Stop),
            (on.discretion, Kind::Discretion),
            (on.all_or_nothing, Kind::FillOrKill),
            (on.all_or_nothing, Kind::Minimum),
            (on.market_to_limit, Kind::MarketToLimit),
            (on.auctions, Kind::Cross),
        ];
        kinds.into_iter().filter(|(on, _)| *on).map(|(_, kind)| kind).collect()
    }

    /// Makes an order one of the special kinds, or leaves it plain.
    pub(super) fn specialize(&mut self, terms: &InstrumentTerms, draft: &mut Draft) {
        let kinds = self.kinds();
        if !kinds.is_empty() && self.prng.chance(55) {
            let kind = self.prng.pick(&kinds);
            self.make(kind, terms, draft);
            if self.prng.chance(12) {
                let kind = self.prng.pick(&kinds);
                self.make(kind, terms, draft);
            }
        }
        let fits = draft.options.max_floor == 0 || self.prng.chance(10);
        if fits && self.shape.features.hidden && self.prng.chance(15) {
            draft.display = b'N';
        }
        if self.shape.features.timed && self.prng.chance(20) {
            self.make_timed(draft);
        }
    }

    fn make(&mut self, kind: Kind, terms: &InstrumentTerms, draft: &mut Draft) {
        match kind {
            Kind::Iceberg => self.make_iceberg(terms, draft),
            Kind::Peg => self.make_peg(terms, draft),
            Kind::Stop => self.make_stop(terms, draft),
            Kind::Discretion => self.make_discretionary(terms, draft),
            Kind::FillOrKill => {
                draft.options.execution = b'F';
                draft.price = self.crossing(terms, draft.buy);
                draft.quantity = terms.lot.saturating_mul(1 + self.prng.below(30) as u32);
            }
            Kind::Minimum => {
                draft.options.min_quantity =
                    1 + self.prng.below(u64::from(draft.quantity.min(400)) + 1) as u32;
                draft.time_in_force = self.prng.pick(b"033");
                draft.price = self.crossing(terms, draft.buy);
            }
            Kind::MarketToLimit => {
                draft.options.execution = b'M';
                if self.prng.chance(95) {
                    draft.price = PRICE_MARKET;
                }
            }
            Kind::Cross => {
                draft.cross_type = self.cross_type(terms);
                if self.prng.chance(30) {
                    draft.price = PRICE_MARKET;
                }
            }
        }
    }

    /// Mostly one that is taken now.
    fn cross_type(&mut self, terms: &InstrumentTerms) -> u8 {
        let state = self.state_of(terms.instrument).filter(|_| self.prng.chance(90));
        match state.map(|state| (state.state, state.auction)) {
            Some((MarketState::PreOpen, _)) => self.prng.pick(b"OOC"),
            Some((MarketState::Auction, kind)) => self.prng.pick(&[kind as u8, kind as u8, b'C']),
            Some(_) => b'C',
            None => self.prng.pick(b"OCH"),
        }
    }

    fn make_iceberg(&mut self, terms: &InstrumentTerms, draft: &mut Draft) {
        let lots = 1 + self.prng.below(4) as u32;
        draft.quantity = terms.lot.saturating_mul(1 + self.prng.below(25) as u32);
        draft.options.max_floor = lots * terms.lot + u32::from(self.prng.below(60) == 0);
        if self.prng.chance(30) {
            let too_many = u64::from(self.prng.chance(5));
            let reserve = self.prng.below(u64::from(lots) + too_many);
            draft.options.random_reserves = reserve as u32 * terms.lot;
        }
    }

    fn make_peg(&mut self, terms: &InstrumentTerms, draft: &mut Draft) {
        draft.options.price_type = self.prng.pick(b"RPM");
        let steps = self.prng.pick(&[0, 0, 0, 1, -1, 2, -2, 4, -4]);
        draft.options.peg_offset = steps * terms.tick as i32 + i32::from(self.prng.below(100) == 0);
        draft.time_in_force = b'0';
        if self.prng.chance(50) {
            draft.price = PRICE_MARKET;
        }
    }

    fn make_stop(&mut self, terms: &InstrumentTerms, draft: &mut Draft) {
        draft.options.trigger_price = match self.prng.below(60) {
            0 => u32::MAX,
            1 => 1,
            _ => self.level(terms, 0, super::letters::SPAN) as u32,
        };
        if self.prng.chance(40) {
            draft.price = PRICE_MARKET;
        }
    }

    fn make_discretionary(&mut self, terms: &InstrumentTerms, draft: &mut Draft) {
        let steps = self.prng.below(6) * u64::from(terms.tick);
        let worse = self.prng.below(40) == 0;
        let price = if draft.buy != worse {
            draft.price.saturating_add(steps)
        } else {
            draft.price.saturating_sub(steps)
        };
        draft.options.discretion_price =
            super::letters::on_tick(terms, price).min(u64::from(u32::MAX)) as u32;
    }

    fn make_timed(&mut self, draft: &mut Draft) {
        match self.prng.below(10) {
            0..=3 => {
                draft.time_in_force = b'6';
                draft.options.expire_seconds = self.prng.pick(&[1, 1, 1, 2, 3, 86_399, 86_400, 0]);
            }
            4..=5 => draft.options.expire_at = 0,
            _ => draft.options.expire_at = self.soon(),
        }
    }
}
