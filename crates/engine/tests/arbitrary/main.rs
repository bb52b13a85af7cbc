//! Any bytes at all, read as commands: the engine never panics and stays consistent.
//!
//! Letters are any byte, numbers any number, ids mostly ones that exist. What the answers are is not looked at here.

mod bytes;
mod client;
mod venue;

use bytes::Bytes;
use proptest::prelude::*;
use ringside_domain::*;
use ringside_engine::{Engine, Limits};

impl Bytes<'_> {
    fn command(&mut self) -> Command {
        if self.byte().is_multiple_of(5) {
            Command { login: LoginId::VENUE, action: self.venue_action() }
        } else {
            Command { login: self.login(), action: self.client_action() }
        }
    }
}

/// A venue with two plain instruments and three logins.
fn venue() -> Engine {
    let mut engine = Engine::new(Limits { orders_max: 20 });
    let symbol = |text| Symbol::new(text).expect("short");
    let configuration = [
        Action::AddInstrument(InstrumentTerms::plain(InstrumentId(1), symbol("X"), 1, 1)),
        Action::AddInstrument(InstrumentTerms {
            allocation: Allocation::ProRata,
            ..InstrumentTerms::plain(InstrumentId(2), symbol("Y"), 2, 1)
        }),
    ];
    let logins = (1..=3).map(|id| {
        let name = Username::new(&format!("U{id}")).expect("short");
        Action::AddLogin(LoginTerms::plain(LoginId(id), name, Firm::new("FRMA").expect("short")))
    });
    for action in configuration.into_iter().chain(logins) {
        engine.apply(1, &Command { login: LoginId::VENUE, action }, &mut |_| {});
    }
    engine
}

/// `PROPTEST_CASES` says how many lists of bytes are tried.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(5_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_engine_panic(bytes in proptest::collection::vec(any::<u8>(), 0..6_000)) {
        let (mut engine, mut bytes, mut time_ns) = (venue(), Bytes(&bytes, 0), 1_u64);
        while !bytes.0.is_empty() {
            time_ns = time_ns.saturating_add(bytes.long().min(1 << 40));
            let command = bytes.command();
            engine.apply(time_ns, &command, &mut |_| {});
            engine.assert_consistent();
        }
    }
}
