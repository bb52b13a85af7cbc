//! One instrument: price levels, and the orders that rest on them in price-time priority.
//!
//! A [`Book`] is two [`Ladder`]s, bids and asks. Orders live in one arena, [`Orders`], shared by all books of
//! an engine, so that an order's slot is all that is needed to reach it. A level is an intrusive list through
//! that arena: cancel is O(1) at any depth.
//!
//! The book knows prices as ticks and quantities as shares. It does not know logins, messages, time or
//! rules of acceptance: it trades what it is given and tells a [`Fills`] listener.
//!
//! *Architecture Invariant:* nothing here allocates per command. The arena is reserved at start; pages of
//! levels are reused and grow only to the largest number of levels ever seen.
//!
//! *Architecture Invariant:* no iteration over a hash map. Every walk is by price, then by arrival.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod book;
pub mod directory;
pub mod ladder;
pub mod orders;

pub use book::{Book, Fill, Fills, Incoming};
pub use ladder::{Ladder, Level};
pub use orders::{NONE, Order, Orders, Slot};

/// A price in multiples of the instrument's tick, ≥ 1.
pub type Tick = u32;
