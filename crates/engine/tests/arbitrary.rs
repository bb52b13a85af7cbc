//! Any bytes at all, read as commands: the engine never panics and stays consistent.
//!
//! Letters are any byte, numbers any number, ids mostly ones that exist. What the answers are is not looked at here.

use proptest::prelude::*;
use ringside_domain::*;
use ringside_engine::{Engine, Limits};

/// Reads values off a list of bytes, zeros when it ends; and the last UserRefNum it gave.
struct Bytes<'a>(&'a [u8], UserRefNum);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// A letter of the list mostly, else any.
    fn letter(&mut self, good: &[u8]) -> u8 {
        match self.byte() {
            escape @ 250.. => self.byte() ^ escape,
            index => good[usize::from(index) % good.len()],
        }
    }

    /// Small mostly, else anything; the extremes are never far.
    fn long(&mut self) -> u64 {
        match self.byte() {
            small @ 0..=199 => small.into(),
            200..=219 => u64::from(u16::from_le_bytes(self.array())),
            220..=229 => u64::from(u32::from_le_bytes(self.array())),
            230..=239 => u64::from_le_bytes(self.array()),
            240..=244 => u64::MAX - u64::from(self.byte()),
            _ => limits::PRICE_MARKET.wrapping_add(u64::from(self.byte())).wrapping_sub(2),
        }
    }

    fn number(&mut self) -> u32 {
        self.long() as u32
    }

    /// Mostly the next one.
    fn fresh(&mut self) -> UserRefNum {
        if self.byte() > 240 {
            return self.number();
        }
        self.1 = self.1.saturating_add(1);
        self.1
    }

    /// Mostly one of the last.
    fn recent(&mut self) -> UserRefNum {
        match self.byte() {
            241.. => self.number(),
            back => self.1.saturating_sub(u32::from(back % 16)),
        }
    }

    fn text<const N: usize>(&mut self, good: &[&str]) -> Text<N> {
        match self.byte() {
            255 => Text(self.array()),
            index => Text::new(good[usize::from(index) % good.len()]).expect("short"),
        }
    }

    fn login(&mut self) -> LoginId {
        LoginId(u32::from(self.byte() % 5))
    }

    fn instrument(&mut self) -> InstrumentId {
        InstrumentId(u32::from(self.byte() % 5))
    }

    fn time(&mut self) -> TimeNs {
        match self.byte() {
            0..=99 => NO_EXPIRE_AT,
            100..=119 => 0,
            _ => self.long().saturating_mul(1_000_000),
        }
    }

    /// Something rare: 0 mostly.
    fn rare(&mut self, value: impl FnOnce(&mut Self) -> u32) -> u32 {
        if self.byte() < 200 { 0 } else { value(self) }
    }

    fn rare_letter(&mut self, good: &[u8]) -> u8 {
        if self.byte() < 200 { 0 } else { self.letter(good) }
    }
}

const SYMBOLS: [&str; 4] = ["X", "Y", "NEW", ""];
const FIRMS: [&str; 3] = ["", "FRMA", "FRMB"];
const ACCOUNTS: [&str; 4] = ["", "FUND", "U1", "U2"];
const ASSETS: [&str; 4] = ["", "BTC", "USD", "EUR"];
const LABELS: [&str; 2] = ["", "LABEL"];

impl Bytes<'_> {
    fn options(&mut self) -> OrderOptions {
        OrderOptions {
            user_ref_idx: self.rare(|b| b.byte().into()) as u8,
            refused_tag: self.rare(|b| b.rare(Self::number)) as u8,
            customer_type: self.rare_letter(b"RN "),
            post_only: self.rare_letter(b"PN"),
            shares_located: self.rare_letter(b"YN"),
            side: self.rare_letter(b"BSTE"),
            group_id: self.rare(Self::number) as u16,
            firm: self.text(&FIRMS),
            locate_broker: self.text(&FIRMS),
            min_quantity: self.rare(Self::number),
            max_floor: self.rare(Self::number),
            random_reserves: self.rare(Self::number),
            price_type: self.rare_letter(b"LPMR"),
            peg_offset: self.rare(Self::number).cast_signed(),
            discretion_price: self.rare(Self::number),
            expire_seconds: self.rare(Self::number),
            expire_at: self.time(),
            trigger_price: self.rare(Self::number),
            execution: self.rare_letter(b"FM"),
        }
    }

    fn enter(&mut self) -> Enter {
        Enter {
            user_ref_num: self.fresh(),
            quantity: self.number(),
            price: self.long(),
            symbol: self.text(&SYMBOLS),
            client_order_id: self.text(&LABELS),
            side: self.letter(b"BSTE"),
            time_in_force: self.letter(b"00035E6"),
            display: self.letter(b"YYYAN"),
            capacity: self.letter(b"APRO"),
            intermarket_sweep: self.letter(b"YN"),
            cross_type: self.letter(b"NNNNNNOCH"),
            options: self.options(),
        }
    }

    fn replace(&mut self) -> Replace {
        Replace {
            original: self.recent(),
            user_ref_num: self.fresh(),
            quantity: self.number(),
            price: self.long(),
            client_order_id: self.text(&LABELS),
            time_in_force: self.letter(b"000356"),
            display: self.letter(b"YYYAN"),
            intermarket_sweep: self.letter(b"YN"),
            options: self.options(),
        }
    }

    fn client_action(&mut self) -> Action {
        match self.byte() % 16 {
            0..=6 => Action::Enter(self.enter()),
            7..=8 => Action::Replace(self.replace()),
            9 => Action::Cancel(Cancel {
                user_ref_num: self.recent(),
                quantity: self.number(),
                user_ref_idx: self.byte() % 2,
            }),
            10 => Action::Modify(Modify {
                user_ref_num: self.recent(),
                quantity: self.number(),
                side: self.letter(b"STE"),
                user_ref_idx: self.byte() % 2,
            }),
            11 => Action::MassCancel(MassCancel {
                user_ref_num: self.fresh(),
                firm: self.text(&FIRMS),
                symbol: self.text(&SYMBOLS),
                side: self.rare_letter(b"BSTE"),
                group_id: (self.byte() > 128).then_some(0),
                user_ref_idx: (self.byte() > 128).then_some(0),
            }),
            12 => Action::DisableEntry(self.switch()),
            13 => Action::EnableEntry(self.switch()),
            14 => Action::AccountQuery(AccountQuery { user_ref_idx: self.byte() }),
            _ if self.byte() > 128 => Action::Connect,
            _ => Action::Disconnect,
        }
    }

    fn switch(&mut self) -> EntrySwitch {
        EntrySwitch { user_ref_num: self.fresh(), firm: self.text(&FIRMS), user_ref_idx: self.byte() % 2 }
    }

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

    fn venue_action(&mut self) -> Action {
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
            8 => Action::SetSeed(self.long()),
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

    fn command(&mut self) -> Command {
        if self.byte() % 5 == 0 {
            Command { login: LoginId::VENUE, action: self.venue_action() }
        } else {
            Command { login: self.login(), action: self.client_action() }
        }
    }
}

/// A venue with two plain instruments and three logins.
fn venue() -> Engine {
    let mut engine = Engine::new(Limits { orders_max: 20 });
    let symbol = |text| Symbol::new(text).expect("short");
    let configuration = [
        Action::AddInstrument(InstrumentTerms::plain(InstrumentId(1), symbol("X"), 1, 1)),
        Action::AddInstrument(InstrumentTerms {
            allocation: Allocation::ProRata,
            ..InstrumentTerms::plain(InstrumentId(2), symbol("Y"), 2, 1)
        }),
    ];
    let logins = (1..=3).map(|id| {
        let name = Username::new(&format!("U{id}")).expect("short");
        Action::AddLogin(LoginTerms::plain(LoginId(id), name, Firm::new("FRMA").expect("short")))
    });
    for action in configuration.into_iter().chain(logins) {
        engine.apply(1, &Command { login: LoginId::VENUE, action }, &mut |_| {});
    }
    engine
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_engine_panic(bytes in proptest::collection::vec(any::<u8>(), 0..6_000)) {
        let (mut engine, mut bytes, mut time_ns) = (venue(), Bytes(&bytes, 0), 1_u64);
        while !bytes.0.is_empty() {
            time_ns = time_ns.saturating_add(bytes.long().min(1 << 40));
            let command = bytes.command();
            engine.apply(time_ns, &command, &mut |_| {});
            engine.assert_consistent();
        }
    }
}
