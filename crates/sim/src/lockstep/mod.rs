//! A venue under test against the reference: same commands, same events, same states; and when they differ, the
//! shortest story that shows it.
//!
//! [`run`] gives a random flow to a venue and compares every event, and every [`COMPARE_EVERY`] commands the whole
//! state. A [`Difference`] is shrunk to a handful of commands and written as a scenario, with the events of the
//! reference as expectations.

mod shrink;
mod state;

pub use shrink::shrink;
pub use state::{State, Venue};

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ringside_domain::{Command, Event, TimeNs};

use crate::random::{RandomFlow, RandomShape};
use crate::reference::Reference;
use crate::scenario::{Names, render, write};

/// The whole states are compared after this many commands.
pub const COMPARE_EVERY: usize = 200;

/// What happened, and when.
type Steps = Vec<(TimeNs, Command)>;

/// The first difference of a run, and the shortest list of commands found that still shows one.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Seed of the flow.
    pub seed: u64,
    /// 1-based number of the command after which the venues differed first.
    pub command: usize,
    /// What differed first.
    pub first: String,
    /// What differs after the short list.
    pub shrunk: String,
    /// Number of commands in the short list.
    pub commands: usize,
    /// The short list as a scenario.
    pub scenario: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, command {}: {}", self.seed, self.command, self.first)?;
        writeln!(f, "shrunk to {} commands: {}", self.commands, self.shrunk)?;
        writeln!(f, "{}", self.scenario)
    }
}

/// Gives `commands` of a random flow to a venue that `new` makes for `orders_max` orders.
pub fn run<V: Venue>(
    seed: u64,
    shape: RandomShape,
    commands: usize,
    new: impl Fn(u32) -> V,
) -> Result<(), Box<Difference>> {
    let orders_max = shape.orders_max as u32;
    let (mut venue, mut steps) = (new(orders_max), Steps::new());
    let mut flow = RandomFlow::new(seed, shape);
    for n in 1..=commands {
        let (time_ns, command, expected) = flow.next().expect("the flow is endless");
        steps.push((time_ns, command));
        let whole = n % COMPARE_EVERY == 0 || n == commands;
        if whole {
            flow.reference().check();
        }
        let differs = step(&mut venue, time_ns, &command, &expected)
            .or_else(|| whole.then(|| compare_states(&venue, flow.reference())).flatten());
        if let Some(first) = differs {
            drop(venue);
            return Err(Box::new(explain(seed, first, steps, orders_max, &new)));
        }
    }
    Ok(())
}

/// A panic of the venue is a difference like any other.
fn step<V: Venue>(venue: &mut V, time_ns: TimeNs, command: &Command, expected: &[Event]) -> Option<String> {
    let events = match catch_unwind(AssertUnwindSafe(|| venue.apply(time_ns, command))) {
        Ok(events) => events,
        Err(panic) => return Some(panic_text(&*panic)),
    };
    let same = events.iter().zip(expected).take_while(|(event, expected)| event == expected).count();
    if same == events.len() && same == expected.len() {
        return None;
    }
    let (venue, reference) = (events.get(same), expected.get(same));
    Some(format!("{command:?}: event {same}\n  venue:     {venue:?}\n  reference: {reference:?}"))
}

fn compare_states<V: Venue>(venue: &V, reference: &Reference) -> Option<String> {
    let compared = catch_unwind(AssertUnwindSafe(|| {
        venue.check();
        let differs = venue.state().difference(&reference.state());
        let hashes = (venue.state_hash(), reference.state_hash());
        differs.or_else(|| (hashes.0 != hashes.1).then(|| format!("state hashes: {hashes:?}")))
    }));
    compared.unwrap_or_else(|panic| Some(panic_text(&*panic)))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("something");
    format!("the venue panicked: {text}")
}

/// What differs when both venues start from nothing: an event, or the states at the end.
pub fn difference<V: Venue>(
    orders_max: u32,
    steps: &[(TimeNs, Command)],
    new: &impl Fn(u32) -> V,
) -> Option<String> {
    let (mut venue, mut reference) = (new(orders_max), Reference::new(orders_max as usize));
    for (time_ns, command) in steps {
        // What the reference cannot bear is no story.
        let expected = catch_unwind(AssertUnwindSafe(|| reference.apply(*time_ns, command))).ok()?;
        let differs = step(&mut venue, *time_ns, command, &expected);
        if differs.is_some() {
            return differs;
        }
    }
    compare_states(&venue, &reference)
}

fn explain<V: Venue>(
    seed: u64,
    first: String,
    steps: Steps,
    orders_max: u32,
    new: &impl Fn(u32) -> V,
) -> Difference {
    let command = steps.len();
    let still_differs = |steps: &[(TimeNs, Command)]| difference(orders_max, steps, new).is_some();
    let steps = if still_differs(&steps) { shrink::steps(steps, still_differs) } else { steps };
    let shrunk = difference(orders_max, &steps, new).unwrap_or_else(|| "nothing, from scratch".to_owned());
    let scenario = story(orders_max, &steps);
    Difference { seed, command, first, shrunk, commands: steps.len(), scenario }
}

/// Commands as a scenario with the events of the reference as expectations, the public ones too.
pub fn story(orders_max: u32, steps: &[(TimeNs, Command)]) -> String {
    let mut reference = Reference::new(orders_max as usize);
    let names = Names::of(steps.iter().map(|(_, command)| command));
    let mut answers = steps.iter().map(|(time_ns, command)| reference.apply(*time_ns, command));
    let mut text = "public on\n".to_owned();
    for line in write(orders_max, steps).lines() {
        text.push_str(line);
        text.push('\n');
        if !(line.starts_with("at ") || line.starts_with("orders-max ")) {
            let events = answers.next().expect("Invariant: every command is one line");
            events.iter().for_each(|event| text.push_str(&format!("  > {}\n", render(event, &names))));
        }
    }
    text
}
