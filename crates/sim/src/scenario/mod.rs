//! Text scenarios: one command a line, the events it must cause indented beneath.
//!
//! ```text
//! # a hash at the start of a word starts a comment
//! orders-max 4
//! instrument ESH4 tick=2500 lot=1
//! login ALICE firm=ALCE
//! login BOB firm=BOBB cancel-on-disconnect stp=cancel-oldest
//! ALICE enter 1 buy 100 ESH4 @ 48000000
//!   > ALICE accepted 1 buy 100 ESH4 @ 48000000 ref 1
//! BOB enter 1 sell 30 ESH4 @ market
//!   > BOB accepted 1 sell 30 ESH4 @ market ref 2
//!   > ALICE executed 1 30 @ 48000000 added match 1
//!   > BOB executed 1 30 @ 48000000 removed match 1
//! ```
//!
//! A command without lines beneath must cause no event. [`write()`] makes such lines of commands again.
//!
//! # Clients
//!
//! ```text
//! ALICE replace 1 -> 2 total 50 @ 47997500 ioc
//! ALICE cancel 2 to 40
//! ALICE modify 2 short to 40
//! ALICE mass-cancel 3 firm=ALCE symbol=ESH4 side=buy group=7 channel=1
//! ALICE disable 4
//! ALICE enable 5
//! ALICE query
//! ALICE connect
//! ALICE disconnect
//! ```
//!
//! Sides: `buy sell short exempt`, or any other single letter as it is. Options of enter and replace:
//!
//! - switches: `ioc` (`tif=3`), `post-only` (`post=P`), `hidden` (`display=N`), `fok` and `mtl` (`execution=F`, `=M`),
//!   `gtc` (tag 128 with 0);
//! - one letter: `tif= display= capacity= sweep= cross= post= located= customer= side= execution=`, and
//!   `peg=primary|market|mid` or a letter;
//! - numbers: `min= iceberg=` (MaxFloor) `random=` (RandomReserves) `offset= discretion= seconds=` (tag 15) `until=`
//!   (tag 128) `trigger= group= channel= refused=`;
//! - text: `firm= broker= label=`.
//!
//! Letters and text may be escaped, `\x20` is a space. Times may have a unit, `5ms`, `2s`.
//!
//! # The venue
//!
//! ```text
//! instrument ESH4 tick=2500 lot=1 decimals=4 quantity-decimals=0 allocation=pro-rata
//! instrument X ticks=1000000:500,2000000:1000 collar=100..900 band=100 call-ms=5 random-ms=1 reference=500
//! instrument BTC base=BTC quote=USD maker-fee=100 taker-fee=200
//! login CAROL account=FUND stp=cancel-newest|cancel-oldest|cancel-both|decrement
//! change instrument ESH4 tick=100 lot=10      # change login, remove instrument, remove login
//! session 2
//! storage full                                # storage free
//! at 5s                                       # time of the next command; each one after it is 1 ns later
//! tick
//! seed 7
//! state ESH4 auction kind=closing call=5s random=1s reason=NEWS
//! uncross ESH4
//! end-of-day
//! limits firm ALCE quantity= orders= notional= position= rate= burst= fat-finger=
//! restrict login ALICE ESH4                   # allow
//! kill account FUND                           # unkill
//! cancel-orders instrument ESH4 side=buy symbol=ESH4
//! deposit FUND USD 1000                       # withdraw
//! bust 1 ESH4 30 @ 48000000 reason=consent buyer=ALICE:1 seller=BOB:1 buyer-fee=1 buyer-channel=2 buyer-label=X
//! ```
//!
//! Ids of logins and instruments count from 1 in the order they are named first, unless `id=` says otherwise;
//! `login#7` and `instrument#7` name anybody by number.
//!
//! # Events
//!
//! An option is shown only when it is not the usual one.
//!
//! ```text
//! > ALICE accepted 1 buy 100 ESH4 @ 48000000 ref 1 ioc iceberg=10
//! > ALICE replaced 1 -> 2 buy 100 ESH4 @ 48000000 ref 1
//! > ALICE executed 1 30 @ 48000000 added|removed|opening|closing|halt match 1
//! > ALICE canceled 1 30 user|immediate|post-only|supervisory|timeout|closed|cross|collar
//! > ALICE rejected 1 price
//! > ALICE prevented 1 QUANTITY of PREVENTED @ 48000000 added|removed cancel-oldest
//! > ALICE refreshed 1 10 ref 7
//! > ALICE repriced 1 @ 48000000               # or: repriced 1 parked
//! > ALICE triggered 1 @ 48000000 ref 3
//! > ALICE broken 1 match 4 consent
//! > refused state                             # by the venue, to the operator
//! ```
//!
//! What the public is told is compared only after the line `public on` (until `public off`):
//!
//! ```text
//! > market ESH4 added ref 5 buy 10 @ 480000
//! > market ESH4 executed ref 5 10 @ 480000 match 1
//! > market ESH4 reduced ref 5 4
//! > market ESH4 deleted ref 5
//! > market ESH4 replaced ref 5 -> 6 10 @ 480000
//! > market ESH4 traded buy 10 @ 480000 match 1
//! > market ESH4 crossed opening 10 @ 480000
//! > market ESH4 indicative 10 @ 480000 surplus 4 buy
//! > market ESH4 state auction kind=volatility reason=BAND
//! > market ESH4 broken match 1
//! ```

mod line;
mod names;
mod parse;
mod parse_client;
mod parse_config;
mod parse_order;
mod parse_venue;
mod render;
mod render_market;
mod run;
mod spell;
mod words;
mod write;
mod write_client;
mod write_config;
mod write_venue;

pub use names::Names;
pub use parse::ParseError;
pub use render::render;
pub use run::{Mismatch, run};
pub use write::write;

use ringside_domain::{Command, TimeNs};

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
    /// When it happens.
    pub time_ns: TimeNs,
    /// The command.
    pub command: Command,
    /// Compare what the public is told, too.
    pub public: bool,
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
