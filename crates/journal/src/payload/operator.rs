//! What the venue's operator asks.

use ringside_domain::{
    Action, AuctionKind, Bust, BustSide, CancelOrders, Command, InstrumentId, Kill, LoginId, MarketState,
    Restrict, RiskLimits, Scope, SetLimits, SetState, StateHash, Text, Transfer,
};
use rkyv::rend::{u32_le, u64_le};

use super::{flag, is_zero, sent};

stored! {
    /// Kind 20.
    SeedV1: 16 { seed: u64_le = 0, login: u32_le = 8, reserved: [u8; 4] = 12, }
    /// Kind 20: the key of a generator instead of the state of one.
    SeedV2: 24 { key_low: u64_le = 0, key_high: u64_le = 8, login: u32_le = 16, reserved: [u8; 4] = 20, }
    /// Kind 21.
    SetStateV1: 32 {
        call_ns: u64_le = 0, random_ns: u64_le = 8, login: u32_le = 16, instrument: u32_le = 20,
        reason: [u8; 4] = 24, state: u8 = 28, auction: u8 = 29, reserved: [u8; 2] = 30,
    }
    /// A login or instrument by id, a firm or account by name; what the name does not use is zero.
    ScopeV1: 12 { name: [u8; 8] = 0, kind: u8 = 8, reserved: [u8; 3] = 9, }
    /// Kind 24.
    SetLimitsV1: 56 {
        notional_max: u64_le = 0, position_max: u64_le = 8, login: u32_le = 16, scope: ScopeV1 = 20,
        quantity_max: u32_le = 32, orders_max: u32_le = 36, rate_per_second: u32_le = 40, rate_burst: u32_le = 44,
        fat_finger_bps: u32_le = 48, reserved: [u8; 4] = 52,
    }
    /// Kind 25.
    RestrictV1: 24 {
        login: u32_le = 0, instrument: u32_le = 4, scope: ScopeV1 = 8, restricted: u8 = 20,
        reserved: [u8; 3] = 21,
    }
    /// Kind 26.
    KillV1: 20 { login: u32_le = 0, scope: ScopeV1 = 4, killed: u8 = 16, reserved: [u8; 3] = 17, }
    /// Kind 27.
    CancelOrdersV1: 24 {
        login: u32_le = 0, instrument: u32_le = 4, scope: ScopeV1 = 8, side: u8 = 20, reserved: [u8; 3] = 21,
    }
    /// Kinds 28 and 29.
    TransferV1: 24 { amount: u64_le = 0, account: [u8; 8] = 8, login: u32_le = 16, asset: [u8; 4] = 20, }
    /// One side of a broken trade.
    BustSideV1: 32 {
        fee: u64_le = 0, login: u32_le = 8, user_ref_num: u32_le = 12, client_order_id: [u8; 14] = 16,
        user_ref_idx: u8 = 30, reserved: u8 = 31,
    }
    /// Kind 30.
    BustV1: 96 {
        match_number: u64_le = 0, login: u32_le = 8, instrument: u32_le = 12, price: u32_le = 16,
        quantity: u32_le = 20, buyer: BustSideV1 = 24, seller: BustSideV1 = 56, reason: u8 = 88,
        reserved: [u8; 7] = 89,
    }
    /// Kind 32.
    StateHashV1: 24 { sequence: u64_le = 0, hash: u64_le = 8, login: u32_le = 16, reserved: [u8; 4] = 20, }
}

impl SeedV1 {
    pub(super) fn new(login: u32, seed: u64) -> SeedV1 {
        SeedV1 { seed: seed.into(), login: login.into(), reserved: [0; 4] }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        is_zero(&self.reserved).then(|| sent(self.login, Action::SetSeed(self.seed.to_native())))
    }
}

impl SeedV2 {
    pub(super) fn new(login: u32, [low, high]: [u64; 2]) -> SeedV2 {
        SeedV2 { key_low: low.into(), key_high: high.into(), login: login.into(), reserved: [0; 4] }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let key = [self.key_low.to_native(), self.key_high.to_native()];
        is_zero(&self.reserved).then(|| sent(self.login, Action::SetKey(key)))
    }
}

impl SetStateV1 {
    pub(super) fn from_domain(login: u32, set: &SetState) -> SetStateV1 {
        SetStateV1 {
            call_ns: set.call_ns.into(),
            random_ns: set.random_ns.into(),
            login: login.into(),
            instrument: set.instrument.0.into(),
            reason: set.reason.0,
            state: set.state as u8,
            auction: set.auction as u8,
            reserved: [0; 2],
        }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let set = SetState {
            instrument: InstrumentId(self.instrument.to_native()),
            state: MarketState::from_letter(self.state)?,
            auction: AuctionKind::from_letter(self.auction)?,
            call_ns: self.call_ns.to_native(),
            random_ns: self.random_ns.to_native(),
            reason: Text(self.reason),
        };
        is_zero(&self.reserved).then(|| sent(self.login, Action::SetState(set)))
    }
}

impl ScopeV1 {
    fn from_domain(scope: Scope) -> ScopeV1 {
        let (kind, name) = match scope {
            Scope::Login(login) => (b'L', wide(login.0.to_le_bytes())),
            Scope::Firm(firm) => (b'F', wide(firm.0)),
            Scope::Account(account) => (b'A', account.0),
            Scope::Instrument(instrument) => (b'I', wide(instrument.0.to_le_bytes())),
        };
        ScopeV1 { name, kind, reserved: [0; 3] }
    }

    fn to_domain(self) -> Option<Scope> {
        let scope = match self.kind {
            b'L' => Scope::Login(LoginId(u32::from_le_bytes(narrow(self.name)?))),
            b'F' => Scope::Firm(Text(narrow(self.name)?)),
            b'A' => Scope::Account(Text(self.name)),
            b'I' => Scope::Instrument(InstrumentId(u32::from_le_bytes(narrow(self.name)?))),
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

impl SetLimitsV1 {
    pub(super) fn from_domain(login: u32, set: &SetLimits) -> SetLimitsV1 {
        let limits = &set.limits;
        SetLimitsV1 {
            notional_max: limits.notional_max.into(),
            position_max: limits.position_max.into(),
            login: login.into(),
            scope: ScopeV1::from_domain(set.scope),
            quantity_max: limits.quantity_max.into(),
            orders_max: limits.orders_max.into(),
            rate_per_second: limits.rate_per_second.into(),
            rate_burst: limits.rate_burst.into(),
            fat_finger_bps: limits.fat_finger_bps.into(),
            reserved: [0; 4],
        }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let limits = RiskLimits {
            quantity_max: self.quantity_max.to_native(),
            orders_max: self.orders_max.to_native(),
            notional_max: self.notional_max.to_native(),
            position_max: self.position_max.to_native(),
            rate_per_second: self.rate_per_second.to_native(),
            rate_burst: self.rate_burst.to_native(),
            fat_finger_bps: self.fat_finger_bps.to_native(),
        };
        let set = SetLimits { scope: self.scope.to_domain()?, limits };
        is_zero(&self.reserved).then(|| sent(self.login, Action::SetLimits(set)))
    }
}

impl RestrictV1 {
    pub(super) fn from_domain(login: u32, restrict: &Restrict) -> RestrictV1 {
        RestrictV1 {
            login: login.into(),
            instrument: restrict.instrument.0.into(),
            scope: ScopeV1::from_domain(restrict.scope),
            restricted: restrict.restricted.into(),
            reserved: [0; 3],
        }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let restrict = Restrict {
            scope: self.scope.to_domain()?,
            instrument: InstrumentId(self.instrument.to_native()),
            restricted: flag(self.restricted)?,
        };
        is_zero(&self.reserved).then(|| sent(self.login, Action::Restrict(restrict)))
    }
}

impl KillV1 {
    pub(super) fn from_domain(login: u32, kill: &Kill) -> KillV1 {
        let scope = ScopeV1::from_domain(kill.scope);
        KillV1 { login: login.into(), scope, killed: kill.killed.into(), reserved: [0; 3] }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let kill = Kill { scope: self.scope.to_domain()?, killed: flag(self.killed)? };
        is_zero(&self.reserved).then(|| sent(self.login, Action::Kill(kill)))
    }
}

impl CancelOrdersV1 {
    pub(super) fn from_domain(login: u32, cancel: &CancelOrders) -> CancelOrdersV1 {
        CancelOrdersV1 {
            login: login.into(),
            instrument: cancel.instrument.0.into(),
            scope: ScopeV1::from_domain(cancel.scope),
            side: cancel.side,
            reserved: [0; 3],
        }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let cancel = CancelOrders {
            scope: self.scope.to_domain()?,
            instrument: InstrumentId(self.instrument.to_native()),
            side: self.side,
        };
        is_zero(&self.reserved).then(|| sent(self.login, Action::CancelOrders(cancel)))
    }
}

impl TransferV1 {
    pub(super) fn from_domain(login: u32, transfer: &Transfer) -> TransferV1 {
        TransferV1 {
            amount: transfer.amount.into(),
            account: transfer.account.0,
            login: login.into(),
            asset: transfer.asset.0,
        }
    }

    pub(super) fn to_domain(self, action: fn(Transfer) -> Action) -> Command {
        let (account, asset) = (Text(self.account), Text(self.asset));
        sent(self.login, action(Transfer { account, asset, amount: self.amount.to_native() }))
    }
}

impl BustSideV1 {
    fn from_domain(side: &BustSide) -> BustSideV1 {
        BustSideV1 {
            fee: side.fee.into(),
            login: side.login.0.into(),
            user_ref_num: side.user_ref_num.into(),
            client_order_id: side.client_order_id.0,
            user_ref_idx: side.user_ref_idx,
            reserved: 0,
        }
    }

    fn to_domain(self) -> Option<BustSide> {
        let side = BustSide {
            login: LoginId(self.login.to_native()),
            user_ref_num: self.user_ref_num.to_native(),
            user_ref_idx: self.user_ref_idx,
            client_order_id: Text(self.client_order_id),
            fee: self.fee.to_native(),
        };
        (self.reserved == 0).then_some(side)
    }
}

impl BustV1 {
    pub(super) fn from_domain(login: u32, bust: &Bust) -> BustV1 {
        BustV1 {
            match_number: bust.match_number.into(),
            login: login.into(),
            instrument: bust.instrument.0.into(),
            price: bust.price.into(),
            quantity: bust.quantity.into(),
            buyer: BustSideV1::from_domain(&bust.buyer),
            seller: BustSideV1::from_domain(&bust.seller),
            reason: bust.reason,
            reserved: [0; 7],
        }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let bust = Bust {
            match_number: self.match_number.to_native(),
            instrument: InstrumentId(self.instrument.to_native()),
            price: self.price.to_native(),
            quantity: self.quantity.to_native(),
            reason: self.reason,
            buyer: self.buyer.to_domain()?,
            seller: self.seller.to_domain()?,
        };
        is_zero(&self.reserved).then(|| sent(self.login, Action::Bust(bust)))
    }
}

impl StateHashV1 {
    pub(super) fn from_domain(login: u32, hash: &StateHash) -> StateHashV1 {
        StateHashV1 {
            sequence: hash.sequence.into(),
            hash: hash.hash.into(),
            login: login.into(),
            reserved: [0; 4],
        }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let hash = StateHash { sequence: self.sequence.to_native(), hash: self.hash.to_native() };
        is_zero(&self.reserved).then(|| sent(self.login, Action::StateHash(hash)))
    }
}
