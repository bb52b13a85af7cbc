//! The past explained: the journal of a data directory carried out again, command by command.
//!
//! Reads only. It takes no lock, writes no byte and needs no configuration: everything that decided what
//! happened is in the journal. Memory is bounded by the state of the engine, not by the length of the journal.
//!
//! On the journal of a running venue it stops at the durable watermark: what lies beyond has not happened yet.

mod beginning;
mod difference;
mod export;
mod json;
mod life;
mod lines;
mod live;
mod matches;
mod orders;
mod past;
mod place;
mod salvage;
mod trade;
mod what_if;
mod words;

pub use difference::{Aspect, Comparison, Difference, Divergence, Finding};
pub use export::{Cell, Column, Export, ExportError, Format, Kind, Rows, TABLES, Table};
pub use json::{
    CommandError, Names, command_from_json, command_json, event_json, login_name, state_json, write_state,
};
pub use life::{Counterparty, Ending, Life, Step, Wanted, Whole};
pub use lines::{LineDivergence, Lines, LinesError};
pub use matches::{Market, Trade, TradeSide};
pub use orders::{Change, Live, Name, Orders};
pub use past::{Past, ReplayError, Summary, Turn};
pub use place::{data_dir_of, journal_of};
pub use salvage::{Salvage, SalvageError, Salvaged, salvage};
pub use trade::find_trade;
pub use what_if::{Edit, EditError, Edits, WhatIf};
pub use words::{fact_words, time_words};
