//! What `scripts/instruction-gate` counts under callgrind: the engine on two fixed lists of commands. Counts instead of
//! times, so that a busy machine does not matter.

use std::hint::black_box;

use ringside_domain::{Command, Event, TimeNs};
use ringside_engine::{Engine, Limits};
use ringside_sim::random::{RandomFlow, RandomShape};
use ringside_sim::steady::{SteadyFlow, setup};

/// Commands before the count begins.
const WARM: usize = 20_000;
/// Commands counted of the plain flow; `scripts/instruction-gate` divides by it.
const PLAIN: usize = 100_000;
/// Commands counted of the flow with every rule.
const EVERYTHING: usize = 5_000;

fn main() {
    plain();
    everything();
}

fn plain() {
    let mut flow = SteadyFlow::new();
    let mut engine = Engine::new(Limits { orders_max: 1 << 20 });
    let commands: Vec<Command> = setup().into_iter().chain(flow.by_ref().take(WARM)).collect();
    commands.iter().for_each(|command| engine.apply(1, command, &mut |_: Event| {}));
    let commands: Vec<(TimeNs, Command)> = flow.take(PLAIN).map(|command| (2, command)).collect();
    counted_plain(&mut engine, &commands);
}

fn everything() {
    let shape = RandomShape::everything();
    let mut engine = Engine::new(Limits { orders_max: shape.orders_max as u32 });
    let commands: Vec<(TimeNs, Command)> =
        RandomFlow::new(1, shape).map(|(time_ns, command, _)| (time_ns, command)).take(EVERYTHING).collect();
    counted_everything(&mut engine, &commands);
}

#[inline(never)]
fn counted_plain(engine: &mut Engine, commands: &[(TimeNs, Command)]) {
    apply_all(engine, commands);
}

#[inline(never)]
fn counted_everything(engine: &mut Engine, commands: &[(TimeNs, Command)]) {
    // Something of its own: two functions of one body would be folded into one.
    black_box(engine.live_orders());
    apply_all(engine, commands);
}

#[inline(always)]
fn apply_all(engine: &mut Engine, commands: &[(TimeNs, Command)]) {
    for (time_ns, command) in commands {
        engine.apply(*time_ns, command, &mut |event: Event| {
            black_box(&event);
        });
    }
}
