//! The harness finds differences and tells them shortly.

use ringside_domain::{Action, Command, Event, Fact, TimeNs};
use ringside_sim::lockstep::{State, Venue, run};
use ringside_sim::random::RandomShape;
use ringside_sim::reference::Reference;
use ringside_sim::scenario::{self, Scenario};

/// A reference that breaks something on the way.
struct Broken {
    reference: Reference,
    mistake: fn(&Command, &mut Vec<Event>),
}

impl Venue for Broken {
    fn apply(&mut self, time_ns: TimeNs, command: &Command) -> Vec<Event> {
        let mut events = self.reference.apply(time_ns, command);
        (self.mistake)(command, &mut events);
        events
    }

    fn state(&self) -> State {
        self.reference.state()
    }

    fn state_hash(&self) -> u64 {
        Venue::state_hash(&self.reference)
    }

    fn check(&self) {}
}

fn broken(mistake: fn(&Command, &mut Vec<Event>)) -> impl Fn(u32) -> Broken {
    move |orders_max| Broken { reference: Reference::new(orders_max as usize), mistake }
}

#[test]
fn the_reference_equals_itself() {
    for (name, shape) in RandomShape::presets() {
        let same = run(1, shape, 3_000, |orders_max| Reference::new(orders_max as usize));
        same.unwrap_or_else(|difference| panic!("{name}: {difference}"));
    }
}

#[test]
fn a_lost_event_is_found_and_told_in_few_commands() {
    let lost = |_: &Command, events: &mut Vec<Event>| {
        events.retain(|event| !matches!(event.fact, Fact::Refreshed { .. }));
    };
    let difference = run(1, RandomShape::everything(), 30_000, broken(lost)).unwrap_err();
    println!("{difference}");
    // The configuration up to whom it takes (ids are dense), an iceberg, and who takes its slice.
    assert!(difference.commands <= 12, "{difference}");
    let scenario = Scenario::parse(&difference.scenario).unwrap();
    let mut reference = Reference::new(scenario.orders_max as usize);
    scenario::run(&scenario, &mut |time_ns, command| reference.apply(time_ns, command)).unwrap();
}

#[test]
fn a_panic_is_a_difference() {
    let panics = |command: &Command, _: &mut Vec<Event>| {
        assert!(!matches!(command.action, Action::MassCancel(_)), "no mass cancels");
    };
    let difference = run(2, RandomShape::plain(), 30_000, broken(panics)).unwrap_err();
    assert!(difference.shrunk.contains("no mass cancels"), "{difference}");
    assert_eq!(difference.commands, 1, "{difference}");
}
