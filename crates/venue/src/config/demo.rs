//! The venue that runs when nothing is configured.

/// A few instruments and three logins on loopback.
pub const DEMO: &str = r#"
data_dir = "data"
[order_entry]
listen = "127.0.0.1:9001"
[admin]
listen = "127.0.0.1:9002"
[journal]
sync = "always"

[[instrument]]
symbol = "ESH4"
tick_size = "0.25"
[[instrument]]
symbol = "AAPL"
tick_size = "0.01"
[[instrument]]
symbol = "MSFT"
tick_size = "0.01"
lot_size = 100

[[login]]
username = "ALICE"
password = "pw-alice"
firm = "ALCE"
[[login]]
username = "BOB"
password = "pw-bob"
firm = "BOBB"
[[login]]
username = "FLOW"
password = "pw-flow"
firm = "FLOW"
"#;
