//! Two journals side by side.

mod common;

use std::path::Path;

use common::*;
use ringside_domain::{Action, Sequence};
use ringside_replay::{Aspect, Comparison, Difference, Divergence, Finding};

fn compare(a: &Path, b: &Path, comparison: Comparison) -> (u64, Option<Divergence>) {
    let mut difference = Difference::open(a, b, comparison).unwrap();
    let found = match difference.run_to(Sequence::MAX).unwrap() {
        Finding::Same => None,
        Finding::Different(found) => Some(*found),
        Finding::More => panic!("the end was reached"),
    };
    (difference.compared(), found)
}

/// The difference between two lists of commands.
fn difference(a: Vec<Timed>, b: Vec<Timed>, comparison: Comparison) -> (u64, Option<Divergence>) {
    let dir = tempfile::tempdir().unwrap();
    let [a_dir, b_dir] = ["a", "b"].map(|name| dir.path().join(name));
    write(&a_dir, a);
    write_in(&b_dir, 1 << 20, b);
    compare(&a_dir, &b_dir, comparison)
}

fn flow() -> Vec<Timed> {
    random_flow(1, 31, 2_000)
}

#[test]
fn the_same_commands_in_segments_of_another_length_are_the_same() {
    assert_eq!(difference(flow(), flow(), Comparison::default()), (2_000, None));
    let often = Comparison { state_hash_every: 7, ..Comparison::default() };
    assert_eq!(difference(flow(), flow(), often), (2_000, None));
}

#[test]
fn the_first_other_command_is_told_with_both_sides_decoded() {
    let mut other = timed(setup());
    other.push((START_NS + 9_000, enter(ALICE, 1, b'B', 5, 10_000)));
    other.push((START_NS + 9_001, enter(BOB, 1, b'S', 5, 10_000)));
    let mut changed = other.clone();
    changed[6].1 = enter(BOB, 1, b'S', 4, 10_000);
    let (compared, found) = difference(other, changed, Comparison::default());
    let found = found.unwrap();
    assert_eq!((compared, found.sequence, found.aspect), (6, 7, Aspect::Command));
    assert_eq!(
        (&found.sides[0]["command"]["quantity"], &found.sides[1]["command"]["quantity"]),
        (&5.into(), &4.into())
    );
    assert_eq!(found.sides[0]["command"]["login"], "BOB");
    let executed = |side: usize| {
        let events = found.sides[side]["events"].as_array().unwrap();
        events.iter().filter(|event| event["type"] == "executed").count()
    };
    assert_eq!((executed(0), executed(1)), (2, 2));
    assert_ne!(found.sides[0]["state_hash"], found.sides[1]["state_hash"]);
}

#[test]
fn another_time_is_a_difference_unless_times_do_not_count() {
    let later = flow().into_iter().map(|(time_ns, command)| (time_ns + 1, command)).collect::<Vec<_>>();
    let (compared, found) = difference(flow(), later, Comparison::default());
    assert_eq!((compared, found.map(|found| (found.sequence, found.aspect))), (0, Some((1, Aspect::Time))));
    let plain = |offset| {
        timed(setup()).into_iter().map(move |(time_ns, command)| (time_ns + offset, command)).collect()
    };
    let ignoring = Comparison { ignore_time: true, ..Comparison::default() };
    assert_eq!(difference(plain(0), plain(5), ignoring), (5, None));
}

#[test]
fn a_journal_that_ends_early_differs_where_it_ends() {
    for swapped in [false, true] {
        let (short, long) = (flow()[..1_500].to_vec(), flow());
        let (a, b) = if swapped { (long, short) } else { (short, long) };
        let (compared, found) = difference(a, b, Comparison::default());
        let found = found.unwrap();
        assert_eq!((compared, found.sequence, found.aspect), (1_500, 1_501, Aspect::Length));
        assert!(found.sides[usize::from(swapped)].is_null() && !found.sides[usize::from(!swapped)].is_null());
    }
}

#[test]
fn a_journal_directory_will_do_and_damage_is_an_error_not_a_difference() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), flow());
    let journal = dir.path().join("journal");
    assert_eq!(compare(&journal, dir.path(), Comparison::default()), (2_000, None));
    flip(dir.path(), 1, 9_000);
    let mut difference = Difference::open(&journal, dir.path(), Comparison::default()).unwrap();
    assert!(difference.run_to(Sequence::MAX).unwrap_err().to_string().contains("offset"));
}

#[test]
fn every_single_changed_command_is_found_at_its_place() {
    for at in (1..2_000).step_by(331) {
        let mut other = flow();
        other[at].1 = venue(Action::Tick);
        let (compared, found) = difference(flow(), other, Comparison::default());
        if flow()[at].1 == venue(Action::Tick) {
            assert_eq!(found, None);
        } else {
            assert_eq!((compared, found.map(|found| found.sequence)), (at as u64, Some(at as u64 + 1)));
        }
    }
}
