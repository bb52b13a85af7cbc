//! Every scenario file holds for the reference.

use std::fs;
use std::path::{Path, PathBuf};

use ringside_domain::Fact;
use ringside_sim::reference::Reference;
use ringside_sim::scenario::{Scenario, render, run};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = fs::read_dir(folder).expect("the scenarios are part of the crate");
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "scn"));
    files.sort();
    files
}

fn parse(file: &Path) -> Scenario {
    let text = fs::read_to_string(file).unwrap();
    Scenario::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn every_scenario_holds_for_the_reference() {
    let files = files();
    assert!(files.len() >= 14, "only {} scenarios", files.len());
    for file in files {
        let scenario = parse(&file);
        let mut reference = Reference::new(scenario.orders_max as usize);
        let held = run(&scenario, &mut |time_ns, command| reference.apply(time_ns, command));
        held.unwrap_or_else(|mismatch| panic!("{}: {mismatch}", file.display()));
    }
}

#[test]
fn a_wrong_expectation_is_shown_with_its_line() {
    let text = "instrument X tick=1 lot=1\nlogin A firm=F\nA enter 1 buy 5 X @ 10\n  > A accepted 1 buy 6 X @ 10 ref 1\n";
    let scenario = Scenario::parse(text).unwrap();
    let mut reference = Reference::new(9);
    let mismatch = run(&scenario, &mut |time_ns, command| reference.apply(time_ns, command)).unwrap_err();
    assert_eq!((mismatch.line, mismatch.command_line), (4, 3));
    assert_eq!(
        mismatch.to_string(),
        "line 4: not what was expected\n@@ line 3 @@ A enter 1 buy 5 X @ 10\n\
         - > A accepted 1 buy 6 X @ 10 ref 1\n+ > A accepted 1 buy 5 X @ 10 ref 1\n"
    );
}

#[test]
fn a_missing_expectation_is_shown_with_the_line_of_its_command() {
    let text = "instrument X tick=1 lot=1\nlogin A firm=F\n\nA enter 1 buy 5 X @ 10\n";
    let mut reference = Reference::new(9);
    let scenario = Scenario::parse(text).unwrap();
    let mismatch = run(&scenario, &mut |time_ns, command| reference.apply(time_ns, command)).unwrap_err();
    assert_eq!((mismatch.line, mismatch.expected.len(), mismatch.found.len()), (4, 0, 1));
}

#[test]
fn what_is_not_a_command_is_refused_with_its_line() {
    for (line, text) in [
        "nobody enter 1 buy 5 X @ 10",
        "login A firm=FIVES",
        "login A\nA enter 1 buy 5 X at 10",
        "login A\nA enter 1 buy 5 X @ 10 colour=red",
        "login A\nA enter 1 buy 5 X @ 10 tif",
        "login A\nA cancel 1 to",
        "login A\nA connect now",
        "> A accepted",
    ]
    .map(|text| (text.lines().count(), text))
    {
        assert_eq!(Scenario::parse(text).unwrap_err().line, line, "{text}");
    }
}

#[test]
#[ignore = "a tool: prints a scenario with the reference's events; RINGSIDE_SCENARIO names the file"]
fn print_a_scenario_with_the_events_of_the_reference() {
    let file = PathBuf::from(std::env::var("RINGSIDE_SCENARIO").expect("RINGSIDE_SCENARIO names the file"));
    let scenario = parse(&file);
    let mut reference = Reference::new(scenario.orders_max as usize);
    let source = fs::read_to_string(&file).unwrap();
    for (index, line) in source.lines().enumerate().filter(|(_, line)| !line.trim().starts_with('>')) {
        println!("{line}");
        for step in scenario.steps.iter().filter(|step| step.line == index + 1) {
            let events = reference.apply(step.time_ns, &step.command);
            let told =
                events.iter().filter(|event| step.public || !matches!(event.fact, Fact::Market { .. }));
            told.for_each(|event| println!("  > {}", render(event, &scenario.names)));
        }
    }
}
