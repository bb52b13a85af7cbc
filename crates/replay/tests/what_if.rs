//! What would have happened if.

mod common;

use std::path::Path;

use common::*;
use ringside_domain::*;
use ringside_replay::{EditError, Edits, WhatIf};
use serde_json::{Value, json};

fn what_if(data_dir: &Path, edits: Edits) -> Result<Value, EditError> {
    let mut what_if = WhatIf::open(data_dir, edits)?;
    what_if.run_to(Sequence::MAX)?;
    what_if.report()
}

fn without(text: &str) -> Edits {
    let mut edits = Edits::default();
    edits.remove(text).unwrap();
    edits
}

fn with_file(lines: &[Value], read: impl Fn(&mut Edits, &Path) -> Result<(), EditError>) -> Edits {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lines.jsonl");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(&file, text).unwrap();
    let mut edits = Edits::default();
    read(&mut edits, &file).unwrap();
    edits
}

/// 6: Alice sells 5. 7: Carol sells 5, behind her. 8: Bob buys 5, from Alice. 9: Bob's bid of 1 rests.
fn story() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut commands = setup();
    commands.extend([
        enter(ALICE, 1, b'S', 5, 10_000),
        enter(CAROL, 1, b'S', 5, 10_000),
        enter(BOB, 1, b'B', 5, 10_000),
        enter(BOB, 2, b'B', 1, 7_500),
    ]);
    write(dir.path(), timed(commands));
    dir
}

fn of<'a>(list: &'a Value, login: &str) -> &'a Value {
    let found = list.as_array().unwrap().iter().find(|entry| entry["login"] == login);
    found.unwrap_or_else(|| panic!("{login} is in {list}"))
}

#[test]
fn an_order_left_out_lets_the_next_one_trade() {
    let dir = story();
    let report = what_if(dir.path(), without("6")).unwrap();
    assert_eq!((&report["removed"], &report["first_edited_sequence"]), (&json!(1), &json!(6)));
    assert_eq!(report["first_divergent_sequence"], 8, "numbers that shift are no difference: {report:#}");
    assert_eq!((&report["before"]["trades"], &report["after"]["trades"]), (&json!(1), &json!(1)));
    assert_eq!((&report["before"]["live_orders"], &report["after"]["live_orders"]), (&json!(2), &json!(1)));
    let positions = &report["positions"];
    assert_eq!(positions.as_array().unwrap().len(), 2, "Bob has the same: {positions:#}");
    let position = |login: &str, run: &str| of(positions, login)[run]["position"].clone();
    assert_eq!((position("ALICE", "before"), position("ALICE", "after")), (json!(-5), json!(0)));
    assert_eq!((position("CAROL", "before"), position("CAROL", "after")), (json!(0), json!(-5)));
    assert_eq!(of(positions, "ALICE")["before"]["received"], 50_000);
    assert_eq!(report["orders_changed"], 2);
    assert_eq!(of(&report["orders"], "ALICE")["after"], Value::Null);
    assert_eq!(
        of(&report["orders"], "CAROL")["before"],
        json!({"state": "live", "leaves": 5, "executed": 0})
    );
    assert_eq!(
        of(&report["orders"], "CAROL")["after"],
        json!({"state": "filled", "executed": 5, "notional": 50_000})
    );
    assert_eq!((&report["trades_gone"], &report["trades_new"]), (&json!(1), &json!(1)));
    assert_eq!(report["trades"][0]["seller"]["login"], "ALICE");
    assert_eq!(report["trades"][1]["seller"]["login"], "CAROL");
}

#[test]
fn a_login_left_out_takes_all_its_orders_with_it() {
    let dir = story();
    let mut edits = Edits::default();
    edits.remove_login("BOB").unwrap();
    let report = what_if(dir.path(), edits).unwrap();
    assert_eq!((&report["removed"], &report["after"]["trades"]), (&json!(2), &json!(0)));
    assert_eq!(report["first_divergent_sequence"], Value::Null, "nobody else was answered otherwise");
    assert_eq!(report["orders_changed"], 3);
    assert_eq!(of(&report["logins"], "BOB")["after"]["accepted"], 0);
}

#[test]
fn a_command_is_changed_in_its_place() {
    let dir = story();
    let line = json!({"sequence": 8, "time_ns": 1, "command": {"type": "enter", "login": "BOB", "user_ref_num": 1,
        "side": "B", "quantity": 7, "symbol": "ESH4", "price": 10_000}, "events": []});
    let report = what_if(dir.path(), with_file(&[line], |edits, file| edits.change(file))).unwrap();
    assert_eq!((&report["changed"], &report["after"]["volume"]), (&json!(1), &json!(7)));
    assert_eq!(of(&report["positions"], "CAROL")["after"]["sold"], 2);
    assert_eq!(report["trades_new"], 1);
}

#[test]
fn commands_are_added_behind_others_at_their_time() {
    let dir = story();
    let order = json!({"type": "enter", "login": "CAROL", "user_ref_num": 2, "side": "S", "quantity": 1,
        "symbol": "ESH4", "price": 7_500});
    let mut early = order.clone();
    early["after"] = json!(5);
    for (line, after, buyer_before) in [(order, Some(9), "BOB"), (early, None, "BOB")] {
        let edits = with_file(&[line], |edits, file| edits.add(file, after));
        let report = what_if(dir.path(), edits).unwrap();
        assert_eq!(report["added"], 1, "{report:#}");
        assert_eq!(report["first_edited_sequence"], json!(after.unwrap_or(5) + 1));
        assert_eq!(of(&report["positions"], "CAROL")["after"]["sold"], 1);
        let new = report["trades"].as_array().unwrap().iter().find(|trade| trade["change"] == "new").unwrap();
        assert_eq!(new["buyer"]["login"], buyer_before);
    }
}

#[test]
fn nothing_changed_changes_nothing_even_with_all_the_rules() {
    for preset in 0..ringside_sim::random::RandomShape::presets().len() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), random_flow(preset, 61, 2_000));
        let report = what_if(dir.path(), without("1000000")).unwrap();
        assert_eq!(report["before"], report["after"]);
        for list in ["logins", "positions", "orders", "trades"] {
            assert_eq!(report[list], json!([]), "{list}");
        }
        assert_eq!(
            (&report["first_divergent_sequence"], &report["orders_changed"]),
            (&Value::Null, &json!(0))
        );
    }
}

/// In both sessions Alice's order 1 and Bob's order 1 trade. Without Bob's first one only those of the first session differ.
#[test]
fn numbers_that_a_later_session_uses_again_are_other_orders() {
    let dir = tempfile::tempdir().unwrap();
    let mut commands = setup();
    let session = [enter(ALICE, 1, b'S', 5, 10_000), enter(BOB, 1, b'B', 5, 10_000)];
    commands.extend(session);
    commands.push(venue(Action::RollSession));
    commands.extend(session);
    write(dir.path(), timed(commands));
    let report = what_if(dir.path(), without("7")).unwrap();
    assert_eq!(report["orders_changed"], 2, "{report:#}");
    let filled = json!({"state": "filled", "executed": 5, "notional": 50_000});
    let (alice, bob) = (of(&report["orders"], "ALICE"), of(&report["orders"], "BOB"));
    assert_eq!((&alice["before"], &bob["before"]), (&filled, &filled));
    assert_eq!(alice["after"], json!({"state": "canceled", "reason": "E", "executed": 0}));
    assert_eq!(bob["after"], Value::Null);
}

/// A trade that is broken counts in no position: with all busts left out, positions are those of all trades.
#[test]
fn positions_follow_broken_trades() {
    let dir = tempfile::tempdir().unwrap();
    let mut commands = setup();
    commands.extend([enter(ALICE, 1, b'B', 5, 10_000), enter(BOB, 1, b'S', 5, 10_000)]);
    write(dir.path(), timed(commands.clone()));
    commands.push(venue(Action::Bust(ringside_replay::find_trade(dir.path(), 1, b'E').unwrap().unwrap())));
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), timed(commands));
    let report = what_if(dir.path(), without("8")).unwrap();
    let position = |run: &str| of(&report["positions"], "ALICE")[run].clone();
    let nothing = json!({"bought": 0, "sold": 0, "position": 0, "paid": 0, "received": 0});
    assert_eq!(position("before"), nothing);
    assert_eq!(
        position("after"),
        json!({"bought": 5, "sold": 0, "position": 5, "paid": 50_000, "received": 0})
    );
}

#[test]
fn edits_that_cannot_be_are_errors_that_name_the_line() {
    let dir = story();
    let tick = json!({"type": "tick"});
    let beyond = with_file(std::slice::from_ref(&tick), |edits, file| edits.add(file, Some(10)));
    assert!(matches!(what_if(dir.path(), beyond), Err(EditError::Beyond(10))));
    let unknown = json!({"type": "cancel", "login": "DAVE", "user_ref_num": 1});
    let edits = with_file(&[tick, unknown], |edits, file| edits.add(file, Some(7)));
    let error = what_if(dir.path(), edits).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("DAVE"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lines");
    std::fs::write(&file, "{\"type\":\"tick\"}\n").unwrap();
    assert!(matches!(Edits::default().add(&file, None), Err(EditError::Where { line: 1, .. })));
    assert!(matches!(Edits::default().change(&file), Err(EditError::Where { line: 1, .. })));
}
