//! Runs a scenario against anything that answers commands with events.

use std::fmt;

use ringside_domain::{Command, Event, Fact};

use super::{Scenario, Step, render};

/// The first command whose events are not the expected ones.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// 1-based line of the first difference: of the wrong expectation, or of the command when an event
    /// has no line at all.
    pub line: usize,
    /// 1-based line of the command.
    pub command_line: usize,
    /// The command.
    pub command: String,
    /// Expected lines.
    pub expected: Vec<String>,
    /// What happened.
    pub found: Vec<String>,
}

/// Gives every command to `apply`, with its time, and compares the answers. What the public is told counts only
/// after `public on`.
pub fn run(scenario: &Scenario, apply: &mut dyn FnMut(u64, &Command) -> Vec<Event>) -> Result<(), Mismatch> {
    for step in &scenario.steps {
        let events = apply(step.time_ns, &step.command);
        let counts = |event: &&Event| step.public || !matches!(event.fact, Fact::Market { .. });
        let found: Vec<_> =
            events.iter().filter(counts).map(|event| render(event, &scenario.names)).collect();
        compare(step, found)?;
    }
    Ok(())
}

fn compare(step: &Step, found: Vec<String>) -> Result<(), Mismatch> {
    let expected: Vec<_> = step.expected.iter().map(|expected| expected.text.clone()).collect();
    if expected == found {
        return Ok(());
    }
    let same = common(&expected, &found);
    let line = step.expected.get(same).map_or(step.line, |expected| expected.line);
    Err(Mismatch { line, command_line: step.line, command: step.text.clone(), expected, found })
}

/// Number of equal lines at the start.
fn common(expected: &[String], found: &[String]) -> usize {
    expected.iter().zip(found).take_while(|(expected, found)| expected == found).count()
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "line {}: not what was expected", self.line)?;
        writeln!(f, "@@ line {} @@ {}", self.command_line, self.command)?;
        let same = common(&self.expected, &self.found);
        let marked = |f: &mut fmt::Formatter<'_>, mark: char, lines: &[String]| {
            lines.iter().try_for_each(|line| writeln!(f, "{mark} > {line}"))
        };
        marked(f, ' ', &self.expected[..same])?;
        marked(f, '-', &self.expected[same..])?;
        marked(f, '+', &self.found[same..])
    }
}

impl std::error::Error for Mismatch {}
