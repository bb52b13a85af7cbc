//! The enemy: everything that tries to prove the engine wrong, and the flows that feed it.
//!
//! - [`mod@reference`]: a naive venue, obvious rather than fast. The engine must say exactly what it says.
//! - [`random`]: a seeded source of commands, polite and hostile ones.
//! - [`lockstep`]: a venue under test against the reference, and the shortest story in which they differ.
//! - [`floor`]: a bare matching core, the physical reference of benchmarks.
//! - [`flow`]: order-flow files (CSV) and the digest of their fills.
//! - [`stream`]: the binary benchmark streams and their trade digest.
//! - [`steady`]: an endless, simple flow for measurements.
//! - [`scenario`]: commands and expected events as text that a trader can read.
//!
//! **Architecture Invariant:** this library knows `domain` and nothing else of the house. It never sees
//! `book` or `engine`, so it can not repeat their mistakes. Nothing here is fast on purpose, except where a
//! benchmark needs five million commands translated.
#![forbid(unsafe_code)]

pub mod floor;
pub mod flow;
pub mod lockstep;
pub mod random;
pub mod reference;
pub mod scenario;
pub mod steady;
pub mod stream;
