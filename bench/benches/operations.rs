//! One operation at a time: decode, apply, append, encode.
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ringside_domain::{Action, Cancel, ClientOrderId, Command, Event, LoginId, OrderOptions, Replace};
use ringside_engine::{Engine, Limits};
use ringside_gateway::translate;
use ringside_journal::{Journal, SegmentOptions, SegmentSource, new_epoch};
use ringside_sim::steady::{SteadyFlow, enter, setup};
use ringside_storage::{Directory, Pace};

const COMMANDS: usize = 10_000;

fn warm_engine(flow: &mut SteadyFlow) -> Engine {
    let mut engine = Engine::new(Limits { orders_max: 1 << 20 });
    let commands = setup().into_iter().chain(flow.by_ref().take(50_000));
    commands.for_each(|command| engine.apply(1, &command, &mut |_: Event| {}));
    engine
}

fn engine(c: &mut Criterion) {
    let mut flow = SteadyFlow::new();
    let mut engine = warm_engine(&mut flow);
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(COMMANDS as u64));
    group.bench_function("apply_mixed_flow", |b| {
        b.iter_batched_ref(
            || flow.by_ref().take(COMMANDS).collect::<Vec<Command>>(),
            |commands| {
                let mut listener = |event: Event| {
                    black_box(event);
                };
                commands.iter().for_each(|command| engine.apply(1, command, &mut listener));
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("state_hash_1000_orders", |b| b.iter(|| black_box(engine.state_hash())));
    group.finish();
}

/// One kind of command at a time in an otherwise empty book: entered and cancelled again, replaced, traded.
fn single_operations(c: &mut Criterion) {
    let mut engine = Engine::new(Limits { orders_max: 1 << 20 });
    setup().iter().for_each(|command| engine.apply(1, command, &mut |_: Event| {}));
    let (mut next, price) = (1 << 24, 40_000_000);
    let mut apply = move |action: Action| {
        let command = Command { login: LoginId(1), action };
        engine.apply(1, &command, &mut |event: Event| {
            black_box(event);
        });
    };
    let cancel = |user_ref_num| Action::Cancel(Cancel { user_ref_num, quantity: 0, user_ref_idx: 0 });
    let replace = |original, user_ref_num| {
        Action::Replace(Replace {
            original,
            user_ref_num,
            quantity: 100,
            price: price - 2_500 * u64::from(user_ref_num % 16),
            client_order_id: ClientOrderId::BLANK,
            time_in_force: b'0',
            display: b'Y',
            intermarket_sweep: b'N',
            options: OrderOptions::default(),
        })
    };
    let mut group = c.benchmark_group("operation");
    group.bench_function("enter_and_cancel", |b| {
        b.iter(|| {
            next += 1;
            apply(Action::Enter(enter(next, b'B', 100, price, b'0')));
            apply(cancel(next));
        });
    });
    group.bench_function("replace", |b| {
        next += 1;
        apply(Action::Enter(enter(next, b'B', 100, price, b'0')));
        b.iter(|| {
            next += 1;
            apply(replace(next - 1, next));
        });
        apply(cancel(next));
    });
    group.bench_function("enter_and_match", |b| {
        b.iter(|| {
            next += 2;
            // The buyer rests, the seller meets it and nobody else.
            apply(Action::Enter(enter(next - 1, b'B', 1, price, b'0')));
            apply(Action::Enter(enter(next, b'S', 1, price, b'3')));
        });
    });
    group.finish();
}

fn codec(c: &mut Criterion) {
    let order = enter(1, b'B', 100, 48_000_000, b'0');
    let mut bytes = Vec::new();
    translate::enter_request(&order).encode(&mut bytes);
    c.bench_function("codec/enter_to_command", |b| b.iter(|| translate::action(black_box(&bytes))));
    let mut engine = warm_engine(&mut SteadyFlow::new());
    let mut events = Vec::new();
    SteadyFlow::new().skip(50_000).take(1_000).for_each(|command| {
        engine.apply(1, &command, &mut |event: Event| events.push(event));
    });
    let mut out = Vec::with_capacity(1 << 20);
    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("event_to_bytes", |b| {
        b.iter(|| {
            out.clear();
            events.iter().for_each(|event| translate::put_reply(1, black_box(event), &mut out));
        });
    });
    group.finish();
}

fn journal(c: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let disk = Directory::create(&directory.path().join("journal")).expect("a journal directory");
    let options = SegmentOptions { length: 64 << 20, ahead: 1, pace: Pace::Unpaced };
    let source = SegmentSource::inline(disk, options, 1);
    let mut journal = Journal::create(source, new_epoch(), 0).expect("a journal");
    let commands: Vec<Command> = SteadyFlow::new().take(1 << 12).collect();
    let mut sequence = 0;
    c.bench_function("journal/append", |b| {
        b.iter(|| {
            sequence += 1;
            journal.append(sequence, 1, &commands[sequence as usize % commands.len()]).expect("room")
        });
    });
}

criterion_group!(benches, engine, single_operations, codec, journal);
criterion_main!(benches);
