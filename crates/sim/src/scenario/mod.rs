//! Text scenarios: one command a line, the events it must cause indented beneath.
//!
//! ```text
//! # anything after a hash is a comment
//! orders-max 4
//! instrument ESH4 tick=2500 lot=1
//! login ALICE firm=ALCE
//! login BOB firm=BOBB cancel-on-disconnect
//! ALICE enter 1 buy 100 ESH4 @ 48000000
//!   > ALICE accepted 1 buy 100 ESH4 @ 48000000 ref 1
//! BOB enter 1 sell 30 ESH4 @ market
//!   > BOB accepted 1 sell 30 ESH4 @ market ref 2
//!   > ALICE executed 1 30 @ 48000000 added match 1
//!   > BOB executed 1 30 @ 48000000 removed match 1
//! ALICE replace 1 -> 2 total 50 @ 47997500 ioc
//! ALICE cancel 2 to 40
//! ALICE modify 2 short to 40
//! ALICE mass-cancel 3 firm=ALCE symbol=ESH4 side=buy group=7 channel=1
//! ALICE disable 4
//! ALICE enable 5
//! ALICE query
//! ALICE connect
//! ALICE disconnect
//! change instrument ESH4 tick=100 lot=10
//! change login ALICE firm=NEWF
//! remove instrument ESH4
//! remove login ALICE
//! session 2
//! storage full | storage free
//! ```
//!
//! A command without lines beneath must cause no event. Sides: `buy sell short exempt`, or any other single
//! letter as it is. Options of enter and replace: `ioc` (`tif=3`), `post-only` (`post=P`), `tif= display=
//! capacity= sweep= cross= post= located= customer= side=` (one letter), `group= min= channel= refused=`
//! (number), `firm= broker= label=` (text). Events show an option only when it is not the usual one.
//!
//! Ids of logins and instruments count from 1 in the order they are named first.

mod names;
mod parse;
mod render;
mod run;
mod words;

pub use names::Names;
pub use parse::ParseError;
pub use render::render;
pub use run::{Mismatch, run};

use ringside_domain::Command;

/// A parsed scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Most orders that may rest at once; `ORDERS_MAX_DEFAULT` unless the scenario says otherwise.
    pub orders_max: u32,
    /// Who is who.
    pub names: Names,
    /// Commands in order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// Reads a scenario.
    pub fn parse(text: &str) -> Result<Scenario, ParseError> {
        parse::parse(text)
    }
}

/// A command and what it must cause.
#[derive(Clone, Debug)]
pub struct Step {
    /// 1-based line of the command.
    pub line: usize,
    /// The line itself.
    pub text: String,
    /// The command.
    pub command: Command,
    /// Events, in order.
    pub expected: Vec<Expected>,
}

/// An event that must happen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expected {
    /// 1-based line.
    pub line: usize,
    /// What [`render`] must say, single spaces between the words.
    pub text: String,
}
