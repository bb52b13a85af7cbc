//! What a call costs while it fills: an entered order pays for the price levels that cross, not for the orders on them.

use std::time::{Duration, Instant};

use ringside_domain::{
    Action, AuctionKind, Command, Enter, Event, Fact, Firm, InstrumentId, InstrumentTerms, LoginId,
    LoginTerms, MarketFact, MarketState, OrderOptions, Reason, SetState, Symbol, TimeNs, Username,
};
use ringside_engine::{Engine, Limits};

const LEVELS: u32 = 100;
const SECOND: TimeNs = 1_000_000_000;
const MARKET: u64 = 2_000_000_000;

struct Call {
    engine: Engine,
    next: u32,
}

impl Call {
    /// An opening call with this many orders that cross at every level, and a market order on each side.
    fn new(orders: u32) -> Call {
        let mut call = Call { engine: Engine::new(Limits { orders_max: 300_000 }), next: 0 };
        let terms = InstrumentTerms::plain(InstrumentId(1), Symbol::BLANK, 1, 1);
        call.apply(0, LoginId::VENUE, Action::AddInstrument(terms));
        let login = LoginTerms::plain(LoginId(1), Username::BLANK, Firm::BLANK);
        call.apply(0, LoginId::VENUE, Action::AddLogin(login));
        let state = SetState {
            instrument: InstrumentId(1),
            state: MarketState::PreOpen,
            auction: AuctionKind::Opening,
            call_ns: 0,
            random_ns: 0,
            reason: Reason::BLANK,
        };
        call.apply(0, LoginId::VENUE, Action::SetState(state));
        for n in 0..orders {
            call.enter(0, 1_000 + u64::from(n % LEVELS), b'N', b'6');
        }
        [0, 1].iter().for_each(|_| drop(call.enter(0, MARKET, b'O', b'0')));
        let state = SetState { state: MarketState::Auction, ..state };
        call.apply(0, LoginId::VENUE, Action::SetState(state));
        call
    }

    fn apply(&mut self, time_ns: TimeNs, login: LoginId, action: Action) -> Vec<Event> {
        let mut events = Vec::new();
        self.engine.apply(time_ns, &Command { login, action }, &mut |event: Event| events.push(event));
        events
    }

    fn enter(&mut self, time_ns: TimeNs, price: u64, cross_type: u8, time_in_force: u8) -> Vec<Event> {
        self.next += 1;
        let expire_seconds = if time_in_force == b'6' { 1 } else { 0 };
        let enter = Enter {
            user_ref_num: self.next,
            quantity: 1 + self.next % 7,
            price,
            symbol: Symbol::BLANK,
            client_order_id: Default::default(),
            side: if self.next.is_multiple_of(2) { b'B' } else { b'S' },
            time_in_force,
            display: b'Y',
            capacity: b'P',
            intermarket_sweep: b'N',
            cross_type,
            options: OrderOptions { expire_seconds, ..OrderOptions::default() },
        };
        self.apply(time_ns, LoginId(1), Action::Enter(enter))
    }

    /// An order that any other one of the other side would trade with. Indicative prices that were told.
    fn cross(&mut self) -> usize {
        let buys = (self.next + 1).is_multiple_of(2);
        let price = if buys { 1_000 + u64::from(LEVELS) } else { 999 };
        indicated(&self.enter(0, price, b'N', b'0'))
    }

    /// Time of one entered order, the least of some rounds of 100.
    fn cost(&mut self) -> Duration {
        let round = |call: &mut Call| {
            let since = Instant::now();
            let told: usize = (0..100).map(|_| call.cross()).sum();
            assert_eq!(told, 100, "every order is told of");
            since.elapsed() / 100
        };
        (0..5).map(|_| round(self)).min().expect("rounds were made")
    }
}

fn indicated(events: &[Event]) -> usize {
    let is_indicative =
        |event: &&Event| matches!(event.fact, Fact::Market { fact: MarketFact::Indicative { .. }, .. });
    events.iter().filter(is_indicative).count()
}

#[test]
fn an_order_in_a_call_pays_for_levels_not_for_orders() {
    let (mut few, mut many) = (Call::new(1_000), Call::new(100_000));
    let (few, many) = (few.cost(), many.cost());
    println!(
        "an order entered in a call over {LEVELS} levels: {few:?} with 1,000 orders, {many:?} with 100,000"
    );
    assert!(many < few * 10 + Duration::from_micros(20), "{few:?} with 1,000 orders, {many:?} with 100,000");
}

#[test]
fn a_mass_expiry_in_a_call_is_told_once() {
    let mut call = Call::new(100_000);
    let since = Instant::now();
    let events = call.apply(2 * SECOND, LoginId::VENUE, Action::Tick);
    println!("100,000 orders expired in a call in {:?}", since.elapsed());
    assert_eq!(call.engine.live_orders(), 2, "the market orders");
    assert_eq!(events.len(), 200_000 + indicated(&events));
    assert_eq!(indicated(&events), 1, "each order to its owner and to the public, the indicative price once");
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}
