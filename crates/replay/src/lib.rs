//! The past explained: the journal of a data directory carried out again, command by command.
//!
//! Reads only. It takes no lock, writes no byte and needs no configuration: everything that decided what
//! happened is in the journal. Memory is bounded by the state of the engine, not by the length of the journal.
//!
//! On the journal of a running venue it stops at the durable watermark: what lies beyond has not happened yet.

mod json;
mod live;
mod past;
mod trade;

pub use json::{Names, command_json, event_json, state_json};
pub use past::{Past, ReplayError, Summary, Turn};
pub use trade::find_trade;
