//! Bytes → commands of the venue.

use ringside_domain::*;

use super::bytes::{ACCOUNTS, ASSETS, Bytes, FIRMS, LABELS, SYMBOLS};

impl Bytes<'_> {
    fn instrument_terms(&mut self, instrument: InstrumentId) -> InstrumentTerms {
        let range = |bytes: &mut Self| TickRange { from: bytes.rare(Self::number), tick: bytes.number() };
        InstrumentTerms {
            instrument,
            symbol: self.text(&SYMBOLS),
            tick: self.number() % 8,
            lot: self.number() % 8,
            price_decimals: self.byte() % 10,
            quantity_decimals: self.byte() % 10,
            allocation: Allocation::from_letter(b"FP"[usize::from(self.byte() % 2)]).expect("a letter"),
            tick_ranges: [range(self), range(self), range(self)],
            collar_low: self.rare(Self::number),
            collar_high: self.rare(Self::number),
            band_bps: self.rare(Self::number),
            volatility_call_ms: self.rare(Self::number),
            random_end_ms: self.rare(Self::number),
            reference_price: self.rare(Self::number),
            base: self.text(&ASSETS),
            quote: self.text(&ASSETS),
            maker_fee_ppm: self.rare(Self::number),
            taker_fee_ppm: self.rare(Self::number),
        }
    }

    fn login_terms(&mut self, login: LoginId) -> LoginTerms {
        LoginTerms {
            login,
            username: self.text(&["U1", "U2", "U3"]),
            firm: self.text(&FIRMS),
            account: self.text(&ACCOUNTS),
            cancel_on_disconnect: self.byte() > 128,
            disconnect_grace_ms: if self.byte() > 128 { self.number() } else { 0 },
            self_trade_prevention: SelfTradePrevention::from_letter(b" NOBD"[usize::from(self.byte() % 5)])
                .expect("a letter"),
        }
    }

    fn scope(&mut self) -> Scope {
        match self.byte() % 4 {
            0 => Scope::Login(self.login()),
            1 => Scope::Firm(self.text(&FIRMS)),
            2 => Scope::Account(self.text(&ACCOUNTS)),
            _ => Scope::Instrument(self.instrument()),
        }
    }

    fn set_state(&mut self) -> SetState {
        SetState {
            instrument: self.instrument(),
            state: MarketState::from_letter(b"PATTHXC"[usize::from(self.byte() % 7)]).expect("a letter"),
            auction: AuctionKind::from_letter(b"OCH"[usize::from(self.byte() % 3)]).expect("a letter"),
            call_ns: self.rare(Self::number).into(),
            random_ns: if self.byte() > 200 { self.long() } else { 0 },
            reason: self.text(&["", "NEWS"]),
        }
    }

    fn risk_limits(&mut self) -> RiskLimits {
        RiskLimits {
            quantity_max: self.rare(Self::number),
            orders_max: self.rare(Self::number),
            notional_max: self.rare(Self::number).into(),
            position_max: if self.byte() > 200 { self.long() } else { 0 },
            rate_per_second: self.rare(Self::number),
            rate_burst: self.rare(Self::number),
            fat_finger_bps: self.rare(Self::number),
        }
    }

    fn bust_side(&mut self) -> BustSide {
        BustSide {
            login: self.login(),
            user_ref_num: self.number(),
            user_ref_idx: self.byte(),
            client_order_id: self.text(&LABELS),
            fee: self.long(),
        }
    }

    fn transfer(&mut self) -> Transfer {
        Transfer { account: self.text(&ACCOUNTS), asset: self.text(&ASSETS), amount: self.long() }
    }

    pub(super) fn venue_action(&mut self) -> Action {
        match self.byte() % 22 {
            0 => Action::StartSession(self.number()),
            1 => {
                let id = self.instrument();
                Action::AddInstrument(self.instrument_terms(id))
            }
            2 => {
                let id = self.instrument();
                Action::ChangeInstrument(self.instrument_terms(id))
            }
            3 => Action::RemoveInstrument(self.instrument()),
            4 => {
                let id = self.login();
                Action::AddLogin(self.login_terms(id))
            }
            5 => {
                let id = self.login();
                Action::ChangeLogin(self.login_terms(id))
            }
            6 => Action::RemoveLogin(self.login()),
            7 => Action::StorageFull(self.byte() > 200),
            8 if self.byte() > 128 => Action::SetSeed(self.long()),
            8 if self.byte() > 200 => {
                Action::SetRules(if self.byte() > 128 { Rules::FIRST } else { Rules::NEWEST })
            }
            8 => Action::SetKey([self.long(), self.long()]),
            9..=11 => Action::SetState(self.set_state()),
            12 => Action::Uncross(self.instrument()),
            13 => Action::EndOfDay,
            14 => Action::SetLimits(SetLimits { scope: self.scope(), limits: self.risk_limits() }),
            15 => Action::Restrict(Restrict {
                scope: self.scope(),
                instrument: self.instrument(),
                restricted: self.byte() > 128,
            }),
            16 => Action::Kill(Kill { scope: self.scope(), killed: self.byte() > 200 }),
            17 => Action::CancelOrders(CancelOrders {
                scope: self.scope(),
                instrument: self.instrument(),
                side: self.rare_letter(b"BS"),
            }),
            18 => Action::Deposit(self.transfer()),
            19 => Action::Withdraw(self.transfer()),
            20 => Action::Bust(Bust {
                match_number: self.long(),
                instrument: self.instrument(),
                price: self.number(),
                quantity: self.number(),
                reason: self.letter(b"ECSX"),
                buyer: self.bust_side(),
                seller: self.bust_side(),
            }),
            _ => Action::Tick,
        }
    }
}
