//! Hand-computed cases of the independent Python reference (shared/conformance/book.py, `selftest`) that
//! apply to this stage, and what a scenario can not see: fills and books.

use ringside_domain::{Command, Event, Fact, Symbol};
use ringside_sim::reference::{BookView, Fill, Reference};
use ringside_sim::scenario::{Names, Scenario, render};

const VENUE: &str = "instrument X tick=100 lot=1\nlogin A firm=F1\nlogin B firm=F2\n";

/// A venue and the text of what is said to it.
struct Talk {
    reference: Reference,
    steps: Vec<Command>,
    names: Names,
}

impl Talk {
    fn new(lines: &str) -> Self {
        let scenario = Scenario::parse(&format!("{VENUE}{lines}")).unwrap();
        let steps = scenario.steps.iter().rev().map(|step| step.command).collect();
        let mut talk = Talk { reference: Reference::new(100), steps, names: scenario.names };
        (0..VENUE.lines().count()).for_each(|_| assert!(talk.next().is_empty()));
        talk
    }

    fn next(&mut self) -> Vec<String> {
        let time_ns = self.reference.venue_state().time_ns + 1;
        let events: Vec<Event> = self.reference.apply(time_ns, &self.steps.pop().expect("another line"));
        events
            .iter()
            .filter(|event| !matches!(event.fact, Fact::Market { .. }))
            .map(|event| render(event, &self.names))
            .collect()
    }

    fn all(lines: &str) -> Reference {
        let mut talk = Talk::new(lines);
        while !talk.steps.is_empty() {
            talk.next();
        }
        talk.reference
    }
}

#[test]
fn the_cases_of_the_python_selftest_hold() {
    let mut talk = Talk::new(
        "A enter 1 buy 10 X @ 1000000\nB enter 1 buy 10 X @ 1000000\nB enter 2 sell 15 X @ 999900\n\
         B replace 1 -> 3 total 9 @ 1000000\nB cancel 3 to 9\nB cancel 3 to 8\n\
         B replace 3 -> 4 total 5 @ 1000000\nB enter 4 sell 3 X @ 1000000\nA enter 1 sell 1 X @ 1000000\n\
         A query\nB mass-cancel 5\n",
    );
    assert_eq!(talk.next(), ["A accepted 1 buy 10 X @ 1000000 ref 1"]);
    assert_eq!(talk.next(), ["B accepted 1 buy 10 X @ 1000000 ref 2"]);
    let price_time = talk.next();
    assert_eq!(
        price_time,
        [
            "B accepted 2 sell 15 X @ 999900 ref 3",
            "A executed 1 10 @ 1000000 added match 1",
            "B executed 2 10 @ 1000000 removed match 1",
            "B executed 1 5 @ 1000000 added match 2",
            "B executed 2 5 @ 1000000 removed match 2",
        ]
    );
    assert_eq!(talk.next(), ["B replaced 1 -> 3 buy 4 X @ 1000000 ref 4"], "total 9 less 5 executed");
    assert_eq!(talk.next(), [""; 0], "a total of 9 is what it has");
    assert_eq!(talk.next(), ["B canceled 3 1 user"]);
    assert_eq!(talk.next(), ["B canceled 3 3 user"], "a total of what is executed cancels");
    assert_eq!(talk.next(), ["B accepted 4 sell 3 X @ 1000000 ref 5"], "URN 4 was not consumed");
    assert_eq!(talk.next(), [""; 0], "stale");
    assert_eq!(talk.next(), ["A next 2"]);
    assert_eq!(talk.next(), ["B mass-canceling 5", "B canceled 4 3 user"]);
}

#[test]
fn fills_name_taker_and_maker() {
    let reference = Talk::all("A enter 7 buy 10 X @ 1000000\nB enter 3 sell 4 X @ 999900\n");
    let fill = reference.fills()[0];
    let (taker, maker) = ((2, 3), (1, 7));
    assert_eq!(((fill.taker.0.0, fill.taker.1), (fill.maker.0.0, fill.maker.1)), (taker, maker));
    assert_eq!((fill.price, fill.quantity), (1_000_000, 4));
    assert_eq!(reference.fills(), [Fill { ..fill }]);
}

#[test]
fn a_book_shows_each_side_in_priority() {
    let reference = Talk::all(
        "A enter 1 buy 1 X @ 900\nA enter 2 buy 2 X @ 1000\nB enter 1 buy 3 X @ 1000\n\
         A enter 3 sell 4 X @ 1200\nB enter 2 sell 5 X @ 1100\nA enter 4 sell 6 X @ 1100\n",
    );
    let BookView { bids, asks } = reference.book(Symbol::new("X").unwrap());
    let open = |orders: &[ringside_sim::reference::Order]| orders.iter().map(|o| o.open).collect::<Vec<_>>();
    assert_eq!((open(&bids), open(&asks)), (vec![2, 3, 1], vec![5, 6, 4]));
    assert_eq!(reference.book(Symbol::new("NONE").unwrap()), BookView::default());
}

#[test]
fn commands_of_nobody_are_ignored() {
    let scenario = Scenario::parse(&format!("{VENUE}A enter 1 buy 1 X @ 100\n")).unwrap();
    let mut reference = Reference::new(1);
    assert!(reference.apply(1, &scenario.steps[3].command).is_empty());
    assert_eq!(reference.orders().count(), 0);
}
