//! Data directories of every journal format that was ever released, replayed to the state they were recorded with.
//!
//! `golden/first`: everything that the first format could say (kinds 1 to 18, version 1). `golden/rules`: every kind and
//! version of journal format 1 today. Beside each journal, `expected` has what `ringside replay verify
//! --state-hash-every 100` printed when it was recorded.
//!
//! `RINGSIDE_BLESS=1 cargo test` records a directory that is missing. One that is there is never written again: a
//! journal that replays to another state is a change of the rules without a command that says so.

mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use common::*;
use ringside_domain::*;
use ringside_journal::format::{RECORD_HEADER_LENGTH, SEGMENT_HEADER_LENGTH};
use ringside_replay::Past;
use ringside_sim::random::Prng;

const SEGMENT: u64 = 32_768;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// What `ringside replay verify --state-hash-every 100` prints.
fn verified(data_dir: &Path) -> String {
    let mut past = Past::open(data_dir).unwrap();
    let mut text = String::new();
    let mut due = 100;
    while past.run_to(due).unwrap() {
        writeln!(text, "{due} {:016x}", past.engine().state_hash()).unwrap();
        due += 100;
    }
    let found = past.summary();
    assert_eq!(found.torn_tail_bytes, None);
    let line = serde_json::json!({"first_sequence": found.first_sequence, "last_sequence": found.last_sequence,
        "commands": found.commands, "trades": found.trades, "volume": found.volume,
        "state_hash": format!("{:016x}", found.state_hash), "state_hashes": found.state_hashes});
    writeln!(text, "{line}").unwrap();
    text
}

fn check(name: &str, commands: impl FnOnce() -> Vec<Timed>) {
    let directory = golden(name);
    if std::env::var_os("RINGSIDE_BLESS").is_some() && !directory.exists() {
        write_in(&directory, SEGMENT, commands());
        std::fs::write(directory.join("expected"), verified(&directory)).unwrap();
    }
    let expected = std::fs::read_to_string(directory.join("expected")).unwrap();
    assert!(expected.lines().count() > 5, "several states were recorded");
    assert_eq!(verified(&directory), expected, "{name} replays to the states it was recorded with");
}

/// Orders, replacements, cancels and all else that the first format knew, of three logins.
fn first_format() -> Vec<Timed> {
    let mut dice = Prng::new(1);
    let mut commands = setup();
    commands.extend([ALICE, BOB, CAROL].map(|login| Command { login, action: Action::Connect }));
    let mut last = [0; 4];
    for _ in 0..800 {
        let login = LoginId(1 + dice.below(3) as u32);
        let number = &mut last[login.0 as usize];
        let earlier = |dice: &mut Prng, number: u32| number.saturating_sub(dice.below(12) as u32).max(1);
        let action = match dice.below(40) {
            0..20 => {
                *number += 1;
                let price = 10_000 + 2_500 * dice.below(8);
                let side = [b'B', b'S', b'T'][dice.below(3) as usize];
                let Action::Enter(mut order) =
                    enter(login, *number, side, 1 + dice.below(40) as u32, price).action
                else {
                    unreachable!("an Enter")
                };
                order.time_in_force = if dice.chance(20) { b'3' } else { b'0' };
                order.options.post_only = if dice.chance(10) { b'P' } else { 0 };
                Action::Enter(order)
            }
            20..26 => {
                let original = earlier(&mut dice, *number);
                *number += 1;
                replace(login, original, *number, 1 + dice.below(60) as u32, 10_000 + 2_500 * dice.below(8))
                    .action
            }
            26..32 => cancel(login, earlier(&mut dice, *number)).action,
            32 => Action::Cancel(Cancel {
                user_ref_num: earlier(&mut dice, *number),
                quantity: 5,
                user_ref_idx: 0,
            }),
            33 => Action::Modify(Modify {
                user_ref_num: earlier(&mut dice, *number),
                quantity: 3,
                side: b'S',
                user_ref_idx: 0,
            }),
            34 => {
                *number += 1;
                Action::MassCancel(MassCancel {
                    user_ref_num: *number,
                    firm: Firm::BLANK,
                    symbol: Text(*b"ESH4    "),
                    side: b'B',
                    group_id: None,
                    user_ref_idx: None,
                })
            }
            kind @ (35 | 36) => {
                *number += 1;
                let switch = EntrySwitch { user_ref_num: *number, firm: Firm::BLANK, user_ref_idx: 0 };
                if kind == 35 && dice.chance(20) {
                    Action::DisableEntry(switch)
                } else {
                    Action::EnableEntry(switch)
                }
            }
            37 => Action::AccountQuery(AccountQuery { user_ref_idx: 0 }),
            38 => Action::Disconnect,
            _ => Action::Connect,
        };
        commands.push(Command { login, action });
    }
    let other = InstrumentTerms::plain(InstrumentId(2), Text(*b"NQH4    "), 1, 10);
    let dave = LoginTerms {
        cancel_on_disconnect: true,
        ..LoginTerms::plain(LoginId(4), Text(*b"DAVE  "), Text(*b"DAVE"))
    };
    commands.extend(
        [
            Action::AddInstrument(other),
            Action::ChangeInstrument(InstrumentTerms { lot: 5, ..other }),
            Action::AddLogin(dave),
            Action::ChangeLogin(LoginTerms { cancel_on_disconnect: false, ..dave }),
            Action::StorageFull(true),
            Action::StorageFull(false),
            Action::RemoveLogin(LoginId(4)),
            Action::RemoveInstrument(InstrumentId(2)),
        ]
        .map(venue),
    );
    timed(commands)
}

/// The random flow with all features, and the commands that it has too seldom.
fn every_rule() -> Vec<Timed> {
    let mut flow = random_flow(1, 71, 1_500);
    let (first, last) = (flow[0].0, flow[flow.len() - 1].0);
    let seldom = [Action::SetSeed(7), Action::StorageFull(true), Action::StorageFull(false)];
    flow.splice(0..0, seldom.map(|action| (first, venue(action))));
    flow.push((last, venue(Action::RemoveInstrument(InstrumentId(1)))));
    flow
}

/// Kind and version of every record of a directory, marks left out.
fn kinds(name: &str) -> std::collections::BTreeSet<(u8, u8)> {
    let mut kinds = std::collections::BTreeSet::new();
    for (_, bytes) in contents(&golden(name).join("journal")) {
        let mut offset = SEGMENT_HEADER_LENGTH as usize;
        while let Some(header) = bytes.get(offset..offset + RECORD_HEADER_LENGTH) {
            let length = u32::from_le_bytes(header[..4].try_into().unwrap()) as usize;
            if length == 0 {
                break;
            }
            kinds.insert((header[30], header[31]));
            offset += length;
        }
    }
    kinds.into_iter().filter(|(kind, _)| *kind < 240).collect()
}

#[test]
fn the_first_format_replays_to_its_recorded_states() {
    check("first", first_format);
    assert_eq!(kinds("first"), (1..=18).map(|kind| (kind, 1)).collect());
}

#[test]
fn every_kind_of_the_present_format_replays_to_its_recorded_states() {
    check("rules", every_rule);
    let all: std::collections::BTreeSet<_> = (1..=30).collect();
    let found: std::collections::BTreeSet<_> = kinds("rules").into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(found, all);
    for kind in [1, 2, 12, 13, 15, 16] {
        assert!(kinds("rules").contains(&(kind, 2)), "kind {kind} in its second version");
    }
}
