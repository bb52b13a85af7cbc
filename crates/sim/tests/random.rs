//! The random flow is deterministic and leaves nothing out.

use std::collections::BTreeSet;

use ringside_domain::{Action, Event, Fact, LoginId};
use ringside_sim::random::{RandomFlow, RandomShape};

const STEPS: usize = 60_000;

fn word(text: String) -> String {
    text.split(['(', ' ']).next().unwrap_or("").to_owned()
}

#[test]
fn equal_seeds_give_equal_flows() {
    let flow = |seed| RandomFlow::new(seed, RandomShape::default()).take(3_000).collect::<Vec<_>>();
    assert_eq!(flow(1), flow(1));
    assert_ne!(flow(1), flow(2));
}

#[test]
fn every_action_and_every_kind_of_answer_occurs() {
    let (mut actions, mut answers) = (BTreeSet::new(), BTreeSet::new());
    for (command, events) in RandomFlow::new(3, RandomShape::default()).take(STEPS) {
        actions.insert(word(format!("{:?}", command.action)));
        let told_to_logins = |event: &Event| event.login != LoginId::VENUE;
        for event in events.into_iter().filter(told_to_logins) {
            answers.insert(match event.fact {
                Fact::Rejected { reason, .. } => format!("Rejected {reason:?}"),
                Fact::Canceled { reason, .. } => format!("Canceled {reason:?}"),
                fact => word(format!("{fact:?}")),
            });
        }
    }
    assert_eq!(actions.len(), 17, "actions: {actions:?}");
    // 8 facts besides Rejected with 9 reasons and Canceled with 4.
    assert_eq!(answers.len(), 8 + 9 + 4, "answers: {answers:?}");
}

#[test]
fn commands_mostly_do_something() {
    let flow = RandomFlow::new(4, RandomShape::default());
    let answered = flow.take(STEPS).filter(|(_, events)| !events.is_empty()).count();
    assert!(answered * 10 > STEPS * 6, "only {answered} of {STEPS} answered");
}

#[test]
fn books_are_never_crossed_and_limits_hold() {
    for seed in 0..8 {
        let shape = RandomShape { orders_max: 20 + seed as usize * 40, ..RandomShape::default() };
        let mut flow = RandomFlow::new(seed, shape);
        for _ in 0..STEPS / 8 {
            flow.next();
            let reference = flow.reference();
            assert!(reference.orders().count() <= shape.orders_max, "seed {seed}");
            for terms in flow.instruments() {
                let book = reference.book(terms.symbol);
                let best = |orders: &[ringside_sim::reference::Order]| orders.first().map(|o| o.price);
                let (bid, ask) = (best(&book.bids), best(&book.asks));
                assert!(bid.is_none() || ask.is_none() || bid < ask, "seed {seed}: crossed");
            }
        }
    }
}

#[test]
fn without_config_changes_the_configuration_stays() {
    let shape = RandomShape { config_changes: false, ..RandomShape::default() };
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
    let actions: Vec<_> = RandomFlow::new(5, shape).take(20_000).map(|(command, _)| command.action).collect();
    assert_eq!(actions.iter().filter(|action| configured(action)).count(), 7);
    assert!(!actions.iter().any(changed));
}
