//! Instruments that share assets: as many as there may be, listed at once.

use std::time::{Duration, Instant};

use ringside_domain::{Action, Asset, Command, Event, InstrumentId, InstrumentTerms, LoginId, Symbol};
use ringside_engine::{Engine, Limits};

const INSTRUMENTS: u32 = 60_000;

/// Each has a base of its own; all are paid in one asset.
fn terms(id: u32) -> InstrumentTerms {
    let symbol = Symbol::new(&format!("S{id}")).expect("six characters fit");
    let base = Asset::new(&format!("{:X}", 0x1000 + id % 0xE000)).expect("four characters fit");
    let quote = Asset::new("USD").expect("three characters fit");
    InstrumentTerms { base, quote, ..InstrumentTerms::plain(InstrumentId(id), symbol, 1, 1) }
}

#[test]
fn listing_instruments_that_share_an_asset_takes_linear_time() {
    let mut engine = Engine::new(Limits { orders_max: 10 });
    let mut refused = 0;
    let mut list = |engine: &mut Engine, action: Action| {
        let command = Command { login: LoginId::VENUE, action };
        engine.apply(1, &command, &mut |_: Event| refused += 1);
    };
    let since = Instant::now();
    (1..=INSTRUMENTS).for_each(|id| list(&mut engine, Action::AddInstrument(terms(id))));
    (1..=INSTRUMENTS).for_each(|id| list(&mut engine, Action::ChangeInstrument(terms(id))));
    let elapsed = since.elapsed();
    println!("{INSTRUMENTS} instruments listed and listed again in {elapsed:?}");
    assert_eq!((engine.instruments().len(), refused), (INSTRUMENTS as usize, 0));
    assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
}
