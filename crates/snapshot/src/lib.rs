//! State ⇄ file: what an engine is made of after one command of the journal, so that a start need not carry out
//! everything before it again.
//!
//! [`write()`] makes a file of an engine, [`load`] an engine of a file, [`Generations`] keeps the files of a directory. The
//! bytes are in [`mod@format`] and [`mod@records`] and, in prose, in `docs/formats/snapshot.md`.
//!
//! # Invariants
//! - A file under its own name is whole: it was written under another one, synced, read back, and only then renamed, and
//!   the directory was synced before anything older was removed.
//! - Every byte of a file is covered by a checksum. A file in which any bit is not as written is refused, never half used.
//! - An engine that was loaded has the state hash that stands in the header, and goes on like the one that was written.
//!
//! # What this crate does not do
//! It reads no journal, starts no thread, and does not decide when a snapshot is made, or in which order they are tried.
//!
//! # Known limits
//! - [`load`] checks checksums, not the state hash: that costs a walk over all orders. [`Loaded::verify`] does.
#![deny(unsafe_code)]

mod error;
pub mod format;
mod generations;
mod read;
pub mod records;
mod section;
mod write;

pub use error::{Damage, SnapshotError};
pub use format::{Header, Position, file_name, sequence_of};
pub use generations::{Broken, Generations, KEPT};
pub use read::{Loaded, load, read_header};
pub use records::StreamImage;
pub use write::{Content, write};
