//! The other end of the wire: SoupBinTCP 3.00 / OUCH 5.0 clients, blocking or driven by a poll loop, over TCP, TLS 1.3 (feature
//! `tls`) or a Unix socket ([`Address`]).
//!
//! - [`Client`] is one connection: login, heartbeats, packets in and out. When the link is gone, so is it.
//! - [`Session`] is what a trading program wants: it connects again, rewinds to the first message it has not
//!   seen, and sends again what nobody has acknowledged. Read its page for the exact rule.
//!
//! - [`Driver`] is the same session without I/O: a program with a poll loop of its own moves the bytes.
//!
//! What this crate refuses to know: order books, positions, what a reply means to its reader.
//!
//! **Architecture Invariant:** no thread, no async runtime, no lock. All work is done inside the caller's
//! calls; a caller that stays away for longer than the venue's patience (15 s) loses the link.
//!
//! **Architecture Invariant:** nothing is allocated per message once buffers and spare parts are warm.
//! A received payload is borrowed from the read buffer until the next call.
//!
//! Known limits: a TLS handshake waits `connect_timeout` for each of its messages; waits have the resolution of the kernel's socket
//! timeouts (a few milliseconds), but data that arrives ends them at once.
#![forbid(unsafe_code)]

mod address;
mod backoff;
mod client;
mod doubt;
mod driver;
mod error;
mod input;
mod link;
mod options;
mod output;
mod pending;
mod row;
mod session;
mod socket;
#[cfg(feature = "tls")]
mod tls;
mod unacknowledged;

pub use address::Address;
pub use client::{Client, Message};
pub use doubt::{Fate, Resolved};
pub use driver::{Driver, DriverState};
pub use error::{ClientError, ConnectError, CredentialsError, SessionError};
pub use options::{AfterLoss, ClientOptions, Credentials, SessionOptions};
pub use session::{FENCE_CHANNELS, Session};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError, TlsOptions};
