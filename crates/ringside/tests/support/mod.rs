//! What all tests of the binary share: a venue as a child process, and a client that knows every byte it sends.
//!
//! Refuses to know: the crates that make up the venue. The only way in is a socket, a file or a signal.

// Each test file uses its own part of this.
#![allow(dead_code)]

mod client;
mod site;

use std::time::{Duration, Instant};

#[allow(unused_imports, reason = "each test file uses its own part of this")]
pub use client::{
    Client, Got, MARKET, PRICE, Stream, cancel, encode, enter, login_and_orders, login_request, order, query,
    reply,
};
#[allow(unused_imports, reason = "each test file uses its own part of this")]
pub use site::{CONFIG, Exit, Running, Site, binary};

/// Long enough for a loaded machine; a test that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Looks until `found` gives something, or panics with `what` once patience is over.
pub fn eventually<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(since.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// True when strace can trace a child here; the reason is printed otherwise.
pub fn strace_works() -> bool {
    let tried = std::process::Command::new("strace")
        .args(["-D", "-o", "/dev/null", "true"])
        .stderr(std::process::Stdio::null())
        .status();
    let works = tried.is_ok_and(|status| status.success());
    if !works {
        println!("skipped: strace is missing or ptrace is not allowed");
    }
    works
}

/// A number from the environment, or the default of the suite.
pub fn number_from(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")),
        Err(_) => default,
    }
}

/// A seed from RINGSIDE_SEED or the clock. Printed first, so that a failure can be had again.
pub fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970");
    let seed = number_from("RINGSIDE_SEED", now.as_nanos() as u64 % 1_000_000_007);
    println!("RINGSIDE_SEED={seed}");
    seed
}

/// splitmix64 (Steele, Lea, Flood 2014): enough chance for kill times.
pub struct Dice(pub u64);

impl Dice {
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        low + (z ^ (z >> 31)) % (high - low)
    }
}
