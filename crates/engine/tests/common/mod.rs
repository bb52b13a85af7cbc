//! What the tests that hold the engine to the reference venue share.

use ringside_domain::{Command, Event, TimeNs};
use ringside_engine::{Engine, Limits};
use ringside_sim::lockstep::{State, Venue};

/// The engine as a venue of the lockstep.
pub struct Tested(pub Engine);

impl Tested {
    pub fn new(orders_max: u32) -> Self {
        Tested(Engine::new(Limits { orders_max }))
    }
}

impl Venue for Tested {
    fn apply(&mut self, time_ns: TimeNs, command: &Command) -> Vec<Event> {
        let mut events = Vec::new();
        self.0.apply(time_ns, command, &mut |event| events.push(event));
        events
    }

    fn state(&self) -> State {
        let engine = &self.0;
        let instruments: Vec<_> = engine.instrument_states().into_iter().collect();
        let id = |state: &ringside_domain::state::InstrumentState| state.terms.instrument;
        State {
            venue: engine.venue_state(),
            orders: instruments.iter().map(|state| (id(state), engine.order_states(id(state)))).collect(),
            instruments,
            logins: engine.login_states().into_iter().collect(),
            limits: engine.limits_states().collect(),
            exposures: engine.exposure_states().collect(),
            balances: engine.balance_states().collect(),
            assets: engine.asset_states().collect(),
            past_owners: engine.past_owners().collect(),
            past_assets: engine.past_assets().collect(),
            next_due: engine.next_due(),
        }
    }

    fn state_hash(&self) -> u64 {
        self.0.state_hash()
    }

    fn check(&self) {
        self.0.assert_consistent();
    }
}
