//! The random flow is deterministic and leaves nothing out.

use std::collections::BTreeMap;

use ringside_domain::state::InstrumentState;
use ringside_domain::{Action, Command, Fact, MarketState, TimeNs};
use ringside_sim::random::{Features, RandomFlow, RandomShape};
use ringside_sim::scenario::{Names, Scenario, render, write};

const STEPS: usize = 30_000;

fn word(text: String) -> String {
    text.split(['(', ' ']).next().unwrap_or("").to_owned()
}

/// The kind of a fact, with its reason or state where it has one.
fn kind(fact: &Fact) -> String {
    match fact {
        Fact::Rejected { reason, .. } => format!("Rejected {reason:?}"),
        Fact::Canceled { reason, .. } => format!("Canceled {reason:?}"),
        Fact::Executed { liquidity, .. } => format!("Executed {liquidity:?}"),
        Fact::Prevented { mode, .. } => format!("Prevented {mode:?}"),
        Fact::Refused(why) => format!("Refused {why:?}"),
        Fact::Market { fact, .. } => format!("Market {}", word(format!("{fact:?}"))),
        fact => word(format!("{fact:?}")),
    }
}

#[test]
fn equal_seeds_give_equal_flows() {
    let flow = |seed| RandomFlow::new(seed, RandomShape::default()).take(3_000).collect::<Vec<_>>();
    assert_eq!(flow(1), flow(1));
    assert_ne!(flow(1), flow(2));
}

#[test]
fn every_action_and_every_kind_of_answer_occurs() {
    let (mut actions, mut answers) = (BTreeMap::new(), BTreeMap::new());
    for (_, shape) in RandomShape::presets() {
        for (_, command, events) in RandomFlow::new(3, shape).take(STEPS) {
            *actions.entry(word(format!("{:?}", command.action))).or_insert(0) += 1;
            events.iter().for_each(|event| *answers.entry(kind(&event.fact)).or_insert(0) += 1);
        }
    }
    assert_eq!(actions.len(), 33, "actions: {actions:#?}");
    // 12 facts; 21 reasons of Rejected, 8 of Canceled, 5 kinds of Executed, 4 of Prevented, 9 of Refused (nobody adds
    // 65,536 instruments); 10 public facts.
    assert_eq!(answers.len(), 11 + 21 + 8 + 5 + 4 + 9 + 10, "answers: {answers:#?}");
}

#[test]
fn commands_mostly_do_something() {
    for (name, shape) in RandomShape::presets() {
        let flow = RandomFlow::new(4, shape);
        let answered = flow.take(STEPS).filter(|(_, _, events)| !events.is_empty()).count();
        println!("{name}: {answered} of {STEPS} answered");
        assert!(answered * 10 > STEPS * 6, "{name}: only {answered} of {STEPS} answered");
    }
}

#[test]
fn books_are_mostly_there_and_instruments_mostly_trade() {
    for (name, shape) in RandomShape::presets() {
        let mut flow = RandomFlow::new(5, shape);
        let (mut seen, mut open, mut two_sided, mut orders) = (0, 0, 0, 0);
        for _ in 0..STEPS / 50 {
            flow.by_ref().take(50).for_each(drop);
            let reference = flow.reference();
            let listed = |state: &InstrumentState| state.listed;
            for state in reference.instrument_states().into_iter().filter(listed) {
                let book = reference.book(state.terms.symbol);
                seen += 1;
                open += usize::from(state.state == MarketState::Continuous);
                two_sided += usize::from(!book.bids.is_empty() && !book.asks.is_empty());
                orders += book.bids.len() + book.asks.len();
            }
        }
        println!("{name}: {seen} seen, {open} open, {two_sided} two-sided, {} orders", orders / seen);
        assert!(open * 10 > seen * 6, "{name}: only {open} of {seen} in continuous trading");
        assert!(two_sided * 10 > seen * 4, "{name}: only {two_sided} of {seen} two-sided");
    }
}

#[test]
fn invariants_and_limits_hold() {
    for (seed, (name, shape)) in (0..).zip(RandomShape::presets()) {
        let mut flow = RandomFlow::new(seed, shape);
        for _ in 0..STEPS / 200 {
            flow.by_ref().take(20).for_each(drop);
            assert!(flow.reference().orders().count() <= shape.orders_max, "{name}");
            flow.reference().check();
        }
    }
}

#[test]
fn time_never_goes_back() {
    let times: Vec<_> =
        RandomFlow::new(6, RandomShape::everything()).map(|(time_ns, _, _)| time_ns).take(STEPS).collect();
    assert!(times.is_sorted());
    assert!(times.windows(2).any(|pair| pair[0] == pair[1]));
}

#[test]
fn without_config_changes_the_configuration_stays() {
    let features = Features { config_changes: false, ..Features::ALL };
    let shape = RandomShape { features, ..RandomShape::everything() };
    let configured = |action: &Action| matches!(action, Action::AddLogin(_) | Action::AddInstrument(_));
    let changed = |action: &Action| {
        matches!(
            action,
            Action::ChangeInstrument(_)
                | Action::ChangeLogin(_)
                | Action::RemoveInstrument(_)
                | Action::RemoveLogin(_)
        )
    };
    let flow = RandomFlow::new(5, shape).take(STEPS);
    let actions: Vec<_> = flow.map(|(_, command, _)| command.action).collect();
    assert_eq!(actions.iter().filter(|action| configured(action)).count(), 8);
    assert!(!actions.iter().any(changed));
}

#[test]
fn every_flow_can_be_written_as_a_scenario() {
    for (_, shape) in RandomShape::presets() {
        let (mut commands, mut events) = (Vec::<(TimeNs, Command)>::new(), Vec::new());
        for (time_ns, command, answer) in RandomFlow::new(8, shape).take(5_000) {
            commands.push((time_ns, command));
            events.extend(answer);
        }
        let scenario = Scenario::parse(&write(shape.orders_max as u32, &commands)).unwrap();
        let read: Vec<_> = scenario.steps.iter().map(|step| (step.time_ns, step.command)).collect();
        assert!(read == commands);
        let names = Names::of(commands.iter().map(|(_, command)| command));
        events.iter().for_each(|event| assert!(!render(event, &names).is_empty()));
    }
}
