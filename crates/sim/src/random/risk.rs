//! Random limits, restrictions, kill switches and cancels by the operator.

use ringside_domain::{
    Action, CancelOrders, InstrumentId, Kill, LoginId, Restrict, RiskLimits, Scope, SetLimits,
};

use super::RandomFlow;
use super::letters::LOWEST;

impl RandomFlow {
    fn any_scope(&mut self) -> Scope {
        match self.prng.below(12) {
            0..=4 => Scope::Login(self.any_login()),
            5..=7 => Scope::Firm(self.any_firm()),
            _ => Scope::Account(self.any_account()),
        }
    }

    /// Small numbers, so that they bite; half of the time none.
    pub(super) fn any_limits(&mut self) -> SetLimits {
        let scope = match self.prng.below(30) {
            0 => Scope::Instrument(self.any_instrument().instrument),
            1 => Scope::Login(LoginId(99)),
            _ => self.any_scope(),
        };
        let none = self.prng.chance(60);
        let terms = self.any_instrument();
        let lot = terms.lot;
        let mut some = |numbers: &[u64]| {
            if none || self.prng.chance(70) { 0 } else { self.prng.pick(numbers) }
        };
        let limits = RiskLimits {
            quantity_max: some(&[8, 11, 15, 20]) as u32 * lot,
            orders_max: some(&[3, 6, 10, 20]) as u32,
            notional_max: some(&[8, 11, 15]) * u64::from(lot) * LOWEST,
            position_max: some(&[20, 40, 80, 200]) * u64::from(lot),
            rate_per_second: some(&[5, 20, 50, 200]) as u32,
            rate_burst: some(&[1, 3, 10]) as u32,
            fat_finger_bps: (some(&[1, 2, 4, 6]) * u64::from(terms.tick) * 10_000).div_ceil(LOWEST) as u32,
        };
        SetLimits { scope, limits }
    }

    pub(super) fn supervise(&mut self) -> Action {
        match self.prng.below(10) {
            0..=3 => self.kill(),
            4..=6 => self.restrict(),
            _ => self.cancel_orders(),
        }
    }

    fn kill(&mut self) -> Action {
        let scope = match self.prng.below(20) {
            0..=4 => Scope::Instrument(self.any_instrument().instrument),
            5 => Scope::Instrument(InstrumentId(99)),
            6 => Scope::Login(LoginId(99)),
            _ => self.any_scope(),
        };
        self.killed.push(scope);
        Action::Kill(Kill { scope, killed: true })
    }

    /// Before long, because a killed scope does nothing.
    pub(super) fn unkill(&mut self) -> Option<Action> {
        if !self.killed.is_empty() && self.prng.chance(10) {
            let index = self.prng.below(self.killed.len() as u64) as usize;
            let scope = self.killed.swap_remove(index);
            return Some(Action::Kill(Kill { scope, killed: false }));
        }
        if !self.restricted.is_empty() && self.prng.chance(1) {
            let index = self.prng.below(self.restricted.len() as u64) as usize;
            let (scope, instrument) = self.restricted.swap_remove(index);
            return Some(Action::Restrict(Restrict { scope, instrument, restricted: false }));
        }
        None
    }

    fn restrict(&mut self) -> Action {
        let instrument = self.any_instrument().instrument;
        let (scope, instrument) = match self.prng.below(20) {
            0 => (Scope::Instrument(instrument), instrument),
            1 => (self.any_scope(), InstrumentId(99)),
            _ => (self.any_scope(), instrument),
        };
        self.restricted.push((scope, instrument));
        Action::Restrict(Restrict { scope, instrument, restricted: true })
    }

    fn cancel_orders(&mut self) -> Action {
        let instrument = self.any_instrument().instrument;
        let scope = if self.prng.chance(30) { Scope::Instrument(instrument) } else { self.any_scope() };
        let filter = self.any_instrument().instrument;
        Action::CancelOrders(CancelOrders {
            scope,
            instrument: if self.prng.chance(60) { InstrumentId(0) } else { filter },
            side: self.prng.pick(b"\0\0BS"),
        })
    }
}
