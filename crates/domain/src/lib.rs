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
pub mod market;
pub mod rules;
pub mod side;
pub mod state;
pub mod text;

pub use command::{
    AccountQuery, Action, Bust, BustSide, Cancel, CancelOrders, Command, Enter, EntrySwitch, InstrumentTerms,
    Kill, LoginTerms, MassCancel, Modify, NO_EXPIRE_AT, OrderOptions, Replace, Restrict, RiskLimits, Scope,
    SetLimits, SetState, StateHash, TICK_RANGES, TickRange, Transfer,
};
pub use event::{
    Accepted, CancelReason, Event, Fact, Liquidity, MarketFact, MassCancelAccepted, RejectReason,
    VenueRefusal,
};
pub use ids::{InstrumentId, LoginId, MatchNumber, OrderRef, Sequence, TimeNs, UserRefNum};
pub use market::{Allocation, AuctionKind, MarketState, SelfTradePrevention};
pub use rules::Rules;
pub use side::Side;
pub use text::{Account, Asset, ClientOrderId, Firm, Reason, Symbol, Text, Username};

const _: () = assert!(size_of::<Command>() <= 120, "with its stamp it fills a slot of two cache lines");
const _: () = assert!(size_of::<Event>() <= 112, "with sequence and time it fills a slot of two cache lines");
