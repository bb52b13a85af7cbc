//! Every rule at once: random commands of every kind against a few crowded books. Nothing may break an invariant, and
//! everything that can be told is told.

use std::collections::{BTreeMap, BTreeSet};

use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::state::{BalanceState, Place};
use ringside_domain::{
    Account, Action, Allocation, Asset, AuctionKind, Bust, BustSide, Cancel, CancelOrders, Command, Enter,
    Event, Fact, Firm, InstrumentId, InstrumentTerms, Kill, LoginId, LoginTerms, MarketFact, MarketState,
    Modify, OrderOptions, Reason, Replace, Restrict, RiskLimits, Rules, Scope, SelfTradePrevention,
    SetLimits, SetState, Symbol, Text, TickRange, Transfer, Username,
};
use ringside_sim::random::Prng;
use ringside_sim::reference::{Reference, TradeSide};

const INSTRUMENTS: u32 = 4;
const LOGINS: u32 = 6;
const SECOND: u64 = 1_000_000_000;

struct Storm {
    prng: Prng,
    venue: Reference,
    time_ns: u64,
    seen: BTreeSet<String>,
    public: PublicBook,
}

/// What a reader of the public events knows: side, displayed shares and price by instrument and public number.
type PublicBook = BTreeMap<(InstrumentId, u64), (bool, u32, u64)>;

fn hear(book: &mut PublicBook, at: InstrumentId, fact: MarketFact) {
    match fact {
        MarketFact::Added { public_ref, buy, quantity, price } => {
            assert_eq!(book.insert((at, public_ref), (buy, quantity, price)), None);
        }
        MarketFact::Executed { public_ref, quantity, .. } | MarketFact::Reduced { public_ref, quantity } => {
            let order = book.get_mut(&(at, public_ref)).expect("a known order");
            order.1 -= quantity;
            if order.1 == 0 {
                assert!(matches!(fact, MarketFact::Executed { .. }), "a reduction leaves something");
                book.remove(&(at, public_ref));
            }
        }
        MarketFact::Deleted { public_ref } => drop(book.remove(&(at, public_ref)).expect("a known order")),
        MarketFact::Replaced { old, new, quantity, price } => {
            let (buy, ..) = book.remove(&(at, old)).expect("a known order");
            assert_eq!(book.insert((at, new), (buy, quantity, price)), None);
        }
        _ => {}
    }
}

fn symbol(instrument: u32) -> Symbol {
    Symbol::new(&format!("S{instrument}")).unwrap()
}

/// Four kinds of instruments: plain, pro rata with lots, banded with ranges, with balances and a collar.
fn terms(instrument: u32) -> InstrumentTerms {
    let plain = InstrumentTerms::plain(InstrumentId(instrument), symbol(instrument), 5, 1);
    let unused = TickRange::default();
    match instrument {
        1 => plain,
        2 => InstrumentTerms { allocation: Allocation::ProRata, lot: 10, ..plain },
        3 => InstrumentTerms {
            band_bps: 300,
            volatility_call_ms: 20,
            random_end_ms: 5,
            reference_price: 1_000,
            tick_ranges: [TickRange { from: 1_000, tick: 10 }, unused, unused],
            ..plain
        },
        _ => InstrumentTerms {
            collar_low: 900,
            collar_high: 1_080,
            base: Asset::new("BTC").unwrap(),
            quote: Asset::new("USD").unwrap(),
            maker_fee_ppm: 1_000,
            taker_fee_ppm: 2_500,
            allocation: Allocation::ProRata,
            ..plain
        },
    }
}

fn login_terms(login: u32) -> LoginTerms {
    let username = Username::new(&format!("U{login}")).unwrap();
    let firm = Firm::new(["FRMA", "FRMB", "FRMC"][login as usize % 3]).unwrap();
    let modes = [
        SelfTradePrevention::None,
        SelfTradePrevention::CancelNewest,
        SelfTradePrevention::CancelOldest,
        SelfTradePrevention::CancelBoth,
        SelfTradePrevention::Decrement,
    ];
    LoginTerms {
        account: if login.is_multiple_of(2) { Account::new("SHARED").unwrap() } else { Account::BLANK },
        cancel_on_disconnect: true,
        self_trade_prevention: modes[login as usize % 5],
        ..LoginTerms::plain(LoginId(login), username, firm)
    }
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut storm = Storm {
            prng: Prng::new(seed),
            venue: Reference::new(300),
            time_ns: 1,
            seen: BTreeSet::new(),
            public: PublicBook::new(),
        };
        for instrument in 1..=INSTRUMENTS {
            storm.send(LoginId::VENUE, Action::AddInstrument(terms(instrument)));
        }
        for login in 1..=LOGINS {
            storm.send(LoginId::VENUE, Action::AddLogin(login_terms(login)));
            storm.send(LoginId(login), Action::Connect);
            for asset in ["BTC", "USD"] {
                let account = storm.account(login);
                let transfer = Transfer { account, asset: Asset::new(asset).unwrap(), amount: 2_000_000 };
                storm.send(LoginId::VENUE, Action::Deposit(transfer));
            }
        }
        storm
    }

    fn account(&self, login: u32) -> Account {
        if login.is_multiple_of(2) {
            Account::new("SHARED").unwrap()
        } else {
            Account::new(&format!("U{login}")).unwrap()
        }
    }

    fn send(&mut self, login: LoginId, action: Action) -> Vec<Event> {
        let events = self.venue.apply(self.time_ns, &Command { login, action });
        self.venue.check();
        self.check_funds();
        for event in &events {
            self.seen.insert(name(&event.fact));
            if let Fact::Market { instrument, fact } = event.fact {
                hear(&mut self.public, instrument, fact);
            }
        }
        self.check_public();
        events
    }

    /// Nobody spends what is not there, as long as no trade was broken.
    fn check_funds(&self) {
        let busted = (1..=self.venue.last_match_number()).any(|number| self.venue.busted(number));
        let in_debt = |state: &BalanceState| state.available < 0;
        let debts: Vec<_> = self.venue.balance_states().into_iter().filter(in_debt).collect();
        assert!(busted || debts.is_empty(), "{debts:?}");
    }

    /// The public knows all that is displayed, and nothing else.
    fn check_public(&self) {
        let orders =
            self.venue.orders().filter(|order| order.place == Place::Visible && order.price < PRICE_MARKET);
        let shown: PublicBook = orders
            .map(|order| {
                let buy = order.terms.side.is_buy();
                ((order.instrument, order.public_ref), (buy, order.displayed, order.price))
            })
            .collect();
        assert_eq!(self.public, shown);
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.prng.below(of.len() as u64) as usize]
    }

    /// One of the choices, mostly the first.
    fn rarely<T: Copy>(&mut self, usual: T, percent: u32, others: &[T]) -> T {
        if self.prng.chance(percent.into()) { self.pick(others) } else { usual }
    }

    fn price(&mut self) -> u64 {
        if self.prng.chance(6) { PRICE_MARKET } else { 950 + 10 * self.prng.below(11) }
    }

    fn options(&mut self) -> OrderOptions {
        let mut options = OrderOptions::default();
        match self.prng.below(14) {
            0 => options.post_only = b'P',
            1 => options.min_quantity = 10 * (1 + self.prng.below(4) as u32),
            2 | 3 => {
                options.max_floor = 10 * (1 + self.prng.below(2) as u32);
                options.random_reserves = self.pick(&[0, 0, 10]);
            }
            4 | 5 => {
                options.price_type = self.pick(b"RPM");
                options.peg_offset = self.pick(&[0, 5, -5, 10]);
            }
            6 => options.discretion_price = 950 + 10 * self.prng.below(11) as u32,
            7 | 8 => options.trigger_price = 950 + 10 * self.prng.below(11) as u32,
            9 => options.execution = self.pick(b"FM"),
            10 => options.expire_seconds = 1 + self.prng.below(3) as u32,
            11 => options.expire_at = self.pick(&[0, self.time_ns + 3 * SECOND]),
            _ => {}
        }
        options
    }

    fn enter(&mut self, login: u32) -> Action {
        let user_ref_num = self.venue.last_user_ref_num(LoginId(login), 0) + 1;
        let instrument = 1 + self.prng.below(INSTRUMENTS.into()) as u32;
        let options = self.options();
        let is_timed = options.expire_seconds > 0;
        Action::Enter(Enter {
            user_ref_num,
            quantity: 10 * (1 + self.prng.below(8) as u32),
            price: if options.execution == b'M' { PRICE_MARKET } else { self.price() },
            symbol: symbol(instrument),
            client_order_id: Text::BLANK,
            side: self.pick(b"BBST"),
            time_in_force: if is_timed { b'6' } else { self.rarely(b'0', 15, b"335E") },
            display: self.rarely(b'Y', 20, b"NNNA"),
            capacity: b'P',
            intermarket_sweep: b'N',
            cross_type: self.rarely(b'N', 12, b"OCH"),
            options,
        })
    }

    /// The name of a live order of the login, if it has one, and what it executed.
    fn own(&mut self, login: u32) -> Option<(u32, u32, u32)> {
        let own: Vec<_> =
            self.venue.orders().filter(|order| order.login == LoginId(login)).copied().collect();
        let order = (!own.is_empty()).then(|| self.pick(&own))?;
        Some((order.user_ref_num(), order.executed + order.prevented, order.open))
    }

    fn amend(&mut self, login: u32) -> Option<Action> {
        let (user_ref_num, done, open) = self.own(login)?;
        let quantity = done + 10 * self.prng.below(u64::from(open / 10) + 2) as u32;
        Some(match self.prng.below(8) {
            0 | 1 => Action::Cancel(Cancel { user_ref_num, quantity: 0, user_ref_idx: 0 }),
            2 => Action::Cancel(Cancel { user_ref_num, quantity, user_ref_idx: 0 }),
            3 => Action::Modify(Modify { user_ref_num, quantity, side: self.pick(b"STE"), user_ref_idx: 0 }),
            _ => Action::Replace(Replace {
                original: user_ref_num,
                user_ref_num: self.venue.last_user_ref_num(LoginId(login), 0) + 1,
                quantity: quantity.max(10).next_multiple_of(10),
                price: self.price(),
                client_order_id: Text::BLANK,
                time_in_force: self.rarely(b'0', 20, b"356"),
                display: self.rarely(b'Y', 20, b"N"),
                intermarket_sweep: b'N',
                options: if self.prng.chance(70) { OrderOptions::default() } else { self.options() },
            }),
        })
    }

    fn scope(&mut self) -> Scope {
        let login = LoginId(1 + self.prng.below(LOGINS.into()) as u32);
        let firm = self.pick(&["FRMA", "FRMB"]);
        let instrument = InstrumentId(1 + self.prng.below(INSTRUMENTS.into()) as u32);
        let scopes = [
            Scope::Login(login),
            Scope::Firm(Firm::new(firm).unwrap()),
            Scope::Account(Account::new("SHARED").unwrap()),
            Scope::Instrument(instrument),
        ];
        self.pick(&scopes)
    }

    fn set_state(&mut self) -> Action {
        let states = [
            MarketState::PreOpen,
            MarketState::Auction,
            MarketState::Auction,
            MarketState::Continuous,
            MarketState::Continuous,
            MarketState::Halted,
            MarketState::CancelOnly,
            MarketState::Closed,
        ];
        Action::SetState(SetState {
            instrument: InstrumentId(1 + self.prng.below(INSTRUMENTS.into()) as u32),
            state: self.pick(&states),
            auction: self.pick(&[AuctionKind::Opening, AuctionKind::Closing, AuctionKind::Volatility]),
            call_ns: self.pick(&[0, 30_000_000]),
            random_ns: self.pick(&[0, 5_000_000]),
            reason: Reason::BLANK,
        })
    }

    fn operate(&mut self) -> Action {
        let instrument = InstrumentId(1 + self.prng.below(INSTRUMENTS.into()) as u32);
        match self.prng.below(16) {
            0..=5 => self.set_state(),
            6 | 7 => Action::Uncross(instrument),
            8 => Action::SetLimits(SetLimits { scope: self.scope(), limits: self.limits() }),
            9 => {
                let restricted = self.prng.chance(12);
                Action::Restrict(Restrict { scope: self.scope(), instrument, restricted })
            }
            10 => Action::Kill(Kill { scope: self.scope(), killed: self.prng.chance(12) }),
            11 => Action::CancelOrders(CancelOrders {
                scope: self.scope(),
                instrument,
                side: self.pick(b"BS\0"),
            }),
            12 if self.prng.chance(50) => Action::SetSeed(self.prng.next_u64()),
            12 if self.prng.chance(10) => Action::SetRules(self.pick(&[Rules::FIRST, Rules::NEWEST])),
            12 => Action::SetKey([self.prng.next_u64(), self.prng.next_u64()]),
            13 => self.bust(),
            14 if self.prng.chance(30) => Action::EndOfDay,
            _ => {
                let terms = terms(instrument.0);
                Action::ChangeInstrument(InstrumentTerms { band_bps: self.pick(&[0, 200]), ..terms })
            }
        }
    }

    fn limits(&mut self) -> RiskLimits {
        if self.prng.chance(75) {
            return RiskLimits::default();
        }
        RiskLimits {
            quantity_max: self.pick(&[0, 0, 70]),
            orders_max: self.pick(&[0, 0, 30]),
            notional_max: self.pick(&[0, 0, 75_000]),
            position_max: self.pick(&[0, 0, 900]),
            rate_per_second: self.pick(&[0, 0, 60]),
            rate_burst: self.pick(&[0, 3]),
            fat_finger_bps: self.pick(&[0, 300]),
        }
    }

    fn bust(&mut self) -> Action {
        let match_number = self.prng.below(self.venue.last_match_number() + 2);
        let trades = self.venue.trades();
        let trade = trades.get((match_number as usize).saturating_sub(1)).or(trades.last());
        let Some(trade) = trade.copied() else { return Action::Tick };
        let side = |side: TradeSide| BustSide {
            login: side.login,
            user_ref_num: side.user_ref_num,
            user_ref_idx: side.user_ref_idx,
            client_order_id: side.client_order_id,
            fee: side.fee,
        };
        Action::Bust(Bust {
            match_number,
            instrument: trade.instrument,
            price: trade.price as u32,
            quantity: trade.quantity,
            reason: b'E',
            buyer: side(trade.buyer),
            seller: side(trade.seller),
        })
    }

    fn step(&mut self) {
        self.time_ns += self.prng.below(10_000_000);
        let login = 1 + self.prng.below(LOGINS.into()) as u32;
        let (sender, action) = match self.prng.below(100) {
            0..=2 => (LoginId::VENUE, self.operate()),
            4 if self.prng.chance(10) => (LoginId(login), Action::Disconnect),
            5..=9 => {
                let to = MarketState::Continuous;
                let Action::SetState(request) = self.set_state() else { return };
                (LoginId::VENUE, Action::SetState(SetState { state: to, ..request }))
            }
            10..=30 => match self.amend(login) {
                Some(action) => (LoginId(login), action),
                None => return,
            },
            _ => (LoginId(login), self.enter(login)),
        };
        self.send(sender, action);
    }
}

fn name(fact: &Fact) -> String {
    let text = match fact {
        Fact::Market { fact, .. } => format!("Market {fact:?}"),
        Fact::Rejected { reason, .. } => format!("Rejected {reason:?}"),
        Fact::Canceled { reason, .. } => format!("Canceled {reason:?}"),
        Fact::Prevented { mode, .. } => format!("Prevented {mode:?}"),
        Fact::Executed { liquidity, .. } => format!("Executed {liquidity:?}"),
        Fact::Refused(refusal) => format!("Refused {refusal:?}"),
        fact => format!("{fact:?}"),
    };
    text.split([' ', '(', '{']).take(2).collect::<Vec<_>>().join(" ").trim().to_owned()
}

#[test]
fn a_storm_breaks_no_invariant_and_leaves_nothing_untold() {
    let mut seen = BTreeSet::new();
    for seed in 0..12 {
        let mut storm = Storm::new(seed);
        (0..10_000).for_each(|_| storm.step());
        println!(
            "seed {seed}: {} matches, {} live",
            storm.venue.last_match_number(),
            storm.venue.orders().count()
        );
        seen.append(&mut storm.seen);
    }
    for expected in [
        "Refreshed",
        "Repriced",
        "Triggered",
        "Broken",
        "Modified",
        "Accepted Accepted",
        "Executed Opening",
        "Executed Closing",
        "Executed Halt",
        "Executed Added",
        "Prevented CancelNewest",
        "Prevented CancelOldest",
        "Prevented CancelBoth",
        "Prevented Decrement",
        "Canceled User",
        "Canceled Immediate",
        "Canceled PostOnly",
        "Canceled Supervisory",
        "Canceled Timeout",
        "Canceled Closed",
        "Canceled Cross",
        "Canceled Collar",
        "Market Added",
        "Market Executed",
        "Market Reduced",
        "Market Deleted",
        "Market Replaced",
        "Market Traded",
        "Market Crossed",
        "Market Indicative",
        "Market State",
        "Market Broken",
        "Rejected Closed",
        "Rejected MaxFloor",
        "Rejected PegType",
        "Rejected Halted",
        "Rejected EntryDisabled",
        "Rejected MinQuantity",
        "Rejected Other",
        "Rejected CrossOrder",
        "Rejected Price",
        "Rejected Exposure",
        "Rejected Restricted",
        "Rejected FatFinger",
        "Rejected MessageRate",
        "Rejected MarketOrder",
        "Rejected Notional",
        "Rejected MaxQuantity",
        "Refused State",
        "Refused Scope",
        "Refused Match",
        "Refused Broken",
    ] {
        assert!(seen.contains(expected), "{expected} was never told: {seen:?}");
    }
}

#[test]
fn equal_storms_end_in_equal_states() {
    let run = |seed| {
        let mut storm = Storm::new(seed);
        (0..2_000).for_each(|_| storm.step());
        storm.venue.state_hash()
    };
    assert_eq!(run(77), run(77));
    assert_ne!(run(77), run(78));
}
