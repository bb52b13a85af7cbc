//! The hard parts of docs/rules.md, each by hand: slices, prevention, fill-or-kill, stops, discretion, pegs, bands,
//! auctions, pro rata, balances.

use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{
    Account, Action, Allocation, Asset, AuctionKind, Cancel, Command, Enter, Event, Fact, Firm, InstrumentId,
    InstrumentTerms, LoginId, LoginTerms, MarketFact, MarketState, OrderOptions, Reason, RiskLimits, Scope,
    SelfTradePrevention, SetLimits, SetState, Symbol, Text, TickRange, Transfer, Username,
};
use ringside_sim::reference::Reference;

const X: InstrumentId = InstrumentId(1);
const MARKET: u64 = PRICE_MARKET;

/// A venue with the instrument X and the logins 1 to 4; 1 and 2 are of one firm.
struct Desk {
    venue: Reference,
    time_ns: u64,
}

/// What makes an order special.
#[derive(Clone, Copy)]
struct Kind {
    time_in_force: u8,
    display: u8,
    cross_type: u8,
    options: OrderOptions,
}

fn plain() -> Kind {
    Kind { time_in_force: b'0', display: b'Y', cross_type: b'N', options: OrderOptions::default() }
}

fn with(options: OrderOptions) -> Kind {
    Kind { options, ..plain() }
}

fn tags() -> OrderOptions {
    OrderOptions::default()
}

fn stop(trigger_price: u32) -> Kind {
    with(OrderOptions { trigger_price, ..tags() })
}

fn hidden() -> Kind {
    Kind { display: b'N', ..plain() }
}

fn peg(price_type: u8, peg_offset: i32) -> Kind {
    with(OrderOptions { price_type, peg_offset, ..tags() })
}

fn iceberg(max_floor: u32) -> Kind {
    with(OrderOptions { max_floor, ..tags() })
}

impl Desk {
    fn new(terms: InstrumentTerms, mode: SelfTradePrevention) -> Self {
        let mut desk = Desk { venue: Reference::new(100), time_ns: 1 };
        desk.operate(Action::AddInstrument(terms));
        for login in 1..=4 {
            let firm = Firm::new(["ONE", "ONE", "TWO", "SIX"][login as usize - 1]).unwrap();
            let username = Username::new(&format!("U{login}")).unwrap();
            let plain = LoginTerms::plain(LoginId(login), username, firm);
            desk.operate(Action::AddLogin(LoginTerms { self_trade_prevention: mode, ..plain }));
        }
        desk
    }

    fn plain() -> Self {
        Desk::new(terms(), SelfTradePrevention::None)
    }

    fn send(&mut self, login: u32, action: Action) -> Vec<String> {
        self.time_ns += 1;
        let events = self.venue.apply(self.time_ns, &Command { login: LoginId(login), action });
        self.venue.check();
        events.iter().map(words).collect()
    }

    fn operate(&mut self, action: Action) -> Vec<String> {
        self.send(0, action)
    }

    /// The next order of a login; what happens besides its acceptance, as words.
    fn order(&mut self, login: u32, side: u8, quantity: u32, price: u64, kind: Kind) -> Vec<String> {
        let user_ref_num = self.venue.last_user_ref_num(LoginId(login), 0) + 1;
        let enter = Enter {
            user_ref_num,
            quantity,
            price,
            symbol: Symbol::new("X").unwrap(),
            client_order_id: Text::BLANK,
            side,
            time_in_force: kind.time_in_force,
            display: kind.display,
            capacity: b'P',
            intermarket_sweep: b'N',
            cross_type: kind.cross_type,
            options: kind.options,
        };
        self.send(login, Action::Enter(enter))
    }

    fn buy(&mut self, login: u32, quantity: u32, price: u64) -> Vec<String> {
        self.order(login, b'B', quantity, price, plain())
    }

    fn sell(&mut self, login: u32, quantity: u32, price: u64) -> Vec<String> {
        self.order(login, b'S', quantity, price, plain())
    }

    fn state(&mut self, state: MarketState, auction: AuctionKind) -> Vec<String> {
        let reason = Reason::BLANK;
        let request = SetState { instrument: X, state, auction, call_ns: 0, random_ns: 0, reason };
        self.operate(Action::SetState(request))
    }

    fn open(&self) -> Vec<(u32, u32)> {
        self.venue.orders().map(|order| (order.login.0, order.open)).collect()
    }
}

fn terms() -> InstrumentTerms {
    InstrumentTerms::plain(X, Symbol::new("X").unwrap(), 1, 1)
}

/// `login: what`; the public is `*`.
fn words(event: &Event) -> String {
    let who = event.login.0;
    match event.fact {
        Fact::Accepted(order) => format!("{who}: accepted {}", order.user_ref_num),
        Fact::Canceled { user_ref_num, quantity, reason } => {
            format!("{who}: canceled {user_ref_num} {quantity} {}", reason as u8 as char)
        }
        Fact::Executed { user_ref_num, quantity, price, liquidity, .. } => {
            format!("{who}: executed {user_ref_num} {quantity}@{price} {}", liquidity as u8 as char)
        }
        Fact::Prevented { user_ref_num, quantity, prevented, .. } => {
            format!("{who}: prevented {user_ref_num} {quantity}/{prevented}")
        }
        Fact::Refreshed { user_ref_num, displayed, public_ref } => {
            format!("{who}: refreshed {user_ref_num} {displayed} ref {public_ref}")
        }
        Fact::Repriced { user_ref_num, price } => format!("{who}: repriced {user_ref_num} {price}"),
        Fact::Triggered { user_ref_num, .. } => format!("{who}: triggered {user_ref_num}"),
        Fact::Rejected { user_ref_num, reason, .. } => format!("{who}: rejected {user_ref_num} {reason:?}"),
        Fact::Market { fact, .. } => format!("* {}", public_words(fact)),
        fact => format!("{who}: {fact:?}"),
    }
}

fn public_words(fact: MarketFact) -> String {
    match fact {
        MarketFact::Added { public_ref, quantity, price, .. } => {
            format!("added {public_ref} {quantity}@{price}")
        }
        MarketFact::Executed { public_ref, quantity, price, .. } => {
            format!("executed {public_ref} {quantity}@{price}")
        }
        MarketFact::Reduced { public_ref, quantity } => format!("reduced {public_ref} {quantity}"),
        MarketFact::Deleted { public_ref } => format!("deleted {public_ref}"),
        MarketFact::Traded { quantity, price, .. } => format!("traded {quantity}@{price}"),
        MarketFact::Crossed { price, quantity, .. } => format!("crossed {quantity}@{price}"),
        MarketFact::Indicative { price, quantity, surplus, surplus_buy } => {
            format!("indicative {quantity}@{price} {}{surplus}", if surplus_buy { "+" } else { "" })
        }
        MarketFact::State { state, auction, reason } => {
            format!("state {}{} {reason}", state as u8 as char, auction as u8 as char)
        }
        fact => format!("{fact:?}"),
    }
}

/// Only the private executions.
fn executions(events: &[String]) -> Vec<&str> {
    events
        .iter()
        .filter(|event| !event.starts_with('*') && event.contains("executed"))
        .map(|e| &e[..])
        .collect()
}

#[test]
fn a_slice_is_refreshed_behind_its_level_and_before_hidden_orders() {
    let mut desk = Desk::plain();
    desk.order(1, b'S', 5, 100, hidden());
    desk.order(3, b'S', 25, 100, iceberg(10));
    desk.sell(4, 10, 100);
    assert_eq!(
        desk.buy(1, 38, 100),
        [
            "1: accepted 2",
            "3: executed 1 10@100 A",
            "1: executed 2 10@100 R",
            "* executed 2 10@100",
            "3: refreshed 1 10 ref 5",
            "* added 5 10@100",
            "4: executed 1 10@100 A",
            "1: executed 2 10@100 R",
            "* executed 3 10@100",
            "3: executed 1 10@100 A",
            "1: executed 2 10@100 R",
            "* executed 5 10@100",
            "3: refreshed 1 5 ref 6",
            "* added 6 5@100",
            "3: executed 1 5@100 A",
            "1: executed 2 5@100 R",
            "* executed 6 5@100",
            "1: executed 1 3@100 A",
            "1: executed 2 3@100 R",
            "* traded 3@100",
        ]
    );
}

#[test]
fn reductions_take_the_reserve_first() {
    let mut desk = Desk::plain();
    desk.order(3, b'B', 25, 100, iceberg(10));
    let reduce = |quantity| Action::Cancel(Cancel { user_ref_num: 1, quantity, user_ref_idx: 0 });
    assert_eq!(desk.send(3, reduce(12)), ["3: canceled 1 13 U"]);
    assert_eq!(desk.send(3, reduce(7)), ["3: canceled 1 5 U", "* reduced 1 3"]);
}

#[test]
fn the_incoming_logins_mode_decides_about_self_trades() {
    let meet = |mode| {
        let mut desk = Desk::new(terms(), mode);
        desk.sell(2, 10, 100);
        desk.sell(3, 10, 100);
        (desk.buy(1, 15, 100), desk.open())
    };
    let (events, open) = meet(SelfTradePrevention::CancelNewest);
    assert_eq!(events, ["1: accepted 1", "1: prevented 1 15/10"]);
    assert_eq!(open, [(2, 10), (3, 10)]);
    let (events, open) = meet(SelfTradePrevention::CancelOldest);
    assert_eq!(events[1..3], ["2: prevented 1 10/10", "* deleted 1"]);
    assert_eq!(
        (executions(&events), open),
        (vec!["3: executed 1 10@100 A", "1: executed 1 10@100 R"], vec![(1, 5)])
    );
    let (events, open) = meet(SelfTradePrevention::CancelBoth);
    assert_eq!(events[1..], ["2: prevented 1 10/10", "1: prevented 1 15/10", "* deleted 1"]);
    assert_eq!(open, [(3, 10)]);
    let (events, open) = meet(SelfTradePrevention::Decrement);
    assert_eq!(events[1..4], ["2: prevented 1 10/10", "1: prevented 1 10/10", "* deleted 1"]);
    assert_eq!((executions(&events).len(), open), (2, vec![(3, 5)]));
}

#[test]
fn a_decrement_refreshes_a_slice_that_it_uses_up() {
    let mut desk = Desk::new(terms(), SelfTradePrevention::Decrement);
    desk.order(2, b'S', 15, 100, iceberg(10));
    assert_eq!(
        desk.buy(1, 12, 100)[1..],
        [
            "2: prevented 1 10/10",
            "1: prevented 1 10/10",
            "* deleted 1",
            "2: refreshed 1 5 ref 3",
            "* added 3 5@100",
            "2: prevented 1 2/2",
            "1: prevented 1 2/2",
            "* reduced 3 2",
        ]
    );
}

#[test]
fn fill_or_kill_counts_what_would_really_trade() {
    let kill = |mode, quantity| {
        let mut desk = Desk::new(terms(), mode);
        desk.order(3, b'S', 20, 100, iceberg(5));
        desk.sell(2, 10, 100);
        desk.order(4, b'S', 10, 101, hidden());
        let kind = with(OrderOptions { execution: b'F', ..tags() });
        let events = desk.order(1, b'B', quantity, 101, kind);
        events[1] != format!("1: canceled 1 {quantity} I")
    };
    use SelfTradePrevention::{CancelNewest, CancelOldest, Decrement, None};
    assert!(kill(None, 40) && !kill(None, 41), "reserve and hidden shares count");
    assert!(kill(CancelOldest, 30) && !kill(CancelOldest, 31), "own orders are skipped");
    assert!(kill(CancelNewest, 5) && !kill(CancelNewest, 6), "only the slice stands before the own order");
    assert!(!kill(Decrement, 20), "10 are used up on the way");
}

#[test]
fn stops_cascade_in_the_order_of_their_triggers() {
    let mut desk = Desk::plain();
    desk.buy(3, 5, 99);
    desk.buy(3, 5, 98);
    desk.buy(3, 5, 97);
    desk.order(4, b'S', 5, MARKET, stop(98));
    desk.order(2, b'S', 5, MARKET, stop(99));
    desk.order(1, b'S', 1, MARKET, stop(96));
    let events = desk.sell(1, 5, 99);
    let told: Vec<_> = events.iter().filter(|event| event.contains("triggered")).collect();
    assert_eq!(told, ["2: triggered 1", "4: triggered 1"], "99 elects 2, whose print at 98 elects 4");
    assert_eq!(executions(&events).last(), Some(&"4: executed 1 5@97 R"));
    assert_eq!(desk.open(), [(1, 1)], "nobody printed 96");
    assert_eq!(desk.order(4, b'S', 1, 97, stop(97))[1], "4: triggered 2", "the last trade is there already");
}

#[test]
fn discretion_takes_up_to_its_price_and_keeps_its_place() {
    let mut desk = Desk::plain();
    let keen = |discretion_price| with(OrderOptions { discretion_price, ..tags() });
    desk.order(1, b'B', 10, 95, keen(98));
    desk.order(2, b'B', 10, 95, keen(99));
    desk.buy(3, 10, 95);
    assert_eq!(
        desk.sell(4, 4, 98),
        [
            "4: accepted 1",
            "* added 4 4@98",
            "4: executed 1 4@98 A",
            "2: executed 1 4@98 R",
            "* executed 4 4@98",
            "* reduced 2 4",
        ]
    );
    let events = desk.sell(4, 25, 95);
    let makers: Vec<_> = events.iter().filter(|event| event.ends_with("@95 A")).collect();
    assert_eq!(makers, ["1: executed 1 10@95 A", "2: executed 1 6@95 A", "3: executed 1 9@95 A"]);
}

#[test]
fn pegs_follow_the_best_orders_that_are_no_pegs() {
    let mut desk = Desk::plain();
    assert_eq!(
        desk.order(1, b'B', 5, MARKET, peg(b'R', 0)),
        ["1: accepted 1"],
        "no reference: parked, untold"
    );
    assert_eq!(desk.buy(3, 5, 90), ["3: accepted 1", "* added 2 5@90", "1: repriced 1 90", "* added 1 5@90"]);
    desk.sell(3, 5, 100);
    assert_eq!(desk.order(2, b'B', 5, MARKET, peg(b'P', 0))[1], "2: repriced 1 99", "one step below the ask");
    assert_eq!(desk.order(4, b'S', 5, 97, peg(b'M', -1))[1], "4: repriced 1 100", "95 meets a peg at 99");
    let away = desk.state(MarketState::Halted, AuctionKind::Opening);
    assert_eq!(away[..2], ["1: repriced 1 0", "* deleted 1"]);
    let back = desk.state(MarketState::Continuous, AuctionKind::Opening);
    assert_eq!(back[..3], ["* state TO ", "1: repriced 1 90", "* added 1 5@90"]);
}

#[test]
fn a_market_to_limit_order_rests_at_the_price_it_found() {
    let mut desk = Desk::plain();
    let kind = with(OrderOptions { execution: b'M', ..tags() });
    assert_eq!(desk.order(1, b'B', 5, MARKET, kind)[1], "1: canceled 1 5 I");
    desk.sell(3, 5, 100);
    desk.sell(3, 5, 101);
    let events = desk.order(1, b'B', 8, MARKET, kind);
    assert_eq!(events[4..], ["1: repriced 2 100", "* added 4 3@100"]);
}

#[test]
fn a_breach_of_the_band_begins_a_volatility_auction() {
    let banded = InstrumentTerms { band_bps: 100, volatility_call_ms: 1, reference_price: 1_000, ..terms() };
    let mut desk = Desk::new(banded, SelfTradePrevention::None);
    desk.sell(3, 5, 1_010);
    desk.sell(3, 5, 1_011);
    assert_eq!(
        desk.buy(1, 8, 1_020)[4..],
        ["* added 3 3@1020", "* state AH BAND", "* indicative 3@1011 2"],
        "1,010 is the edge"
    );
    let due = desk.venue.next_due().unwrap();
    desk.time_ns = due;
    let events = desk.operate(Action::Tick);
    assert_eq!(
        events,
        [
            "1: executed 1 3@1011 H",
            "3: executed 2 3@1011 H",
            "* executed 3 3@1011",
            "* executed 2 3@1011",
            "* crossed 3@1011",
            "* state TH ",
        ],
        "sellers are left over: the lowest price"
    );
}

#[test]
fn an_opening_auction_trades_market_orders_first_and_cancels_its_own() {
    let mut desk = Desk::plain();
    desk.state(MarketState::Auction, AuctionKind::Opening);
    let at_open = Kind { cross_type: b'O', ..plain() };
    assert_eq!(desk.order(1, b'B', 10, MARKET, at_open), ["1: accepted 1"], "told to nobody");
    desk.buy(2, 10, 101);
    let sale = desk.order(3, b'S', 12, 99, iceberg(5));
    assert_eq!(sale, ["3: accepted 1", "* added 3 5@99", "* indicative 12@101 +8"]);
    assert_eq!(desk.order(4, b'B', 1, MARKET, plain()), ["4: rejected 1 MarketOrder"]);
    let events = desk.operate(Action::Uncross(X));
    assert_eq!(
        events[..5],
        [
            "1: executed 1 5@101 O",
            "3: executed 1 5@101 O",
            "* executed 3 5@101",
            "3: refreshed 1 5 ref 4",
            "* added 4 5@99",
        ]
    );
    let end: Vec<_> = events.iter().rev().take(2).map(String::as_str).collect();
    assert_eq!((end, desk.open()), (vec!["* state TO ", "* crossed 12@101"], vec![(2, 8)]));
}

#[test]
fn at_close_orders_wait_for_their_auction() {
    let mut desk = Desk::plain();
    let at_close = Kind { cross_type: b'C', ..plain() };
    assert_eq!(desk.order(1, b'B', 5, 100, at_close), ["1: accepted 1"]);
    let call = desk.state(MarketState::Auction, AuctionKind::Closing);
    assert_eq!(call, ["* added 1 5@100", "* state AC "]);
    desk.sell(3, 2, 100);
    let events = desk.operate(Action::Uncross(X));
    assert_eq!(events[4..], ["* crossed 2@100", "1: canceled 1 3 C", "* deleted 1", "* state CC "]);
    assert_eq!(desk.buy(1, 1, 1), ["1: rejected 2 Closed"]);
}

#[test]
fn a_call_that_ends_in_a_halt_does_not_leave_a_crossed_book_behind() {
    let mut desk = Desk::plain();
    desk.state(MarketState::PreOpen, AuctionKind::Opening);
    desk.buy(1, 5, 100);
    desk.sell(3, 5, 100);
    assert_eq!(desk.state(MarketState::Halted, AuctionKind::Opening), ["* state HO "]);
    let events = desk.state(MarketState::Continuous, AuctionKind::Opening);
    assert_eq!(events[4..], ["* crossed 5@100", "* state TO "]);
}

#[test]
fn pro_rata_serves_the_top_order_and_shares_the_rest() {
    let shared = InstrumentTerms { allocation: Allocation::ProRata, ..terms() };
    let mut desk = Desk::new(shared, SelfTradePrevention::CancelOldest);
    desk.sell(3, 20, 101);
    desk.sell(3, 10, 100);
    desk.sell(4, 30, 100);
    desk.order(3, b'S', 60, 100, iceberg(30));
    desk.sell(2, 30, 100);
    assert_eq!(desk.venue.instrument_state(X).unwrap().top_sell, 2);
    let events = desk.buy(1, 40, 100);
    assert_eq!(events[1..3], ["2: prevented 1 30/30", "* deleted 5"], "own orders leave the level first");
    let shares = ["3: executed 2 10@100 A", "4: executed 1 15@100 A", "3: executed 3 15@100 A"];
    assert_eq!(executions(&events).into_iter().step_by(2).collect::<Vec<_>>(), shares);
    assert_eq!(desk.venue.instrument_state(X).unwrap().top_sell, 0, "the top order has left");
}

#[test]
fn balances_pay_fees_and_hold_reserves() {
    let [base, quote] = ["BTC", "USD"].map(|asset| Asset::new(asset).unwrap());
    let paid = InstrumentTerms { base, quote, maker_fee_ppm: 1_000, taker_fee_ppm: 2_500, ..terms() };
    let mut desk = Desk::new(paid, SelfTradePrevention::None);
    let [buyer, seller, fees] = ["U1", "U3", "$FEES"].map(|account| Account::new(account).unwrap());
    desk.operate(Action::Deposit(Transfer { account: buyer, asset: quote, amount: 10_025 }));
    desk.operate(Action::Deposit(Transfer { account: seller, asset: base, amount: 10 }));
    assert_eq!(desk.buy(1, 11, 1_000), ["1: rejected 1 Exposure"]);
    assert_eq!(desk.buy(1, 10, MARKET), ["1: rejected 2 MarketOrder"], "the worst price is unknown");
    desk.buy(1, 10, 1_000);
    let take = Transfer { account: buyer, asset: quote, amount: 1 };
    assert_eq!(desk.operate(Action::Withdraw(take)), ["0: Refused(Balance)"]);
    desk.sell(3, 4, 999);
    let has = |account, asset| {
        let states = desk.venue.balance_states();
        let state = states.iter().find(|state| (state.account, state.asset) == (account, asset));
        state.map_or((0, 0), |state| (state.available, state.reserved))
    };
    assert_eq!(has(buyer, quote), (6, 6_015), "4,000 and a fee of 4 of 10,025 are paid");
    assert_eq!((has(buyer, base), has(seller, base)), ((4, 0), (6, 0)));
    assert_eq!((has(seller, quote), has(fees, quote)), ((3_990, 0), (14, 0)));
}

#[test]
fn a_bucket_refills_in_journaled_time() {
    let mut desk = Desk::plain();
    let limits = RiskLimits { rate_per_second: 2, rate_burst: 1, ..RiskLimits::default() };
    desk.operate(Action::SetLimits(SetLimits { scope: Scope::Login(LoginId(1)), limits }));
    assert_eq!(desk.buy(1, 1, 1)[0], "1: accepted 1");
    assert_eq!(desk.buy(1, 1, 1), ["1: rejected 2 MessageRate"]);
    desk.time_ns += 500_000_000;
    assert_eq!(desk.buy(1, 1, 1)[0], "1: accepted 3");
}

#[test]
fn terms_that_contradict_themselves_are_refused() {
    let mut desk = Desk::plain();
    let unused = TickRange::default();
    let range = |from, tick| TickRange { from, tick };
    for bad in [
        InstrumentTerms { tick: 0, ..terms() },
        InstrumentTerms { tick: 2, tick_ranges: [range(10, 3), unused, unused], ..terms() },
        InstrumentTerms { tick_ranges: [unused, range(10, 3), unused], ..terms() },
        InstrumentTerms { tick_ranges: [range(10, 3), range(10, 4), unused], ..terms() },
        InstrumentTerms { collar_low: 2, collar_high: 1, ..terms() },
        InstrumentTerms { base: Asset::new("BTC").unwrap(), ..terms() },
    ] {
        assert_eq!(desk.operate(Action::ChangeInstrument(bad)), ["0: Refused(Terms)"], "{bad:?}");
    }
    desk.buy(1, 1, 1);
    assert_eq!(
        desk.operate(Action::ChangeInstrument(InstrumentTerms { tick: 2, ..terms() })),
        ["0: Refused(Terms)"]
    );
    assert_eq!(desk.operate(Action::RemoveInstrument(X)), ["0: Refused(Terms)"]);
    assert_eq!(desk.operate(Action::AddInstrument(terms())), ["0: Refused(Instrument)"]);
}
