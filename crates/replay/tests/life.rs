//! The life of one order.

mod common;

use std::path::Path;

use common::*;
use ringside_domain::*;
use ringside_replay::{Ending, Life, Step, Wanted, Whole, find_trade};

fn life(data_dir: &Path, login: &str, user_ref_num: u32) -> Option<(Vec<Step>, Whole)> {
    let wanted = Wanted { login, user_ref_idx: 0, user_ref_num };
    let mut life = Life::find(data_dir, &wanted).unwrap()?;
    let mut steps = Vec::new();
    assert!(!life.run_to(Sequence::MAX, |step| steps.push(step)).unwrap());
    Some((steps, life.whole()))
}

/// Sequence, number, what (and with whom), what is left.
fn short(steps: &[Step]) -> Vec<(u64, u32, String, u32)> {
    let what = |step: &Step| {
        let kind = step.event.as_ref().map_or("", |event| event["type"].as_str().unwrap());
        let with = step.counterparty.as_ref();
        kind.to_owned()
            + &with.map_or(String::new(), |other| format!(" {} {}", other.login, other.user_ref_num))
    };
    steps.iter().map(|step| (step.sequence, step.user_ref_num, what(step), step.leaves)).collect()
}

/// Alice's order 1 rests, is replaced by 2, trades with Bob and Carol, is reduced, replaced by 5, and cancelled.
fn story() -> Vec<Command> {
    let reduce = Cancel { user_ref_num: 2, quantity: 90, user_ref_idx: 0 };
    let mut commands = setup();
    commands.extend([
        enter(ALICE, 1, b'B', 100, 10_000),
        enter(BOB, 1, b'S', 7, 12_500),
        replace(ALICE, 1, 2, 100, 12_500),
        enter(CAROL, 1, b'S', 10, 12_500),
        Command { login: ALICE, action: Action::Cancel(reduce) },
        enter(ALICE, 4, b'B', 1, 2_500),
        replace(ALICE, 2, 5, 80, 7_500),
        enter(BOB, 2, b'S', 3, 7_500),
        cancel(ALICE, 5),
        cancel(ALICE, 5),
    ]);
    commands
}

#[test]
fn an_order_is_followed_through_its_replacements_with_counterparties_and_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), timed(story()));
    let (steps, whole) = life(dir.path(), "ALICE", 2).unwrap();
    let expected = [
        (6, 1, "accepted", 100),
        (8, 2, "replaced", 100),
        (8, 2, "executed BOB 1", 93),
        (9, 2, "executed CAROL 1", 83),
        (10, 2, "canceled", 73),
        (12, 5, "replaced", 63),
        (13, 5, "executed BOB 2", 60),
        (14, 5, "canceled", 0),
        (15, 5, "", 0),
    ]
    .map(|(sequence, number, what, leaves)| (sequence, number, what.to_owned(), leaves));
    assert_eq!(short(&steps), expected);
    assert_eq!((whole.root, whole.last, whole.executed, whole.leaves), (1, 5, 20, 0));
    assert_eq!(whole.notional, 7 * 12_500 + 10 * 12_500 + 3 * 7_500);
    assert_eq!(whole.ending, Ending::Canceled);
    assert_eq!(steps[7].words, "60 canceled: asked for, or its replacement was invalid");
    assert_eq!(steps[8].words, "asked, and nothing happened");
    assert_eq!(steps[0].time_ns, START_NS + 5_000);
    for other in [1, 5] {
        assert_eq!(life(dir.path(), "ALICE", other).unwrap().0, steps, "any number of the chain will do");
    }
}

#[test]
fn a_filled_a_rejected_a_live_and_an_unknown_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut commands = story();
    commands.push(enter(CAROL, 2, b'B', 5, 1));
    write(dir.path(), timed(commands));
    let (steps, whole) = life(dir.path(), "BOB", 1).unwrap();
    assert_eq!((steps.len(), whole.ending, whole.executed), (2, Ending::Filled, 7));
    let (steps, whole) = life(dir.path(), "CAROL", 2).unwrap();
    assert_eq!((steps.len(), whole.ending), (1, Ending::Rejected));
    assert_eq!(steps[0].words, "rejected: invalid price");
    let (steps, whole) = life(dir.path(), "ALICE", 4).unwrap();
    assert_eq!((steps.len(), whole.ending, whole.leaves), (1, Ending::Live, 1));
    for (login, user_ref_num) in [("ALICE", 3), ("NOBODY", 1), ("alice", 1)] {
        assert!(life(dir.path(), login, user_ref_num).is_none(), "{login} {user_ref_num}");
    }
}

#[test]
fn a_trade_broken_after_the_end_belongs_to_the_life() {
    let dir = tempfile::tempdir().unwrap();
    let mut commands = setup();
    commands.extend([enter(ALICE, 1, b'B', 5, 10_000), enter(BOB, 1, b'S', 5, 10_000)]);
    write(dir.path(), timed(commands.clone()));
    let bust = find_trade(dir.path(), 1, b'E').unwrap().unwrap();
    commands.push(venue(Action::Bust(bust)));
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), timed(commands));
    let (steps, whole) = life(dir.path(), "ALICE", 1).unwrap();
    let last = steps.last().unwrap();
    assert_eq!((last.words.as_str(), last.sequence), ("trade 1 broken", 8));
    assert_eq!(whole.ending, Ending::Filled);
}

/// An order that outlives the day.
fn lasting(login: LoginId, user_ref_num: u32, side: u8, quantity: u32, price: u64) -> Command {
    let mut command = enter(login, user_ref_num, side, quantity, price);
    if let Action::Enter(order) = &mut command.action {
        order.options.expire_at = 0;
    }
    command
}

/// 6: Alice's order 1 ends with the day. 7: her order 2 outlives it. 8: Bob takes 3 of that. 9: the roll; order 2 is now 1 of
/// channel 255. 10: Alice's order 7. 11: Bob takes 4 of the older one. 12: another roll; 13: Bob takes the last 3.
fn two_rolls() -> Vec<Command> {
    let mut commands = setup();
    commands.extend([
        enter(ALICE, 1, b'B', 100, 7_500),
        lasting(ALICE, 2, b'B', 10, 10_000),
        enter(BOB, 1, b'S', 3, 10_000),
        venue(Action::RollSession),
        enter(ALICE, 7, b'B', 5, 7_500),
        enter(BOB, 1, b'S', 4, 10_000),
        venue(Action::RollSession),
        enter(BOB, 1, b'S', 3, 10_000),
    ]);
    commands
}

fn life_of(data_dir: &Path, user_ref_idx: u8, user_ref_num: u32) -> (Vec<Step>, Whole) {
    let wanted = Wanted { login: "ALICE", user_ref_idx, user_ref_num };
    let mut life = Life::find(data_dir, &wanted).unwrap().unwrap();
    let mut steps = Vec::new();
    life.run_to(Sequence::MAX, |step| steps.push(step)).unwrap();
    (steps, life.whole())
}

#[test]
fn an_order_first_named_in_a_later_session_is_told() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), timed(two_rolls()));
    let (steps, whole) = life_of(dir.path(), 0, 7);
    let expected = [(10, 7, "accepted".to_owned(), 5), (12, 7, "canceled".to_owned(), 0)];
    assert_eq!(short(&steps), expected);
    assert_eq!((whole.root, whole.leaves, whole.ending), (7, 0, Ending::Canceled));
}

#[test]
fn an_order_is_told_from_its_beginning_by_its_old_name_and_by_those_it_was_carried_over_with() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), timed(two_rolls()));
    let (steps, whole) = life_of(dir.path(), 0, 2);
    let expected = [
        (7, 2, "accepted", 10),
        (8, 2, "executed BOB 1", 7),
        (9, 1, "accepted", 7),
        (11, 1, "executed BOB 1", 3),
        (12, 1, "accepted", 3),
        (13, 1, "executed BOB 1", 0),
    ]
    .map(|(sequence, number, what, leaves)| (sequence, number, what.to_owned(), leaves));
    assert_eq!(short(&steps), expected);
    assert_eq!((whole.root, whole.executed, whole.ending), (2, 10, Ending::Filled));
    assert_eq!(life_of(dir.path(), 255, 1), (steps, whole), "a carried name will do");
}

#[test]
fn a_name_that_two_sessions_have_used_is_that_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut commands = two_rolls();
    commands.push(enter(ALICE, 1, b'B', 6, 7_500));
    write(dir.path(), timed(commands));
    let (steps, whole) = life_of(dir.path(), 0, 1);
    let expected = [(6, 1, "accepted".to_owned(), 100), (9, 1, "canceled".to_owned(), 0)];
    assert_eq!((short(&steps), whole.ending), (expected.to_vec(), Ending::Canceled));
}

#[test]
fn an_order_that_was_refused_in_a_later_session_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut commands = two_rolls();
    commands.push(enter(CAROL, 9, b'B', 5, 1));
    write(dir.path(), timed(commands));
    let (steps, whole) = life(dir.path(), "CAROL", 9).unwrap();
    assert_eq!((short(&steps).len(), steps[0].sequence, whole.ending), (1, 14, Ending::Rejected));
}

/// Whatever the rules do, the steps of an order add up.
#[test]
fn the_life_of_every_order_of_a_random_flow_adds_up() {
    let dir = tempfile::tempdir().unwrap();
    let flow = random_flow(1, 41, 1_500);
    write(dir.path(), flow.clone());
    let mut told = 0;
    for (_, command) in flow.iter().step_by(37) {
        let Action::Enter(order) = &command.action else { continue };
        let mut past = ringside_replay::Past::open(dir.path()).unwrap();
        past.run_to(u64::MAX).unwrap();
        let name = ringside_replay::login_name(past.engine(), command.login);
        let wanted = Wanted {
            login: &name,
            user_ref_idx: order.options.user_ref_idx,
            user_ref_num: order.user_ref_num,
        };
        let Some(mut life) = Life::find(dir.path(), &wanted).unwrap() else { continue };
        let mut steps = Vec::new();
        life.run_to(u64::MAX, |step| steps.push(step)).unwrap();
        let executed: u64 = steps
            .iter()
            .filter_map(|step| step.event.as_ref().filter(|event| event["type"] == "executed"))
            .map(|event| event["quantity"].as_u64().unwrap())
            .sum();
        assert_eq!(executed, life.whole().executed, "{wanted:?}");
        let trades = steps.iter().filter(|step| step.counterparty.is_some()).count();
        let executions =
            steps.iter().filter(|step| step.event.as_ref().is_some_and(|e| e["type"] == "executed"));
        assert_eq!(trades, executions.count(), "every execution has another side");
        told += 1;
    }
    assert!(told > 10, "{told}");
}
