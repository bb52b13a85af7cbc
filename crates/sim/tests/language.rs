//! What is written as a scenario is read again.

use ringside_domain::{Command, TimeNs};
use ringside_sim::scenario::{Scenario, write};

/// One line of every kind, with every option, as [`write`] has it.
const EVERYTHING: &str = r"orders-max 9
session 2
instrument ESH4 tick=25 lot=10 decimals=2 quantity-decimals=3 allocation=pro-rata ticks=1000:50,2000:100 collar=100..9000 band=100 call-ms=5 random-ms=6 reference=500 base=BTC quote=USD maker-fee=1 taker-fee=2
instrument HALF collar=..9
login ALICE firm=ALCE account=FUND cancel-on-disconnect stp=cancel-oldest
login BOB
login state id=9 stp=decrement
login \x20 firm=X\x20Y
change instrument ESH4 tick=50
change instrument NEW id=7
change login BOB stp=cancel-both
at 5000
ALICE enter 1 buy 100 ESH4 @ market capacity=A cross=O ioc hidden sweep=Y post-only min=1 iceberg=2 random=3 peg=mid offset=-4 discretion=5 seconds=6 gtc trigger=7 fok located=Y customer=\x20 side=sell group=7 channel=8 refused=9 firm=F broker=B label=\x00L
ALICE enter 2 \xff 100 \x20 @ 7 tif=6 display=A post=N peg=L until=77 mtl
ALICE enter 3 exempt 100 ESH4 @ 7 execution=x
ALICE replace 1 -> 2 total 5 @ 6 tif=5 hidden sweep=Y iceberg=3 label=X
ALICE cancel 2 to 4 channel=1
ALICE modify 2 short to 4 channel=1
ALICE mass-cancel 3 firm=F symbol=S side=buy group=0 channel=0
ALICE mass-cancel 4
ALICE disable 5 firm=F channel=1
ALICE enable 6
ALICE query channel=255
ALICE connect
ALICE disconnect
login#9 connect
login#77 connect
tick
at 5000
seed 18446744073709551615
state ESH4 auction kind=closing call=5 random=6 reason=NEWS
state ESH4 pre-open
state instrument#99 halted
uncross ESH4
end-of-day
limits login ALICE quantity=1 orders=2 notional=3 position=4 rate=5 burst=6 fat-finger=7
limits account FUND
restrict firm \x20 ESH4
allow login login#9 HALF
kill instrument ESH4
unkill login ALICE
cancel-orders instrument ESH4 symbol=HALF side=sell
deposit FUND USD 1000
withdraw FUND USD 1000
bust 3 ESH4 10 @ 500 reason=consent buyer=ALICE:1 buyer-channel=2 buyer-label=L buyer-fee=3 seller=login#9:4
remove instrument HALF
instrument HALF id=3
remove login BOB
storage full
storage free
";

fn commands(text: &str) -> (u32, Vec<(TimeNs, Command)>) {
    let scenario = Scenario::parse(text).unwrap();
    (scenario.orders_max, scenario.steps.iter().map(|step| (step.time_ns, step.command)).collect())
}

#[test]
fn every_line_is_written_as_it_was_read() {
    let (orders_max, commands) = commands(EVERYTHING);
    let written = write(orders_max, &commands);
    for (line, expected) in written.lines().zip(EVERYTHING.lines()) {
        assert_eq!(line, expected);
    }
    assert_eq!(written, EVERYTHING);
}

#[test]
fn times_ascend_by_one_from_where_they_are_set() {
    let (_, commands) = commands("tick\ntick\nat 2s\ntick\ntick\nat 2s\ntick\n");
    let times: Vec<_> = commands.iter().map(|(time_ns, _)| *time_ns).collect();
    assert_eq!(times, [1, 2, 2_000_000_000, 2_000_000_001, 2_000_000_000]);
}

#[test]
fn a_hash_inside_a_word_is_no_comment() {
    let (_, commands) = commands("login#3 connect # login#4 connect\n#tick\n  # tick\n");
    assert_eq!(commands.len(), 1);
    assert_eq!(commands[0].1.login.0, 3);
}
