//! Random actions of the operator.

use ringside_domain::{
    Action, AuctionKind, Bust, BustSide, InstrumentId, MarketState, Reason, Rules, SetState, Transfer,
};

use super::RandomFlow;
use super::config::asset;
use crate::reference::{Trade, TradeSide};

/// What the operator may do.
#[derive(Clone, Copy, Debug)]
enum Duty {
    Time,
    State,
    Limits,
    Supervision,
    Money,
    Bust,
    Day,
    Configuration,
}

impl RandomFlow {
    /// What the operator does now, if anything.
    pub(super) fn operator_action(&mut self) -> Option<Action> {
        if let Some(action) = self.way_back() {
            return Some(action);
        }
        let on = self.shape.features;
        let duties = [
            (true, 4, Duty::Time),
            (on.auctions || on.bands, 15, Duty::State),
            (on.limits, 8, Duty::Limits),
            (on.supervision, 6, Duty::Supervision),
            (on.balances, 25, Duty::Money),
            (on.busts, 6, Duty::Bust),
            (on.days, 2, Duty::Day),
            (on.config_changes, 4, Duty::Configuration),
        ];
        let mut lot = self.prng.below(1_000);
        for (_, weight, duty) in duties.into_iter().filter(|(on, _, _)| *on) {
            if lot < weight {
                return self.do_duty(duty);
            }
            lot -= weight;
        }
        None
    }

    fn do_duty(&mut self, duty: Duty) -> Option<Action> {
        Some(match duty {
            Duty::Time if self.prng.chance(20) => match self.prng.next_u64() {
                seed if seed % 4 == 0 => Action::SetSeed(seed),
                key => Action::SetKey([key, key.rotate_left(17)]),
            },
            Duty::Time if self.prng.chance(5) => Action::SetRules(Rules::NEWEST),
            Duty::Time => Action::Tick,
            Duty::State => self.any_state_change(),
            Duty::Limits => Action::SetLimits(self.any_limits()),
            Duty::Supervision => self.supervise(),
            Duty::Money => self.any_transfer(),
            Duty::Bust => Action::Bust(self.any_bust()?),
            Duty::Day => self.any_day(),
            Duty::Configuration => {
                self.change_configuration();
                self.pending.pop_front()?.action
            }
        })
    }

    /// What was switched off is switched on again before long.
    fn way_back(&mut self) -> Option<Action> {
        if self.storage_full && self.prng.chance(10) {
            self.storage_full = false;
            return Some(Action::StorageFull(false));
        }
        let instrument = self.any_instrument().instrument;
        let state = self.state_of(instrument)?.state;
        let likely = match state {
            MarketState::Continuous => 0,
            MarketState::PreOpen | MarketState::Auction => 3,
            _ => 8,
        };
        if self.prng.chance(likely) {
            return Some(self.reopen(instrument, state));
        }
        self.unkill()
    }

    fn reopen(&mut self, instrument: InstrumentId, state: MarketState) -> Action {
        if state.is_call() && self.prng.chance(50) {
            return Action::Uncross(instrument);
        }
        Action::SetState(self.state_change(instrument, MarketState::Continuous))
    }

    fn any_state_change(&mut self) -> Action {
        let instrument = match self.prng.below(50) {
            0 => InstrumentId(99),
            1 => InstrumentId(0),
            _ => self.any_instrument().instrument,
        };
        if self.prng.chance(15) {
            return Action::Uncross(instrument);
        }
        let state = self.prng.pick(&[
            MarketState::PreOpen,
            MarketState::Auction,
            MarketState::Auction,
            MarketState::Auction,
            MarketState::Continuous,
            MarketState::Halted,
            MarketState::CancelOnly,
            MarketState::Closed,
        ]);
        Action::SetState(self.state_change(instrument, state))
    }

    fn state_change(&mut self, instrument: InstrumentId, state: MarketState) -> SetState {
        let in_call = state.is_call();
        SetState {
            instrument,
            state,
            auction: self.prng.pick(&[AuctionKind::Opening, AuctionKind::Closing, AuctionKind::Volatility]),
            call_ns: if in_call { self.call_length() } else { 0 },
            random_ns: if in_call { self.extension() } else { 0 },
            reason: Reason::new(self.prng.pick(&["", "NEWS", "X"])).expect("Invariant: four letters fit"),
        }
    }

    /// Plenty of money, a few goods; sometimes too much is asked back.
    fn any_transfer(&mut self) -> Action {
        let account = self.any_account();
        let (name, unit) = self.prng.pick(&[
            ("USD", 1_000_000),
            ("USD", 1_000_000),
            ("EUR", 1_000_000),
            ("BTC", 1),
            ("ETH", 1),
        ]);
        let amount = 1 + unit * self.prng.below(300);
        let transfer = Transfer { account, asset: asset(name), amount };
        match self.prng.below(20) {
            0..=2 => Action::Withdraw(transfer),
            3 => Action::Withdraw(Transfer { amount: u64::MAX, ..transfer }),
            4 => Action::Deposit(Transfer { amount: 0, ..transfer }),
            _ => Action::Deposit(transfer),
        }
    }

    /// A late trade, once more, or one that never was.
    fn any_bust(&mut self) -> Option<Bust> {
        let trades = self.reference.trades();
        let last = trades.last()?.match_number;
        let late = trades.len().saturating_sub(1 + self.prng.below(20) as usize);
        let mut bust = bust_of(&trades[late], self.prng.pick(b"ECSX"));
        if self.prng.chance(10) {
            bust.match_number = self.prng.pick(&[0, last + 1, u64::MAX]);
        }
        Some(bust)
    }

    fn any_day(&mut self) -> Action {
        match self.prng.below(10) {
            0..=1 => Action::EndOfDay,
            2..=4 => Action::RollSession,
            5..=7 => Action::StartSession(1 + self.prng.below(1_000) as u32),
            _ => {
                self.storage_full = true;
                Action::StorageFull(true)
            }
        }
    }
}

fn bust_of(trade: &Trade, reason: u8) -> Bust {
    let side = |side: &TradeSide| BustSide {
        login: side.login,
        user_ref_num: side.user_ref_num,
        user_ref_idx: side.user_ref_idx,
        client_order_id: side.client_order_id,
        fee: side.fee,
    };
    Bust {
        match_number: trade.match_number,
        instrument: trade.instrument,
        price: trade.price as u32,
        quantity: trade.quantity,
        reason,
        buyer: side(&trade.buyer),
        seller: side(&trade.seller),
    }
}
