//! Terms of instruments and logins. As with orders, version 2 is written only for what version 1 cannot say.

use ringside_domain::{
    Action, Allocation, Command, Firm, InstrumentId, InstrumentTerms, LoginId, LoginTerms,
    SelfTradePrevention, Symbol, Text, TickRange, Username,
};
use rkyv::rend::u32_le;

use super::{flag, is_zero, sent};

stored! {
    /// Kinds 12 and 13, plain terms.
    InstrumentTermsV1: 28 {
        login: u32_le = 0, instrument: u32_le = 4, symbol: [u8; 8] = 8, tick: u32_le = 16, lot: u32_le = 20,
        price_decimals: u8 = 24, quantity_decimals: u8 = 25, reserved: [u8; 2] = 26,
    }
    /// Kinds 15 and 16, plain terms.
    LoginTermsV1: 20 {
        login: u32_le = 0, subject: u32_le = 4, username: [u8; 6] = 8, firm: [u8; 4] = 14,
        cancel_on_disconnect: u8 = 18, reserved: u8 = 19,
    }
    /// Kinds 12 and 13, version 2.
    InstrumentTermsV2: 96 {
        terms: InstrumentTermsV1 = 0, collar_low: u32_le = 28, collar_high: u32_le = 32, band_bps: u32_le = 36,
        volatility_call_ms: u32_le = 40, random_end_ms: u32_le = 44, reference_price: u32_le = 48,
        maker_fee_ppm: u32_le = 52, taker_fee_ppm: u32_le = 56, base: [u8; 4] = 60, quote: [u8; 4] = 64,
        tick_ranges: [TickRangeV2; 3] = 68, allocation: u8 = 92, reserved: [u8; 3] = 93,
    }
    /// An entry of `tick_ranges`.
    TickRangeV2: 8 { from: u32_le = 0, tick: u32_le = 4, }
    /// Kinds 15 and 16, version 2.
    LoginTermsV2: 32 {
        terms: LoginTermsV1 = 0, account: [u8; 8] = 20, self_trade_prevention: u8 = 28, reserved: [u8; 3] = 29,
    }
    /// Kinds 15 and 16, version 3.
    LoginTermsV3: 36 { terms: LoginTermsV2 = 0, disconnect_grace_ms: u32_le = 32, }
}

/// The instrument as version 1 can say it.
pub(super) fn plain_instrument(terms: &InstrumentTerms) -> InstrumentTerms {
    InstrumentTerms {
        price_decimals: terms.price_decimals,
        quantity_decimals: terms.quantity_decimals,
        ..InstrumentTerms::plain(terms.instrument, terms.symbol, terms.tick, terms.lot)
    }
}

/// The login as version 1 can say it.
pub(super) fn plain_login(terms: &LoginTerms) -> LoginTerms {
    LoginTerms {
        cancel_on_disconnect: terms.cancel_on_disconnect,
        ..LoginTerms::plain(terms.login, terms.username, terms.firm)
    }
}

impl InstrumentTermsV2 {
    pub(super) fn from_domain(login: u32, terms: &InstrumentTerms) -> InstrumentTermsV2 {
        InstrumentTermsV2 {
            terms: InstrumentTermsV1::from_domain(login, terms),
            collar_low: terms.collar_low.into(),
            collar_high: terms.collar_high.into(),
            band_bps: terms.band_bps.into(),
            volatility_call_ms: terms.volatility_call_ms.into(),
            random_end_ms: terms.random_end_ms.into(),
            reference_price: terms.reference_price.into(),
            maker_fee_ppm: terms.maker_fee_ppm.into(),
            taker_fee_ppm: terms.taker_fee_ppm.into(),
            base: terms.base.0,
            quote: terms.quote.0,
            tick_ranges: terms.tick_ranges.map(TickRangeV2::from_domain),
            allocation: terms.allocation as u8,
            reserved: [0; 3],
        }
    }

    pub(super) fn to_domain(self, action: fn(InstrumentTerms) -> Action) -> Option<Command> {
        let terms = InstrumentTerms {
            allocation: Allocation::from_letter(self.allocation)?,
            tick_ranges: self.tick_ranges.map(TickRangeV2::to_domain),
            collar_low: self.collar_low.to_native(),
            collar_high: self.collar_high.to_native(),
            band_bps: self.band_bps.to_native(),
            volatility_call_ms: self.volatility_call_ms.to_native(),
            random_end_ms: self.random_end_ms.to_native(),
            reference_price: self.reference_price.to_native(),
            base: Text(self.base),
            quote: Text(self.quote),
            maker_fee_ppm: self.maker_fee_ppm.to_native(),
            taker_fee_ppm: self.taker_fee_ppm.to_native(),
            ..self.terms.terms()?
        };
        is_zero(&self.reserved).then(|| sent(self.terms.login, action(terms)))
    }
}

impl TickRangeV2 {
    fn from_domain(range: TickRange) -> TickRangeV2 {
        TickRangeV2 { from: range.from.into(), tick: range.tick.into() }
    }

    fn to_domain(self) -> TickRange {
        TickRange { from: self.from.to_native(), tick: self.tick.to_native() }
    }
}

impl LoginTermsV2 {
    pub(super) fn from_domain(login: u32, terms: &LoginTerms) -> LoginTermsV2 {
        LoginTermsV2 {
            terms: LoginTermsV1::from_domain(login, terms),
            account: terms.account.0,
            self_trade_prevention: terms.self_trade_prevention as u8,
            reserved: [0; 3],
        }
    }

    pub(super) fn to_domain(self, action: fn(LoginTerms) -> Action) -> Option<Command> {
        Some(sent(self.terms.login, action(self.terms()?)))
    }

    fn terms(self) -> Option<LoginTerms> {
        let terms = LoginTerms {
            account: Text(self.account),
            self_trade_prevention: SelfTradePrevention::from_letter(self.self_trade_prevention)?,
            ..self.terms.terms()?
        };
        is_zero(&self.reserved).then_some(terms)
    }
}

impl LoginTermsV3 {
    pub(super) fn from_domain(login: u32, terms: &LoginTerms) -> LoginTermsV3 {
        let disconnect_grace_ms = terms.disconnect_grace_ms.into();
        LoginTermsV3 { terms: LoginTermsV2::from_domain(login, terms), disconnect_grace_ms }
    }

    pub(super) fn to_domain(self, action: fn(LoginTerms) -> Action) -> Option<Command> {
        let disconnect_grace_ms = self.disconnect_grace_ms.to_native();
        let terms = LoginTerms { disconnect_grace_ms, ..self.terms.terms()? };
        Some(sent(self.terms.terms.login, action(terms)))
    }
}

impl InstrumentTermsV1 {
    pub(super) fn from_domain(login: u32, terms: &InstrumentTerms) -> InstrumentTermsV1 {
        InstrumentTermsV1 {
            login: login.into(),
            instrument: terms.instrument.0.into(),
            symbol: terms.symbol.0,
            tick: terms.tick.into(),
            lot: terms.lot.into(),
            price_decimals: terms.price_decimals,
            quantity_decimals: terms.quantity_decimals,
            reserved: [0; 2],
        }
    }

    pub(super) fn to_domain(self, action: fn(InstrumentTerms) -> Action) -> Option<Command> {
        self.terms().map(|terms| sent(self.login, action(terms)))
    }

    fn terms(self) -> Option<InstrumentTerms> {
        let terms = InstrumentTerms {
            instrument: InstrumentId(self.instrument.to_native()),
            symbol: Text(self.symbol),
            tick: self.tick.to_native(),
            lot: self.lot.to_native(),
            price_decimals: self.price_decimals,
            quantity_decimals: self.quantity_decimals,
            ..InstrumentTerms::plain(InstrumentId(0), Symbol::BLANK, 1, 1)
        };
        is_zero(&self.reserved).then_some(terms)
    }
}

impl LoginTermsV1 {
    pub(super) fn from_domain(login: u32, terms: &LoginTerms) -> LoginTermsV1 {
        LoginTermsV1 {
            login: login.into(),
            subject: terms.login.0.into(),
            username: terms.username.0,
            firm: terms.firm.0,
            cancel_on_disconnect: terms.cancel_on_disconnect.into(),
            reserved: 0,
        }
    }

    pub(super) fn to_domain(self, action: fn(LoginTerms) -> Action) -> Option<Command> {
        self.terms().map(|terms| sent(self.login, action(terms)))
    }

    fn terms(self) -> Option<LoginTerms> {
        let terms = LoginTerms {
            login: LoginId(self.subject.to_native()),
            username: Text(self.username),
            firm: Text(self.firm),
            cancel_on_disconnect: flag(self.cancel_on_disconnect)?,
            ..LoginTerms::plain(LoginId(0), Username::BLANK, Firm::BLANK)
        };
        (self.reserved == 0).then_some(terms)
    }
}
