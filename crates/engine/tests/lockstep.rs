//! The engine against the naive reference venue: same commands, same events, same books.

use ringside_domain::{Command, Event, InstrumentId, Side};
use ringside_engine::{Engine, Limits, OrderView};
use ringside_sim::random::{RandomFlow, RandomShape};
use ringside_sim::reference;
use ringside_sim::scenario::{self, Scenario};

fn apply(engine: &mut Engine, time_ns: u64, command: &Command) -> Vec<Event> {
    let mut events = Vec::new();
    engine.apply(time_ns, command, &mut |event| events.push(event));
    events
}

/// What both sides say about a resting order.
fn same_order(order: &OrderView, expected: &reference::Order) -> bool {
    (order.order_ref, order.login, order.user_ref_idx, order.user_ref_num, order.side)
        == (
            expected.terms.order_ref,
            expected.login,
            expected.user_ref_idx,
            expected.terms.user_ref_num,
            expected.terms.side,
        )
        && (order.price, order.open, order.executed, order.terms.firm, order.terms.group_id)
            == (expected.terms.price, expected.open, expected.executed, expected.firm, expected.group_id)
}

fn assert_same_books(engine: &Engine, flow: &RandomFlow, context: &str) {
    for terms in flow.instruments() {
        let book = flow.reference().book(terms.symbol);
        for (side, expected) in [(Side::Buy, &book.bids), (Side::Sell, &book.asks)] {
            let orders: Vec<_> = engine.resting(InstrumentId(terms.instrument.0), side).collect();
            assert_eq!(orders.len(), expected.len(), "{context}: {} {side:?}", terms.symbol);
            let differs = orders.iter().zip(expected).find(|(order, expected)| !same_order(order, expected));
            assert!(differs.is_none(), "{context}: {} {side:?}: {differs:?}", terms.symbol);
        }
    }
    engine.assert_consistent();
}

fn lockstep(seed: u64, shape: RandomShape, commands: usize) {
    let orders_max = shape.orders_max as u32;
    let mut flow = RandomFlow::new(seed, shape);
    let mut engine = Engine::new(Limits { orders_max });
    for n in 1..=commands {
        let (command, expected) = flow.next().expect("the flow is endless");
        let events = apply(&mut engine, n as u64, &command);
        assert_eq!(events, expected, "seed {seed}, command {n}: {command:?}");
        if n % 500 == 0 {
            assert_same_books(&engine, &flow, &format!("seed {seed}, after command {n}"));
        }
    }
}

fn shape(logins: u32, instruments: u32, orders_max: usize) -> RandomShape {
    RandomShape { logins, instruments, orders_max, config_changes: false }
}

fn seeds() -> std::ops::RangeInclusive<u64> {
    let last = std::env::var("RINGSIDE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    1..=last
}

#[test]
fn every_event_and_every_book_equals_the_reference() {
    for seed in seeds() {
        lockstep(seed, shape(4, 3, 200), 10_000);
    }
}

#[test]
fn a_venue_that_is_always_nearly_full_equals_the_reference() {
    for seed in seeds().take(10) {
        lockstep(1_000 + seed, shape(3, 1, 12), 5_000);
    }
}

#[test]
fn a_deep_book_equals_the_reference() {
    lockstep(7, shape(2, 1, 20_000), 40_000);
}

#[test]
fn the_same_commands_give_the_same_state_hash_and_other_commands_another() {
    let hash = |seed, skip| {
        let mut engine = Engine::new(Limits { orders_max: 200 });
        for (n, (command, _)) in RandomFlow::new(seed, shape(4, 3, 200)).take(3_000).enumerate() {
            if n != skip {
                apply(&mut engine, n as u64 + 1, &command);
            }
        }
        engine.state_hash()
    };
    assert_eq!(hash(1, usize::MAX), hash(1, usize::MAX));
    assert_ne!(hash(1, usize::MAX), hash(2, usize::MAX));
}

#[test]
fn every_scenario_file_holds_for_the_engine() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../sim/scenarios");
    let mut files = 0;
    for entry in std::fs::read_dir(directory).expect("the scenarios are beside the reference") {
        let path = entry.expect("a directory entry").path();
        let text = std::fs::read_to_string(&path).expect("a scenario file");
        let scenario = Scenario::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut engine = Engine::new(Limits { orders_max: scenario.orders_max });
        let result = scenario::run(&scenario, &mut |time, command| apply(&mut engine, time, command));
        result.unwrap_or_else(|mismatch| panic!("{}\n{mismatch}", path.display()));
        files += 1;
    }
    assert!(files >= 14, "only {files} scenarios found");
}
