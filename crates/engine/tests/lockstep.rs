//! The engine against the naive reference venue: same commands, same events, same states.
//!
//! `RINGSIDE_LOCKSTEP_COMMANDS` is the number of commands over all tests here, `RINGSIDE_LOCKSTEP_SEED` the first
//! seed. What differs is shrunk and written to `target/lockstep/`.

mod common;

use std::path::PathBuf;

use common::Tested;
use ringside_sim::lockstep::{self, Difference, Venue};
use ringside_sim::random::{RandomFlow, RandomShape};
use ringside_sim::scenario::{self, Scenario};

/// Commands over all presets unless the environment says otherwise.
const COMMANDS: usize = 2_700_000;

/// Commands of one run: books and counters start anew after them.
const RUN: usize = 20_000;

fn from_environment(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Runs of a preset, each with a seed of its own, until its share of the commands is used up.
fn lockstep(name: &str, shape: RandomShape) {
    let presets = RandomShape::presets();
    assert!(presets.contains(&(name, shape)), "every test is a preset");
    let commands = from_environment("RINGSIDE_LOCKSTEP_COMMANDS", COMMANDS) / presets.len();
    let first = from_environment("RINGSIDE_LOCKSTEP_SEED", 1);
    for index in 0..commands.div_ceil(RUN) {
        let seed = (first + index) as u64;
        let run = lockstep::run(seed, shape, RUN.min(commands - index * RUN), Tested::new);
        run.unwrap_or_else(|difference| fail(name, &difference));
    }
}

fn fail(name: &str, difference: &Difference) -> ! {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../lockstep");
    let file = folder.join(format!("{name}_{}.scn", difference.seed));
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, &difference.scenario));
    let place = written.map_or_else(|error| error.to_string(), |()| file.display().to_string());
    panic!("{name}: {difference}\nwritten to {place}");
}

macro_rules! presets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            lockstep(stringify!($name), RandomShape::$name());
        })*

        #[test]
        fn every_preset_is_tested() {
            let tested = [$(stringify!($name)),*];
            let presets = RandomShape::presets();
            assert!(presets.iter().all(|(name, _)| tested.contains(name)));
        }
    };
}

presets! { plain everything auctions stops_and_pegs prevention balances prorata risk nearly_full }

#[test]
fn a_deep_book_equals_the_reference() {
    let shape = RandomShape { instruments: 1, logins: 2, orders_max: 20_000, ..RandomShape::plain() };
    let commands = 20_000.min(from_environment("RINGSIDE_LOCKSTEP_COMMANDS", COMMANDS));
    lockstep::run(7, shape, commands, Tested::new).unwrap_or_else(|difference| fail("deep", &difference));
}

#[test]
fn the_same_commands_give_the_same_state_hash_and_other_commands_another() {
    let hash = |seed, skip| {
        let mut venue = Tested::new(200);
        for (n, (time_ns, command, _)) in
            RandomFlow::new(seed, RandomShape::everything()).take(3_000).enumerate()
        {
            if n != skip {
                venue.apply(time_ns, &command);
            }
        }
        venue.state_hash()
    };
    assert_eq!(hash(1, usize::MAX), hash(1, usize::MAX));
    assert_ne!(hash(1, usize::MAX), hash(2, usize::MAX));
}

#[test]
fn every_scenario_file_holds_for_the_engine() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../sim/scenarios");
    let mut files = 0;
    for entry in std::fs::read_dir(directory).expect("the scenarios are beside the reference") {
        let path = entry.expect("a directory entry").path();
        let text = std::fs::read_to_string(&path).expect("a scenario file");
        let scenario = Scenario::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut venue = Tested::new(scenario.orders_max);
        let result = scenario::run(&scenario, &mut |time_ns, command| venue.apply(time_ns, command));
        result.unwrap_or_else(|mismatch| panic!("{}\n{mismatch}", path.display()));
        venue.check();
        files += 1;
    }
    assert!(files >= 60, "only {files} scenarios found");
}
