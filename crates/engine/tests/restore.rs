//! An engine made of the records of another one goes on like it: same events, same states, for all kinds of flow.

mod common;

use std::cell::Cell;

use common::Tested;
use ringside_domain::{Command, Event, TimeNs};
use ringside_engine::image::SpecialImage;
use ringside_engine::restore::{OrderFault, Restore, RestoreError};
use ringside_engine::{Engine, Limits};
use ringside_sim::lockstep::{self, State, Venue};
use ringside_sim::random::{RandomFlow, RandomShape};

/// Commands of a run.
const RUN: usize = 12_000;

/// An engine made of the records of another.
fn copy(engine: &Engine, limits: Limits) -> Result<Engine, RestoreError> {
    copy_with(engine, limits, |_, _| {})
}

/// The same with a change of the orders on the way.
fn copy_with(
    engine: &Engine,
    limits: Limits,
    mut change: impl FnMut(&mut ringside_book::Order, &mut Option<SpecialImage>),
) -> Result<Engine, RestoreError> {
    let mut restore = Restore::new(limits, engine.venue_state());
    engine.instrument_images().try_for_each(|image| restore.instrument(&image))?;
    engine.login_states().iter().try_for_each(|state| restore.login(state))?;
    engine.channel_images().try_for_each(|image| restore.channel(&image))?;
    let mut orders = Ok(());
    engine.for_each_order_image(|order, special| {
        let (mut order, mut special) = (*order, special);
        change(&mut order, &mut special);
        if orders.is_ok() {
            orders = restore.order(&mut order, special.as_ref());
        }
    });
    orders?;
    engine.limits_states().try_for_each(|state| restore.limits(&state))?;
    engine.killed_scopes().try_for_each(|scope| restore.killed(scope))?;
    engine.exposure_states().try_for_each(|state| restore.exposure(&state))?;
    engine.restrictions().try_for_each(|(scope, instrument)| restore.restriction(scope, instrument))?;
    engine.balance_states().for_each(|state| restore.balance(&state));
    engine.busted().for_each(|match_number| restore.busted(match_number));
    engine.asset_states().for_each(|state| restore.asset(&state));
    engine.past_owners().try_for_each(|past| restore.past_owner(&past))?;
    engine.past_assets().try_for_each(|past| restore.past_assets(&past))?;
    restore.finish()
}

/// A venue that is made anew of its own records every now and then.
struct Restarted {
    venue: Tested,
    limits: Limits,
    /// Commands until the next time.
    left: u32,
    dice: u64,
}

thread_local! {
    /// How often it happened, over all venues of a test.
    static RESTARTS: Cell<u32> = const { Cell::new(0) };
}

impl Restarted {
    fn new(orders_max: u32) -> Self {
        Restarted { venue: Tested::new(orders_max), limits: Limits { orders_max }, left: 1, dice: 1 }
    }

    fn restart(&mut self) {
        // Often at once again, sometimes after hundreds of commands.
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.left = 1 + (self.dice >> 33) as u32 % [3, 30, 300][(self.dice >> 60) as usize % 3];
        let engine = &self.venue.0;
        let copied = copy(engine, self.limits).expect("a living engine can be copied");
        copied.assert_consistent();
        assert_eq!(copied.state_hash(), engine.state_hash());
        assert_eq!(copied.config_hash(), engine.config_hash());
        assert_eq!(copied.next_due(), engine.next_due());
        self.venue = Tested(copied);
        RESTARTS.set(RESTARTS.get() + 1);
    }
}

impl Venue for Restarted {
    fn apply(&mut self, time_ns: TimeNs, command: &Command) -> Vec<Event> {
        self.left -= 1;
        if self.left == 0 {
            self.restart();
        }
        self.venue.apply(time_ns, command)
    }

    fn state(&self) -> State {
        self.venue.state()
    }

    fn state_hash(&self) -> u64 {
        self.venue.state_hash()
    }

    fn check(&self) {
        self.venue.check();
    }
}

fn restarted(name: &str, shape: RandomShape) {
    for seed in 1..=3 {
        let run = lockstep::run(seed, shape, RUN, Restarted::new);
        run.unwrap_or_else(|difference| panic!("{name}: {difference}"));
    }
    assert!(RESTARTS.get() > 300, "{name}: only {} restarts", RESTARTS.get());
}

macro_rules! presets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            restarted(stringify!($name), RandomShape::$name());
        })*

        #[test]
        fn every_preset_is_tested() {
            let tested = [$(stringify!($name)),*];
            assert!(RandomShape::presets().iter().all(|(name, _)| tested.contains(name)));
        }
    };
}

presets! { plain everything auctions stops_and_pegs prevention balances prorata risk nearly_full }

/// An engine in the middle of a lively day.
fn lively() -> (Engine, Limits) {
    let shape = RandomShape::everything();
    let limits = Limits { orders_max: shape.orders_max as u32 };
    let mut engine = Engine::new(limits);
    for (n, (time_ns, command, _)) in RandomFlow::new(5, shape).take(100_000).enumerate() {
        engine.apply(time_ns, &command, &mut |_: Event| {});
        if n > 1_000 && engine.live_orders() > 20 {
            return (engine, limits);
        }
    }
    panic!("the flow leaves no orders");
}

#[test]
fn an_order_that_cannot_live_is_refused_by_name() {
    let (engine, limits) = lively();
    type Change = fn(&mut ringside_book::Order, &mut Option<SpecialImage>);
    let changes: [(OrderFault, Change); 6] = [
        (OrderFault::Instrument, |order, _| order.instrument.0 = 0),
        (OrderFault::Owner, |order, _| order.login.0 = 60_000),
        (OrderFault::Number, |order, _| order.order_ref = u64::MAX),
        (OrderFault::UserRefNum, |order, _| order.user_ref_num = u32::MAX),
        (OrderFault::Price, |order, special| {
            *special = None;
            order.tick = if order.side.is_buy() { 0 } else { u32::MAX };
        }),
        (OrderFault::Open, |order, _| order.open = 0),
    ];
    for (fault, change) in changes {
        let error = copy_with(&engine, limits, change).unwrap_err();
        assert!(matches!(error, RestoreError::Order(_, found) if found == fault), "{fault:?}: {error:?}");
    }
    let error = copy(&engine, Limits { orders_max: 5 }).unwrap_err();
    assert_eq!(error, RestoreError::Capacity);
}

#[test]
fn two_orders_under_one_user_ref_num_are_refused() {
    let (engine, limits) = lively();
    let mut first = None;
    let same = |order: &mut ringside_book::Order, _: &mut Option<SpecialImage>| {
        let (login, idx, number) =
            *first.get_or_insert((order.login, order.user_ref_idx, order.user_ref_num));
        (order.login, order.user_ref_idx, order.user_ref_num) = (login, idx, number);
    };
    let error = copy_with(&engine, limits, same).unwrap_err();
    assert!(matches!(error, RestoreError::Order(_, OrderFault::UserRefNum)), "{error:?}");
}
