//! How cost and memory grow with the work: more instruments, more resting orders.

use std::path::Path;
use std::time::{Duration, Instant};

use ringside_domain::{
    Action, Cancel, ClientOrderId, Command, Enter, Event, Firm, InstrumentId, InstrumentTerms, LoginId,
    LoginTerms, OrderOptions, Symbol, Username,
};
use ringside_engine::{Engine, Limits};
use ringside_sim::random::Prng;

use super::announce;
use crate::bench::progress::Steps;
use crate::bench::report::{Report, rounded};

const LOGIN: LoginId = LoginId(1);
/// Commands timed for each row.
const TIMED: usize = 1_000_000;
/// Price levels of each side that orders choose from.
const LEVELS: u64 = 500;
/// Resting orders at which memory is measured.
const MEMORY_ORDERS: usize = 1_000_000;

/// Instruments and resting orders of the rows.
const ROWS: [(u32, usize); 9] = [
    (1, 1_000),
    (1, 10_000),
    (1, 100_000),
    (1, 1_000_000),
    (1, 10_000_000),
    (100, 100_000),
    (1_000, 100_000),
    (10_000, 100_000),
    (10_000, 1_000_000),
];

/// Half the commands enter a passive order, half cancel a random live one.
pub fn measure() -> Report {
    let steps = Steps::new("core", ROWS.len() as u64 + 1);
    let bytes_per_order = bytes_per_order();
    steps.step();
    let rows = ROWS.map(|(instruments, resting)| {
        let ns = Desk::new(instruments, resting).ns_per_command();
        steps.step();
        serde_json::json!({"instruments": instruments, "resting": resting, "ns_per_command": rounded(ns)})
    });
    let mut report = Report::new("core", Path::new("."));
    report.number("bytes_per_resting_order", bytes_per_order);
    report.value("rows", rows.to_vec());
    report
}

/// Memory of the process for each of a million resting orders: arena, index, levels, everything.
pub fn bytes_per_order() -> f64 {
    let mut desk = Desk::empty(1, MEMORY_ORDERS);
    let before = resident_bytes();
    for _ in 0..MEMORY_ORDERS {
        let command = desk.next_enter();
        desk.engine.apply(1, &command, &mut |_: Event| {});
    }
    assert_eq!(desk.engine.live_orders() as usize, MEMORY_ORDERS, "all orders rest");
    (resident_bytes() - before) as f64 / MEMORY_ORDERS as f64
}

/// Resident memory of this process.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4_096
}

/// A venue with one busy login.
struct Desk {
    engine: Engine,
    prng: Prng,
    symbols: Vec<Symbol>,
    live: Vec<u32>,
    last: u32,
}

impl Desk {
    fn empty(instruments: u32, resting: usize) -> Self {
        let mut engine = Engine::new(Limits { orders_max: resting as u32 + 1 });
        let symbol = |n: u32| Symbol::new(&format!("X{n}")).expect("short");
        let mut configure = |action| {
            let command = Command { login: LoginId::VENUE, action };
            engine.apply(0, &command, &mut |_: Event| {});
        };
        let (username, firm) = (Username::new("SCALE").expect("short"), Firm::new("SCAL").expect("short"));
        configure(Action::AddLogin(LoginTerms::plain(LOGIN, username, firm)));
        for n in 1..=instruments {
            configure(Action::AddInstrument(InstrumentTerms::plain(InstrumentId(n), symbol(n), 1, 1)));
        }
        let symbols = (1..=instruments).map(symbol).collect();
        Desk { engine, prng: Prng::new(7), symbols, live: Vec::with_capacity(resting + 1), last: 0 }
    }

    fn new(instruments: u32, resting: usize) -> Self {
        let mut desk = Desk::empty(instruments, resting);
        for _ in 0..resting {
            let command = desk.next_enter();
            desk.engine.apply(1, &command, &mut |_: Event| {});
        }
        desk
    }

    fn next_enter(&mut self) -> Command {
        self.last += 1;
        self.live.push(self.last);
        let symbol = self.symbols[self.prng.below(self.symbols.len() as u64) as usize];
        let (buy, distance) = (self.prng.chance(50), self.prng.below(LEVELS));
        let enter = Enter {
            user_ref_num: self.last,
            quantity: 100,
            price: if buy { 100_000 - distance } else { 100_001 + distance },
            symbol,
            client_order_id: ClientOrderId::BLANK,
            side: if buy { b'B' } else { b'S' },
            time_in_force: b'0',
            display: b'Y',
            capacity: b'P',
            intermarket_sweep: b'N',
            cross_type: b'N',
            options: OrderOptions::default(),
        };
        Command { login: LOGIN, action: Action::Enter(enter) }
    }

    fn next_cancel(&mut self) -> Command {
        let at = self.prng.below(self.live.len() as u64) as usize;
        let user_ref_num = self.live.swap_remove(at);
        let cancel = Cancel { user_ref_num, quantity: 0, user_ref_idx: 0 };
        Command { login: LOGIN, action: Action::Cancel(cancel) }
    }

    fn ns_per_command(&mut self) -> f64 {
        let mut elapsed = Duration::ZERO;
        let mut batch = Vec::with_capacity(super::BATCH);
        for _ in 0..TIMED / super::BATCH {
            batch.clear();
            for _ in 0..super::BATCH / 2 {
                batch.push(self.next_cancel());
                batch.push(self.next_enter());
            }
            let begin = Instant::now();
            for (at, command) in std::hint::black_box(&batch).iter().enumerate() {
                announce(&self.engine, &batch, at);
                self.engine.apply(2, command, &mut |event: Event| {
                    std::hint::black_box(&event);
                });
            }
            elapsed += begin.elapsed();
        }
        elapsed.as_nanos() as f64 / (TIMED / super::BATCH * super::BATCH) as f64
    }
}
