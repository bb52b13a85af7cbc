//! The words of the venue and their limits.
//!
//! A [`Command`] goes into the engine, an [`Event`] is a fact that leaves it. Everything here is plain
//! `Copy` data: no clock, no file, no thread, no allocation, no floating point. Bytes on the wire and bytes
//! on disk are somebody else's business (`wire`, `journal`): they keep twins of these types and convert by
//! hand, so that a rename here never changes a format.
//!
//! Letters that a client sent (side, time in force, ...) stay letters in a command. A command is what was
//! *asked*, and what was asked wrongly is journaled and answered too; the engine alone decides what is valid.
#![no_std]
#![forbid(unsafe_code)]

pub mod command;
pub mod event;
pub mod ids;
pub mod limits;
pub mod side;
pub mod text;

pub use command::{
    AccountQuery, Action, Cancel, Command, Enter, EntrySwitch, InstrumentTerms, LoginTerms, MassCancel,
    Modify, OrderOptions, Replace,
};
pub use event::{Accepted, CancelReason, Event, Fact, Liquidity, MassCancelAccepted, RejectReason, Replaced};
pub use ids::{InstrumentId, LoginId, MatchNumber, OrderRef, Sequence, TimeNs, UserRefNum};
pub use side::Side;
pub use text::{ClientOrderId, Firm, Symbol, Text, Username};
