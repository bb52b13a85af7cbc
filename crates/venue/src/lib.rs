//! The wiring of a venue: rings, threads, pinning, recovery, admin. The only crate that starts threads.
//!
//! ```text
//! sockets → gateway → input ring ─┬→ journal ──→ released ──┐
//!                                 └→ engine → output ring ──┴→ egress → streams → sockets
//! ```
//!
//! A stage is `poll() -> worked?`; a thread owns some stages and a wait strategy; a layout says which. The same
//! stages run on one thread, on three, or stepped by a test.
//!
//! *Architecture Invariant:* no byte about sequence n leaves before `released >= n` ([`shared::Shared`]).
//! Released is durable under `sync = "always"`, and handed to the kernel under the other modes.
//!
//! *Architecture Invariant:* a stage never waits for another stage inside `poll()`. What finds no room stays with
//! the stage and is tried again.
//!
//! *Architecture Invariant:* the first error of a stage stops all of them. Nothing is acknowledged after it.

pub mod admin;
pub mod archive;
pub mod bell;
pub mod boot;
pub mod budget;
pub mod clock;
pub mod config;
pub mod desk;
mod entry;
mod files;
pub mod layout;
pub mod metrics;
pub mod named;
pub mod recovery;
pub mod ring;
pub mod roll;
pub mod scheduling;
pub mod shared;
pub mod silence;
pub mod snapshots;
pub mod stages;
pub mod stall;
pub mod tasks;
pub mod threads;
pub mod timing;
pub mod venue;

pub use admin::{Directory, EventJson, FindTrade, TradeError};
pub use config::{Config, ConfigError, Overrides};
pub use venue::{Ready, Tools, Venue, VenueError};
