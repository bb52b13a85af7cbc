//! Counters, instruments, logins, channels, streams.

use ringside_domain::state::{LoginState, VenueState};
use ringside_domain::{
    Allocation, AuctionKind, InstrumentId, InstrumentTerms, LoginId, LoginTerms, MarketState, Rules,
    SelfTradePrevention, TICK_RANGES, Text, TickRange,
};
use ringside_engine::image::{ChannelImage, InstrumentImage};
use rkyv::rend::{u32_le, u64_le};

use super::{StreamImage, flag, is_zero};

stored! {
    /// Counters.
    VenueV1: 64 {
        trades: u64_le = 0, volume: u64_le = 8, order_ref: u64_le = 16, time_ns: u64_le = 24, seed: u64_le = 32,
        key_low: u64_le = 40, key_high: u64_le = 48, session: u32_le = 56, storage_full: u8 = 60,
        reserved: [u8; 3] = 61,
    }
    /// An instrument.
    InstrumentV1: 168 {
        symbol: [u8; 8] = 0, call_ends_ns: u64_le = 8, told_price: u64_le = 16, told_quantity: u64_le = 24,
        told_surplus: u64_le = 32, top_buy: u64_le = 40, top_sell: u64_le = 48, instrument: u32_le = 56,
        tick: u32_le = 60, lot: u32_le = 64, collar_low: u32_le = 68, collar_high: u32_le = 72,
        band_bps: u32_le = 76, volatility_call_ms: u32_le = 80, random_end_ms: u32_le = 84,
        reference_price: u32_le = 88, maker_fee_ppm: u32_le = 92, taker_fee_ppm: u32_le = 96,
        tick_ranges: [[u32_le; 2]; 3] = 100, base: [u8; 4] = 124, quote: [u8; 4] = 128, last: u32_le = 132,
        print_low: u32_le = 136, print_high: u32_le = 140, peg_bid: u32_le = 144, peg_ask: u32_le = 148,
        price_decimals: u8 = 152, quantity_decimals: u8 = 153, allocation: u8 = 154, listed: u8 = 155,
        killed: u8 = 156, state: u8 = 157, auction: u8 = 158, band_cleared: u8 = 159, told_surplus_buy: u8 = 160,
        peg_added: u8 = 161, reserved: [u8; 6] = 162,
    }
    /// A login.
    LoginV1: 32 {
        account: [u8; 8] = 0, login: u32_le = 8, firm: [u8; 4] = 12, username: [u8; 6] = 16,
        cancel_on_disconnect: u8 = 22, self_trade_prevention: u8 = 23, listed: u8 = 24, connected: u8 = 25,
        disabled: u8 = 26, reserved: [u8; 5] = 27,
    }
    /// A login, format 2.
    LoginV2: 48 {
        login: LoginV1 = 0, grace_ends_ns: u64_le = 32, disconnect_grace_ms: u32_le = 40, reserved: [u8; 4] = 44,
    }
    /// A flow of UserRefNums.
    ChannelV1: 16 {
        login: u32_le = 0, last: u32_le = 4, oldest: u32_le = 8, user_ref_idx: u8 = 12, reserved: [u8; 3] = 13,
    }
    /// A sequenced stream.
    StreamV1: 24 { messages: u64_le = 0, bytes: u64_le = 8, crc: u32_le = 16, login: u32_le = 20, }
}

const _: () = assert!(TICK_RANGES == 3, "as many as a stored instrument has");

impl VenueV1 {
    pub(crate) fn of(state: &VenueState) -> VenueV1 {
        VenueV1 {
            trades: state.trades.into(),
            volume: state.volume.into(),
            order_ref: state.order_ref.into(),
            time_ns: state.time_ns.into(),
            seed: state.seed.into(),
            key_low: state.key[0].into(),
            key_high: state.key[1].into(),
            session: state.session.into(),
            storage_full: state.storage_full.into(),
            reserved: [0; 3],
        }
    }

    /// The rules are in the header.
    pub(crate) fn state(&self, rules: Rules) -> Option<VenueState> {
        is_zero(&self.reserved).then_some(())?;
        Some(VenueState {
            trades: self.trades.to_native(),
            volume: self.volume.to_native(),
            order_ref: self.order_ref.to_native(),
            session: self.session.to_native(),
            time_ns: self.time_ns.to_native(),
            seed: self.seed.to_native(),
            key: [self.key_low.to_native(), self.key_high.to_native()],
            storage_full: flag(self.storage_full)?,
            rules,
        })
    }
}

impl InstrumentV1 {
    pub(crate) fn of(image: &InstrumentImage) -> InstrumentV1 {
        let terms = &image.terms;
        InstrumentV1 {
            symbol: terms.symbol.0,
            call_ends_ns: image.call_ends_ns.into(),
            told_price: image.told_price.into(),
            told_quantity: image.told_quantity.into(),
            told_surplus: image.told_surplus.into(),
            top_buy: image.top_buy.into(),
            top_sell: image.top_sell.into(),
            instrument: terms.instrument.0.into(),
            tick: terms.tick.into(),
            lot: terms.lot.into(),
            collar_low: terms.collar_low.into(),
            collar_high: terms.collar_high.into(),
            band_bps: terms.band_bps.into(),
            volatility_call_ms: terms.volatility_call_ms.into(),
            random_end_ms: terms.random_end_ms.into(),
            reference_price: terms.reference_price.into(),
            maker_fee_ppm: terms.maker_fee_ppm.into(),
            taker_fee_ppm: terms.taker_fee_ppm.into(),
            tick_ranges: terms.tick_ranges.map(|range| [range.from.into(), range.tick.into()]),
            base: terms.base.0,
            quote: terms.quote.0,
            last: image.last.into(),
            print_low: image.print_low.into(),
            print_high: image.print_high.into(),
            peg_bid: image.peg_bid.into(),
            peg_ask: image.peg_ask.into(),
            price_decimals: terms.price_decimals,
            quantity_decimals: terms.quantity_decimals,
            allocation: terms.allocation as u8,
            listed: image.listed.into(),
            killed: image.killed.into(),
            state: image.state as u8,
            auction: image.auction as u8,
            band_cleared: image.band_cleared.into(),
            told_surplus_buy: image.told_surplus_buy.into(),
            peg_added: image.peg_added.into(),
            reserved: [0; 6],
        }
    }

    fn terms(&self) -> Option<InstrumentTerms> {
        let range = |[from, tick]: [u32_le; 2]| TickRange { from: from.to_native(), tick: tick.to_native() };
        Some(InstrumentTerms {
            instrument: InstrumentId(self.instrument.to_native()),
            symbol: Text(self.symbol),
            tick: self.tick.to_native(),
            lot: self.lot.to_native(),
            price_decimals: self.price_decimals,
            quantity_decimals: self.quantity_decimals,
            allocation: Allocation::from_letter(self.allocation)?,
            tick_ranges: self.tick_ranges.map(range),
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
        })
    }

    pub(crate) fn image(&self) -> Option<InstrumentImage> {
        is_zero(&self.reserved).then_some(())?;
        Some(InstrumentImage {
            terms: self.terms()?,
            listed: flag(self.listed)?,
            killed: flag(self.killed)?,
            state: MarketState::from_letter(self.state)?,
            auction: AuctionKind::from_letter(self.auction)?,
            call_ends_ns: self.call_ends_ns.to_native(),
            last: self.last.to_native(),
            band_cleared: flag(self.band_cleared)?,
            print_low: self.print_low.to_native(),
            print_high: self.print_high.to_native(),
            told_price: self.told_price.to_native(),
            told_quantity: self.told_quantity.to_native(),
            told_surplus: self.told_surplus.to_native(),
            told_surplus_buy: flag(self.told_surplus_buy)?,
            top_buy: self.top_buy.to_native(),
            top_sell: self.top_sell.to_native(),
            peg_bid: self.peg_bid.to_native(),
            peg_ask: self.peg_ask.to_native(),
            peg_added: flag(self.peg_added)?,
        })
    }
}

impl LoginV1 {
    pub(crate) fn of(state: &LoginState) -> LoginV1 {
        LoginV1 {
            account: state.terms.account.0,
            login: state.terms.login.0.into(),
            firm: state.terms.firm.0,
            username: state.terms.username.0,
            cancel_on_disconnect: state.terms.cancel_on_disconnect.into(),
            self_trade_prevention: state.terms.self_trade_prevention as u8,
            listed: state.listed.into(),
            connected: state.connected.into(),
            disabled: state.disabled.into(),
            reserved: [0; 5],
        }
    }

    pub(crate) fn state(&self) -> Option<LoginState> {
        is_zero(&self.reserved).then_some(())?;
        let terms = LoginTerms {
            login: LoginId(self.login.to_native()),
            username: Text(self.username),
            firm: Text(self.firm),
            account: Text(self.account),
            cancel_on_disconnect: flag(self.cancel_on_disconnect)?,
            disconnect_grace_ms: 0,
            self_trade_prevention: SelfTradePrevention::from_letter(self.self_trade_prevention)?,
        };
        Some(LoginState {
            terms,
            listed: flag(self.listed)?,
            connected: flag(self.connected)?,
            disabled: flag(self.disabled)?,
            grace_ends_ns: 0,
        })
    }
}

impl LoginV2 {
    pub(crate) fn of(state: &LoginState) -> LoginV2 {
        LoginV2 {
            login: LoginV1::of(state),
            grace_ends_ns: state.grace_ends_ns.into(),
            disconnect_grace_ms: state.terms.disconnect_grace_ms.into(),
            reserved: [0; 4],
        }
    }

    pub(crate) fn state(&self) -> Option<LoginState> {
        is_zero(&self.reserved).then_some(())?;
        let old = self.login.state()?;
        let terms = LoginTerms { disconnect_grace_ms: self.disconnect_grace_ms.to_native(), ..old.terms };
        Some(LoginState { terms, grace_ends_ns: self.grace_ends_ns.to_native(), ..old })
    }
}

impl ChannelV1 {
    pub(crate) fn of(image: &ChannelImage) -> ChannelV1 {
        ChannelV1 {
            login: image.login.0.into(),
            last: image.last.into(),
            oldest: image.oldest.into(),
            user_ref_idx: image.user_ref_idx,
            reserved: [0; 3],
        }
    }

    pub(crate) fn image(&self) -> Option<ChannelImage> {
        is_zero(&self.reserved).then_some(())?;
        Some(ChannelImage {
            login: LoginId(self.login.to_native()),
            user_ref_idx: self.user_ref_idx,
            last: self.last.to_native(),
            oldest: self.oldest.to_native(),
        })
    }
}

impl StreamV1 {
    pub(crate) fn of(login: u32, image: &StreamImage) -> StreamV1 {
        StreamV1 {
            messages: image.messages.into(),
            bytes: image.bytes.into(),
            crc: image.crc.into(),
            login: login.into(),
        }
    }

    /// The stream of the login that comes next.
    pub(crate) fn image(&self, next: u32) -> Option<StreamImage> {
        (self.login.to_native() == next).then_some(())?;
        Some(StreamImage {
            messages: self.messages.to_native(),
            bytes: self.bytes.to_native(),
            crc: self.crc.to_native(),
        })
    }
}
