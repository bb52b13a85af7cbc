//! One instrument: price levels, and the orders that stand on them in priority.
//!
//! A [`Book`] is four [`Ladder`]s: visible and hidden orders of each side. Orders and levels live in one
//! [`Store`], shared by all books of an engine, so that an order's slot is all that is needed to reach it, and a
//! book that is hardly used costs hardly anything. A level is an intrusive list through the store: cancel is O(1)
//! at any depth.
//!
//! The book knows prices as ticks and quantities as shares. It does not know who owns an order, what a message
//! is, what time it is, or when a trade is allowed: it says which order stands first, and moves orders about.
//!
//! *Architecture Invariant:* nothing here allocates per command. The orders are reserved at start; pages of
//! levels are reused and grow only to the largest number ever in use.
//!
//! *Architecture Invariant:* no iteration over a hash map. Every walk is by price, then by arrival.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

pub mod book;
pub mod directory;
pub mod ladder;
pub mod orders;
mod prefetch;

pub use book::{Book, First, Queue, limit_rank, market_tick, rank_of, tick_of};
pub use ladder::{Ladder, Level, NO_RANK, Pages, Rank};
pub use orders::{Letters, NONE, Order, Orders, Slot};
pub use prefetch::fetch;

/// A price in multiples of the instrument's tick, ≥ 1. See [`market_tick`] for orders without a price.
pub type Tick = u32;

/// Where all books of an engine keep their orders and their levels.
#[derive(Debug)]
pub struct Store {
    /// Orders by slot.
    pub orders: Orders,
    /// Levels by page.
    pub pages: Pages,
}

impl Store {
    /// Room for `orders_max` live orders.
    pub fn new(orders_max: u32) -> Self {
        Store { orders: Orders::new(orders_max), pages: Pages::default() }
    }
}
