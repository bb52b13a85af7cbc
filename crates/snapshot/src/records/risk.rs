//! What the operator has set, and what follows from it.

use ringside_domain::state::{AssetState, BalanceState, ExposureState, LimitsState, PastAssets, PastOwner};
use ringside_domain::{InstrumentId, LoginId, MatchNumber, RiskLimits, Scope, Text};
use rkyv::rend::{i64_le, u16_le, u32_le, u64_le};

use super::is_zero;

stored! {
    /// A login by id, a firm or account by name; what the name does not use is zero.
    ScopeV1: 12 { name: [u8; 8] = 0, kind: u8 = 8, reserved: [u8; 3] = 9, }
    /// A number of 128 bits.
    WideV1: 16 { low: u64_le = 0, high: u64_le = 8, }
    /// Limits of a scope and the state of its bucket.
    LimitsV1: 88 {
        tokens: WideV1 = 0, tokens_at: u64_le = 16, notional_max: u64_le = 24, position_max: u64_le = 32,
        since: u64_le = 40, quantity_max: u32_le = 48, orders_max: u32_le = 52, rate_per_second: u32_le = 56,
        rate_burst: u32_le = 60, fat_finger_bps: u32_le = 64, live_orders: u32_le = 68, scope: ScopeV1 = 72,
        reserved: [u8; 4] = 84,
    }
    /// What a scope has in an instrument.
    ExposureV1: 40 {
        position: i64_le = 0, open_buy: u64_le = 8, open_sell: u64_le = 16, instrument: u32_le = 24,
        scope: ScopeV1 = 28,
    }
    /// An instrument that is forbidden to a scope.
    RestrictionV1: 16 { instrument: u32_le = 0, scope: ScopeV1 = 4, }
    /// A balance.
    BalanceV1: 48 {
        available: WideV1 = 0, reserved_amount: WideV1 = 16, account: [u8; 8] = 32, asset: [u8; 4] = 40,
        reserved: [u8; 4] = 44,
    }
    /// A trade that is broken.
    BustedV1: 8 { match_number: u64_le = 0, }
    /// An asset that terms have named.
    AssetV1: 8 { asset: [u8; 4] = 0, decimals: u16_le = 4, reserved: [u8; 2] = 6, }
    /// Whom a login traded for up to a match.
    PastOwnerV1: 24 { until: u64_le = 0, account: [u8; 8] = 8, login: u32_le = 16, firm: [u8; 4] = 20, }
    /// In what an instrument was paid up to a match.
    PastAssetsV1: 24 {
        until: u64_le = 0, instrument: u32_le = 8, base: [u8; 4] = 12, quote: [u8; 4] = 16, reserved: [u8; 4] = 20,
    }
}

impl ScopeV1 {
    pub(crate) fn of(scope: Scope) -> ScopeV1 {
        let (kind, name) = match scope {
            Scope::Login(login) => (b'L', wide(login.0.to_le_bytes())),
            Scope::Firm(firm) => (b'F', wide(firm.0)),
            Scope::Account(account) => (b'A', account.0),
            Scope::Instrument(instrument) => (b'I', wide(instrument.0.to_le_bytes())),
        };
        ScopeV1 { name, kind, reserved: [0; 3] }
    }

    /// A login, a firm or an account: an instrument's kill switch is the instrument's.
    pub(crate) fn scope(&self) -> Option<Scope> {
        let scope = match self.kind {
            b'L' => Scope::Login(LoginId(u32::from_le_bytes(narrow(self.name)?))),
            b'F' => Scope::Firm(Text(narrow(self.name)?)),
            b'A' => Scope::Account(Text(self.name)),
            _ => return None,
        };
        is_zero(&self.reserved).then_some(scope)
    }
}

fn wide(name: [u8; 4]) -> [u8; 8] {
    let mut wide = [0; 8];
    wide[..4].copy_from_slice(&name);
    wide
}

fn narrow(name: [u8; 8]) -> Option<[u8; 4]> {
    is_zero(&name[4..]).then(|| [name[0], name[1], name[2], name[3]])
}

impl WideV1 {
    fn of(number: u128) -> WideV1 {
        // Both halves as they are.
        WideV1 { low: (number as u64).into(), high: ((number >> 64) as u64).into() }
    }

    fn number(&self) -> u128 {
        u128::from(self.high.to_native()) << 64 | u128::from(self.low.to_native())
    }
}

impl LimitsV1 {
    pub(crate) fn of(state: &LimitsState) -> LimitsV1 {
        let limits = &state.limits;
        LimitsV1 {
            tokens: WideV1::of(state.tokens),
            tokens_at: state.tokens_at.into(),
            since: state.since.into(),
            notional_max: limits.notional_max.into(),
            position_max: limits.position_max.into(),
            quantity_max: limits.quantity_max.into(),
            orders_max: limits.orders_max.into(),
            rate_per_second: limits.rate_per_second.into(),
            rate_burst: limits.rate_burst.into(),
            fat_finger_bps: limits.fat_finger_bps.into(),
            live_orders: state.live_orders.into(),
            scope: ScopeV1::of(state.scope),
            reserved: [0; 4],
        }
    }

    pub(crate) fn state(&self) -> Option<LimitsState> {
        is_zero(&self.reserved).then_some(())?;
        let limits = RiskLimits {
            quantity_max: self.quantity_max.to_native(),
            orders_max: self.orders_max.to_native(),
            notional_max: self.notional_max.to_native(),
            position_max: self.position_max.to_native(),
            rate_per_second: self.rate_per_second.to_native(),
            rate_burst: self.rate_burst.to_native(),
            fat_finger_bps: self.fat_finger_bps.to_native(),
        };
        Some(LimitsState {
            scope: self.scope.scope()?,
            limits,
            live_orders: self.live_orders.to_native(),
            tokens: self.tokens.number(),
            tokens_at: self.tokens_at.to_native(),
            since: self.since.to_native(),
        })
    }
}

impl ExposureV1 {
    pub(crate) fn of(state: &ExposureState) -> ExposureV1 {
        ExposureV1 {
            position: state.position.into(),
            open_buy: state.open_buy.into(),
            open_sell: state.open_sell.into(),
            instrument: state.instrument.0.into(),
            scope: ScopeV1::of(state.scope),
        }
    }

    pub(crate) fn state(&self) -> Option<ExposureState> {
        Some(ExposureState {
            scope: self.scope.scope()?,
            instrument: InstrumentId(self.instrument.to_native()),
            position: self.position.to_native(),
            open_buy: self.open_buy.to_native(),
            open_sell: self.open_sell.to_native(),
        })
    }
}

impl RestrictionV1 {
    pub(crate) fn of((scope, instrument): (Scope, InstrumentId)) -> RestrictionV1 {
        RestrictionV1 { instrument: instrument.0.into(), scope: ScopeV1::of(scope) }
    }

    pub(crate) fn restriction(&self) -> Option<(Scope, InstrumentId)> {
        Some((self.scope.scope()?, InstrumentId(self.instrument.to_native())))
    }
}

impl BalanceV1 {
    pub(crate) fn of(state: &BalanceState) -> BalanceV1 {
        BalanceV1 {
            available: WideV1::of(state.available.cast_unsigned()),
            reserved_amount: WideV1::of(state.reserved.cast_unsigned()),
            account: state.account.0,
            asset: state.asset.0,
            reserved: [0; 4],
        }
    }

    pub(crate) fn state(&self) -> Option<BalanceState> {
        is_zero(&self.reserved).then_some(BalanceState {
            account: Text(self.account),
            asset: Text(self.asset),
            available: self.available.number().cast_signed(),
            reserved: self.reserved_amount.number().cast_signed(),
        })
    }
}

impl BustedV1 {
    pub(crate) fn of(match_number: MatchNumber) -> BustedV1 {
        BustedV1 { match_number: match_number.into() }
    }

    pub(crate) fn match_number(&self) -> MatchNumber {
        self.match_number.to_native()
    }
}

impl AssetV1 {
    pub(crate) fn of(state: &AssetState) -> AssetV1 {
        AssetV1 { asset: state.asset.0, decimals: state.decimals.into(), reserved: [0; 2] }
    }

    pub(crate) fn state(&self) -> Option<AssetState> {
        let state = AssetState { asset: Text(self.asset), decimals: self.decimals.to_native() };
        is_zero(&self.reserved).then_some(state)
    }
}

impl PastOwnerV1 {
    pub(crate) fn of(past: &PastOwner) -> PastOwnerV1 {
        PastOwnerV1 {
            until: past.until.into(),
            account: past.account.0,
            login: past.login.0.into(),
            firm: past.firm.0,
        }
    }

    pub(crate) fn past(&self) -> PastOwner {
        PastOwner {
            login: LoginId(self.login.to_native()),
            until: self.until.to_native(),
            account: Text(self.account),
            firm: Text(self.firm),
        }
    }
}

impl PastAssetsV1 {
    pub(crate) fn of(past: &PastAssets) -> PastAssetsV1 {
        PastAssetsV1 {
            until: past.until.into(),
            instrument: past.instrument.0.into(),
            base: past.base.0,
            quote: past.quote.0,
            reserved: [0; 4],
        }
    }

    pub(crate) fn past(&self) -> Option<PastAssets> {
        is_zero(&self.reserved).then_some(PastAssets {
            instrument: InstrumentId(self.instrument.to_native()),
            until: self.until.to_native(),
            base: Text(self.base),
            quote: Text(self.quote),
        })
    }
}
